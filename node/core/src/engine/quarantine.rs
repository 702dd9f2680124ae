//! Authors whose changes Automerge failed on: nothing of theirs is given to it for a while, longer each time.
//!
//! Time is the way back: what was refused meanwhile comes again by repair. So is a start, since nothing of this is
//! stored. What an author made before stays, and others are not concerned. An author is a key: who has one makes as
//! many epochs of it as it likes.

use std::collections::BTreeMap;

use super::Engine;
use super::ingest::{Refused, RefusedKind, refuse};
use crate::envelope::Batch;
use crate::id::PublicKey;
use crate::storage::Storage;
use crate::time::Timestamp;

/// How long the first quarantine of an author lasts.
const FIRST_MILLIS: i64 = 60_000;
/// How often that doubles: up to about a day.
const MOST_DOUBLINGS: u32 = 10;
/// How many authors are remembered; of more, those whose quarantine ends first are let go.
const MAX_AUTHORS: usize = 256;

/// The authors in quarantine, and those that were until lately.
#[derive(Default)]
pub(super) struct Quarantine {
    authors: BTreeMap<PublicKey, Shut>,
}

struct Shut {
    until: Timestamp,
    times: u32,
}

impl Shut {
    const fn millis(&self) -> i64 {
        let doublings = if self.times > MOST_DOUBLINGS { MOST_DOUBLINGS } else { self.times };
        FIRST_MILLIS << doublings
    }
}

impl Quarantine {
    /// Shuts an author out, for twice as long as the last time unless that is long ago.
    fn shut(&mut self, now: Timestamp, author: PublicKey) {
        self.authors.retain(|_, shut| shut.until.plus_millis(shut.millis()) > now);
        let times = self.authors.get(&author).map_or(0, |shut| shut.times.saturating_add(1));
        if self.authors.len() >= MAX_AUTHORS && !self.authors.contains_key(&author) {
            let first = self.authors.iter().min_by_key(|(_, shut)| shut.until).map(|(author, _)| *author);
            first.and_then(|author| self.authors.remove(&author));
        }
        let mut shut = Shut { until: now, times };
        shut.until = now.plus_millis(shut.millis());
        self.authors.insert(author, shut);
    }

    /// Until when an author is shut out. A clock that went back must not make that longer.
    fn until(&self, now: Timestamp, author: PublicKey) -> Option<Timestamp> {
        let shut = self.authors.get(&author)?;
        let until = shut.until.min(now.plus_millis(shut.millis()));
        (until > now).then_some(until)
    }
}

impl<S: Storage> Engine<S> {
    /// Whether a batch may be given to Automerge, as far as its author's past goes.
    pub(super) fn check_quarantine(&self, now: Timestamp, batch: &Batch) -> Result<(), Refused> {
        match self.quarantine.until(now, batch.key) {
            Some(until) => {
                let reason =
                    format!("Automerge failed on a change of its author, of whom nothing is taken until {until}");
                Err(refuse(RefusedKind::Quarantined, &reason, Some(&batch.writer)))
            }
            None => Ok(()),
        }
    }

    /// Automerge failed on a batch: the document is made anew from stored changes, and its author has to wait.
    pub(super) fn note_failure(&mut self, now: Timestamp, batch: &Batch) {
        self.documents.forget(&batch.document);
        self.quarantine.shut(now, batch.key);
    }
}
