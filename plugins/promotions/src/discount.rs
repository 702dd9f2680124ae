//! The arithmetic: what one promotion takes off what the ones before it have left.

use std::cmp::Ordering;

use tillmesh_plugin::pricing::{
    BuyXGetY, Cart, CartLine, FixedAmount, FixedScope, Percentage, Promotion, PromotionKind, Target,
};

use crate::rounding::{divide, narrow, split};

/// The whole in basis points.
const WHOLE: u128 = 10_000;

/// What is left of each line's amount.
pub(crate) struct Remaining<'a> {
    cart: &'a Cart,
    amounts: Vec<u64>,
}

/// How much is taken off which line, by its place in the cart.
pub(crate) type Discounts = Vec<(usize, u64)>;

impl<'a> Remaining<'a> {
    pub(crate) fn new(cart: &'a Cart) -> Self {
        Self { cart, amounts: cart.lines.iter().map(|line| u64::try_from(line.amount).unwrap_or(0)).collect() }
    }

    /// Takes off what a promotion takes off: how much of which line, above 0, by the lines' order.
    pub(crate) fn take_off(&mut self, promotion: &Promotion) -> Discounts {
        let mut discounts = match &promotion.kind {
            PromotionKind::Percentage(percentage) => self.percentage(&promotion.target, percentage),
            PromotionKind::FixedAmount(fixed) => self.fixed_amount(&promotion.target, fixed),
            PromotionKind::BuyXGetY(deal) => self.buy_x_get_y(&promotion.target, deal),
        };
        for (index, discount) in &mut discounts {
            *discount = (*discount).min(self.amounts[*index]);
            self.amounts[*index] -= *discount;
        }
        discounts.retain(|(_, discount)| *discount > 0);
        discounts
    }

    fn percentage(&self, target: &Target, percentage: &Percentage) -> Discounts {
        // An amount of at most 10^15 times at most 10^4 fits 64 bits.
        let share = u64::from(percentage.basis_points);
        let exact = |index: usize| u128::from(self.amounts[index] * share);
        self.lines_of(target).map(|index| (index, narrow(divide(exact(index), WHOLE, self.cart.rounding)))).collect()
    }

    fn fixed_amount(&self, target: &Target, fixed: &FixedAmount) -> Discounts {
        let amount = u64::try_from(fixed.amount.amount).unwrap_or(0);
        let lines: Vec<usize> = self.lines_of(target).collect();
        if fixed.per == FixedScope::Unit {
            let each = |index: usize| narrow(u128::from(amount) * u128::from(self.quantity(index)));
            return lines.iter().map(|index| (*index, each(*index))).collect();
        }
        let weights: Vec<u64> = lines.iter().map(|index| self.amounts[*index]).collect();
        let left: u64 = weights.iter().sum();
        if left == 0 {
            return Vec::new();
        }
        lines.into_iter().zip(split(amount.min(left), &weights)).collect()
    }

    fn buy_x_get_y(&self, target: &Target, deal: &BuyXGetY) -> Discounts {
        let (buy, get) = (u64::from(deal.buy), u64::from(deal.get));
        let reward = deal.reward.as_ref().unwrap_or(target);
        let rewarded: Vec<usize> = self.cheapest_first(reward);
        let times = if deal.reward.is_some() {
            let bought = self.lines_of(target).filter(|index| !rewarded.contains(index));
            self.units(bought) / buy
        } else {
            self.units(rewarded.iter().copied()) / (buy + get)
        };
        let times = deal.times.map_or(times, |most| times.min(u64::from(most)));
        self.cheapen(&rewarded, times * get, u128::from(deal.basis_points))
    }

    /// Takes a share off the first `units` units of the lines.
    fn cheapen(&self, lines: &[usize], mut units: u64, share: u128) -> Discounts {
        let mut discounts = Vec::new();
        for index in lines {
            let quantity = self.quantity(*index);
            let cheaper = units.min(quantity);
            units -= cheaper;
            let exact = u128::from(self.amounts[*index]) * u128::from(cheaper) * share;
            discounts.push((*index, narrow(divide(exact, u128::from(quantity) * WHOLE, self.cart.rounding))));
        }
        discounts.sort_by_key(|(index, _)| *index);
        discounts
    }

    /// The lines of a target, the ones whose unit costs least first; the cart's order decides among equals.
    fn cheapest_first(&self, target: &Target) -> Vec<usize> {
        let mut lines: Vec<usize> = self.lines_of(target).collect();
        lines.sort_by(|left, right| self.compare_units(*left, *right));
        lines
    }

    /// Compares what a unit costs without dividing: a/b < c/d when a*d < c*b.
    fn compare_units(&self, left: usize, right: usize) -> Ordering {
        let cross = |one: usize, other: usize| u128::from(self.amounts[one]) * u128::from(self.quantity(other));
        cross(left, right).cmp(&cross(right, left))
    }

    fn lines_of<'t>(&'t self, target: &'t Target) -> impl Iterator<Item = usize> {
        let matching = move |(index, line): (usize, &CartLine)| covers(target, line).then_some(index);
        self.cart.lines.iter().enumerate().filter_map(matching)
    }

    fn units(&self, lines: impl Iterator<Item = usize>) -> u64 {
        lines.map(|index| self.quantity(index)).sum()
    }

    fn quantity(&self, index: usize) -> u64 {
        self.cart.lines[index].quantity
    }
}

fn covers(target: &Target, line: &CartLine) -> bool {
    let listed = |list: &[String], text: &Option<String>| text.as_ref().is_some_and(|text| list.contains(text));
    match target {
        Target::Everything => true,
        Target::Skus(skus) => skus.contains(&line.sku),
        Target::Categories(categories) => listed(categories, &line.category),
        Target::Departments(departments) => listed(departments, &line.department),
    }
}
