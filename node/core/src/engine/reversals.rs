//! What an event that counts does to the stock. A use of a voucher that is given back counts once the redemption that
//! took it was heard, whichever is heard first: so both fold what they come to together.

use super::Engine;
use crate::event::{Body, Event, Origin, Redemption, RedemptionReversal};
use crate::history::EventRef;
use crate::id::EventId;
use crate::stock;
use crate::storage::{Storage, StorageError};
use crate::voucher;

impl<S: Storage> Engine<S> {
    /// Folds what an event does, or takes it back; at this point of the log.
    pub(super) fn move_stock(
        &mut self,
        at: EventRef,
        event: &Event,
        origin: &Origin,
        undone: bool,
    ) -> Result<(), StorageError> {
        match &event.body {
            Body::RedemptionReversal(body) => {
                let taken = self.counted_event(Redemption::id_of(body.order), at)?;
                if voucher::is_taken((event, origin), taken.as_ref().map(|(taken, at)| (taken, at))) {
                    self.fold_steps(event, origin, undone)?;
                }
            }
            Body::Redemption(body) => {
                self.fold_steps(event, origin, undone)?;
                let back = self.counted_event(RedemptionReversal::id_of(body.order), at)?;
                if let Some((back, by)) = back.filter(|(back, by)| voucher::is_taken((back, by), Some((event, origin))))
                {
                    self.fold_steps(&back, &by, undone)?;
                }
            }
            _ => self.fold_steps(event, origin, undone)?,
        }
        Ok(())
    }

    fn fold_steps(&mut self, event: &Event, origin: &Origin, undone: bool) -> Result<(), StorageError> {
        for (sku, step) in stock::steps(event, origin.writer.epoch) {
            self.fold_step(event, origin, sku, if undone { step.reversed() } else { step })?;
        }
        Ok(())
    }

    fn counted_event(&self, id: EventId, at: EventRef) -> Result<Option<(Event, Origin)>, StorageError> {
        self.counted_before(id, at)?.map_or(Ok(None), |place| self.event(place))
    }
}
