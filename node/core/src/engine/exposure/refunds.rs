//! What the writers of a node may pay back: added up while its ledgers are read, for nothing is kept for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use super::{Repayable, add};
use crate::event::{Body, Event, Origin};
use crate::id::{EventId, Name, Writer};
use crate::order::{self, Order};
use crate::storage::{Read, StorageError};
use crate::view::{self, EventRow, View};

/// The rights to pay back that writers hold: for orders that they made, and for those whose money an event of theirs is
/// about. A right that another node gave away and nobody used is in the giver's ledger alone, which is not read for it.
#[derive(Default)]
pub(in crate::engine) struct RefundRights {
    by_location: BTreeMap<Name, Repayable>,
    /// Orders that others made and whose money these writers handled.
    handled: BTreeSet<(EventId, Writer)>,
}

impl RefundRights {
    /// Takes an event of a writer in. What it may pay back for an order that it made is read at once, so that a long
    /// history needs no memory.
    pub(in crate::engine) fn take(
        &mut self,
        view: &RwLock<View>,
        storage: &impl Read,
        event: Event,
        origin: Origin,
    ) -> Result<(), StorageError> {
        let handled = match &event.body {
            Body::Sale(_) | Body::Promise(_) => return self.take_order(view, storage, event, origin),
            Body::Refund(body) => body.order,
            Body::RefundGrant(body) => body.order,
            Body::RefundReclaim(body) => body.order,
            _ => return Ok(()),
        };
        self.handled.insert((handled, origin.writer));
        Ok(())
    }

    fn take_order(
        &mut self,
        view: &RwLock<View>,
        storage: &impl Read,
        made: Event,
        origin: Origin,
    ) -> Result<(), StorageError> {
        let copy = (origin.clone(), made.number);
        let order = order_of(view, storage, made, origin)?;
        // Of several copies the one that counts made the order.
        if let Some(order) = order.filter(|order| (&order.origin, order.made.number) == (&copy.0, copy.1)) {
            self.hold(&order, &copy.0.writer);
        }
        Ok(())
    }

    /// Adds what was read of other documents.
    pub(in crate::engine) fn join(&mut self, other: Self) {
        self.handled.extend(other.handled);
        for (location, more) in other.by_location {
            let all = self.by_location.entry(location).or_default();
            all.orders += more.orders;
            more.money.into_iter().for_each(|(currency, amount)| add(&mut all.money, currency, amount));
        }
    }

    /// All of it, by the location of the orders.
    pub(in crate::engine) fn end(
        mut self,
        view: &RwLock<View>,
        storage: &impl Read,
    ) -> Result<BTreeMap<Name, Repayable>, StorageError> {
        for (id, writer) in std::mem::take(&mut self.handled) {
            let order = order::read(&view.read().unwrap_or_else(PoisonError::into_inner), storage, id)?;
            if let Some(order) = order.filter(|order| order.origin.writer != writer) {
                self.hold(&order, &writer);
            }
        }
        Ok(self.by_location)
    }

    fn hold(&mut self, order: &Order, writer: &Writer) {
        let held = order.refund_rights().get(writer).copied().unwrap_or_default();
        let Some(currency) = order.currency().filter(|_| held > 0 && order.was_paid()) else { return };
        let of = self.by_location.entry(order.origin.location.clone()).or_default();
        of.orders += 1;
        add(&mut of.money, currency, held);
    }
}

/// The order that an event made. Most orders are named by nothing else, so they are whole already.
fn order_of(
    view: &RwLock<View>,
    storage: &impl Read,
    made: Event,
    origin: Origin,
) -> Result<Option<Order>, StorageError> {
    let row = view::read::<EventRow>(&view.read().unwrap_or_else(PoisonError::into_inner), storage, &made.id)?;
    let Some(row) = row else { return Ok(None) };
    let alone = row.naming.is_empty() && row.clashes.is_empty() && row.repeats.is_empty() && row.copies.len() == 1;
    if alone { Ok(Some(Order::new(made, origin))) } else { order::read_events(storage, made.id, &row) }
}
