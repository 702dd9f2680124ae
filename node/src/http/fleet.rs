//! The fleet: who belongs to it, and how this node is let in.
//!
//! Nothing here holds the fleet's secret key: what it says arrives signed, from whoever holds it.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Outcome};
use tillmesh_core::engine::{Authored, Exposure, Repayable, VouchersHeld, Worth};
use tillmesh_core::fleet::{Enrolment, EnrolmentRequest, Member, Standing};
use tillmesh_core::id::{ChangeHash, Name, PublicKey, StatementId};
use tillmesh_core::money::{Currency, Money};
use tillmesh_core::sync::Peer;
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::blocking::blocking;
use super::body::{Written, written};
use super::extract::{Id, Params, Write};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::schema;

/// The fleet, as this node knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fleet)]
struct FleetBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    fleet: Name,
    /// Its public key; none: the fleet is open, and this node takes what anybody signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::PublicKey>)]
    key: Option<PublicKey>,
    /// Where this node stands: `open`, `member`, `unknown` (it has no certificate), `retired` or `stolen`.
    standing: &'static str,
    /// This node's public key.
    #[schema(value_type = schema::PublicKey)]
    node_key: PublicKey,
    /// What `tillmesh fleet enrol` takes where the fleet's secret key is.
    request: String,
    /// What makes this node known as a member to newcomers: `tillmesh fleet enrol` puts it into the enrolments that it
    /// makes. None: it is no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    introduction: Option<String>,
    /// The certificates and retirements that hold.
    #[schema(value_type = Vec<String>)]
    statements: Vec<StatementId>,
}

/// A node of the fleet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetNode)]
struct NodeBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// Its public key.
    #[schema(value_type = schema::PublicKey)]
    key: PublicKey,
    /// What it may write: `headquarters`, `store`, `kiosk` or `channel`; none: it never had a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// Its locations; the first one is where it stands.
    #[schema(value_type = Vec<schema::Name>)]
    locations: Vec<Name>,
    /// The highest term of office for which it keeps its locations' openings; none: it keeps none.
    #[serde(skip_serializing_if = "Option::is_none")]
    keeper: Option<u32>,
    /// When its certificate was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    issued_at: Option<Timestamp>,
    /// When it was retired; none: it belongs to the fleet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    retired_at: Option<Timestamp>,
    /// Whether it was retired because its key may be in other hands.
    stolen: bool,
    /// When it was last heard of; none: never by this process, or it is this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    last_heard: Option<Timestamp>,
}

/// What was signed under a node's name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetNodeWritten)]
struct WrittenBody {
    /// By each key.
    keys: Vec<KeyBody>,
}

/// What a key wrote, as far as this node knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetKeyWritten)]
struct KeyBody {
    /// The key.
    #[schema(value_type = schema::PublicKey)]
    key: PublicKey,
    /// Its events.
    events: Vec<EventsBody>,
    /// How many carts it wrote to.
    carts: u64,
    /// What is at stake with it, by location: what it may have promised, taken of vouchers and paid back since it was
    /// heard, and what it had promised.
    exposure: Vec<ExposureBody>,
    /// What a retirement names so that all of it counts for everybody.
    documents: Vec<CountedBody>,
}

/// The events that a key wrote at a location.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetEventsWritten)]
struct EventsBody {
    /// The location.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// How many.
    count: u64,
    /// When the newest one was recorded, by its writer's clock.
    #[schema(value_type = schema::Timestamp)]
    latest: Timestamp,
}

/// What is at stake with a key at a location.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetExposure)]
struct ExposureBody {
    /// The location.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// Rights to goods that it holds, as far as was heard, at catalogue prices: it may have promised as much.
    rights: WorthBody,
    /// What is open of its promises, at the prices promised.
    promises: WorthBody,
    /// Balances of gift cards that it may have taken.
    gift_cards: CardsBody,
    /// Uses of coupons that it may have redeemed.
    coupons: CouponsBody,
    /// What it may have paid back for orders of the location that it made, or paid back for before.
    refunds: RefundsBody,
}

/// Gift cards and what is on them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetGiftCards)]
struct CardsBody {
    /// How many.
    cards: u64,
    /// What is on them, by currency.
    #[schema(value_type = Vec<schema::Money>)]
    worth: Vec<Money>,
}

/// Coupons and their uses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetCoupons)]
struct CouponsBody {
    /// How many.
    coupons: u64,
    /// How often they can be redeemed, all together.
    uses: i64,
}

/// Orders and what may be paid back for them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetRefunds)]
struct RefundsBody {
    /// How many.
    orders: u64,
    /// What may be paid back, by currency.
    #[schema(value_type = Vec<schema::Money>)]
    worth: Vec<Money>,
}

/// Units and what they are worth.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Worth)]
struct WorthBody {
    /// Base units.
    units: i64,
    /// What those that have a price are worth, by currency.
    #[schema(value_type = Vec<schema::Money>)]
    worth: Vec<Money>,
    /// Units without a price.
    unpriced: i64,
}

/// Changes of a document that a retirement names.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FleetCounted)]
struct CountedBody {
    /// The document, hashed.
    document: String,
    /// The changes.
    changes: Vec<String>,
}

/// What a node is let in with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnrolBody {
    /// The text that `tillmesh fleet enrol` made from the node's request.
    enrolment: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
struct Enrolled {
    /// How many of its statements were new here.
    new: usize,
    /// Where this node stands now.
    standing: &'static str,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(nodes)).routes(routes!(written_by)).routes(routes!(enrol))
}

/// The fleet, and how this node asks to be let in
#[utoipa::path(get, path = "/v1/fleet", tag = "operations", operation_id = "get_fleet",
    responses((status = 200, description = "The fleet", body = FleetBody)))]
async fn get(State(app): State<App>) -> Json<FleetBody> {
    let fleet = app.handle.fleet();
    Json(FleetBody {
        fleet: app.handle.settings().fleet.clone(),
        key: fleet.members.anchor(),
        standing: word(fleet.standing),
        node_key: app.handle.enrolment().key,
        request: EnrolmentRequest::to_text(&app.handle.enrolment().request),
        introduction: fleet.introduction.as_ref().map(Enrolment::to_text),
        statements: fleet.members.valid().to_vec(),
    })
}

/// The nodes that have a certificate or were retired, by key
#[utoipa::path(get, path = "/v1/fleet/nodes", tag = "operations", operation_id = "list_fleet_nodes", params(PageParams),
    responses((status = 200, description = "A page", body = Page<NodeBody>)))]
async fn nodes(State(app): State<App>, mut params: Params) -> Result<Json<Page<NodeBody>>, Problem> {
    let ask = Ask::of(&mut params, "fleet nodes")?;
    params.finish()?;
    let after: Option<PublicKey> = ask.after_id()?;
    let (fleet, peers) = (app.handle.fleet(), app.handle.status().peers);
    let peers: BTreeMap<_, _> = peers.into_iter().collect();
    let nodes = fleet.members.nodes().filter(|(key, _)| after.as_ref().is_none_or(|after| key > &after));
    let nodes = nodes.filter_map(|(key, member)| NodeBody::of(key, member, &peers));
    Ok(Json(ask.page(nodes, |node| node.key.to_string())))
}

/// What each key wrote under a node's name, as far as this node knows it
#[utoipa::path(get, path = "/v1/fleet/nodes/{node}/written", tag = "operations",
    operation_id = "get_fleet_node_written", params(("node" = schema::Name, Path, description = "The node's name")),
    responses((status = 200, description = "What it wrote", body = WrittenBody)))]
async fn written_by(State(app): State<App>, Id(node): Id<Name>) -> Result<Json<WrittenBody>, Problem> {
    let handle = app.handle.clone();
    let authored = blocking(move || handle.authored_by(&node)).await?;
    Ok(Json(WrittenBody { keys: authored.into_iter().map(KeyBody::of).collect() }))
}

/// Take what the fleet's key says: this node's certificate, another's, a retirement, a rotation
#[utoipa::path(post, path = "/v1/fleet:enrol", tag = "operations", operation_id = "enrol", request_body = EnrolBody,
    responses((status = 200, description = "It was taken", body = Enrolled)))]
async fn enrol(State(app): State<App>, write: Write<EnrolBody>) -> Result<Written<Enrolled>, Problem> {
    let text = &write.body.enrolment;
    let enrolment = Enrolment::from_text(text)
        .map_err(|error| Problem::field(ProblemKind::InvalidField, "enrolment", text, &error.to_string()))?;
    let outcome = app.handle.submit(write.key.request(Command::Enrol(enrolment))).await?;
    let new = if let Outcome::Fleet { new } = outcome { new } else { 0 };
    Ok(written(StatusCode::OK, Enrolled { new, standing: word(app.handle.fleet().standing) }, false))
}

/// The word for where a node stands.
pub(super) const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Open => "open",
        Standing::Member => "member",
        Standing::Retired => "retired",
        Standing::Stolen => "stolen",
        Standing::Unknown => "unknown",
    }
}

impl NodeBody {
    fn of(key: &PublicKey, member: &Member, peers: &BTreeMap<Name, Peer>) -> Option<Self> {
        let papers = member.certificates.first();
        let node = papers.map(|papers| &papers.node).or(member.retired.as_ref().map(|retired| &retired.node))?;
        Some(Self {
            node: node.clone(),
            key: *key,
            role: papers.map(|papers| papers.role.as_str()),
            locations: papers.map(|papers| papers.locations.clone()).unwrap_or_default(),
            keeper: papers.and_then(|papers| papers.keeper),
            issued_at: papers.map(|papers| papers.issued_at),
            retired_at: member.retired.as_ref().map(|retired| retired.at),
            stolen: member.retired.as_ref().is_some_and(|retired| retired.stolen),
            last_heard: peers.get(node).map(|peer| peer.last_heard),
        })
    }
}

impl KeyBody {
    fn of(authored: Authored) -> Self {
        let Authored { key, counted, events, carts, exposure, .. } = authored;
        let events = events.into_iter();
        let events = events.map(|(location, of)| EventsBody { location, count: of.count, latest: of.latest }).collect();
        let hash = |hash: &ChangeHash| hash.to_string();
        let documents = counted.iter().map(|counted| CountedBody {
            document: counted.document.to_string(),
            changes: counted.changes.iter().map(hash).collect(),
        });
        Self { key, events, carts, exposure: ExposureBody::of(exposure), documents: documents.collect() }
    }
}

impl ExposureBody {
    fn of(exposure: Exposure) -> Vec<Self> {
        let Exposure { mut rights, mut promises, mut vouchers, mut refunds } = exposure;
        let of_goods = rights.keys().chain(promises.keys());
        let locations: BTreeSet<Name> = of_goods.chain(vouchers.keys()).chain(refunds.keys()).cloned().collect();
        let body = |location: Name| {
            let (gift_cards, coupons) = of_vouchers(vouchers.remove(&location).unwrap_or_default());
            let rights = rights.remove(&location).unwrap_or_default().into();
            let promises = promises.remove(&location).unwrap_or_default().into();
            let refunds = refunds.remove(&location).unwrap_or_default().into();
            Self { location, rights, promises, gift_cards, coupons, refunds }
        };
        locations.into_iter().map(body).collect()
    }
}

fn of_vouchers(held: VouchersHeld) -> (CardsBody, CouponsBody) {
    let VouchersHeld { cards, money, coupons, uses } = held;
    (CardsBody { cards, worth: worth_of(money) }, CouponsBody { coupons, uses })
}

fn worth_of(money: BTreeMap<Currency, i64>) -> Vec<Money> {
    money.into_iter().map(|(currency, amount)| Money { amount, currency }).collect()
}

impl From<Repayable> for RefundsBody {
    fn from(Repayable { orders, money }: Repayable) -> Self {
        Self { orders, worth: worth_of(money) }
    }
}

impl From<Worth> for WorthBody {
    fn from(Worth { units, money, unpriced }: Worth) -> Self {
        Self { units, worth: worth_of(money), unpriced }
    }
}
