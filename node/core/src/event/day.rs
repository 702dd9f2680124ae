//! What events say of a day of trade: its end with what it added up to, and money that moved without a sale.
//!
//! Of a close, everything behind its first two fields came later: an older node's close lacks it, and an older node
//! skips it.

use minicbor::{CborLen, Decode, Encode};

use crate::id::{ChangeHash, EventId, Name, Reference};
use crate::money::{Currency, Money};
use crate::time::BusinessDate;

/// The last event of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct DayClose {
    /// How many events the ledger held before.
    #[n(0)]
    pub events: u64,
    /// Whether the node closed it by itself when the next day began.
    #[n(1)]
    pub automatic: bool,
    /// What the ledger adds up to.
    #[n(2)]
    pub totals: Option<DayTotals>,
    /// The cash that was found in the drawer.
    #[n(3)]
    pub counted: Option<Money>,
    /// The close before this one: closes are a chain.
    #[n(4)]
    pub before: Option<CloseBefore>,
    /// The day of trade that begins, where it was said.
    #[n(5)]
    pub next: Option<BusinessDate>,
}

/// The close of the same node at the same location that another one follows.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CloseBefore {
    /// The day that it closed.
    #[n(0)]
    pub date: BusinessDate,
    /// The event.
    #[n(1)]
    pub close: EventId,
    /// The heads of the ledger that it closed, with it: who changes that ledger breaks the chain.
    #[n(2)]
    pub heads: Vec<ChangeHash>,
}

/// What a day's ledger adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct DayTotals {
    /// How many sales over the counter.
    #[n(0)]
    pub sales: u64,
    /// How many times goods came back.
    #[n(1)]
    pub returns: u64,
    /// How many times money was paid back.
    #[n(2)]
    pub refunds: u64,
    /// The first receipt number.
    #[n(3)]
    pub first_receipt: Option<u64>,
    /// The last receipt number.
    #[n(4)]
    pub last_receipt: Option<u64>,
    /// Money, a record for each currency, by its code.
    #[n(5)]
    pub money: Vec<MoneyTotals>,
}

/// What a day adds up to in one currency, in minor units. Both sides of the books are there:
///
/// ```text
/// tenders paid + untendered = sold + rounding + vouchers sold + promises paid
/// tenders refunded          = refunded + promises refunded
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct MoneyTotals {
    /// The currency.
    #[n(0)]
    pub currency: Currency,
    /// What was to be paid for the sales, with taxes.
    #[n(1)]
    pub sold: i64,
    /// What was paid back of sales.
    #[n(2)]
    pub refunded: i64,
    /// By means of payment, by name.
    #[n(3)]
    pub tenders: Vec<TenderTotal>,
    /// By rate of tax, with what was paid back of sales taken off.
    #[n(4)]
    pub taxes: Vec<TaxPart>,
    /// By department as the catalogue has it at the close, before taxes that are added. What has none is first.
    #[n(5)]
    pub departments: Vec<DepartmentTotal>,
    /// What is in the drawer.
    #[n(6)]
    pub cash: CashTotals,
    /// What rounding of cash added to what was to be paid.
    #[n(7)]
    pub rounding: i64,
    /// What gift cards were sold for: money that is owed to their bearers, and not among the sales.
    #[n(8)]
    pub vouchers_sold: Option<i64>,
    /// What was paid back of promises: they are not among what was sold, nor their taxes.
    #[n(9)]
    pub promises_refunded: Option<i64>,
    /// What was paid for promises that hold since that day, wherever that was: for goods that are owed until they
    /// leave.
    #[n(10)]
    pub promises_paid: Option<i64>,
    /// What no tender is recorded for, of sales and of what was paid for promises. Below zero where goods without a
    /// price were paid for.
    #[n(11)]
    pub untendered: Option<i64>,
}

/// What a means of payment came to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct TenderTotal {
    /// Its name.
    #[n(0)]
    pub kind: Name,
    /// What it paid, change taken off.
    #[n(1)]
    pub paid: i64,
    /// What it paid back.
    #[n(2)]
    pub refunded: i64,
}

/// What a department sold.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DepartmentTotal {
    /// The department; none: of goods that have none.
    #[n(0)]
    pub department: Option<String>,
    /// How many units, in base units.
    #[n(1)]
    pub units: i64,
    /// What they cost, discounts spread over the lines.
    #[n(2)]
    pub amount: i64,
}

/// Cash that came and went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct CashTotals {
    /// Put in to begin with.
    #[n(0)]
    pub float: i64,
    /// Put in since.
    #[n(1)]
    pub paid_in: i64,
    /// Taken out.
    #[n(2)]
    pub paid_out: i64,
    /// Taken for sales, change taken off.
    #[n(3)]
    pub sales: i64,
    /// Paid back.
    #[n(4)]
    pub refunds: i64,
}

impl CashTotals {
    /// What must be in the drawer; as much as 64 bits hold.
    pub const fn expected(&self) -> i64 {
        let in_hand = self.float.saturating_add(self.sales).saturating_sub(self.refunds);
        in_hand.saturating_add(self.paid_in).saturating_sub(self.paid_out)
    }
}

/// A part of what was sold: what is taxed alike.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct TaxPart {
    /// The tax class; none: goods that no rate was set for.
    #[n(0)]
    pub class: Option<Name>,
    /// The rate in millionths: 200000 is 20 %.
    #[n(1)]
    pub rate: u32,
    /// What the tax is on, without it.
    #[n(2)]
    pub taxable: i64,
    /// The tax.
    #[n(3)]
    pub tax: i64,
}

/// How a sale was taxed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct SaleTax {
    /// Whether the prices hold the tax; else it was added to them.
    #[n(0)]
    pub inclusive: bool,
    /// By class and rate. The parts add up to what is to be paid.
    #[n(1)]
    pub parts: Vec<TaxPart>,
    /// Which part each line of the sale belongs to, by its place.
    #[n(2)]
    pub lines: Vec<u16>,
}

impl SaleTax {
    /// What is added to the prices, in minor units.
    pub fn added(&self) -> i64 {
        let parts = if self.inclusive { &[][..] } else { &self.parts };
        parts.iter().fold(0, |sum: i64, part| sum.saturating_add(part.tax))
    }
}

/// Money that moved into or out of the drawer without a sale.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CashMovement {
    /// Which way, and what for.
    #[n(0)]
    pub kind: CashKind,
    /// How much, above zero.
    #[n(1)]
    pub amount: Money,
    /// Why, opaque.
    #[n(2)]
    pub reason: Option<Reference>,
}

/// Which way money moved.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum CashKind {
    /// Change to begin the day with.
    #[n(0)]
    Float,
    /// Put in.
    #[n(1)]
    PaidIn,
    /// Taken out: to the bank, for a window cleaner.
    #[n(2)]
    PaidOut,
}

impl CashKind {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::PaidIn => "paid-in",
            Self::PaidOut => "paid-out",
        }
    }
}
