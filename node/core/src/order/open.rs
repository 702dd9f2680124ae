//! The orders that a location has to work on: those of which something is still to leave, or to be put back.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::id::{EventId, Name, Sku};
use crate::view::View;
use crate::work::Look;

/// How many rows of stock are looked at before others may look at the view.
const SLICE: usize = 2_000;

/// The promises of which something is owed or to be put back, at one location or at all that this node hears of. Rows
/// say which they are, so no order is read for it.
pub fn open_at(look: Look<'_>, location: Option<&Name>) -> BTreeSet<EventId> {
    let (mut found, mut from) = (to_put_back_at(look, location), begin(location));
    loop {
        let mut last: Option<(Name, Sku)> = None;
        look(&mut |view: &View| {
            let rows =
                view.stock.range_from(from.clone()).take_while(|((at, _), _)| location.is_none_or(|it| it == at));
            let mut seen = 0;
            for (key, row) in rows.take(SLICE) {
                seen += 1;
                found.extend(row.owed.iter().filter(|(_, owed)| **owed > 0).map(|(promise, _)| *promise));
                last = (seen == SLICE).then(|| key.clone());
            }
        });
        match last {
            Some(key) => from = Bound::Excluded(key),
            None => return found,
        }
    }
}

/// The rows go by promise, since copies of a promise may name several locations and rows are never removed: so all of
/// them are looked at, in slices.
fn to_put_back_at(look: Look<'_>, location: Option<&Name>) -> BTreeSet<EventId> {
    let (mut found, mut from) = (BTreeSet::new(), Bound::Unbounded);
    loop {
        let mut last = None;
        look(&mut |view: &View| {
            let mut seen = 0;
            for (promise, row) in view.put_backs.range_from(from).take(SLICE) {
                seen += 1;
                let is_here = location.is_none_or(|location| row.location.as_ref() == Some(location));
                found.extend((row.units > 0 && is_here).then_some(*promise));
                last = (seen == SLICE).then_some(*promise);
            }
        });
        match last {
            Some(promise) => from = Bound::Excluded(promise),
            None => return found,
        }
    }
}

/// `!` is the first character that a SKU can begin with.
fn begin(location: Option<&Name>) -> Bound<(Name, Sku)> {
    let first = location.zip(Sku::new("!").ok());
    first.map_or(Bound::Unbounded, |(location, sku)| Bound::Included((location.clone(), sku)))
}
