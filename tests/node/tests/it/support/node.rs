//! Nodes as processes.

use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tillmesh_examples::client::{Client, wait_until};

use super::http::{Answer, Request};

/// How long a node may take until it is ready; one with plugins compiles them first.
const READY: Duration = Duration::from_secs(120);
/// Where a node listens that has no address yet.
const ANY: &str = "127.0.0.1:0";
/// What a node's log says once it listens.
const LISTENING: &str = "listening at http://";

/// How to start a node.
#[derive(Clone)]
#[must_use]
pub struct Setup {
    name: String,
    location: String,
    settings: String,
    /// Where its API listens: any free port at first, the same again after a restart.
    listen: SocketAddr,
    broker: Option<[String; 2]>,
    /// The largest file that the process may write, in blocks of 512 bytes.
    file_limit: Option<u64>,
}

/// A running node with a folder of its own. It is killed when dropped.
pub struct Node {
    setup: Setup,
    folder: TempDir,
    child: Option<Child>,
}

impl Setup {
    /// A node whose location has its name, without a broker.
    pub fn new(name: &str) -> Self {
        let (name, location) = (name.to_owned(), name.to_owned());
        let listen = ANY.parse().unwrap();
        Self { name, location, settings: String::new(), listen, broker: None, file_limit: None }
    }

    /// The same at another location.
    pub fn location(mut self, location: &str) -> Self {
        self.location = location.to_owned();
        self
    }

    /// The same with lines of settings.
    pub fn settings(mut self, settings: &str) -> Self {
        self.settings.push_str(settings);
        self
    }

    /// The same on every address of the machine.
    pub fn wide(mut self) -> Self {
        self.listen.set_ip(Ipv4Addr::UNSPECIFIED.into());
        self
    }

    /// The same with a broker of its own.
    pub fn with_broker(mut self) -> Self {
        self.broker = Some(["--embedded-broker".to_owned(), ANY.to_owned()]);
        self
    }

    /// The same with a link to a broker.
    pub fn linked_to(mut self, broker: SocketAddr) -> Self {
        self.broker = Some(broker_flag(broker));
        self
    }

    /// The same on a disk where no file can grow beyond a size.
    pub fn file_limit(mut self, kibibytes: u64) -> Self {
        self.file_limit = Some(2 * kibibytes);
        self
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Node {
        let mut node = Node { setup: self, folder: tempfile::tempdir().unwrap(), child: None };
        node.restart();
        node
    }
}

fn broker_flag(broker: SocketAddr) -> [String; 2] {
    ["--broker".to_owned(), format!("mqtt://{broker}")]
}

impl Node {
    /// Ends it and starts it again with a link to a broker.
    pub fn link_to(&mut self, broker: SocketAddr) {
        self.terminate();
        self.setup.broker = Some(broker_flag(broker));
        self.restart();
    }

    /// Starts it again with more settings.
    #[track_caller]
    pub fn restart_with(&mut self, settings: &str) {
        self.terminate();
        self.setup.settings.push_str(settings);
        self.restart();
    }

    /// Starts it again, after [`Node::kill`] or [`Node::terminate`].
    #[track_caller]
    pub fn restart(&mut self) {
        let config = self.config_path();
        fs::write(&config, &self.setup.settings).unwrap();
        let from = fs::metadata(self.log_path()).map_or(0, |metadata| metadata.len());
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        self.child = Some(self.spawn(&config, log));
        self.setup.listen = self.wait_listening(usize::try_from(from).unwrap());
        wait_until("the node is ready", READY, || Ok(self.get("/ready").status == 200)).unwrap();
        let status = self.get("/v1/node").ok();
        if let Some([_, broker]) = self.setup.broker.as_mut().filter(|[flag, _]| flag == "--embedded-broker") {
            *broker = status["embedded_broker"].as_str().unwrap().to_owned();
        }
    }

    fn spawn(&self, config: &std::path::Path, log: File) -> Child {
        let setup = &self.setup;
        let mut command = match setup.file_limit {
            None => super::command(),
            // A write beyond the limit is an error then, as on a full disk, and not a signal.
            Some(blocks) => {
                let mut command = super::apart(Command::new("sh"));
                command.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks.to_string()]);
                command.arg(super::executable());
                command
            }
        };
        command
            .args(["run", "--fleet", "tests", "--node", &setup.name, "--location", &setup.location])
            .args(["--listen", &setup.listen.to_string()])
            .args(setup.broker.iter().flatten())
            .arg("--config")
            .arg(config)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command.spawn().unwrap()
    }

    #[track_caller]
    fn wait_listening(&mut self, from: usize) -> SocketAddr {
        let mut address = None;
        let mut ended = None;
        let path = self.log_path();
        let child = self.child.as_mut().unwrap();
        wait_until("the node listens", READY, || {
            let log = fs::read_to_string(&path)?;
            address =
                log[from..].split_once(LISTENING).and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
            ended = child.try_wait()?;
            Ok(address.is_some() || ended.is_some())
        })
        .unwrap();
        address.unwrap_or_else(|| panic!("{} ended with {ended:?}; its log:\n{}", self.setup.name, self.log()))
    }

    /// Kills it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A process that has ended by itself is as dead.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends it as an operator would, and waits for its end.
    #[track_caller]
    pub fn terminate(&mut self) {
        self.ask_to_end();
        self.wait_for_end();
    }

    /// Asks it to end, as an operator would, and does not wait.
    #[track_caller]
    pub fn ask_to_end(&self) {
        let child = self.child.as_ref().expect("it runs");
        let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end that was asked for.
    #[track_caller]
    pub fn wait_for_end(&mut self) {
        let status = self.child.take().expect("it runs").wait().unwrap();
        assert!(status.success(), "{} ended with {status}; its log:\n{}", self.setup.name, self.log());
    }

    /// Deletes its store, while it does not run.
    pub fn delete_data(&self) {
        assert!(self.child.is_none(), "it runs");
        fs::remove_dir_all(self.data()).unwrap();
    }

    /// Lifts the limit of file sizes, from the next start on.
    pub fn lift_file_limit(&mut self) {
        self.setup.file_limit = None;
    }

    /// Whether the process is alive.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.setup.name
    }

    /// Where its broker listens.
    pub fn broker(&self) -> SocketAddr {
        let broker = self.setup.broker.as_ref().expect("it has a broker");
        broker[1].parse().expect("the broker has an address")
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it can be reached.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.setup.listen.port())
    }

    /// A client of it, for lists and imports.
    pub fn client(&self) -> Client {
        Client::new(&self.url())
    }

    /// A request to it.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.url()))
    }

    /// Reads.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// Writes under a key.
    #[track_caller]
    pub fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.request("POST", path).key(key).json(body).send()
    }

    /// Puts under a key.
    #[track_caller]
    pub fn put(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.request("PUT", path).key(key).json(body).send()
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("node.log")
    }

    /// The file of its settings.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("node.toml")
    }

    /// The folder of its store.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            // A node that went down or stopped has said why.
            eprintln!("the log of {}:\n{}", self.setup.name, fs::read_to_string(self.log_path()).unwrap_or_default());
        }
    }
}
