//! Goods that come back, step by step: leave to bring them, their receipt, what becomes of what was kept aside. Paying
//! back is a step of its own, or part of the receipt.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tillmesh_core::command::{Command, Request};
use tillmesh_core::event::DispositionLine;
use tillmesh_core::id::{EventId, Name, Reference, Sku};
use tillmesh_core::order::{self, Authorisation, Returned};
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::App;
use crate::http::body::{GoodsLine, Recorded, TenderBody, Written, all, recorded};
use crate::http::event::EventBody;
use crate::http::extract::{Id, Write};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::reservations::patient_until;
use crate::http::sales::{ReturnedLine, returned_lines};
use crate::http::schema;

/// Leave to bring goods of an order back: what is known as a return merchandise authorisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReturnAuthorisation {
    /// Where; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What; left out, all that can come back and no other authorisation is for.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    lines: Vec<GoodsLine>,
    /// The first moment at which nothing may come back by it any more; left out, there is none.
    #[schema(value_type = Option<schema::Timestamp>)]
    until: Option<Timestamp>,
    /// When it was given; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    authorised_at: Option<Timestamp>,
    /// Its number.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who gave it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Goods of an order that come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderReturn {
    /// Where they are; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// The authorisation that they come back by; left out, the till takes them back at once.
    #[schema(value_type = Option<schema::EventId>)]
    authorisation: Option<EventId>,
    /// What.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<ReturnedLine>,
    /// How it is paid back; amounts are positive. Recorded as an event of its own.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    refund: Vec<TenderBody>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    returned_at: Option<Timestamp>,
    /// The return's own document.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who took them, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// What becomes of goods that came back and were kept aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnDisposition {
    /// What becomes of what.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<DecidedLine>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    decided_at: Option<Timestamp>,
    /// The decision's own document, such as a report of an inspection.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who decided, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Goods that somebody decided on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecidedLine {
    /// What.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// How much.
    #[schema(value_type = schema::Quantity)]
    quantity: i64,
    /// Whether it enters the stock of the return's location now; false: it is disposed of.
    restock: bool,
}

/// Leave to bring goods back, and what of it is left.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReturnAuthorisation {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// When it was given.
    #[schema(value_type = schema::Timestamp)]
    authorised_at: Timestamp,
    /// The first moment at which nothing may come back by it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    until: Option<Timestamp>,
    /// What may come back by it.
    lines: Vec<AuthorisedLine>,
}

/// How much of a SKU may come back by an authorisation.
#[derive(Debug, Serialize, ToSchema)]
struct AuthorisedLine {
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// What it says.
    quantity: i64,
    /// What came back by it.
    returned: i64,
    /// What can still come back by it, while its time is not over.
    open: i64,
}

/// A return, and what was decided on it since.
#[derive(Debug, Serialize, ToSchema)]
struct Return {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// Its order; left out of goods that came back without theirs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    order: Option<EventId>,
    /// Where the goods are.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The node that took them in, which alone decides on them.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// What of it is kept aside: nobody has decided what becomes of it.
    undecided: Vec<UndecidedLine>,
    /// What happened, the return first.
    events: Vec<EventBody>,
}

/// Goods that nobody has decided on.
#[derive(Debug, Serialize, ToSchema)]
struct UndecidedLine {
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// How much.
    quantity: i64,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(authorise))
        .routes(routes!(take_back))
        .routes(routes!(get))
        .routes(routes!(dispose))
}

/// Say that goods of an order may come back
///
/// No more than it has left to return, less what other authorisations have open whose time is not over. Goods may come
/// back without one as well.
#[utoipa::path(post, path = "/v1/orders/{id}/return-authorisations", tag = "orders", operation_id = "authorise_return",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = NewReturnAuthorisation,
    responses((status = 201, description = "They may come back; the event's id is that of the authorisation",
        body = Recorded)))]
async fn authorise(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<NewReturnAuthorisation>,
) -> Result<Written<Recorded>, Problem> {
    let NewReturnAuthorisation { location, lines, until, authorised_at, reference, clerk } = write.body;
    let command = Command::AuthoriseReturn { location, order, lines: all(lines), until };
    let request = Request { occurred_at: authorised_at, reference, clerk, ..write.key.request(command) };
    recorded(app.handle.submit(request).await?)
}

/// Take goods of an order back, and pay back where asked to
///
/// Return and refund are two events, recorded together: where either is refused, nothing is. What is paid back, this
/// node must hold the right to, or get it from its peers within half a second: see the refunds.
#[utoipa::path(post, path = "/v1/orders/{id}/returns", tag = "orders", operation_id = "take_back",
    params(("id" = schema::EventId, Path, description = "The order")), request_body = OrderReturn,
    responses((status = 201, description = "They are back", body = Recorded)))]
async fn take_back(
    State(app): State<App>,
    Id(order): Id<EventId>,
    write: Write<OrderReturn>,
) -> Result<Written<Recorded>, Problem> {
    let OrderReturn { location, authorisation, lines, refund, returned_at, reference, clerk } = write.body;
    let (lines, refund) = (returned_lines(lines), all(refund));
    let command = Command::TakeBack { location, order: Some(order), authorisation, lines, refund };
    let until = patient_until(&app);
    let request = Request { occurred_at: returned_at, reference, clerk, until, ..write.key.request(command) };
    recorded(app.handle.submit(request).await?)
}

/// A return, and what of it nobody has decided on
#[utoipa::path(get, path = "/v1/returns/{id}", tag = "orders", operation_id = "get_return",
    params(("id" = schema::EventId, Path, description = "The return")),
    responses((status = 200, description = "The return", body = Return)))]
async fn get(State(app): State<App>, Id(id): Id<EventId>) -> Result<Json<Return>, Problem> {
    let returned = order::read_return(&app.handle.view(), app.handle.reader(), id)?;
    let returned = returned.ok_or_else(|| Problem::missing(ProblemKind::UnknownReturn, "return", id))?;
    Ok(Json(Return::of(&returned)))
}

/// Decide what becomes of goods that came back and were kept aside
///
/// They enter the stock where they are, or are disposed of. Only the node that took them in decides, so that nothing
/// enters the stock twice; where it was retired, the keeper of the location does.
#[utoipa::path(post, path = "/v1/returns/{id}/dispositions", tag = "orders", operation_id = "dispose",
    params(("id" = schema::EventId, Path, description = "The return")), request_body = ReturnDisposition,
    responses((status = 201, description = "It is decided", body = Recorded)))]
async fn dispose(
    State(app): State<App>,
    Id(back): Id<EventId>,
    write: Write<ReturnDisposition>,
) -> Result<Written<Recorded>, Problem> {
    let ReturnDisposition { lines, decided_at, reference, clerk } = write.body;
    let request = write.key.request(Command::Dispose { back, lines: all(lines) });
    recorded(app.handle.submit(Request { occurred_at: decided_at, reference, clerk, ..request }).await?)
}

impl ReturnAuthorisation {
    /// An authorisation as its order knows it.
    pub(super) fn of(given: &Authorisation<'_>) -> Self {
        let lines = given.lines.iter().map(|(sku, of)| AuthorisedLine {
            sku: sku.clone(),
            quantity: of.quantity,
            returned: of.returned,
            open: of.open,
        });
        Self {
            id: given.event.id,
            reference: given.event.reference.clone(),
            authorised_at: given.event.occurred(),
            until: given.until,
            lines: lines.collect(),
        }
    }
}

impl Return {
    fn of(returned: &Returned) -> Self {
        let first = std::iter::once(EventBody::of(&returned.event, &returned.origin));
        let later = returned.later.iter().map(|(event, origin)| EventBody::of(event, origin));
        let undecided = returned.undecided().into_iter().map(|(sku, quantity)| UndecidedLine { sku, quantity });
        Self {
            id: returned.event.id,
            order: returned.body().and_then(|body| body.order),
            location: returned.origin.location.clone(),
            node: returned.origin.writer.node.clone(),
            undecided: undecided.collect(),
            events: first.chain(later).collect(),
        }
    }
}

impl From<DecidedLine> for DispositionLine {
    fn from(line: DecidedLine) -> Self {
        Self { sku: line.sku, quantity: line.quantity, restock: line.restock }
    }
}
