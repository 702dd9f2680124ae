//! What a decision can put right of an order that left or came back more often than it can have: goods that were given
//! up as well as handed over come back; what was booked in again and again is taken off the shelves' books. Money that
//! was paid back too often is in somebody's pocket: no event brings it here, so nothing is offered but to accept it.
//!
//! The newest events are those that went too far. Each is put right by who recorded it, under ids that belong to it:
//! nodes that heard different events, and decide apart, put right what is theirs, and nothing twice.

use std::collections::BTreeMap;

use crate::event::{Body, Event, Line, Origin, Return};
use crate::id::{EventId, Name, Sku, Writer};
use crate::order::Order;
use crate::storage::StorageError;

/// Goods that a decision moves, because an event moved them too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The event.
    pub of: EventId,
    /// Who recorded it, and nobody else puts it right.
    pub by: Writer,
    /// How many times a part of it was put right before.
    pub number: u64,
    /// Where.
    pub location: Name,
    /// How many of what.
    pub lines: Vec<Line>,
}

/// What was put right of an event, by how many others.
pub(super) type PutRight = (BTreeMap<Sku, i64>, u64);

/// What is still to be put right of an order.
pub(super) struct Remedies {
    pub open: Vec<Remedy>,
    /// Whether something was put right, and all of it.
    pub done: bool,
}

/// An event that moved goods, and how many.
struct Moved<'a> {
    event: &'a Event,
    by: &'a Writer,
    location: &'a Name,
    units: BTreeMap<&'a Sku, i64>,
    /// How many of them a decision can move.
    most: BTreeMap<&'a Sku, i64>,
}

/// The id of what puts an event right that an item is about, for the first, second, ... time.
pub(crate) fn remedy_of(item: EventId, of: EventId, number: u64) -> EventId {
    EventId::hash_of("tillmesh remedy", &[item.as_bytes(), of.as_bytes(), &number.to_be_bytes()])
}

/// What was handed over of a promise beyond what it says, as far as it is not back: at most so many units. It comes
/// back where it left, to who handed it over.
pub(super) fn to_take_back(
    order: &Order,
    beyond: BTreeMap<Sku, i64>,
    most: i64,
    put_right: impl Fn(EventId) -> Result<PutRight, StorageError>,
) -> Result<Remedies, StorageError> {
    let mut left: BTreeMap<_, _> = beyond.keys().map(|sku| (sku.clone(), order.left_to_return(sku))).collect();
    let moved = order.later.iter().filter_map(|(event, origin)| {
        let Body::Fulfilment(body) = &event.body else { return None };
        let units = sums(body.lines.iter().map(|line| (&line.sku, line.quantity)));
        let (location, most) = (body.from.as_ref().unwrap_or(&origin.location), units.clone());
        Some(Moved { event, by: &origin.writer, location, units, most })
    });
    let mut found = allot(moved.collect(), beyond, most, put_right)?;
    for line in found.open.iter_mut().flat_map(|remedy| &mut remedy.lines) {
        let left = left.entry(line.sku.clone()).or_default();
        line.quantity = line.quantity.min(*left);
        *left -= line.quantity;
    }
    found.open.iter_mut().for_each(|remedy| remedy.lines.retain(|line| line.quantity > 0));
    found.open.retain(|remedy| !remedy.lines.is_empty());
    Ok(found)
}

/// What returns beyond what had left brought into the stock: at most so many units.
pub(super) fn to_write_off(
    order: &Order,
    most: i64,
    put_right: impl Fn(EventId) -> Result<PutRight, StorageError>,
) -> Result<Remedies, StorageError> {
    let moved = order.later.iter().filter_map(|(event, origin)| {
        let Body::Return(body) = &event.body else { return None };
        let units = sums(body.lines.iter().map(|line| (&line.sku, line.quantity)));
        let most = entered(order, event.id, body);
        Some(Moved { event, by: &origin.writer, location: &origin.location, units, most })
    });
    allot(moved.collect(), super::returned_beyond(order), most, put_right)
}

/// Shares what is too much out among the events that moved it, the newest first.
fn allot(
    mut moved: Vec<Moved<'_>>,
    mut beyond: BTreeMap<Sku, i64>,
    mut most: i64,
    put_right: impl Fn(EventId) -> Result<PutRight, StorageError>,
) -> Result<Remedies, StorageError> {
    moved.sort_by_key(|moved| std::cmp::Reverse((moved.event.occurred(), moved.event.id)));
    let mut found = Remedies { open: Vec::new(), done: false };
    for Moved { event, by, location, units, most: movable } in moved {
        let (done, number) = put_right(event.id)?;
        found.done |= number > 0;
        let mut lines = Vec::new();
        for (sku, units) in units {
            let left = beyond.entry(sku.clone()).or_default();
            let part = units.min(*left).max(0);
            *left -= part;
            let done = done.get(sku).copied().unwrap_or_default();
            let quantity = (part.min(movable.get(sku).copied().unwrap_or_default()) - done).min(most).max(0);
            most -= quantity;
            lines.extend((quantity > 0).then(|| Line { sku: sku.clone(), quantity }));
        }
        if !lines.is_empty() {
            let (by, location) = (by.clone(), location.clone());
            found.open.push(Remedy { of: event.id, by, number, location, lines });
        }
    }
    found.done &= found.open.is_empty();
    Ok(found)
}

fn sums<'a>(lines: impl Iterator<Item = (&'a Sku, i64)>) -> BTreeMap<&'a Sku, i64> {
    let mut units = BTreeMap::new();
    lines.for_each(|(sku, quantity)| *units.entry(sku).or_default() += quantity);
    units
}

/// What of a return entered the stock, at once or by a later decision.
fn entered<'a>(order: &'a Order, id: EventId, body: &'a Return) -> BTreeMap<&'a Sku, i64> {
    let at_once = body.lines.iter().filter(|line| line.restock).map(|line| (&line.sku, line.quantity));
    let decided = order.later.iter().filter_map(|(event, _): &(Event, Origin)| match &event.body {
        Body::Disposition(decided) if decided.back == id => Some(&decided.lines),
        _ => None,
    });
    let decided = decided.flatten().filter(|line| line.restock).map(|line| (&line.sku, line.quantity));
    sums(at_once.chain(decided))
}
