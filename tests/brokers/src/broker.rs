//! Brokers as processes, each with ports and a folder of its own. They are killed when dropped.

mod mosquitto;
mod nats;
mod process;
mod rabbitmq;

use std::fmt;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tillmesh_examples::client::wait_until;
use tillmesh_examples::node::{Node, NodeOptions, executable};

use self::process::Process;
use crate::packet::Packet;
use crate::port;

/// How long a broker may take until it lets clients in. RabbitMQ needs five seconds of a processor that others use too.
const READY: Duration = Duration::from_secs(120);
/// How long it may take to answer one client that tries.
const ANSWER: Duration = Duration::from_secs(5);
/// What a broker keeps, below its folder; its log lies beside it.
const STATE: &str = "state";

/// A broker that tests are run against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The one inside a node: a node of its own, at a location that sells nothing, which hears what all others say.
    Embedded,
    /// Mosquitto.
    Mosquitto,
    /// NATS with JetStream and its MQTT port.
    Nats,
    /// RabbitMQ with its MQTT plugin.
    RabbitMq,
}

impl Kind {
    /// Whether it is on this machine; the embedded one always is.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Embedded => true,
            Self::Mosquitto => mosquitto::program().is_some(),
            Self::Nats => nats::program().is_some(),
            Self::RabbitMq => rabbitmq::program().is_some(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "the embedded broker",
            Self::Mosquitto => "Mosquitto",
            Self::Nats => "NATS",
            Self::RabbitMq => "RabbitMQ",
        })
    }
}

/// A broker.
pub struct Broker {
    kind: Kind,
    address: SocketAddr,
    /// Where the API of the node listens that embeds it.
    api: SocketAddr,
    /// Before the folder, so that it ends before its files go.
    running: Option<Running>,
    folder: TempDir,
}

enum Running {
    Node(Box<Node>),
    Processes(Vec<Process>),
}

impl Broker {
    /// Starts a broker and waits until it lets clients in.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn start(kind: Kind) -> Result<Self> {
        let (address, api, folder) = (port::reserve()?, port::reserve()?, tempfile::tempdir()?);
        let mut broker = Self { kind, address, api, running: None, folder };
        broker.restart()?;
        Ok(broker)
    }

    /// Where clients connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, as `--broker` takes it.
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// Kills it (SIGKILL) and deletes all that it kept: sessions, subscriptions, queued and retained messages. The node
    /// that embeds a broker keeps its own store: what its broker kept was in memory.
    ///
    /// # Errors
    /// When its files cannot be deleted.
    pub fn kill_and_wipe(&mut self) -> Result<()> {
        match self.running.take() {
            Some(Running::Node(mut node)) => node.kill(),
            Some(Running::Processes(processes)) => {
                drop(processes);
                std::fs::remove_dir_all(self.folder.path().join(STATE))?;
            }
            None => {}
        }
        Ok(())
    }

    /// Starts it at the same address, and waits until it lets clients in.
    ///
    /// # Errors
    /// When it does not.
    pub fn restart(&mut self) -> Result<()> {
        let state = self.folder.path().join(STATE);
        std::fs::create_dir_all(&state)?;
        let place = Place { address: self.address, state: &state, log: &self.folder.path().join("log") };
        self.running = Some(match self.kind {
            Kind::Embedded => Running::Node(self.start_node()?),
            Kind::Mosquitto => Running::Processes(mosquitto::start(&place)?),
            Kind::Nats => Running::Processes(nats::start(&place)?),
            Kind::RabbitMq => Running::Processes(rabbitmq::start(&place)?),
        });
        self.wait_ready(place.log)
    }

    fn start_node(&self) -> Result<Box<Node>> {
        let node = Node::start(NodeOptions {
            executable: executable()?,
            name: "hub".to_owned(),
            location: "hub".to_owned(),
            folder: self.folder.path().to_path_buf(),
            listen: self.api,
            broker: ["--embedded-broker".to_owned(), self.address.to_string()],
            promotions: None,
        })?;
        Ok(Box::new(node))
    }

    fn wait_ready(&mut self, log: &Path) -> Result<()> {
        let address = self.address;
        let mut ended = None;
        let result = wait_until(&format!("{} lets clients in", self.kind), READY, || {
            if let Some(Running::Processes(processes)) = &mut self.running {
                for process in processes {
                    ended = process.ended()?.or(ended.take());
                }
            }
            Ok(ended.is_some() || lets_in(address))
        });
        let said = || std::fs::read_to_string(log).unwrap_or_else(|error| error.to_string());
        match ended {
            Some(how) => bail!("{}: {how}; its log:\n{}", self.kind, said()),
            None => result.with_context(|| format!("its log:\n{}", said())),
        }
    }
}

/// Where a broker listens and what it may write to.
struct Place<'a> {
    address: SocketAddr,
    state: &'a Path,
    log: &'a Path,
}

/// Whether a client that connects is let in.
fn lets_in(address: SocketAddr) -> bool {
    let attempt = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(Packet::connect("readiness").bytes())?;
        let welcome = Packet::read(&mut stream)?.is_some_and(|packet| packet.is_welcome());
        stream.write_all(Packet::disconnect().bytes())?;
        Ok(welcome)
    };
    attempt().unwrap_or(false)
}
