//! Which of several orders of one cart stands first, where more than one was made after all.

use super::token::author_of;
use super::{AddId, CartRow, Checkout};

/// The orders that came of a cart and its forks. All of them are paid and stay; of the others than the first, a person
/// decides whether to void, refund or keep them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// The one that stands.
    pub winner: Option<Checkout>,
    /// The others, in the order in which they would have stood.
    pub losers: Vec<Checkout>,
}

/// Puts the checkouts of a cart and of its forks in order: the token holder's comes first, then causal order, then the
/// nodes' names. `forks` are the rows of [`CartRow::forks`], as far as they are known.
pub fn checkouts<'a>(row: &'a CartRow, forks: impl IntoIterator<Item = &'a CartRow>) -> Settled {
    let of_forks = forks.into_iter().flat_map(|fork| fork.checkouts.iter());
    let mut all = ranked(row, of_forks).into_iter().map(|(_, checkout)| checkout.clone());
    Settled { winner: all.next(), losers: all.collect() }
}

impl CartRow {
    /// The checkout that stands, with its key.
    pub(super) fn first_checkout(&self) -> Option<Keyed<'_>> {
        ranked(self, std::iter::empty()).into_iter().next()
    }
}

/// A checkout with its key.
type Keyed<'a> = (&'a AddId, &'a Checkout);

fn ranked<'a>(row: &'a CartRow, others: impl Iterator<Item = Keyed<'a>>) -> Vec<Keyed<'a>> {
    let holder = row.token().map(|token| token.holder.epoch);
    let is_holders = |(key, _): &Keyed<'_>| holder.is_some() && author_of(key) == holder;
    let (held, rest): (Vec<_>, Vec<_>) = row.checkouts.iter().partition(is_holders);
    [causally(held), causally(rest.into_iter().chain(others).collect())].concat()
}

/// Who knew of another comes after it; of those who knew nothing of each other, the node's name decides. Where liars
/// claim to have known each other, the name decides too.
fn causally(mut rest: Vec<Keyed<'_>>) -> Vec<Keyed<'_>> {
    rest.sort_by(|(_, one), (_, other)| (&one.node, one.order).cmp(&(&other.node, other.order)));
    let mut ordered = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let knows = |one: &Checkout, other: &Checkout| other.order != one.order && one.seen.contains(&other.order);
        let first = rest.iter().position(|(_, one)| !rest.iter().any(|(_, other)| knows(one, other)));
        ordered.push(rest.remove(first.unwrap_or_default()));
    }
    ordered
}

#[cfg(test)]
mod tests;
