//! What events say of serving an order: how far its goods have come, how they left and that they arrived.

use minicbor::{CborLen, Decode, Encode};

use super::Line;
use crate::id::{EventId, Sku};

/// How far goods of a promise have come that have not left yet.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Stage {
    /// Promised, and nothing else: nobody has begun.
    #[n(0)]
    Placed,
    /// Somebody has taken them on: they are to be picked where they are.
    #[n(1)]
    Allocated,
    /// Taken from the shelf.
    #[n(2)]
    Picked,
    /// Packed: they can be handed over or shipped.
    #[n(3)]
    Ready,
}

impl Stage {
    /// Every stage, the earliest first.
    pub const ALL: [Self; 4] = [Self::Placed, Self::Allocated, Self::Picked, Self::Ready];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Allocated => "allocated",
            Self::Picked => "picked",
            Self::Ready => "ready",
        }
    }
}

/// Goods of a promise that came from one stage to another, forwards or back.
///
/// What is told of one order is added up, so the order in which nodes hear it does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Progress {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// The stage that they are at now.
    #[n(1)]
    pub stage: Stage,
    /// What, and at which stage it was before.
    #[n(2)]
    pub lines: Vec<StagedLine>,
}

/// Goods that are no longer at a stage.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct StagedLine {
    /// What.
    #[n(0)]
    pub sku: Sku,
    /// How much.
    #[n(1)]
    pub quantity: i64,
    /// The stage that they were at.
    #[n(2)]
    pub stage: Stage,
}

/// How promised goods left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
#[non_exhaustive]
pub enum Handover {
    /// The customer has them.
    #[n(0)]
    Collected,
    /// They are on their way to the customer.
    #[n(1)]
    Shipped,
}

impl Handover {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collected => "collected",
            Self::Shipped => "shipped",
        }
    }
}

/// The answer to a request to give a promise up: these goods have not been handed over, and will not be.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Consent {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// The request.
    #[n(1)]
    pub request: EventId,
    /// What of it may be given up: what of the request had not left.
    #[n(2)]
    pub lines: Vec<Line>,
}

/// Shipped goods that arrived.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Delivery {
    /// The promise.
    #[n(0)]
    pub promise: EventId,
    /// The fulfilments that arrived.
    #[n(1)]
    pub shipments: Vec<EventId>,
}
