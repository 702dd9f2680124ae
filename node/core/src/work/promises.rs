//! Items about promises: more was promised than there is, handed over although it was given up, or promised by a node
//! that had nothing any more. Where one of these leads to another it is told once.

use std::collections::BTreeSet;

use crate::event::{Body, Event, Origin};
use crate::id::{EventId, Name, Sku, Writer};
use crate::order::{self, Order};
use crate::stock::StockRow;
use crate::storage::{Read, StorageError};
use crate::time::Timestamp;
use crate::view::View;

use super::excess::{self, Remedies};
use super::{Choice, Found, MAX_MAKERS_READ, Subject, about_order, deciders, made, not_accepted, put_right};

/// Promises that cannot all be kept. What a retired node promised without a right is an item of its own, whose end
/// ends this as far.
pub(super) fn shortfall(
    view: &View,
    storage: &impl Read,
    location: &Name,
    sku: &Sku,
) -> Result<Option<Found>, StorageError> {
    let Some(row) = view.stock.get(&(location.clone(), sku.clone())) else { return Ok(None) };
    let extent = row.shortfall();
    if row.open() <= 0 || extent <= 0 {
        return Ok(None);
    }
    let extent = extent.saturating_sub(promised_by_retired(view, storage, location, sku, row)?);
    let open: Vec<_> = row.owed.iter().filter(|(_, owed)| **owed > 0).map(|(promise, _)| *promise).collect();
    let (deciders, newest) = owners(view, storage, row, &open, extent)?;
    let mut evidence = open;
    for (promise, _) in row.owed.iter().filter(|(_, owed)| **owed < 0) {
        let order = order::read(view, storage, *promise)?;
        let is_new = order.is_some_and(|order| !was_decided(view, &order, sku));
        evidence.extend(is_new.then_some(*promise));
    }
    let proposal = Some(Choice::ReleaseNewest);
    Ok((extent > 0).then_some(Found { extent, evidence, deciders, newest, proposal, ..Found::default() }))
}

/// Who made the promises that are to be given up, and when the newest of all was made.
fn owners(
    view: &View,
    storage: &impl Read,
    row: &StockRow,
    open: &[EventId],
    extent: i64,
) -> Result<(BTreeSet<Name>, Option<Timestamp>), StorageError> {
    let mut promises = Vec::new();
    for id in open.iter().take(MAX_MAKERS_READ) {
        promises.extend(made(view, storage, *id)?.map(|(event, origin)| Promised {
            at: event.occurred(),
            id: *id,
            owner: origin.writer,
            open: row.owed.get(id).copied().unwrap_or_default(),
        }));
    }
    let newest = promises.iter().map(|promised| promised.at).max();
    Ok((newest_first(promises, extent).into_iter().map(|promised| promised.owner.node).collect(), newest))
}

/// An open promise of a SKU.
pub(crate) struct Promised {
    pub at: Timestamp,
    pub id: EventId,
    pub owner: Writer,
    /// How much of it is open.
    pub open: i64,
}

/// Of which promises how much is to be given up until so many units are free: the newest first, whoever made them. The
/// same at every node, so that owners who decide apart give up no more than is missing.
pub(crate) fn newest_first(mut promises: Vec<Promised>, mut units: i64) -> Vec<Promised> {
    promises.sort_unstable_by_key(|promised| std::cmp::Reverse((promised.at, promised.id)));
    for promised in &mut promises {
        promised.open = promised.open.min(units);
        units -= promised.open;
    }
    promises.retain(|promised| promised.open > 0);
    promises
}

fn promised_by_retired(
    view: &View,
    storage: &impl Read,
    location: &Name,
    sku: &Sku,
    row: &StockRow,
) -> Result<i64, StorageError> {
    if row.rights.values().all(|rights| *rights >= 0) {
        return Ok(0);
    }
    let mut units = 0_i64;
    for (subject, _) in view.work.iter() {
        if let Subject::RetiredPromise { location: at, sku: of, holder } = subject
            && (at, of) == (location, sku)
        {
            let found = retired(view, storage, location, sku, holder)?;
            units = units.saturating_add(found.map_or(0, |found| found.extent));
        }
    }
    Ok(units)
}

/// A promise of which more was given up and handed over than was promised. Where that leaves others without goods, the
/// shortfall tells of it, also once it was decided on.
pub(super) fn settled_twice(view: &View, storage: &impl Read, promise: EventId) -> Result<Option<Found>, StorageError> {
    let Some(order) = order::read(view, storage, promise)? else { return Ok(None) };
    let mut beyond = Vec::new();
    for (sku, units) in twice(&order) {
        if !was_decided(view, &order, &sku) && shortfall(view, storage, &order.origin.location, &sku)?.is_none() {
            beyond.push((sku, units));
        }
    }
    let extent = beyond.iter().fold(0, |sum: i64, (_, units)| sum.saturating_add(*units));
    let Some(found) = about_order(&order, extent) else { return Ok(None) };
    let item = Subject::SettledTwice { promise }.id();
    let put_right = |of| put_right(view, storage, item, of);
    let most = not_accepted(view, item, extent);
    let Remedies { open, done } = excess::to_take_back(&order, beyond.into_iter().collect(), most, put_right)?;
    let second = (!open.is_empty()).then_some(Choice::TakeBack);
    Ok(Some(Found { second, deciders: deciders(&open), remedies: open, settled: done, ..found }))
}

/// How many units of each SKU were given up as well as handed over.
fn twice(order: &Order) -> Vec<(Sku, i64)> {
    if !order.is_promise() {
        return Vec::new();
    }
    let twice = order.quantities().into_iter().map(|(sku, of)| (sku, of.released + of.fulfilled - of.ordered));
    twice.filter(|(_, units)| *units > 0).collect()
}

/// Whether a shortfall of a promise's goods was decided on since it was settled twice.
fn was_decided(view: &View, order: &Order, sku: &Sku) -> bool {
    let subject = Subject::Shortfall { location: order.origin.location.clone(), sku: sku.clone() };
    let settles = |event: &Event| matches!(event.body, Body::Release(_) | Body::Fulfilment(_));
    let settled = order.later.iter().filter(|(event, _)| settles(event)).map(|(event, _)| event.occurred());
    let settled: Option<Timestamp> = settled.max();
    view.decisions.get(&subject.id()).is_some_and(|decision| Some(decision.at) >= settled)
}

/// Promises that a retired node made of rights that it did not have any more, while any of them is open: those that
/// stand behind what was heard of it when its rights were taken. The newest comes first.
pub(super) fn retired(
    view: &View,
    storage: &impl Read,
    location: &Name,
    sku: &Sku,
    holder: &Writer,
) -> Result<Option<Found>, StorageError> {
    let Some(row) = view.stock.get(&(location.clone(), sku.clone())) else { return Ok(None) };
    let beyond = row.rights.get(&holder.epoch).map_or(0, |rights| rights.saturating_neg());
    if beyond <= 0 {
        return Ok(None);
    }
    let subject = Subject::RetiredPromise { location: location.clone(), sku: sku.clone(), holder: holder.clone() };
    let mut reclaims = Vec::new();
    for id in view.work.get(&subject).into_iter().flat_map(|row| &row.evidence) {
        reclaims.extend(made(view, storage, *id)?.map(|(event, _)| event));
    }
    let (mut open, mut late) = (0_i64, Vec::new());
    for (promise, owed) in row.owed.iter().filter(|(_, owed)| **owed > 0) {
        let Some((made, origin)) = made(view, storage, *promise)? else { continue };
        if origin.writer == *holder && reclaims.iter().any(|reclaim| !had_heard(reclaim, &made, &origin)) {
            open = open.saturating_add(*owed);
            late.push((made.occurred(), *promise));
        }
    }
    late.sort_unstable_by(|one, other| other.cmp(one));
    let since = late.first().map(|(at, _)| *at);
    let evidence = late.into_iter().map(|(_, promise)| promise).collect();
    let (extent, proposal) = (beyond.min(open), Some(Choice::ReleaseRetired));
    Ok((open > 0).then_some(Found { extent, evidence, since, proposal, ..Found::default() }))
}

/// Whether who took rights had heard an event of their holder then.
fn had_heard(reclaim: &Event, event: &Event, origin: &Origin) -> bool {
    let Body::Reclaim(reclaim) = &reclaim.body else { return true };
    reclaim.seen.iter().any(|seen| seen.boot == origin.boot && event.number < seen.through)
}
