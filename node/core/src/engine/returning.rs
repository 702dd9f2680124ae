//! Goods that come back, step by step: leave to bring them, their receipt, what becomes of what was kept aside. Paying
//! back is a step of its own, or part of the receipt.

use std::collections::BTreeMap;

use super::Engine;
use super::orders::check_left;
use super::prices::{check_count, check_quantity};
use super::state::Call;
use super::stock::check_lines;
use crate::command::{Outcome, TenderRequest};
use crate::event::{Body, Disposition, DispositionLine, Kind, Line, Origin, Return, ReturnAuthorisation, ReturnLine};
use crate::fleet::{Standing, Write};
use crate::id::{EventId, Name, Sku};
use crate::order::{self, Order, Returned};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::time::Timestamp;
use crate::view::EventRow;

/// What is asked of goods that come back.
pub(super) struct ComingBack<'a> {
    pub location: Option<&'a Name>,
    pub order: Option<EventId>,
    pub authorisation: Option<EventId>,
    pub lines: &'a [ReturnLine],
    pub refund: &'a [TenderRequest],
}

impl<S: Storage> Engine<S> {
    /// Says that goods of an order may come back, no more than others may not bring back already.
    pub(super) fn authorise_return(
        &mut self,
        call: &mut Call<'_>,
        location: Option<&Name>,
        id: EventId,
        lines: &[Line],
        until: Option<Timestamp>,
    ) -> Result<Outcome, Refusal> {
        if let Some(until) = until.filter(|until| *until <= call.now || until.checked().is_none()) {
            return Err(Refusal::invalid("until", until, "it must lie ahead, before the year 10000"));
        }
        let order = self.order(id)?;
        super::serving::check_room(&order)?;
        let left = order.left_to_authorise(call.now);
        let lines = match lines {
            [] => left.iter().filter(|(_, left)| **left > 0).map(line).collect(),
            lines => lines.to_vec(),
        };
        if lines.is_empty() {
            let rule = format!("nothing of order {id} is left to authorise the return of");
            return Err(Refusal::invalid("lines", "empty", rule));
        }
        check_lines(&lines, 1)?;
        let wanted = lines.iter().map(|line| (&line.sku, line.quantity));
        let left = |_: &Order, sku: &Sku| left.get(sku).copied().unwrap_or_default();
        check_left(&order, wanted, "authorise the return of", left)?;
        self.record_one(call, location, Body::ReturnAuthorisation(ReturnAuthorisation { order: id, lines, until }))
    }

    /// Takes goods back, and pays back where asked to.
    pub(super) fn take_back(&mut self, call: &mut Call<'_>, asked: &ComingBack<'_>) -> Result<Outcome, Refusal> {
        check_returned(asked.lines)?;
        let known = asked.order.map(|id| self.order(id)).transpose()?;
        if let Some(order) = &known {
            let wanted = asked.lines.iter().map(|line| (&line.sku, line.quantity));
            check_left(order, wanted, "return", Order::left_to_return)?;
        }
        if let Some(id) = asked.authorisation {
            check_authorised(call, known.as_ref(), id, asked.lines)?;
        }
        let (order, authorisation, lines) = (asked.order, asked.authorisation, asked.lines.to_vec());
        let body = Body::Return(Return { order, lines, authorisation });
        if asked.refund.is_empty() {
            return self.record_one(call, asked.location, body);
        }
        self.check_drawer(asked.location, "refund", asked.refund)?;
        self.check_role(&Write::Event(self.location(asked.location), Kind::REFUND))?;
        let paid = self.may_pay_back(call, known.as_ref(), asked.lines, asked.refund)?;
        self.record_refunded(call, asked.location, body, paid)
    }

    /// Decides what becomes of goods that came back and were kept aside: they enter the stock where they are, or are
    /// disposed of.
    pub(super) fn dispose(
        &mut self,
        call: &mut Call<'_>,
        back: EventId,
        lines: &[DispositionLine],
    ) -> Result<Outcome, Refusal> {
        let returned = self.returned(back)?;
        self.check_decides(back, &returned.origin)?;
        check_count("lines", lines.len())?;
        let undecided = returned.undecided();
        let mut sums: BTreeMap<&Sku, i64> = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            let field = format!("lines[{index}].quantity");
            check_quantity(&field, line.quantity, 1)?;
            let sum = sums.entry(&line.sku).or_default();
            let left = undecided.get(&line.sku).copied().unwrap_or_default() - *sum;
            *sum += line.quantity;
            if line.quantity > left {
                let (sku, wanted) = (line.sku.to_string(), line.quantity);
                return Err(Refusal::MoreThanUndecided { field, back, sku, wanted, left });
            }
        }
        let order = returned.body().and_then(|body| body.order);
        let body = Body::Disposition(Disposition { back, order, lines: lines.to_vec() });
        self.record_one(call, Some(&returned.origin.location), body)
    }

    fn returned(&self, id: EventId) -> Result<Returned, Refusal> {
        let missing = || Refusal::NotFound { kind: "return", id: id.to_string() };
        let row = self.row::<EventRow>(&id)?.ok_or_else(missing)?;
        order::assemble_return(&row, |at| self.event(at))?.ok_or_else(missing)
    }

    /// Only one node decides on a return, so that no goods enter the stock twice: the one that took them in, in
    /// whatever epoch, else, once that one was retired, the keeper of the location.
    fn check_decides(&self, back: EventId, origin: &Origin) -> Result<(), Refusal> {
        self.check_not_retired()?;
        let retired = self.retired.has(origin.writer.epoch);
        let decides = if retired {
            self.standing() == Standing::Member && self.keeps(&origin.location)
        } else {
            origin.writer.node == self.config.node
        };
        if decides {
            return Ok(());
        }
        Err(Refusal::ReturnElsewhere { back, owner: origin.writer.node.clone(), retired })
    }
}

fn line((sku, quantity): (&Sku, &i64)) -> Line {
    Line { sku: sku.clone(), quantity: *quantity }
}

fn check_returned(lines: &[ReturnLine]) -> Result<(), Refusal> {
    check_count("lines", lines.len())?;
    for (index, line) in lines.iter().enumerate() {
        check_quantity(format!("lines[{index}].quantity"), line.quantity, 1)?;
        if line.restock && line.undecided == Some(true) {
            let rule = "goods that are kept aside do not enter the stock yet: leave restock out";
            return Err(Refusal::invalid(format!("lines[{index}].undecided"), true, rule));
        }
    }
    Ok(())
}

/// Checks that goods may come back by an authorisation.
fn check_authorised(call: &Call<'_>, order: Option<&Order>, id: EventId, lines: &[ReturnLine]) -> Result<(), Refusal> {
    const FIELD: &str = "authorisation";
    let refuse = |rule: String| Refusal::invalid(FIELD, id, rule);
    let order = order.ok_or_else(|| refuse("what comes back by an authorisation names its order".to_owned()))?;
    let given = order.authorisations().into_iter().find(|given| given.event.id == id);
    let given = given.ok_or_else(|| {
        refuse(format!("order {} has no return authorisation of this id, as far as this node has heard", order.id))
    })?;
    // A return that was earlier brings no authorisation back to life.
    let at = call.request.occurred_at.map_or(call.now, |at| at.max(call.now));
    if let Some(until) = given.until.filter(|_| given.is_over(at)) {
        return Err(Refusal::AuthorisationOver { field: FIELD, authorisation: id, until });
    }
    let wanted = lines.iter().map(|line| (&line.sku, line.quantity));
    check_left(order, wanted, "return by this authorisation", |_, sku| given.open(sku))
}
