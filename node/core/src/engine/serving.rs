//! Serving promises: how far their goods have come, how they leave, that they arrive.

use std::collections::BTreeMap;

use super::Engine;
use super::orders::{check_left, lines_left, open_lines};
use super::record::Draft;
use super::state::{Call, second_id};
use super::stock::check_lines;
use crate::command::Outcome;
use crate::event::{Body, Delivery, Event, Fulfilment, Handover, Line, Progress, Stage, StagedLine, Transfer};
use crate::id::{EventId, Name, Reference, Sku};
use crate::order::{Order, Quantities};
use crate::refusal::Refusal;
use crate::storage::Storage;

/// What is asked of goods that leave.
pub(super) struct Leaving<'a> {
    pub order: EventId,
    pub from: Option<&'a Name>,
    pub lines: &'a [Line],
    pub parcel: Option<&'a Reference>,
    pub handover: Option<Handover>,
}

impl<S: Storage> Engine<S> {
    /// Brings goods of a promise to a stage.
    pub(super) fn progress(
        &mut self,
        call: &mut Call<'_>,
        id: EventId,
        stage: Stage,
        from: Option<Stage>,
        lines: &[Line],
    ) -> Result<Outcome, Refusal> {
        let order = self.order(id)?;
        check_room(&order)?;
        let sources = sources(stage, from)?;
        let all = order.quantities();
        let is_put_back = stage == Stage::Placed;
        let given_up = |of: &Quantities| match is_put_back {
            true => sources.iter().map(|stage| of.given_up_at(*stage)).sum::<i64>(),
            false => 0,
        };
        let any_given_up = all.values().any(|of| given_up(of) > 0);
        if open_lines(&order).is_empty() && !any_given_up {
            return Err(Refusal::PromiseOver { promise: id, status: order.status() });
        }
        let left = |of: &Quantities| sources.iter().map(|stage| of.at(*stage)).sum::<i64>() + given_up(of);
        let lines = match lines {
            // What is still wanted stays where it is, unless it is named.
            [] if any_given_up => lines_of(all.iter().map(|(sku, of)| (sku, given_up(of)))),
            [] => lines_of(all.iter().map(|(sku, of)| (sku, left(of)))),
            lines => lines.to_vec(),
        };
        if lines.is_empty() {
            let rule = format!("nothing of order {id} is left to {}", verb(stage));
            return Err(Refusal::invalid("lines", "empty", rule));
        }
        check_lines(&lines, 1)?;
        let wanted = lines.iter().map(|line| (&line.sku, line.quantity));
        check_left(&order, wanted, verb(stage), |_, sku| all.get(sku).map_or(0, left))?;
        let take = if is_put_back { Quantities::take_back } else { Quantities::take };
        let lines = taken(&all, &lines, |of, quantity| take(of, quantity, &sources));
        let body = Body::Progress(Progress { promise: id, stage, lines });
        self.record_one(call, Some(&order.origin.location), body)
    }

    /// Lets goods leave for a promise.
    pub(super) fn fulfil(&mut self, call: &mut Call<'_>, leaving: &Leaving<'_>) -> Result<Outcome, Refusal> {
        let order = self.order(leaving.order)?;
        let lines = if leaving.lines.is_empty() { lines_to_leave(&order) } else { leaving.lines.to_vec() };
        if lines.is_empty() {
            return Err(Refusal::PromiseOver { promise: order.id, status: order.status() });
        }
        check_lines(&lines, 1)?;
        check_left(&order, lines.iter().map(|l| (&l.sku, l.quantity)), "fulfil", Order::left_to_fulfil)?;
        check_not_cancelled(&order, &lines)?;
        let promised_at = order.origin.location.clone();
        let latest_first = [Stage::Ready, Stage::Picked, Stage::Allocated];
        let stages = taken(&order.quantities(), &lines, |of, quantity| of.take(quantity, &latest_first));
        let from = leaving.from.filter(|from| **from != promised_at);
        let body = Body::Fulfilment(Fulfilment {
            promise: order.id,
            lines: lines.clone(),
            parcel: leaving.parcel.cloned(),
            handover: leaving.handover,
            stages: Some(stages).filter(|stages| !stages.is_empty()),
            from: from.cloned(),
        });
        match from {
            None => self.record_one(call, Some(&promised_at), body),
            Some(from) => self.fulfil_from(call, from, &promised_at, &lines, body),
        }
    }

    /// Lets goods of one location leave for a promise of another's: they are moved there on the way, so that each
    /// location's books say what left it, and the promise is settled where it was made.
    fn fulfil_from(
        &mut self,
        call: &mut Call<'_>,
        from: &Name,
        promised_at: &Name,
        lines: &[Line],
        body: Body,
    ) -> Result<Outcome, Refusal> {
        super::stock::check_occurred(call)?;
        self.check_location_held("location", from)?;
        self.check_location_held("location", promised_at)?;
        self.check_event_role(promised_at, &body)?;
        self.check_backed(from, lines)?;
        self.check_own(call, from, lines)?;
        let id = call.event_id(&self.config.node);
        let sent_id = second_id(id);
        let half = |other: &Name, answers| Transfer { other: other.clone(), lines: lines.to_vec(), answers };
        let burned = self.rights_beyond_floor(from, lines);
        let draft = |id, body| Draft { id, body, occurred_at: None };
        let sent = self.record(call, from, draft(sent_id, Body::TransferOut(half(promised_at, None))))?;
        self.burn(call, from, sent_id, burned)?;
        let arrival = draft(second_id(sent_id), Body::TransferIn(half(from, Some(sent_id))));
        let arrived = self.record(call, promised_at, arrival).inspect_err(|error| self.break_off(error))?;
        let left = self.record(call, promised_at, draft(id, body)).inspect_err(|error| self.break_off(error))?;
        Ok(Outcome::Recorded { events: vec![left, sent, arrived], repeated: false })
    }

    /// Records that shipped goods arrived.
    pub(super) fn deliver(
        &mut self,
        call: &mut Call<'_>,
        id: EventId,
        parcel: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        let order = self.order(id)?;
        let named = |event: &Event| matches!(&event.body, Body::Fulfilment(body) if body.parcel.as_ref() == parcel);
        let on_its_way = order.shipments().filter(|(event, arrived)| !arrived && (parcel.is_none() || named(event)));
        let shipments: Vec<EventId> = on_its_way.map(|(event, _)| event.id).collect();
        if shipments.is_empty() {
            let value = parcel.map_or_else(|| "left out".to_owned(), ToString::to_string);
            return Err(Refusal::invalid("parcel", value, format!("no such parcel of order {id} is on its way")));
        }
        let location = order.origin.location.clone();
        self.record_one(call, Some(&location), Body::Delivery(Delivery { promise: id, shipments }))
    }
}

/// How many events may name an order before it takes no more that only say how far it is: with each of them its goods
/// are read. What moves goods or money is bounded by those, and always taken.
const MAX_STEPS: usize = 500;

/// Checks that an order takes one more event that moves neither goods nor money.
pub(super) fn check_room(order: &Order) -> Result<(), Refusal> {
    if order.later.len() < MAX_STEPS {
        return Ok(());
    }
    let rule = format!("{MAX_STEPS} events name it, which is the most for steps and authorisations");
    Err(Refusal::invalid("order", order.id, rule))
}

/// What of a promise may leave; where all that is open is being cancelled, that.
fn lines_to_leave(order: &Order) -> Vec<Line> {
    let leaving = lines_left(order, Order::left_to_leave);
    if leaving.is_empty() { open_lines(order) } else { leaving }
}

/// Checks that nothing leaves that the location consented to give up: it may be sold again.
fn check_not_cancelled(order: &Order, lines: &[Line]) -> Result<(), Refusal> {
    let mut sums: BTreeMap<&Sku, i64> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let sum = sums.entry(&line.sku).or_default();
        *sum += line.quantity;
        let left = order.left_to_leave(&line.sku);
        if *sum > left {
            let (field, wanted) = (format!("lines[{index}].quantity"), *sum);
            return Err(Refusal::BeingCancelled { field, order: order.id, sku: line.sku.clone(), wanted, left });
        }
    }
    Ok(())
}

/// The stages that goods come from, the one to look at first at the front.
fn sources(stage: Stage, from: Option<Stage>) -> Result<Vec<Stage>, Refusal> {
    match from {
        Some(from) if from == stage => {
            Err(Refusal::invalid("from", from.as_str(), "goods come to another stage than they are at"))
        }
        Some(from) => Ok(vec![from]),
        None if stage == Stage::Placed => Ok(Stage::ALL.into_iter().filter(|it| *it != stage).collect()),
        None => Ok(Stage::ALL.into_iter().rev().filter(|it| *it < stage).collect()),
    }
}

const fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Placed => "put back",
        Stage::Allocated => "allocate",
        Stage::Picked => "pick",
        Stage::Ready => "make ready",
    }
}

fn lines_of<'a>(lines: impl Iterator<Item = (&'a Sku, i64)>) -> Vec<Line> {
    lines.filter(|(_, quantity)| *quantity > 0).map(|(sku, quantity)| Line { sku: sku.clone(), quantity }).collect()
}

/// From which stages lines are taken, SKU by SKU.
fn taken(
    all: &BTreeMap<Sku, Quantities>,
    lines: &[Line],
    take: impl Fn(&Quantities, i64) -> Vec<(Stage, i64)>,
) -> Vec<StagedLine> {
    let mut wanted: BTreeMap<&Sku, i64> = BTreeMap::new();
    lines.iter().for_each(|line| *wanted.entry(&line.sku).or_default() += line.quantity);
    let parts = wanted.into_iter().flat_map(|(sku, quantity)| {
        let parts = all.get(sku).map_or_else(Vec::new, |of| take(of, quantity));
        parts.into_iter().map(move |(stage, quantity)| StagedLine { sku: sku.clone(), quantity, stage })
    });
    parts.collect()
}
