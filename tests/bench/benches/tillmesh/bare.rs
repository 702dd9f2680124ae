//! Clients of the same broker that are not ours.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context as _;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, PublishOptions, QoS};
use tokio::sync::mpsc;

use crate::nodes::STEP_LIMIT;
use crate::raw::Raw;

/// The topic of bare messages, outside every fleet's.
const TOPIC: &str = "bench/bare";
/// How many messages may wait to be published, and arrivals to be read.
const CAPACITY: usize = 256;

/// The largest packet: what a node sends at most, and its topic.
const PACKET: usize = 80 * 1024;

/// A message as a receiver has dealt with it.
pub struct Arrival {
    pub at: Instant,
    pub bytes: usize,
}

/// A publisher, and receivers that commit what comes or do nothing with it.
pub struct Bare {
    publisher: AsyncClient,
    arrivals: mpsc::Receiver<Arrival>,
    receivers: usize,
}

impl Bare {
    /// Connects a publisher and a receiver for each database, or none.
    pub async fn connect(broker: SocketAddr, receivers: Vec<Option<Raw>>) -> anyhow::Result<Self> {
        let count = receivers.len();
        let (sender, arrivals) = mpsc::channel(CAPACITY);
        for (number, raw) in receivers.into_iter().enumerate() {
            receive(&format!("bare-receiver-{number}"), broker, TOPIC, raw, sender.clone()).await?;
        }
        let (publisher, mut events) = client("bare-publisher", broker);
        tokio::spawn(async move { while events.poll().await.is_ok() {} });
        Ok(Self { publisher, arrivals, receivers: count })
    }

    /// Milliseconds from publish until each receiver has it.
    pub async fn send(&mut self, message: &[u8]) -> anyhow::Result<Vec<f64>> {
        let started = Instant::now();
        self.publish(message).await?;
        let mut times = Vec::with_capacity(self.receivers);
        for _ in 0..self.receivers {
            times.push(self.next().await?.at.saturating_duration_since(started).as_secs_f64() * 1e3);
        }
        Ok(times)
    }

    /// Seconds until every receiver has all messages, published one after the other without waiting.
    pub async fn copy(&mut self, messages: &[Vec<u8>]) -> anyhow::Result<f64> {
        let started = Instant::now();
        let publisher = self.publisher.clone();
        let all = messages.to_vec();
        let sent = tokio::spawn(async move {
            for message in all {
                publisher.publish(TOPIC, message, PublishOptions::at_least_once()).await?;
            }
            anyhow::Ok(())
        });
        for _ in 0..messages.len() * self.receivers {
            self.next().await?;
        }
        let took = started.elapsed().as_secs_f64();
        sent.await??;
        Ok(took)
    }

    async fn publish(&self, message: &[u8]) -> anyhow::Result<()> {
        Ok(self.publisher.publish(TOPIC, message.to_vec(), PublishOptions::at_least_once()).await?)
    }

    async fn next(&mut self) -> anyhow::Result<Arrival> {
        let arrival = tokio::time::timeout(STEP_LIMIT, self.arrivals.recv()).await?;
        arrival.context("a bare receiver lost its broker")
    }
}

/// Hears everything that a fleet says, from now on.
pub async fn listen(broker: SocketAddr, fleet: &str) -> anyhow::Result<mpsc::Receiver<Arrival>> {
    let (sender, arrivals) = mpsc::channel(CAPACITY);
    receive("bare-listener", broker, &format!("tm/1/{fleet}/#"), None, sender).await?;
    Ok(arrivals)
}

/// Subscribes, and passes on when each message is there, and committed where there is a database: in a thread of its
/// own, as in a node.
async fn receive(
    id: &str,
    broker: SocketAddr,
    topic: &str,
    raw: Option<Raw>,
    arrivals: mpsc::Sender<Arrival>,
) -> anyhow::Result<()> {
    let (subscriber, mut events) = client(id, broker);
    subscriber.subscribe(topic, QoS::AtLeastOnce).await?;
    while !matches!(events.poll().await?, Event::Incoming(Packet::SubAck(_))) {}
    let (payloads, mut waiting) = mpsc::channel(CAPACITY);
    std::thread::spawn(move || {
        let mut raw = raw;
        while let Some(payload) = waiting.blocking_recv() {
            if let Some(raw) = &mut raw
                && let Err(error) = raw.commit(std::slice::from_ref(&payload))
            {
                eprintln!("a bare commit failed: {error}");
                return;
            }
            if arrivals.blocking_send(Arrival { at: Instant::now(), bytes: payload.len() }).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        // The client ends with its event loop; it lives as long as this task.
        let _subscriber = subscriber;
        while let Ok(event) = events.poll().await {
            if let Event::Incoming(Packet::Publish(publish)) = event
                && payloads.send(publish.payload.to_vec()).await.is_err()
            {
                return;
            }
        }
    });
    Ok(())
}

fn client(id: &str, broker: SocketAddr) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, (broker.ip().to_string(), broker.port()));
    options.set_max_packet_size(PACKET, PACKET);
    options.set_socket_connector(move |_, _| async move {
        let stream = tokio::net::TcpStream::connect(broker).await?;
        stream.set_nodelay(true)?;
        Ok::<_, std::io::Error>(stream)
    });
    AsyncClient::builder(options).capacity(CAPACITY).build()
}
