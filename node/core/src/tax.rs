//! Taxes on sales: integers of minor units, rates in millionths.
//!
//! Discounts are spread over the lines first, so that each rate gets its share of them; what is taxed alike is added up
//! and its tax rounded once. A part's taxable amount and its tax always add up to what is to be paid for it.

use std::collections::BTreeMap;

use crate::event::{Body, PriceAdjustment, PricedLine, ReturnLine, SaleTax, TaxPart};
use crate::id::Name;
use crate::money::{Rounding, split};
use crate::order::Order;
use crate::time::BusinessDate;

/// One as a rate: 100 %.
pub const WHOLE: u32 = 1_000_000;
/// The highest rate: 1000 %.
pub const MAX_RATE: u32 = 10 * WHOLE;

/// How a node taxes what it sells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taxes {
    /// Whether prices hold the tax; else it is added to them.
    pub inclusive: bool,
    /// The rates. None: nothing is taxed, and sales say nothing of taxes.
    pub rates: Vec<Rate>,
    /// The smallest coin in minor units, to which cash is rounded.
    pub smallest_coin: Option<u32>,
}

/// A rate of a tax class from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// The class of products.
    pub class: Name,
    /// In millionths.
    pub rate: u32,
    /// The first day of trade that it holds on.
    pub from: BusinessDate,
}

/// Reads a rate written in percent with up to four decimals, such as `19` or `5.5`.
///
/// # Errors
/// When it is none, in words.
pub fn read_percent(text: &str) -> Result<u32, String> {
    let rule = || "it must be a percentage from 0 to 1000 with up to 4 decimals, such as 5.5".to_owned();
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 4) || !digits(decimals, 4) {
        return Err(rule());
    }
    let rate: u32 = format!("{whole}{decimals:0<4}").parse().map_err(|_| rule())?;
    if rate > MAX_RATE { Err(rule()) } else { Ok(rate) }
}

/// A rate in percent, as [`read_percent`] takes it.
pub fn percent(rate: u32) -> String {
    let (whole, decimals) = (rate / 10_000, rate % 10_000);
    if decimals == 0 { whole.to_string() } else { format!("{whole}.{decimals:04}").trim_end_matches('0').to_owned() }
}

impl Taxes {
    /// The rate of a class on a day: the latest that has begun.
    pub fn rate(&self, class: &Name, date: BusinessDate) -> Option<u32> {
        let begun = self.rates.iter().filter(|rate| rate.class == *class && rate.from <= date);
        begun.max_by_key(|rate| rate.from).map(|rate| rate.rate)
    }

    /// The tax on what lines cost, discounts spread over them; none where no rates are set. What has no class, or one
    /// without a rate, is not taxed and says so in a part of its own.
    pub fn on(
        &self,
        nets: impl Iterator<Item = (Option<Name>, i64)>,
        date: BusinessDate,
        rounding: Rounding,
    ) -> Option<SaleTax> {
        if self.rates.is_empty() {
            return None;
        }
        let mut sums: BTreeMap<(Option<Name>, u32), i64> = BTreeMap::new();
        let mut keys = Vec::new();
        for (class, net) in nets {
            let rated = class.and_then(|class| self.rate(&class, date).map(|rate| (class, rate)));
            let key = rated.map_or((None, 0), |(class, rate)| (Some(class), rate));
            *sums.entry(key.clone()).or_default() += net;
            keys.push(key);
        }
        let place = |key| sums.keys().position(|other| *other == key).and_then(|place| u16::try_from(place).ok());
        let lines = keys.into_iter().filter_map(place).collect();
        let parts = sums.into_iter().map(|((class, rate), net)| self.part(class, rate, net, rounding)).collect();
        Some(SaleTax { inclusive: self.inclusive, parts, lines })
    }

    fn part(&self, class: Option<Name>, rate: u32, net: i64, rounding: Rounding) -> TaxPart {
        let exact = i128::from(net) * i128::from(rate);
        let divisor = if self.inclusive { i128::from(WHOLE) + i128::from(rate) } else { i128::from(WHOLE) };
        let tax = i64::try_from(rounding.divide(exact, divisor)).unwrap_or_default();
        TaxPart { class, rate, taxable: if self.inclusive { net - tax } else { net }, tax }
    }

    /// What rounding to the smallest coin adds to what is to be paid in cash.
    pub fn rounding(&self, due: i64) -> i64 {
        let Some(coin) = self.smallest_coin.map(i64::from).filter(|coin| *coin > 1) else { return 0 };
        let coins = Rounding::HalfUp.divide(i128::from(due), i128::from(coin));
        i64::try_from(coins * i128::from(coin)).map_or(0, |rounded| rounded - due)
    }
}

/// What each line costs with discounts and charges spread over the lines: those of one line stay there as far as it
/// goes, the others are split by what the lines cost. The parts add up to the total, and none is below zero where the
/// total is not.
pub fn spread(lines: &[PricedLine], adjustments: &[PriceAdjustment]) -> Vec<i64> {
    let mut nets: Vec<i64> = lines.iter().map(|line| line.amount.unwrap_or_default()).collect();
    let mut shared = 0_i64;
    for adjustment in adjustments {
        let line = adjustment.line.and_then(|line| usize::try_from(line).ok());
        match line.and_then(|line| nets.get_mut(line)) {
            Some(net) => *net = net.saturating_add(adjustment.amount),
            None => shared = shared.saturating_add(adjustment.amount),
        }
    }
    for net in nets.iter_mut().filter(|net| **net < 0) {
        shared = shared.saturating_add(*net);
        *net = 0;
    }
    share(&mut nets, shared);
    nets
}

fn share(nets: &mut [i64], shared: i64) {
    let weights: Vec<u64> = nets.iter().map(|net| net.unsigned_abs()).collect();
    match split(shared, &weights) {
        Some(parts) => nets.iter_mut().zip(parts).for_each(|(net, part)| *net = net.saturating_add(part)),
        // Nothing costs anything: the first line takes it.
        None => nets.iter_mut().take(1).for_each(|net| *net = net.saturating_add(shared)),
    }
}

/// What of a part of an order's tax earlier refunds left.
struct Rest {
    /// What was to be paid for the part.
    whole: i64,
    /// What was paid back of it.
    back: i64,
    /// What of that was tax.
    tax_back: i64,
}

impl Rest {
    fn of(order: &Order, part: &TaxPart) -> Self {
        let refunds = order.later.iter().filter_map(|(event, _)| match &event.body {
            Body::Refund(refund) => refund.taxes.as_ref(),
            _ => None,
        });
        let (mut back, mut tax_back) = (0_i64, 0_i64);
        for earlier in refunds.flatten().filter(|it| it.class == part.class && it.rate == part.rate) {
            back = back.saturating_add(earlier.taxable).saturating_add(earlier.tax);
            tax_back = tax_back.saturating_add(earlier.tax);
        }
        Self { whole: part.taxable.saturating_add(part.tax).max(0), back, tax_back }
    }

    fn left(&self) -> i64 {
        self.whole.saturating_sub(self.back).max(0)
    }

    /// The tax in a further share, so that all shares of the part add up to its tax.
    fn tax_of(&self, share: i64, tax: i64) -> i64 {
        let exact = (i128::from(self.back) + i128::from(share)) * i128::from(tax);
        let until_now = Rounding::HalfUp.divide(exact, i128::from(self.whole.max(1)));
        i64::try_from(until_now).unwrap_or_default().saturating_sub(self.tax_back).clamp(0, share)
    }
}

/// What of a sum that is paid back was for which rate: split by what the goods that came back had cost at each, as far
/// as earlier refunds left so much of it, and the rest by what they left of the whole order. What rounding of cash
/// added is for no rate, so whoever pays all back pays all taxes back.
pub fn of_refund(order: &Order, returned: &[ReturnLine], sum: i64) -> Option<Vec<TaxPart>> {
    let tax = order.tax()?;
    let rests: Vec<Rest> = tax.parts.iter().map(|part| Rest::of(order, part)).collect();
    let left = rests.iter().fold(0_i64, |sum, rest| sum.saturating_add(rest.left()));
    let due = order.total().saturating_add(order.rounding().unwrap_or_default());
    let sum = if order.refunded().saturating_add(sum) >= due { left } else { sum.min(left) };
    let shares = shares(sum, &costs(order, tax, returned), &rests);
    let back = |((part, rest), share): ((&TaxPart, &Rest), i64)| {
        let tax = rest.tax_of(share, part.tax);
        TaxPart { taxable: share - tax, tax, ..part.clone() }
    };
    let parts = tax.parts.iter().zip(&rests).zip(shares).filter(|(_, share)| *share != 0);
    Some(parts.map(back).collect())
}

/// Splits a sum by what goods cost, none above what its part has left; what that leaves is split by what is left.
fn shares(sum: i64, costs: &[u64], rests: &[Rest]) -> Vec<i64> {
    let by_cost = split(sum, costs).unwrap_or_else(|| vec![0; rests.len()]);
    let mut shares: Vec<i64> = by_cost.into_iter().zip(rests).map(|(share, rest)| share.min(rest.left())).collect();
    let lefts: Vec<u64> = rests.iter().zip(&shares).map(|(rest, share)| (rest.left() - share).unsigned_abs()).collect();
    let more = split(sum - shares.iter().sum::<i64>(), &lefts).unwrap_or_default();
    shares.iter_mut().zip(more).for_each(|(share, more)| *share += more);
    shares
}

/// What the goods that came back had cost, by the parts of the order's tax, in thousandths.
fn costs(order: &Order, tax: &SaleTax, returned: &[ReturnLine]) -> Vec<u64> {
    let mut costs = vec![0_u64; tax.parts.len()];
    let nets = spread(order.lines(), order.adjustments());
    for back in returned {
        let mut left = back.quantity.unsigned_abs();
        for ((line, net), part) in order.lines().iter().zip(&nets).zip(&tax.lines) {
            let units = line.quantity.unsigned_abs().min(left);
            if line.sku != back.sku || units == 0 {
                continue;
            }
            left -= units;
            let cost =
                i128::from(*net).unsigned_abs() * 1_000 * u128::from(units) / u128::from(line.quantity.unsigned_abs());
            if let Some(sum) = costs.get_mut(usize::from(*part)) {
                *sum = sum.saturating_add(u64::try_from(cost).unwrap_or(u64::MAX));
            }
        }
    }
    costs
}

#[cfg(test)]
mod tests;
