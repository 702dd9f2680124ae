//! The node itself: who it is, how it does, whom it hears; and the objects that prove prices.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, header};
use serde::Serialize;
use tillmesh_core::day::{Doubt, OpenDay};
use tillmesh_core::document::{Interest, Scope};
use tillmesh_core::engine::CloneAlarm;
use tillmesh_core::id::{Name, ObjectHash, PublicKey};
use tillmesh_core::storage::{Read as _, Table};
use tillmesh_core::sync::Peer;
use tillmesh_core::time::{BusinessDate, Timestamp};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::extract::{Id, Params};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;
use crate::runtime::{LinkState, now};

/// A node at a glance.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    /// Its name.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// The life of its store.
    epoch: String,
    /// Its fleet.
    #[schema(value_type = schema::Name)]
    fleet: Name,
    /// Where it stands in its fleet: `open` (the fleet has no key), `member`, `unknown` (it has no certificate),
    /// `retired` or `stolen` (others do not take what it records).
    standing: &'static str,
    /// Something that this node wrote before it was let in and its certificates do not cover: others refuse it, and
    /// what follows it. Enrolled again in a wider role it is heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncovered: Option<String>,
    /// Keys that a key of the fleet was handed over to besides the one that this node follows: nodes that followed it
    /// there do not hear this one, nor it them.
    #[schema(value_type = Vec<schema::PublicKey>)]
    rival_keys: Vec<PublicKey>,
    /// The location whose stock it touches.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// Whether it is the location's keeper: `yes`, `no`, or `not-certified`, where its settings say so and its
    /// certificate does not, so that it makes no rights.
    keeper: &'static str,
    /// The region whose carts it shares.
    #[schema(value_type = schema::Name)]
    region: Name,
    /// The location's time zone.
    time_zone: String,
    /// The day of trade that is open: what is recorded now belongs to it.
    #[schema(value_type = schema::BusinessDate)]
    business_date: BusinessDate,
    /// `believed`, or why the node's clock does not decide the day: `ahead`, it says a day long after the open one,
    /// `behind`, one before it. Sales go on under the open day; its close with `next` says which one begins.
    clock: &'static str,
    /// The version of the program.
    version: &'static str,
    /// When the process started.
    #[schema(value_type = schema::Timestamp)]
    started_at: Timestamp,
    /// Whether it takes commands.
    ready: bool,
    /// The link to the node's broker.
    link: Link,
    /// The link to the second broker, of a node that is a bridge.
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<Link>,
    /// The scopes that it holds, each `catalog`, `fleet`, `stock-<location>`, `carts-<region>`, or the beginning of one
    /// with `*` behind it.
    scopes: Vec<String>,
    /// Where its own broker listens.
    #[serde(skip_serializing_if = "Option::is_none")]
    embedded_broker: Option<String>,
    /// The plugin that prices carts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pricing_plugin: Option<Name>,
    /// The number of the last commit.
    position: u64,
    /// Commands that wait.
    waiting_commands: usize,
    /// Projection rows that wait to be written.
    unwritten_rows: usize,
    /// What was heard of others that write in an epoch of this store, the oldest first.
    clones: Vec<CloneBody>,
}

/// Somebody else wrote in an epoch of this store: its disk was copied, or set back to an earlier day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Clone)]
struct CloneBody {
    /// The epoch that goes on twice.
    epoch: String,
    /// When the first such change was heard.
    #[schema(value_type = schema::Timestamp)]
    heard_at: Timestamp,
    /// How many were heard while the epoch was this store's.
    changes: u64,
    /// When the newest event among them was recorded, by the other's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    latest: Option<Timestamp>,
    /// When this store left the epoch for a new one: at once, unless its disk took no writes. Until then receipt
    /// numbers may come twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    fenced_at: Option<Timestamp>,
}

impl CloneBody {
    fn of(alarm: CloneAlarm) -> Self {
        let CloneAlarm { epoch, heard_at, changes, latest, fenced_at } = alarm;
        Self { epoch: epoch.to_string(), heard_at, changes, latest, fenced_at }
    }
}

/// A link to a broker.
#[derive(Debug, Serialize, ToSchema)]
struct Link {
    /// `none`: the node has no broker. `up`, `down`.
    state: &'static str,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    since: Option<Timestamp>,
    /// Why it is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What is known of a peer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Peer)]
struct PeerBody {
    /// The peer.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// When it was last heard of.
    #[schema(value_type = schema::Timestamp)]
    last_heard: Timestamp,
    /// Whether it is there: not if the broker said that it is gone and it was silent for a second since.
    here: bool,
    /// Whether more is known of it than its name, which anybody at the broker can make up: something that was signed by
    /// a node of that name.
    proved: bool,
    /// What it holds.
    scopes: Vec<PeerScope>,
    /// How many of its envelopes were refused, by kind.
    refused: BTreeMap<String, u64>,
}

/// What a peer holds of a scope.
#[derive(Debug, Serialize, ToSchema)]
struct PeerScope {
    /// The scope: `catalog`, `fleet`, `stock-<location>` or `carts-<region>`.
    scope: String,
    /// Whether it held the same as this node when it was heard.
    equal: bool,
    /// How many documents it holds.
    documents: u64,
    /// How many changes they have.
    changes: u64,
    /// How many changes this node had fewer when it heard that: what it lacks at least.
    behind: u64,
    /// How many changes this node had more.
    ahead: u64,
    /// When it said so.
    #[schema(value_type = schema::Timestamp)]
    heard_at: Timestamp,
    /// Since when it has not been equal, as far as was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    differs_since: Option<Timestamp>,
    /// How many seconds that is.
    lag_seconds: u64,
}

/// A word of good health.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(node))
        .routes(routes!(peers))
        .routes(routes!(object))
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(metrics))
}

/// The node at a glance
#[utoipa::path(get, path = "/v1/node", tag = "operations", operation_id = "get_node",
    responses((status = 200, description = "The node", body = Node)))]
async fn node(State(app): State<App>) -> Json<Node> {
    let (settings, status, fleet_state) = (app.handle.settings(), app.handle.status(), app.handle.fleet());
    let open = app.handle.open_day();
    Json(Node {
        node: settings.node.clone(),
        epoch: app.handle.writer().epoch.to_string(),
        fleet: settings.fleet.clone(),
        standing: super::fleet::word(fleet_state.standing),
        rival_keys: fleet_state.members.rivals().iter().map(|rival| rival.to).collect(),
        uncovered: fleet_state.uncovered,
        location: settings.location.clone(),
        keeper: match (settings.keeper, fleet_state.keeps_in_vain) {
            (_, true) => "not-certified",
            (true, false) => "yes",
            (false, false) => "no",
        },
        region: settings.region.clone(),
        time_zone: settings.time_zone.clone(),
        business_date: open.date,
        clock: clock_word(open),
        version: env!("CARGO_PKG_VERSION"),
        started_at: status.started_at,
        ready: status.ready,
        link: Link::from(status.link),
        bridge: status.bridge.map(Link::from),
        scopes: held(&settings.scopes),
        embedded_broker: status.embedded_broker.map(|address| address.to_string()),
        pricing_plugin: settings.pricing_plugin.clone(),
        position: status.head,
        waiting_commands: status.queue,
        unwritten_rows: status.unwritten_rows,
        clones: status.clones.into_iter().map(CloneBody::of).collect(),
    })
}

const fn clock_word(open: OpenDay) -> &'static str {
    match open.doubt {
        None => "believed",
        Some(Doubt::Ahead(_)) => "ahead",
        Some(Doubt::Behind(_)) => "behind",
    }
}

/// The peers that were heard of, by name
#[utoipa::path(get, path = "/v1/peers", tag = "operations", operation_id = "list_peers", params(PageParams),
    responses((status = 200, description = "A page", body = Page<PeerBody>)))]
async fn peers(State(app): State<App>, mut params: Params) -> Result<Json<Page<PeerBody>>, Problem> {
    let ask = Ask::of(&mut params, "peers")?;
    params.finish()?;
    let after: Option<Name> = ask.after_id()?;
    let peers = app.handle.status().peers;
    let peers = peers.iter().filter(|(name, _)| after.as_ref().is_none_or(|after| name > after));
    Ok(Json(ask.page(peers.map(PeerBody::of), |peer| peer.node.to_string())))
}

/// Content by its hash: a plugin's component, the inputs of a price
#[utoipa::path(get, path = "/v1/objects/{hash}", tag = "orders", operation_id = "get_object",
    params(("hash" = schema::ObjectHash, Path, description = "SHA-256 of the content")),
    responses((status = 200, description = "The content", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn object(
    State(app): State<App>,
    Id(hash): Id<ObjectHash>,
) -> Result<([(HeaderName, &'static str); 2], Vec<u8>), Problem> {
    let content = app.handle.reader().get(Table::Objects, hash.as_bytes())?;
    let content = content.ok_or_else(|| Problem::missing(ProblemKind::UnknownObject, "object", hash))?;
    let cached = (header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    Ok(([(header::CONTENT_TYPE, "application/octet-stream"), cached], content))
}

/// Whether the process answers
#[utoipa::path(get, path = "/health", tag = "operations", operation_id = "get_health",
    responses((status = 200, description = "It does", body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the node takes commands
#[utoipa::path(get, path = "/ready", tag = "operations", operation_id = "get_readiness",
    responses((status = 200, description = "It does", body = Health)))]
async fn ready(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let status = app.handle.status();
    match (status.ready, status.disk_fails) {
        (true, _) => Ok(Json(Health { status: "ok" })),
        (false, true) => Err(Problem::new(ProblemKind::StorageFailed, "the disk takes no writes: see the node's log")),
        (false, false) => Err(Problem::new(ProblemKind::Stopping, "the node is stopping")),
    }
}

/// Metrics in Prometheus' text format (OpenMetrics 1.0)
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "get_metrics",
    responses((status = 200, description = "The metrics", body = String,
        content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")))]
async fn metrics(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, media)], app.handle.metrics().encode())
}

fn held(scopes: &Interest) -> Vec<String> {
    let patterns = scopes.patterns().iter().map(ToString::to_string);
    patterns.chain([Scope::Fleet.to_string()]).collect::<BTreeSet<_>>().into_iter().collect()
}

impl From<LinkState> for Link {
    fn from(state: LinkState) -> Self {
        match state {
            LinkState::None => Self { state: "none", since: None, reason: None },
            LinkState::Up { since } => Self { state: "up", since: Some(since), reason: None },
            LinkState::Down { since, reason } => Self { state: "down", since: Some(since), reason: Some(reason) },
        }
    }
}

impl PeerBody {
    fn of((name, peer): &(Name, Peer)) -> Self {
        Self {
            node: name.clone(),
            last_heard: peer.last_heard,
            here: peer.is_here(now()),
            proved: peer.proved,
            scopes: peer.scopes.iter().map(|(scope, known)| PeerScope::of(scope, known)).collect(),
            refused: peer.refused.iter().map(|(kind, count)| (kind.as_str().to_owned(), *count)).collect(),
        }
    }
}

impl PeerScope {
    fn of(scope: &Scope, known: &tillmesh_core::sync::PeerScope) -> Self {
        let lag = known.differs_since.map_or(0, |since| now().as_millis() - since.as_millis());
        Self {
            scope: scope.to_string(),
            equal: known.equal(),
            documents: known.documents,
            changes: known.changes,
            behind: known.lead.max(0).unsigned_abs(),
            ahead: known.lead.min(0).unsigned_abs(),
            heard_at: known.heard_at,
            differs_since: known.differs_since,
            lag_seconds: (lag.max(0) / 1_000).unsigned_abs(),
        }
    }
}
