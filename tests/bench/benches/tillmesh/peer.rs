//! How soon a peer sees a sale: from the author's commit to the peer's view, two nodes over the embedded broker,
//! against the same bytes over the same broker by bare clients, and one bare commit.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, PublishOptions, QoS};
use tempfile::TempDir;
use tillmesh::config::{Overrides, Settings as NodeSettings};
use tillmesh::runtime::{Handle, LinkState, Node};
use tillmesh_core::command::Request;
use tillmesh_core::engine::Effect;
use tillmesh_core::id::Writer;
use tillmesh_core::sync::pack;
use tokio::sync::mpsc;

use crate::Settings;
use crate::http::millis;
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, median, quantile};
use crate::shop::{Shop, priced};

/// How many sales and bare messages take turns.
const TURN: usize = 25;
/// How often the bare way may fit into the nodes' way.
const GOAL_P50: f64 = 2.5;
/// How long one step may take before the measurement is given up.
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// The topic of the bare messages, outside every fleet's.
const TOPIC: &str = "bench/bare";

/// Milliseconds of each sale, each bare message, each bare commit.
#[derive(Default)]
struct Times {
    visible: Vec<f64>,
    message: Vec<f64>,
    commit: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 8 } else { 40 };
    let folder = TempDir::new_in(&settings.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let times = runtime.block_on(measure(folder.path(), turns))?;
    Ok(findings(&times))
}

async fn measure(folder: &Path, turns: usize) -> anyhow::Result<Times> {
    let mut shop = Shop::open(&folder.join("drawn.redb"))?;
    let (message, record) = message_and_record(&mut shop)?;
    let requests = shop.draw((turns + 1) * TURN)?;
    let author = start(folder, "till-1", None).await?;
    let broker = author.handle().status().embedded_broker.context("the first node has a broker")?;
    let peer = start(folder, "till-2", Some(broker)).await?;
    let mut pair = Pair { author: author.handle(), peer: peer.handle(), sold: 0 };
    pair.wait_for_links().await?;
    let mut bare = Bare::connect(broker).await?;
    let mut raw = Raw::create(&folder.join("raw.redb"))?;
    let mut times = Times::default();
    for (turn, requests) in requests.chunks(TURN).enumerate() {
        let mut measured = Times::default();
        for request in requests {
            measured.visible.push(pair.sell(request.clone()).await?);
        }
        for _ in requests {
            measured.message.push(bare.send(&message).await?);
            measured.commit.push(millis(|| raw.commit(std::slice::from_ref(&record)))?);
        }
        // The first turn warms everything up.
        if turn > 0 {
            times.visible.append(&mut measured.visible);
            times.message.append(&mut measured.message);
            times.commit.append(&mut measured.commit);
        }
    }
    peer.shutdown().await;
    author.shutdown().await;
    Ok(times)
}

fn findings(times: &Times) -> Findings {
    let title = format!(
        "From an author's commit to a peer's view, milliseconds ({} ten-line sales; \
         bare: publish to receive, then one commit)",
        times.visible.len()
    );
    let mut table = Table::new(&title, &["", "p50", "p99"]);
    let mut row = |what: &str, values: &Vec<f64>| {
        let of = |share| format!("{:.2}", quantile(values.clone(), share));
        table.row(vec![what.to_owned(), of(0.5), of(0.99)]);
    };
    row("visible on the peer", &times.visible);
    row("publish to receive", &times.message);
    row("a commit of raw redb", &times.commit);
    let visible = median(times.visible.clone());
    let bare = median(times.message.iter().zip(&times.commit).map(|(message, commit)| message + commit).collect());
    let goals = vec![Goal {
        what: "(c) p50 from commit to a peer's view".to_owned(),
        node: format!("{visible:.2} ms"),
        bare: format!("{bare:.2} ms"),
        value: visible / bare,
        bound: Bound::AtMost(GOAL_P50),
    }];
    Findings { table, goals }
}

/// A sale as a message between nodes, and as the record that a bare commit takes.
fn message_and_record(shop: &mut Shop) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let request = priced(shop.draw(1)?.remove(0))?;
    let record = shop.sell(request)?.to_bytes();
    let batch = shop.commit()?.into_iter().find_map(|effect| match effect {
        Effect::Batch { envelope, .. } => Some(envelope),
        Effect::Send { .. } => None,
    });
    Ok((pack(&[batch.context("a sale makes a batch")?]), record))
}

async fn start(folder: &Path, name: &str, broker: Option<SocketAddr>) -> anyhow::Result<Node> {
    let flags = Overrides {
        node: Some(name.to_owned()),
        fleet: Some("bench".to_owned()),
        location: Some("store-0".to_owned()),
        data: Some(folder.join(name)),
        broker: broker.map(|address| format!("mqtt://{address}")),
        embedded_broker: broker.is_none().then(|| "127.0.0.1:0".to_owned()),
        ..Overrides::default()
    };
    Ok(Node::start(NodeSettings::load(None, &flags)?).await?)
}

/// Two nodes that share a location.
struct Pair {
    author: Handle,
    peer: Handle,
    sold: u64,
}

impl Pair {
    async fn wait_for_links(&self) -> anyhow::Result<()> {
        let up = |handle: &Handle| matches!(handle.status().link, LinkState::Up { .. });
        let started = Instant::now();
        while !up(&self.author) || !up(&self.peer) {
            if started.elapsed() > STEP_LIMIT {
                bail!("the nodes do not reach their broker");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Milliseconds from the author's commit until the peer shows the sale.
    async fn sell(&mut self, request: Request) -> anyhow::Result<f64> {
        self.sold += 1;
        let writer = self.author.writer().clone();
        let sold = self.author.submit(priced(request)?);
        let (sold, committed, seen) = tokio::join!(
            sold,
            shown(&self.author, &writer, self.sold),
            tokio::time::timeout(STEP_LIMIT, shown(&self.peer, &writer, self.sold)),
        );
        let _seen_by_both = sold?;
        let seen = seen.map_err(|_| anyhow!("the peer does not see a sale"))??;
        Ok(seen.saturating_duration_since(committed?).as_secs_f64() * 1e3)
    }
}

/// When a node shows so many events of a writer.
async fn shown(node: &Handle, writer: &Writer, events: u64) -> anyhow::Result<Instant> {
    let mut head = node.head();
    loop {
        if node.view().writers.get(writer).is_some_and(|row| row.events >= events) {
            return Ok(Instant::now());
        }
        head.changed().await?;
    }
}

/// A publisher and a subscriber that are not ours.
struct Bare {
    publisher: AsyncClient,
    received: mpsc::Receiver<Instant>,
}

impl Bare {
    async fn connect(broker: SocketAddr) -> anyhow::Result<Self> {
        let (subscriber, mut events) = client("bare-subscriber", broker);
        subscriber.subscribe(TOPIC, QoS::AtLeastOnce).await?;
        while !matches!(events.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
        let (arrivals, received) = mpsc::channel(1);
        tokio::spawn(async move {
            // The client ends with its event loop; it lives as long as this task.
            let _subscriber = subscriber;
            while let Ok(event) = events.poll().await {
                if matches!(event, Event::Incoming(Packet::Publish(_))) && arrivals.send(Instant::now()).await.is_err()
                {
                    return;
                }
            }
        });
        let (publisher, mut events) = client("bare-publisher", broker);
        tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Ok(Self { publisher, received })
    }

    /// Milliseconds from publish to receive.
    async fn send(&mut self, message: &[u8]) -> anyhow::Result<f64> {
        let started = Instant::now();
        self.publisher.publish(TOPIC, message.to_vec(), PublishOptions::at_least_once()).await?;
        let received = tokio::time::timeout(STEP_LIMIT, self.received.recv()).await?;
        let received = received.context("the bare subscriber lost its broker")?;
        Ok(received.saturating_duration_since(started).as_secs_f64() * 1e3)
    }
}

fn client(id: &str, broker: SocketAddr) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, (broker.ip().to_string(), broker.port()));
    options.set_socket_connector(move |_, _| async move {
        let stream = tokio::net::TcpStream::connect(broker).await?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    });
    AsyncClient::builder(options).capacity(4).build()
}
