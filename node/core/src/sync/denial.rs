//! Denials: that a node does not give what it was asked for, signed: else anybody could end a question in its name.

use minicbor::{CborLen, Decode, Encode};

use super::claim::ClaimRefusal;
use super::word::Said;
use crate::id::{CartId, Epoch};

/// The longest denial in bytes.
const MAX_DENIAL: usize = 512;

/// A node's word that it does not give what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Denial {
    /// Who asked: what is no answer for others ends no question of theirs.
    #[n(0)]
    pub to: Epoch,
    /// The question.
    #[n(1)]
    pub id: u64,
    /// What was asked for.
    #[n(2)]
    pub what: Denied,
}

/// What is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) enum Denied {
    /// Rights, to promise or to pay back: there are none.
    #[n(0)]
    Rights,
    /// The token of a cart. Where it is, the word of it comes as a batch of the cart.
    #[n(1)]
    Token(#[n(0)] CartId, #[n(1)] ClaimRefusal),
}

impl Said for Denial {
    const PURPOSE: &str = "denial";
    const MOST: usize = MAX_DENIAL;
}
