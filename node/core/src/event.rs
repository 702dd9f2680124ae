//! Business events: what ledgers hold, one value each.
//!
//! An event is written once, by one node, into its own ledger, and never changed: stock, orders and receipts are folds
//! of events. Records are CBOR arrays behind a version byte; a field is added at the end as an `Option`, a new kind of
//! body as a new variant. A reader that does not know a version or a variant keeps and relays the event as
//! [`Recorded::Unknown`] and folds it once it is upgraded.
//!
//! Quantities are integers in the SKU's base unit (pieces; grams for weighed goods; thousandths for fuel), amounts of
//! money are minor units of the event's one currency. Nothing personal: customers and clerks are opaque references.

mod limits;

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::id::{Boot, CartId, Epoch, EventId, Name, ObjectHash, Reference, Sku, Writer};
use crate::money::{Currency, UnitPrice};
use crate::time::{BusinessDate, Timestamp};

/// The version that this node writes.
pub const EVENT_VERSION: u8 = 1;
/// The most lines of one event: a wholesale invoice; longer ones are split by who sends them. 500 lines of 40 bytes
/// fill two thirds of a batch of 32 KB.
pub const MAX_LINES: usize = 500;
/// The largest quantity of one line, in base units: a million kilograms in grams. The sum of all lines of a ledger
/// stays far within 64 bits.
pub const MAX_QUANTITY: i64 = 1_000_000_000;
/// The longest record of an event.
pub const MAX_EVENT: usize = 48 * 1024;

/// One business event.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Event {
    /// Decides duplicates: the same id counts once, wherever it is written.
    #[n(0)]
    pub id: EventId,
    /// Running number of its writer's boot at this location, from 0, without gaps.
    #[n(1)]
    pub number: u64,
    /// When the node recorded it, by its own clock, strictly growing per boot.
    #[n(2)]
    pub recorded_at: Timestamp,
    /// When it happened, where that differs.
    #[n(3)]
    pub occurred_at: Option<Timestamp>,
    /// What happened.
    #[n(4)]
    pub body: Body,
    /// The channel that it came from; none for the node's own clients.
    #[n(5)]
    pub channel: Option<Name>,
    /// The other side's document: an invoice, a delivery note, a channel's order number.
    #[n(6)]
    pub reference: Option<Reference>,
    /// Who did it, opaque.
    #[n(7)]
    pub clerk: Option<Reference>,
}

impl Event {
    /// When it happened.
    pub fn occurred(&self) -> Timestamp {
        self.occurred_at.unwrap_or(self.recorded_at)
    }

    /// The record as ledgers hold it.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode_versioned(EVENT_VERSION, self)
    }
}

/// A ledger's value as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// An event that this node understands.
    Known(Box<Event>),
    /// A version or a kind that a newer node wrote, or a quantity, amount or time beyond the limits.
    Unknown,
}

/// Reads a ledger's value.
pub fn read(bytes: &[u8]) -> Recorded {
    match codec::decode_versioned(EVENT_VERSION, bytes) {
        Ok(event) if limits::hold(&event) => Recorded::Known(Box::new(event)),
        Ok(_) | Err(_) => Recorded::Unknown,
    }
}

/// Where an event stands: the ledger and the writer's boot that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The location whose stock it touches.
    pub location: Name,
    /// Who wrote it.
    pub writer: Writer,
    /// In which start of its process.
    pub boot: Boot,
    /// The ledger's day of trade.
    pub date: BusinessDate,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
#[non_exhaustive]
pub enum Body {
    /// Goods left in a customer's hand. The order's id is the event's id.
    #[n(0)]
    Sale(#[n(0)] Sale),
    /// Goods came back from a customer.
    #[n(1)]
    Return(#[n(0)] Return),
    /// Goods were booked in.
    #[n(2)]
    Receipt(#[n(0)] Receipt),
    /// Shelves were counted.
    #[n(3)]
    Count(#[n(0)] Count),
    /// Goods left for another location.
    #[n(4)]
    TransferOut(#[n(0)] Transfer),
    /// Goods arrived from another location.
    #[n(5)]
    TransferIn(#[n(0)] Transfer),
    /// Goods were lost, damaged, found or written off.
    #[n(6)]
    Adjustment(#[n(0)] Adjustment),
    /// Goods were promised: a web order, a reservation. The promise's id is the event's id.
    #[n(7)]
    Promise(#[n(0)] Promise),
    /// A promise, or part of it, was given up.
    #[n(8)]
    Release(#[n(0)] Release),
    /// Promised goods left.
    #[n(9)]
    Fulfilment(#[n(0)] Fulfilment),
    /// Rights to promise were made (by a location's keeper).
    #[n(10)]
    Mint(#[n(0)] Mint),
    /// Rights to promise were given to another writer.
    #[n(11)]
    Grant(#[n(0)] Grant),
    /// Money was paid back.
    #[n(12)]
    Refund(#[n(0)] Refund),
    /// The ledger's day of trade ended.
    #[n(13)]
    DayClose(#[n(0)] DayClose),
}

/// A quantity of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Line {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much, in base units.
    #[n(1)]
    pub quantity: i64,
}

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
    /// Rights of the writer that it burned, beyond the floor stock.
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

/// Goods that came back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Return {
    /// The order; none for a blind return, which moves stock and refunds nothing.
    #[n(0)]
    pub order: Option<EventId>,
    /// What came back.
    #[n(1)]
    pub lines: Vec<ReturnLine>,
}

/// A line of a return.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct ReturnLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much.
    #[n(1)]
    pub quantity: i64,
    /// Whether it can be sold again, or was disposed of and never enters the stock.
    #[n(2)]
    pub restock: bool,
}

/// Goods booked in.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Receipt {
    /// The lines.
    #[n(0)]
    pub lines: Vec<ReceiptLine>,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct ReceiptLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much.
    #[n(1)]
    pub quantity: i64,
    /// Rights minted for it: the quantity less the floor buffer.
    #[n(2)]
    pub minted: Option<u64>,
}

/// A stock-take.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Count {
    /// What was found on the shelf.
    #[n(0)]
    pub lines: Vec<Line>,
    /// What the counting node had heard: for each boot of a writer at this location, how many of its events, without
    /// gaps. Empty when the time of the count was given: then the times decide.
    #[n(1)]
    pub seen: Vec<Seen>,
}

/// How far a node had heard one boot of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Seen {
    /// The writer's epoch.
    #[n(0)]
    pub epoch: Epoch,
    /// Its boot.
    #[n(1)]
    pub boot: Boot,
    /// Events numbered below this.
    #[n(2)]
    pub through: u64,
}

/// Goods that move between locations.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Transfer {
    /// The other location: where they go, or where they came from.
    #[n(0)]
    pub other: Name,
    /// What.
    #[n(1)]
    pub lines: Vec<Line>,
    /// The transfer out that this transfer in answers.
    #[n(2)]
    pub answers: Option<EventId>,
}

/// A correction of stock.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Adjustment {
    /// Positive: found. Negative: lost.
    #[n(0)]
    pub lines: Vec<Line>,
    /// Why.
    #[n(1)]
    pub reason: AdjustmentReason,
}

/// Why stock was corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum AdjustmentReason {
    /// Broken or spoiled.
    #[n(0)]
    Damaged,
    /// Found again.
    #[n(1)]
    Found,
    /// Missing without a known cause.
    #[n(2)]
    Lost,
    /// Stolen.
    #[n(3)]
    Stolen,
    /// Written off, or any other cause.
    #[n(4)]
    WrittenOff,
}

/// How a promise is backed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
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
}

/// Rights made from surplus.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Mint {
    /// How many of what.
    #[n(0)]
    pub lines: Vec<Line>,
}

/// Rights given away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Grant {
    /// To whom.
    #[n(0)]
    pub to: Writer,
    /// How many of what.
    #[n(1)]
    pub lines: Vec<Line>,
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
}

/// The last event of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DayClose {
    /// How many events the boot that closed it had written to this ledger before.
    #[n(0)]
    pub events: u64,
    /// Whether the node closed it by itself when the next day began.
    #[n(1)]
    pub automatic: bool,
}

impl Body {
    /// Whether every quantity, amount and list is within what a node may record; what is not is never folded.
    pub(crate) fn is_within_limits(&self) -> bool {
        limits::body_holds(self)
    }

    /// The order or promise that this event belongs to besides itself.
    pub const fn order(&self) -> Option<EventId> {
        match self {
            Self::Return(body) => body.order,
            Self::Release(body) => Some(body.promise),
            Self::Fulfilment(body) => Some(body.promise),
            Self::Refund(body) => Some(body.order),
            _ => None,
        }
    }

    /// A word for it, as metrics and the change stream use it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Sale(_) => "sale",
            Self::Return(_) => "return",
            Self::Receipt(_) => "receipt",
            Self::Count(_) => "count",
            Self::TransferOut(_) => "transfer-out",
            Self::TransferIn(_) => "transfer-in",
            Self::Adjustment(_) => "adjustment",
            Self::Promise(_) => "promise",
            Self::Release(_) => "release",
            Self::Fulfilment(_) => "fulfilment",
            Self::Mint(_) => "mint",
            Self::Grant(_) => "grant",
            Self::Refund(_) => "refund",
            Self::DayClose(_) => "day-close",
        }
    }
}
