//! Reservations that were handed over and never confirmed: whoever took the goods paid for them, so once nothing of
//! one is left to leave, its maker confirms what left. Then its books say what was paid back and what was paid.

use super::Engine;
use super::orders::open_lines;
use super::promises::{confirmation_of, paid_with};
use crate::event::{Body, Confirmation, Event};
use crate::id::EventId;
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::time::Timestamp;

impl<S: Storage> Engine<S> {
    /// Remembers that goods left for a promise or were given up: that may have been the last of them.
    pub(super) fn note_settled(&mut self, event: &Event) {
        match &event.body {
            Body::Fulfilment(body) => self.holds.look_at(body.promise),
            Body::Release(body) => self.holds.look_at(body.promise),
            _ => {}
        }
    }

    /// Confirms what was handed over, in the commit that brings the last of it.
    pub(super) fn confirm_handed_over(&mut self, now: Timestamp) {
        for promise in self.holds.take_to_look_at() {
            if let Err(error) = self.confirm_if_handed_over(now, promise) {
                self.break_off(&error);
            }
        }
    }

    fn confirm_if_handed_over(&mut self, now: Timestamp, promise: EventId) -> Result<(), Refusal> {
        if self.ends_by_itself(promise)?.is_none() {
            return Ok(());
        }
        let Some(order) = self.known_order(promise)? else { return Ok(()) };
        let has_left = !order.fulfilled_lines().is_empty();
        if order.is_confirmed() || !has_left || !open_lines(&order).is_empty() {
            return Ok(());
        }
        let body = Body::Confirmation(Confirmation { promise, paid: paid_with(&order, &[]) });
        self.record_by_itself(now, confirmation_of(promise), &order.origin.location, body);
        self.holds.forget(promise);
        Ok(())
    }
}
