//! Work items: what merging could not settle, and the decisions on it.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Request};
use tillmesh_core::event::Line;
use tillmesh_core::id::{CartId, EventId, Name, Reference, Sku};
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::{DecisionRow, View};
use tillmesh_core::work::{self, Choice, Remedy, Subject};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::blocking::blocking;
use super::body::{Recorded, Written, recorded};
use super::extract::{Id, Params, Write};
use super::page::{Ask, Page, PageParams};
use super::problem::{Problem, ProblemKind};
use super::reservations::patient_until;
use super::schema;

/// Something that a person must decide. It is derived from events, so every node that has heard the same shows the
/// same; when its cause is gone, so is the item.
#[derive(Debug, Serialize, ToSchema)]
struct WorkItem {
    /// Its id, the same at every node.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// `shortfall`, `settled-twice`, `over-refunded`, `over-returned`, `clash`, `unknown-sku`,
    /// `double-checkout`, `retired-promise`, `late-event`, `clone`, `overspent-voucher`,
    /// `received-twice` or `over-decided`.
    kind: &'static str,
    /// `open` or `decided`.
    state: &'static str,
    /// What happened, in a sentence.
    detail: String,
    /// The location.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// The SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Sku>)]
    sku: Option<Sku>,
    /// The order or promise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    order: Option<EventId>,
    /// The cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    cart: Option<CartId>,
    /// How many units, minor units of money, orders or events it is about.
    #[schema(minimum = 1)]
    extent: i64,
    /// The events concerned.
    #[schema(value_type = Vec<schema::EventId>)]
    evidence: Vec<EventId>,
    /// Of a double checkout, the orders that do not stand first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::EventId>)]
    losers: Vec<EventId>,
    /// The goods that the choices `take-back` and `write-off` move.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    goods: Vec<Moved>,
    /// What may be decided; the first is proposed.
    choices: Vec<Offer>,
    /// When it came about, as far as this node can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    since: Option<Timestamp>,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

/// Goods that a decision moves.
#[derive(Debug, Serialize, ToSchema)]
struct Moved {
    /// Where.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// What.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// How much.
    quantity: i64,
}

/// Something that may be decided.
#[derive(Debug, Serialize, ToSchema)]
struct Offer {
    /// The word for it.
    choice: &'static str,
    /// What it does.
    effect: &'static str,
    /// The nodes that may decide so, each for its own orders; left out, every node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::Name>)]
    nodes: Vec<Name>,
}

/// A decision.
#[derive(Debug, Serialize, ToSchema)]
struct Decision {
    /// What was decided.
    #[schema(value_type = schema::Name)]
    choice: Name,
    /// The event that records it.
    #[schema(value_type = schema::EventId)]
    event: EventId,
    /// At which node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    /// By whom, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
    /// Why, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    reason: Option<Reference>,
}

/// What is decided on a work item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// One of the item's choices.
    #[schema(value_type = schema::Name)]
    choice: String,
    /// Why, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    reason: Option<Reference>,
    /// Who decides, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Which work items.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; they are read by name, so that each error can name its own")]
struct Filter {
    /// `open`, `decided` or `all`; left out, `open`.
    #[param(value_type = Option<String>)]
    state: Option<String>,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(resolve))
}

/// What waits for a decision
#[utoipa::path(get, path = "/v1/work-items", tag = "work items", operation_id = "list_work_items",
    params(Filter, PageParams), responses((status = 200, description = "A page", body = Page<WorkItem>)))]
async fn list(State(app): State<App>, mut params: Params) -> Result<Json<Page<WorkItem>>, Problem> {
    let state = params.word("state", &["open", "decided", "all"])?.unwrap_or("open");
    let ask = Ask::of(&mut params, &format!("work items {state}"))?;
    params.finish()?;
    let after: Option<EventId> = ask.after_id()?;
    let handle = app.handle.clone();
    let found = blocking(move || {
        let mut look = |see: &mut dyn FnMut(&View)| see(&handle.view());
        work::items(&mut look, handle.reader())
    });
    let mut items: Vec<WorkItem> = found.await?.into_iter().map(WorkItem::from).collect();
    items.retain(|item| state == "all" || item.state == state);
    items.retain(|item| after.is_none_or(|after| item.id > after));
    items.sort_by_key(|item| item.id);
    Ok(Json(ask.page(items.into_iter(), |item| item.id.to_string())))
}

/// A work item
#[utoipa::path(get, path = "/v1/work-items/{id}", tag = "work items", operation_id = "get_work_item",
    params(("id" = schema::EventId, Path, description = "The item")),
    responses((status = 200, description = "The item", body = WorkItem)))]
async fn get(State(app): State<App>, Id(id): Id<EventId>) -> Result<Json<WorkItem>, Problem> {
    let handle = app.handle.clone();
    let found = blocking(move || {
        let mut look = |see: &mut dyn FnMut(&View)| see(&handle.view());
        work::find(&mut look, handle.reader(), id)
    });
    found
        .await?
        .map(|item| Json(item.into()))
        .ok_or_else(|| Problem::missing(ProblemKind::UnknownWorkItem, "work item", id))
}

/// Decide on a work item
///
/// The choice is carried out and recorded, together or not at all.
#[utoipa::path(post, path = "/v1/work-items/{id}/~resolve", tag = "work items", operation_id = "resolve_work_item",
    params(("id" = schema::EventId, Path, description = "The item")), request_body = NewDecision,
    responses((status = 201, description = "It is decided", body = Recorded)))]
async fn resolve(
    State(app): State<App>,
    Id(item): Id<EventId>,
    write: Write<NewDecision>,
) -> Result<Written<Recorded>, Problem> {
    let NewDecision { choice, reason, clerk } = write.body;
    let request = write.key.request(Command::Resolve { item, choice, reason });
    recorded(app.handle.submit(Request { clerk, until: patient_until(&app), ..request }).await?)
}

impl From<work::WorkItem> for WorkItem {
    fn from(item: work::WorkItem) -> Self {
        let detail = detail(&item);
        let work::WorkItem { id, subject, extent, evidence, losers, choices, deciders, since, decision, remedies } =
            item;
        let goods = remedies.into_iter().flat_map(moved).collect();
        let kind = subject.kind();
        let (location, sku, order, cart) = match subject {
            Subject::Shortfall { location, sku } => (Some(location), Some(sku), None, None),
            Subject::UnknownSku { sku } => (None, Some(sku), None, None),
            Subject::SettledTwice { promise: order }
            | Subject::OverRefunded { order }
            | Subject::OverReturned { order } => (None, None, Some(order), None),
            Subject::Clash { .. } => (None, None, None, None),
            Subject::DoubleCheckout { cart } => (None, None, None, Some(cart)),
            Subject::RetiredPromise { location, sku, .. } => (Some(location), Some(sku), None, None),
            Subject::OverspentVoucher { location, sku } => (Some(location), Some(sku), None, None),
            Subject::LateEvent { location, .. } => (Some(location), None, None, None),
            Subject::ReceivedTwice { location, .. } => (Some(location), None, None, None),
            Subject::OverDecided { .. } => (None, None, None, None),
            Subject::Clone { .. } | Subject::BeyondRetirement { .. } => (None, None, None, None),
        };
        let state = if decision.is_some() { "decided" } else { "open" };
        let choices = choices.into_iter().map(|choice| offer(choice, &deciders)).collect();
        let decision = decision.map(Decision::from);
        Self {
            id,
            kind,
            state,
            detail,
            location,
            sku,
            order,
            cart,
            extent,
            evidence,
            losers,
            goods,
            choices,
            since,
            decision,
        }
    }
}

fn moved(Remedy { location, lines, .. }: Remedy) -> impl Iterator<Item = Moved> {
    lines.into_iter().map(move |Line { sku, quantity }| Moved { location: location.clone(), sku, quantity })
}

impl From<DecisionRow> for Decision {
    fn from(row: DecisionRow) -> Self {
        let DecisionRow { event, choice, at, node, clerk, reason, .. } = row;
        Self { choice, event, node, at, clerk, reason }
    }
}

fn detail(item: &work::WorkItem) -> String {
    let extent = item.extent;
    match &item.subject {
        Subject::Shortfall { location, sku } => {
            format!("{extent} more of {sku} are promised at {location} than there are")
        }
        Subject::SettledTwice { promise } => {
            format!("{extent} units more of promise {promise} were given up or handed over than were promised")
        }
        Subject::OverRefunded { order } => {
            format!(
                "{extent} minor units more were paid back for order {order} than were paid: what the customer brings \
                 back is paid in"
            )
        }
        Subject::OverReturned { order } => format!("{extent} units more of order {order} came back than had left"),
        Subject::Clash { event } => format!("the id {event} stands for {} different events", extent + 1),
        Subject::UnknownSku { sku } => {
            format!("{sku} was sold, which the catalogue does not have: with the product this item is gone")
        }
        Subject::DoubleCheckout { cart } => {
            format!("cart {cart} became {} orders of the same lines", extent + 1)
        }
        Subject::RetiredPromise { location, sku, holder } => {
            let who = &holder.node;
            format!("{who}, retired or in another epoch now, had promised {extent} of {sku} at {location} in vain")
        }
        Subject::LateEvent { location, writer, date } => {
            let who = &writer.node;
            format!("{extent} events stand behind the close of {date} at {location} by {who}: its totals lack them")
        }
        Subject::OverspentVoucher { sku, .. } => {
            format!("{extent} more were taken of {sku} than it was issued for: a top-up would pay for that first")
        }
        Subject::ReceivedTwice { location, reference } => {
            format!("goods of document {reference} were booked in {} times at {location}: count them", extent + 1)
        }
        Subject::OverDecided { back } => {
            format!("{extent} units more of return {back} were decided on than it kept aside: count them")
        }
        Subject::BeyondRetirement { retired, at } => format!(
            "{at} holds {extent} changes of {} that its retirement does not count: if they are to count for everybody, \
             retire it once more with the address of {at}",
            retired.node
        ),
        Subject::Clone { writer } => format!(
            "the store of {} ran twice in epoch {}: receipt numbers of it may stand for two sales, and what it could \
             promise waits for the keeper of its location",
            writer.node, writer.epoch
        ),
    }
}

fn offer(choice: Choice, deciders: &BTreeSet<Name>) -> Offer {
    let effect = match choice {
        Choice::Accept => "Leaves everything as it is; the item is open again only once it is about more.",
        Choice::ReleaseNewest => {
            "Gives up promises that this node made, the newest first, until the rest can be kept; the owners of others \
             decide at their nodes."
        }
        Choice::VoidLosers => {
            "Takes the goods of the orders that do not stand first back, and pays back what was paid."
        }
        Choice::ReleaseRetired => "Gives up what is open of these promises; who has them must be told.",
        Choice::TakeBack => {
            "Books in the goods that were handed over although they were given up, once they are back where they left; \
             it pays nothing back."
        }
        Choice::WriteOff => {
            "Takes off the stock what was booked in although it had come back before, where it was booked in."
        }
    };
    let nodes = if choice == Choice::Accept { Vec::new() } else { deciders.iter().cloned().collect() };
    Offer { choice: choice.as_str(), effect, nodes }
}
