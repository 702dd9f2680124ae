//! The runtime: one thread owns the engine and does what it asks for; everybody else goes through a [`Handle`].
//!
//! ```text
//!  http, cli ──► Handle ──► commands ─┐                        ┌─► store: one commit for all that waited
//!                                     ├─► engine thread ───────┤
//!  broker ──► link ──► messages ──────┘        │               └─► answers, only after the commit
//!                 ▲                            └─► outbox ──► link ──► broker
//! ```
//!
//! Every queue is bounded. A full command queue answers "overloaded"; a full message queue makes the link wait; a full
//! outbox drops what repair will bring again.

mod channel_link;
pub mod channels;
mod clock;
mod disk;
mod error;
mod handle;
mod inbox_folder;
mod inbox_topic;
mod kept;
pub mod letters;
mod link;
mod lookup;
pub mod offline;
mod outbox;
mod plugin_log;
mod plugins;
pub mod pricing;
pub mod replay;
mod signing;
mod thread;
pub mod verify;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha20Rng;
use tillmesh_core::engine::{Config, Engine, SharedView};
use tillmesh_core::id::Writer;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::Position;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::metrics::Metrics;
use crate::mqtt::broker::{EmbeddedBroker, EmbeddedBrokerOptions};
use crate::mqtt::{BrokerUrl, Link};
use crate::store::{self, Store};

pub use channel_link::ChannelLinkError;
pub use clock::now;
pub use error::{StartError, SubmitError};
pub use handle::{EnrolmentPapers, FleetState, Handle, Status};
pub use link::{LinkName, LinkState};
pub use outbox::{DeliveryState, OutboxError};
pub use plugin_log::{PluginLog, Said};
pub use plugins::{Canary, CanaryState, Place, PluginError, Plugins, ReloadError, Reloaded, Versions};
pub use signing::UntrustedComponent;

use handle::count_command;
use thread::{Job, Jobs, Spawned};

/// How many commands may wait. At 64 to a commit this is a few hundred milliseconds on slow storage; more would only
/// make clients wait for an answer that they no longer want.
const MAX_WAITING_COMMANDS: usize = 1_024;
/// How many messages of peers may wait: with [`crate::mqtt::MAX_WAITING_MESSAGES`] before them, a burst of a fleet's
/// morning.
const MAX_WAITING_MESSAGES: usize = 256;

/// The file of the store in a node's folder.
const STORE_FILE: &str = "tillmesh.redb";

/// A running node.
pub struct Node {
    handle: Handle,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
    links: Vec<link::Connection>,
    watches: Watches,
    broker: Mutex<Option<EmbeddedBroker>>,
}

struct Inner {
    settings: Settings,
    jobs: Jobs,
    view: SharedView,
    reader: store::Reader,
    writer: watch::Receiver<Writer>,
    enrolment: EnrolmentPapers,
    started_at: Timestamp,
    stopping: AtomicBool,
    metrics: Arc<Metrics>,
    head: watch::Receiver<Position>,
    others: Arc<Mutex<thread::Others>>,
    links: Vec<(LinkName, watch::Receiver<LinkState>)>,
    disk_fails: Arc<AtomicBool>,
    letters: Arc<letters::DeadLetters>,
    channels: channels::Channels,
    outbox: Arc<outbox::Outbox>,
    pricing: pricing::Pricing,
    plugins: Arc<Plugins>,
    reloading: tokio::sync::Mutex<()>,
    plugin_log: Arc<PluginLog>,
    broker: Option<SocketAddr>,
}

impl Node {
    /// Starts a node: opens its store, loads its plugins, starts its broker and its link.
    ///
    /// # Errors
    /// When one of these fails; nothing keeps running then.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::default());
        let store = Store::open(&settings.data.join(STORE_FILE))?;
        let mut rng = clock::entropy()?;
        let engine = open_engine(store, &settings, &mut rng)?;
        let (plugins, components) = Plugins::load(&settings)?;
        let plugins = Arc::new(plugins);
        let broker = start_broker(&settings).await?;
        let address = broker.as_ref().map(EmbeddedBroker::address);
        let shared = thread::Shared::new(&engine, Arc::clone(&metrics));
        let (view, reader) = (engine.view(), engine.reader());
        let enrolment = EnrolmentPapers { key: engine.public_key(), request: engine.enrolment_request() };
        let will = engine.last_will();
        let embedded = address.map(|at| BrokerUrl::new(&at.ip().to_string(), at.port())).transpose()?;
        let mut routes = link::Routes::new(Arc::clone(&metrics));
        let brokers = channel_link::Brokers::of(&settings, embedded.clone());
        let plans = link::plan(&settings, embedded, &mut routes);
        let Spawned { jobs, head, writer, thread } = thread::spawn(engine, rng, routes, &shared)
            .map_err(|reason| StartError::System { operation: "start the engine's thread", reason })?;
        let connect = |plan| link::connect(plan, writer.clone(), will.clone(), &jobs, &shared);
        let links = plans.into_iter().map(connect).collect::<Result<Vec<_>, _>>()?;
        let letters = letters::DeadLetters::open(reader.clone(), jobs.clone(), Arc::clone(&metrics));
        let letters = Arc::new(letters.map_err(OutboxError::from)?);
        let plugin_log = Arc::new(PluginLog::default());
        let lanes = channels::Channel::all(&settings, &plugins, &view, &reader, &metrics, &plugin_log);
        let sender = writer.borrow().to_string();
        let parts =
            outbox::Parts { sender, jobs: jobs.clone(), letters: Arc::clone(&letters), head: head.clone(), brokers };
        let outbox = Arc::new(outbox::Outbox::start(&lanes, &parts).await?);
        let channels = channels::Channels::new(
            lanes,
            settings.data.clone(),
            jobs.clone(),
            Arc::clone(&letters),
            Arc::clone(&outbox),
        );
        let pricing = pricing::Pricing::new(&settings, &plugins, Arc::clone(&metrics), Arc::clone(&plugin_log));
        keep_components(&jobs, components).await;
        let inner = Inner {
            jobs,
            view,
            reader,
            writer,
            enrolment,
            started_at: now(),
            stopping: AtomicBool::new(false),
            metrics,
            head,
            others: Arc::clone(&shared.others),
            links: links.iter().map(link::Connection::state).collect(),
            disk_fails: Arc::clone(&shared.disk_fails),
            letters,
            channels,
            outbox,
            pricing,
            plugins,
            reloading: tokio::sync::Mutex::default(),
            plugin_log,
            broker: address,
            settings,
        };
        let inner = Arc::new(inner);
        Ok(Self {
            watches: watches(&inner, &parts.brokers)?,
            handle: Handle { inner },
            thread: Mutex::new(Some(thread)),
            links,
            broker: Mutex::new(broker),
        })
    }

    /// The door to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops: no more commands, what waits is done, rows are written, the link is closed.
    pub async fn shutdown(&self) {
        use std::sync::atomic::Ordering::SeqCst;
        self.handle.inner.stopping.store(true, SeqCst);
        self.handle.inner.outbox.stop();
        self.watches.tasks.iter().for_each(JoinHandle::abort);
        self.handle.inner.jobs.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the engine's thread ended with a panic");
        }
        let links = futures_util::future::join_all(self.links.iter().map(link::Connection::shutdown));
        let heard = futures_util::future::join_all(self.watches.links.iter().map(|link| link.shutdown()));
        futures_util::future::join(links, heard).await;
        let broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(broker) = broker {
            broker.shutdown().await;
        }
    }
}

impl Inner {
    async fn reload_plugins(self: &Arc<Self>) -> Result<Vec<Reloaded>, ReloadError> {
        // One after the other: the last one that asked has what stands there last.
        let _turn = self.reloading.lock().await;
        let file = self.settings.file.clone().ok_or(ReloadError::NoFile)?;
        let inner = Arc::clone(self);
        let prepare = move || {
            let pricing = inner.settings.pricing_plugin.as_ref();
            let (settings, signing) = Settings::plugins_again(&file, pricing)?;
            inner.plugins.prepare(&settings, &signing)
        };
        let prepared = tokio::task::spawn_blocking(prepare).await.map_err(|error| broke_off(&error))?;
        let plugins::Prepared { versions, components } = prepared?;
        // Before any of them sets a price.
        if !keep_components(&self.jobs, components).await {
            return Err(ReloadError::Busy);
        }
        Ok(self.plugins.swap(versions))
    }

    fn link(&self, name: LinkName) -> Option<LinkState> {
        self.links.iter().find(|(link, _)| *link == name).map(|(_, state)| state.borrow().clone())
    }
}

/// Why plugins that were read on another thread are not there: that one panicked, or the node stops.
fn broke_off(error: &tokio::task::JoinError) -> ReloadError {
    if error.is_panic() { ReloadError::BrokeOff } else { ReloadError::Busy }
}

fn open_engine(store: Store, settings: &Settings, rng: &mut ChaCha20Rng) -> Result<Engine<Store>, StartError> {
    let engine = Engine::open(store, engine_config(settings), now(), rng)
        .map_err(|error| StartError::Engine { folder: settings.data.display().to_string(), error })?
        .holding(settings.scopes.clone())
        .expiring_carts(settings.cart_days)
        .refunding_apart(settings.refund_apart);
    Ok(if settings.bridge.is_some() { engine.relaying() } else { engine })
}

fn engine_config(settings: &Settings) -> Config {
    Config {
        fleet: settings.fleet.clone(),
        node: settings.node.clone(),
        location: settings.location.clone(),
        region: settings.region.clone(),
        zone: settings.zone.clone(),
        rounding: settings.rounding,
        keeper: settings.keeper,
        promises: settings.promises.clone(),
        taxes: settings.taxes.clone(),
        vouchers: settings.vouchers.clone(),
    }
}

/// What is taken from folders and brokers.
struct Watches {
    tasks: Vec<JoinHandle<()>>,
    /// Those that topics are heard over. Closing one hands what was acknowledged to the broker, which would send it
    /// again.
    links: Vec<Arc<Link>>,
}

fn watches(inner: &Arc<Inner>, brokers: &channel_link::Brokers) -> Result<Watches, StartError> {
    let (mut tasks, mut links) = (Vec::new(), Vec::new());
    for (name, settings) in inner.channels.iter() {
        if let Some(watch) = settings.watch.clone() {
            tasks.push(tokio::spawn(inbox_folder::run(Arc::clone(inner), name.clone(), watch)));
        }
        if let Some(subscribe) = &settings.subscribe {
            let way = channel_link::Way::In(&subscribe.topics);
            let (link, events) = brokers.connect(name, subscribe.link.as_ref(), way)?;
            links.push(Arc::clone(&link));
            let heard = inbox_topic::Heard { channel: name.clone(), topic: subscribe.topic.clone(), link, events };
            tasks.push(tokio::spawn(inbox_topic::run(Arc::clone(inner), heard)));
        }
    }
    Ok(Watches { tasks, links })
}

async fn start_broker(settings: &Settings) -> Result<Option<EmbeddedBroker>, StartError> {
    match settings.embedded_broker {
        Some(address) => Ok(Some(EmbeddedBroker::start(address, EmbeddedBrokerOptions::default()).await?)),
        None => Ok(None),
    }
}

/// Components are kept by their hash, so that a price of today can be proved when the plugin has long been replaced.
/// Says whether all are.
async fn keep_components(jobs: &Jobs, components: Vec<Vec<u8>>) -> bool {
    let mut all = true;
    for content in components {
        let (done, kept) = oneshot::channel();
        if jobs.send(Job::Keep { content, done }).is_err() || kept.await.is_err() {
            tracing::warn!("a component could not be kept by its hash");
            all = false;
        }
    }
    all
}
