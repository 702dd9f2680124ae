//! What events say of vouchers (see [`crate::voucher`]).

use minicbor::{CborLen, Decode, Encode};

use super::{Line, Tender};
use crate::id::{EventId, Name, Sku};
use crate::money::Money;
use crate::time::Timestamp;

/// A voucher that is worth something from now on, or something more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Issue {
    /// What ledgers call it: kind, currency and the hash of its code.
    #[n(0)]
    pub voucher: Sku,
    /// How many uses, or minor units.
    #[n(1)]
    pub quantity: i64,
    /// Rights that the writer has of it now: as a rule as many.
    #[n(2)]
    pub minted: Option<u64>,
    /// The first moment at which it is worth nothing any more.
    #[n(3)]
    pub valid_until: Option<Timestamp>,
    /// The only promotion that it is for, of a coupon.
    #[n(4)]
    pub promotion: Option<Name>,
    /// The order that was paid back onto it; it changes nothing of how long it is valid.
    #[n(5)]
    pub order: Option<EventId>,
}

/// Vouchers that paid for an order, or took something off it. Each took as many rights of the writer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Redemption {
    /// The order.
    #[n(0)]
    pub order: EventId,
    /// How many uses, or minor units, of what.
    #[n(1)]
    pub lines: Vec<Line>,
}

impl Redemption {
    /// The id of the event that says what vouchers gave for an order.
    pub(crate) fn id_of(order: EventId) -> EventId {
        order.second()
    }
}

/// Money that came in for a gift card. It is owed to its bearer until the card pays, so it is no revenue.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct VoucherSale {
    /// The event that issued the card, or put more onto it.
    #[n(0)]
    pub issue: EventId,
    /// What it is worth for that.
    #[n(1)]
    pub value: Money,
    /// How it was paid.
    #[n(2)]
    pub tenders: Vec<Tender>,
}

/// What vouchers gave for a promise that was given up since: theirs again, with as many rights of the writer. It counts
/// where the node that says so took as much for it (see [`crate::voucher`]).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct RedemptionReversal {
    /// The promise.
    #[n(0)]
    pub order: EventId,
    /// How many uses, or minor units, of what.
    #[n(1)]
    pub lines: Vec<Line>,
}

impl RedemptionReversal {
    /// The id of the event that gives back what vouchers gave for an order: it happens once.
    pub(crate) fn id_of(order: EventId) -> EventId {
        EventId::hash_of("tillmesh redemption reversal", &[order.as_bytes()])
    }
}
