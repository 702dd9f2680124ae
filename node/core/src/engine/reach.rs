//! What counts of a node that is not heard any more: what a retirement names, and what members built upon, each with
//! all that it builds on itself.
//!
//! Such a change is told by its hash, so whether it counts does not depend on who is asked or when, and nobody can put
//! another in its place, whoever has the key. But hashes lead back only: a change counts once what leads to it has been
//! heard. Until then its batch waits with those that wait for their ancestors.

use std::collections::{BTreeMap, BTreeSet};

use super::Engine;
use super::ingest::{can_apply_in_order, links_of};
use crate::document::{Change, DocumentId};
use crate::id::ChangeHash;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::sync::Early;

/// Whether a batch may be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permitted {
    /// It may.
    Yes,
    /// It may turn out that it may.
    NotYet,
}

/// The changes of one document that were found to count and wait for their ancestors.
#[derive(Default)]
pub(super) struct Vouched {
    document: Option<DocumentId>,
    changes: BTreeSet<ChangeHash>,
}

impl Vouched {
    fn add(&mut self, document: &DocumentId, changes: BTreeSet<ChangeHash>) {
        if self.document.as_ref() != Some(document) {
            *self = Self { document: Some(document.clone()), changes: BTreeSet::new() };
        }
        self.changes.extend(changes);
    }

    fn covers<'a>(&self, document: &DocumentId, mut changes: impl Iterator<Item = &'a ChangeHash>) -> bool {
        self.document.as_ref() == Some(document) && changes.all(|hash| self.changes.contains(hash))
    }
}

impl<S: Storage> Engine<S> {
    /// Whether changes count though their signer is not heard (any more); none: they do not, and never will.
    pub(super) fn within_reach(
        &mut self,
        document: &DocumentId,
        changes: &[Change],
    ) -> Result<Option<Permitted>, Refusal> {
        let links = links_of(changes);
        if self.fleet.vouched.covers(document, links.iter().map(|(hash, _)| hash)) {
            return Ok(Some(Permitted::Yes));
        }
        let vouched = self.vouched(document, &links);
        if links.iter().all(|(hash, _)| vouched.contains(hash)) {
            return Ok(Some(Permitted::Yes));
        }
        let Some(counted) = self.fleet.members.counted(&document.hash()).cloned() else { return Ok(None) };
        let loaded = self.document(document)?;
        let is_complete = counted.iter().all(|hash| loaded.knows(hash));
        Ok((!is_complete).then_some(Permitted::NotYet))
    }

    /// Whether anything of a document may count that nobody signs for.
    pub(super) fn may_be_within_reach(&self, document: &DocumentId) -> bool {
        self.fleet.members.counted(&document.hash()).is_some()
            || self.fleet.vouched.document.as_ref() == Some(document)
            || (document.owner().is_none() && self.sync.early_of(document).next().is_some())
    }

    /// Keeps a batch that waits. What it leads back to may be let in now: gives that, with the others of the document.
    /// They must be taken in before anything of another document, for whose sake it would be forgotten what they are.
    pub(super) fn keep_early(&mut self, early: Early) -> Vec<Vec<u8>> {
        let (document, leads_back) = (early.document.clone(), early.permitted);
        self.sync.keep_early(early);
        if !leads_back || self.sync.early_of(&document).all(|early| early.permitted) {
            return Vec::new();
        }
        let changes = self.vouched(&document, &[]);
        self.fleet.vouched.add(&document, changes);
        if self.can_go_on(&document) { self.sync.take_early(&document) } else { Vec::new() }
    }

    /// Whether a batch that waited for what leads to it has its ancestors.
    fn can_go_on(&mut self, id: &DocumentId) -> bool {
        let vouched = &self.fleet.vouched;
        let is_ready =
            |early: &&Early| !early.permitted && vouched.covers(id, early.links.iter().map(|(hash, _)| hash));
        let ready: Vec<_> = self.sync.early_of(id).filter(is_ready).map(|early| early.links.clone()).collect();
        // A document that cannot be loaded says so when its next batch comes.
        let Ok(document) = self.document(id) else { return false };
        ready.iter().any(|links| can_apply_in_order(document, links))
    }

    /// The changes that count among those that wait and these: what a retirement names, what was permitted otherwise,
    /// and what those build on.
    fn vouched(&self, document: &DocumentId, links: &[(ChangeHash, Vec<ChangeHash>)]) -> BTreeSet<ChangeHash> {
        let waiting = || self.sync.early_of(document);
        let links: BTreeMap<_, _> =
            waiting().flat_map(|early| &early.links).chain(links).map(|(hash, builds_on)| (hash, builds_on)).collect();
        let permitted = waiting().filter(|early| early.permitted).flat_map(|early| early.links.iter().map(|(h, _)| h));
        let counted = self.fleet.members.counted(&document.hash());
        let mut open: Vec<_> = permitted.chain(counted.into_iter().flatten()).collect();
        let mut vouched = BTreeSet::new();
        while let Some(hash) = open.pop() {
            if let Some(builds_on) = links.get(hash)
                && vouched.insert(*hash)
            {
                open.extend(builds_on.iter());
            }
        }
        vouched
    }
}
