//! Orders: the fold of the events that name them. There is no order document, so everybody writes only their own
//! ledger.

mod cancelling;
mod open;
mod paid;
mod quantities;
mod refunds;
mod returns;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::event::{
    Body, Confirmation, Event, Handover, Origin, PriceAdjustment, PricedLine, PricingProof, SaleTax, Tender,
};
use crate::history::{self, EventRef};
use crate::id::{CartId, EventId, Reference, Sku};
use crate::money::Currency;
use crate::storage::{Read, StorageError};
use crate::view::{self, EventRow, View};

pub use cancelling::{Cancellation, CancellationState, Cancelled};
pub use open::open_at;
pub use quantities::Quantities;
pub use returns::{Authorisation, Authorised, Returned, read_return};
pub use status::Status;

pub(crate) use returns::assemble_return;

/// An order: the event that made it and every event that names it.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id: that of the event that made it.
    pub id: EventId,
    /// The sale or the promise.
    pub made: Event,
    /// Where that stands.
    pub origin: Origin,
    /// Everything that names it, such as returns, fulfilments and refunds, in the order in which this node heard it.
    pub later: Vec<(Event, Origin)>,
}

impl Order {
    /// An order that was just made.
    pub const fn new(made: Event, origin: Origin) -> Self {
        Self { id: made.id, made, origin, later: Vec::new() }
    }

    /// The lines as sold or promised.
    pub fn lines(&self) -> &[PricedLine] {
        match &self.made.body {
            Body::Sale(sale) => &sale.lines,
            Body::Promise(promise) => &promise.lines,
            _ => &[],
        }
    }

    /// Discounts and charges.
    pub fn adjustments(&self) -> &[PriceAdjustment] {
        match &self.made.body {
            Body::Sale(sale) => &sale.adjustments,
            Body::Promise(promise) => &promise.adjustments,
            _ => &[],
        }
    }

    /// Whether goods were promised, which leave later.
    pub const fn is_promise(&self) -> bool {
        matches!(self.made.body, Body::Promise(_))
    }

    /// How it was paid, as far as a till recorded it.
    pub fn tenders(&self) -> &[Tender] {
        match &self.made.body {
            Body::Sale(sale) => &sale.tenders,
            _ => &[],
        }
    }

    /// The currency of every amount.
    pub const fn currency(&self) -> Option<Currency> {
        match &self.made.body {
            Body::Sale(sale) => sale.currency,
            Body::Promise(promise) => promise.currency,
            _ => None,
        }
    }

    /// The cart that became this order.
    pub const fn cart(&self) -> Option<CartId> {
        match &self.made.body {
            Body::Sale(sale) => sale.cart,
            Body::Promise(promise) => promise.cart,
            _ => None,
        }
    }

    /// The customer, opaque.
    pub const fn customer(&self) -> Option<&Reference> {
        match &self.made.body {
            Body::Sale(sale) => sale.customer.as_ref(),
            Body::Promise(promise) => promise.customer.as_ref(),
            _ => None,
        }
    }

    /// What proves its adjustments.
    pub const fn pricing(&self) -> Option<PricingProof> {
        match &self.made.body {
            Body::Sale(sale) => sale.pricing,
            Body::Promise(promise) => promise.pricing,
            _ => None,
        }
    }

    /// The receipt number of a sale, gap-free per node and epoch.
    pub const fn receipt(&self) -> Option<u64> {
        match &self.made.body {
            Body::Sale(sale) => Some(sale.receipt),
            _ => None,
        }
    }

    /// What the lines cost before adjustments, in minor units.
    pub fn subtotal(&self) -> i64 {
        self.lines().iter().filter_map(|line| line.amount).sum()
    }

    /// How it was taxed, where it was.
    pub const fn tax(&self) -> Option<&SaleTax> {
        match &self.made.body {
            Body::Sale(sale) => sale.tax.as_ref(),
            Body::Promise(promise) => promise.tax.as_ref(),
            _ => None,
        }
    }

    /// What rounding of cash added to what was to be paid, in minor units.
    pub const fn rounding(&self) -> Option<i64> {
        match &self.made.body {
            Body::Sale(sale) => sale.rounding,
            _ => None,
        }
    }

    /// What is to be paid, in minor units, with taxes.
    pub fn total(&self) -> i64 {
        let adjustments: i64 = self.adjustments().iter().map(|adjustment| adjustment.amount).sum();
        (self.subtotal() + adjustments).saturating_add(self.tax().map_or(0, SaleTax::added))
    }

    /// Whether a promise holds until it is given up: it was made so, or confirmed since.
    pub fn is_confirmed(&self) -> bool {
        let Body::Promise(promise) = &self.made.body else { return true };
        promise.expires_at.is_none() || self.confirmations().next().is_some()
    }

    /// Its confirmations: nobody but who made a promise confirms it.
    fn confirmations(&self) -> impl Iterator<Item = &Confirmation> {
        let own = self.later.iter().filter(|(_, origin)| origin.writer.node == self.origin.writer.node);
        own.filter_map(|(event, _)| match &event.body {
            Body::Confirmation(confirmation) => Some(confirmation),
            _ => None,
        })
    }

    /// How much of a SKU was given up.
    pub fn released(&self, sku: &Sku) -> i64 {
        self.quantities().get(sku).map_or(0, |of| of.released)
    }

    /// How many rights stand behind a promise of a SKU: those it took, less those it gave back.
    pub fn backed(&self, sku: &Sku) -> i64 {
        let lines = self.lines().iter().filter(|line| line.sku == *sku);
        let taken: u64 = lines.filter_map(|line| line.burned).sum();
        let back = self.later.iter().filter_map(|(event, _)| match &event.body {
            Body::Release(release) => release.rights.as_ref(),
            _ => None,
        });
        let back = back.flatten().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
        i64::try_from(taken).unwrap_or(i64::MAX).saturating_sub(back)
    }

    /// How much of a SKU can still leave: promised, not given up, not yet gone.
    pub fn left_to_fulfil(&self, sku: &Sku) -> i64 {
        let of = self.quantities().get(sku).copied().unwrap_or_default();
        match self.made.body {
            Body::Promise(_) => (of.ordered - of.released - of.fulfilled).max(0),
            _ => 0,
        }
    }

    /// How much of a SKU can still come back: what left, less what came back.
    pub fn left_to_return(&self, sku: &Sku) -> i64 {
        let of = self.quantities().get(sku).copied().unwrap_or_default();
        match self.made.body {
            Body::Promise(_) => (of.fulfilled - of.returned).max(0),
            _ => (of.ordered - of.returned).max(0),
        }
    }

    /// The fulfilments that were shipped, and whether each has arrived.
    pub fn shipments(&self) -> impl Iterator<Item = (&Event, bool)> {
        let arrived = self.later.iter().filter_map(|(event, _)| match &event.body {
            Body::Delivery(delivery) => Some(&delivery.shipments),
            _ => None,
        });
        let arrived: BTreeSet<EventId> = arrived.flatten().copied().collect();
        let shipped =
            self.later.iter().map(|(event, _)| event).filter(
                |event| matches!(&event.body, Body::Fulfilment(body) if body.handover == Some(Handover::Shipped)),
            );
        shipped.map(move |event| (event, arrived.contains(&event.id)))
    }
}

/// Reads an order.
///
/// # Errors
/// When the store fails.
pub fn read(view: &View, storage: &impl Read, id: EventId) -> Result<Option<Order>, StorageError> {
    let Some(row) = view::read::<EventRow>(view, storage, &id)? else { return Ok(None) };
    read_events(storage, id, &row)
}

/// Reads an order of which the row is known, without the view.
///
/// # Errors
/// When the store fails.
pub fn read_events(storage: &impl Read, id: EventId, row: &EventRow) -> Result<Option<Order>, StorageError> {
    assemble(id, row, |at| history::read_event(storage, at))
}

pub(crate) fn assemble(
    id: EventId,
    row: &EventRow,
    event: impl Fn(EventRef) -> Result<Option<(Event, Origin)>, StorageError>,
) -> Result<Option<Order>, StorageError> {
    let Some(at) = row.counted() else { return Ok(None) };
    let Some((made, origin)) = event(at)? else { return Ok(None) };
    if !matches!(made.body, Body::Sale(_) | Body::Promise(_)) {
        return Ok(None);
    }
    let mut later = Vec::with_capacity(row.naming.len());
    for at in &row.naming {
        later.extend(event(*at)?);
    }
    Ok(Some(Order { id, made, origin, later }))
}
