//! Nodes that were retired, and epochs that their stores left because they ran twice: what they may still promise of
//! goods is taken from them by the goods' keeper.
//!
//! No timer does this: a node that is away may have spent its rights. Retiring it is somebody's word that it will not
//! be waited for. What it promised before it heard of that stands all the same, and is a work item.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use rand_core::CryptoRng;

use super::Engine;
use super::rights::random_id;
use crate::document::DocumentId;
use crate::event::{Body, Line, MAX_LINES, Reclaim, Seen};
use crate::fleet::Standing;
use crate::history;
use crate::id::{Boot, Epoch, Name, PublicKey, Sku, Writer};
use crate::refusal::Refusal;
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::time::{BusinessDate, Timestamp};
use crate::view::{Record as _, StreamRow};
use crate::work::Subject;

/// The epochs of nodes that were retired, as far as this node heard of them.
#[derive(Default)]
pub(super) struct Retired {
    epochs: BTreeMap<Epoch, Writer>,
    /// Those of them of which nothing counts but what a retirement names.
    confined: Vec<Writer>,
    /// Epochs that a store said it has left.
    fenced: BTreeMap<Epoch, Writer>,
    /// Whether a store said that it has left the epoch that this one is in.
    own_is_fenced: bool,
    /// The names of retired nodes: an epoch that is heard for the first time may be one of theirs.
    names: BTreeSet<Name>,
    /// Epochs that somebody fenced and that were not heard of: anybody can make one up.
    unheard: BTreeSet<Epoch>,
    /// Whether something was heard that may add to the epochs.
    stale: bool,
}

impl Retired {
    /// Of a row's holders those that nobody goes on with and that hold rights.
    pub(super) fn holders<'a>(&'a self, row: &'a StockRow) -> impl Iterator<Item = (&'a Writer, i64)> {
        let fenced = self.fenced.iter().filter(|(epoch, _)| !self.epochs.contains_key(epoch));
        let held = self.epochs.iter().chain(fenced).map(|(epoch, writer)| (writer, row.rights_of(*epoch)));
        held.filter(|(_, rights)| *rights > 0)
    }

    /// Whether an epoch is one of a node that was retired.
    pub(super) fn has(&self, epoch: Epoch) -> bool {
        self.epochs.contains_key(&epoch)
    }

    /// Whether a node of this name was retired; another may go on under it.
    pub(super) fn is_named(&self, node: &Name) -> bool {
        self.names.contains(node)
    }

    /// Those of which nothing counts but what a retirement names.
    pub(super) fn confined(&self) -> Vec<Writer> {
        self.confined.clone()
    }

    /// Whether a store said that it has left an epoch.
    pub(super) fn is_fenced(&self, epoch: Epoch) -> bool {
        self.fenced.contains_key(&epoch)
    }

    /// Whether somebody said that this store's epoch was left: it ran twice then.
    pub(super) const fn own_is_fenced(&self) -> bool {
        self.own_is_fenced
    }

    /// Whether nobody goes on in an epoch: what it holds waits for the keeper.
    pub(super) fn is_gone(&self, epoch: Epoch) -> bool {
        self.has(epoch) || self.is_fenced(epoch)
    }

    /// Remembers that an epoch was heard for the first time.
    pub(super) fn note_epoch(&mut self, writer: &Writer) {
        self.stale |= self.names.contains(&writer.node) || self.unheard.contains(&writer.epoch);
    }

    /// Remembers that the fleet's nodes are others, or that an epoch was left.
    pub(super) const fn note_change(&mut self) {
        self.stale = true;
    }
}

impl<S: Storage> Engine<S> {
    /// Finds the epochs that retired keys wrote in, and those that were left.
    pub(super) fn load_retired(&mut self) -> Result<(), StorageError> {
        let keys = self.retired_keys();
        let names: BTreeSet<Name> = keys.iter().map(|(_, name)| name.clone()).collect();
        let (mut epochs, mut confined) = (BTreeMap::new(), Vec::new());
        for writer in self.writers_named(&names) {
            let key = self.key_of(&writer)?.filter(|key| keys.contains(&(*key, writer.node.clone())));
            let Some(key) = key.filter(|_| writer != *self.identity.writer()) else { continue };
            if self.fleet.members.standing(&key, &writer.node) != Standing::Retired {
                confined.push(writer.clone());
            }
            epochs.insert(writer.epoch, writer);
        }
        let (mut fenced, unheard) = self.fenced_epochs();
        let own_is_fenced = fenced.remove(&self.identity.writer().epoch).is_some();
        self.retired = Retired { epochs, confined, fenced, own_is_fenced, names, unheard, stale: false };
        Ok(())
    }

    /// The epochs that stores of their own names said to have left, and those that nobody of that name wrote in so far:
    /// a node cannot fence another's.
    fn fenced_epochs(&self) -> (BTreeMap<Epoch, Writer>, BTreeSet<Epoch>) {
        let view = self.committed();
        let writers = view.work.iter().filter_map(|(subject, _)| match subject {
            Subject::Clone { writer } => Some(writer.clone()),
            _ => None,
        });
        let is_heard = |writer: &Writer| writer == self.identity.writer() || view.writers.get(writer).is_some();
        let (heard, unheard): (Vec<_>, Vec<_>) = writers.partition(is_heard);
        let by_epoch = heard.into_iter().map(|writer| (writer.epoch, writer)).collect();
        (by_epoch, unheard.into_iter().map(|writer| writer.epoch).collect())
    }

    fn retired_keys(&self) -> BTreeSet<(PublicKey, Name)> {
        let retired = self.fleet.members.nodes().filter(|(_, member)| member.retired.is_some());
        let names = retired.flat_map(|(key, member)| {
            let certified = member.certificates.iter().map(|certificate| certificate.node.clone());
            certified.chain(member.retired.iter().map(|retired| retired.node.clone())).map(|name| (*key, name))
        });
        names.collect()
    }

    fn writers_named(&self, names: &BTreeSet<Name>) -> Vec<Writer> {
        if names.is_empty() {
            return Vec::new();
        }
        let view = self.committed();
        view.writers.iter().map(|(writer, _)| writer).filter(|writer| names.contains(&writer.node)).cloned().collect()
    }

    /// The key that a writer signs with: what was proved of it, or that of a document of its own.
    fn key_of(&self, writer: &Writer) -> Result<Option<PublicKey>, StorageError> {
        if let Some(key) = self.committed().writers.get(writer).and_then(|row| row.key) {
            return Ok(Some(key));
        }
        let Some(document) = self.document_of(writer) else { return Ok(None) };
        let Some((position, slot)) = self.batches_of(&document)?.first().copied() else { return Ok(None) };
        Ok(Some(history::read_commit(&self.storage, position)?.batch(slot)?.key))
    }

    /// A ledger that a writer opened. Only where nothing that it wrote is understood no day of it is known, and every
    /// document is looked at.
    fn document_of(&self, writer: &Writer) -> Option<DocumentId> {
        let view = self.committed();
        let ledger = |(location, date): (&Name, &BusinessDate)| {
            let (location, writer, date) = (location.clone(), writer.clone(), *date);
            DocumentId::Ledger { location, writer, date }
        };
        let mut ledgers = view.writers.get(writer)?.dates.iter().map(ledger);
        let known = ledgers.find(|ledger| view.documents.get(ledger).is_some());
        known.or_else(|| view.documents.iter().map(|(id, _)| id).find(|id| id.owner() == Some(writer)).cloned())
    }

    /// Takes up what was heard of retired nodes since.
    pub(super) fn tend_retired(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        if !self.retired.stale {
            return;
        }
        match self.load_retired() {
            Ok(()) => {
                // What is not durable yet cannot be looked up: then once more.
                self.retired.stale = !self.staged.is_empty();
                self.load_unsettled();
                if !self.retired.stale {
                    self.say_unnamed(now, rng);
                    // Questions to them are another's to answer.
                    self.look_at_requests();
                }
            }
            Err(error) => self.break_off(&Refusal::Storage(error)),
        }
    }

    /// What retired nodes hold of a SKU, for its keeper to take: none while this node is none itself.
    pub(super) fn held_by_retired(&self, location: &Name, sku: &Sku) -> Vec<(Writer, i64)> {
        if !matches!(self.standing(), Standing::Member | Standing::Open) {
            return Vec::new();
        }
        let held =
            |row: &StockRow| self.retired.holders(row).map(|(writer, rights)| (writer.clone(), rights)).collect();
        self.look::<StockRow, _>(&(location.clone(), sku.clone()), held).unwrap_or_default()
    }

    /// Takes rights from retired nodes.
    pub(super) fn reclaim(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        held: BTreeMap<(Name, Writer), Vec<Line>>,
    ) {
        for ((location, of), lines) in held {
            let seen = self.heard_of(&location, of.epoch);
            for lines in lines.chunks(MAX_LINES) {
                let body = Body::Reclaim(Reclaim { of: of.clone(), lines: lines.to_vec(), seen: seen.clone() });
                self.record_by_itself(now, random_id(rng), &location, body);
            }
        }
    }

    /// How far an epoch was heard at a location; of more boots than an event lists, those that were heard last.
    pub(super) fn heard_of(&self, location: &Name, epoch: Epoch) -> Vec<Seen> {
        let first = (location.clone(), epoch, Boot::from_bytes([0; Boot::LEN]));
        let is_its_own = |(at, of, _): &(Name, Epoch, Boot)| at == location && *of == epoch;
        let staged = StreamRow::staged(&self.staged);
        let view = self.committed();
        let committed = view.streams.range_from(Bound::Included(first.clone())).take_while(|(key, _)| is_its_own(key));
        let committed = committed.filter(|(key, _)| !staged.contains_key(key));
        let all = committed.chain(staged.range(first..).take_while(|(key, _)| is_its_own(key)));
        let mut seen: Vec<_> =
            all.map(|((_, _, boot), row)| (row.latest, Seen { epoch, boot: *boot, through: row.through })).collect();
        seen.sort_by_key(|(latest, _)| std::cmp::Reverse(*latest));
        seen.into_iter().map(|(_, seen)| seen).take(MAX_LINES).collect()
    }

    /// A node that was retired sells what is in its store, and promises nothing any more.
    pub(super) fn check_not_retired(&self) -> Result<(), Refusal> {
        match self.standing() {
            Standing::Retired | Standing::Stolen => Err(Refusal::Retired),
            Standing::Open | Standing::Member | Standing::Unknown => Ok(()),
        }
    }
}
