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
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard};

use rand_chacha::ChaCha20Rng;
use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::day;
use tillmesh_core::engine::{Authored, CloneAlarm, Config, Engine, SharedView, authored_by};
use tillmesh_core::fleet::{Enrolment, Members, Standing};
use tillmesh_core::id::{EventId, Name, PublicKey, Writer};
use tillmesh_core::order::{self, Order};
use tillmesh_core::storage::StorageError;
use tillmesh_core::sync::Peer;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::{EventRow, Position, View, read};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::metrics::{Labels, Metrics};
use crate::mqtt::BrokerUrl;
use crate::mqtt::broker::{EmbeddedBroker, EmbeddedBrokerOptions};
use crate::store::{self, Store};

pub use channel_link::ChannelLinkError;
pub use clock::now;
pub use error::{StartError, SubmitError};
pub use link::{LinkName, LinkState};
pub use outbox::{DeliveryState, OutboxError};
pub use plugin_log::{PluginLog, Said};
pub use plugins::{Canary, CanaryState, Place, PluginError, Plugins, ReloadError, Reloaded, Versions};
pub use signing::UntrustedComponent;

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
    watches: Vec<JoinHandle<()>>,
    broker: Mutex<Option<EmbeddedBroker>>,
}

/// The one door to a running node. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
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

/// What this node shows to whoever holds the fleet's key.
#[derive(Debug, Clone)]
pub struct EnrolmentPapers {
    /// Its public key.
    pub key: PublicKey,
    /// Its signed request.
    pub request: Vec<u8>,
}

/// The fleet, as of a moment ago.
#[derive(Debug, Clone)]
pub struct FleetState {
    /// Who belongs to it.
    pub members: Arc<Members>,
    /// Where this node stands.
    pub standing: Standing,
    /// What makes it known as a member to newcomers; none: it is none.
    pub introduction: Option<Enrolment>,
    /// Something that it wrote before it was let in and that its certificates do not cover.
    pub uncovered: Option<String>,
    /// Whether its settings make it its location's keeper and its certificate does not.
    pub keeps_in_vain: bool,
}

/// A node at a glance.
#[derive(Debug, Clone)]
pub struct Status {
    /// When the process started.
    pub started_at: Timestamp,
    /// Whether it takes commands.
    pub ready: bool,
    /// Whether the disk takes no writes.
    pub disk_fails: bool,
    /// Whether there is still somebody to do commands.
    pub engine_runs: bool,
    /// The link to the node's broker.
    pub link: LinkState,
    /// The link to the second broker, of a node that is a bridge.
    pub bridge: Option<LinkState>,
    /// The peers heard of.
    pub peers: Vec<(Name, Peer)>,
    /// What was heard of others that write in an epoch of this store, the oldest first.
    pub clones: Vec<CloneAlarm>,
    /// Projection rows that wait to be written.
    pub unwritten_rows: usize,
    /// The last commit.
    pub head: Position,
    /// Commands that wait.
    pub queue: usize,
    /// Where the embedded broker listens.
    pub embedded_broker: Option<SocketAddr>,
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
        self.watches.iter().for_each(JoinHandle::abort);
        self.handle.inner.jobs.stop();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(move || thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the engine's thread ended with a panic");
        }
        futures_util::future::join_all(self.links.iter().map(link::Connection::shutdown)).await;
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

impl Handle {
    /// Does a command; returns once it is durable.
    ///
    /// # Errors
    /// When it is refused, the node is busy or stopping, or the store fails. Nothing was written then, but
    /// where the store failed: there it is not known.
    pub async fn submit(&self, request: Request) -> Result<Outcome, SubmitError> {
        let kind = kind_of(&request);
        let result = self.inner.jobs.submit(request).await;
        count_command(&self.inner.metrics, kind, &result);
        result
    }

    /// Committed state. The guard keeps the engine from showing its next commit: hold it for microseconds, never across
    /// an await.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.inner.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, for who looks at it more than once.
    pub fn shared_view(&self) -> &SharedView {
        &self.inner.view
    }

    /// Reads the store beside its writer.
    pub fn reader(&self) -> &store::Reader {
        &self.inner.reader
    }

    /// This node in the epoch that it is in now.
    pub fn writer(&self) -> Writer {
        self.inner.writer.borrow().clone()
    }

    /// What this node shows to whoever holds the fleet's key.
    pub fn enrolment(&self) -> &EnrolmentPapers {
        &self.inner.enrolment
    }

    /// The fleet, as this node knows it.
    pub fn fleet(&self) -> FleetState {
        self.inner.others.lock().unwrap_or_else(PoisonError::into_inner).fleet.clone()
    }

    /// What each key wrote under a node's name. Reads much: not for a thread that others wait for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn authored_by(&self, node: &Name) -> Result<Vec<Authored>, StorageError> {
        authored_by(&self.inner.view, &self.inner.reader, node)
    }

    /// What was recorded on a day of trade. Reads much: not for a thread that others wait for.
    ///
    /// # Errors
    /// When the store fails.
    pub fn day(&self, asked: day::Asked<'_>) -> Result<day::Report, StorageError> {
        day::read(&self.inner.view, &self.inner.reader, asked, &self.writer())
    }

    /// The day of trade that what is recorded now belongs to.
    pub fn open_day(&self) -> day::OpenDay {
        let Settings { location, zone, .. } = self.settings();
        day::open(&self.view(), &self.writer(), location, zone, now())
    }

    /// An order. Reads all that happened to it, and does not look at committed state meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub fn order(&self, id: EventId) -> Result<Option<Order>, StorageError> {
        let row = read::<EventRow>(&self.view(), self.reader(), &id)?;
        row.map_or(Ok(None), |row| order::read_events(self.reader(), id, &row))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// The position of the last commit, to be followed.
    pub fn head(&self) -> watch::Receiver<Position> {
        self.inner.head.clone()
    }

    /// The node at a glance.
    pub fn status(&self) -> Status {
        use std::sync::atomic::Ordering::Relaxed;
        let engine_runs = self.inner.head.has_changed().is_ok();
        let (unwritten_rows, head) = {
            let view = self.view();
            (view.unwritten(), view.head)
        };
        let others = self.inner.others.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Status {
            started_at: self.inner.started_at,
            ready: !self.inner.stopping.load(Relaxed) && !self.inner.disk_fails.load(Relaxed) && engine_runs,
            engine_runs,
            disk_fails: self.inner.disk_fails.load(Relaxed),
            link: self.inner.link(LinkName::Mqtt).unwrap_or(LinkState::None),
            bridge: self.inner.link(LinkName::Bridge),
            peers: others.peers,
            clones: others.clones,
            unwritten_rows,
            head,
            queue: self.inner.jobs.waiting(),
            embedded_broker: self.inner.broker,
        }
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The channels.
    pub fn channels(&self) -> &channels::Channels {
        &self.inner.channels
    }

    /// Messages of which nothing was made.
    pub fn letters(&self) -> &letters::DeadLetters {
        &self.inner.letters
    }

    /// How deliveries to a channel go; none: it is not told anything.
    pub fn delivery(&self, channel: &Name) -> Option<DeliveryState> {
        self.inner.outbox.state(channel)
    }

    /// Does with a dead letter's message again what came to nothing, with another body where it was mended. What goes
    /// well is no dead letter any more.
    ///
    /// # Errors
    /// When there is no such letter, or it comes to nothing again; then it stays.
    pub async fn replay(&self, id: EventId, mended: Option<Vec<u8>>) -> Result<replay::Replayed, replay::ReplayError> {
        replay::replay(&self.inner, id, mended).await
    }

    /// The plugins, by name.
    pub fn plugins(&self) -> &Plugins {
        &self.inner.plugins
    }

    /// Reads the plugins of the settings' file again, and puts their components in the place of those at work: all of
    /// them, or none. No message waits for it, and none is dropped. It goes on to its end, also when nobody waits.
    ///
    /// # Errors
    /// When one is not taken; all go on as they were then.
    pub async fn reload_plugins(&self) -> Result<Vec<Reloaded>, ReloadError> {
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move { inner.reload_plugins().await }).await.map_err(|error| broke_off(&error))?
    }

    /// What plugins said lately.
    pub fn plugin_log(&self) -> &PluginLog {
        &self.inner.plugin_log
    }

    /// What prices carts.
    pub fn pricing(&self) -> &pricing::Pricing {
        &self.inner.pricing
    }
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
fn watches(inner: &Arc<Inner>, brokers: &channel_link::Brokers) -> Result<Vec<JoinHandle<()>>, StartError> {
    let mut tasks = Vec::new();
    for (name, settings) in inner.channels.iter() {
        if let Some(watch) = settings.watch.clone() {
            tasks.push(tokio::spawn(inbox_folder::run(Arc::clone(inner), name.clone(), watch)));
        }
        if let Some(subscribe) = &settings.subscribe {
            let way = channel_link::Way::In(&subscribe.topics);
            let (link, events) = brokers.connect(name, subscribe.link.as_ref(), way)?;
            let heard = inbox_topic::Heard { channel: name.clone(), topic: subscribe.topic.clone(), link, events };
            tasks.push(tokio::spawn(inbox_topic::run(Arc::clone(inner), heard)));
        }
    }
    Ok(tasks)
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

fn count_command(metrics: &Metrics, kind: &str, result: &Result<Outcome, SubmitError>) {
    let outcome = match result {
        Ok(_) => "done",
        Err(SubmitError::Refused(_)) => "refused",
        Err(SubmitError::Overloaded) => "overloaded",
        Err(SubmitError::Stopping) => "stopping",
        Err(SubmitError::Storage(_)) => "failed",
    };
    metrics.commands.get_or_create(&Labels::new(kind, outcome)).inc();
}

fn kind_of(request: &Request) -> &'static str {
    use tillmesh_core::command::Command as C;
    match &request.command {
        C::PutProducts(_) => "put-products",
        C::PutPromotion(_) => "put-promotion",
        C::Receive { .. } => "receive",
        C::Count { .. } => "count",
        C::Transfer { .. } => "transfer",
        C::Adjust { .. } => "adjust",
        C::Sell { .. } => "sell",
        C::TakeBack { .. } => "take-back",
        C::Fulfil { .. } => "fulfil",
        C::CreateCart { .. } => "create-cart",
        C::AddToCart { .. } => "add-to-cart",
        C::SetInCart { .. } => "set-in-cart",
        C::AddCoupon { .. } => "add-coupon",
        C::RemoveCoupon { .. } => "remove-coupon",
        C::Checkout { .. } => "checkout",
        C::PromiseCart { .. } => "promise-cart",
        C::ClaimCart { .. } => "claim-cart",
        C::ForkCart { .. } => "fork-cart",
        C::MergeCarts { .. } => "merge-carts",
        C::IssueVoucher(_) => "issue-voucher",
        C::Channel { .. } => "channel",
        C::Enrol(_) => "enrol",
        _ => "other",
    }
}
