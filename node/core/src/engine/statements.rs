//! Statements of the fleet's key: passed on in nodes' own documents, and kept where they concern this node's fleet.
//!
//! What concerns it depends on its key, which may change. Then the documents, which hold all that was ever passed on,
//! are looked through again, so what a node comes to does not depend on the order in which it heard.

use std::collections::BTreeSet;

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use super::Engine;
use crate::codec;
use crate::document::{Change, DocumentId, Put, Scope, read_change};
use crate::envelope;
use crate::fleet::{Signed, Standing, Statement};
use crate::history;
use crate::id::{Name, PublicKey};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError, Table, Write};
use crate::time::Timestamp;
use crate::view::FleetRow;

use super::fleet::Fleet;

/// The fleet's key as this node knows it. Kept by a restored store: it belongs to the same fleet.
const META_ANCHOR: &[u8] = b"fleet";
/// What this node wrote that its certificate does not cover.
const META_UNCOVERED: &[u8] = b"uncovered";
/// The version of an entry in a fleet document.
const ENTRY_VERSION: u8 = 1;

/// What a node says in its own document.
#[derive(Encode, Decode, CborLen)]
enum Entry {
    /// A statement of the fleet's key, passed on.
    #[n(0)]
    Statement(#[n(0)] ByteVec),
}

impl<S: Storage> Engine<S> {
    /// Writes a statement into this node's own document, from where everybody hears it.
    pub(super) fn pass_on(&mut self, now: Timestamp, signed: &Signed) -> Result<(), Refusal> {
        let document = DocumentId::Fleet { writer: self.identity.writer().clone() };
        let entry = Entry::Statement(signed.bytes.clone().into());
        let put = Put {
            block: format!("{}-0", self.identity.boot()),
            key: signed.id().to_string(),
            value: codec::encode_versioned(ENTRY_VERSION, &entry),
        };
        self.write(now, &Scope::Fleet, &document, &[put])?;
        Ok(self.hear_statements(vec![signed.clone()])?)
    }

    /// Folds what a node says in its own document.
    pub(super) fn fold_fleet(&mut self, change: &Change) -> Result<(), StorageError> {
        self.hear_statements(statements_in(&self.config.fleet, change))
    }

    fn hear_statements(&mut self, heard: Vec<Signed>) -> Result<(), StorageError> {
        let (rotations, mut is_own) = (self.fleet.rotations, false);
        for signed in &heard {
            is_own |= self.hear_statement(signed) && self.is_own_certificate(signed);
        }
        if self.replaying {
            return Ok(());
        }
        if self.fleet.rotations > rotations {
            self.hear_again(&[])?;
        }
        self.follow();
        if is_own { self.note_uncovered() } else { Ok(()) }
    }

    fn is_own_certificate(&self, signed: &Signed) -> bool {
        matches!(&signed.statement, Statement::Certificate(papers) if papers.key == self.identity.public_key())
    }

    /// A certificate came, whatever way: it is held against what this node wrote before.
    fn note_uncovered(&mut self) -> Result<(), StorageError> {
        let is_member = self.standing() == Standing::Member;
        let found = if is_member { self.uncovered_past(&self.fleet.members)? } else { None };
        if found != self.fleet.uncovered {
            let value = found.as_ref().map(|write| write.clone().into_bytes());
            self.batch.writes.push(Write { table: Table::Meta, key: META_UNCOVERED.to_vec(), value });
            self.fleet.uncovered = found;
        }
        Ok(())
    }

    /// Keeps a statement that concerns the fleet; gives whether it was new.
    fn hear_statement(&mut self, signed: &Signed) -> bool {
        if !self.fleet.wants(signed) {
            return false;
        }
        self.put_row(signed.id(), FleetRow { statement: signed.bytes.clone().into() });
        let is_rotation = matches!(signed.statement, Statement::Rotation(_));
        self.fleet.keep(signed.clone());
        if is_rotation || !self.replaying {
            self.fleet.reconsider();
            self.retired.note_change();
            // What was refused may not be any more.
            self.sync.patience.clear();
        }
        true
    }

    /// Looks through what was passed on once more: something may concern the fleet now that it has another key. The
    /// commit that is replayed is not among what is stored.
    pub(super) fn hear_again(&mut self, replayed: &[envelope::Batch]) -> Result<(), StorageError> {
        let heard = self.statements_passed_on(replayed)?;
        // A rotation among them leads on.
        while heard.iter().filter(|signed| self.hear_statement(signed)).count() > 0 {}
        Ok(())
    }

    /// Every statement of a fleet's key that anybody passed on, to this node's knowledge.
    pub(super) fn statements_passed_on(&self, replayed: &[envelope::Batch]) -> Result<Vec<Signed>, StorageError> {
        let is_fleet = |id: &&DocumentId| matches!(id, DocumentId::Fleet { .. });
        let stored: Vec<_> = self.committed().documents.iter().map(|(id, _)| id).filter(is_fleet).cloned().collect();
        let mut batches: Vec<(DocumentId, Vec<Vec<u8>>)> = Vec::new();
        for document in stored {
            for (position, slot) in self.batches_of(&document)? {
                batches.push((document.clone(), history::read_commit(&self.storage, position)?.batch(slot)?.changes));
            }
        }
        let current: BTreeSet<_> = self.batch.documents().filter(is_fleet).cloned().collect();
        batches.extend(current.into_iter().map(|id| {
            let changes = self.batch.changes_of(&id).cloned().collect();
            (id, changes)
        }));
        let replayed = replayed.iter().filter(|batch| is_fleet(&&batch.document));
        batches.extend(replayed.map(|batch| (batch.document.clone(), batch.changes.clone())));
        let mut heard = Vec::new();
        for (document, changes) in batches {
            for bytes in changes {
                heard.extend(statements_in(&self.config.fleet, &history::read_change(&document, &bytes)?));
            }
        }
        Ok(heard)
    }

    /// Follows a rotation that was heard, durably.
    fn follow(&mut self) {
        let anchor = self.fleet.members.anchor();
        if let Some(moved) = anchor.filter(|_| anchor != self.fleet.anchor()) {
            self.set_anchor(moved);
        }
    }

    pub(super) fn set_anchor(&mut self, anchor: PublicKey) {
        self.fleet.move_to(anchor);
        self.batch.writes.push(Write::put(Table::Meta, META_ANCHOR, anchor.as_bytes().to_vec()));
    }

    /// Begins with what is durable.
    pub(super) fn load_fleet(&mut self) -> Result<(), StorageError> {
        let anchor = self.storage.get(Table::Meta, META_ANCHOR)?;
        let anchor =
            anchor.map(|bytes| PublicKey::from_slice(&bytes).ok_or_else(|| history::damaged("the fleet's key")));
        let anchor = anchor.transpose()?;
        let view = self.committed();
        let rows = view.fleet.iter().filter_map(|(_, row)| open(&self.config.fleet, &row.statement));
        let fleet = Fleet::of(anchor, rows);
        drop(view);
        let uncovered = self.storage.get(Table::Meta, META_UNCOVERED)?;
        let uncovered = uncovered.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        self.fleet = fleet;
        self.fleet.uncovered = uncovered;
        Ok(())
    }

    /// What batches of a document bring that wait for the one at hand: the certificate that counts may stand behind one
    /// that does not count any more.
    pub(super) fn early_statements(&self, document: &DocumentId) -> Vec<Signed> {
        let batches = self.sync.early_of(document).filter_map(|early| envelope::reopen(&early.envelope).ok());
        let changes = batches.flat_map(|batch| batch.changes);
        let changes = changes.filter_map(|bytes| read_change(document, &bytes).ok());
        changes.flat_map(|change| statements_in(&self.config.fleet, &change)).collect()
    }
}

/// The statements that a change of a node's own document passes on. What is none is kept and relayed, and believed by
/// nobody.
pub(super) fn statements_in(fleet: &Name, change: &Change) -> Vec<Signed> {
    let entry = |value: &Vec<u8>| codec::decode_versioned::<Entry>(ENTRY_VERSION, value).ok();
    let entries = change.entries().iter().filter_map(|change| entry(&change.value));
    entries.filter_map(|Entry::Statement(bytes)| open(fleet, &bytes)).collect()
}

pub(super) fn open(fleet: &Name, bytes: &[u8]) -> Option<Signed> {
    Signed::open(fleet, bytes).ok()
}
