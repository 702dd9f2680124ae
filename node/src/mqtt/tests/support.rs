//! Brokers to test against and ways to wait.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;

use crate::mqtt::broker::{EmbeddedBroker, EmbeddedBrokerOptions};
use crate::mqtt::{BrokerUrl, Link, LinkEvent, LinkOptions, Protocol, Receipt};

/// Only reached when something is broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// Large enough for the oversized messages of these tests.
const MAX_PACKET: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
pub(super) enum Product {
    Embedded,
    Mosquitto,
}

/// Where a broker is and how it is spoken to.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) address: SocketAddr,
    pub(super) protocol: Protocol,
}

pub(super) struct TestBroker {
    product: Product,
    pub(super) at: At,
    running: Running,
}

enum Running {
    Embedded(EmbeddedBroker),
    Mosquitto(Process),
    Stopped,
}

/// A child that ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl TestBroker {
    /// None, with a word about it, where the broker is not installed.
    pub(super) async fn start(product: Product, protocol: Protocol) -> Option<Self> {
        if matches!(product, Product::Mosquitto) && mosquitto().is_none() {
            eprintln!("not tested against Mosquitto: there is no executable mosquitto on this machine");
            return None;
        }
        let at = At { address: free_address(), protocol };
        let mut broker = Self { product, at, running: Running::Stopped };
        broker.run().await;
        Some(broker)
    }

    /// Starts again on the same port, with an empty memory. An outgoing connection of another process may hold that
    /// port for a moment, so a refusal is tried again.
    pub(super) async fn run(&mut self) {
        until("the broker listens", async || {
            match self.try_run().await {
                Ok(running) => self.running = running,
                Err(reason) => eprintln!("not yet: {reason}"),
            }
            !matches!(self.running, Running::Stopped)
        })
        .await;
    }

    async fn try_run(&self) -> Result<Running, String> {
        match self.product {
            Product::Embedded => {
                let options = EmbeddedBrokerOptions { max_packet: MAX_PACKET, ..Default::default() };
                let started = EmbeddedBroker::start(self.at.address, options).await;
                started.map(Running::Embedded).map_err(|error| error.to_string())
            }
            Product::Mosquitto => {
                let mut command = Command::new(mosquitto().unwrap());
                command.args(["-p", &self.at.address.port().to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
                let mut process = Process(command.spawn().unwrap());
                loop {
                    let heard = TcpStream::connect(self.at.address).await.is_ok();
                    if let Some(status) = process.0.try_wait().unwrap() {
                        return Err(format!("Mosquitto ended with {status}"));
                    }
                    if heard {
                        return Ok(Running::Mosquitto(process));
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    pub(super) async fn stop(&mut self) {
        match std::mem::replace(&mut self.running, Running::Stopped) {
            Running::Embedded(broker) => broker.shutdown().await,
            Running::Mosquitto(process) => drop(process),
            Running::Stopped => {}
        }
    }
}

/// Debian installs it outside the PATH of ordinary users.
fn mosquitto() -> Option<&'static str> {
    ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto", "/opt/homebrew/sbin/mosquitto"]
        .into_iter()
        .find(|path| Path::new(path).exists())
}

/// An address that stays free while its broker is away: below the range from which systems take ports for outgoing
/// connections and for port 0, and handed out once in this process.
fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + (std::process::id() % 200) as u16 * 100;
    loop {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, first + NEXT.fetch_add(1, Relaxed)));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

pub(super) fn options(at: At, client_id: &str, subscriptions: &[&str]) -> LinkOptions {
    let At { address, protocol } = at;
    LinkOptions {
        broker: BrokerUrl::new(&address.ip().to_string(), address.port()).unwrap(),
        tls: None,
        protocol,
        client_id: client_id.into(),
        subscriptions: subscriptions.iter().map(ToString::to_string).collect(),
        session: crate::mqtt::Session::Clean,
        will: None,
        keep_alive: Duration::from_secs(30),
        seed: [1; 32],
    }
}

pub(super) struct Client {
    pub(super) link: Link,
    pub(super) events: Receiver<LinkEvent>,
}

impl Client {
    pub(super) fn start(options: LinkOptions) -> Self {
        let (link, events) = Link::start(options, &Handle::current()).unwrap();
        Self { link, events }
    }

    /// Started and up.
    pub(super) async fn up(at: At, client_id: &str, subscriptions: &[&str]) -> Self {
        let mut client = Self::start(options(at, client_id, subscriptions));
        client.wait_up().await;
        client
    }

    pub(super) async fn event(&mut self) -> LinkEvent {
        within("an event", self.events.recv()).await.expect("the link goes on")
    }

    pub(super) async fn wait_up(&mut self) {
        while self.event().await != LinkEvent::Up {}
    }

    pub(super) async fn wait_down(&mut self) -> String {
        loop {
            if let LinkEvent::Down { reason } = self.event().await {
                return reason;
            }
        }
    }

    pub(super) async fn message(&mut self) -> (String, Bytes) {
        match self.event().await {
            LinkEvent::Message { topic, payload } => (topic, payload),
            other => panic!("{other:?} instead of a message"),
        }
    }

    /// The next message of a kept session.
    pub(super) async fn owed(&mut self) -> (String, Receipt) {
        loop {
            match self.event().await {
                LinkEvent::Owed { topic, receipt, .. } => return (topic, receipt),
                LinkEvent::Up => {}
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// Publishes and waits until the broker has it.
    pub(super) async fn say(&self, topic: &str, text: &'static str) {
        let ticket = self.link.publish(topic, Bytes::from_static(text.as_bytes())).unwrap();
        within("an acknowledgement", ticket.acknowledged()).await.unwrap();
    }
}

pub(super) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

pub(super) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    within(what, async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
