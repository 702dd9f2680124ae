//! What is at stake with a node that may not come back: what it may have promised since it was last heard, and what it
//! promised before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use crate::event::{Body, PricedLine};
use crate::history;
use crate::id::{Epoch, EventId, Name, Sku};
use crate::money::{Currency, Rounding};
use crate::storage::{Read, StorageError};
use crate::view::{self, EventRow, View};
use crate::voucher::{self, VoucherKind};

/// What is at stake at each location.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Rights that it holds, as far as was heard: it may have spent them, and nobody else may. At catalogue prices.
    pub rights: BTreeMap<Name, Worth>,
    /// What is open of promises that it made. Only it gives them up while it belongs to the fleet. At the prices
    /// promised.
    pub promises: BTreeMap<Name, Worth>,
}

/// Units and what they are worth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Worth {
    /// Base units.
    pub units: i64,
    /// Minor units of each currency; of what has a price.
    pub money: BTreeMap<Currency, i64>,
    /// Units without a price.
    pub unpriced: i64,
}

impl Worth {
    fn add(&mut self, units: i64, worth: Option<(Currency, i64)>) {
        self.units = self.units.saturating_add(units);
        match worth {
            Some((currency, amount)) => {
                let sum = self.money.entry(currency).or_default();
                *sum = sum.saturating_add(amount);
            }
            None => self.unpriced = self.unpriced.saturating_add(units),
        }
    }
}

/// What is at stake with the writers of some epochs. Looks at every row of stock and reads every open promise: not for
/// the engine's thread.
///
/// # Errors
/// When the store fails.
pub(super) fn of(view: &RwLock<View>, storage: &impl Read, epochs: &BTreeSet<Epoch>) -> Result<Exposure, StorageError> {
    let mut exposure = Exposure::default();
    let mut owed: Vec<(Name, Sku, EventId, i64)> = Vec::new();
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    for ((location, sku), row) in shown.stock.iter() {
        let units: i64 = epochs.iter().map(|epoch| row.rights_of(*epoch)).sum();
        if units > 0 {
            let price = shown.products.get(sku).and_then(|product| product.price);
            let worth = price.and_then(|price| price.times(units, Rounding::default()).ok());
            let worth = worth.map(|money| (money.currency, money.amount));
            let card = voucher::kind_of(sku).and_then(VoucherKind::currency).map(|currency| (currency, units));
            let worth = worth.or(card);
            exposure.rights.entry(location.clone()).or_default().add(units, worth);
        }
        let open = row.owed.iter().filter(|(_, owed)| **owed > 0);
        owed.extend(open.map(|(promise, owed)| (location.clone(), sku.clone(), *promise, *owed)));
    }
    drop(shown);
    for (location, sku, promise, units) in owed {
        if let Some(worth) = promised(view, storage, epochs, &sku, promise, units)? {
            exposure.promises.entry(location).or_default().add(units, worth);
        }
    }
    Ok(exposure)
}

/// What units of a promise are worth, where one of these epochs made it.
fn promised(
    view: &RwLock<View>,
    storage: &impl Read,
    epochs: &BTreeSet<Epoch>,
    sku: &Sku,
    promise: EventId,
    units: i64,
) -> Result<Option<Option<(Currency, i64)>>, StorageError> {
    let shown = view.read().unwrap_or_else(PoisonError::into_inner);
    let at = view::read::<EventRow>(&shown, storage, &promise)?.and_then(|row| row.counted());
    drop(shown);
    let Some((made, origin)) = at.map_or(Ok(None), |at| history::read_event(storage, at))? else { return Ok(None) };
    let Body::Promise(body) = &made.body else { return Ok(None) };
    if !epochs.contains(&origin.writer.epoch) {
        return Ok(None);
    }
    let part = part_of(body.lines.iter().filter(|line| line.sku == *sku), units);
    Ok(Some(body.currency.zip(part)))
}

/// What so many units of lines cost, in proportion.
fn part_of<'a>(lines: impl Iterator<Item = &'a PricedLine>, units: i64) -> Option<i64> {
    let (mut quantity, mut amount) = (0_i128, None);
    for line in lines {
        quantity += i128::from(line.quantity);
        if let Some(more) = line.amount {
            amount = Some(amount.unwrap_or(0_i128) + i128::from(more));
        }
    }
    let part = Rounding::default().divide(amount? * i128::from(units), quantity.max(1));
    i64::try_from(part).ok()
}
