//! Orders: sales and promises with everything that happened to them since.

mod cancelling;
mod list;
mod refunds;
mod returns;
mod serving;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tillmesh_core::event::{Body, PricingProof, StatedTotals};
use tillmesh_core::id::{CartId, EventId, Name, ObjectHash, Reference, Sku};
use tillmesh_core::money::Money;
use tillmesh_core::order::{Order, Quantities, Status};
use tillmesh_core::past::Known;
use tillmesh_core::time::{BusinessDate, Timestamp};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::body::TenderBody;
use super::event::{AdjustmentBody, EventBody, EventLine, receipt_number};
use super::extract::{Id, Params};
use super::past::{self, AsOf};
use super::problem::{Problem, ProblemKind};
use super::schema;
use super::tax::TaxBody;
use cancelling::CancellationBody;
use returns::ReturnAuthorisation;

/// An order: a sale or a promise, and what happened to it since, as far as this node has heard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderBody {
    /// Its id.
    #[schema(value_type = schema::EventId)]
    pub id: EventId,
    /// `sale` over the counter or `promise`, such as a web order.
    kind: &'static str,
    /// `reserved`, `placed`, `allocated`, `picked`, `ready`, `partly-fulfilled`, `shipped`, `completed`, `cancelled`,
    /// `partly-returned` or `returned`.
    status: &'static str,
    /// The number on the receipt of a sale, gap-free per node and epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "till-1-k3m5qz-17")]
    pub receipt_number: Option<String>,
    /// The location whose goods they are.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The node that made it.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// When it was made.
    #[schema(value_type = schema::Timestamp)]
    sold_at: Timestamp,
    /// When the node recorded it.
    #[schema(value_type = schema::Timestamp)]
    recorded_at: Timestamp,
    /// The day of trade that it belongs to.
    #[schema(value_type = schema::BusinessDate)]
    business_date: BusinessDate,
    /// When a reservation that is not confirmed ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    expires_at: Option<Timestamp>,
    /// The channel that it came from; left out, a till of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    channel: Option<Name>,
    /// The other side's document, such as the channel's order number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Option<Reference>,
    /// Who sold it, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
    /// The customer, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// The cart that became it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    cart: Option<CartId>,
    /// The lines as sold or promised.
    lines: Vec<EventLine>,
    /// Discounts and charges, each with its reason.
    adjustments: Vec<AdjustmentBody>,
    /// What the lines cost before adjustments.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    subtotal: Option<Money>,
    /// What adjustments come to; negative: taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    discount: Option<Money>,
    /// The taxes, where rates were set when it was sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<TaxBody>,
    /// What is to be paid, with taxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    total: Option<Money>,
    /// What rounding of cash to the smallest coin added to what was to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    rounding: Option<Money>,
    /// What was paid back since.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    refunded: Option<Money>,
    /// How it was paid.
    tenders: Vec<TenderBody>,
    /// How much of each SKU went where.
    quantities: Vec<QuantitiesOfSku>,
    /// The authorisations to bring goods of it back.
    return_authorisations: Vec<ReturnAuthorisation>,
    /// The requests to give it up that its location was asked to consent to.
    cancellation_requests: Vec<CancellationBody>,
    /// The totals that a channel stated, as it stated them.
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<Stated>,
    /// The hashes that let anybody run the price again: fetch them from `/v1/objects/{hash}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Proof>,
    /// What happened to it, the sale or promise first.
    events: Vec<EventBody>,
}

/// How much of one SKU of an order went where.
#[derive(Debug, Serialize, ToSchema)]
struct QuantitiesOfSku {
    /// The SKU.
    #[schema(value_type = schema::Sku)]
    sku: Sku,
    /// Sold or promised.
    ordered: i64,
    /// Of what is left to leave: promised, and nobody has begun.
    placed: i64,
    /// Taken on by somebody.
    allocated: i64,
    /// Taken from the shelf.
    picked: i64,
    /// Packed, to be handed over or shipped.
    ready: i64,
    /// Given up before it left.
    released: i64,
    /// Left, after a promise.
    fulfilled: i64,
    /// Came back.
    returned: i64,
    /// Of that, kept aside: nobody has decided whether it enters the stock.
    undecided: i64,
    /// Taken from the shelf for what was given up since: to be put back, until progress to `placed` says that it was.
    to_put_back: i64,
}

/// Totals that a channel stated. Kept, never repaired.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatedTotals)]
struct Stated {
    /// Before discounts, shipping and taxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    subtotal: Option<Money>,
    /// Taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    discount: Option<Money>,
    /// Shipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    shipping: Option<Money>,
    /// Taxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    tax: Option<Money>,
    /// What the customer pays.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    total: Option<Money>,
    /// Whether the parts add up to the total.
    consistent: bool,
}

/// The hashes of what a price was worked out from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PricingProof)]
struct Proof {
    /// The plugin's component.
    #[schema(value_type = schema::ObjectHash)]
    component: ObjectHash,
    /// Its inputs, in canonical CBOR.
    #[schema(value_type = schema::ObjectHash)]
    inputs: ObjectHash,
    /// Its output, in canonical CBOR.
    #[schema(value_type = schema::ObjectHash)]
    output: ObjectHash,
}

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get))
        .merge(list::routes())
        .merge(refunds::routes())
        .merge(returns::routes())
        .merge(serving::routes())
}

/// An order with everything that happened to it
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", operation_id = "get_order",
    params(("id" = schema::EventId, Path, description = "The order"), AsOf),
    responses((status = 200, description = "The order", body = OrderBody)))]
async fn get(State(app): State<App>, Id(id): Id<EventId>, mut params: Params) -> Result<Json<OrderBody>, Problem> {
    let question = past::question(&mut params, Known::Now)?;
    params.finish()?;
    let order = match question {
        Some(question) => question.answer(&app, move |past, view, reader| past.order(view, reader, id)).await?,
        None => app.handle.order(id)?,
    };
    let order = order.ok_or_else(|| Problem::missing(ProblemKind::UnknownOrder, "order", id))?;
    Ok(Json(OrderBody::of(&order)))
}

impl OrderBody {
    /// An order.
    pub(super) fn of(order: &Order) -> Self {
        let currency = order.currency();
        let money = |amount: i64| currency.map(|currency| Money { amount, currency });
        let (made, origin) = (&order.made, &order.origin);
        let first = std::iter::once(EventBody::of(made, origin));
        Self {
            id: order.id,
            kind: made.body.kind(),
            status: order.status().as_str(),
            receipt_number: order.receipt().map(|number| receipt_number(&origin.writer, number)),
            location: origin.location.clone(),
            node: origin.writer.node.clone(),
            sold_at: made.occurred(),
            recorded_at: made.recorded_at,
            business_date: origin.date,
            expires_at: expires_at(order),
            channel: made.channel.clone(),
            reference: made.reference.clone(),
            clerk: made.clerk.clone(),
            customer_ref: order.customer().cloned(),
            cart: order.cart(),
            lines: order.lines().iter().map(|line| EventLine::priced(line, currency)).collect(),
            adjustments: currency.map_or_else(Vec::new, |currency| {
                order.adjustments().iter().map(|it| AdjustmentBody::of(it, currency)).collect()
            }),
            subtotal: money(order.subtotal()),
            discount: money(order.adjustments().iter().map(|adjustment| adjustment.amount).sum()),
            tax: order.tax().zip(currency).map(|(tax, currency)| TaxBody::of(tax, currency)),
            total: money(order.total()),
            rounding: order.rounding().and_then(money),
            refunded: money(order.refunded()),
            tenders: currency.map_or_else(Vec::new, |currency| {
                order.tenders().iter().map(|tender| TenderBody::of(tender, currency)).collect()
            }),
            quantities: order.quantities().into_iter().map(QuantitiesOfSku::from).collect(),
            return_authorisations: order.authorisations().iter().map(ReturnAuthorisation::of).collect(),
            cancellation_requests: order.cancellations().iter().map(CancellationBody::of).collect(),
            stated: stated(order),
            pricing: order.pricing().map(Proof::from),
            events: first.chain(order.later.iter().map(|(event, origin)| EventBody::of(event, origin))).collect(),
        }
    }
}

fn expires_at(order: &Order) -> Option<Timestamp> {
    match &order.made.body {
        Body::Promise(promise) if order.status() == Status::Reserved => promise.expires_at,
        _ => None,
    }
}

fn stated(order: &Order) -> Option<Stated> {
    let Body::Promise(promise) = &order.made.body else { return None };
    let StatedTotals { subtotal, discount, shipping, tax, total, consistent } = promise.stated.clone()?;
    let money = |amount: Option<i64>| amount.zip(promise.currency).map(|(amount, currency)| Money { amount, currency });
    Some(Stated {
        subtotal: money(subtotal),
        discount: money(discount),
        shipping: money(shipping),
        tax: money(tax),
        total: money(total),
        consistent,
    })
}

impl From<(Sku, Quantities)> for QuantitiesOfSku {
    fn from((sku, of): (Sku, Quantities)) -> Self {
        Self {
            sku,
            ordered: of.ordered,
            placed: of.placed,
            allocated: of.allocated,
            picked: of.picked,
            ready: of.ready,
            released: of.released,
            fulfilled: of.fulfilled,
            returned: of.returned,
            undecided: of.undecided,
            to_put_back: of.to_put_back,
        }
    }
}

impl From<PricingProof> for Proof {
    fn from(proof: PricingProof) -> Self {
        Self { component: proof.component, inputs: proof.inputs, output: proof.output }
    }
}
