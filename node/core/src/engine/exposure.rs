//! What is at stake with a node that may not come back: what it may have promised, taken of vouchers and paid back
//! since it was last heard, and what it promised before.

mod refunds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};

use crate::event::{Body, PricedLine};
use crate::history;
use crate::id::{Epoch, EventId, Name, Sku};
use crate::money::{Currency, Rounding};
use crate::storage::{Read, StorageError};
use crate::view::{self, EventRow, View};
use crate::voucher::{self, VoucherKind};

pub(super) use refunds::RefundRights;

/// What is at stake at each location.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exposure {
    /// Rights to goods that it holds, as far as was heard: it may have spent them, and nobody else may. At catalogue
    /// prices.
    pub rights: BTreeMap<Name, Worth>,
    /// Rights to vouchers that it holds, by the location of the vouchers' ledgers.
    pub vouchers: BTreeMap<Name, VouchersHeld>,
    /// Rights to pay back that it holds, by the location of the orders: of those that it made or paid back for.
    pub refunds: BTreeMap<Name, Repayable>,
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

/// What somebody may take of vouchers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VouchersHeld {
    /// How many gift cards.
    pub cards: u64,
    /// Minor units of their balances, by currency.
    pub money: BTreeMap<Currency, i64>,
    /// How many coupons.
    pub coupons: u64,
    /// How often these.
    pub uses: i64,
}

impl VouchersHeld {
    fn add(&mut self, kind: VoucherKind, units: i64) {
        match kind {
            VoucherKind::Coupon => {
                self.coupons += 1;
                self.uses = self.uses.saturating_add(units);
            }
            VoucherKind::GiftCard(currency) => {
                self.cards += 1;
                add(&mut self.money, currency, units);
            }
        }
    }
}

/// What somebody may pay back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repayable {
    /// For how many orders.
    pub orders: u64,
    /// Minor units, by currency.
    pub money: BTreeMap<Currency, i64>,
}

fn add(sums: &mut BTreeMap<Currency, i64>, currency: Currency, amount: i64) {
    let sum = sums.entry(currency).or_default();
    *sum = sum.saturating_add(amount);
}

impl Worth {
    fn add(&mut self, units: i64, worth: Option<(Currency, i64)>) {
        self.units = self.units.saturating_add(units);
        match worth {
            Some((currency, amount)) => add(&mut self.money, currency, amount),
            None => self.unpriced = self.unpriced.saturating_add(units),
        }
    }
}

/// What is at stake with the writers of some epochs, but for what they may pay back ([`RefundRights`]). Looks at every
/// row of stock and reads every open promise: not for the engine's thread.
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
            exposure.hold(&shown, location, sku, units);
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

impl Exposure {
    fn hold(&mut self, view: &View, location: &Name, sku: &Sku, units: i64) {
        if let Some(kind) = voucher::kind_of(sku) {
            return self.vouchers.entry(location.clone()).or_default().add(kind, units);
        }
        let price = view.products.get(sku).and_then(|product| product.price);
        let worth = price.and_then(|price| price.times(units, Rounding::default()).ok());
        let worth = worth.map(|money| (money.currency, money.amount));
        self.rights.entry(location.clone()).or_default().add(units, worth);
    }
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
