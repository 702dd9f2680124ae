//! The rows that only the engine needs: where things stand, what was heard.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use super::Position;
use crate::codec;
use crate::document::{DocumentId, Scope};
use crate::event::Seen;
use crate::history::EventRef;
use crate::id::{Boot, ChangeHash, Epoch, EventId, Name, PublicKey, Reference};
use crate::time::{BusinessDate, Timestamp};

/// A document that this node holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DocumentRow {
    /// The scope that it travels in.
    #[n(0)]
    pub scope: Scope,
    /// Its heads, sorted.
    #[n(1)]
    pub heads: Vec<ChangeHash>,
    /// How many changes it holds.
    #[n(2)]
    pub changes: u64,
    /// What ended it, of a ledger whose day was closed.
    #[n(3)]
    pub seal: Option<Seal>,
}

/// The end of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Seal {
    /// The close; of several, the least: two copies of a store closed the day.
    #[n(0)]
    pub close: EventId,
    /// How many changes it says that the ledger has with it.
    #[n(1)]
    pub changes: u64,
}

impl DocumentRow {
    /// A document without changes.
    pub const fn empty(scope: Scope) -> Self {
        Self { scope, heads: Vec::new(), changes: 0, seal: None }
    }

    /// Folds a change in: it is a head now, and its direct ancestors are none any more.
    pub fn add(&mut self, hash: ChangeHash, dependencies: &[ChangeHash]) {
        self.heads.retain(|head| !dependencies.contains(head));
        if let Err(place) = self.heads.binary_search(&hash) {
            self.heads.insert(place, hash);
        }
        self.changes += 1;
    }

    /// Folds a close in.
    pub fn close(&mut self, close: EventId, events: u64) {
        let seal = Seal { close, changes: events.saturating_add(1) };
        self.seal = Some(self.seal.filter(|known| known.close <= close).unwrap_or(seal));
    }

    /// How many changes a closed ledger holds that its close does not know of.
    pub fn beyond_close(&self) -> u64 {
        self.seal.map_or(0, |seal| self.changes.saturating_sub(seal.changes))
    }
}

/// A batch of a document: the commit that holds it and its slot there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen)]
pub struct BatchKey {
    /// The document.
    #[n(0)]
    pub document: DocumentId,
    /// The commit.
    #[n(1)]
    pub position: Position,
    /// The envelope in it.
    #[n(2)]
    pub slot: u16,
}

impl BatchKey {
    /// Orders the batches of a document by commit, so that a scan reads them as they were heard.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Self::prefix(&self.document);
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.slot.to_be_bytes());
        bytes
    }

    /// What the keys of a document's batches begin with. CBOR says where a document's id ends, so no id is the
    /// beginning of another's.
    pub fn prefix(document: &DocumentId) -> Vec<u8> {
        codec::encode(document)
    }
}

/// A batch is there; everything else is in its envelope.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct BatchRow {}

/// Where an event stands and who names it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct EventRow {
    /// The copies that counted, one after the other: the last one counts. There is more than one only where copies with
    /// different contents were heard, and the one that wins came later.
    #[n(0)]
    pub copies: Vec<EventRef>,
    /// What the copy that counts says, hashed.
    #[n(1)]
    pub content: [u8; 8],
    /// What the client asked for, hashed: tells a repeated request from another one under the same key.
    #[n(2)]
    pub request: Option<[u8; 8]>,
    /// Events that name it (returns, fulfilments; of a return, dispositions), by where they stand: in the order heard.
    #[n(3)]
    pub naming: Vec<EventRef>,
    /// Copies with another content that lost.
    #[n(4)]
    pub clashes: Vec<EventRef>,
    /// Copies with the same content that lost.
    #[n(5)]
    pub repeats: Vec<EventRef>,
}

impl EventRow {
    /// The copy that counts; none while only events that name it were heard.
    pub fn counted(&self) -> Option<EventRef> {
        self.copies.last().copied()
    }
}

/// The most stretches of a stream beyond gaps that are remembered. Repair brings what was lost, so an honest stream has
/// few; each event that is heard costs as much as all of them. Of more, those farthest ahead are forgotten, and what a
/// node counts covers them by their time alone.
const MAX_STRETCHES: usize = 1_024;

/// How far one boot of a writer was heard at a location.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct StreamRow {
    /// Every event numbered below this was heard.
    #[n(0)]
    pub through: u64,
    /// What was heard beyond a gap: each stretch from its first number to that after its last, no two of which touch.
    #[n(1)]
    beyond: BTreeMap<u64, u64>,
    /// When the newest event was recorded.
    #[n(2)]
    pub latest: Timestamp,
}

impl StreamRow {
    /// Folds a heard number in.
    pub fn hear(&mut self, number: u64, recorded_at: Timestamp) {
        self.latest = self.latest.max(recorded_at);
        let before = self.beyond.range(..=number).next_back().map(|(first, end)| (*first, *end));
        if number < self.through || before.is_some_and(|(_, end)| number < end) {
            return;
        }
        let next = number.saturating_add(1);
        let end = self.beyond.remove(&next).unwrap_or(next);
        let first = before.filter(|(_, end)| *end == number).map_or(number, |(first, _)| first);
        if number == self.through {
            self.through = end;
            return;
        }
        self.beyond.insert(first, end);
        if self.beyond.len() > MAX_STRETCHES {
            self.beyond.pop_last();
        }
    }
}

/// A part of a location's journal: the events of [`JournalChunk::COMMITS`] commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct JournalChunk {
    /// Its entries, in the order heard.
    #[n(0)]
    pub entries: Vec<JournalEntry>,
}

impl JournalChunk {
    /// How many commits share a chunk: few enough that a busy node's chunk stays quick to write again with each flush.
    pub const COMMITS: Position = 32;

    /// The chunk of a commit. It depends on the commit alone, so a replay fills the same chunks.
    pub fn of(position: Position) -> u32 {
        u32::try_from(position / Self::COMMITS).unwrap_or(u32::MAX)
    }
}

/// An event in a journal: what decides whether a count covers it, and where to read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct JournalEntry {
    /// Where it stands.
    #[n(0)]
    pub event: EventRef,
    /// Who wrote it.
    #[n(1)]
    pub epoch: Epoch,
    /// In which boot.
    #[n(2)]
    pub boot: Boot,
    /// Its number.
    #[n(3)]
    pub number: u64,
    /// When it happened.
    #[n(4)]
    pub occurred: Timestamp,
}

/// What a chunk of a location's journal spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct JournalSpan {
    /// When its latest event happened: a count skips chunks that it covers whole.
    #[n(0)]
    pub latest: Timestamp,
}

/// What a count had seen.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct CountRow {
    /// See [`crate::event::Count::seen`].
    #[n(0)]
    pub seen: Vec<Seen>,
    /// When the shelves were counted.
    #[n(1)]
    pub at: Timestamp,
}

/// What is known of a writer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct WriterRow {
    /// The last receipt number of its epoch.
    #[n(0)]
    pub receipt: u64,
    /// The latest day of trade that it opened, per location.
    #[n(1)]
    pub dates: BTreeMap<Name, BusinessDate>,
    /// When its newest event was recorded, by its own clock.
    #[n(2)]
    pub latest: Timestamp,
    /// How many of its events were heard.
    #[n(3)]
    pub events: u64,
    /// How many of them this node does not understand yet.
    #[n(4)]
    pub unknown: u64,
    /// The latest day of trade that it closed, per location.
    #[n(5)]
    pub closed: BTreeMap<Name, BusinessDate>,
    /// The day of trade that begins with the latest close, per location.
    #[n(6)]
    pub begun: BTreeMap<Name, BusinessDate>,
    /// The locations whose goods or books it had in hand, and when it recorded that last, by its own clock.
    #[n(7)]
    pub handled: BTreeMap<Name, Timestamp>,
    /// The locations that it made or took rights at, as their keeper.
    #[n(8)]
    pub kept: BTreeSet<Name>,
    /// Its key, where somebody gave it rights before anything that it signed was heard: see
    /// [`crate::event::Grant::proof`].
    #[n(9)]
    pub key: Option<PublicKey>,
}

impl WriterRow {
    /// Folds in that it had goods or books of a location in hand.
    pub fn handle(&mut self, location: &Name, at: Timestamp) {
        match self.handled.get_mut(location) {
            Some(latest) => *latest = at.max(*latest),
            None => drop(self.handled.insert(location.clone(), at)),
        }
    }

    /// Folds the end of a day in.
    pub fn close(&mut self, location: &Name, date: BusinessDate, next: Option<BusinessDate>) {
        let closed = self.closed.entry(location.clone()).or_insert(date);
        *closed = date.max(*closed);
        let next = next.unwrap_or(date).max(date.next());
        let begun = self.begun.entry(location.clone()).or_insert(next);
        *begun = next.max(*begun);
    }
}

/// Something that may need a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct WorkRow {
    /// Events that showed it, as far as what it is about does not name them itself.
    #[n(0)]
    pub evidence: Vec<EventId>,
}

/// What is to be put back of a promise of which goods were picked and something was given up since. Such a promise
/// keeps its row, so that rows do not depend on what was heard first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct PutBackRow {
    /// See [`crate::order::Quantities::to_put_back`]; of all SKUs.
    #[n(0)]
    pub units: i64,
    /// The order's location: that of the copy of the promise that counts.
    #[n(1)]
    pub location: Option<Name>,
}

/// A decision on a work item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DecisionRow {
    /// The event that records it.
    #[n(0)]
    pub event: EventId,
    /// What was decided.
    #[n(1)]
    pub choice: Name,
    /// How much the item was about then.
    #[n(2)]
    pub extent: i64,
    /// When.
    #[n(3)]
    pub at: Timestamp,
    /// At which node.
    #[n(4)]
    pub node: Name,
    /// By whom, opaque.
    #[n(5)]
    pub clerk: Option<Reference>,
    /// Why, opaque.
    #[n(6)]
    pub reason: Option<Reference>,
}

/// A statement of a fleet's key, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct FleetRow {
    /// See [`crate::fleet::Signed`].
    #[n(0)]
    pub statement: ByteVec,
}

#[cfg(test)]
mod tests;
