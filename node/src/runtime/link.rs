//! Between the engine and the broker: what was heard goes in, effects go out, several batches in one message only while
//! an earlier message is unacknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tillmesh_core::document::Scope;
use tillmesh_core::engine::Effect;
use tillmesh_core::id::{Name, Writer};
use tillmesh_core::sync::{Incoming, Kind, MAX_MESSAGE, pack};
use tillmesh_core::time::Timestamp;
use tokio::sync::{mpsc, watch};

use super::thread::{Heard, Jobs, Shared, size_of_effect};
use super::{StartError, now};
use crate::config::Settings;
use crate::metrics::{Labels, Metrics};
use crate::mqtt::topic::Topic;
use crate::mqtt::{BrokerUrl, Link, LinkError, LinkEvent, LinkOptions, Tls, Will};

/// How long a silence may last before the line is tested: half a minute, which every hosted broker allows.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How many bytes of batches share a message: what a single batch may have as well.
const MESSAGE_BYTES: usize = 32 * 1024;
/// How many batches wait for the link while it is busy; more are left to repair.
const MAX_WAITING_BATCHES: usize = 1_024;
/// How long a message of the protocol is tried when the link is full.
const FULL_RETRY: Duration = Duration::from_millis(5);

/// The link to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// This node has no broker.
    None,
    /// Connected.
    Up {
        /// Since when.
        since: Timestamp,
    },
    /// Not connected; the next attempt comes by itself.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: String,
    },
}

/// A link with its two tasks.
pub(super) struct Connection {
    link: Arc<Link>,
    state: watch::Receiver<LinkState>,
}

impl Connection {
    pub(super) fn state(&self) -> watch::Receiver<LinkState> {
        self.state.clone()
    }

    /// Closes the link once what the engine left behind was sent, or after a second.
    pub(super) async fn shutdown(&self, outbox_bytes: &AtomicUsize) {
        for _ in 0..100 {
            if outbox_bytes.load(Relaxed) == 0 && self.link.unacknowledged() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.link.shutdown().await;
    }
}

/// Connects, and keeps connected.
pub(super) fn connect(
    settings: &Settings,
    writer: &Writer,
    broker: BrokerUrl,
    will: Vec<u8>,
    jobs: &Jobs,
    outbox: mpsc::Receiver<Effect>,
    shared: &Shared,
) -> Result<Connection, StartError> {
    let topic = |scope: &Scope, kind: Kind, node: &Name| {
        Topic { fleet: settings.fleet.clone(), scope: scope.clone(), kind, node: node.clone() }.to_string()
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| StartError::System { operation: "read entropy", reason: e.into() })?;
    let options = LinkOptions {
        tls: broker.is_tls().then(|| Tls::load(&settings.tls)).transpose()?,
        broker,
        client_id: client_id(writer),
        subscriptions: crate::mqtt::topic::subscriptions(&settings.fleet, &settings.node),
        will: Some(Will { topic: topic(&Scope::Fleet, Kind::Presence, &settings.node), payload: will.into() }),
        keep_alive: KEEP_ALIVE,
        seed,
    };
    let (link, events) = Link::start(options, &tokio::runtime::Handle::current())?;
    let link = Arc::new(link);
    let (state, follow) = watch::channel(LinkState::Down { since: now(), reason: "not connected yet".to_owned() });
    let listener = Listener {
        fleet: settings.fleet.clone(),
        region: settings.region.clone(),
        jobs: jobs.clone(),
        state,
        metrics: Arc::clone(&shared.metrics),
    };
    tokio::spawn(listener.run(events));
    let publisher = Publisher {
        link: Arc::clone(&link),
        fleet: settings.fleet.clone(),
        node: settings.node.clone(),
        outbox,
        outbox_bytes: Arc::clone(&shared.outbox_bytes),
        waiting: BTreeMap::new(),
        waiting_count: 0,
        metrics: Arc::clone(&shared.metrics),
    };
    tokio::spawn(publisher.run());
    Ok(Connection { link, state: follow })
}

/// Without a broker there is nobody to tell.
pub(super) fn discard(mut outbox: mpsc::Receiver<Effect>, shared: &Shared) {
    let bytes = Arc::clone(&shared.outbox_bytes);
    tokio::spawn(async move {
        while let Some(effect) = outbox.recv().await {
            bytes.fetch_sub(size_of_effect(&effect), Relaxed);
        }
    });
}

/// Unique to the node's epoch and within the 64 bytes that brokers take.
fn client_id(writer: &Writer) -> String {
    let node: String = writer.node.as_str().chars().take(40).collect();
    format!("tm-{node}-{}", writer.epoch)
}

struct Listener {
    fleet: Name,
    region: Name,
    jobs: Jobs,
    state: watch::Sender<LinkState>,
    metrics: Arc<Metrics>,
}

impl Listener {
    async fn run(self, mut events: mpsc::Receiver<LinkEvent>) {
        while let Some(event) = events.recv().await {
            match event {
                LinkEvent::Up => {
                    tracing::info!("the broker is connected");
                    self.metrics.link_up.set(1);
                    self.state.send_replace(LinkState::Up { since: now() });
                    self.jobs.hear(Heard::Up).await;
                }
                LinkEvent::Down { reason } => self.down(reason),
                LinkEvent::Message { topic, payload } => self.message(&topic, payload).await,
            }
        }
    }

    fn down(&self, reason: String) {
        self.metrics.link_up.set(0);
        self.state.send_modify(|state| {
            let since = match state {
                LinkState::Down { since, .. } => *since,
                _ => now(),
            };
            if !matches!(state, LinkState::Down { .. }) {
                tracing::warn!(reason, "the broker is not connected; the node goes on by itself");
            }
            *state = LinkState::Down { since, reason };
        });
    }

    /// What has no topic of this fleet's protocol is foreign and left alone, and so are the carts of other regions.
    async fn message(&self, topic: &str, payload: Bytes) {
        let Ok(Topic { fleet, scope, kind, node }) = topic.parse::<Topic>() else { return };
        let ours = !matches!(&scope, Scope::Carts(region) if *region != self.region);
        if fleet == self.fleet && ours {
            let incoming = Incoming { scope, kind, from: node, payload: payload.to_vec() };
            self.jobs.hear(Heard::Message(incoming)).await;
        }
    }
}

struct Publisher {
    link: Arc<Link>,
    fleet: Name,
    node: Name,
    outbox: mpsc::Receiver<Effect>,
    outbox_bytes: Arc<AtomicUsize>,
    waiting: BTreeMap<Scope, VecDeque<Vec<u8>>>,
    waiting_count: usize,
    metrics: Arc<Metrics>,
}

impl Publisher {
    async fn run(mut self) {
        let mut unacknowledged = self.link.watch_unacknowledged();
        loop {
            tokio::select! {
                effect = self.outbox.recv() => match effect {
                    Some(effect) => self.take(effect).await,
                    None => return,
                },
                changed = unacknowledged.changed(), if self.waiting_count > 0 => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
            self.publish_waiting();
        }
    }

    async fn take(&mut self, effect: Effect) {
        self.outbox_bytes.fetch_sub(size_of_effect(&effect), Relaxed);
        match effect {
            Effect::Batch { scope, envelope } => {
                if self.waiting_count < MAX_WAITING_BATCHES && self.link.is_up() {
                    self.waiting.entry(scope).or_default().push_back(envelope);
                    self.waiting_count += 1;
                } else {
                    self.count(Kind::Changes, "left to repair");
                }
            }
            Effect::Send { scope, kind, to, payload } => {
                let node = to.unwrap_or_else(|| self.node.clone());
                let payload = Bytes::from(payload);
                while self.publish(&scope, kind, &node, payload.clone()) == Err(LinkError::Full) {
                    tokio::time::sleep(FULL_RETRY).await;
                }
            }
        }
    }

    /// Publishes what waits when the link is idle, or when a scope has enough for a whole message.
    fn publish_waiting(&mut self) {
        if !self.link.is_up() {
            self.waiting.clear();
            self.waiting_count = 0;
            return;
        }
        let scopes: Vec<Scope> = self.waiting.keys().cloned().collect();
        for scope in scopes {
            let bytes: usize = self.waiting.get(&scope).map_or(0, |batches| batches.iter().map(Vec::len).sum());
            if self.link.unacknowledged() == 0 || bytes >= MESSAGE_BYTES {
                self.publish_scope(&scope);
            }
        }
    }

    fn publish_scope(&mut self, scope: &Scope) {
        let Some(mut batches) = self.waiting.remove(scope) else { return };
        self.waiting_count -= batches.len();
        let node = self.node.clone();
        while !batches.is_empty() {
            let message = next_message(&mut batches);
            match self.publish(scope, Kind::Changes, &node, pack(&message).into()) {
                Ok(()) => {}
                Err(LinkError::Full) => {
                    message.into_iter().rev().for_each(|batch| batches.push_front(batch));
                    self.waiting_count += batches.len();
                    self.waiting.insert(scope.clone(), batches);
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn publish(&self, scope: &Scope, kind: Kind, node: &Name, payload: Bytes) -> Result<(), LinkError> {
        let topic = Topic { fleet: self.fleet.clone(), scope: scope.clone(), kind, node: node.clone() };
        let result = self.link.publish(&topic.to_string(), payload).map(drop);
        match &result {
            Ok(()) => self.count(kind, "sent"),
            Err(LinkError::Full) => {}
            Err(_) => self.count(kind, "left to repair"),
        }
        result
    }

    fn count(&self, kind: Kind, outcome: &str) {
        self.metrics.messages_sent.get_or_create(&Labels::new(kind.as_str(), outcome)).inc();
    }
}

/// As many batches as share a message; at least one.
fn next_message(batches: &mut VecDeque<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut message = Vec::new();
    let mut bytes = 0;
    while let Some(next) = batches.front() {
        let limit = if message.is_empty() { MAX_MESSAGE } else { MESSAGE_BYTES };
        if bytes + next.len() > limit {
            break;
        }
        bytes += next.len();
        message.extend(batches.pop_front());
    }
    if message.is_empty() {
        // Longer than any message: cannot be made here, and must not block what waits behind it.
        batches.pop_front();
    }
    message
}
