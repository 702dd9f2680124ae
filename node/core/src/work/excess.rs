//! What a decision can put right of an order that left or came back more often than it can have: goods that were given
//! up as well as handed over come back; what was booked in again and again is taken off the shelves' books. Money that
//! was paid back too often is in somebody's pocket: no event brings it here, so nothing is offered but to accept it.

use std::collections::BTreeMap;

use crate::event::{Body, Event, Line, Origin, Return};
use crate::id::{EventId, Name, Sku, Writer};
use crate::order::Order;

/// Goods that a decision moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// Who moved them too often, and nobody else decides: so they are put right once.
    pub by: Writer,
    /// Where, and how many of what.
    pub goods: Vec<(Name, Vec<Line>)>,
}

/// What was handed over of a promise beyond what it says, as far as it is not back: at most so many units of `beyond`.
/// It comes back where the last of it left, to who handed that over.
pub(super) fn to_take_back(order: &Order, beyond: &[(Sku, i64)], mut most: i64) -> Option<Remedy> {
    let left = order.later.iter().filter_map(|(event, origin)| match &event.body {
        Body::Fulfilment(body) => Some((event, origin, body)),
        _ => None,
    });
    let (_, origin, last) = left.max_by_key(|(event, ..)| (event.occurred(), event.id))?;
    let lines = beyond.iter().map(|(sku, units)| {
        let quantity = order.left_to_return(sku).min(*units).min(most);
        most -= quantity;
        Line { sku: sku.clone(), quantity }
    });
    let lines: Vec<_> = lines.filter(|line| line.quantity > 0).collect();
    let location = last.from.as_ref().unwrap_or(&origin.location).clone();
    (!lines.is_empty()).then(|| Remedy { by: origin.writer.clone(), goods: vec![(location, lines)] })
}

/// What returns beyond what had left brought into the stock: at most so many units, of the newest returns first. Who
/// recorded the newest takes it off.
pub(super) fn to_write_off(order: &Order, most: i64) -> Option<Remedy> {
    let mut returns: Vec<_> = order.later.iter().filter_map(back).collect();
    returns.sort_by_key(|(event, ..)| std::cmp::Reverse((event.occurred(), event.id)));
    let (mut beyond, mut most) = (super::returned_beyond(order), most);
    let mut goods: BTreeMap<&Name, BTreeMap<Sku, i64>> = BTreeMap::new();
    for (event, origin, body) in &returns {
        let entered = entered(order, event.id, body);
        for (sku, quantity) in units(body) {
            let of_it = beyond.entry(sku.clone()).or_default();
            let part = quantity.min(*of_it).min(most).max(0);
            (*of_it, most) = (*of_it - part, most - part);
            let part = part.min(entered.get(sku).copied().unwrap_or_default());
            if part > 0 {
                *goods.entry(&origin.location).or_default().entry(sku.clone()).or_default() += part;
            }
        }
    }
    let (_, newest, _) = returns.first()?;
    let lines = |of: BTreeMap<Sku, i64>| of.into_iter().map(|(sku, quantity)| Line { sku, quantity }).collect();
    let goods: Vec<_> = goods.into_iter().map(|(location, of)| (location.clone(), lines(of))).collect();
    (!goods.is_empty()).then(|| Remedy { by: newest.writer.clone(), goods })
}

fn back((event, origin): &(Event, Origin)) -> Option<(&Event, &Origin, &Return)> {
    if let Body::Return(body) = &event.body { Some((event, origin, body)) } else { None }
}

fn units(body: &Return) -> BTreeMap<&Sku, i64> {
    let mut units = BTreeMap::new();
    body.lines.iter().for_each(|line| *units.entry(&line.sku).or_default() += line.quantity);
    units
}

/// What of a return entered the stock, at once or by a later decision.
fn entered<'a>(order: &'a Order, id: EventId, body: &'a Return) -> BTreeMap<&'a Sku, i64> {
    let at_once = body.lines.iter().filter(|line| line.restock).map(|line| (&line.sku, line.quantity));
    let decided = order.later.iter().filter_map(|(event, _)| match &event.body {
        Body::Disposition(decided) if decided.back == id => Some(&decided.lines),
        _ => None,
    });
    let decided = decided.flatten().filter(|line| line.restock).map(|line| (&line.sku, line.quantity));
    let mut entered = BTreeMap::new();
    at_once.chain(decided).for_each(|(sku, quantity)| *entered.entry(sku).or_default() += quantity);
    entered
}
