//! What the ledgers of a day say: read from the log, for everybody who asks.
//!
//! A ledger that is closed says itself what it came to; what stands behind its close, and what is not closed yet, is
//! added up here. What another node's ledger brought after this node had closed the day is late: it counts, and is told
//! apart.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::{OpenDay, Tally, close_of};
use crate::document::DocumentId;
use crate::engine::batches_of;
use crate::event::{Body, DayClose, DayTotals, Event};
use crate::history::{self, EventRef};
use crate::id::{EventId, Name, Reference, Sku, Writer};
use crate::storage::{Read, StorageError};
use crate::time::{BusinessDate, Timestamp, Zone};
use crate::view::{self, EventRow, View};

/// Which day is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Where.
    pub location: &'a Name,
    /// The day.
    pub date: BusinessDate,
    /// Whose ledgers; none: everybody's.
    pub node: Option<&'a Name>,
}

/// A day of trade at a location, as far as this node has heard.
#[derive(Debug, Clone)]
pub struct Report {
    /// The ledgers, by writer.
    pub ledgers: Vec<Ledger>,
    /// What all of them add up to.
    pub totals: DayTotals,
    /// How many events of others were heard after this node had closed the day.
    pub late_events: u64,
    /// What these add up to; they are among the totals.
    pub late: DayTotals,
}

/// A ledger of a day.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Who wrote it.
    pub writer: Writer,
    /// How many events it holds, its close among them.
    pub events: u64,
    /// Its end; none: it is open.
    pub close: Option<Closed>,
    /// What it adds up to.
    pub totals: DayTotals,
}

/// The end of a ledger.
#[derive(Debug, Clone)]
pub struct Closed {
    /// The event.
    pub id: EventId,
    /// When it was recorded, by its writer's clock.
    pub at: Timestamp,
    /// Who closed it, opaque.
    pub clerk: Option<Reference>,
    /// What it says.
    pub close: DayClose,
}

/// Reads a day; `own` is this node, whose close decides what is late. Reads every event of the day, and waits for the
/// disk: not for the engine's thread.
///
/// # Errors
/// When the store fails.
pub fn read(view: &RwLock<View>, storage: &impl Read, asked: Asked<'_>, own: &Writer) -> Result<Report, StorageError> {
    let reader = Reader { view, storage, departments: departments(view) };
    let own_ledger = DocumentId::Ledger { location: asked.location.clone(), writer: own.clone(), date: asked.date };
    let closed = reader.counted(close_of(&own_ledger))?;
    let (mut all, mut late, mut late_events) = (Tally::default(), Tally::default(), 0);
    let mut ledgers = Vec::new();
    for (id, writer) in ledgers_of(view, asked) {
        let read = reader.ledger(&id, writer, |at, event| {
            if id != own_ledger && closed.is_some_and(|closed| at > closed) {
                late_events += 1;
                late.add(event);
            }
        })?;
        all.add_totals(&read.totals);
        ledgers.push(read);
    }
    let (first_receipt, last_receipt) = match ledgers.as_slice() {
        [only] => (only.totals.first_receipt, only.totals.last_receipt),
        // Each writer counts its receipts for itself.
        _ => (None, None),
    };
    let totals = DayTotals { first_receipt, last_receipt, ..all.totals(|_| None) };
    Ok(Report { ledgers, totals, late_events, late: late.totals(|sku| reader.department(sku)) })
}

/// The latest day up to one that anybody is known to have traded on, wherever that was: another clock says the same.
pub fn latest(view: &View, until: BusinessDate) -> Option<BusinessDate> {
    let dates = view.writers.iter().flat_map(|(_, row)| row.dates.values().copied());
    dates.filter(|date| *date <= until).max()
}

/// The day of trade that what a node records now belongs to, as readers see it.
pub fn open(view: &View, writer: &Writer, location: &Name, zone: &Zone, now: Timestamp) -> OpenDay {
    OpenDay::decide(view.writers.get(writer), location, zone, now, |until| latest(view, until))
}

fn ledgers_of(view: &RwLock<View>, asked: Asked<'_>) -> Vec<(DocumentId, Writer)> {
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    let meant = |id: &DocumentId| match id {
        DocumentId::Ledger { location, writer, date } => {
            let node = asked.node.is_none_or(|node| writer.node == *node);
            (location == asked.location && *date == asked.date && node).then(|| writer.clone())
        }
        _ => None,
    };
    shown.documents.iter().filter_map(|(id, _)| meant(id).map(|writer| (id.clone(), writer))).collect()
}

fn departments(view: &RwLock<View>) -> BTreeMap<Sku, String> {
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    let named = shown.products.iter().filter_map(|(sku, product)| Some((sku.clone(), product.department.clone()?)));
    named.collect()
}

struct Reader<'a, R> {
    view: &'a RwLock<View>,
    storage: &'a R,
    departments: BTreeMap<Sku, String>,
}

impl<R: Read> Reader<'_, R> {
    fn department(&self, sku: &Sku) -> Option<String> {
        self.departments.get(sku).cloned()
    }

    /// Where the copy of an event stands that counts.
    fn counted(&self, id: EventId) -> Result<Option<EventRef>, StorageError> {
        let shown = self.view.read().unwrap_or_else(PoisonError::into_inner);
        Ok(view::read::<EventRow>(&shown, self.storage, &id)?.and_then(|row| row.counted()))
    }

    fn ledger(
        &self,
        id: &DocumentId,
        writer: Writer,
        mut each: impl FnMut(EventRef, &Event),
    ) -> Result<Ledger, StorageError> {
        let (mut tally, mut events, mut close) = (Tally::default(), 0, None);
        for (position, slot) in batches_of(self.view, self.storage, id)? {
            let batch = history::read_commit(self.storage, position)?.batch(slot)?;
            for (index, bytes) in batch.changes.iter().enumerate() {
                events += 1;
                let at = EventRef { position, slot, index: u16::try_from(index).unwrap_or(u16::MAX) };
                let change = history::read_change(id, bytes)?;
                let Some((event, _)) = history::event_of(id, &change) else { continue };
                if self.counted(event.id)? != Some(at) {
                    continue;
                }
                each(at, &event);
                match event.body {
                    Body::DayClose(said) => {
                        if let Some(totals) = &said.totals {
                            tally = Tally::sealed(totals);
                        }
                        let Event { id, recorded_at: at, clerk, .. } = event;
                        close = Some(Closed { id, at, clerk, close: said });
                    }
                    _ => tally.add(&event),
                }
            }
        }
        Ok(Ledger { writer, events, close, totals: tally.totals(|sku| self.department(sku)) })
    }
}
