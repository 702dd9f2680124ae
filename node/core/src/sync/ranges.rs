//! Finding out which documents differ: range-based set reconciliation (crate `negentropy`, protocol version 1) over
//! what each side holds.
//!
//! An item stands for a document at certain heads: 8 bytes of the document's hash, then 24 of the hash of both. So the
//! two versions of a document that differs lie side by side, in one range, and whoever wants one knows by its
//! beginning which of its own documents it is about. Of 100,000 documents of which 10 differ, two round trips of
//! fingerprints find the ten.
//!
//! The side that answers remembers nothing between messages, so a lost one costs a new beginning and no more.

use std::collections::BTreeMap;

use negentropy::{Id, Negentropy, NegentropyStorageVector};

use crate::document::{DocumentId, Scope};
use crate::id::hash_parts;
use crate::view::{DocumentRow, View};

/// The longest message of a comparison: what a message has room for.
const FRAME_BYTES: u64 = 60_000;
/// The bytes of an item that tell its document.
const DOCUMENT_BYTES: usize = 8;

/// A document at certain heads, hashed.
pub(crate) type Item = [u8; 32];

/// What a node holds of a scope.
pub(crate) struct Ranges {
    items: NegentropyStorageVector,
    documents: BTreeMap<Item, DocumentId>,
}

/// Nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RangesError {
    /// A peer's message cannot be used.
    #[error("it is no comparison: {0}")]
    Message(#[from] negentropy::Error),
    /// Other scopes are being compared.
    #[error("too many scopes are being compared at once")]
    Busy,
}

impl Ranges {
    /// What a view holds of a scope.
    pub fn of(view: &View, scope: &Scope) -> Result<Self, RangesError> {
        let rows = view.documents.iter().filter(|(_, row)| row.scope == *scope);
        let documents: BTreeMap<_, _> = rows.map(|(id, row)| (item_of(id, row), id.clone())).collect();
        let mut items = NegentropyStorageVector::with_capacity(documents.len());
        documents.keys().try_for_each(|item| items.insert(0, Id::from_byte_array(*item)))?;
        items.seal()?;
        Ok(Self { items, documents })
    }

    /// How many documents it is about.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// The first message of a comparison.
    pub fn begin(&self) -> Result<Vec<u8>, RangesError> {
        Ok(Negentropy::borrowed(&self.items, FRAME_BYTES)?.initiate()?)
    }

    /// The answer to a message of a comparison.
    pub fn answer(&self, message: &[u8]) -> Result<Vec<u8>, RangesError> {
        Ok(Negentropy::borrowed(&self.items, FRAME_BYTES)?.reconcile(message)?)
    }

    /// The message after an answer; none when everything was compared. Adds what only the other side has.
    pub fn go_on(&self, answer: &[u8], wanted: &mut Vec<Item>) -> Result<Option<Vec<u8>>, RangesError> {
        let mut comparison = Negentropy::borrowed(&self.items, FRAME_BYTES)?;
        comparison.set_initiator();
        let (mut only_here, mut only_there) = (Vec::new(), Vec::new());
        let next = comparison.reconcile_with_ids(answer, &mut only_here, &mut only_there)?;
        // They come in the order of a random hash.
        only_there.sort_unstable();
        wanted.extend(only_there.into_iter().map(Id::to_bytes));
        Ok(next)
    }

    /// The document of an item.
    pub fn document(&self, item: &Item) -> Option<&DocumentId> {
        self.documents.get(item)
    }

    /// The document that an item is about, at whatever heads it is held.
    pub fn like(&self, item: &Item) -> Option<&DocumentId> {
        let mut first = [0; 32];
        first[..DOCUMENT_BYTES].copy_from_slice(&item[..DOCUMENT_BYTES]);
        let (found, document) = self.documents.range(first..).next()?;
        (found[..DOCUMENT_BYTES] == item[..DOCUMENT_BYTES]).then_some(document)
    }
}

fn item_of(id: &DocumentId, row: &DocumentRow) -> Item {
    let id = id.to_bytes();
    let mut item = [0; 32];
    let (document, heads) = item.split_at_mut(DOCUMENT_BYTES);
    document.copy_from_slice(&hash_parts("tillmesh document", &[&id])[..DOCUMENT_BYTES]);
    let parts: Vec<&[u8]> =
        [id.as_slice()].into_iter().chain(row.heads.iter().map(|head| head.as_bytes().as_slice())).collect();
    heads.copy_from_slice(&hash_parts("tillmesh heads", &parts)[..32 - DOCUMENT_BYTES]);
    item
}

#[cfg(test)]
mod tests;
