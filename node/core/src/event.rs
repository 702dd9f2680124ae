//! Business events: what ledgers hold, one value each.
//!
//! An event is written once, by one node, into its own ledger, and never changed: stock, orders and receipts are folds
//! of events. Records are CBOR arrays behind a version byte; a field is added at the end as an `Option`, a new kind of
//! body as a new variant. A reader that does not know a version or a variant keeps and relays the event as
//! [`Recorded::Unknown`] and folds it once it is upgraded.
//!
//! Quantities are integers in the SKU's base unit (pieces; grams for weighed goods; thousandths for fuel), amounts of
//! money are minor units of the event's one currency. Nothing personal: customers and clerks are opaque references.

mod day;
mod goods;
mod kind;
mod limits;
mod order;
mod returns;
mod rights;
mod service;
mod voucher;

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::id::{Boot, EventId, Name, Reference, Sku, Writer};
use crate::time::{BusinessDate, Timestamp};

pub use day::{
    CashKind, CashMovement, CashTotals, CloseBefore, DayClose, DayTotals, DepartmentTotal, MoneyTotals, SaleTax,
    TaxPart, TenderTotal,
};
pub use goods::{Adjustment, AdjustmentReason, Count, CountOf, Receipt, ReceiptLine, Seen, Transfer};
pub use kind::{Class, Kind};
pub use order::{
    CancellationRequest, Confirmation, Fulfilment, LinePrice, PriceAdjustment, PricedLine, PricingProof, Promise,
    PromisePolicy, Refund, Release, Sale, StatedTotals, Tender,
};
pub use returns::{Disposition, DispositionLine, Return, ReturnAuthorisation, ReturnLine};
pub use rights::{BeyondRetirement, Burn, Fence, Grant, Mint, Reclaim, RefundGrant, RefundReclaim};
pub use service::{Consent, Delivery, Handover, Progress, Stage, StagedLine};
pub use voucher::{Issue, Redemption, RedemptionReversal, VoucherSale};

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
    /// Rights to promise were given up: what they stood for left, or is not there.
    #[n(14)]
    Burn(#[n(0)] Burn),
    /// A promise is wanted for certain: it has no time-out any more.
    #[n(15)]
    Confirmation(#[n(0)] Confirmation),
    /// Somebody decided on what merging could not settle.
    #[n(16)]
    Resolution(#[n(0)] Resolution),
    /// Rights were taken from a writer that was retired.
    #[n(32)]
    Reclaim(#[n(0)] Reclaim),
    /// Rights to pay back were taken from a writer that is gone.
    #[n(33)]
    RefundReclaim(#[n(0)] RefundReclaim),
    /// Money moved into or out of the drawer without a sale.
    #[n(64)]
    CashMovement(#[n(0)] CashMovement),
    /// Vouchers paid for an order, or took something off it.
    #[n(65)]
    Redemption(#[n(0)] Redemption),
    /// Rights to pay back were given to another writer.
    #[n(66)]
    RefundGrant(#[n(0)] RefundGrant),
    /// The writer's store left an epoch in which somebody else wrote as well.
    #[n(67)]
    Fence(#[n(0)] Fence),
    /// The location of a confirmed promise was asked whether it can be given up.
    #[n(68)]
    CancellationRequest(#[n(0)] CancellationRequest),
    /// A gift card was paid for.
    #[n(69)]
    VoucherSale(#[n(0)] VoucherSale),
    /// What vouchers gave for a promise is theirs again.
    #[n(70)]
    RedemptionReversal(#[n(0)] RedemptionReversal),
    /// The writer holds more of a retired node than its retirement counts.
    #[n(71)]
    BeyondRetirement(#[n(0)] BeyondRetirement),
    /// Promised goods came to another stage: allocated, picked, ready.
    #[n(96)]
    Progress(#[n(0)] Progress),
    /// Shipped goods arrived.
    #[n(97)]
    Delivery(#[n(0)] Delivery),
    /// Goods of an order may come back.
    #[n(98)]
    ReturnAuthorisation(#[n(0)] ReturnAuthorisation),
    /// Goods that came back and were kept aside entered the stock, or were disposed of.
    #[n(99)]
    Disposition(#[n(0)] Disposition),
    /// A confirmed promise can be given up: its goods will not be handed over.
    #[n(100)]
    Consent(#[n(0)] Consent),
    /// A voucher was issued.
    #[n(128)]
    Issue(#[n(0)] Issue),
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

/// A decision on a work item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Resolution {
    /// The work item.
    #[n(0)]
    pub item: EventId,
    /// What was decided: one of those that the item offers.
    #[n(1)]
    pub choice: Name,
    /// Why, opaque.
    #[n(2)]
    pub reason: Option<Reference>,
    /// How much the item was about then: it is open again once it is about more.
    #[n(3)]
    pub extent: Option<i64>,
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
            Self::Confirmation(body) => Some(body.promise),
            Self::Progress(body) => Some(body.promise),
            Self::Delivery(body) => Some(body.promise),
            Self::ReturnAuthorisation(body) => Some(body.order),
            Self::Disposition(body) => body.order,
            Self::RefundGrant(body) => Some(body.order),
            Self::RefundReclaim(body) => Some(body.order),
            Self::CancellationRequest(body) => Some(body.promise),
            Self::Consent(body) => Some(body.promise),
            _ => None,
        }
    }

    /// The events that are read together with this one: its order, and the return that it decides on.
    pub fn named(&self) -> impl Iterator<Item = EventId> {
        let back = if let Self::Disposition(body) = self { Some(body.back) } else { None };
        self.order().into_iter().chain(back)
    }

    /// Whether only somebody writes it who has goods of the location in hand, or their books.
    pub(crate) const fn handles_goods(&self) -> bool {
        matches!(
            self,
            Self::Sale(_)
                | Self::Return(_)
                | Self::Receipt(_)
                | Self::Count(_)
                | Self::TransferOut(_)
                | Self::Adjustment(_)
                | Self::Fulfilment(_)
                | Self::Progress(_)
                | Self::Disposition(_)
        )
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
            Self::Burn(_) => "burn",
            Self::Confirmation(_) => "confirmation",
            Self::Resolution(_) => "resolution",
            Self::Reclaim(_) => "reclaim",
            Self::RefundReclaim(_) => "refund-reclaim",
            Self::CashMovement(_) => "cash-movement",
            Self::Redemption(_) => "redemption",
            Self::RefundGrant(_) => "refund-grant",
            Self::Fence(_) => "fence",
            Self::CancellationRequest(_) => "cancellation-request",
            Self::VoucherSale(_) => "voucher-sale",
            Self::RedemptionReversal(_) => "redemption-reversal",
            Self::BeyondRetirement(_) => "beyond-retirement",
            Self::Progress(_) => "progress",
            Self::Delivery(_) => "delivery",
            Self::ReturnAuthorisation(_) => "return-authorisation",
            Self::Disposition(_) => "disposition",
            Self::Consent(_) => "consent",
            Self::Issue(_) => "issue",
        }
    }
}
