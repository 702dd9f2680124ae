//! Decisions that put right what more came of an order than it can have (see [`crate::work`]).

use super::Engine;
use super::record::Draft;
use super::state::Call;
use super::voiding::CarriedOut;
use crate::event::{Adjustment, AdjustmentReason, Body, Event, Line, Origin, Return, ReturnLine};
use crate::id::EventId;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::work::{Choice, Remedy, WorkItem, remedy_of};

impl<S: Storage> Engine<S> {
    /// Takes goods back that were given up and handed over both.
    pub(super) fn take_back_beyond(
        &mut self,
        call: &Call<'_>,
        item: &WorkItem,
        order: EventId,
    ) -> Result<CarriedOut, Refusal> {
        self.put_right(call, item, Choice::TakeBack, |lines| {
            let back =
                |line: Line| ReturnLine { sku: line.sku, quantity: line.quantity, restock: true, undecided: None };
            let lines = lines.into_iter().map(back).collect();
            Body::Return(Return { order: Some(order), lines, authorisation: None })
        })
    }

    /// Takes off the stock what was booked in although it had come back already. Like any loss it takes what stands on
    /// the floor first, then rights of this node.
    pub(super) fn write_off(&mut self, call: &Call<'_>, item: &WorkItem) -> Result<CarriedOut, Refusal> {
        self.put_right(call, item, Choice::WriteOff, |lines| {
            let lines = lines.into_iter().map(|line| Line { quantity: -line.quantity, ..line }).collect();
            Body::Adjustment(Adjustment { lines, reason: AdjustmentReason::WrittenOff })
        })
    }

    /// Records what puts right those events that are this node's to put right. Where others have a part, the item is
    /// decided once each has done its own.
    fn put_right(
        &mut self,
        call: &Call<'_>,
        item: &WorkItem,
        choice: Choice,
        body: impl Fn(Vec<Line>) -> Body,
    ) -> Result<CarriedOut, Refusal> {
        let (own, others) = self.parts_of(item, choice)?;
        let units = |remedy: &Remedy| remedy.lines.iter().map(|line| line.quantity).sum::<i64>();
        let extent = item.extent.saturating_sub(others.iter().map(units).sum());
        let mut events: Vec<(Event, Origin)> = Vec::with_capacity(own.len());
        for Remedy { of, number, location, lines, .. } in own {
            let (id, body) = (remedy_of(item.id, of, number), body(lines.clone()));
            let burned = match &body {
                Body::Adjustment(_) => self.rights_beyond_floor(&location, &lines),
                _ => Vec::new(),
            };
            let draft = Draft { id, body, occurred_at: None };
            events.push(self.record(call, &location, draft).inspect_err(|error| self.break_off(error))?);
            self.burn(call, &location, id, burned)?;
        }
        Ok(CarriedOut { events, extent })
    }

    /// What this node is to put right, in whatever epoch it moved too much or for one that was retired, and what others
    /// are.
    fn parts_of(&self, item: &WorkItem, choice: Choice) -> Result<(Vec<Remedy>, Vec<Remedy>), Refusal> {
        let is_own = |remedy: &Remedy| remedy.by.node == self.config.node || self.retired.has(remedy.by.epoch);
        let (own, others): (Vec<_>, Vec<_>) = item.remedies.iter().cloned().partition(is_own);
        if own.is_empty() && !others.is_empty() {
            let nodes = others.into_iter().map(|remedy| remedy.by.node).collect();
            return Err(Refusal::DecidedElsewhere { item: item.id, choice: choice.as_str(), nodes });
        }
        Ok((own, others))
    }
}
