//! Decisions that put right what more came of an order than it can have (see [`crate::work`]).

use super::Engine;
use super::record::Draft;
use super::state::{Call, second_id};
use crate::event::{Adjustment, AdjustmentReason, Body, Event, Line, Origin, Return, ReturnLine};
use crate::id::{EventId, Name};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::work::{Choice, WorkItem};

impl<S: Storage> Engine<S> {
    /// Takes goods back that were given up and handed over both.
    pub(super) fn take_back_beyond(
        &mut self,
        call: &Call<'_>,
        item: &WorkItem,
        order: EventId,
    ) -> Result<Vec<(Event, Origin)>, Refusal> {
        let goods = self.goods_of(item, Choice::TakeBack)?;
        let back = |line: Line| ReturnLine { sku: line.sku, quantity: line.quantity, restock: true, undecided: None };
        let mut events = Vec::with_capacity(goods.len());
        for (id, (location, lines)) in std::iter::zip(ids(item), goods) {
            let lines = lines.into_iter().map(back).collect();
            let body = Body::Return(Return { order: Some(order), lines, authorisation: None });
            let draft = Draft { id, body, occurred_at: None };
            events.push(self.record(call, &location, draft).inspect_err(|error| self.break_off(error))?);
        }
        Ok(events)
    }

    /// Takes off the stock what was booked in although it had come back already. Like any loss it takes what stands on
    /// the floor first, then rights of this node.
    pub(super) fn write_off(&mut self, call: &Call<'_>, item: &WorkItem) -> Result<Vec<(Event, Origin)>, Refusal> {
        let goods = self.goods_of(item, Choice::WriteOff)?;
        let mut events = Vec::with_capacity(goods.len());
        for (id, (location, lines)) in std::iter::zip(ids(item), goods) {
            let burned = self.rights_beyond_floor(&location, &lines);
            let lines = lines.into_iter().map(|line| Line { quantity: -line.quantity, ..line }).collect();
            let body = Body::Adjustment(Adjustment { lines, reason: AdjustmentReason::WrittenOff });
            let draft = Draft { id, body, occurred_at: None };
            events.push(self.record(call, &location, draft).inspect_err(|error| self.break_off(error))?);
            self.burn(call, &location, id, burned)?;
        }
        Ok(events)
    }

    /// The goods that a decision moves, where this node is the one that carries it out: who moved them too often, in
    /// whatever epoch, or, once that one was retired, anybody whose role covers it.
    fn goods_of(&self, item: &WorkItem, choice: Choice) -> Result<Vec<(Name, Vec<Line>)>, Refusal> {
        let Some(remedy) = &item.remedy else { return Ok(Vec::new()) };
        let by = &remedy.by;
        if by.node == self.config.node || self.retired.has(by.epoch) {
            return Ok(remedy.goods.clone());
        }
        Err(Refusal::DecidedElsewhere { item: item.id, choice: choice.as_str(), nodes: [by.node.clone()].into() })
    }
}

/// Ids of what a decision on an item of this extent brings about: the same wherever it is carried out.
fn ids(item: &WorkItem) -> impl Iterator<Item = EventId> {
    let first = EventId::hash_of("tillmesh remedy", &[item.id.as_bytes(), &item.extent.to_be_bytes()]);
    std::iter::successors(Some(first), |id| Some(second_id(*id)))
}
