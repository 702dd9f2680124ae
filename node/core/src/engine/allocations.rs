//! Allocations: units of a location that one channel alone may be promised.
//!
//! What was promised to the channel and has not left is a part of its allocation. Of the rest this node promises
//! nothing to other channels, nor gives it to peers that ask for them. A sale over the counter takes it all the same:
//! goods in a hand are never refused.

use std::collections::BTreeMap;

use super::Engine;
use crate::catalog::Product;
use crate::id::{EventId, Name, Sku};
use crate::stock::StockRow;
use crate::storage::{Storage, StorageError};
use crate::view::EventRow;
use crate::voucher;

/// Of how many promises the channel is remembered: a month of a busy web front. Beyond, they are read again.
const MAX_REMEMBERED: usize = 50_000;

/// Which channels promises were made to; a promise never changes its channel.
#[derive(Default)]
pub(super) struct PromisedTo(BTreeMap<EventId, Option<Name>>);

impl<S: Storage> Engine<S> {
    /// How many units of a location are kept for other channels than the one that asks.
    pub(super) fn kept_for_others(
        &mut self,
        location: &Name,
        sku: &Sku,
        channel: Option<&Name>,
    ) -> Result<i64, StorageError> {
        let mut kept = self.allocated_to_others(sku, channel);
        if kept.is_empty() {
            return Ok(0);
        }
        let key = (location.clone(), sku.clone());
        let owed = self.look::<StockRow, _>(&key, |row| row.owed.clone()).unwrap_or_default();
        for (promise, owed) in owed.into_iter().filter(|(_, owed)| *owed > 0) {
            let to = self.promised_to(promise)?;
            to.and_then(|to| kept.get_mut(&to)).into_iter().for_each(|units| *units -= owed);
        }
        Ok(kept.into_values().map(|units| units.max(0)).sum())
    }

    fn allocated_to_others(&self, sku: &Sku, channel: Option<&Name>) -> BTreeMap<Name, i64> {
        // Where nothing is allocated no promise looks the product up for it.
        let allocates = self.config.promises.rules.iter().any(|rule| rule.terms.allocation > 0);
        if !allocates || voucher::kind_of(sku).is_some() {
            return BTreeMap::new();
        }
        let category = self.look::<Product, _>(sku, |product| product.category.clone()).flatten();
        let allocations = self.config.promises.allocations(sku, category.as_deref());
        let others = allocations.filter(|(other, _)| Some(*other) != channel);
        others.map(|(other, units)| (other.clone(), units)).collect()
    }

    fn promised_to(&mut self, promise: EventId) -> Result<Option<Name>, StorageError> {
        if let Some(channel) = self.promised_to.0.get(&promise) {
            return Ok(channel.clone());
        }
        let at = self.row::<EventRow>(&promise)?.and_then(|row| row.counted());
        let Some((event, _)) = at.map(|at| self.event(at)).transpose()?.flatten() else { return Ok(None) };
        if self.promised_to.0.len() >= MAX_REMEMBERED {
            self.promised_to.0.clear();
        }
        self.promised_to.0.insert(promise, event.channel.clone());
        Ok(event.channel)
    }
}
