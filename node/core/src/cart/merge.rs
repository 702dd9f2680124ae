//! What of one cart goes on in another: a guest's cart once the customer has said who she is.

use std::collections::BTreeMap;

use super::{CartLine, CartRow};
use crate::id::Sku;

/// How much of a SKU the cart has in the end that takes the lines of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergePolicy {
    /// What both held together.
    Sum,
    /// What the one held that held more.
    Max,
    /// What it held itself; of what it did not hold, what the other held.
    Keep,
}

/// How much of a line goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<'a> {
    /// The line.
    pub line: &'a CartLine,
    /// How much of it, above zero.
    pub quantity: i64,
}

/// What of a cart's lines goes on in another one, oldest first.
pub fn shares<'a>(from: &'a CartRow, into: &CartRow, policy: MergePolicy) -> Vec<Share<'a>> {
    let (there, mut left) = (sums(into), sums(from));
    for (sku, left) in &mut left {
        let held = there.get(sku).copied().unwrap_or_default();
        *left = match policy {
            MergePolicy::Sum => *left,
            MergePolicy::Max => left.saturating_sub(held).max(0),
            MergePolicy::Keep if held > 0 => 0,
            MergePolicy::Keep => *left,
        };
    }
    let share = |line: &'a CartLine| {
        let left = left.get_mut(&line.sku)?;
        let quantity = line.quantity.min(*left);
        *left -= quantity;
        (quantity > 0).then_some(Share { line, quantity })
    };
    from.lines().into_iter().map(|(_, line)| line).filter_map(share).collect()
}

fn sums(row: &CartRow) -> BTreeMap<Sku, i64> {
    let mut sums: BTreeMap<Sku, i64> = BTreeMap::new();
    for (_, line) in row.lines() {
        let sum = sums.entry(line.sku.clone()).or_default();
        *sum = sum.saturating_add(line.quantity);
    }
    sums
}

#[cfg(test)]
mod tests;
