//! What a day came to, as the API shows it.

use axum::http::StatusCode;
use serde::Serialize;
use tillmesh_core::command::Outcome;
use tillmesh_core::day::{Closed, Ledger, Report};
use tillmesh_core::event::{Body, CashTotals, DayClose, DayTotals, MoneyTotals};
use tillmesh_core::id::{EventId, Name, Reference, Writer};
use tillmesh_core::money::{Currency, Money};
use tillmesh_core::time::{BusinessDate, Timestamp};
use utoipa::ToSchema;

use crate::http::body::{Written, events_of, written};
use crate::http::event::receipt_number;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::schema;
use crate::http::tax::TaxPartBody;

/// What a day of trade came to at a location, as far as this node has heard.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DayReport {
    /// The location.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The day.
    #[schema(value_type = schema::BusinessDate)]
    business_date: BusinessDate,
    /// `closed` when every ledger of it is that has anything to close; else `open`. One of a web front that only
    /// promised goods has not.
    state: &'static str,
    /// The ledgers, by node.
    nodes: Vec<NodeDay>,
    /// What all of them add up to.
    totals: TotalsBody,
    /// What this node heard of others after it had closed the day. It is among the totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<Late>,
}

/// A node's ledger of a day.
#[derive(Debug, Serialize, ToSchema)]
struct NodeDay {
    /// The node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// The life of its store.
    epoch: String,
    /// `open` or `closed`.
    state: &'static str,
    /// How many events the ledger holds, its close among them.
    events: u64,
    /// The first receipt number.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_receipt: Option<String>,
    /// The last receipt number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_receipt: Option<String>,
    /// How it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<CloseBody>,
    /// What it adds up to.
    totals: TotalsBody,
}

/// A day that was closed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClosedDay {
    /// The location.
    #[schema(value_type = schema::Name)]
    location: Name,
    /// The day.
    #[schema(value_type = schema::BusinessDate)]
    business_date: BusinessDate,
    /// The node.
    #[schema(value_type = schema::Name)]
    node: Name,
    /// The first receipt number.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_receipt: Option<String>,
    /// The last receipt number.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_receipt: Option<String>,
    /// How it was closed.
    close: CloseBody,
    /// What it adds up to; left out of a close of a version that did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<TotalsBody>,
}

/// The end of a day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayClose)]
struct CloseBody {
    /// The event.
    #[schema(value_type = schema::EventId)]
    id: EventId,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    closed_at: Timestamp,
    /// Whether the node did it by itself when the next day began.
    automatic: bool,
    /// How many events the ledger held before.
    events: u64,
    /// Who did it, opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Reference>)]
    clerk: Option<Reference>,
    /// The cash that was in the drawer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    counted: Option<Money>,
    /// How much more that is than what was expected; negative: less.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    difference: Option<Money>,
    /// The close that it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<BeforeBody>,
}

/// The close that another one follows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CloseBefore)]
struct BeforeBody {
    /// The day that it closed.
    #[schema(value_type = schema::BusinessDate)]
    business_date: BusinessDate,
    /// The event.
    #[schema(value_type = schema::EventId)]
    close: EventId,
    /// The hashes of the changes at the end of the ledger that it closed.
    heads: Vec<String>,
}

/// What was heard late.
#[derive(Debug, Serialize, ToSchema)]
struct Late {
    /// How many events.
    events: u64,
    /// What they add up to.
    totals: TotalsBody,
}

/// What a day adds up to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DayTotals)]
pub(in crate::http) struct TotalsBody {
    /// How many sales over the counter.
    sales: u64,
    /// How many times goods came back.
    returns: u64,
    /// How many times money was paid back.
    refunds: u64,
    /// The money, by currency.
    money: Vec<MoneyBody>,
}

/// What a day adds up to in one currency.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = MoneyTotals)]
struct MoneyBody {
    /// The currency.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// What was to be paid for the sales, with taxes.
    #[schema(value_type = schema::Money)]
    sold: Money,
    /// What was paid back of sales.
    #[schema(value_type = schema::Money)]
    refunded: Money,
    /// What was paid back of promises, such as web orders: they are not among what was sold, nor are their taxes.
    #[schema(value_type = schema::Money)]
    promises_refunded: Money,
    /// What was paid for promises that hold since that day, such as web orders: confirmed then, made so, or handed
    /// over without that. Their goods are owed until they leave, and never among what was sold.
    #[schema(value_type = schema::Money)]
    promises_paid: Money,
    /// What no tender is recorded for, of sales and of what was paid for promises. What tenders paid and this add up to
    /// what was sold, its rounding, gift cards that were sold and what was paid for promises.
    #[schema(value_type = schema::Money)]
    untendered: Money,
    /// What rounding of cash to the smallest coin added.
    #[schema(value_type = schema::Money)]
    rounding: Money,
    /// What gift cards were sold for: it is owed to their bearers, and not among what was sold.
    #[schema(value_type = schema::Money)]
    vouchers_sold: Money,
    /// By means of payment, of sales and of gift cards that were sold.
    tenders: Vec<TenderTotalBody>,
    /// By rate of tax; what was paid back of sales is taken off.
    taxes: Vec<TaxPartBody>,
    /// By department, before taxes that are added.
    departments: Vec<DepartmentBody>,
    /// The drawer.
    cash: CashBody,
}

/// What a means of payment came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = TenderTotal)]
struct TenderTotalBody {
    /// Its name.
    #[schema(value_type = schema::Name)]
    kind: Name,
    /// What it paid, change taken off.
    #[schema(value_type = schema::Money)]
    paid: Money,
    /// What it paid back.
    #[schema(value_type = schema::Money)]
    refunded: Money,
}

/// What a department sold.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DepartmentTotal)]
struct DepartmentBody {
    /// The department; left out: goods that have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    department: Option<String>,
    /// How many units, in base units.
    units: i64,
    /// What they cost, discounts taken off.
    #[schema(value_type = schema::Money)]
    amount: Money,
}

/// The drawer.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CashTotals)]
struct CashBody {
    /// Put in to begin with.
    #[schema(value_type = schema::Money)]
    float: Money,
    /// Put in since.
    #[schema(value_type = schema::Money)]
    paid_in: Money,
    /// Taken out.
    #[schema(value_type = schema::Money)]
    paid_out: Money,
    /// Taken for sales, change taken off.
    #[schema(value_type = schema::Money)]
    sales: Money,
    /// Paid back.
    #[schema(value_type = schema::Money)]
    refunds: Money,
    /// What must be there.
    #[schema(value_type = schema::Money)]
    expected: Money,
}

/// The answer to the close of a day.
///
/// # Errors
/// When the outcome has no close, which would be a defect.
pub(super) fn closed(outcome: Outcome) -> Result<Written<ClosedDay>, Problem> {
    let (events, repeated) = events_of(outcome)?;
    let missing = || Problem::new(ProblemKind::Internal, "no close was recorded");
    let (event, origin) = events.into_iter().next().ok_or_else(missing)?;
    let Body::DayClose(close) = event.body else { return Err(missing()) };
    let receipt = |number: Option<u64>| number.map(|number| receipt_number(&origin.writer, number));
    let totals = close.totals.as_ref();
    let body = ClosedDay {
        location: origin.location.clone(),
        business_date: origin.date,
        node: origin.writer.node.clone(),
        first_receipt: receipt(totals.and_then(|totals| totals.first_receipt)),
        last_receipt: receipt(totals.and_then(|totals| totals.last_receipt)),
        totals: totals.map(TotalsBody::of),
        close: CloseBody::of(Closed { id: event.id, at: event.recorded_at, clerk: event.clerk, close }),
    };
    Ok(written(StatusCode::CREATED, body, repeated))
}

impl DayReport {
    /// A day at a location.
    pub(super) fn of(location: Name, business_date: BusinessDate, report: Report) -> Self {
        let Report { ledgers, totals, late_events, late } = report;
        let is_closed = |ledger: &Ledger| ledger.close.is_some();
        let closed =
            ledgers.iter().any(is_closed) && ledgers.iter().all(|it| is_closed(it) || took_nothing(&it.totals));
        Self {
            location,
            business_date,
            state: state(closed),
            nodes: ledgers.into_iter().map(NodeDay::of).collect(),
            totals: TotalsBody::of(&totals),
            late: (late_events > 0).then(|| Late { events: late_events, totals: TotalsBody::of(&late) }),
        }
    }
}

/// Whether nothing was sold, came back or moved the drawer.
const fn took_nothing(totals: &DayTotals) -> bool {
    totals.sales == 0 && totals.returns == 0 && totals.refunds == 0 && totals.money.is_empty()
}

impl NodeDay {
    fn of(ledger: Ledger) -> Self {
        let Ledger { writer, events, close, totals } = ledger;
        let receipt = |number: Option<u64>, writer: &Writer| number.map(|number| receipt_number(writer, number));
        Self {
            state: state(close.is_some()),
            events,
            first_receipt: receipt(totals.first_receipt, &writer),
            last_receipt: receipt(totals.last_receipt, &writer),
            close: close.map(CloseBody::of),
            totals: TotalsBody::of(&totals),
            epoch: writer.epoch.to_string(),
            node: writer.node,
        }
    }
}

impl CloseBody {
    fn of(closed: Closed) -> Self {
        let Closed { id, at, clerk, close } = closed;
        let difference = difference(&close);
        let before = close.before.map(|before| BeforeBody {
            business_date: before.date,
            close: before.close,
            heads: before.heads.iter().map(ToString::to_string).collect(),
        });
        let DayClose { events, automatic, counted, .. } = close;
        Self { id, closed_at: at, automatic, events, clerk, counted, difference, before }
    }
}

/// How much more was counted than expected.
fn difference(close: &DayClose) -> Option<Money> {
    let counted = close.counted?;
    let mut money = close.totals.as_ref()?.money.iter();
    let expected = money.find(|money| money.currency == counted.currency).map_or(0, |money| money.cash.expected());
    Some(Money { amount: counted.amount.saturating_sub(expected), ..counted })
}

impl TotalsBody {
    /// What a day adds up to.
    pub(in crate::http) fn of(totals: &DayTotals) -> Self {
        let DayTotals { sales, returns, refunds, money, .. } = totals;
        let money = money.iter().map(MoneyBody::of).collect();
        Self { sales: *sales, returns: *returns, refunds: *refunds, money }
    }
}

impl MoneyBody {
    fn of(totals: &MoneyTotals) -> Self {
        let currency = totals.currency;
        let money = |amount| Money { amount, currency };
        let tender = |of: &tillmesh_core::event::TenderTotal| TenderTotalBody {
            kind: of.kind.clone(),
            paid: money(of.paid),
            refunded: money(of.refunded),
        };
        let department = |of: &tillmesh_core::event::DepartmentTotal| DepartmentBody {
            department: of.department.clone(),
            units: of.units,
            amount: money(of.amount),
        };
        Self {
            currency,
            sold: money(totals.sold),
            refunded: money(totals.refunded),
            promises_refunded: money(totals.promises_refunded.unwrap_or_default()),
            promises_paid: money(totals.promises_paid.unwrap_or_default()),
            untendered: money(totals.untendered.unwrap_or_default()),
            rounding: money(totals.rounding),
            vouchers_sold: money(totals.vouchers_sold.unwrap_or_default()),
            tenders: totals.tenders.iter().map(tender).collect(),
            taxes: totals.taxes.iter().map(|part| TaxPartBody::of(part, currency)).collect(),
            departments: totals.departments.iter().map(department).collect(),
            cash: CashBody::of(&totals.cash, currency),
        }
    }
}

impl CashBody {
    const fn of(cash: &CashTotals, currency: Currency) -> Self {
        let CashTotals { float, paid_in, paid_out, sales, refunds } = *cash;
        Self {
            float: Money { amount: float, currency },
            paid_in: Money { amount: paid_in, currency },
            paid_out: Money { amount: paid_out, currency },
            sales: Money { amount: sales, currency },
            refunds: Money { amount: refunds, currency },
            expected: Money { amount: cash.expected(), currency },
        }
    }
}

const fn state(closed: bool) -> &'static str {
    if closed { "closed" } else { "open" }
}
