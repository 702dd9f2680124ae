//! Promises that no right stands behind, by the policies `buffered` and `open`. They are counted apart: nobody gives up
//! rights for them, so what others may promise, or what is kept for a channel, stays theirs.

use super::Engine;
use crate::event::{Body, PromisePolicy};
use crate::id::{EventId, Name, Sku};
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::view::EventRow;

impl<S: Storage> Engine<S> {
    /// How many of its rights this node is to give up: goods stand neither behind them nor behind promises that took
    /// rights.
    pub(super) fn spare_rights(&self, location: &Name, sku: &Sku) -> Result<i64, StorageError> {
        let (key, own) = ((location.clone(), sku.clone()), self.identity.writer().epoch);
        let spare = |row: &StockRow| (row.spare_rights_of(own, 0), row.over_rights());
        // As a rule there is none, and no promise is read for that.
        let (most, over) = self.look::<StockRow, _>(&key, spare).unwrap_or_default();
        if most == 0 {
            return Ok(0);
        }
        let beyond = self.promised_without_rights(&key, over)?;
        Ok(self.look::<StockRow, _>(&key, |row| row.spare_rights_of(own, beyond)).unwrap_or_default())
    }

    /// How many open units no right was taken for, as far as that is at most so many.
    fn promised_without_rights(&self, key: &(Name, Sku), most: i64) -> Result<i64, StorageError> {
        let owed = self.look::<StockRow, _>(key, |row| row.owed.clone()).unwrap_or_default();
        let mut units = 0;
        for (promise, owed) in owed.into_iter().filter(|(_, owed)| *owed > 0) {
            if units >= most {
                break;
            }
            if !self.is_strict(promise)?
                && let Some(order) = self.known_order(promise)?
            {
                units += (owed - order.backed(&key.1)).clamp(0, owed);
            }
        }
        Ok(units.min(most))
    }

    /// Whether a promise took a right for each unit.
    fn is_strict(&self, promise: EventId) -> Result<bool, StorageError> {
        let at = self.row::<EventRow>(&promise)?.and_then(|row| row.counted());
        let made = at.map(|at| self.event(at)).transpose()?.flatten();
        let policy =
            made.and_then(|(event, _)| if let Body::Promise(body) = event.body { Some(body.policy) } else { None });
        Ok(policy.is_none_or(|policy| policy == PromisePolicy::Strict))
    }
}
