//! What a node wrote, as far as this one holds it: what its retirement is to count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use super::documents::batches_of;
use super::exposure::{self, Exposure, RefundRights};
use crate::document::DocumentId;
use crate::envelope::Batch;
use crate::fleet::Counted;
use crate::history::{self, LogRecord};
use crate::id::{Boot, ChangeHash, Epoch, Name, PublicKey};
use crate::storage::{Read, StorageError};
use crate::time::Timestamp;
use crate::view::{Position, View};

/// A retirement names every so many changes of an author in a document, and the last one: up to a named change batches
/// wait until it has come, and those that wait are bounded.
const STRETCH: u64 = 512;

/// What a key wrote under a node's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authored {
    /// The key.
    pub key: PublicKey,
    /// What a retirement must name so that all of it counts.
    pub counted: Vec<Counted>,
    /// The events in its ledgers, by location.
    pub events: BTreeMap<Name, AuthoredEvents>,
    /// How many carts it wrote to.
    pub carts: u64,
    /// The epochs in which it wrote.
    pub epochs: BTreeSet<Epoch>,
    /// What is at stake with it.
    pub exposure: Exposure,
}

impl Authored {
    fn of(key: PublicKey) -> Self {
        let (counted, events, epochs) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        Self { key, counted, events, carts: 0, epochs, exposure: Exposure::default() }
    }
}

/// The events that a key wrote at a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthoredEvents {
    /// How many.
    pub count: u64,
    /// When the newest one was recorded, by its writer's clock.
    pub latest: Timestamp,
}

/// What each key wrote under a node's name. Reads the whole history of what that node may have written, and waits for
/// the disk: not for the engine's thread.
///
/// # Errors
/// When the store fails.
pub fn authored_by(view: &RwLock<View>, storage: &impl Read, node: &Name) -> Result<Vec<Authored>, StorageError> {
    let may_be_its = |id: &&DocumentId| id.owner().is_none_or(|owner| owner.node == *node);
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    let documents: Vec<_> = shown.documents.iter().map(|(id, _)| id).filter(may_be_its).cloned().collect();
    drop(shown);
    let (mut found, mut commit) = (BTreeMap::new(), (0, LogRecord::default()));
    for document in documents {
        let mut parts: BTreeMap<PublicKey, Part> = BTreeMap::new();
        for (position, slot) in batches_of(view, storage, &document)? {
            let batch = read_batch(storage, &mut commit, position, slot)?;
            if batch.writer.node == *node {
                parts.entry(batch.key).or_default().add(view, storage, &batch)?;
            }
        }
        for (key, part) in parts {
            let (authored, refunds) = found.entry(key).or_insert_with(|| (Authored::of(key), RefundRights::default()));
            refunds.join(part.end(&document, authored));
        }
    }
    let with_exposure = |(mut authored, refunds): (Authored, RefundRights)| {
        authored.exposure = exposure::of(view, storage, &authored.epochs)?;
        authored.exposure.refunds = refunds.end(view, storage)?;
        Ok(authored)
    };
    found.into_values().map(with_exposure).collect()
}

fn read_batch(
    storage: &impl Read,
    last: &mut (Position, LogRecord),
    position: Position,
    slot: u16,
) -> Result<Batch, StorageError> {
    if last.0 != position {
        *last = (position, history::read_commit(storage, position)?);
    }
    last.1.batch(slot)
}

/// What a key wrote to one document.
#[derive(Default)]
struct Part {
    authors: BTreeMap<(Epoch, Boot), (u64, Option<ChangeHash>)>,
    named: Vec<ChangeHash>,
    events: AuthoredEvents,
    refunds: RefundRights,
}

impl Part {
    fn add(&mut self, view: &RwLock<View>, storage: &impl Read, batch: &Batch) -> Result<(), StorageError> {
        for bytes in &batch.changes {
            let change = history::read_change(&batch.document, bytes)?;
            let (count, last) = self.authors.entry((change.epoch(), change.boot())).or_default();
            *count += 1;
            *last = Some(change.hash());
            if count.is_multiple_of(STRETCH) {
                self.named.extend(last.take());
            }
            self.events.count += 1;
            if let Some((event, origin)) = history::event_of(&batch.document, &change) {
                self.events.latest = self.events.latest.max(event.recorded_at);
                self.refunds.take(view, storage, event, origin)?;
            }
        }
        Ok(())
    }

    fn end(self, document: &DocumentId, authored: &mut Authored) -> RefundRights {
        authored.epochs.extend(self.authors.keys().map(|(epoch, _)| *epoch));
        let last = self.authors.into_values().filter_map(|(_, last)| last);
        let changes = self.named.into_iter().chain(last).collect();
        authored.counted.push(Counted { document: document.hash(), changes });
        match document {
            DocumentId::Ledger { location, .. } => {
                let events = authored.events.entry(location.clone()).or_default();
                events.count += self.events.count;
                events.latest = events.latest.max(self.events.latest);
            }
            DocumentId::Cart { .. } => authored.carts += 1,
            DocumentId::Opening { .. } | DocumentId::Catalog { .. } | DocumentId::Fleet { .. } => {}
        }
        self.refunds
    }
}
