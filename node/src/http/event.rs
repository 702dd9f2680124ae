//! Business events as the API shows them: in orders, in answers to writes, in the change stream.

use serde::Serialize;
use tillmesh_core::event::{
    AdjustmentReason, Body, CountOf, Event, Handover, Issue, Line, LinePrice, Origin, PriceAdjustment, PricedLine,
    Redemption, RedemptionReversal, Tender,
};
use tillmesh_core::id::{CartId, EventId, Name, Reference, Sku, Writer};
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::time::{BusinessDate, Timestamp};
use utoipa::ToSchema;

use super::body::TenderBody;
use super::days::TotalsBody;
use super::schema;
use super::tax::TaxBody;

/// A business event. Which members there are depends on its kind.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Event)]
pub(super) struct EventBody {
    /// Its id; of a sale or a promise, also that of the order.
    #[schema(value_type = schema::EventId)]
    pub id: EventId,
    /// What happened: `sale`, `return`, `receipt`, `count`, `transfer-out`, `transfer-in`, `adjustment`, `promise`,
    /// `confirmation`, `release`, `progress`, `fulfilment`, `delivery`, `return-authorisation`, `disposition`, `mint`,
    /// `grant`, `burn`, `reclaim`, `refund`, `refund-grant`, `refund-reclaim`, `resolution`, `cash-movement`, `issue`,
    /// `redemption`, `redemption-reversal`, `voucher-sale`, `cancellation-request`, `consent`, `fence`,
    /// `beyond-retirement` or `day-close`.
    pub kind: &'static str,
    /// The location whose stock it touches.
    #[schema(value_type = schema::Name)]
    pub location: Name,
    /// The node that recorded it.
    #[schema(value_type = schema::Name)]
    pub node: Name,
    /// The life of that node's store.
    pub epoch: String,
    /// The ledger's day of trade.
    #[schema(value_type = schema::BusinessDate)]
    pub business_date: BusinessDate,
    /// Running number of its writer's process start at this location.
    pub number: u64,
    /// When it was recorded.
    #[schema(value_type = schema::Timestamp)]
    pub recorded_at: Timestamp,
    /// When it happened.
    #[schema(value_type = schema::Timestamp)]
    pub occurred_at: Timestamp,
    /// The channel that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    pub channel: Option<Name>,
    /// The other side's document.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    pub reference: Option<Reference>,
    /// Who did it, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    pub clerk: Option<Reference>,
    #[serde(flatten)]
    details: Details,
}

/// What only some kinds of events have.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = EventDetails)]
pub(super) struct Details {
    /// The order that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    order: Option<EventId>,
    /// The number of the receipt that the customer got.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_number: Option<String>,
    /// What and how much.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<EventLine>,
    /// Discounts and charges.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adjustments: Vec<AdjustmentBody>,
    /// How it was paid, or paid back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tenders: Vec<TenderBody>,
    /// The customer, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    customer_ref: Option<Reference>,
    /// The cart that was checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::CartId>)]
    cart: Option<CartId>,
    /// The other location of a transfer; of a fulfilment, where the goods left that were promised here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    other_location: Option<Name>,
    /// The transfer out that a transfer in answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    answers: Option<EventId>,
    /// The node that answers for the location whether a promise may be given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    asked: Option<Name>,
    /// The request that was consented to, or that was carried out with its consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    request: Option<EventId>,
    /// Why stock was corrected, a promise given up, or cash moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    parcel: Option<Reference>,
    /// How goods left: `collected` or `shipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    handover: Option<&'static str>,
    /// The stage that goods are at now: `placed`, `allocated`, `picked` or `ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    /// The fulfilments that arrived.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<schema::EventId>)]
    shipments: Vec<EventId>,
    /// The authorisation that goods came back by.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    authorisation: Option<EventId>,
    /// The first moment at which nothing may come back by an authorisation any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    until: Option<Timestamp>,
    /// The return that was decided on.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    back: Option<EventId>,
    /// From whom rights were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// To whom rights were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// When an unconfirmed promise ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    expires_at: Option<Timestamp>,
    /// When a voucher ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    valid_until: Option<Timestamp>,
    /// The loss or transfer that took rights along; of what was paid for a gift card, the event that issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    cause: Option<EventId>,
    /// The work item that was decided on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::EventId>)]
    work_item: Option<EventId>,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>)]
    choice: Option<Name>,
    /// The taxes of a sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax: Option<TaxBody>,
    /// Which way cash moved: `float`, `paid-in` or `paid-out`.
    #[serde(skip_serializing_if = "Option::is_none")]
    movement: Option<&'static str>,
    /// How much cash moved, may be paid back, or was paid for a promise with its confirmation; what a gift card is
    /// worth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    amount: Option<Money>,
    /// What the day adds up to.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<TotalsBody>,
    /// What a count is of, where it is not everything on the shelf: `available`, what can be sold of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<&'static str>,
    /// The cash that was counted at the end of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    counted: Option<Money>,
    /// How many events the day's ledger holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

/// A line of an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct EventLine {
    /// What.
    #[schema(value_type = schema::Sku)]
    pub sku: Sku,
    /// How much.
    pub quantity: i64,
    /// The price of one base unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::UnitPrice>)]
    pub unit_price: Option<UnitPrice>,
    /// What the line cost, before adjustments.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    pub amount: Option<Money>,
    /// Of a return or what was decided on one: whether it can be sold again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restock: Option<bool>,
    /// Of a return: whether it was kept aside until somebody decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<bool>,
    /// The stage that goods were at before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'static str>,
    /// Rights to promise that a receipt made, or that a sale or promise took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<u64>,
}

/// A discount or charge.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PriceAdjustment)]
pub(super) struct AdjustmentBody {
    /// The promotion that caused it.
    #[schema(value_type = schema::Name)]
    pub promotion: Name,
    /// The line, by its place from 0; left out: the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What it adds; negative: takes off.
    #[schema(value_type = schema::Money)]
    pub amount: Money,
    /// Why, in words for the customer.
    pub reason: String,
}

impl EventBody {
    /// An event and where it stands.
    pub(super) fn of(event: &Event, origin: &Origin) -> Self {
        Self {
            id: event.id,
            kind: event.body.kind(),
            location: origin.location.clone(),
            node: origin.writer.node.clone(),
            epoch: origin.writer.epoch.to_string(),
            business_date: origin.date,
            number: event.number,
            recorded_at: event.recorded_at,
            occurred_at: event.occurred(),
            channel: event.channel.clone(),
            reference: event.reference.clone(),
            clerk: event.clerk.clone(),
            details: details(event, origin),
        }
    }
}

impl AdjustmentBody {
    /// A recorded adjustment.
    pub(super) fn of(adjustment: &PriceAdjustment, currency: Currency) -> Self {
        Self {
            promotion: adjustment.promotion.clone(),
            line: adjustment.line,
            amount: Money { amount: adjustment.amount, currency },
            reason: adjustment.reason.clone(),
        }
    }
}

impl EventLine {
    /// A line of a sale or promise.
    pub(super) fn priced(line: &PricedLine, currency: Option<Currency>) -> Self {
        let price = |(price, currency): (LinePrice, Currency)| price.in_currency(currency);
        Self {
            unit_price: line.unit_price.zip(currency).map(price),
            amount: line.amount.zip(currency).map(|(amount, currency)| Money { amount, currency }),
            rights: line.burned,
            ..Self::plain(&line.sku, line.quantity)
        }
    }

    fn plain(sku: &Sku, quantity: i64) -> Self {
        let (sku, unit_price, amount) = (sku.clone(), None, None);
        Self { sku, quantity, unit_price, amount, restock: None, undecided: None, from: None, rights: None }
    }
}

/// The number on a receipt: the node, the beginning of its epoch (a node that was rebuilt begins a series of its own),
/// the number in that series.
pub(super) fn receipt_number(writer: &Writer, number: u64) -> String {
    const EPOCH_LETTERS: usize = 6;
    let epoch: String = writer.epoch.to_string().chars().take(EPOCH_LETTERS).collect();
    format!("{}-{epoch}-{number}", writer.node)
}

/// The word for a reason.
pub(super) fn reason_word(reason: AdjustmentReason) -> String {
    let word = serde_json::to_value(reason).ok();
    word.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown").to_owned()
}

fn details(event: &Event, origin: &Origin) -> Details {
    let order = event.body.order();
    match &event.body {
        Body::Sale(sale) => Details {
            receipt_number: Some(receipt_number(&origin.writer, sale.receipt)),
            lines: sale.lines.iter().map(|line| EventLine::priced(line, sale.currency)).collect(),
            adjustments: adjustments(&sale.adjustments, sale.currency),
            tenders: tenders(&sale.tenders, sale.currency),
            customer_ref: sale.customer.clone(),
            cart: sale.cart,
            tax: sale.tax.as_ref().zip(sale.currency).map(|(tax, currency)| TaxBody::of(tax, currency)),
            ..Details::default()
        },
        Body::Promise(promise) => Details {
            lines: promise.lines.iter().map(|line| EventLine::priced(line, promise.currency)).collect(),
            adjustments: adjustments(&promise.adjustments, promise.currency),
            customer_ref: promise.customer.clone(),
            cart: promise.cart,
            expires_at: promise.expires_at,
            ..Details::default()
        },
        Body::Refund(refund) => {
            Details { order, tenders: tenders(&refund.tenders, Some(refund.currency)), ..Details::default() }
        }
        Body::TransferOut(transfer) | Body::TransferIn(transfer) => Details {
            other_location: Some(transfer.other.clone()),
            answers: transfer.answers,
            lines: plain_lines(&transfer.lines),
            ..Details::default()
        },
        Body::Release(release) => {
            let reason = release.reason.as_ref().map(ToString::to_string);
            let lines = plain_lines(&release.lines);
            Details { order, reason, lines, request: release.request, ..Details::default() }
        }
        Body::Grant(grant) => {
            Details { to: Some(grant.to.to_string()), lines: plain_lines(&grant.lines), ..Details::default() }
        }
        Body::Adjustment(adjustment) => {
            let reason = Some(reason_word(adjustment.reason));
            Details { reason, lines: plain_lines(&adjustment.lines), ..Details::default() }
        }
        Body::Count(count) => {
            let counts = (count.of == CountOf::Available).then_some("available");
            Details { counts, lines: plain_lines(&count.lines), ..Details::default() }
        }
        Body::Burn(burn) => Details { cause: burn.cause, lines: plain_lines(&burn.lines), ..Details::default() },
        Body::Resolution(resolution) => Details {
            work_item: Some(resolution.item),
            choice: Some(resolution.choice.clone()),
            reason: resolution.reason.as_ref().map(ToString::to_string),
            ..Details::default()
        },
        Body::DayClose(close) => Details {
            events: Some(close.events),
            totals: close.totals.as_ref().map(TotalsBody::of),
            counted: close.counted,
            ..Details::default()
        },
        Body::CashMovement(movement) => Details {
            movement: Some(movement.kind.as_str()),
            amount: Some(movement.amount),
            reason: movement.reason.as_ref().map(ToString::to_string),
            ..Details::default()
        },
        body => of_voucher(body),
    }
}

/// What is about vouchers.
fn of_voucher(body: &Body) -> Details {
    match body {
        Body::Issue(issue) => issued(issue),
        Body::Redemption(Redemption { order, lines })
        | Body::RedemptionReversal(RedemptionReversal { order, lines }) => {
            Details { order: Some(*order), lines: plain_lines(lines), ..Details::default() }
        }
        Body::VoucherSale(sale) => Details {
            cause: Some(sale.issue),
            amount: Some(sale.value),
            tenders: tenders(&sale.tenders, Some(sale.value.currency)),
            ..Details::default()
        },
        body => of_service(body),
    }
}

/// What serves an order, and what has lines only.
fn of_service(body: &Body) -> Details {
    let details = Details { order: body.order(), lines: goods(body), ..Details::default() };
    match body {
        Body::Fulfilment(fulfilment) => Details {
            parcel: fulfilment.parcel.clone(),
            other_location: fulfilment.from.clone(),
            handover: fulfilment.handover.map(Handover::as_str),
            ..details
        },
        Body::Progress(progress) => Details { stage: Some(progress.stage.as_str()), ..details },
        Body::Delivery(delivery) => Details { shipments: delivery.shipments.clone(), ..details },
        Body::ReturnAuthorisation(given) => Details { until: given.until, ..details },
        Body::Return(back) => Details { authorisation: back.authorisation, ..details },
        Body::RefundGrant(grant) => Details { to: Some(grant.to.to_string()), amount: Some(grant.amount), ..details },
        Body::RefundReclaim(reclaim) => {
            Details { of: Some(reclaim.of.to_string()), amount: Some(reclaim.amount), ..details }
        }
        Body::Disposition(disposition) => Details { back: Some(disposition.back), ..details },
        Body::CancellationRequest(asked) => {
            let reason = asked.reason.as_ref().map(ToString::to_string);
            Details { asked: Some(asked.asked.clone()), reason, ..details }
        }
        Body::Confirmation(confirmed) => Details { amount: confirmed.paid, ..details },
        Body::Consent(consent) => Details { request: Some(consent.request), ..details },
        _ => details,
    }
}

fn issued(issue: &Issue) -> Details {
    let line = EventLine { rights: issue.minted, ..EventLine::plain(&issue.voucher, issue.quantity) };
    Details { order: issue.order, lines: vec![line], valid_until: issue.valid_until, ..Details::default() }
}

fn goods(body: &Body) -> Vec<EventLine> {
    match body {
        Body::Return(body) => {
            let line = |line: &tillmesh_core::event::ReturnLine| EventLine {
                restock: (!line.is_undecided()).then_some(line.restock),
                undecided: line.is_undecided().then_some(true),
                ..EventLine::plain(&line.sku, line.quantity)
            };
            body.lines.iter().map(line).collect()
        }
        Body::Disposition(body) => {
            let line = |line: &tillmesh_core::event::DispositionLine| EventLine {
                restock: Some(line.restock),
                ..EventLine::plain(&line.sku, line.quantity)
            };
            body.lines.iter().map(line).collect()
        }
        Body::Receipt(body) => {
            let line = |line: &tillmesh_core::event::ReceiptLine| EventLine {
                rights: line.minted,
                ..EventLine::plain(&line.sku, line.quantity)
            };
            body.lines.iter().map(line).collect()
        }
        Body::Progress(body) => {
            let line = |line: &tillmesh_core::event::StagedLine| EventLine {
                from: Some(line.stage.as_str()),
                ..EventLine::plain(&line.sku, line.quantity)
            };
            body.lines.iter().map(line).collect()
        }
        Body::Fulfilment(body) => plain_lines(&body.lines),
        Body::ReturnAuthorisation(body) => plain_lines(&body.lines),
        Body::CancellationRequest(body) => plain_lines(&body.lines),
        Body::Consent(body) => plain_lines(&body.lines),
        Body::Mint(body) => plain_lines(&body.lines),
        _ => Vec::new(),
    }
}

fn plain_lines(lines: &[Line]) -> Vec<EventLine> {
    lines.iter().map(|line| EventLine::plain(&line.sku, line.quantity)).collect()
}

fn adjustments(adjustments: &[PriceAdjustment], currency: Option<Currency>) -> Vec<AdjustmentBody> {
    let currency = currency.into_iter();
    currency.flat_map(|currency| adjustments.iter().map(move |it| AdjustmentBody::of(it, currency))).collect()
}

fn tenders(tenders: &[Tender], currency: Option<Currency>) -> Vec<TenderBody> {
    let currency = currency.into_iter();
    currency.flat_map(|currency| tenders.iter().map(move |tender| TenderBody::of(tender, currency))).collect()
}

#[cfg(test)]
mod tests;
