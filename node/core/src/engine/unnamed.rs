//! What this node heard of a node before it heard that nothing of that one counts but what its retirement names.
//!
//! It keeps such changes, since they may be paid sales, and nobody else takes them any more: until a retirement names
//! them too, the nodes do not hold the same. Whether they count is somebody's decision, so it is said to everybody.
//! Looked through are the ledgers, where stock and money are; a retirement that is said again names carts as well.

use rand_core::CryptoRng;

use super::Engine;
use super::rights::random_id;
use crate::document::{Change, DocumentId};
use crate::event::{BeyondRetirement, Body};
use crate::id::Writer;
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::time::Timestamp;
use crate::view::{DocumentRow, EventRow, WorkRow};
use crate::work::{self, MAX_EVIDENCE, Subject};

impl<S: Storage> Engine<S> {
    /// Says how much this node holds of retired nodes that no retirement counts, where that is news.
    pub(super) fn say_unnamed(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        for writer in self.retired.confined() {
            if let Err(error) = self.say_unnamed_of(now, rng, writer) {
                self.break_off(&error);
            }
        }
    }

    fn say_unnamed_of(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, of: Writer) -> Result<(), Refusal> {
        let Some(changes) = self.unnamed_of(&of)? else { return Ok(()) };
        let (node, location) = (self.config.node.clone(), self.config.location.clone());
        let subject = Subject::BeyondRetirement { retired: of.clone(), at: node.clone() };
        let (said, times) = self.said_unnamed(&subject)?;
        if said == changes || times >= MAX_EVIDENCE {
            return Ok(());
        }
        let body = BeyondRetirement { of, changes, number: times as u64 };
        // One that could be foretold the retired node could have written before, and nobody would hear this one.
        self.record_by_itself(now, random_id(rng), &location, Body::BeyondRetirement(body));
        Ok(())
    }

    /// Remembers that a change came that a retirement names.
    pub(super) fn note_named(&mut self, document: &DocumentId, changes: &[Change]) {
        let counted = self.fleet.members.counted(&document.hash());
        if counted.is_some_and(|counted| changes.iter().any(|change| counted.contains(&change.hash()))) {
            self.retired.note_change();
        }
    }

    /// What this node said last, and how many times it said something.
    fn said_unnamed(&self, subject: &Subject) -> Result<(u64, usize), StorageError> {
        let evidence = self.look::<WorkRow, _>(subject, |row| row.evidence.clone()).unwrap_or_default();
        let last = work::last_beyond(&evidence, |id| match self.row::<EventRow>(&id)?.and_then(|row| row.counted()) {
            Some(at) => self.event(at),
            None => Ok(None),
        })?;
        Ok((last.map_or(0, |(said, _)| said.changes), evidence.len()))
    }

    /// How many changes in a writer's ledgers no retirement counts; none while something that counts is still on its
    /// way, which those may lead to.
    fn unnamed_of(&mut self, writer: &Writer) -> Result<Option<u64>, Refusal> {
        let mut beyond = 0;
        for ledger in self.all_ledgers_of(writer) {
            let counted = self.fleet.members.counted(&ledger.hash()).cloned().unwrap_or_default();
            let is_counted = |row: &DocumentRow| row.heads.iter().all(|head| counted.contains(head));
            if self.look::<DocumentRow, _>(&ledger, is_counted).unwrap_or(true) {
                continue;
            }
            let document = self.document(&ledger)?;
            if !counted.iter().all(|hash| document.knows(hash)) {
                return Ok(None);
            }
            let counted: Vec<_> = counted.into_iter().collect();
            beyond += document.missing_at(&counted).len() as u64;
        }
        Ok(Some(beyond))
    }

    fn all_ledgers_of(&self, writer: &Writer) -> Vec<DocumentId> {
        let is_its = |id: &&DocumentId| matches!(id, DocumentId::Ledger { writer: of, .. } if of == writer);
        self.committed().documents.iter().map(|(id, _)| id).filter(is_its).cloned().collect()
    }
}
