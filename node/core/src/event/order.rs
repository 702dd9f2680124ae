//! What events say of orders: sales, promises, and what follows them.

use minicbor::{CborLen, Decode, Encode};

use super::{Handover, Line, SaleTax, StagedLine, TaxPart};
use crate::id::{CartId, EventId, Name, ObjectHash, Reference, Sku};
use crate::money::{Currency, Money, UnitPrice};
use crate::time::Timestamp;

/// A price within an event, in the event's currency: see [`UnitPrice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct LinePrice {
    /// Digits.
    #[n(0)]
    pub amount: i64,
    /// Decimals, where they are not the currency's.
    #[n(1)]
    pub scale: Option<u8>,
}

impl LinePrice {
    /// The price with its currency.
    pub const fn in_currency(self, currency: Currency) -> UnitPrice {
        UnitPrice { amount: self.amount, scale: self.scale, currency }
    }
}

/// A line of a sale or a promise.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct PricedLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much. Zero is kept: a till's coupon or correction.
    #[n(1)]
    pub quantity: i64,
    /// What the line costs before adjustments, in minor units; this is what counts.
    #[n(2)]
    pub amount: Option<i64>,
    /// The price of one unit.
    #[n(3)]
    pub unit_price: Option<LinePrice>,
    /// Rights of the writer that it took: of a sale what the floor stock did not cover, of a promise what backs it.
    #[n(4)]
    pub burned: Option<u64>,
}

/// A physical sale.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Sale {
    /// Gap-free per node and epoch, from 1.
    #[n(0)]
    pub receipt: u64,
    /// The lines.
    #[n(1)]
    pub lines: Vec<PricedLine>,
    /// The currency of every amount; none when nothing has a price.
    #[n(2)]
    pub currency: Option<Currency>,
    /// Discounts and charges, each with its reason.
    #[n(3)]
    pub adjustments: Vec<PriceAdjustment>,
    /// How it was paid.
    #[n(4)]
    pub tenders: Vec<Tender>,
    /// The customer, opaque.
    #[n(5)]
    pub customer: Option<Reference>,
    /// The cart that was checked out.
    #[n(6)]
    pub cart: Option<CartId>,
    /// What proves the adjustments.
    #[n(7)]
    pub pricing: Option<PricingProof>,
    /// How it was taxed; none where no rates were set.
    #[n(8)]
    pub tax: Option<SaleTax>,
    /// What rounding of cash added to what was to be paid.
    #[n(9)]
    pub rounding: Option<i64>,
}

impl Sale {
    /// What is to be paid, in minor units: lines, discounts and charges, and taxes that are added.
    pub fn total(&self) -> i64 {
        total_of(&self.lines, &self.adjustments, self.tax.as_ref())
    }

    /// What is to be handed over for it, in minor units: the total with what rounding of cash adds. None where some of
    /// the goods have no price: then only who sold them knows.
    pub fn due(&self) -> Option<i64> {
        let priced = self.lines.iter().all(|line| line.amount.is_some() || line.quantity == 0);
        let due = self.total().saturating_add(self.rounding.unwrap_or_default());
        (priced && self.lines.iter().any(|line| line.amount.is_some())).then_some(due)
    }
}

/// A discount (negative) or charge on an order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct PriceAdjustment {
    /// The promotion that caused it.
    #[n(0)]
    pub promotion: Name,
    /// The line, by its place; none: the whole.
    #[n(1)]
    pub line: Option<u32>,
    /// Minor units.
    #[n(2)]
    pub amount: i64,
    /// In words for the customer.
    #[n(3)]
    pub reason: String,
}

/// A means of payment and what it paid.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Tender {
    /// `cash`, `card`, `voucher` or another name of the retailer.
    #[n(0)]
    pub kind: Name,
    /// Minor units.
    #[n(1)]
    pub amount: i64,
    /// The payment's own reference.
    #[n(2)]
    pub reference: Option<Reference>,
}

/// The hashes that let any node run a price again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct PricingProof {
    /// The plugin's component.
    #[n(0)]
    pub component: ObjectHash,
    /// Its inputs, in canonical CBOR.
    #[n(1)]
    pub inputs: ObjectHash,
    /// Its output, in canonical CBOR.
    #[n(2)]
    pub output: ObjectHash,
}

/// How a promise is backed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum PromisePolicy {
    /// By rights that the node holds.
    #[n(0)]
    Strict,
    /// By rights and a number beyond them.
    #[n(1)]
    Buffered,
    /// Regardless: a channel has sold already.
    #[n(2)]
    Open,
}

/// Goods promised to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Promise {
    /// What, and at which price it was sold.
    #[n(0)]
    pub lines: Vec<PricedLine>,
    /// How it is backed.
    #[n(1)]
    pub policy: PromisePolicy,
    /// When an unconfirmed promise ends by itself; none: it is confirmed.
    #[n(2)]
    pub expires_at: Option<Timestamp>,
    /// The currency of every amount.
    #[n(3)]
    pub currency: Option<Currency>,
    /// Discounts and charges.
    #[n(4)]
    pub adjustments: Vec<PriceAdjustment>,
    /// The customer, opaque.
    #[n(5)]
    pub customer: Option<Reference>,
    /// The cart that was checked out.
    #[n(6)]
    pub cart: Option<CartId>,
    /// What the channel stated as totals.
    #[n(7)]
    pub stated: Option<StatedTotals>,
    /// What proves the adjustments.
    #[n(8)]
    pub pricing: Option<PricingProof>,
    /// How it was taxed; none where no rates were set, or a channel states its own totals.
    #[n(9)]
    pub tax: Option<SaleTax>,
}

impl Promise {
    /// What is to be paid, in minor units: lines, discounts and charges, and taxes that are added.
    pub fn total(&self) -> i64 {
        total_of(&self.lines, &self.adjustments, self.tax.as_ref())
    }

    /// What counts as paid for it once it holds: what a channel stated as the total, else what is to be paid.
    pub fn paid(&self) -> i64 {
        let stated = self.stated.as_ref().and_then(|stated| stated.total);
        stated.unwrap_or_else(|| self.total()).max(0)
    }
}

fn total_of(lines: &[PricedLine], adjustments: &[PriceAdjustment], tax: Option<&SaleTax>) -> i64 {
    let lines: i64 = lines.iter().filter_map(|line| line.amount).sum();
    let adjustments: i64 = adjustments.iter().map(|adjustment| adjustment.amount).sum();
    lines.saturating_add(adjustments).saturating_add(tax.map_or(0, SaleTax::added))
}

/// Totals as a channel stated them, in minor units; kept, never repaired.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
pub struct StatedTotals {
    /// Before discounts, shipping and taxes.
    #[n(0)]
    pub subtotal: Option<i64>,
    /// Taken off.
    #[n(1)]
    pub discount: Option<i64>,
    /// Shipping.
    #[n(2)]
    pub shipping: Option<i64>,
    /// Taxes.
    #[n(3)]
    pub tax: Option<i64>,
    /// What the customer pays.
    #[n(4)]
    pub total: Option<i64>,
    /// Whether the parts add up to the total.
    #[n(5)]
    pub consistent: bool,
}

/// A promise given up.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Release {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// What of it.
    #[n(1)]
    pub lines: Vec<Line>,
    /// Why, opaque.
    #[n(2)]
    pub reason: Option<Reference>,
    /// Rights that the writer has again: those that backed what is given up.
    #[n(3)]
    pub rights: Option<Vec<Line>>,
    /// The request that the goods' location consented to; none: nobody was asked.
    #[n(4)]
    pub request: Option<EventId>,
}

/// A question to the location that serves a confirmed promise: may it be given up?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CancellationRequest {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// What of it.
    #[n(1)]
    pub lines: Vec<Line>,
    /// The node that answers for the location.
    #[n(2)]
    pub asked: Name,
    /// Why, opaque.
    #[n(3)]
    pub reason: Option<Reference>,
}

/// Promised goods that left.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Fulfilment {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// What left.
    #[n(1)]
    pub lines: Vec<Line>,
    /// A parcel's or pick-up's own reference.
    #[n(2)]
    pub parcel: Option<Reference>,
    /// How they left; none: nobody said, and they count as handed over.
    #[n(3)]
    pub handover: Option<Handover>,
    /// The stages that they left, as far as they were at one beyond [`super::Stage::Placed`].
    #[n(4)]
    pub stages: Option<Vec<StagedLine>>,
    /// Where they left from, where that is not the location that they were promised at: they were moved there first.
    #[n(5)]
    pub from: Option<Name>,
}

/// Money paid back for an order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Refund {
    /// The order.
    #[n(0)]
    pub order: EventId,
    /// How it was paid back; amounts are positive.
    #[n(1)]
    pub tenders: Vec<Tender>,
    /// The currency.
    #[n(2)]
    pub currency: Currency,
    /// What of it was for which rate of tax; none where the order was not taxed.
    #[n(3)]
    pub taxes: Option<Vec<TaxPart>>,
    /// Whether the order is a promise, whose money is not among what a day sold.
    #[n(4)]
    pub promised: Option<bool>,
}

/// A promise that holds from now on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Confirmation {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// What is paid for it with that: for all of it, or for the part that is confirmed. None where nothing is to be
    /// paid, where it held before, or an older version wrote this.
    #[n(1)]
    pub paid: Option<Money>,
}
