//! Folding a location's ledgers up to a cut: onto the newest opening that nothing in them reaches behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::Engine;
use super::super::batch::event_ref;
use super::Outcome;
use crate::document::DocumentId;
use crate::event::{Body, Event, Origin, Redemption, RedemptionReversal};
use crate::history::{self, EventRef, read_change, read_commit};
use crate::id::{ChangeHash, Name, Writer};
use crate::opening::{Folded, Header, Opening, Piece, Previous, StockFold};
use crate::storage::{Storage, StorageError};
use crate::time::BusinessDate;
use crate::view::{EventRow, Position};

/// How many changes a slice reads before it ends: about ten milliseconds.
const CHANGES_A_SLICE: usize = 256;

/// How far each ledger is folded.
pub(super) type Cut = BTreeMap<(Writer, BusinessDate), Vec<ChangeHash>>;

/// What a fold is made for.
pub(super) enum Work {
    /// To write an opening, of which so many pieces are there already.
    Write { written: usize },
    /// To write these pieces, so many with the next commit.
    Put { pieces: VecDeque<Piece>, slice: usize },
    /// To compare it with what somebody wrote.
    Check { heads: Vec<ChangeHash>, claimed: StockFold },
}

/// A fold in progress, and what it is for. What it reads does not change, so commits may come between its slices.
pub(super) struct Job {
    pub opening: DocumentId,
    pub location: Name,
    pub header: Header,
    pub ledgers: Vec<Folded>,
    pub work: Work,
    cut: Cut,
    /// The opening that is folded onto, and what that was folded from.
    base: Option<Previous>,
    base_cut: Cut,
    todo: Vec<(Writer, BusinessDate)>,
    reading: Option<Reading>,
    /// The events between the two, and where what may count instead of them or with them stands elsewhere.
    events: Vec<(Event, Origin)>,
    places: BTreeSet<EventRef>,
    copies: Vec<EventRef>,
    unknown: u64,
}

/// A ledger that is being read.
struct Reading {
    ledger: DocumentId,
    heads: Vec<ChangeHash>,
    base_heads: Vec<ChangeHash>,
    places: VecDeque<(Position, u16)>,
    changes: BTreeMap<ChangeHash, (Vec<ChangeHash>, Option<Heard>)>,
}

/// An event, where it stands, and where what may count instead of it or with it stands.
struct Heard {
    at: EventRef,
    copy: (Event, Origin),
    copies: Vec<EventRef>,
}

/// What a slice came to.
pub(super) enum Step {
    /// There is more to do.
    More,
    /// A ledger is not here as far as the cut says.
    Lacks { ledger: DocumentId },
    /// All is folded; so many events are not, because this node does not know their kind.
    Folded { fold: StockFold, unknown: u64 },
}

impl Job {
    pub(super) fn new(
        opening: DocumentId,
        location: Name,
        header: Header,
        ledgers: Vec<Folded>,
        cut: Cut,
        work: Work,
    ) -> Self {
        Self {
            opening,
            location,
            header,
            ledgers,
            work,
            cut,
            base: None,
            base_cut: Cut::new(),
            todo: Vec::new(),
            reading: None,
            events: Vec::new(),
            places: BTreeSet::new(),
            copies: Vec::new(),
            unknown: 0,
        }
    }
}

impl<S: Storage> Engine<S> {
    /// Makes a job begin on an opening, or, where that does not agree, on the next older one that does.
    pub(super) fn fold_from(&self, job: &mut Job, opening: Option<Previous>) -> Result<(), StorageError> {
        let mut base = opening;
        let mut unknown = 0;
        while let Some(previous) = &base {
            let Some(judged) = self.judged(&previous.document(&job.location))? else {
                base = None;
                break;
            };
            if judged.outcome == Outcome::Agrees && judged.heads == previous.heads {
                unknown = judged.header.unknown;
                break;
            }
            base = judged.header.previous;
        }
        job.base_cut = self.cut_of(&job.location, base.as_ref())?;
        job.base = base;
        job.unknown = unknown;
        job.events.clear();
        job.places.clear();
        job.copies.clear();
        let grown = job.cut.iter().filter(|(ledger, heads)| job.base_cut.get(*ledger) != Some(*heads));
        job.todo = grown.map(|(ledger, _)| ledger.clone()).collect();
        Ok(())
    }

    /// Goes on one opening further back, because something reaches behind the one at hand.
    fn fold_from_before(&self, job: &mut Job) -> Result<(), StorageError> {
        let before = match &job.base {
            Some(base) => self.judged(&base.document(&job.location))?.and_then(|judged| judged.header.previous),
            None => None,
        };
        self.fold_from(job, before)
    }

    /// Does a slice of a fold.
    pub(super) fn fold_slice(&self, job: &mut Job) -> Result<Step, StorageError> {
        let mut reading = match job.reading.take() {
            Some(reading) => reading,
            None => match job.todo.pop() {
                Some(ledger) => self.open_ledger(job, ledger)?,
                None => return self.fold_heard(job),
            },
        };
        self.read_slice(&mut reading)?;
        if !reading.places.is_empty() {
            job.reading = Some(reading);
            return Ok(Step::More);
        }
        let Some(upto) = reading.ancestors(&reading.heads) else {
            return Ok(Step::Lacks { ledger: reading.ledger });
        };
        match reading.ancestors(&reading.base_heads) {
            Some(before) if before.is_subset(&upto) => job.hear(reading, &upto, &before),
            _ => self.fold_from_before(job)?,
        }
        Ok(Step::More)
    }

    fn open_ledger(&self, job: &Job, key: (Writer, BusinessDate)) -> Result<Reading, StorageError> {
        let heads = job.cut.get(&key).cloned().unwrap_or_default();
        let base_heads = job.base_cut.get(&key).cloned().unwrap_or_default();
        let ledger = DocumentId::Ledger { location: job.location.clone(), writer: key.0, date: key.1 };
        let places = self.batches_of(&ledger)?.into();
        Ok(Reading { ledger, heads, base_heads, places, changes: BTreeMap::new() })
    }

    fn read_slice(&self, reading: &mut Reading) -> Result<(), StorageError> {
        let enough = reading.changes.len() + CHANGES_A_SLICE;
        while reading.changes.len() < enough
            && let Some((position, slot)) = reading.places.pop_front()
        {
            let batch = read_commit(&self.storage, position)?.batch(slot)?;
            for (index, bytes) in batch.changes.iter().enumerate() {
                let change = read_change(&reading.ledger, bytes)?;
                let at = event_ref(position, usize::from(slot), index);
                let heard = match history::event_of(&reading.ledger, &change) {
                    Some(copy) => Some(Heard { at, copies: self.copies_of(at, &copy.0)?, copy }),
                    None => None,
                };
                reading.changes.insert(change.hash(), (change.dependencies(), heard));
            }
        }
        Ok(())
    }

    /// Where else copies of an event stand, and those of what counts with it alone.
    fn copies_of(&self, at: EventRef, event: &Event) -> Result<Vec<EventRef>, StorageError> {
        let counterpart = match &event.body {
            Body::Redemption(body) => Some(RedemptionReversal::id_of(body.order)),
            Body::RedemptionReversal(body) => Some(Redemption::id_of(body.order)),
            _ => None,
        };
        let mut found = Vec::new();
        for id in std::iter::once(event.id).chain(counterpart) {
            let Some(EventRow { copies, clashes, repeats, .. }) = self.row::<EventRow>(&id)? else { continue };
            found.extend(copies.into_iter().chain(clashes).chain(repeats).filter(|copy| *copy != at));
        }
        Ok(found)
    }

    fn fold_heard(&self, job: &mut Job) -> Result<Step, StorageError> {
        if !self.has_copies_in_base(job)? {
            let base = match &job.base {
                Some(base) => self.opening_of(&base.document(&job.location))?.fold,
                None => StockFold::default(),
            };
            if let Ok(fold) = base.extend(&job.events) {
                return Ok(Step::Folded { fold, unknown: job.unknown });
            }
        }
        self.fold_from_before(job)?;
        Ok(Step::More)
    }

    /// Whether one of these may be among those that were folded before.
    fn has_copies_in_base(&self, job: &Job) -> Result<bool, StorageError> {
        for copy in job.copies.iter().filter(|copy| !job.places.contains(copy)) {
            if let Some((_, origin)) = self.event(*copy)?
                && origin.location == job.location
                && job.base_cut.contains_key(&(origin.writer, origin.date))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An opening that was found to be whole.
    fn opening_of(&self, id: &DocumentId) -> Result<Opening, StorageError> {
        let opening = self.pieces_of(id)?.and_then(|pieces| Opening::assemble(pieces).ok().flatten());
        opening.ok_or_else(|| history::damaged(format!("{id} is not whole any more")))
    }
}

impl Job {
    /// Takes the events of a ledger that lie between what was folded before and the cut.
    fn hear(&mut self, reading: Reading, upto: &BTreeSet<ChangeHash>, before: &BTreeSet<ChangeHash>) {
        for (hash, (_, heard)) in reading.changes {
            if upto.contains(&hash) && !before.contains(&hash) {
                match heard {
                    Some(Heard { at, copy, copies }) => {
                        self.events.push(copy);
                        self.places.insert(at);
                        self.copies.extend(copies);
                    }
                    None => self.unknown += 1,
                }
            }
        }
    }
}

impl Reading {
    /// These changes and all that they build on; none when something of it was not read.
    fn ancestors(&self, heads: &[ChangeHash]) -> Option<BTreeSet<ChangeHash>> {
        let mut found = BTreeSet::new();
        let mut next: Vec<ChangeHash> = heads.to_vec();
        while let Some(hash) = next.pop() {
            if found.insert(hash) {
                next.extend(&self.changes.get(&hash)?.0);
            }
        }
        Some(found)
    }
}
