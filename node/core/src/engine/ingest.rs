//! Taking in what peers signed: checked from the outside inwards, and only then given to Automerge.

use std::collections::BTreeSet;

use super::Engine;
use super::batch::event_ref;
use super::reach::Permitted;
use crate::cose::CoseError;
use crate::document::{Change, Document, DocumentId};
use crate::envelope::{self, Batch, EnvelopeError};
use crate::history::{self, EventRef};
use crate::id::{ChangeHash, Name, Writer};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::sync::Early;
use crate::time::Timestamp;
use crate::view::WriterRow;

/// A refused envelope, for counting and one log line per kind and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why, in a word.
    pub kind: RefusedKind,
    /// Why, in words.
    pub reason: String,
    /// Who signed it, where that is known.
    pub writer: Option<Writer>,
}

/// Why an envelope is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RefusedKind {
    /// It is no envelope, or larger than allowed.
    Malformed,
    /// Its signature does not hold.
    Signature,
    /// It writes where its signer may not, or does more than add.
    Forbidden,
    /// Automerge could not apply it.
    Unusable,
    /// Its signer has no certificate of the fleet.
    UnknownSigner,
    /// Its signer was retired as stolen, and it was not known before.
    Retired,
    /// Automerge failed on an earlier change of its author.
    Quarantined,
}

impl RefusedKind {
    /// The word for it, as peers' lists, metrics and the log use it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Forbidden => "forbidden",
            Self::Unusable => "unusable",
            Self::UnknownSigner => "unknown-signer",
            Self::Retired => "retired",
            Self::Quarantined => "quarantined",
        }
    }
}

/// What became of an envelope.
pub(super) enum Ingested {
    /// It is part of the batch now.
    New,
    /// It was known.
    Known,
    /// It is of a scope that is not held.
    NotHeld,
    /// Something that it builds on is not in its document yet, or what shows that it counts has not come.
    Early(Early),
}

impl<S: Storage> Engine<S> {
    /// Takes an envelope in.
    pub(super) fn ingest(&mut self, now: Timestamp, from: &Name, bytes: &[u8]) -> Result<Ingested, Refused> {
        let batch = match envelope::open(&self.config.fleet, bytes) {
            Ok(batch) => batch,
            Err(error) => return Err(refused_envelope(&error)),
        };
        if !self.interest.admits(&batch.scope) {
            return Ok(Ingested::NotHeld);
        }
        self.check_signer(&batch)?;
        self.check_quarantine(now, &batch)?;
        let changes = read_changes(&batch)?;
        let writer = batch.writer.clone();
        let fail = |error: &dyn std::fmt::Display| refuse(RefusedKind::Unusable, error, Some(&writer));
        let document = self.document(&batch.document).map_err(|error| fail(&error))?;
        let known = changes.iter().filter(|change| document.knows(&change.hash())).count();
        if known == changes.len() {
            return Ok(Ingested::Known);
        }
        let permitted = match self.check_permitted(&batch, &changes)? {
            Permitted::Yes => true,
            Permitted::NotYet => false,
        };
        if known > 0 {
            return Err(refuse(RefusedKind::Forbidden, &"it repeats part of another batch", Some(&batch.writer)));
        }
        let document = self.document(&batch.document).map_err(|error| fail(&error))?;
        let links = links_of(&changes);
        if !permitted || !can_apply_in_order(document, &links) {
            if batch.writer == *self.identity.writer() {
                self.note_early_clone(now, &batch, &changes);
            }
            let (document, envelope) = (batch.document, bytes.to_vec());
            return Ok(Ingested::Early(Early { document, envelope, links, permitted }));
        }
        if let Err(error) = document.hear(&changes) {
            self.note_failure(now, &batch);
            return Err(fail(&error));
        }
        if batch.writer == *self.identity.writer() {
            self.note_clone(now, &batch, &changes);
        }
        self.sync.peers_mut().prove(&batch.writer.node);
        let slot = self.batch.push_received(&batch, bytes, from);
        if let Err(error) = self.fold_batch(slot, &batch, &changes) {
            self.break_off(&error);
        }
        Ok(Ingested::New)
    }

    fn fold_batch(&mut self, slot: usize, batch: &Batch, changes: &[Change]) -> Result<(), Refusal> {
        let position = self.next_position();
        for (index, change) in changes.iter().enumerate() {
            let at = event_ref(position, slot, index);
            self.note_change(&batch.scope, &batch.document, at, change.hash(), &change.dependencies())?;
            self.fold_change(at, &batch.document, change)?;
        }
        Ok(())
    }

    /// Folds what a change says, according to the kind of its document.
    pub(super) fn fold_change(&mut self, at: EventRef, document: &DocumentId, change: &Change) -> Result<(), Refusal> {
        match document {
            DocumentId::Ledger { writer, .. } => match history::event_of(document, change) {
                Some((event, origin)) => self.fold(at, &event, &origin),
                None => Ok(self.update_row::<WriterRow>(writer.clone(), |row| row.unknown += 1)?),
            },
            DocumentId::Cart { id } => {
                let entries = change.entries().iter();
                Ok(self.fold_cart(*id, entries.map(|entry| (entry.block, &*entry.key, &*entry.value)))?)
            }
            DocumentId::Catalog { .. } => self.fold_catalogue(document, change),
            DocumentId::Opening { .. } => {
                self.opening_heard(document);
                Ok(())
            }
            DocumentId::Fleet { .. } => Ok(self.fold_fleet(change)?),
        }
    }
}

fn read_changes(batch: &Batch) -> Result<Vec<Change>, Refused> {
    let read = |bytes: &Vec<u8>| {
        let change = history_change(batch, bytes)?;
        if change.epoch() == batch.writer.epoch {
            Ok(change)
        } else {
            Err(refuse(RefusedKind::Forbidden, &"a change has another author than the envelope", Some(&batch.writer)))
        }
    };
    let changes: Vec<Change> = batch.changes.iter().map(read).collect::<Result<_, _>>()?;
    let distinct: BTreeSet<_> = changes.iter().map(Change::hash).collect();
    if distinct.len() < changes.len() {
        return Err(refuse(RefusedKind::Forbidden, &"it holds a change twice", Some(&batch.writer)));
    }
    Ok(changes)
}

fn history_change(batch: &Batch, bytes: &[u8]) -> Result<Change, Refused> {
    crate::document::read_change(&batch.document, bytes)
        .map_err(|error| refuse(RefusedKind::Forbidden, &error, Some(&batch.writer)))
}

/// Whether each change's ancestors are in the document or come before it in the batch.
pub(super) fn can_apply_in_order(document: &Document, links: &[(ChangeHash, Vec<ChangeHash>)]) -> bool {
    let mut before = BTreeSet::new();
    links.iter().all(|(change, builds_on)| {
        let ready = builds_on.iter().all(|hash| before.contains(hash) || document.knows(hash));
        before.insert(*change);
        ready
    })
}

/// Each change with what it builds on.
pub(super) fn links_of(changes: &[Change]) -> Vec<(ChangeHash, Vec<ChangeHash>)> {
    changes.iter().map(|change| (change.hash(), change.dependencies())).collect()
}

fn refused_envelope(error: &EnvelopeError) -> Refused {
    let kind = match error {
        EnvelopeError::Cose(CoseError::Signature) => RefusedKind::Signature,
        EnvelopeError::Scope => RefusedKind::Forbidden,
        _ => RefusedKind::Malformed,
    };
    refuse(kind, error, None)
}

pub(super) fn refuse(kind: RefusedKind, reason: &dyn std::fmt::Display, writer: Option<&Writer>) -> Refused {
    Refused { kind, reason: reason.to_string(), writer: writer.cloned() }
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        Self { kind: RefusedKind::Unusable, reason: error.to_string(), writer: None }
    }
}
