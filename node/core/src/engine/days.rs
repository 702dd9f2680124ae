//! Days of trade: which one is open, how it ends, and money that moves without a sale.

use std::collections::BTreeMap;

use super::Engine;
use super::record::{by_itself, check_body};
use super::state::Call;
use crate::command::Outcome;
use crate::day::{OpenDay, Tally, close_of};
use crate::document::DocumentId;
use crate::event::{Body, CashKind, CashMovement, CloseBefore, DayClose, DayTotals, Event, Origin};
use crate::history::{self, EventRef};
use crate::id::{Name, Reference, Sku};
use crate::money::Money;
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::time::{BusinessDate, Timestamp};
use crate::view::{DocumentRow, EventRow, Record as _, WriterRow};

/// What this node's open ledgers add up to, as far as it wrote all of them in this process and each event counts: so a
/// close need not read a day's ledger on the thread that sells.
#[derive(Default)]
pub(super) struct Running {
    ledgers: BTreeMap<DocumentId, (u64, Tally)>,
}

impl Running {
    /// Something was not written here or does not count: closes read their ledgers.
    pub(super) fn forget(&mut self) {
        self.ledgers.clear();
    }

    /// What a ledger of so many events adds up to; none where that must be read.
    fn of(&self, ledger: &DocumentId, events: u64) -> Option<Tally> {
        let (added, tally) = self.ledgers.get(ledger)?;
        (*added == events).then(|| tally.clone())
    }
}

impl<S: Storage> Engine<S> {
    /// Adds an event that was recorded as the last of this node's ledger.
    pub(super) fn add_up(&mut self, at: EventRef, ledger: &DocumentId, event: &Event) -> Result<(), StorageError> {
        let events = self.look::<DocumentRow, _>(ledger, |row| row.changes).unwrap_or_default();
        let mut running = self.running.ledgers.remove(ledger).unwrap_or_default();
        let counts = self.row::<EventRow>(&event.id)?.is_some_and(|row| row.counted() == Some(at));
        if running.0 + 1 == events && counts && !matches!(event.body, Body::DayClose(_)) {
            running.0 = events;
            running.1.add(event);
            self.running.ledgers.insert(ledger.clone(), running);
        }
        Ok(())
    }

    /// The day of trade that an event of now belongs to.
    pub(super) fn day(&self, now: Timestamp, location: &Name) -> OpenDay {
        let (writer, view) = (self.identity.writer(), self.committed());
        let row = WriterRow::staged(&self.staged).get(writer).or_else(|| view.writers.get(writer));
        OpenDay::decide(row, location, &self.config.zone, now, |until| crate::day::latest(&view, until))
    }

    /// Closes the ledger of the day before where a new day begins.
    pub(super) fn begin_day(&mut self, now: Timestamp, location: &Name, date: BusinessDate) -> Result<(), Refusal> {
        let last = self.look::<WriterRow, _>(self.identity.writer(), |row| row.dates.get(location).copied()).flatten();
        let Some(last) = last.filter(|last| *last < date) else { return Ok(()) };
        let ledger = self.ledger(location, last);
        if self.row::<DocumentRow>(&ledger)?.is_none() || self.closed(&ledger)?.is_some() {
            return Ok(());
        }
        let totals = self.day_totals(&ledger)?;
        let close = self.close_body(location, last, totals, DayClose { automatic: true, ..DayClose::default() })?;
        let mut event = by_itself(now, close_of(&ledger), close);
        self.append(now, location, last, &mut event)?;
        Ok(())
    }

    /// Ends the open day of this node's ledger at its own location. Asked again, the answer is the same.
    pub(super) fn close_day(
        &mut self,
        call: &mut Call<'_>,
        date: BusinessDate,
        counted: Option<Money>,
        next: Option<BusinessDate>,
    ) -> Result<Outcome, Refusal> {
        let location = self.config.location.clone();
        let ledger = self.ledger(&location, date);
        let (recorded, repeated) = match self.closed(&ledger)? {
            Some(at) => {
                let recorded = self.event(at)?;
                recorded.iter().try_for_each(|(event, _)| check_said_the_same(date, event, counted, next))?;
                (recorded, true)
            }
            None => {
                self.check_may_close(call.now, &location, date, next)?;
                let close = DayClose { counted, next, ..DayClose::default() };
                (Some(self.end_day(call, &location, date, close)?), false)
            }
        };
        let events: Vec<_> = recorded.into_iter().collect();
        self.remember_events(call.request, &events);
        Ok(Outcome::Recorded { events, repeated })
    }

    fn end_day(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        date: BusinessDate,
        close: DayClose,
    ) -> Result<(Event, Origin), Refusal> {
        let totals = self.day_totals(&self.ledger(location, date))?;
        if let Some(counted) = close.counted {
            check_amount("counted", counted, 0)?;
            check_currency(counted, &totals)?;
        }
        self.check_event_role(location, &Body::DayClose(DayClose::default()))?;
        self.check_location_held("location", location)?;
        let id = close_of(&self.ledger(location, date));
        self.begin_day(call.now, location, date)?;
        let close = self.close_body(location, date, totals, close).inspect_err(|error| self.break_off(error))?;
        let request = call.request;
        let mut event = Event {
            reference: request.reference.clone(),
            clerk: request.clerk.clone(),
            ..by_itself(call.now, id, close)
        };
        let origin = self.append(call.now, location, date, &mut event)?;
        Ok((event, origin))
    }

    /// A day is closed that is open, and that has begun by the clock or by what was recorded on it.
    fn check_may_close(
        &self,
        now: Timestamp,
        location: &Name,
        date: BusinessDate,
        next: Option<BusinessDate>,
    ) -> Result<(), Refusal> {
        let (open, today) = (self.day(now, location).date, self.config.zone.business_date(now));
        if date != open {
            return Err(Refusal::DayNotOpen { date, open });
        }
        if date > today && self.row::<DocumentRow>(&self.ledger(location, date))?.is_none() {
            return Err(Refusal::DayNotOpen { date, open });
        }
        let latest = date.max(today).next();
        match next {
            Some(next) if next <= date || next > latest => {
                Err(Refusal::invalid("next", next, format!("it must lie after {date} and not after {latest}")))
            }
            _ => Ok(()),
        }
    }

    /// Records money that moved into or out of the drawer without a sale.
    pub(super) fn move_cash(
        &mut self,
        call: &mut Call<'_>,
        kind: CashKind,
        amount: Money,
        reason: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        check_amount("amount", amount, 1)?;
        let body = Body::CashMovement(CashMovement { kind, amount, reason: reason.cloned() });
        self.record_one(call, None, body)
    }

    fn ledger(&self, location: &Name, date: BusinessDate) -> DocumentId {
        DocumentId::Ledger { location: location.clone(), writer: self.identity.writer().clone(), date }
    }

    fn closed(&self, ledger: &DocumentId) -> Result<Option<EventRef>, StorageError> {
        Ok(self.row::<EventRow>(&close_of(ledger))?.and_then(|row| row.counted()))
    }

    /// How many events a ledger holds.
    fn events_of(&self, ledger: &DocumentId) -> Result<u64, StorageError> {
        Ok(self.row::<DocumentRow>(ledger)?.map_or(0, |row| row.changes))
    }

    /// What a ledger of this node adds up to.
    fn day_totals(&self, ledger: &DocumentId) -> Result<DayTotals, StorageError> {
        let Some(tally) = self.running.of(ledger, self.events_of(ledger)?) else { return self.totals_of(ledger) };
        let totals = tally.totals(|sku| self.department(sku));
        debug_assert_eq!(totals, self.totals_of(ledger)?, "what was added up is what the ledger says");
        Ok(totals)
    }

    /// A close with what the ledger adds up to; without details that are too much for one record: a day must end.
    fn close_body(
        &self,
        location: &Name,
        date: BusinessDate,
        totals: DayTotals,
        close: DayClose,
    ) -> Result<Body, Refusal> {
        let events = self.events_of(&self.ledger(location, date))?;
        let before = self.close_before(location)?;
        let mut plain = totals.clone();
        plain.money.iter_mut().for_each(|money| money.departments.clear());
        let with = |totals| Body::DayClose(DayClose { events, totals, before: before.clone(), ..close.clone() });
        let fits = [Some(totals), Some(plain)].into_iter().map(with).find(|body| check_body(body).is_ok());
        Ok(fits.unwrap_or_else(|| with(None)))
    }

    fn close_before(&self, location: &Name) -> Result<Option<CloseBefore>, StorageError> {
        let row = self.row::<WriterRow>(self.identity.writer())?;
        let Some(date) = row.and_then(|row| row.closed.get(location).copied()) else { return Ok(None) };
        let ledger = self.ledger(location, date);
        let heads = self.row::<DocumentRow>(&ledger)?.map(|row| row.heads).unwrap_or_default();
        Ok(Some(CloseBefore { date, close: close_of(&ledger), heads }))
    }

    /// Adds up this node's ledger, with what the commit at hand adds to it.
    fn totals_of(&self, ledger: &DocumentId) -> Result<DayTotals, StorageError> {
        let mut tally = Tally::default();
        for (position, slot) in self.batches_of(ledger)? {
            let batch = history::read_commit(&self.storage, position)?.batch(slot)?;
            for (index, bytes) in batch.changes.iter().enumerate() {
                let here = |at: EventRef| (at.position, at.slot, usize::from(at.index)) == (position, slot, index);
                self.add_to(&mut tally, ledger, bytes, here)?;
            }
        }
        let next = self.next_position();
        for bytes in self.batch.changes_of(ledger) {
            self.add_to(&mut tally, ledger, bytes, |at| at.position == next)?;
        }
        Ok(tally.totals(|sku| self.department(sku)))
    }

    /// Adds the event of a change, where this copy of it is the one that counts.
    fn add_to(
        &self,
        tally: &mut Tally,
        ledger: &DocumentId,
        bytes: &[u8],
        here: impl Fn(EventRef) -> bool,
    ) -> Result<(), StorageError> {
        let change = history::read_change(ledger, bytes)?;
        let Some((event, _)) = history::event_of(ledger, &change) else { return Ok(()) };
        if self.row::<EventRow>(&event.id)?.and_then(|row| row.counted()).is_some_and(here) {
            tally.add(&event);
        }
        Ok(())
    }

    fn department(&self, sku: &Sku) -> Option<String> {
        self.look::<crate::catalog::Product, _>(sku, |product| product.department.clone()).flatten()
    }
}

/// Checks that a close that is asked for again is the one that there is; who says nothing new asks for that.
fn check_said_the_same(
    date: BusinessDate,
    event: &Event,
    counted: Option<Money>,
    next: Option<BusinessDate>,
) -> Result<(), Refusal> {
    let Body::DayClose(close) = &event.body else { return Ok(()) };
    if counted.is_none_or(|_| counted == close.counted) && next.is_none_or(|_| next == close.next) {
        return Ok(());
    }
    Err(Refusal::DayClosed { date, close: event.id, counted: close.counted, next: close.next })
}

/// Checks that what was counted is money that the day had, unless it had none.
fn check_currency(counted: Money, totals: &DayTotals) -> Result<(), Refusal> {
    let known: Vec<String> = totals.money.iter().map(|money| money.currency.to_string()).collect();
    let value = counted.currency.to_string();
    if known.is_empty() || known.contains(&value) {
        return Ok(());
    }
    Err(Refusal::Currency { field: "counted.currency".to_owned(), value, expected: known.join(" or ") })
}

fn check_amount(field: &str, amount: Money, least: i64) -> Result<(), Refusal> {
    if amount.amount < least {
        let rule = format!("it must be at least {least}");
        return Err(Refusal::invalid(format!("{field}.amount"), amount.amount, rule));
    }
    amount.checked().map(|_| ()).map_err(|error| Refusal::invalid(field, amount.amount, error.to_string()))
}
