//! Work items: what merging cannot settle, for a person to decide. Each is derived from events, so every node raises
//! the same ones; a decision is an event too. An item whose cause is gone is gone with it.
//!
//! | kind | what happened |
//! |---|---|
//! | shortfall | more of a SKU is promised than there is, but for what a retired node promised |
//! | settled-twice | of a promise more was given up and handed over than was promised, and no shortfall tells of it |
//! | over-refunded | more was paid back for an order than was paid |
//! | over-returned | more of an order came back than had left |
//! | clash | one id stands for two different events |
//! | unknown-sku | something was sold that the catalogue does not have |
//! | double-checkout | one cart became several orders |
//! | retired-promise | a node that was retired promised what was taken from it |
//! | late-event | a ledger goes on after its day was closed: a copy of the store traded on |
//! | clone | a store ran twice in one epoch |
//! | overspent-voucher | more was taken of a voucher than it was issued for: a clone, or a node that was retired |
//! | over-decided | more of a return was decided on than it kept aside: by two copies of a store |
//! | beyond-retirement | a node holds more of a retired one than its retirement counts, and nobody else takes it |
//! | received-twice | goods of one document were booked in by nodes that had not heard of each other |
//!
//! Of these, events can settle: a shortfall and what a retired node promised (promises are given up), a double checkout
//! (the orders that lost are voided), over-returned (what was booked in too often is written off) and settled-twice
//! (the goods are booked in again, once they are back). The rest can be accepted, after what only people can do: money
//! that was paid back too often is in a pocket and comes back by hand, if at all, and is then paid in; what was sold
//! without being in the catalogue needs a name and a price, and with the product the item is gone.

mod excess;
mod promises;
mod subject;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet};

use crate::cart::{self, AddId, CartRow, Checkout};
use crate::document::DocumentId;
use crate::event::{Body, Event, Origin, Receipt};
use crate::history;
use crate::id::{CartId, EventId, Name, Reference, Sku, Writer};
use crate::order::{self, Order};
use crate::stock::{self, StockRow};
use crate::storage::{Read, StorageError};
use crate::time::{BusinessDate, Timestamp};
use crate::view::{self, DecisionRow, EventRow, View};
use crate::voucher;

use excess::Remedies;
pub use excess::Remedy;
pub(crate) use excess::remedy_of;
pub(crate) use promises::{Promised, newest_first};
pub use subject::{Choice, Subject};
pub(crate) use unnamed::last_beyond;

/// A work item that is there.
#[derive(Debug, Clone)]
pub struct WorkItem {
    /// The same at every node.
    pub id: EventId,
    /// What it is about.
    pub subject: Subject,
    /// How many units, minor units of money or events it is about; a decision holds until there are more.
    pub extent: i64,
    /// The events concerned.
    pub evidence: Vec<EventId>,
    /// Of a double checkout, the orders that do not stand first.
    pub losers: Vec<EventId>,
    /// What is proposed, first, and what else may be decided.
    pub choices: Vec<Choice>,
    /// The goods that a choice moves, of an item that offers to take back or to write off.
    pub remedies: Vec<Remedy>,
    /// The nodes that may decide so, each for its own orders; none named: every node. Every node may accept.
    pub deciders: BTreeSet<Name>,
    /// Since when, as far as this node can say.
    pub since: Option<Timestamp>,
    /// The decision on it; none: it is open.
    pub decision: Option<DecisionRow>,
}

/// Lets somebody see the view for a moment.
pub type Look<'a> = &'a mut dyn FnMut(&mut dyn FnMut(&View));

/// Looks for every item, the open ones and the decided ones, in the order of their subjects. The view is looked at in
/// slices through `look`, so that nobody waits long for it.
///
/// # Errors
/// When the store fails.
pub fn items(look: Look<'_>, storage: &impl Read) -> Result<Vec<WorkItem>, StorageError> {
    let mut items = Vec::new();
    for subject in subjects(look) {
        let mut item = Ok(None);
        look(&mut |view| item = self::item(view, storage, &subject));
        items.extend(item?);
    }
    Ok(items)
}

/// The item with an id, of which alone orders are read.
///
/// # Errors
/// When the store fails.
pub fn find(look: Look<'_>, storage: &impl Read, id: EventId) -> Result<Option<WorkItem>, StorageError> {
    let Some(subject) = subjects(look).into_iter().find(|subject| subject.id() == id) else { return Ok(None) };
    let mut item = Ok(None);
    look(&mut |view| item = self::item(view, storage, &subject));
    item
}

fn subjects(look: Look<'_>) -> BTreeSet<Subject> {
    let mut subjects = of_stock(look);
    look(&mut |view| subjects.extend(view.work.iter().map(|(subject, _)| subject.clone())));
    subjects
}

/// The most events that are remembered of one item.
pub(crate) const MAX_EVIDENCE: usize = 20;
/// Of how many orders of one item the makers are read: the rest wait for the first.
const MAX_MAKERS_READ: usize = 100;
/// How many rows of stock are looked at before others may look at the view.
const SLICE: usize = 2_000;

fn of_stock(look: Look<'_>) -> BTreeSet<Subject> {
    use std::ops::Bound;
    let (mut found, mut from) = (BTreeSet::new(), Bound::Unbounded);
    loop {
        let mut last = None;
        look(&mut |view| {
            let rows = view.stock.range_from(from.clone()).take(SLICE);
            let mut seen = 0;
            for (key, row) in rows {
                seen += 1;
                found.extend(of_row(key, row));
                last = (seen == SLICE).then(|| key.clone());
            }
        });
        match last {
            Some(key) => from = Bound::Excluded(key),
            None => return found,
        }
    }
}

fn of_row((location, sku): &(Name, Sku), row: &StockRow) -> Vec<Subject> {
    let short = (row.open() > 0 && row.shortfall() > 0)
        .then(|| Subject::Shortfall { location: location.clone(), sku: sku.clone() });
    let twice = row.owed.iter().filter(|(_, owed)| **owed < 0);
    let overspent = (row.on_hand() < 0 && voucher::kind_of(sku).is_some())
        .then(|| Subject::OverspentVoucher { location: location.clone(), sku: sku.clone() });
    short
        .into_iter()
        .chain(overspent)
        .chain(twice.map(|(promise, _)| Subject::SettledTwice { promise: *promise }))
        .collect()
}

/// The item about a subject; none while there is no reason for one.
///
/// # Errors
/// When the store fails.
pub fn item(view: &View, storage: &impl Read, subject: &Subject) -> Result<Option<WorkItem>, StorageError> {
    let found = match subject {
        Subject::Shortfall { location, sku } => promises::shortfall(view, storage, location, sku)?,
        Subject::SettledTwice { promise } => promises::settled_twice(view, storage, *promise)?,
        Subject::OverRefunded { order } => over_refunded(view, storage, *order)?,
        Subject::OverReturned { order } => over_returned(view, storage, *order)?,
        Subject::Clash { event } => clash(view, storage, *event)?,
        Subject::UnknownSku { sku } => unknown_sku(view, sku),
        Subject::DoubleCheckout { cart } => double_checkout(view, storage, *cart)?,
        Subject::RetiredPromise { location, sku, holder } => promises::retired(view, storage, location, sku, holder)?,
        Subject::LateEvent { location, writer, date } => late_event(view, location, writer, *date),
        Subject::Clone { .. } => noted(view, subject),
        Subject::BeyondRetirement { retired, at } => unnamed::beyond_retirement(view, storage, subject, retired, at)?,
        Subject::OverspentVoucher { location, sku } => overspent(view, location, sku),
        Subject::OverDecided { back } => over_decided(view, storage, *back)?,
        Subject::ReceivedTwice { location, reference } => received_twice(view, storage, location, reference)?,
    };
    let Some(found) = found else { return Ok(None) };
    let Found { extent, evidence, losers, proposal, second, remedies, deciders, settled, newest, since } = found;
    let id = subject.id();
    let choices = proposal.into_iter().chain([Choice::Accept]).chain(second).collect();
    let holds = |decision: &&DecisionRow| settled || (decision.extent >= extent && holds(decision, subject, newest));
    let decision = view.decisions.get(&id).filter(holds).cloned();
    let subject = subject.clone();
    Ok(Some(WorkItem { id, subject, extent, evidence, losers, choices, remedies, deciders, since, decision }))
}

/// Whether a decision that was about as much still holds. A shortfall comes and goes with the stock: what was given up
/// is given up, and what is still missing is another thing; who accepted one accepted the promises of then.
fn holds(decision: &DecisionRow, subject: &Subject, newest: Option<Timestamp>) -> bool {
    let accepts = decision.choice.as_str() == Choice::Accept.as_str();
    !matches!(subject, Subject::Shortfall { .. }) || (accepts && newest.is_none_or(|newest| newest <= decision.at))
}

/// What there is to an item.
#[derive(Default)]
struct Found {
    extent: i64,
    evidence: Vec<EventId>,
    losers: Vec<EventId>,
    /// What is proposed, where that is not to accept it.
    proposal: Option<Choice>,
    /// What may be decided besides, where to accept it is proposed.
    second: Option<Choice>,
    remedies: Vec<Remedy>,
    deciders: BTreeSet<Name>,
    /// Whether what was to be done is done, by decisions of several nodes that did not hear of each other.
    settled: bool,
    /// When the newest of its promises was made.
    newest: Option<Timestamp>,
    since: Option<Timestamp>,
}

/// The nodes that made orders, which nobody else voids.
fn makers(view: &View, storage: &impl Read, orders: &[EventId]) -> Result<BTreeSet<Name>, StorageError> {
    let mut makers = BTreeSet::new();
    for order in orders.iter().take(MAX_MAKERS_READ) {
        makers.extend(made(view, storage, *order)?.map(|(_, origin)| origin.writer.node));
    }
    Ok(makers)
}

/// How much more came of an item's subject since somebody accepted it; no bound where nobody did.
fn not_accepted(view: &View, item: EventId, extent: i64) -> i64 {
    let accepted = view.decisions.get(&item).filter(|decision| decision.choice.as_str() == Choice::Accept.as_str());
    accepted.map_or(i64::MAX, |decision| extent.saturating_sub(decision.extent).max(0))
}

/// What decisions on an item put right of an event, and by how many events.
fn put_right(view: &View, storage: &impl Read, item: EventId, of: EventId) -> Result<excess::PutRight, StorageError> {
    let (mut units, mut number) = (BTreeMap::<Sku, i64>::new(), 0);
    while let Some((event, _)) = made(view, storage, remedy_of(item, of, number))? {
        let lines: Vec<_> = match event.body {
            Body::Adjustment(body) => body.lines.into_iter().map(|line| (line.sku, -line.quantity)).collect(),
            Body::Return(body) => body.lines.into_iter().map(|line| (line.sku, line.quantity)).collect(),
            _ => Vec::new(),
        };
        lines.into_iter().for_each(|(sku, quantity)| *units.entry(sku).or_default() += quantity);
        number += 1;
    }
    Ok((units, number))
}

fn over_refunded(view: &View, storage: &impl Read, id: EventId) -> Result<Option<Found>, StorageError> {
    let Some(order) = order::read(view, storage, id)? else { return Ok(None) };
    Ok(about_order(&order, refunded_beyond(&order)))
}

fn over_returned(view: &View, storage: &impl Read, id: EventId) -> Result<Option<Found>, StorageError> {
    let Some(order) = order::read(view, storage, id)? else { return Ok(None) };
    let extent = returned_beyond(&order).values().sum();
    let Some(found) = about_order(&order, extent) else { return Ok(None) };
    let item = Subject::OverReturned { order: id }.id();
    let put_right = |of| put_right(view, storage, item, of);
    let Remedies { open, done } = excess::to_write_off(&order, not_accepted(view, item, extent), put_right)?;
    let proposal = (!open.is_empty()).then_some(Choice::WriteOff);
    Ok(Some(Found { proposal, deciders: deciders(&open), remedies: open, settled: done, ..found }))
}

fn deciders(remedies: &[Remedy]) -> BTreeSet<Name> {
    remedies.iter().map(|remedy| remedy.by.node.clone()).collect()
}

fn about_order(order: &Order, extent: i64) -> Option<Found> {
    let mut evidence: Vec<_> = order.later.iter().map(|(event, _)| event.id).chain([order.id]).collect();
    // Nodes hear of them in their own order.
    evidence.sort_unstable();
    let since = order.later.iter().map(|(event, _)| event.occurred()).max();
    (extent > 0).then_some(Found { extent, evidence, since, ..Found::default() })
}

fn refunded_beyond(order: &Order) -> i64 {
    order.refunded().saturating_sub(order.paid()).max(0)
}

/// How many units of each SKU came back that had not left.
fn returned_beyond(order: &Order) -> BTreeMap<Sku, i64> {
    let promise = order.is_promise();
    let left = |of: &order::Quantities| if promise { of.fulfilled } else { of.ordered };
    let beyond = order.quantities().into_iter().map(|(sku, of)| (sku, of.returned - left(&of)));
    beyond.filter(|(_, units)| *units > 0).collect()
}

/// How many other things copies under one id say. A copy that says the same as another is none of them, be it that a
/// message was taken at two nodes.
fn clash(view: &View, storage: &impl Read, id: EventId) -> Result<Option<Found>, StorageError> {
    let Some(row) = view::read::<EventRow>(view, storage, &id)? else { return Ok(None) };
    let (mut contents, mut since) = (BTreeSet::new(), None);
    for at in row.clashes.iter().chain(&row.copies) {
        if let Some((event, origin)) = history::read_event(storage, *at)? {
            contents.insert(stock::content_of(&event, &origin));
            // The last one counts.
            since = Some(event.occurred());
        }
    }
    let extent = i64::try_from(contents.len().saturating_sub(1)).unwrap_or(i64::MAX);
    Ok((extent > 0).then_some(Found { extent, evidence: vec![id], since, ..Found::default() }))
}

fn unknown_sku(view: &View, sku: &Sku) -> Option<Found> {
    let known = view.products.get(sku).is_some();
    let row = view.work.get(&Subject::UnknownSku { sku: sku.clone() })?;
    let evidence = row.evidence.clone();
    (!known).then(|| Found { extent: 1, evidence, ..Found::default() })
}

/// Orders of one cart and its forks that sold the same lines, or, while neither was known of at the other, the same
/// goods, for whoever sets a quantity makes another line: all but the first are too many. A fork that sold what the
/// cart did not is none.
fn double_checkout(view: &View, storage: &impl Read, cart: CartId) -> Result<Option<Found>, StorageError> {
    let Some(row) = view::read::<CartRow>(view, storage, &cart)? else { return Ok(None) };
    let mut forks = Vec::new();
    for fork in row.forks() {
        forks.extend(view::read::<CartRow>(view, storage, fork)?);
    }
    let settled = cart::checkouts(&row, &forks);
    let of_forks = forks.iter().flat_map(|fork| fork.checkouts().into_iter().map(move |out| (out.order, fork)));
    let of_forks: BTreeMap<EventId, &CartRow> = of_forks.collect();
    let (mut before, mut evidence, mut losers) = (Vec::<Sold<'_>>::new(), Vec::new(), Vec::new());
    for checkout in settled.winner.iter().chain(&settled.losers) {
        let lines = match of_forks.get(&checkout.order) {
            Some(fork) => fork.sold_of_original(),
            None => checkout.add_ids.clone(),
        };
        let skus = lines.iter().filter_map(|line| row.sku_of(line)).collect();
        let sold = Sold { checkout, lines: lines.into_iter().collect(), skus };
        evidence.push(checkout.order);
        losers.extend(before.iter().any(|other| sold.is_again(other)).then_some(checkout.order));
        before.push(sold);
    }
    let (extent, since) = (losers.len(), settled.losers.iter().map(|checkout| checkout.at).max());
    let extent = i64::try_from(extent).unwrap_or(i64::MAX);
    let not_voided = not_voided(view, storage, &losers)?;
    let (proposal, deciders) = (Some(Choice::VoidLosers), makers(view, storage, &not_voided)?);
    let settled = not_voided.is_empty();
    Ok((extent > 0).then_some(Found {
        extent,
        evidence,
        losers,
        proposal,
        deciders,
        settled,
        since,
        ..Found::default()
    }))
}

/// The id of the first event that voids an order.
pub(crate) fn void_of(order: EventId) -> EventId {
    EventId::hash_of("tillmesh void", &[order.as_bytes()])
}

fn not_voided(view: &View, storage: &impl Read, orders: &[EventId]) -> Result<Vec<EventId>, StorageError> {
    let mut left = Vec::new();
    for order in orders {
        let voided = view::read::<EventRow>(view, storage, &void_of(*order))?.and_then(|row| row.counted());
        left.extend(voided.is_none().then_some(*order));
    }
    Ok(left)
}

/// What a checkout sold of a cart.
struct Sold<'a> {
    checkout: &'a Checkout,
    lines: BTreeSet<AddId>,
    skus: BTreeSet<&'a Sku>,
}

impl Sold<'_> {
    fn is_again(&self, other: &Self) -> bool {
        let knows = |one: &Self, other: &Self| one.checkout.seen.contains(&other.checkout.order);
        let apart = !knows(self, other) && !knows(other, self);
        !self.lines.is_disjoint(&other.lines) || (apart && !self.skus.is_disjoint(&other.skus))
    }
}

fn made(view: &View, storage: &impl Read, id: EventId) -> Result<Option<(Event, Origin)>, StorageError> {
    let at = view::read::<EventRow>(view, storage, &id)?.and_then(|row| row.counted());
    at.map_or(Ok(None), |at| history::read_event(storage, at))
}

fn late_event(view: &View, location: &Name, writer: &Writer, date: BusinessDate) -> Option<Found> {
    let ledger = DocumentId::Ledger { location: location.clone(), writer: writer.clone(), date };
    let row = view.documents.get(&ledger)?;
    let (extent, seal) = (i64::try_from(row.beyond_close()).unwrap_or(i64::MAX), row.seal?);
    (extent > 0).then(|| Found { extent, evidence: vec![seal.close], ..Found::default() })
}

fn overspent(view: &View, location: &Name, sku: &Sku) -> Option<Found> {
    let row = view.stock.get(&(location.clone(), sku.clone()))?;
    let extent = row.on_hand().saturating_neg();
    (extent > 0).then(|| Found { extent, ..Found::default() })
}

fn over_decided(view: &View, storage: &impl Read, back: EventId) -> Result<Option<Found>, StorageError> {
    let Some(returned) = order::read_return(view, storage, back)? else { return Ok(None) };
    let extent = returned.decided_beyond();
    let decisions = returned.later.iter().filter(|(event, _)| matches!(event.body, Body::Disposition(_)));
    let since = decisions.clone().map(|(event, _)| event.occurred()).max();
    let mut evidence: Vec<_> = decisions.map(|(event, _)| event.id).chain([back]).collect();
    evidence.sort_unstable();
    Ok((extent > 0).then_some(Found { extent, evidence, since, ..Found::default() }))
}

/// Receipts of one document beyond the first that brought the same goods.
fn received_twice(
    view: &View,
    storage: &impl Read,
    location: &Name,
    reference: &Reference,
) -> Result<Option<Found>, StorageError> {
    let subject = Subject::ReceivedTwice { location: location.clone(), reference: reference.clone() };
    let noted = view.work.get(&subject).map(|row| row.evidence.as_slice()).unwrap_or_default();
    let (mut receipts, mut evidence, mut again, mut since) = (Vec::<Receipt>::new(), Vec::new(), 0, None);
    for id in if noted.len() > 1 { noted } else { &[] } {
        // One that another content displaced may be of another document.
        let made = made(view, storage, *id)?;
        let Some((event, _)) = made.filter(|(event, origin)| is_of(event, origin, location, reference)) else {
            continue;
        };
        let occurred = event.occurred();
        let Body::Receipt(receipt) = event.body else { continue };
        again += i64::from(receipts.iter().any(|other| receipt.repeats(other)));
        since = since.max(Some(occurred));
        receipts.push(receipt);
        evidence.push(*id);
    }
    Ok((again > 0).then_some(Found { extent: again, evidence, since, ..Found::default() }))
}

fn is_of(event: &Event, origin: &Origin, location: &Name, reference: &Reference) -> bool {
    origin.location == *location && event.reference.as_ref() == Some(reference)
}

/// What was noted happened; only a decision ends it.
fn noted(view: &View, subject: &Subject) -> Option<Found> {
    let row = view.work.get(subject)?;
    Some(Found { extent: 1, evidence: row.evidence.clone(), ..Found::default() })
}

/// Whether more came back of an order, or was paid back for it, than it had.
pub(crate) fn is_overdone(order: &Order) -> [bool; 2] {
    [refunded_beyond(order) > 0, !returned_beyond(order).is_empty()]
}
