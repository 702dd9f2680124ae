//! Commands on orders: paying back.

use std::collections::BTreeMap;

use super::Engine;
use super::prices::check_count;
use super::record::{Draft, check_body};
use super::state::{Call, second_id};
use super::stock::check_occurred;
use super::tenders::check_tenders;
use crate::command::{Outcome, TenderRequest};
use crate::day;
use crate::event::{Body, Event, Kind, Line, Origin, Refund, RefundReclaim, ReturnLine};
use crate::fleet::Write;
use crate::id::{EventId, Name, Sku};
use crate::order::{self, Order};
use crate::refusal::Refusal;
use crate::storage::{Storage, StorageError};
use crate::tax;
use crate::view::EventRow;
use crate::voucher::GIFT_CARD;

/// What is paid back, checked.
pub(super) struct PaidBack {
    refund: Body,
    onto: Vec<Body>,
    reclaims: Vec<RefundReclaim>,
    /// The location of the order.
    order: Name,
}

impl<S: Storage> Engine<S> {
    /// Pays back what an order has left: of goods that came back before, or never left.
    pub(super) fn pay_back(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        order: EventId,
        refund: &[TenderRequest],
    ) -> Result<Outcome, Refusal> {
        check_count("refund", refund.len())?;
        self.check_drawer(location, "refund", refund)?;
        let order = self.order(order)?;
        self.check_role(&Write::Event(self.location(location), Kind::REFUND))?;
        let paid = self.may_pay_back(call, Some(&order), &[], refund)?;
        let (location, id) = (self.location(location).clone(), call.event_id(&self.config.node));
        let events = self.record_refund(call, &location, id, paid)?;
        Ok(Outcome::Recorded { events, repeated: false })
    }

    /// Checks what is to be paid back for an order, and that this node may; else peers are asked for the right.
    pub(super) fn may_pay_back(
        &mut self,
        call: &Call<'_>,
        order: Option<&Order>,
        lines: &[ReturnLine],
        requests: &[TenderRequest],
    ) -> Result<PaidBack, Refusal> {
        let refuse = |rule| Refusal::invalid("refund", format!("{} entries", requests.len()), rule);
        let order = order.ok_or_else(|| refuse("goods that come back without their order are not paid back"))?;
        check_was_paid(order, requests)?;
        self.check_coins(requests)?;
        let cards = self.gift_cards("refund", requests)?;
        let refund = refund_of(order, lines, requests)?;
        let onto = self.onto_cards(call, order.id, &cards)?;
        check_occurred(call)?;
        let sum = refund.tenders.iter().map(|tender| tender.amount).sum();
        let refund = Body::Refund(refund);
        check_body(&refund)?;
        let reclaims = self.need_refund_rights(call, order, sum)?;
        Ok(PaidBack { refund, onto, reclaims, order: order.origin.location.clone() })
    }

    /// Cash is paid back as it is taken: to the smallest coin.
    fn check_coins(&self, requests: &[TenderRequest]) -> Result<(), Refusal> {
        let cash = requests.iter().filter(|it| it.kind.as_str() == day::CASH);
        let sum = cash.fold(0, |sum: i64, tender| sum.saturating_add(tender.amount.amount));
        if self.config.taxes.rounding(sum) == 0 {
            return Ok(());
        }
        let coin = self.config.taxes.smallest_coin.unwrap_or_default();
        Err(Refusal::invalid("refund", sum, format!("the smallest coin for cash is of {coin} minor units")))
    }

    /// Records goods that came back with the money paid back for them, in the same ledger: whoever hears of one event
    /// hears of the other.
    pub(super) fn record_refunded(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        body: Body,
        paid: PaidBack,
    ) -> Result<Outcome, Refusal> {
        let location = self.location(location).clone();
        let id = call.event_id(&self.config.node);
        let returned = self.record(call, &location, Draft { id, body, occurred_at: None })?;
        let refunded = self.record_refund(call, &location, second_id(id), paid);
        let refunded = refunded.inspect_err(|error| self.break_off(error))?;
        Ok(Outcome::Recorded { events: std::iter::once(returned).chain(refunded).collect(), repeated: false })
    }

    /// Records a refund, what it puts onto gift cards, and the rights that it takes from those who are gone.
    fn record_refund(
        &mut self,
        call: &Call<'_>,
        location: &Name,
        id: EventId,
        paid: PaidBack,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        let mut events = vec![self.record(call, location, Draft { id, body: paid.refund, occurred_at: None })?];
        self.reclaim_refunds(call, &paid.order, id, paid.reclaims)?;
        events.extend(self.put_onto_cards(call, id, paid.onto)?);
        Ok(events)
    }

    pub(super) fn order(&self, id: EventId) -> Result<Order, Refusal> {
        let missing = || Refusal::NotFound { kind: "order", id: id.to_string() };
        let row = self.row::<EventRow>(&id)?.ok_or_else(missing)?;
        order::assemble(id, &row, |at| self.event(at))?.ok_or_else(missing)
    }

    /// The same; none where this node knows of no such order.
    pub(super) fn known_order(&self, id: EventId) -> Result<Option<Order>, StorageError> {
        match self.order(id) {
            Ok(order) => Ok(Some(order)),
            Err(Refusal::Storage(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// Checks that an order was paid, and that money goes back onto a gift card only where it was recorded to have come in:
/// a card would hold what nobody ever paid.
fn check_was_paid(order: &Order, requests: &[TenderRequest]) -> Result<(), Refusal> {
    if !order.was_paid() {
        let rule =
            "it was not confirmed, so nothing was paid for it: a reservation that was paid for is confirmed first";
        return Err(Refusal::invalid("order", order.id, rule));
    }
    let card = requests.iter().position(|tender| tender.kind.as_str() == GIFT_CARD);
    match card.filter(|_| order.tenders().is_empty()) {
        Some(index) => {
            let rule =
                format!("no payment of order {} is recorded here: pay it back the way that it was paid", order.id);
            Err(Refusal::invalid(format!("refund[{index}].kind"), GIFT_CARD, rule))
        }
        None => Ok(()),
    }
}

/// What is paid back for an order: no more than it has left.
fn refund_of(order: &Order, lines: &[ReturnLine], requests: &[TenderRequest]) -> Result<Refund, Refusal> {
    let refuse = |rule| Refusal::invalid("refund", format!("{} entries", requests.len()), rule);
    let currency = order.currency().ok_or_else(|| refuse("the order has no price"))?;
    let tenders = check_tenders("refund", requests, &mut Some(currency))?;
    if let Some((index, tender)) = tenders.iter().enumerate().find(|(_, tender)| tender.amount <= 0) {
        let field = format!("refund[{index}].amount.amount");
        return Err(Refusal::invalid(field, tender.amount, "a refund must be positive"));
    }
    let left = order.paid().saturating_sub(order.refunded());
    let sum: i64 = tenders.iter().map(|tender| tender.amount).sum();
    if sum > left {
        let rule = format!("order {} has {left} minor units left to pay back", order.id);
        return Err(Refusal::invalid("refund", sum, rule));
    }
    let taxes = tax::of_refund(order, lines, sum);
    Ok(Refund { order: order.id, tenders, currency, taxes, promised: order.is_promise().then_some(true) })
}

pub(super) fn open_lines(order: &Order) -> Vec<Line> {
    lines_left(order, Order::left_to_fulfil)
}

/// What of each SKU of an order is left, in a sense of that.
pub(super) fn lines_left(order: &Order, left: impl Fn(&Order, &Sku) -> i64) -> Vec<Line> {
    let lines = order.quantities().into_keys().map(|sku| Line { quantity: left(order, &sku), sku });
    lines.filter(|line| line.quantity > 0).collect()
}

/// Checks the sum per SKU against what the order has left.
pub(super) fn check_left<'a>(
    order: &Order,
    wanted: impl Iterator<Item = (&'a Sku, i64)>,
    verb: &'static str,
    left: impl Fn(&Order, &Sku) -> i64,
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
