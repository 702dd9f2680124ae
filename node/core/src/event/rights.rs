//! What events say of rights, how many units their holder alone may promise, and of the ends of their holders.

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use super::{Line, Seen};
use crate::id::{Epoch, EventId, Writer};
use crate::money::Money;
use crate::time::Timestamp;

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
    /// The word of who gets them for its name and epoch, where the giver has heard nothing of it at this location: it
    /// may never write there, and who it was has to be known to ask for the rights, and to take them back.
    #[n(2)]
    pub proof: Option<ByteVec>,
}

/// Rights given up without a promise.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Burn {
    /// How many of what.
    #[n(0)]
    pub lines: Vec<Line>,
    /// The loss or transfer that took the goods; none: there are more rights at the location than goods.
    #[n(1)]
    pub cause: Option<EventId>,
}

/// Rights of a writer that was retired, taken from it by the keeper of the location. It may have spent them before it
/// heard: a promise of it that is heard later stands, and is a work item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Reclaim {
    /// From whom.
    #[n(0)]
    pub of: Writer,
    /// How many of what.
    #[n(1)]
    pub lines: Vec<Line>,
    /// How far the taker had heard it at this location, each boot: what stands behind that is late.
    #[n(2)]
    pub seen: Vec<Seen>,
}

/// The right to pay back some of an order's money, given away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct RefundGrant {
    /// The order.
    #[n(0)]
    pub order: EventId,
    /// To whom.
    #[n(1)]
    pub to: Writer,
    /// How much.
    #[n(2)]
    pub amount: Money,
    /// See [`Grant::proof`].
    #[n(3)]
    pub proof: Option<ByteVec>,
}

/// The right to pay back some of an order's money, taken by the keeper of its location from a writer that was retired
/// or left its epoch. That one may have spent it before it heard: then more is paid back than was paid, which is a work
/// item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct RefundReclaim {
    /// The order.
    #[n(0)]
    pub order: EventId,
    /// From whom.
    #[n(1)]
    pub of: Writer,
    /// How much.
    #[n(2)]
    pub amount: Money,
}

/// An epoch that its store left because another copy of the store wrote in it too.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Fence {
    /// The epoch.
    #[n(0)]
    pub epoch: Epoch,
    /// How many changes of the other copy were heard.
    #[n(1)]
    pub changes: u64,
    /// When the newest event among them was recorded, by the other's clock.
    #[n(2)]
    pub latest: Option<Timestamp>,
}

/// What a node had heard of another, before it heard that of that one nothing counts but what its retirement names:
/// so many changes of its ledgers that no retirement names. Said again when the number is another, as when a retirement
/// that was said again counts them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct BeyondRetirement {
    /// The node that was retired, and in which epoch it wrote.
    #[n(0)]
    pub of: Writer,
    /// How many.
    #[n(1)]
    pub changes: u64,
    /// How many times the node had said so of this writer before: the last one counts.
    #[n(2)]
    pub number: u64,
}
