//! Between the engine and the brokers: what was heard goes in, what the engine wants said goes out.
//!
//! ```text
//!  broker [mqtt] ---> Listener --.              .--> Publisher ---> broker [mqtt]
//!                                +--> engine ---+ Routes
//!  broker [bridge] -> Listener --'              '--> Publisher ---> broker [bridge]
//! ```
//!
//! With a second link the node is a bridge. What is for everybody goes out on both, what is for one peer on the link on
//! which that peer was heard last, and a batch that was new here on the link on which it was not heard. Because only a
//! new batch is passed on, each bridge passes it on once, whatever loops there are. Requests are never passed on: a
//! bridge holds what it carries, and answers itself.

mod listener;
mod publisher;
mod routes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tillmesh_core::document::{Interest, Scope};
use tillmesh_core::id::{Name, Writer};
use tillmesh_core::sync::Kind;
use tillmesh_core::time::Timestamp;
use tokio::sync::watch;

use super::thread::{Jobs, Shared};
use super::{StartError, now};
use crate::config::{LinkSettings, Settings};
use crate::mqtt::topic::{self, Topic};
use crate::mqtt::{BrokerUrl, Link, LinkOptions, Session, Tls, TlsFiles, Will};

use listener::Listener;
use publisher::{MOST_WAIT, Publisher};
pub(super) use routes::Routes;

/// How long a silence may last before the line is tested: half a minute, which every hosted broker allows.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long what waits may take to leave when a node stops.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A link, by the section of the settings that describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LinkName {
    /// The node's broker.
    Mqtt,
    /// The second broker, which a bridge joins with the first.
    Bridge,
}

impl LinkName {
    /// The name of its section.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Bridge => "bridge",
        }
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The link to a broker.
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

/// Whose messages a link carries, and of which scopes.
#[derive(Debug, Clone)]
struct Carried {
    fleet: Name,
    node: Name,
    held: Interest,
    scopes: Interest,
}

impl Carried {
    fn admits(&self, scope: &Scope) -> bool {
        self.held.admits(scope) && self.scopes.admits(scope)
    }

    fn topic(&self, scope: &Scope, kind: Kind, node: &Name) -> Topic {
        Topic { fleet: self.fleet.clone(), scope: scope.clone(), kind, node: node.clone() }
    }

    /// The scopes that it subscribes to one by one; none where they cannot be counted.
    fn listed(&self) -> Option<Vec<Scope>> {
        let listed = self.scopes.listed().or_else(|| self.held.listed())?;
        Some(listed.into_iter().filter(|scope| self.admits(scope)).collect())
    }
}

/// A link that is to be.
pub(super) struct Plan {
    name: LinkName,
    settings: LinkSettings,
    carried: Carried,
    waiting: routes::Waiting,
}

/// A link with its two tasks.
pub(super) struct Connection {
    name: LinkName,
    link: Arc<Link>,
    state: watch::Receiver<LinkState>,
    outbox_bytes: Arc<AtomicUsize>,
}

impl Connection {
    pub(super) fn state(&self) -> (LinkName, watch::Receiver<LinkState>) {
        (self.name, self.state.clone())
    }

    /// Closes the link once what the engine left behind was sent, or after a second.
    pub(super) async fn shutdown(&self) {
        let sent = async {
            while self.outbox_bytes.load(Relaxed) > 0 || self.link.unacknowledged() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        // What has not left by then is left to repair.
        let _ = tokio::time::timeout(LAST_WORDS, sent).await;
        self.link.shutdown().await;
    }
}

/// The links that the settings ask for, each with its way out of the engine.
pub(super) fn plan(settings: &Settings, embedded: Option<BrokerUrl>, routes: &mut Routes) -> Vec<Plan> {
    let own = embedded
        .map(|broker| LinkSettings { broker, protocol: settings.protocol, tls: TlsFiles::default() })
        .or_else(|| settings.broker.clone());
    let own = own.map(|link| (LinkName::Mqtt, link, Interest::all()));
    let bridge = settings.bridge.clone().map(|bridge| (LinkName::Bridge, bridge.link, bridge.scopes));
    let plan = |(name, link, scopes): (LinkName, LinkSettings, Interest)| {
        let (fleet, node, held) = (settings.fleet.clone(), settings.node.clone(), settings.scopes.clone());
        let waiting = routes.open(name, scopes.clone());
        Plan { name, settings: link, carried: Carried { fleet, node, held, scopes }, waiting }
    };
    own.into_iter().chain(bridge).map(plan).collect()
}

/// Connects, and keeps connected.
pub(super) fn connect(
    plan: Plan,
    writer: watch::Receiver<Writer>,
    will: Vec<u8>,
    jobs: &Jobs,
    shared: &Shared,
) -> Result<Connection, StartError> {
    let Plan { name, settings, carried, waiting } = plan;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| StartError::System { operation: "read entropy", reason: e.into() })?;
    let presence = carried.topic(&Scope::Fleet, Kind::Presence, &carried.node);
    let options = LinkOptions {
        tls: settings.broker.is_tls().then(|| Tls::load(&settings.tls)).transpose()?,
        broker: settings.broker,
        protocol: settings.protocol,
        client_id: client_id(&writer.borrow(), name),
        subscriptions: topic::subscriptions(&carried.fleet, &carried.node, carried.listed().as_deref()),
        session: Session::Clean,
        will: Some(Will { topic: presence.to_string(), payload: will.into() }),
        keep_alive: KEEP_ALIVE,
        seed,
    };
    let (link, events) = Link::start(options, &tokio::runtime::Handle::current())?;
    let link = Arc::new(link);
    tokio::spawn(follow_epoch(writer, name, Arc::clone(&link)));
    let (state, follow) = watch::channel(LinkState::Down { since: now(), reason: "not connected yet".to_owned() });
    let metrics = Arc::clone(&shared.metrics);
    let listener = Listener { name, carried: carried.clone(), jobs: jobs.clone(), state, metrics };
    tokio::spawn(listener.run(events));
    let outbox_bytes = Arc::clone(&waiting.1);
    let publisher = Publisher::new(name, Arc::clone(&link), carried, waiting, MOST_WAIT, Arc::clone(&shared.metrics));
    tokio::spawn(publisher.run());
    Ok(Connection { name, link, state: follow, outbox_bytes })
}

/// A copy of the store that runs as well has the old epoch's client id: a broker that both share lets only one of them
/// in until one goes by another.
async fn follow_epoch(mut writer: watch::Receiver<Writer>, name: LinkName, link: Arc<Link>) {
    while writer.changed().await.is_ok() {
        let client_id = client_id(&writer.borrow_and_update(), name);
        if let Err(error) = link.set_client_id(client_id) {
            tracing::error!(link = name.as_str(), %error, "the link keeps the client id of the old epoch");
        }
    }
}

/// Unique to the node's epoch and the link, for both may lead to one broker, and within the 64 bytes that brokers take.
fn client_id(writer: &Writer, link: LinkName) -> String {
    let node: String = writer.node.as_str().chars().take(40).collect();
    let end = if link == LinkName::Bridge { "-b" } else { "" };
    format!("tm-{node}-{}{end}", writer.epoch)
}
