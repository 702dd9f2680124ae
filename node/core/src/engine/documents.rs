//! Documents in memory: few, the others are made again from their stored changes when needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use super::Engine;
use crate::document::{Document, DocumentError, DocumentId};
use crate::history::{read_change, read_commit};
use crate::refusal::Refusal;
use crate::storage::{Read, Storage, StorageError, Table};
use crate::view::{BatchKey, BatchRow, Position, Record as _, View};

/// How many documents stay in memory: the day's ledgers of a store's nodes and the carts in motion. At 17 KB and more
/// each they are what an idle node's memory consists of, so there are few; one that is needed again loads in
/// milliseconds.
pub const MAX_LOADED: usize = 48;
/// How many batches of a document are looked up at a time.
const SLICE: usize = 512;

/// The documents in memory, with when each was last used.
#[derive(Default)]
pub(super) struct Documents {
    loaded: BTreeMap<DocumentId, (Document, u64)>,
    uses: u64,
}

impl Documents {
    pub(super) fn forget(&mut self, id: &DocumentId) {
        self.loaded.remove(id);
    }

    pub(super) fn clear(&mut self) {
        self.loaded.clear();
    }

    fn insert(&mut self, document: Document) {
        self.uses += 1;
        self.loaded.insert(document.id().clone(), (document, self.uses));
    }

    fn used(&mut self, id: &DocumentId) -> Option<&mut Document> {
        self.uses += 1;
        let (document, used) = self.loaded.get_mut(id)?;
        *used = self.uses;
        Some(document)
    }

    /// Lets go of those used longest ago until no more than `most` are left, or none that need not be kept.
    pub(super) fn evict(&mut self, most: usize, keep: impl Fn(&DocumentId) -> bool) {
        while self.loaded.len() > most {
            let oldest = self.loaded.iter().filter(|(id, _)| !keep(id)).min_by_key(|(_, (_, used))| *used);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else { return };
            self.loaded.remove(&id);
        }
    }
}

impl<S: Storage> Engine<S> {
    /// How many documents are in memory: after a commit at most [`MAX_LOADED`], within one also those that it changes.
    pub fn loaded_documents(&self) -> usize {
        self.documents.loaded.len()
    }

    /// A document, loaded if need be; one that nobody has written to is empty.
    pub(super) fn document(&mut self, id: &DocumentId) -> Result<&mut Document, Refusal> {
        if self.documents.used(id).is_none() {
            let document = self.load_document(id)?;
            let touched = self.touched();
            self.documents.evict(MAX_LOADED - 1, |id| touched.contains(id));
            self.documents.insert(document);
        }
        self.documents.used(id).ok_or_else(|| {
            Refusal::Storage(StorageError { operation: "load a document".to_owned(), reason: id.to_string() })
        })
    }

    /// The documents that the commit at hand changes, or the one that is replayed: nowhere else are those changes
    /// yet, so a document that is loaded again would lack them.
    fn touched(&self) -> BTreeSet<DocumentId> {
        let replayed = BatchRow::staged(&self.staged).keys().map(|key| &key.document);
        self.batch.documents().chain(replayed).cloned().collect()
    }

    fn load_document(&self, id: &DocumentId) -> Result<Document, Refusal> {
        let identity = &self.identity;
        let mut document = Document::new(id.clone(), identity.writer().epoch, identity.boot())?;
        let mut changes = Vec::new();
        let mut commit = (0, crate::history::LogRecord::default());
        for (position, slot) in self.batches_of(id)? {
            if commit.0 != position {
                commit = (position, read_commit(&self.storage, position)?);
            }
            let batch = commit.1.batch(slot)?;
            for bytes in &batch.changes {
                changes.push(read_change(id, bytes)?);
            }
        }
        for bytes in self.batch.changes_of(id) {
            changes.push(read_change(id, bytes)?);
        }
        document.apply(changes)?;
        Ok(document)
    }

    /// Where a document's batches stand, in the order heard; those of the current batch left out.
    pub(super) fn batches_of(&self, id: &DocumentId) -> Result<Vec<(Position, u16)>, StorageError> {
        batches_of(&self.view, &self.storage, id)
    }
}

/// Where a document's batches stand, in the order heard. Memory is looked at first, so that a row that is written
/// meanwhile is seen.
pub(crate) fn batches_of(
    view: &RwLock<View>,
    storage: &impl Read,
    id: &DocumentId,
) -> Result<Vec<(Position, u16)>, StorageError> {
    let first = BatchKey { document: id.clone(), position: 0, slot: 0 };
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    let unwritten = shown.batches.range_from(std::ops::Bound::Included(first));
    let unwritten = unwritten.take_while(|(key, _)| key.document == *id).map(|(key, _)| (key.position, key.slot));
    let mut batches: BTreeSet<_> = unwritten.collect();
    drop(shown);
    let prefix = BatchKey::prefix(id);
    let end = [prefix.as_slice(), &AFTER_ALL_PLACES].concat();
    let mut from = prefix.clone();
    loop {
        let pairs = storage.scan(Table::Rows(BATCHES), &from, Some(&end), SLICE)?;
        batches.extend(pairs.iter().filter_map(|(key, _)| place_of(&key[prefix.len()..])));
        match pairs.last() {
            Some((key, _)) if pairs.len() == SLICE => from = [key.as_slice(), &[0]].concat(),
            _ => return Ok(batches.into_iter().collect()),
        }
    }
}

const BATCHES: u8 = BatchRow::TABLE;
/// Behind every place that [`place_of`] reads: a scan that went on to other documents would read hundreds of rows for
/// a document that is new.
const AFTER_ALL_PLACES: [u8; 11] = [u8::MAX; 11];

fn place_of(bytes: &[u8]) -> Option<(Position, u16)> {
    let (position, slot) = bytes.split_at_checked(8)?;
    Some((Position::from_be_bytes(position.try_into().ok()?), u16::from_be_bytes(slot.try_into().ok()?)))
}

impl From<DocumentError> for StorageError {
    fn from(error: DocumentError) -> Self {
        Self { operation: "load a document".to_owned(), reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests;
