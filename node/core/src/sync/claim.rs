//! Claims of carts' tokens: what is asked of a holder, what it answers, and what was asked.

use std::collections::BTreeMap;
use std::fmt;

use minicbor::{CborLen, Decode, Encode};

use super::word::Said;
use crate::cart::AddId;
use crate::id::{CartId, Writer};
use crate::time::Timestamp;

/// The longest claim in bytes.
const MAX_CLAIM: usize = 1_024;
/// After how long without an answer a holder is asked again: several times what a message takes across a continent.
const AGAIN_MILLIS: i64 = 250;
/// The most claims that are remembered; of more, those made longest ago are forgotten, and asked again.
const MAX_CLAIMS: usize = 1_024;

/// A node's word that it wants a cart's token. It is signed, so that nobody can move tokens to nodes that did not ask;
/// it names the hand-over after which it is good, so that it is good once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Claim {
    #[n(0)]
    pub cart: CartId,
    /// See [`crate::cart::Token::link`].
    #[n(1)]
    pub link: Option<AddId>,
    /// The question that it is asked in: a denial answers no other.
    #[n(2)]
    pub id: u64,
}

/// Why a node does not give a token away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
#[non_exhaustive]
pub enum ClaimRefusal {
    /// It does not hold it, or the asker has not heard of everything that happened to it.
    #[n(0)]
    NotHeld,
    /// The cart has ended.
    #[n(1)]
    Ended,
    /// It does not know the cart.
    #[n(2)]
    Unknown,
    /// The asker may not write to carts, or its signature does not hold.
    #[n(3)]
    NotPermitted,
}

impl fmt::Display for ClaimRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHeld => "it says that it does not hold it any more",
            Self::Ended => "it says that the cart was checked out or merged",
            Self::Unknown => "it says that it does not know the cart",
            Self::NotPermitted => "it says that this node may not write to carts",
        })
    }
}

impl Said for Claim {
    const PURPOSE: &str = "claim";
    const MOST: usize = MAX_CLAIM;
}

/// The tokens that were asked for.
#[derive(Default)]
pub(crate) struct Claims(BTreeMap<CartId, Asked>);

struct Asked {
    holder: Writer,
    link: Option<AddId>,
    id: u64,
    at: Timestamp,
    refused: Option<ClaimRefusal>,
}

/// Where a claim stands.
pub(crate) enum Claiming {
    /// The holder is to be asked.
    Due,
    /// It was a moment ago.
    Asked,
    /// It has refused.
    Refused(ClaimRefusal),
}

impl Claims {
    /// Where the claim of a token stands.
    pub fn state(&self, now: Timestamp, cart: &CartId, holder: &Writer, link: Option<&AddId>) -> Claiming {
        let asked = self.0.get(cart).filter(|asked| asked.holder == *holder && asked.link.as_ref() == link);
        // A clock that went back asks again, too.
        let recently = |asked: &&Asked| asked.at <= now && now < asked.at.plus_millis(AGAIN_MILLIS);
        match asked.filter(recently) {
            None => Claiming::Due,
            Some(Asked { refused: Some(refused), .. }) if *refused != ClaimRefusal::NotHeld => {
                Claiming::Refused(*refused)
            }
            Some(_) => Claiming::Asked,
        }
    }

    /// Whether a cart's token was asked for and did not come.
    pub fn awaits(&self, cart: &CartId) -> bool {
        self.0.contains_key(cart)
    }

    /// Forgets a claim: the token is here.
    pub fn forget(&mut self, cart: &CartId) {
        self.0.remove(cart);
    }

    /// Remembers that a holder is asked.
    pub fn ask(&mut self, now: Timestamp, cart: CartId, holder: &Writer, link: Option<&AddId>, id: u64) {
        if self.0.len() >= MAX_CLAIMS {
            let oldest = self.0.iter().min_by_key(|(_, asked)| asked.at).map(|(cart, _)| *cart);
            oldest.and_then(|cart| self.0.remove(&cart));
        }
        let asked = Asked { holder: holder.clone(), link: link.cloned(), id, at: now, refused: None };
        self.0.insert(cart, asked);
    }

    /// The holder that was asked for a cart's token in a question.
    pub fn holder_asked(&self, cart: &CartId, id: u64) -> Option<&Writer> {
        self.0.get(cart).filter(|asked| asked.id == id).map(|asked| &asked.holder)
    }

    /// Whether something was asked in this question and not answered.
    pub fn awaits_answer(&self, id: u64) -> bool {
        self.0.values().any(|asked| asked.id == id && asked.refused.is_none())
    }

    /// Remembers what a holder answered to a question, once: who hears it again could put off the next one for ever.
    pub fn refuse(&mut self, now: Timestamp, cart: &CartId, id: u64, why: ClaimRefusal) {
        if let Some(asked) = self.0.get_mut(cart)
            && asked.id == id
            && asked.refused.is_none()
        {
            asked.at = now;
            asked.refused = Some(why);
        }
    }
}
