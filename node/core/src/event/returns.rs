//! What events say of goods that come back: leave to bring them, their receipt, what becomes of them.

use minicbor::{CborLen, Decode, Encode};

use super::Line;
use crate::id::{EventId, Sku};
use crate::time::Timestamp;

/// Leave to bring goods of an order back.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct ReturnAuthorisation {
    /// The order.
    #[n(0)]
    pub order: EventId,
    /// What may come back.
    #[n(1)]
    pub lines: Vec<Line>,
    /// The first moment at which nothing may come back by it any more; none: it has no end.
    #[n(2)]
    pub until: Option<Timestamp>,
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
    /// The authorisation that they came back by.
    #[n(2)]
    pub authorisation: Option<EventId>,
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
    /// Whether it can be sold again, or does not enter the stock with the return.
    #[n(2)]
    pub restock: bool,
    /// Of what does not: whether it is kept aside until somebody decides, and was not disposed of.
    #[n(3)]
    pub undecided: Option<bool>,
}

impl ReturnLine {
    /// Whether it is kept aside until somebody decides what becomes of it.
    pub fn is_undecided(&self) -> bool {
        !self.restock && self.undecided == Some(true)
    }
}

/// What becomes of goods that came back and were kept aside.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Disposition {
    /// The return.
    #[n(0)]
    pub back: EventId,
    /// Its order; none where it was a blind one.
    #[n(1)]
    pub order: Option<EventId>,
    /// What becomes of what.
    #[n(2)]
    pub lines: Vec<DispositionLine>,
}

/// A line of a disposition.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DispositionLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much.
    #[n(1)]
    pub quantity: i64,
    /// Whether it enters the stock now, or is disposed of.
    #[n(2)]
    pub restock: bool,
}
