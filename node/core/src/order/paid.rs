//! What was paid for an order, and what was paid back.

use std::collections::BTreeMap;

use super::Order;
use crate::event::{Body, Line, Promise};
use crate::id::Sku;
use crate::money::{Rounding, split};
use crate::tax;

impl Order {
    /// What was paid, in minor units: as a till recorded it, less change, and no more than was to be paid where every
    /// line has a price. Where no till recorded it: what a channel stated as the total, else what was to be paid; of a
    /// promise that had to be confirmed, what its confirmation says, or the share of what left if that is more.
    pub fn paid(&self) -> i64 {
        match &self.made.body {
            Body::Sale(sale) if !sale.tenders.is_empty() => {
                let given = sale.tenders.iter().fold(0_i64, |sum, tender| sum.saturating_add(tender.amount));
                sale.due().map_or(given, |due| given.min(due)).max(0)
            }
            Body::Promise(promise) if promise.expires_at.is_none() => promise.paid(),
            Body::Promise(promise) => self.paid_with_confirmation(promise).max(self.paid_for(&self.fulfilled_lines())),
            _ => self.total(),
        }
    }

    /// Of what copies of its maker say, the least counts; the whole where none says how much, and nothing before.
    fn paid_with_confirmation(&self, promise: &Promise) -> i64 {
        if !self.is_confirmed() {
            return 0;
        }
        let said = self.confirmations().filter_map(|confirmation| confirmation.paid);
        said.map(|paid| paid.amount).min().unwrap_or_else(|| promise.paid())
    }

    /// What left for a promise, as far as it was promised.
    pub(crate) fn fulfilled_lines(&self) -> Vec<Line> {
        let left = self.quantities().into_iter();
        let left = left.map(|(sku, of)| Line { sku, quantity: of.fulfilled.min(of.ordered) });
        left.filter(|line| line.quantity > 0).collect()
    }

    /// What counts as paid for a part of a promise, in minor units: of each line's share of the whole, with what of
    /// discounts, charges and taxes falls to it, as much as of its units; the whole for all of them. Where nothing has
    /// a price, by units.
    pub fn paid_for(&self, part: &[Line]) -> i64 {
        let Body::Promise(promise) = &self.made.body else { return self.total() };
        let units = units_in(promise, part);
        let ordered = promise.lines.iter().map(|line| line.quantity);
        let all: i64 = ordered.clone().fold(0, i64::saturating_add);
        if units.iter().copied().fold(0, i64::saturating_add) >= all {
            return promise.paid();
        }
        let dues = dues(promise);
        let whole: i128 = dues.iter().copied().map(i128::from).sum();
        let weights: Vec<i64> = if whole > 0 { dues } else { ordered.clone().collect() };
        let of = |(weight, (units, ordered)): (i64, (i64, i64))| {
            Rounding::HalfUp.divide(i128::from(weight) * i128::from(units), i128::from(ordered.max(1)))
        };
        let whole: i128 = weights.iter().copied().map(i128::from).sum();
        let share: i128 = weights.into_iter().zip(units.into_iter().zip(ordered)).map(of).sum();
        let paid = Rounding::HalfUp.divide(i128::from(promise.paid()) * share.max(0), whole.max(1));
        i64::try_from(paid).unwrap_or(i64::MAX).min(promise.paid())
    }

    /// Whether something was paid for it, or is taken for paid: nothing was for a reservation that nobody confirmed,
    /// unless its goods left.
    pub fn was_paid(&self) -> bool {
        self.is_confirmed() || self.quantities().values().any(|of| of.fulfilled != 0)
    }

    /// What was paid back, in minor units; as much as 64 bits hold where a hostile node says more.
    pub fn refunded(&self) -> i64 {
        let refunds = self.later.iter().filter_map(|(event, _)| match &event.body {
            Body::Refund(refund) => Some(&refund.tenders),
            _ => None,
        });
        refunds.flatten().fold(0, |sum: i64, tender| sum.saturating_add(tender.amount))
    }
}

/// What each line comes to, with what of discounts and charges falls to it, and the tax that is added for it.
fn dues(promise: &Promise) -> Vec<i64> {
    let nets = tax::spread(&promise.lines, &promise.adjustments);
    let Some(tax) = promise.tax.as_ref().filter(|tax| !tax.inclusive) else { return nets };
    let mut dues = nets.clone();
    for (number, part) in tax.parts.iter().enumerate() {
        let is_its = |place: usize| tax.lines.get(place).is_some_and(|of| usize::from(*of) == number);
        let weights: Vec<u64> =
            nets.iter().enumerate().map(|(place, net)| if is_its(place) { net.unsigned_abs() } else { 0 }).collect();
        let taxes = split(part.tax, &weights).unwrap_or_default();
        dues.iter_mut().zip(taxes).for_each(|(due, tax)| *due = due.saturating_add(tax));
    }
    dues
}

/// How many units of each line of a promise a part of it has: lines of one SKU are filled one after the other.
fn units_in(promise: &Promise, part: &[Line]) -> Vec<i64> {
    let mut left: BTreeMap<&Sku, i64> = BTreeMap::new();
    for line in part {
        let sum = left.entry(&line.sku).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    let mut units = Vec::new();
    for line in &promise.lines {
        let left = left.entry(&line.sku).or_default();
        let taken = line.quantity.min(*left).max(0);
        *left -= taken;
        units.push(taken);
    }
    units
}
