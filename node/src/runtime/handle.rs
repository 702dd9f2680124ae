//! The one door to a running node: commands go in by it, and whoever reads looks through it.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLockReadGuard};

use tillmesh_core::command::{Outcome, Request};
use tillmesh_core::day;
use tillmesh_core::engine::{Authored, CloneAlarm, SharedView, authored_by};
use tillmesh_core::fleet::{Enrolment, Members, Standing};
use tillmesh_core::id::{EventId, Name, PublicKey, Writer};
use tillmesh_core::order::{self, Order};
use tillmesh_core::storage::StorageError;
use tillmesh_core::sync::Peer;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::{EventRow, Position, View, read};
use tokio::sync::watch;

use super::{
    DeliveryState, Inner, LinkName, LinkState, PluginLog, Plugins, ReloadError, Reloaded, SubmitError, broke_off,
    channels, letters, now, pricing, replay,
};
use crate::config::Settings;
use crate::metrics::{Labels, Metrics};
use crate::store;

/// The one door to a running node. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) inner: Arc<Inner>,
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

pub(super) fn count_command(metrics: &Metrics, kind: &str, result: &Result<Outcome, SubmitError>) {
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
