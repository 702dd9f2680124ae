//! Folding events into projections. Every row is a function of the set of events, so the order in which they are heard
//! does not matter; what comes twice counts once.

use std::collections::BTreeSet;
use std::ops::Bound;

use minicbor::bytes::ByteVec;

use super::Engine;
use crate::event::{Body, Count, CountOf, Event, Origin};
use crate::history::{EventReader, EventRef};
use crate::id::{EventId, Name, Sku, Writer};
use crate::refusal::Refusal;
use crate::stock::{self, Movement, Since, Step, StockRow};
use crate::storage::{Storage, StorageError};
use crate::sync::word::{self, ToBeKnown};
use crate::time::Timestamp;
use crate::view::{CountRow, EventRow, JournalChunk, JournalEntry, JournalSpan, Record as _, StreamRow, WriterRow};

impl<S: Storage> Engine<S> {
    /// Folds an event that was heard, or recorded here, at a place in the log.
    ///
    /// Of several copies under one id the least counts, by content, then by time, then by who wrote it: the same one at
    /// every node, whichever was heard first.
    pub(super) fn fold(&mut self, at: EventRef, event: &Event, origin: &Origin) -> Result<(), Refusal> {
        self.hear(event, origin)?;
        let content = stock::content_of(event, origin);
        let mut row = self.row::<EventRow>(&event.id)?.unwrap_or_default();
        let earlier = match row.copies.iter().position(|copy| *copy == at) {
            Some(0) => None,
            Some(place) => Some(row.copies[place - 1]),
            None => match row.counted() {
                Some(counted) if !self.displaces(event, origin, content, counted, row.content)? => {
                    if row.content != content {
                        self.note_skus(event, origin)?;
                        self.note_clash(event.id)?;
                    }
                    self.note_beyond_close(origin)?;
                    let lost = if row.content == content { &mut row.repeats } else { &mut row.clashes };
                    if !lost.contains(&at) {
                        lost.push(at);
                        self.put_row(event.id, row);
                    }
                    return Ok(());
                }
                counted => counted,
            },
        };
        if !row.copies.contains(&at) {
            row.copies.push(at);
            row.content = content;
        }
        self.put_row(event.id, row);
        if let Some(earlier) = earlier {
            self.undo(earlier, at)?;
            self.running.forget();
            // A message that was taken at two nodes says the same twice.
            if self.event(earlier)?.is_some_and(|(other, origin)| stock::content_of(&other, &origin) != content) {
                self.note_clash(event.id)?;
            }
        }
        self.count_in(at, event, origin)
    }

    /// Whether a copy counts instead of the one that counts now.
    fn displaces(
        &self,
        event: &Event,
        origin: &Origin,
        content: [u8; 8],
        counted: EventRef,
        counted_content: [u8; 8],
    ) -> Result<bool, StorageError> {
        if content != counted_content {
            return Ok(content < counted_content);
        }
        let Some((other, other_origin)) = self.event(counted)? else { return Ok(true) };
        Ok(stock::rank(event, origin) < stock::rank(&other, &other_origin))
    }

    /// Makes a row for each SKU that a copy names though the copy does not count: where it was heard first it left one.
    fn note_skus(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let counted = if let Body::Count(count) = &event.body { count.lines.as_slice() } else { &[] };
        let moved = stock::steps(event, origin.writer.epoch).into_iter().map(|(sku, _)| sku);
        for sku in counted.iter().map(|line| &line.sku).chain(moved) {
            self.update_row::<StockRow>((origin.location.clone(), sku.clone()), |_| {})?;
        }
        self.note_voucher(event, origin)
    }

    /// Folds an event's effects.
    fn count_in(&mut self, at: EventRef, event: &Event, origin: &Origin) -> Result<(), Refusal> {
        for named in event.body.named() {
            self.update_row::<EventRow>(named, |row| {
                // By their places: events of one commit that stand in several documents are replayed in that order.
                if let Err(place) = row.naming.binary_search(&at) {
                    row.naming.insert(place, at);
                }
            })?;
        }
        if let Body::Count(count) = &event.body {
            self.fold_count(at, event, origin, count)?;
        }
        if let Body::Grant(grant) = &event.body {
            self.note_grant(&origin.location, origin.writer.epoch, grant);
        }
        if let Body::RefundGrant(grant) = &event.body {
            self.note_refund_grant(origin.writer.epoch, grant);
        }
        self.note_cancelling(event, origin)?;
        self.note_settled(event);
        self.note_in_journal(at, event, origin)?;
        self.note_work(event, origin)?;
        self.note_put_back(event)?;
        self.note_ledger(event, origin)?;
        self.fold_voucher(event, origin)?;
        self.move_stock(at, event, origin, false)?;
        Ok(())
    }

    /// Takes back a copy that another one, which stands at `at`, displaced.
    fn undo(&mut self, copy: EventRef, at: EventRef) -> Result<(), Refusal> {
        let Some((event, origin)) = self.event(copy)? else { return Ok(()) };
        for named in event.body.named() {
            self.update_row::<EventRow>(named, |row| row.naming.retain(|naming| *naming != copy))?;
        }
        self.move_stock(at, &event, &origin, true)?;
        self.note_put_back(&event)?;
        self.undo_voucher(&event, &origin)?;
        if let Body::Count(count) = &event.body {
            self.undo_count(at, event.id, &origin, count)?;
        }
        Ok(())
    }

    /// Takes back a count: the latest of the location's other counts that were heard before `at` holds again, with
    /// everything else that was heard before it.
    fn undo_count(&mut self, at: EventRef, id: EventId, origin: &Origin, count: &Count) -> Result<(), Refusal> {
        let mut touched = BTreeSet::new();
        for line in &count.lines {
            let key = (origin.location.clone(), line.sku.clone());
            let mut row = self.row::<StockRow>(&key)?.unwrap_or_default();
            if row.counted.is_some_and(|counted| counted.event == id) {
                touched.insert(line.sku.clone());
                row.forget_count();
                self.put_row(key, row);
            }
        }
        for other in self.counts_but(id) {
            let Some(place) = self.counted_before(other, at)? else { continue };
            let Some((event, other_origin)) = self.event(place)? else { continue };
            if let Body::Count(other) = &event.body
                && other_origin.location == origin.location
            {
                let lines = other.lines.iter().filter(|line| touched.contains(&line.sku)).cloned().collect();
                let part = Count { lines, seen: other.seen.clone(), of: other.of };
                self.fold_count(at, &event, &other_origin, &part)?;
            }
        }
        Ok(())
    }

    /// The copy of an event that counts at this point of the log. A replay may find rows that are ahead of it.
    pub(super) fn counted_before(&self, id: EventId, at: EventRef) -> Result<Option<EventRef>, StorageError> {
        let Some(row) = self.row::<EventRow>(&id)? else { return Ok(None) };
        Ok(row.copies.iter().rfind(|copy| !self.replaying || **copy < at).copied())
    }

    fn counts_but(&self, id: EventId) -> BTreeSet<EventId> {
        let view = self.committed();
        let committed = view.counts.iter();
        committed.chain(CountRow::staged(&self.staged)).map(|(count, _)| *count).filter(|count| *count != id).collect()
    }

    pub(super) fn fold_step(
        &mut self,
        event: &Event,
        origin: &Origin,
        sku: &Sku,
        step: Step,
    ) -> Result<(), StorageError> {
        let key = (origin.location.clone(), sku.clone());
        let mut row = self.row::<StockRow>(&key)?.unwrap_or_default();
        let covered = match row.counted {
            Some(counted) => self.is_covered(counted.event, event, origin)?,
            None => false,
        };
        row.apply(step, covered);
        self.note_rights_of(&key, &row);
        self.put_row(key, row);
        Ok(())
    }

    fn is_covered(&self, count: EventId, event: &Event, origin: &Origin) -> Result<bool, StorageError> {
        let Some(row) = self.row::<CountRow>(&count)? else { return Ok(false) };
        let seen = Count { lines: Vec::new(), seen: row.seen, of: CountOf::default() };
        Ok(stock::covers(&seen, row.at, event, origin))
    }

    fn fold_count(&mut self, at: EventRef, event: &Event, origin: &Origin, count: &Count) -> Result<(), Refusal> {
        let counted_at = event.occurred();
        self.put_row(event.id, CountRow { seen: count.seen.clone(), at: counted_at });
        let uncovered = self.uncovered(at, origin, count, counted_at)?;
        for line in &count.lines {
            let since = uncovered.iter().filter(|(sku, _)| *sku == line.sku).map(|(_, movement)| *movement);
            let (since, counted) = (Since::of(since), (count.of, line.quantity));
            let key = (origin.location.clone(), line.sku.clone());
            self.update_row::<StockRow>(key.clone(), |row| row.count(event.id, counted_at, counted, since))?;
            self.note_rights(&key)?;
        }
        Ok(())
    }

    /// What the events heard so far that a count does not cover did to the goods.
    fn uncovered(
        &self,
        at: EventRef,
        origin: &Origin,
        count: &Count,
        counted_at: Timestamp,
    ) -> Result<Vec<(Sku, Movement)>, Refusal> {
        let (mut changes, mut log) = (Vec::new(), EventReader::default());
        for entry in self.journal_after(&origin.location, counted_at)? {
            let heard = count
                .seen
                .iter()
                .any(|seen| (seen.epoch, seen.boot) == (entry.epoch, entry.boot) && entry.number < seen.through);
            if heard || entry.occurred <= counted_at || (self.replaying && entry.event >= at) {
                continue;
            }
            let found = if entry.event.position == self.next_position() {
                self.event(entry.event)?
            } else {
                log.read(&self.storage, entry.event)?
            };
            let Some((event, origin)) = found else { continue };
            if self.counted_before(event.id, at)? == Some(entry.event) {
                let steps = stock::steps(&event, origin.writer.epoch);
                changes.extend(steps.iter().map(|(sku, step)| ((*sku).clone(), step.movement)));
            }
        }
        Ok(changes)
    }

    /// The entries of a location's journal in the chunks that reach beyond a time.
    fn journal_after(&self, location: &Name, time: Timestamp) -> Result<Vec<JournalEntry>, StorageError> {
        let mut entries = Vec::new();
        for key in self.chunks_after(location, time) {
            entries.extend(self.row::<JournalChunk>(&key)?.unwrap_or_default().entries);
        }
        Ok(entries)
    }

    fn chunks_after(&self, location: &Name, time: Timestamp) -> BTreeSet<(Name, u32)> {
        let first = Bound::Included((location.clone(), 0));
        let view = self.committed();
        let committed = view.journal_spans.range_from(first);
        let staged = JournalSpan::staged(&self.staged).iter();
        committed
            .take_while(|(key, _)| key.0 == *location)
            .chain(staged.filter(|(key, _)| key.0 == *location))
            .filter(|(_, span)| span.latest > time)
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn note_in_journal(&mut self, at: EventRef, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let chunk = JournalChunk::of(at.position);
        let entry = JournalEntry {
            event: at,
            epoch: origin.writer.epoch,
            boot: origin.boot,
            number: event.number,
            occurred: event.occurred(),
        };
        let replaying = self.replaying;
        self.update_row::<JournalChunk>((origin.location.clone(), chunk), |row| {
            if !replaying || !row.entries.contains(&entry) {
                row.entries.push(entry);
            }
        })?;
        self.update_row::<JournalSpan>((origin.location.clone(), chunk), |row| {
            row.latest = row.latest.max(entry.occurred);
        })
    }

    /// What every copy of an event tells about its writer, whether it counts or not.
    fn hear(&mut self, event: &Event, origin: &Origin) -> Result<(), StorageError> {
        let stream = (origin.location.clone(), origin.writer.epoch, origin.boot);
        self.update_row::<StreamRow>(stream, |row| row.hear(event.number, event.recorded_at))?;
        let mut is_first = false;
        self.update_row::<WriterRow>(origin.writer.clone(), |row| {
            is_first = row.events == 0;
            if let Body::Sale(sale) = &event.body {
                row.receipt = row.receipt.max(sale.receipt);
            }
            if let Body::DayClose(close) = &event.body {
                row.close(&origin.location, origin.date, close.next);
            }
            if event.body.handles_goods() {
                row.handle(&origin.location, event.recorded_at);
            }
            if matches!(event.body, Body::Mint(_) | Body::Reclaim(_)) {
                row.kept.insert(origin.location.clone());
            }
            let date = row.dates.entry(origin.location.clone()).or_insert(origin.date);
            *date = origin.date.max(*date);
            row.latest = row.latest.max(event.recorded_at);
            row.events += 1;
        })?;
        if is_first {
            self.retired.note_epoch(&origin.writer);
        }
        match &event.body {
            Body::Grant(grant) => self.hear_of(&grant.to, grant.proof.as_ref()),
            Body::RefundGrant(grant) => self.hear_of(&grant.to, grant.proof.as_ref()),
            _ => Ok(()),
        }
    }

    /// Who was given rights is known from then on, by its own word.
    fn hear_of(&mut self, to: &Writer, proof: Option<&ByteVec>) -> Result<(), StorageError> {
        let opened = proof.and_then(|bytes| word::open::<ToBeKnown>(&self.config.fleet, bytes));
        let Some((_, _, key)) = opened.filter(|(_, writer, _)| writer == to) else { return Ok(()) };
        let mut is_first = false;
        self.update_row::<WriterRow>(to.clone(), |row| is_first = row.key.replace(key).is_none())?;
        if is_first {
            self.retired.note_epoch(to);
        }
        Ok(())
    }
}
