//! Commands on orders: taking back, paying back, handing over.

use std::collections::BTreeMap;

use super::Engine;
use super::prices::{check_count, check_quantity, check_tenders};
use super::state::Call;
use crate::command::{Outcome, TenderRequest};
use crate::event::{Body, Fulfilment, Line, Refund, Return, ReturnLine};
use crate::id::{EventId, Name, Reference, Sku};
use crate::order::{self, Order};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::view::EventRow;

impl<S: Storage> Engine<S> {
    pub(super) fn take_back(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        order: Option<EventId>,
        lines: &[ReturnLine],
    ) -> Result<Outcome, Refusal> {
        check_count("lines", lines.len())?;
        for (index, line) in lines.iter().enumerate() {
            check_quantity(format!("lines[{index}].quantity"), line.quantity, 1)?;
        }
        if let Some(id) = order {
            let order = self.order(id)?;
            let wanted = lines.iter().map(|line| (&line.sku, line.quantity));
            check_left(&order, wanted, "return", Order::left_to_return)?;
        }
        self.record_one(call, location, Body::Return(Return { order, lines: lines.to_vec() }))
    }

    pub(super) fn refund(
        &mut self,
        call: &mut Call<'_>,
        id: EventId,
        tenders: &[TenderRequest],
    ) -> Result<Outcome, Refusal> {
        let order = self.order(id)?;
        check_count("tenders", tenders.len())?;
        let mut currency = order.currency();
        let tenders = check_tenders(tenders, &mut currency)?;
        let left = order.total().saturating_sub(order.refunded());
        let sum: i64 = tenders.iter().map(|tender| tender.amount).sum();
        if let Some(index) = tenders.iter().position(|tender| tender.amount <= 0) {
            let field = format!("tenders[{index}].amount.amount");
            return Err(Refusal::invalid(field, tenders[index].amount, "a refund must be positive"));
        }
        if sum > left {
            let rule = format!("order {id} has {left} minor units left to pay back");
            return Err(Refusal::invalid("tenders", sum, rule));
        }
        let Some(currency) = currency else {
            return Err(Refusal::invalid("tenders", sum, "the order has no price"));
        };
        self.record_one(call, None, Body::Refund(Refund { order: id, tenders, currency }))
    }

    pub(super) fn fulfil(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        id: EventId,
        lines: &[Line],
        parcel: Option<&Reference>,
    ) -> Result<Outcome, Refusal> {
        let order = self.order(id)?;
        let lines = if lines.is_empty() { open_lines(&order) } else { lines.to_vec() };
        super::stock::check_lines(&lines, 1)?;
        check_left(&order, lines.iter().map(|l| (&l.sku, l.quantity)), "fulfil", Order::left_to_fulfil)?;
        let location = location.cloned().unwrap_or_else(|| order.origin.location.clone());
        let body = Body::Fulfilment(Fulfilment { promise: id, lines, parcel: parcel.cloned() });
        self.record_one(call, Some(&location), body)
    }

    pub(super) fn order(&self, id: EventId) -> Result<Order, Refusal> {
        let missing = || Refusal::NotFound { kind: "order", id: id.to_string() };
        let row = self.row::<EventRow>(&id)?.ok_or_else(missing)?;
        order::assemble(id, &row, |at| self.event(at))?.ok_or_else(missing)
    }
}

pub(super) fn open_lines(order: &Order) -> Vec<Line> {
    let open = |sku: Sku| Line { quantity: order.left_to_fulfil(&sku), sku };
    order.quantities().into_keys().map(open).filter(|line| line.quantity > 0).collect()
}

/// Checks the sum per SKU against what the order has left.
fn check_left<'a>(
    order: &Order,
    wanted: impl Iterator<Item = (&'a Sku, i64)>,
    verb: &'static str,
    left: fn(&Order, &Sku) -> i64,
) -> Result<(), Refusal> {
    let mut sums: BTreeMap<&Sku, (usize, i64)> = BTreeMap::new();
    for (index, (sku, quantity)) in wanted.enumerate() {
        sums.entry(sku).or_insert((index, 0)).1 += quantity;
    }
    for (sku, (index, wanted)) in sums {
        let left = left(order, sku);
        if wanted > left {
            return Err(Refusal::MoreThanOrdered {
                field: format!("lines[{index}].quantity"),
                order: order.id,
                sku: sku.to_string(),
                verb,
                wanted,
                left,
            });
        }
    }
    Ok(())
}
