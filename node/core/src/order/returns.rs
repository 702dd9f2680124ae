//! Goods that come back: by which leave, and what becomes of those that are kept aside.

use std::collections::BTreeMap;

use super::Order;
use crate::event::{Body, Disposition, Event, Line, Origin, Return, ReturnLine};
use crate::history::{self, EventRef};
use crate::id::{EventId, Sku};
use crate::storage::{Read, StorageError};
use crate::time::Timestamp;
use crate::view::{self, EventRow, View};

/// Leave to bring goods of an order back.
#[derive(Debug, Clone)]
pub struct Authorisation<'a> {
    /// The event that gives it.
    pub event: &'a Event,
    /// The first moment at which nothing may come back by it any more.
    pub until: Option<Timestamp>,
    /// What may come back by it.
    pub lines: BTreeMap<Sku, Authorised>,
}

/// How much of a SKU may come back by an authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Authorised {
    /// What it says.
    pub quantity: i64,
    /// What came back by it.
    pub returned: i64,
    /// What still can: no more than the order has left to return.
    pub open: i64,
}

impl Authorisation<'_> {
    /// Whether nothing may come back by it any more at a time.
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= at)
    }

    /// How much of a SKU can still come back by it.
    pub fn open(&self, sku: &Sku) -> i64 {
        self.lines.get(sku).map_or(0, |of| of.open)
    }

    fn add(&mut self, lines: &[Line]) {
        lines.iter().for_each(|line| self.lines.entry(line.sku.clone()).or_default().quantity += line.quantity);
    }

    fn take_back(&mut self, back: &Return) {
        if back.authorisation == Some(self.event.id) {
            let returned =
                |line: &ReturnLine| self.lines.entry(line.sku.clone()).or_default().returned += line.quantity;
            back.lines.iter().for_each(returned);
        }
    }
}

impl Order {
    /// The authorisations to bring goods of it back, in the order in which this node heard them.
    pub fn authorisations(&self) -> Vec<Authorisation<'_>> {
        let left = self.all_left_to_return();
        let given = self.later.iter().filter_map(|(event, _)| match &event.body {
            Body::ReturnAuthorisation(body) => {
                let mut given = Authorisation { event, until: body.until, lines: BTreeMap::new() };
                given.add(&body.lines);
                self.returns().for_each(|(_, back)| given.take_back(back));
                for (sku, of) in &mut given.lines {
                    let most = left.get(sku).copied().unwrap_or_default();
                    of.open = (of.quantity - of.returned).clamp(0, most);
                }
                Some(given)
            }
            _ => None,
        });
        given.collect()
    }

    /// How much of each SKU another authorisation can be for: what can come back, less what authorisations that are not
    /// over have open.
    pub fn left_to_authorise(&self, at: Timestamp) -> BTreeMap<Sku, i64> {
        let mut left = self.all_left_to_return();
        for given in self.authorisations().iter().filter(|given| !given.is_over(at)) {
            for (sku, of) in &given.lines {
                left.entry(sku.clone()).and_modify(|left| *left = (*left - of.open).max(0));
            }
        }
        left
    }

    /// Its returns.
    pub fn returns(&self) -> impl Iterator<Item = (&Event, &Return)> {
        self.later.iter().filter_map(|(event, _)| match &event.body {
            Body::Return(body) => Some((event, body)),
            _ => None,
        })
    }

    fn all_left_to_return(&self) -> BTreeMap<Sku, i64> {
        let promise = self.is_promise();
        let all = self.quantities().into_iter();
        all.map(|(sku, of)| (sku, (if promise { of.fulfilled } else { of.ordered } - of.returned).max(0))).collect()
    }
}

/// A return, with what was decided on it since.
#[derive(Debug, Clone)]
pub struct Returned {
    /// The return.
    pub event: Event,
    /// Where that stands.
    pub origin: Origin,
    /// What was decided, in the order in which this node heard it.
    pub later: Vec<(Event, Origin)>,
}

impl Returned {
    /// What it says.
    pub const fn body(&self) -> Option<&Return> {
        match &self.event.body {
            Body::Return(body) => Some(body),
            _ => None,
        }
    }

    /// How much of each SKU nobody has decided on.
    pub fn undecided(&self) -> BTreeMap<Sku, i64> {
        self.kept().by_sku()
    }

    /// How much more was decided on than was kept aside: by two copies of a store, or by one that was lost.
    pub fn decided_beyond(&self) -> i64 {
        self.kept().0.into_values().map(|quantity| quantity.min(0)).sum::<i64>().saturating_neg()
    }

    fn kept(&self) -> KeptAside {
        let mut kept = KeptAside::default();
        kept.add(&self.event);
        self.later.iter().for_each(|(event, _)| kept.add(event));
        kept
    }
}

/// Reads a return, with an order or a blind one.
///
/// # Errors
/// When the store fails.
pub fn read_return(view: &View, storage: &impl Read, id: EventId) -> Result<Option<Returned>, StorageError> {
    let Some(row) = view::read::<EventRow>(view, storage, &id)? else { return Ok(None) };
    assemble_return(&row, |at| history::read_event(storage, at))
}

pub(crate) fn assemble_return(
    row: &EventRow,
    event: impl Fn(EventRef) -> Result<Option<(Event, Origin)>, StorageError>,
) -> Result<Option<Returned>, StorageError> {
    let Some(at) = row.counted() else { return Ok(None) };
    let Some((made, origin)) = event(at)?.filter(|(event, _)| matches!(event.body, Body::Return(_))) else {
        return Ok(None);
    };
    let mut later = Vec::with_capacity(row.naming.len());
    for at in &row.naming {
        later.extend(event(*at)?);
    }
    Ok(Some(Returned { event: made, origin, later }))
}

/// What returns keep aside, less what was decided on each: too much of one makes up for nothing of another.
#[derive(Default)]
pub(super) struct KeptAside(BTreeMap<(EventId, Sku), i64>);

impl KeptAside {
    pub(super) fn add(&mut self, event: &Event) {
        match &event.body {
            Body::Return(body) => {
                let kept = body.lines.iter().filter(|line| line.is_undecided());
                kept.for_each(|line| self.change(event.id, &line.sku, line.quantity));
            }
            Body::Disposition(Disposition { back, lines, .. }) => {
                lines.iter().for_each(|line| self.change(*back, &line.sku, -line.quantity));
            }
            _ => {}
        }
    }

    fn change(&mut self, back: EventId, sku: &Sku, quantity: i64) {
        *self.0.entry((back, sku.clone())).or_default() += quantity;
    }

    pub(super) fn by_sku(self) -> BTreeMap<Sku, i64> {
        let mut undecided = BTreeMap::new();
        for ((_, sku), quantity) in self.0.into_iter().filter(|(_, quantity)| *quantity > 0) {
            *undecided.entry(sku).or_default() += quantity;
        }
        undecided
    }
}
