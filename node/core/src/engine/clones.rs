//! Clones: one epoch that goes on twice, because a disk was copied and both run, or was set back to an earlier day.
//!
//! Nobody but this store writes in its epoch. So a change of it that the store does not know proves that there is, or
//! was, another one. Its events happened, so they count. What must be unique in an epoch, such as receipt numbers and
//! rights, is not any more: the alarm stays in the store, which leaves the epoch for a new one, under the same key.

use minicbor::{CborLen, Decode, Encode};
use rand_core::CryptoRng;

use super::{Engine, OpenError};
use crate::codec;
use crate::document::Change;
use crate::envelope::Batch;
use crate::event::{Body, Fence};
use crate::history;
use crate::id::{Epoch, EventId};
use crate::refusal::Refusal;
use crate::storage::{Read, Storage, StorageError, Table, Write};
use crate::time::Timestamp;
use crate::view::EventRow;

pub(super) const META_CLONES: &[u8] = b"clones";
/// How many alarms are remembered: one a life of the store.
const MAX_ALARMS: usize = 16;

/// Somebody else wrote in an epoch of this store.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct CloneAlarm {
    /// The epoch that goes on twice.
    #[n(0)]
    pub epoch: Epoch,
    /// When the first such change was heard.
    #[n(1)]
    pub heard_at: Timestamp,
    /// How many were heard while the epoch was this store's.
    #[n(2)]
    pub changes: u64,
    /// When the newest event among them was recorded, by the other's clock.
    #[n(3)]
    pub latest: Option<Timestamp>,
    /// When this store left the epoch; none: it has not yet.
    #[n(4)]
    pub fenced_at: Option<Timestamp>,
}

impl<S: Storage> Engine<S> {
    /// What is known of clones of this store, the oldest first. The last one is open while it is not fenced.
    pub fn clone_alarms(&self) -> &[CloneAlarm] {
        &self.clones
    }

    /// Leaves an epoch that goes on twice for a new one, as a start does. It says whether it did. Between two commits
    /// only: what waits for one was made in the old epoch.
    ///
    /// # Errors
    /// When the store fails: the next commit fails then, and goes back to what is durable. When the node's key cannot
    /// be read from it: nothing has changed then, but that the alarm is open until the store can begin again.
    pub fn leave_cloned_epoch(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<bool, OpenError> {
        let leaves = self.runs_twice() && self.batch.is_empty() && self.broken.is_none();
        if leaves {
            self.open_alarm(now);
            self.begin_again(now, rng)?;
        }
        Ok(leaves)
    }

    /// A disk may have kept that this epoch was left, and failed to say so. And another store may have said that it has
    /// left this epoch, which it can only have written in as well: what the epoch may promise is taken from it then.
    fn runs_twice(&self) -> bool {
        let own = self.identity.writer().epoch;
        self.clones.last().is_some_and(|alarm| alarm.fenced_at.is_none() || alarm.epoch == own)
            || self.retired.own_is_fenced()
    }

    /// Whether an epoch is one that this store left because it ran twice.
    pub(super) fn has_left(&self, epoch: Epoch) -> bool {
        self.clones.iter().any(|alarm| alarm.epoch == epoch && alarm.fenced_at.is_some())
    }

    /// Says to everybody which epochs this store has left, once each.
    pub(super) fn tend_fences(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.unsaid_fences)
            && let Err(error) = self.say_fences(now)
        {
            self.break_off(&Refusal::Storage(error));
        }
    }

    fn say_fences(&mut self, now: Timestamp) -> Result<(), StorageError> {
        let location = self.config.location.clone();
        for alarm in self.clones.clone().into_iter().filter(|alarm| alarm.fenced_at.is_some()) {
            let CloneAlarm { epoch, heard_at, changes, latest, .. } = alarm;
            // Both copies may leave the epoch, each for what it heard of the other.
            let of = [epoch.as_bytes().as_slice(), &heard_at.as_millis().to_be_bytes()];
            let id = EventId::hash_of("tillmesh fence", &of);
            if self.row::<EventRow>(&id)?.is_none() {
                self.record_by_itself(now, id, &location, Body::Fence(Fence { epoch, changes, latest }));
            }
        }
        Ok(())
    }

    /// Notes changes that were new to this store and are signed as its own.
    pub(super) fn note_clone(&mut self, now: Timestamp, batch: &Batch, changes: &[Change]) {
        self.open_alarm(now);
        let events = changes.iter().filter_map(|change| history::event_of(&batch.document, change));
        let latest = events.map(|(event, _)| event.recorded_at).max();
        if let Some(alarm) = self.clones.last_mut() {
            alarm.changes += changes.len() as u64;
            alarm.latest = alarm.latest.max(latest);
        }
        self.batch.writes.push(write(&self.clones));
    }

    /// The same for changes whose ancestors are missing: they are counted here only where they are the first sign, for
    /// they come again with their ancestors.
    pub(super) fn note_early_clone(&mut self, now: Timestamp, batch: &Batch, changes: &[Change]) {
        if self.open_alarm(now) {
            self.note_clone(now, batch, changes);
        }
    }

    /// Opens an alarm for the epoch of this store, unless there is one. It says whether it did.
    fn open_alarm(&mut self, now: Timestamp) -> bool {
        let epoch = self.identity.writer().epoch;
        let opens = self.clones.last().is_none_or(|alarm| alarm.epoch != epoch);
        if opens {
            self.clones.push(CloneAlarm { epoch, heard_at: now, changes: 0, latest: None, fenced_at: None });
        }
        opens
    }
}

/// The alarms of a store.
pub(super) fn read(storage: &impl Read) -> Result<Vec<CloneAlarm>, StorageError> {
    match storage.get(Table::Meta, META_CLONES)? {
        Some(bytes) => codec::decode(&bytes).map_err(history::damaged),
        None => Ok(Vec::new()),
    }
}

/// Closes an open alarm, because the store begins a new epoch; none where there is no open one.
pub(super) fn fence(mut alarms: Vec<CloneAlarm>, now: Timestamp) -> Option<Write> {
    let open = alarms.last_mut().filter(|alarm| alarm.fenced_at.is_none())?;
    open.fenced_at = Some(now);
    let excess = alarms.len().saturating_sub(MAX_ALARMS);
    alarms.drain(..excess);
    Some(write(&alarms))
}

fn write(alarms: &Vec<CloneAlarm>) -> Write {
    Write::put(Table::Meta, META_CLONES, codec::encode(alarms))
}
