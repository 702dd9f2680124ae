//! Goods that come back, step by step, each step at whatever node.

use tillmesh_core::command::Command;
use tillmesh_core::event::{Body, DispositionLine, Event, Line, ReturnLine};
use tillmesh_core::id::{EventId, Name};

use super::{REMEMBERED, Traffic, paid_at, some_lines, some_sku, some_time};
use crate::World;

/// What clients remember of returns.
#[derive(Default)]
pub(super) struct Returns {
    /// Authorisations, with their orders.
    authorised: Vec<(EventId, EventId)>,
    returned: Vec<EventId>,
}

impl Returns {
    /// Remembers what an event began.
    pub(super) fn learn(&mut self, event: &Event) {
        match &event.body {
            Body::ReturnAuthorisation(body) => self.authorised.push((body.order, event.id)),
            Body::Return(_) => self.returned.push(event.id),
            _ => {}
        }
        self.authorised.drain(..self.authorised.len().saturating_sub(REMEMBERED));
        self.returned.drain(..self.returned.len().saturating_sub(REMEMBERED));
    }
}

impl Traffic {
    /// A step of a return: leave to bring goods back, their receipt, what becomes of what was kept aside, money back.
    pub(super) fn come_back(&self, world: &mut World, at: usize, location: Option<Name>, line: Line) -> Command {
        let sold = if self.sales.is_empty() { None } else { Some(*world.dice.pick(&self.sales)) };
        match (world.dice.below(10), sold) {
            (0 | 1, Some(order)) => {
                let until = world.dice.percent(50).then(|| some_time(world, at));
                Command::AuthoriseReturn { location, order, lines: some_lines(world), until }
            }
            (2..5, Some(_)) => {
                // Of few orders, so that several nodes pay back for one.
                let recent = &self.sales[self.sales.len().saturating_sub(3)..];
                let (order, amount) = (*world.dice.pick(recent), world.dice.between(2, 9));
                Command::PayBack { refund: vec![paid_at(location.as_ref(), amount)], location, order }
            }
            (5..7, _) if !self.returns.returned.is_empty() => {
                let lines = (0..world.dice.between(1, 2)).map(|_| DispositionLine {
                    sku: if world.dice.percent(80) { line.sku.clone() } else { some_sku(world) },
                    quantity: world.dice.between(1, 2),
                    restock: world.dice.percent(60),
                });
                Command::Dispose { lines: lines.collect(), back: *world.dice.pick(&self.returns.returned) }
            }
            _ => self.take_back(world, location, sold, line),
        }
    }

    fn take_back(&self, world: &mut World, location: Option<Name>, sold: Option<EventId>, line: Line) -> Command {
        let restock = world.dice.percent(60);
        let undecided = (!restock && world.dice.percent(70)).then_some(true);
        let lines = vec![ReturnLine { sku: line.sku, quantity: world.dice.between(1, 3), restock, undecided }];
        if !self.returns.authorised.is_empty() && world.dice.percent(25) {
            let (order, authorisation) = *world.dice.pick(&self.returns.authorised);
            let (order, authorisation) = (Some(order), Some(authorisation));
            return Command::TakeBack { location, order, authorisation, lines, refund: Vec::new() };
        }
        let order = sold.filter(|_| world.dice.percent(80));
        let refund = order.filter(|_| line.quantity % 3 == 0).map(|_| paid_at(location.as_ref(), line.quantity));
        let refund = refund.into_iter().collect();
        Command::TakeBack { location, order, authorisation: None, lines, refund }
    }
}
