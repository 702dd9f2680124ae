//! What events say of rights: how many units their holder alone may promise.

use minicbor::{CborLen, Decode, Encode};

use super::Line;
use crate::id::{EventId, Writer};

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
