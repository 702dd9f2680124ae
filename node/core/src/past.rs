//! As-of questions: what stock, an order or a cart was at an earlier moment, by what is known now, or as this node
//! knew it then.
//!
//! Nothing is kept for them: the answer is folded from the log, from the events that the question admits. So a
//! question about stock reads all that was heard at a location.

use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use crate::cart::CartRow;
use crate::document::DocumentId;
use crate::engine::batches_of;
use crate::event::Event;
use crate::history::{self, EventReader, EventRef};
use crate::id::{CartId, EventId, Name, Sku};
use crate::opening::StockFold;
use crate::order::{self, Order};
use crate::stock::{self, StockRow};
use crate::storage::{Read, StorageError};
use crate::time::Timestamp;
use crate::view::{self, EventRow, JournalChunk, Position, View};

/// A moment to ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The end of a millisecond.
    At(Timestamp),
    /// Right after an event.
    After(EventId),
}

/// Whose knowledge counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Everything that this node has heard by now, as far as it happened no later than the moment.
    Now,
    /// What this node had heard at the moment, whenever that happened. Told by its own clock at each commit: while
    /// that was set back, the order of commits counts.
    Then,
}

/// What a question admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    until: Until,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Happened(Timestamp),
    Heard(EventRef),
}

impl Past {
    /// Finds what a question admits; none when it asks about an event that this node has not heard.
    ///
    /// # Errors
    /// When the store fails.
    pub fn find(
        view: &RwLock<View>,
        storage: &impl Read,
        moment: Moment,
        known: Known,
    ) -> Result<Option<Self>, StorageError> {
        let until = match (moment, known) {
            (Moment::At(time), Known::Now) => Some(Until::Happened(time)),
            (Moment::At(time), Known::Then) => {
                let head = shown(view).head;
                let position = last_commit(storage, head, time)?;
                Some(Until::Heard(EventRef { position, slot: u16::MAX, index: u16::MAX }))
            }
            (Moment::After(id), _) => {
                let row = view::read::<EventRow>(&shown(view), storage, &id)?;
                match (row, known) {
                    (None, _) => None,
                    (Some(row), Known::Then) => first_heard(&row).map(Until::Heard),
                    (Some(row), Known::Now) => match row.counted() {
                        Some(at) => {
                            history::read_event(storage, at)?.map(|(event, _)| Until::Happened(event.occurred()))
                        }
                        None => None,
                    },
                }
            }
        };
        Ok(until.map(|until| Self { until }))
    }

    /// Whether only what this node had heard counts.
    pub const fn is_as_known_then(&self) -> bool {
        matches!(self.until, Until::Heard(_))
    }

    fn admits_place(&self, at: EventRef) -> bool {
        match self.until {
            Until::Heard(last) => at <= last,
            Until::Happened(_) => true,
        }
    }

    fn admits(&self, at: EventRef, event: &Event) -> bool {
        match self.until {
            Until::Heard(last) => at <= last,
            Until::Happened(last) => event.occurred() <= last,
        }
    }

    /// Whether a copy of an event is the one that counted: another one, maybe of another location, may have won.
    fn counts(
        &self,
        view: &RwLock<View>,
        storage: &impl Read,
        id: EventId,
        at: EventRef,
    ) -> Result<bool, StorageError> {
        let row = view::read::<EventRow>(&shown(view), storage, &id)?.unwrap_or_default();
        Ok(row.copies.iter().rfind(|copy| self.admits_place(**copy)) == Some(&at))
    }

    /// The stock of a SKU at a location; none where nothing was heard of it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stock(
        &self,
        view: &RwLock<View>,
        storage: &impl Read,
        location: &Name,
        sku: &Sku,
    ) -> Result<Option<StockRow>, StorageError> {
        let (mut events, mut log) = (Vec::new(), EventReader::default());
        for chunk in chunks(view, location) {
            let row = view::read::<JournalChunk>(&shown(view), storage, &chunk)?;
            for entry in row.unwrap_or_default().entries {
                if !self.admits_place(entry.event) {
                    continue;
                }
                let Some((event, origin)) = log.read(storage, entry.event)? else { continue };
                let steps = stock::steps(&event, origin.writer.epoch);
                let touches = stock::counts(&event, sku) || steps.iter().any(|(moved, _)| *moved == sku);
                if touches && self.admits(entry.event, &event) && self.counts(view, storage, event.id, entry.event)? {
                    events.push((event, origin));
                }
            }
        }
        let fold = StockFold::default().extend(&events);
        let fold = fold.map_err(|error| history::damaged(format!("stock as of a moment: {error}")))?;
        Ok(fold.rows().get(sku).map(|row| row.stock.clone()))
    }

    /// An order; none where it was not made yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn order(&self, view: &RwLock<View>, storage: &impl Read, id: EventId) -> Result<Option<Order>, StorageError> {
        let Some(mut row) = view::read::<EventRow>(&shown(view), storage, &id)? else { return Ok(None) };
        row.copies.retain(|at| self.admits_place(*at));
        row.naming.retain(|at| self.admits_place(*at));
        order::assemble(id, &row, |at| {
            let found = history::read_event(storage, at)?;
            Ok(found.filter(|(event, _)| self.admits(at, event)))
        })
    }

    /// A cart as this node knew it, without what forks of it sold; none where it was not begun yet. Its entries do not
    /// all say when they were made, so only what was heard decides.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cart(&self, view: &RwLock<View>, storage: &impl Read, id: CartId) -> Result<Option<CartRow>, StorageError> {
        let document = DocumentId::Cart { id };
        let mut row = CartRow::default();
        for (position, slot) in batches_of(view, storage, &document)? {
            let batch = history::read_commit(storage, position)?.batch(slot)?;
            for (index, bytes) in (0..).zip(&batch.changes) {
                if self.admits_place(EventRef { position, slot, index }) {
                    let change = history::read_change(&document, bytes)?;
                    change.entries().iter().for_each(|entry| row.apply(entry.block, &entry.key, &entry.value));
                }
            }
        }
        Ok(row.is_begun().then_some(row))
    }
}

fn shown(view: &RwLock<View>) -> std::sync::RwLockReadGuard<'_, View> {
    view.read().unwrap_or_else(PoisonError::into_inner)
}

/// Where this node heard an event first.
fn first_heard(row: &EventRow) -> Option<EventRef> {
    row.copies.iter().chain(&row.clashes).chain(&row.repeats).min().copied()
}

/// The last commit that was made no later than a time; 0 when there is none.
fn last_commit(storage: &impl Read, head: Position, time: Timestamp) -> Result<Position, StorageError> {
    let (mut before, mut after) = (0, head + 1);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if history::read_commit(storage, middle)?.at <= time {
            before = middle;
        } else {
            after = middle;
        }
    }
    Ok(before)
}

fn chunks(view: &RwLock<View>, location: &Name) -> Vec<(Name, u32)> {
    let view = shown(view);
    let chunks = view.journal_spans.range_from(Bound::Included((location.clone(), 0)));
    chunks.map(|(key, _)| key).take_while(|key| key.0 == *location).cloned().collect()
}
