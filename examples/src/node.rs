//! Nodes as processes.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::client::{Client, wait_until};

/// How long a node may take until it is ready.
const READY: Duration = Duration::from_secs(60);

/// How to start a node.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// The executable `tillmesh`.
    pub executable: PathBuf,
    /// The node's name.
    pub name: String,
    /// Its location.
    pub location: String,
    /// The folder under which its own is.
    pub folder: PathBuf,
    /// Where its API listens.
    pub listen: SocketAddr,
    /// The broker: `--broker URL` or `--embedded-broker ADDRESS`.
    pub broker: [String; 2],
    /// The component that prices carts.
    pub promotions: Option<PathBuf>,
}

/// A running node. It is killed when dropped.
pub struct Node {
    options: NodeOptions,
    child: Option<Child>,
    /// A client of it.
    pub client: Client,
}

impl Node {
    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start; its log is in `<folder>/<name>.log`.
    pub fn start(options: NodeOptions) -> Result<Self> {
        let client = Client::new(&format!("http://{}", options.listen));
        let mut node = Self { options, child: None, client };
        node.restart()?;
        Ok(node)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Starts it again, after [`Node::kill`].
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        let options = &self.options;
        let config = options.folder.join(format!("{}.toml", options.name));
        std::fs::write(&config, settings(options.promotions.as_deref()))?;
        let log = options.folder.join(format!("{}.log", options.name));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let child = Command::new(&options.executable)
            .args(["run", "--fleet", "example", "--node", &options.name, "--location", &options.location])
            .args(["--listen", &options.listen.to_string()])
            .args(&options.broker)
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("start {}", options.executable.display()))?;
        self.child = Some(child);
        self.wait_ready(&log)
    }

    /// Kills it as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // A process that has ended by itself is as dead.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Leaves it running when this is dropped.
    pub fn keep_running(mut self) {
        self.child = None;
    }

    /// Deletes its store.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn delete_data(&self) -> Result<()> {
        Ok(std::fs::remove_dir_all(self.data())?)
    }

    fn data(&self) -> PathBuf {
        self.options.folder.join(&self.options.name)
    }

    fn wait_ready(&mut self, log: &Path) -> Result<()> {
        let client = self.client.clone();
        let mut ended = None;
        let result = wait_until(&format!("{} is ready", self.options.name), READY, || {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                ended = Some(status);
                return Ok(true);
            }
            Ok(client.is_ok("/ready"))
        });
        match ended {
            Some(status) => {
                bail!("{} ended with {status}; its log:\n{}", self.options.name, std::fs::read_to_string(log)?)
            }
            None => result,
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free port on the loopback interface.
///
/// # Errors
/// When there is none.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// The executable `tillmesh` that was built with this one: beside it, or a folder up from where tests lie.
///
/// # Errors
/// When it is not there.
pub fn executable() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own.ancestors().skip(1).take(2).map(|folder| folder.join("tillmesh")).find(|path| path.is_file());
    found.with_context(|| format!("there is no tillmesh beside {}: run `cargo build -p tillmesh`", own.display()))
}

/// The component of the promotions plugin, as `plugins/build` makes it.
///
/// # Errors
/// When it is not there.
pub fn promotions() -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/target/components/promotions.wasm");
    path.canonicalize().with_context(|| format!("{} is not there: run plugins/build", path.display()))
}

fn settings(promotions: Option<&Path>) -> String {
    match promotions {
        Some(path) => format!("[pricing]\nplugin = \"promotions\"\n\n[plugins.promotions]\ncomponent = {path:?}\n"),
        None => String::new(),
    }
}
