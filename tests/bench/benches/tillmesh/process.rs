//! The node's executable as a process of its own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// The file of the store in a node's folder.
pub const STORE_FILE: &str = "tillmesh.redb";
/// The node's main program, built as this package's own.
const EXECUTABLE: &str = env!("CARGO_BIN_EXE_tillmesh-measured");
/// How often a node that starts is asked whether it is ready.
const POLL: Duration = Duration::from_millis(1);
/// How long a node may take to start before the measurement is given up.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A running node. It is killed when dropped.
pub struct Process {
    child: Child,
    address: SocketAddr,
    took: Duration,
}

impl Process {
    /// Starts the node of the benchmark's shop in a folder: with HTTP, a broker and the plugins that are built. Returns
    /// once it is ready.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let config = folder.join("settings.toml");
        std::fs::write(&config, settings())?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = folder.join("node.log");
        let mut command = Command::new(EXECUTABLE);
        command
            .args(["run", "--fleet", "bench", "--node", "till-1", "--location", "store-0", "--log", "warn"])
            .args(["--listen", &address.to_string(), "--embedded-broker", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("start {EXECUTABLE}"))?;
        let mut process = Self { child, address, took: Duration::ZERO };
        while !is_ready(address) {
            if process.child.try_wait()?.is_some() || started.elapsed() > START_LIMIT {
                bail!("the node did not start: {}", std::fs::read_to_string(&log)?);
            }
            std::thread::sleep(POLL);
        }
        process.took = started.elapsed();
        Ok(process)
    }

    /// Where its API listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it took from the start of the process until it was ready.
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// A field of the process's status, in megabytes. Linux only.
    pub fn memory(&self, field: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("the kernel does not say")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended by itself is as dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// The plugins of this repository whose components `plugins/build` has made.
pub fn components() -> Vec<(&'static str, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/target/components");
    let made = |name: &'static str| Some((name, folder.join(format!("{name}.wasm")).canonicalize().ok()?));
    ["promotions", "shopify"].into_iter().filter_map(made).collect()
}

fn settings() -> String {
    let component = |(name, path): &(&str, PathBuf)| format!("[plugins.{name}]\ncomponent = {path:?}\n");
    components().iter().map(component).collect()
}
