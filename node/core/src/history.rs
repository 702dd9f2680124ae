//! The log of a node: every commit as it was made, and how to read events back from it.

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::document::{self, Change, DocumentId};
use crate::envelope::{self, Batch};
use crate::event::{self, Event, Origin, Recorded};
use crate::id::EventId;
use crate::storage::{Read, StorageError, Table};
use crate::time::Timestamp;
use crate::view::Position;

/// The version of a commit's record.
pub const LOG_VERSION: u8 = 1;

/// What one commit holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, CborLen)]
pub struct LogRecord {
    /// When it was made, by this node's clock.
    #[n(0)]
    pub at: Timestamp,
    /// Signed batches, as made here or as received.
    #[n(1)]
    pub envelopes: Vec<ByteVec>,
    /// Which of the events are answers to requests of this node's clients, with the hash of the request.
    #[n(2)]
    pub requests: Vec<Requested>,
}

/// An event that a client of this node asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Requested {
    /// The event.
    #[n(0)]
    pub event: EventId,
    /// The request, hashed.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub request: [u8; 8],
}

/// The place of a change in the log: commit, envelope in it, change in that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, CborLen)]
pub struct EventRef {
    /// The commit.
    #[n(0)]
    pub position: Position,
    /// The envelope.
    #[n(1)]
    pub slot: u16,
    /// The change.
    #[n(2)]
    pub index: u16,
}

impl LogRecord {
    /// The record as stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode_versioned(LOG_VERSION, self)
    }

    /// The batch in a slot.
    ///
    /// # Errors
    /// When there is none or it is damaged.
    pub fn batch(&self, slot: u16) -> Result<Batch, StorageError> {
        let envelope = self.envelopes.get(usize::from(slot)).ok_or_else(|| damaged("it has no such envelope"))?;
        envelope::reopen(envelope).map_err(damaged)
    }
}

/// The key of a commit.
pub fn log_key(position: Position) -> [u8; 8] {
    position.to_be_bytes()
}

/// Reads a commit.
///
/// # Errors
/// When the store fails or the commit is not there or damaged.
pub fn read_commit(storage: &impl Read, position: Position) -> Result<LogRecord, StorageError> {
    let bytes = storage.get(Table::Log, &log_key(position))?;
    let bytes = bytes.ok_or_else(|| damaged(format!("commit {position} is not there")))?;
    codec::decode_versioned(LOG_VERSION, &bytes).map_err(damaged)
}

/// Reads a change of a batch.
///
/// # Errors
/// When it is damaged: it was checked before it was stored.
pub fn read_change(document: &DocumentId, bytes: &[u8]) -> Result<Change, StorageError> {
    document::read_change(document, bytes).map_err(damaged)
}

/// Reads an event and where it stands; none for one that this node does not understand.
///
/// # Errors
/// When the store fails or the event is not there.
pub fn read_event(storage: &impl Read, at: EventRef) -> Result<Option<(Event, Origin)>, StorageError> {
    EventReader::default().read(storage, at)
}

/// Reads events one after another: neighbours share an envelope, which is unpacked once.
#[derive(Default)]
pub struct EventReader {
    last: Option<(Position, u16, Batch)>,
}

impl EventReader {
    /// As [`read_event`].
    ///
    /// # Errors
    /// When the store fails or the event is not there.
    pub fn read(&mut self, storage: &impl Read, at: EventRef) -> Result<Option<(Event, Origin)>, StorageError> {
        let batch = match self.last.take() {
            Some((position, slot, batch)) if (position, slot) == (at.position, at.slot) => batch,
            _ => read_commit(storage, at.position)?.batch(at.slot)?,
        };
        let bytes = batch.changes.get(usize::from(at.index)).ok_or_else(|| damaged("the batch has no such change"))?;
        let change = read_change(&batch.document, bytes)?;
        let event = event_of(&batch.document, &change);
        self.last = Some((at.position, at.slot, batch));
        Ok(event)
    }
}

/// The event in a change of a ledger; none for other documents and for what this node does not understand.
pub fn event_of(document: &DocumentId, change: &Change) -> Option<(Event, Origin)> {
    let DocumentId::Ledger { location, writer, date } = document else { return None };
    let origin = Origin { location: location.clone(), writer: writer.clone(), boot: change.boot(), date: *date };
    match event::read(&change.entries().first()?.value) {
        Recorded::Known(event) => Some((*event, origin)),
        Recorded::Unknown => None,
    }
}

pub(crate) fn damaged(reason: impl std::fmt::Display) -> StorageError {
    StorageError { operation: "read the log".to_owned(), reason: reason.to_string() }
}
