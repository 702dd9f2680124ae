//! Sales over the counter, and goods that come back without their order.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tillmesh_core::command::{Command, Outcome, Request};
use tillmesh_core::event::ReturnLine;
use tillmesh_core::id::{Name, Reference, Sku};
use tillmesh_core::order::Order;
use tillmesh_core::time::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::{Recorded, SaleLine, TenderBody, Written, all, events_of, recorded, written};
use super::extract::{Key, Write};
use super::orders::OrderBody;
use super::problem::{Problem, ProblemKind};
use super::reservations::patient_until;
use super::schema;

/// A physical sale: the goods are in the customer's hand, so it is never refused for lack of stock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sale {
    /// Where; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<SaleLine>,
    /// How it was paid.
    #[serde(default)]
    #[schema(max_items = 500, required = false)]
    tenders: Vec<TenderBody>,
    /// The customer, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// When; left out, now.
    #[schema(value_type = Option<schema::Timestamp>)]
    sold_at: Option<Timestamp>,
    /// The channel that sold it; left out, this node's own tills.
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// The other side's document, such as a till's own receipt.
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who sold it, opaque.
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
}

/// Goods that come back without their order. It moves stock and refunds nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlindReturn {
    /// Where they are; left out, the node's own location.
    #[schema(value_type = Option<schema::Name>)]
    location: Option<Name>,
    /// What.
    #[schema(min_items = 1, max_items = 500)]
    lines: Vec<ReturnedLine>,
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

/// A line that comes back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReturnedLine {
    /// What.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// How much.
    #[schema(value_type = schema::Quantity)]
    quantity: i64,
    /// Whether it can be sold again; false: it was disposed of and never enters the stock. Left out: it can, unless it
    /// is undecided.
    restock: Option<bool>,
    /// Whether it is kept aside until somebody decides: it is back, and does not enter the stock before that. Not
    /// together with `restock: true`.
    #[serde(default)]
    #[schema(required = false, default = false)]
    undecided: bool,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(sell)).routes(routes!(take_back))
}

/// Record a physical sale
///
/// A SKU that is not in the catalogue is accepted. A line's amount is its own, else its unit price times its quantity,
/// else the catalogue's price times its quantity. A tender of the kind `gift-card` takes its amount off the gift card
/// whose code is its `reference`, of which this node must hold so much or get it from its peers within half a second.
#[utoipa::path(post, path = "/v1/sales", tag = "sales", operation_id = "sell", request_body = Sale,
    responses((status = 201, description = "The order", body = OrderBody, headers(("Location" = String)))))]
async fn sell(State(app): State<App>, write: Write<Sale>) -> Result<MadeOrder, Problem> {
    let request = Request { until: patient_until(&app), ..write.body.request(&write.key) };
    made(app.handle.submit(request).await?)
}

/// Take goods back without their order
#[utoipa::path(post, path = "/v1/returns", tag = "sales", operation_id = "take_back_blind", request_body = BlindReturn,
    responses((status = 201, description = "They are back", body = Recorded)))]
async fn take_back(State(app): State<App>, write: Write<BlindReturn>) -> Result<Written<Recorded>, Problem> {
    recorded(app.handle.submit(write.body.request(&write.key)).await?)
}

/// An order that was made, and where it is found.
pub(super) type MadeOrder = ([(&'static str, String); 1], Written<OrderBody>);

/// The order that an outcome made, as it was then: asked again under the same key, the answer is the same.
///
/// # Errors
/// When the outcome has none, which would be a defect.
pub(super) fn made(outcome: Outcome) -> Result<MadeOrder, Problem> {
    let (events, repeated) = events_of(outcome)?;
    let first = events.into_iter().next();
    let (event, origin) = first.ok_or_else(|| Problem::new(ProblemKind::Internal, "nothing was recorded"))?;
    let order = OrderBody::of(&Order::new(event, origin));
    Ok(([("location", format!("/v1/orders/{}", order.id))], written(StatusCode::CREATED, order, repeated)))
}

impl Sale {
    /// What the engine is asked.
    pub(super) fn request(self, key: &Key) -> Request {
        let command = Command::Sell {
            location: self.location,
            lines: all(self.lines),
            tenders: all(self.tenders),
            customer: self.customer_ref,
        };
        Request {
            occurred_at: self.sold_at,
            channel: self.channel,
            reference: self.reference,
            clerk: self.clerk,
            ..key.request(command)
        }
    }
}

impl BlindReturn {
    /// What the engine is asked.
    pub(super) fn request(self, key: &Key) -> Request {
        let Self { location, lines, returned_at, reference, clerk } = self;
        let (lines, refund) = (returned_lines(lines), Vec::new());
        let command = Command::TakeBack { location, order: None, authorisation: None, lines, refund };
        Request { occurred_at: returned_at, reference, clerk, ..key.request(command) }
    }
}

/// The lines of a return as it is recorded.
pub(super) fn returned_lines(lines: Vec<ReturnedLine>) -> Vec<ReturnLine> {
    let line = |ReturnedLine { sku, quantity, restock, undecided }: ReturnedLine| ReturnLine {
        sku,
        quantity,
        restock: restock.unwrap_or(!undecided),
        undecided: undecided.then_some(true),
    };
    lines.into_iter().map(line).collect()
}
