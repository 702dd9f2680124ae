//! Voiding orders that one cart became beyond the first: their goods come back and their money goes back.

use super::Engine;
use super::record::Draft;
use super::state::{Call, second_id};
use crate::event::{Body, Event, Origin, Refund, Return, ReturnLine, Tender};
use crate::id::{EventId, Name, Reference};
use crate::order::Order;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::tax;
use crate::view::EventRow;
use crate::voucher::{self, GIFT_CARD, VoucherKind};
use crate::work::{self, Choice, WorkItem};

/// What a decision brought about.
pub(super) struct CarriedOut {
    pub events: Vec<(Event, Origin)>,
    /// How much of the item is decided with it.
    pub extent: i64,
}

impl CarriedOut {
    /// The events, once it is said how much is decided with them.
    pub fn tell(self, extent: &mut i64) -> Vec<(Event, Origin)> {
        *extent = self.extent;
        self.events
    }
}

impl<S: Storage> Engine<S> {
    /// Takes back what the orders that do not stand sold, and pays back what was paid. Who made an order does so, so
    /// that no two drawers pay for it; of an order of a node that was retired, who holds the right to: the keeper of
    /// its location. Where several made them the item is decided once each has voided its own.
    pub(super) fn void_losers(&mut self, call: &Call<'_>, item: &WorkItem) -> Result<CarriedOut, Refusal> {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for id in &item.losers {
            let order = self.order(*id)?;
            let voided = self.row::<EventRow>(&work::void_of(*id))?.and_then(|row| row.counted()).is_some();
            match self.may_void(&order) {
                true if !voided => own.push(order),
                false if !voided && !self.voiding(&order).is_empty() => others.push(order),
                _ => {}
            }
        }
        if own.is_empty() && !others.is_empty() {
            let nodes = others.into_iter().map(|order| order.origin.writer.node).collect();
            return Err(Refusal::DecidedElsewhere { item: item.id, choice: Choice::VoidLosers.as_str(), nodes });
        }
        let open = i64::try_from(others.len()).unwrap_or(i64::MAX);
        Ok(CarriedOut { events: self.void(call, &own)?, extent: item.extent.saturating_sub(open) })
    }

    fn may_void(&self, order: &Order) -> bool {
        let writer = &order.origin.writer;
        match order.made.body {
            Body::Promise(_) => writer == self.identity.writer(),
            _ => writer.node == self.config.node || self.retired.has(writer.epoch),
        }
    }

    fn void(&mut self, call: &Call<'_>, orders: &[Order]) -> Result<Vec<(Event, Origin)>, Refusal> {
        let mut reclaims = Vec::with_capacity(orders.len());
        for order in orders {
            let refund = refund_of(order, &[]).map_or(0, |refund| refund.tenders.iter().map(|it| it.amount).sum());
            reclaims.push(self.need_refund_rights(call, order, refund)?);
        }
        let mut events = Vec::new();
        for (order, reclaims) in orders.iter().zip(reclaims) {
            self.reclaim_refunds(call, &order.origin.location, work::void_of(order.id), reclaims)?;
            let mut drafts = self.voiding(order);
            drafts.extend(self.returned_to_vouchers(order)?);
            for (draft, location) in drafts {
                events.push(self.record(call, &location, draft).inspect_err(|error| self.break_off(error))?);
            }
        }
        Ok(events)
    }

    /// What a voided sale took of vouchers, less what was paid back of it already, is theirs again.
    fn returned_to_vouchers(&self, order: &Order) -> Result<Vec<(Draft, Name)>, Refusal> {
        // Of a promise that is given up, it comes back by itself.
        let promise = order.is_promise();
        if promise && order.quantities().values().all(|of| of.fulfilled == 0) {
            return Ok(Vec::new());
        }
        let location = &self.config.vouchers;
        let mut left = order.paid().saturating_sub(order.refunded());
        let mut id = EventId::hash_of("tillmesh void onto vouchers", &[order.id.as_bytes()]);
        let mut drafts = Vec::new();
        for mut line in self.taken_of_vouchers(order.id)? {
            if voucher::kind_of(&line.sku).and_then(VoucherKind::currency).is_some() {
                line.quantity = line.quantity.min(left);
                left -= line.quantity;
            }
            if line.quantity > 0 {
                self.check_location_held("vouchers.location", location)?;
                let body = self.issue_of(&line, None, None, Some(order.id));
                self.check_event_role(location, &body)?;
                drafts.push((Draft { id, body, occurred_at: None }, location.clone()));
                id = second_id(id);
            }
        }
        Ok(drafts)
    }

    fn voiding(&self, order: &Order) -> Vec<(Draft, Name)> {
        let id = work::void_of(order.id);
        let mut bodies = Vec::new();
        let open = super::orders::open_lines(order);
        if !open.is_empty() {
            bodies.push(Body::Release(self.release_of(order, open, Reference::new("void").ok())));
        }
        let back = order.quantities().into_keys().map(|sku| {
            let quantity = order.left_to_return(&sku);
            ReturnLine { sku, quantity, restock: true, undecided: None }
        });
        let lines: Vec<_> = back.filter(|line| line.quantity > 0).collect();
        let refund = refund_of(order, &lines);
        if !lines.is_empty() {
            bodies.push(Body::Return(Return { order: Some(order.id), lines, authorisation: None }));
        }
        bodies.extend(refund.map(Body::Refund));
        let ids = std::iter::successors(Some(id), |id| Some(second_id(*id)));
        let drafts = ids.zip(bodies).map(|(id, body)| Draft { id, body, occurred_at: None });
        drafts.map(|draft| (draft, order.origin.location.clone())).collect()
    }
}

/// What a sale still has to be paid back, as it was paid: gift cards first, then by its other means of payment, none
/// more than it paid.
fn refund_of(order: &Order, lines: &[ReturnLine]) -> Option<Refund> {
    let amount = order.paid().saturating_sub(order.refunded());
    let (cards, others): (Vec<_>, Vec<_>) = order.tenders().iter().partition(|it| it.kind.as_str() == GIFT_CARD);
    let (mut left, mut tenders) = (amount, Vec::new());
    for tender in cards.into_iter().chain(others).filter(|tender| tender.amount > 0) {
        let part = tender.amount.min(left);
        left -= part;
        tenders.push(Tender { amount: part, ..tender.clone() });
    }
    tenders.retain(|tender| tender.amount > 0);
    let taxes = tax::of_refund(order, lines, amount);
    let (currency, promised) = (order.currency()?, order.is_promise().then_some(true));
    (!tenders.is_empty()).then_some(Refund { order: order.id, tenders, currency, taxes, promised })
}
