//! Wishes: that another node gives some of its rights, signed by who wishes for them, and each good once.
//!
//! A grant is an event of the giver, signed and kept for ever. So nobody may bring one about but who is to have the
//! rights, and a wish that is heard again must not bring another one. It says how far the asker has heard the giver;
//! what was granted since then is remembered.

use std::collections::{BTreeMap, VecDeque};

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use super::message::MAX_MESSAGE;
use super::word::Said;
use crate::event::Seen;
use crate::id::{Boot, EventId, Name, ObjectHash, Sku, Writer};

/// Of how many boots of the giver a wish says how far they were heard: one is the newest, and clocks err.
pub(crate) const MAX_SEEN: usize = 4;
/// How many grants of a location are remembered: an asker that has not heard of as many asks again once it has.
const MAX_GRANTED: usize = 256;

/// A node's word that it would like to have rights of another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Wish {
    /// The giver: in another epoch it cannot give what it held in this one.
    #[n(0)]
    pub of: Writer,
    /// Where the rights are held.
    #[n(1)]
    pub location: Name,
    /// The question that it is asked in.
    #[n(2)]
    pub id: u64,
    /// How far the asker has heard the giver there, by the giver's boots.
    #[n(3)]
    pub seen: Vec<Seen>,
    #[n(4)]
    pub what: Wished,
    /// The asker's word for its name, [`super::word::ToBeKnown`], which a grant to it may carry.
    #[n(5)]
    pub named: ByteVec,
}

/// What is wished for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) enum Wished {
    /// Rights to promise.
    #[n(0)]
    Rights(#[n(0)] Vec<WantedRights>),
    /// The right to pay back some of an order's money, in minor units.
    #[n(1)]
    Refund(#[n(0)] EventId, #[n(1)] i64),
}

/// How many rights, of what.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct WantedRights {
    #[n(0)]
    pub sku: Sku,
    /// What a client waits for; zero: nobody does.
    #[n(1)]
    pub wanted: i64,
    /// What the asker's clients wanted lately.
    #[n(2)]
    pub demand: i64,
    /// The channel that the client promises to: the giver may keep some for others.
    #[n(3)]
    pub channel: Option<Name>,
}

impl Said for Wish {
    const PURPOSE: &str = "wish";
    const MOST: usize = MAX_MESSAGE;
}

/// What was granted lately, by location.
#[derive(Default)]
pub(crate) struct Granted(BTreeMap<Name, AtLocation>);

#[derive(Default)]
struct AtLocation {
    /// Each wish that was granted, oldest first, with how many events this boot had recorded there then.
    last: VecDeque<(u64, ObjectHash)>,
    /// How far an asker must have heard this boot: as far as the last grant that is not remembered.
    least: u64,
}

/// Whether a wish is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodness {
    /// It is new.
    New,
    /// It was granted.
    Granted,
    /// It may have been granted: its asker had heard too little to tell.
    Unknown,
}

impl Granted {
    /// Whether a wish is good in a boot of the giver, which has recorded so many events there, and so many in its last
    /// one before. An asker that has heard nothing of this boot must have heard all of that one, for what was granted
    /// then is forgotten. Nobody has heard more than was recorded: who says so could ask for ever.
    pub fn goodness(&self, wish: &Wish, signed: &[u8], now: (Boot, u64), before: Option<Seen>) -> Goodness {
        let (boot, recorded) = now;
        let heard_of = |boot| wish.seen.iter().find(|seen| seen.boot == boot).map(|seen| seen.through);
        let heard_all = |before: Seen| heard_of(before.boot) == Some(before.through);
        let heard = match heard_of(boot) {
            Some(through) if through <= recorded => through,
            None if before.is_none_or(heard_all) => 0,
            _ => return Goodness::Unknown,
        };
        let Some(known) = self.0.get(&wish.location) else { return Goodness::New };
        let hash = ObjectHash::of(signed);
        match known.last.iter().any(|(_, granted)| *granted == hash) {
            true => Goodness::Granted,
            false if heard < known.least => Goodness::Unknown,
            false => Goodness::New,
        }
    }

    /// Remembers that a wish was granted, with how many events this boot has recorded there since.
    pub fn note(&mut self, location: &Name, signed: &[u8], recorded: u64) {
        let known = self.0.entry(location.clone()).or_default();
        known.last.push_back((recorded, ObjectHash::of(signed)));
        if known.last.len() > MAX_GRANTED
            && let Some((recorded, _)) = known.last.pop_front()
        {
            known.least = recorded;
        }
    }
}

#[cfg(test)]
mod tests;
