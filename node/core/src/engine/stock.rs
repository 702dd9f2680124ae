//! Commands that move stock without a customer.

use std::collections::BTreeMap;

use super::Engine;
use super::prices::{check_count, check_quantity};
use super::record::Draft;
use super::state::{Call, second_id};
use crate::command::{Command, Outcome};
use crate::event::{
    Adjustment, AdjustmentReason, Body, Burn, Count, CountOf, Line, MAX_QUANTITY, Receipt, Seen, Transfer,
};
use crate::id::{EventId, Name, Sku};
use crate::refusal::{Missing, Refusal};
use crate::stock::StockRow;
use crate::storage::Storage;
use crate::time::Timestamp;
use crate::view::{EventRow, StreamRow, WorkRow};
use crate::work::Subject;

/// How long after its last event a boot is left out of what a count says it has seen, in milliseconds: a week. Its
/// events lie before any count of now by more than clocks can be wrong, so the times decide the same.
const SEEN_FOR_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

impl<S: Storage> Engine<S> {
    pub(super) fn receive_stock(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        lines: &[Line],
    ) -> Result<Outcome, Refusal> {
        check_lines(lines, 1)?;
        let receipt = Receipt { lines: self.with_rights(self.location(location), lines) };
        self.check_not_received(call, self.location(location), &receipt)?;
        self.record_one(call, location, Body::Receipt(receipt))
    }

    /// Goods of one document are booked in once: a delivery note that is sent again under another key is no other
    /// delivery.
    fn check_not_received(&self, call: &Call<'_>, location: &Name, receipt: &Receipt) -> Result<(), Refusal> {
        let Some(reference) = call.request.reference.clone() else { return Ok(()) };
        let subject = Subject::ReceivedTwice { location: location.clone(), reference: reference.clone() };
        for id in self.row::<WorkRow>(&subject)?.map_or_else(Vec::new, |row| row.evidence) {
            let at = self.row::<EventRow>(&id)?.and_then(|row| row.counted());
            let Some((event, origin)) = at.map(|at| self.event(at)).transpose()?.flatten() else { continue };
            let of_it = origin.location == *location && event.reference.as_ref() == Some(&reference);
            if let Body::Receipt(before) = &event.body
                && of_it
                && receipt.repeats(before)
            {
                return Err(Refusal::AlreadyReceived { reference, location: location.clone(), event: id });
            }
        }
        Ok(())
    }

    pub(super) fn count(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        lines: &[Line],
    ) -> Result<Outcome, Refusal> {
        check_lines(lines, 0)?;
        check_distinct(lines)?;
        check_occurred(call)?;
        call.request.occurred_at.map_or(Ok(()), |at| check_counted(call.now, "occurred_at", at))?;
        let seen = match call.request.occurred_at {
            Some(_) => Vec::new(),
            None => self.seen(call.now, self.location(location)),
        };
        self.record_one(call, location, Body::Count(Count { lines: lines.to_vec(), seen, of: CountOf::OnHand }))
    }

    pub(super) fn transfer(
        &mut self,
        call: &mut Call<'_>,
        from: Option<&Name>,
        to: &Name,
        lines: &[Line],
    ) -> Result<Outcome, Refusal> {
        check_lines(lines, 1)?;
        let from = self.location(from).clone();
        if from == *to {
            return Err(Refusal::invalid("to", to, "goods move to another location than they come from"));
        }
        self.check_location_held("from", &from)?;
        self.check_location_held("to", to)?;
        self.check_backed(&from, lines)?;
        self.check_own(call, &from, lines)?;
        let id = call.event_id(&self.config.node);
        let half = |other: &Name, answers| Transfer { other: other.clone(), lines: lines.to_vec(), answers };
        let burned = self.rights_beyond_floor(&from, lines);
        let out = Draft { id, body: Body::TransferOut(half(to, None)), occurred_at: None };
        let sent = self.record(call, &from, out)?;
        self.burn(call, &from, id, burned)?;
        let arrival = Draft { id: second_id(id), body: Body::TransferIn(half(&from, Some(id))), occurred_at: None };
        let arrived = self.record(call, to, arrival).inspect_err(|error| self.break_off(error))?;
        Ok(Outcome::Recorded { events: vec![sent, arrived], repeated: false })
    }

    pub(super) fn adjust(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        lines: &[Line],
        reason: AdjustmentReason,
    ) -> Result<Outcome, Refusal> {
        check_lines(lines, -MAX_QUANTITY)?;
        if let Some(index) = lines.iter().position(|line| line.quantity == 0) {
            let field = format!("lines[{index}].quantity");
            return Err(Refusal::invalid(field, 0, "an adjustment must not be zero"));
        }
        let at = self.location(location).clone();
        let lost: Vec<_> = lines.iter().map(|line| Line { sku: line.sku.clone(), quantity: -line.quantity }).collect();
        let burned = self.rights_beyond_floor(&at, &lost);
        let outcome =
            self.record_one(call, Some(&at), Body::Adjustment(Adjustment { lines: lines.to_vec(), reason }))?;
        if let Outcome::Recorded { events, .. } = &outcome
            && let Some((event, _)) = events.first()
        {
            self.burn(call, &at, event.id, burned)?;
        }
        Ok(outcome)
    }

    /// Rights that went with goods.
    pub(super) fn burn(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        cause: EventId,
        lines: Vec<Line>,
    ) -> Result<(), Refusal> {
        if lines.is_empty() {
            return Ok(());
        }
        let id = EventId::hash_of("tillmesh burn", &[cause.as_bytes()]);
        let draft = Draft { id, body: Body::Burn(Burn { lines, cause: Some(cause) }), occurred_at: None };
        self.try_record_by_itself(call.now, draft, location).inspect_err(|error| self.break_off(error))?;
        Ok(())
    }

    pub(super) fn record_one(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        body: Body,
    ) -> Result<Outcome, Refusal> {
        check_occurred(call)?;
        let location = self.location(location).clone();
        let id = call.event_id(&self.config.node);
        let recorded = self.record(call, &location, Draft { id, body, occurred_at: None })?;
        Ok(Outcome::Recorded { events: vec![recorded], repeated: false })
    }

    /// A planned exit must not take what is not there or promised to somebody: summed per SKU, all lines or none.
    pub(super) fn check_backed(&self, location: &Name, lines: &[Line]) -> Result<(), Refusal> {
        for (sku, (index, wanted)) in sums(lines) {
            let row = self.row::<StockRow>(&(location.clone(), sku.clone()))?.unwrap_or_default();
            if wanted > row.available() {
                return Err(Refusal::Unbacked {
                    field: format!("lines[{index}].quantity"),
                    sku: sku.to_string(),
                    location: location.to_string(),
                    wanted,
                    available: row.available(),
                });
            }
        }
        Ok(())
    }

    /// Checks that goods that are to leave are nobody else's to promise: else their holders are asked.
    pub(super) fn check_own(&mut self, call: &Call<'_>, location: &Name, lines: &[Line]) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for (sku, (index, wanted)) in sums(lines) {
            let floor = self.look::<StockRow, _>(&(location.clone(), sku.clone()), StockRow::floor).unwrap_or_default();
            let available = floor + self.spendable_rights(location, sku)?;
            if wanted > available {
                let field = format!("lines[{index}].quantity");
                missing.push(Missing { field, sku: sku.clone(), wanted: wanted - floor, available: available - floor });
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.not_available(call, location, missing, call.request.until))
    }

    /// What this node has heard of a location's events, the batch included.
    fn seen(&self, now: Timestamp, location: &Name) -> Vec<Seen> {
        let staged = <StreamRow as crate::view::Record>::staged(&self.staged);
        let view = self.committed();
        let committed = view.streams.iter().filter(|(key, _)| !staged.contains_key(key));
        let since = now.plus_millis(-SEEN_FOR_MILLIS);
        committed
            .chain(staged.iter())
            .filter(|((at, _, _), row)| at == location && row.through > 0 && row.latest >= since)
            .map(|((_, epoch, boot), row)| Seen { epoch: *epoch, boot: *boot, through: row.through })
            .collect()
    }
}

/// Checks lines: some, not too many, each quantity in range.
pub(super) fn check_lines(lines: &[Line], least: i64) -> Result<(), Refusal> {
    check_count("lines", lines.len())?;
    lines
        .iter()
        .enumerate()
        .try_for_each(|(index, line)| check_quantity(format!("lines[{index}].quantity"), line.quantity, least))
}

/// The sum of each SKU, with the place of its first line.
fn sums(lines: &[Line]) -> BTreeMap<&Sku, (usize, i64)> {
    let mut sums: BTreeMap<&Sku, (usize, i64)> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        sums.entry(&line.sku).or_insert((index, 0)).1 += line.quantity;
    }
    sums
}

fn check_distinct(lines: &[Line]) -> Result<(), Refusal> {
    let mut seen = std::collections::BTreeSet::new();
    match lines.iter().enumerate().find(|(_, line)| !seen.insert(&line.sku)) {
        Some((index, line)) => {
            Err(Refusal::invalid(format!("lines[{index}].sku"), &line.sku, "a count names each SKU once"))
        }
        None => Ok(()),
    }
}

pub(super) fn check_occurred(call: &Call<'_>) -> Result<(), Refusal> {
    let at = call.request.occurred_at;
    at.map_or(Ok(()), |at| check_time(call.now, time_field(&call.request.command), at))
}

/// Something that happened cannot have happened later than a clock may be wrong: a count from next year would cover
/// every sale until then.
pub(super) fn check_time(now: Timestamp, field: &str, at: Timestamp) -> Result<(), Refusal> {
    const AHEAD_MILLIS: i64 = 24 * 3_600 * 1_000;
    if at > now.plus_millis(AHEAD_MILLIS) || at < Timestamp::MIN {
        return Err(Refusal::invalid(field, at, "it must not lie more than a day ahead, nor before 1970"));
    }
    Ok(())
}

/// A count is added up with everything that happened since, so one may not reach back through all that was ever sold:
/// it says nothing of today's shelves either.
pub(super) fn check_counted(now: Timestamp, field: &str, at: Timestamp) -> Result<(), Refusal> {
    const BACK_DAYS: i64 = 31;
    if at < now.plus_millis(-BACK_DAYS * 24 * 3_600 * 1_000) {
        return Err(Refusal::invalid(field, at, format!("a count must not lie more than {BACK_DAYS} days back")));
    }
    Ok(())
}

/// What the time of a command is called where it is asked for.
const fn time_field(command: &Command) -> &'static str {
    match command {
        Command::Sell { .. } => "sold_at",
        Command::AuthoriseReturn { .. } => "authorised_at",
        Command::TakeBack { .. } => "returned_at",
        Command::Dispose { .. } => "decided_at",
        Command::Fulfil { .. } => "fulfilled_at",
        Command::Deliver { .. } => "delivered_at",
        Command::PayBack { .. } => "refunded_at",
        _ => "occurred_at",
    }
}
