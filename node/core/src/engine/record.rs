//! Recording an event: one change with one value in this node's own ledger.

use std::collections::BTreeMap;

use super::Engine;
use super::state::Call;
use super::vouchers::moved_as_goods;
use crate::document::{DocumentId, Put, Scope};
use crate::event::{Adjustment, Body, Event, MAX_EVENT, MAX_LINES, MAX_QUANTITY, Origin, Promise, Sale, Transfer};
use crate::history::{EventRef, Requested};
use crate::id::{EventId, Name, Sku};
use crate::money::MAX_AMOUNT;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::time::{BusinessDate, Timestamp};
use crate::view::{BatchKey, BatchRow, DocumentRow, StreamRow};

/// How many values share a nested map: what keeps appending to and merging a ledger cheap (measured, see
/// ARCHITECTURE.md).
const BLOCK: u64 = 64;

/// An event before it has a number and a time.
pub(super) struct Draft {
    pub id: EventId,
    pub body: Body,
    pub occurred_at: Option<Timestamp>,
}

impl<S: Storage> Engine<S> {
    /// Records an event of a client's or channel's request.
    pub(super) fn record(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        draft: Draft,
    ) -> Result<(Event, Origin), Refusal> {
        self.check_event_role(location, &draft.body)?;
        let request = call.request;
        let mut event = Event {
            id: draft.id,
            number: 0,
            recorded_at: call.now,
            occurred_at: draft.occurred_at.or(request.occurred_at),
            body: draft.body,
            channel: request.channel.clone(),
            reference: request.reference.clone(),
            clerk: request.clerk.clone(),
        };
        let date = self.day(call.now, location).date;
        self.prepare(&mut event.body, date)?;
        self.check_location_held("location", location)?;
        self.begin_day(call.now, location, date)?;
        let origin = self.append(call.now, location, date, &mut event)?;
        if request.key.is_some() {
            self.batch.request(Requested { event: event.id, request: request.digest });
            self.update_row::<crate::view::EventRow>(event.id, |row| row.request = Some(request.digest))?;
        }
        Ok((event, origin))
    }

    /// Adds to a body what the node reckons, and checks it.
    pub(super) fn prepare(&self, body: &mut Body, date: BusinessDate) -> Result<(), Refusal> {
        self.tax(body, date);
        check_body(body)?;
        match moved_as_goods(body, self.identity.writer().epoch) {
            Some(it) => Err(Refusal::invalid("lines", it, "a voucher is issued and redeemed, not moved as goods")),
            None => Ok(()),
        }
    }

    /// Records an event that no request asked for.
    pub(super) fn try_record_by_itself(
        &mut self,
        now: Timestamp,
        draft: Draft,
        location: &Name,
    ) -> Result<(Event, Origin), Refusal> {
        self.check_event_role(location, &draft.body)?;
        check_body(&draft.body)?;
        self.check_location_held("location", location)?;
        let date = self.day(now, location).date;
        self.begin_day(now, location, date)?;
        let mut event = Event { occurred_at: draft.occurred_at, ..by_itself(now, draft.id, draft.body) };
        let origin = self.append(now, location, date, &mut event)?;
        Ok((event, origin))
    }

    /// Gives the event its number and time, writes it and folds it.
    pub(super) fn append(
        &mut self,
        now: Timestamp,
        location: &Name,
        date: BusinessDate,
        event: &mut Event,
    ) -> Result<Origin, Refusal> {
        let (writer, boot) = (self.identity.writer().clone(), self.identity.boot());
        let stream = (location.clone(), writer.epoch, boot);
        event.number = self.look::<StreamRow, _>(&stream, |row| row.through).unwrap_or_default();
        event.recorded_at = self.stamp(now);
        let document = DocumentId::Ledger { location: location.clone(), writer: writer.clone(), date };
        let put = Put {
            block: format!("{boot}-{}", event.number / BLOCK),
            key: (event.number % BLOCK).to_string(),
            value: event.to_bytes(),
        };
        let at = self.write(now, &Scope::Stock(location.clone()), &document, &[put])?;
        let origin = Origin { location: location.clone(), writer, boot, date };
        let folded = self.fold(at, event, &origin).and_then(|()| Ok(self.add_up(at, &document, event)?));
        folded.inspect_err(|error| self.break_off(error))?;
        Ok(origin)
    }

    /// Writes values to a document as one change.
    pub(super) fn write(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        document: &DocumentId,
        puts: &[Put],
    ) -> Result<EventRef, Refusal> {
        let position = self.next_position();
        let seconds = now.0.div_euclid(1_000_000);
        let loaded = self.document(document)?;
        let before = loaded.heads();
        let (change, hash) = loaded.put(puts, seconds)?;
        let at = self.batch.push_own(position, scope, document, change);
        self.note_change(scope, document, at, hash, &before)
            .inspect_err(|error| self.break_off(&Refusal::Storage(error.clone())))?;
        Ok(at)
    }

    /// Folds the existence of a change: its document's heads, and where its batch stands.
    pub(super) fn note_change(
        &mut self,
        scope: &Scope,
        document: &DocumentId,
        at: EventRef,
        hash: crate::id::ChangeHash,
        dependencies: &[crate::id::ChangeHash],
    ) -> Result<(), crate::storage::StorageError> {
        let row = self.row::<DocumentRow>(document)?;
        let mut row = row.unwrap_or_else(|| DocumentRow::empty(scope.clone()));
        row.add(hash, dependencies);
        self.put_row(document.clone(), row);
        let batch = BatchKey { document: document.clone(), position: at.position, slot: at.slot };
        self.put_row(batch, BatchRow {});
        Ok(())
    }

    /// After an error in the middle of a change: the batch is half made, so the next commit must go back.
    pub(super) fn break_off(&mut self, error: &Refusal) {
        self.broken.get_or_insert_with(|| crate::storage::StorageError {
            operation: "record".to_owned(),
            reason: error.to_string(),
        });
    }

    /// A time that is later than every one given before: a clock that stands or goes back does not reorder a node's
    /// events.
    fn stamp(&mut self, now: Timestamp) -> Timestamp {
        self.clock = now.max(Timestamp(self.clock.0 + 1));
        self.clock
    }
}

/// An event that nobody's request says more of.
pub(super) const fn by_itself(now: Timestamp, id: EventId, body: Body) -> Event {
    Event { id, number: 0, recorded_at: now, occurred_at: None, body, channel: None, reference: None, clerk: None }
}

/// Checks that what an event with this body says is what every node folds, and that it stays within [`MAX_EVENT`], with
/// room for what surrounds the body.
///
/// # Errors
/// When it does not.
pub(super) fn check_body(body: &Body) -> Result<(), Refusal> {
    const ROOM: usize = 1_024;
    if !body.is_within_limits() {
        let rule = format!("at most {MAX_LINES} lines, each of at most {MAX_QUANTITY} and {MAX_AMOUNT} minor units");
        return Err(Refusal::invalid("the request", "too much for one record", rule));
    }
    if let Some(sku) = beyond_one_line(body) {
        let rule = format!("lines of one SKU have at most {MAX_QUANTITY} in all");
        return Err(Refusal::invalid("lines", sku, rule));
    }
    let bytes = minicbor::len(body);
    if bytes + ROOM <= MAX_EVENT {
        return Ok(());
    }
    let rule = format!("at most {}; split it", MAX_EVENT - ROOM);
    Err(Refusal::invalid("the request", format!("{bytes} bytes as a record"), rule))
}

/// A SKU of which all lines together are more than a line may have: what is given up, handed over, taken back or burnt
/// of it later is one line.
fn beyond_one_line(body: &Body) -> Option<&Sku> {
    let lines: Vec<(&Sku, i64)> = match body {
        Body::Sale(Sale { lines, .. }) | Body::Promise(Promise { lines, .. }) => {
            lines.iter().map(|line| (&line.sku, line.quantity)).collect()
        }
        Body::TransferOut(Transfer { lines, .. }) | Body::Adjustment(Adjustment { lines, .. }) => {
            lines.iter().map(|line| (&line.sku, line.quantity)).collect()
        }
        _ => return None,
    };
    // What all of them together stay below, no SKU of them reaches.
    if lines.iter().fold(0_i64, |sum, (_, quantity)| sum.saturating_add(quantity.saturating_abs())) <= MAX_QUANTITY {
        return None;
    }
    let mut sums = BTreeMap::<&Sku, i64>::new();
    lines.into_iter().find_map(|(sku, quantity)| {
        let sum = sums.entry(sku).or_default();
        *sum += quantity;
        (sum.abs() > MAX_QUANTITY).then_some(sku)
    })
}
