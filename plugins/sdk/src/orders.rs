//! Which orders a partner placed, and of what: the last ones, in the plugin's state.
//!
//! A node counts an order once under its number. One that is to replace an earlier form of it would change nothing
//! there, and nobody would hear of it: here it is refused. One that comes again as it was is no news, and one that uses
//! a number again for other goods is logged.

use std::collections::BTreeMap;

use crate::inbound::PlaceOrder;
use crate::state::{NodeState, Store as _};
use crate::{Failure, Line, LineContent, failure, log};

/// How many orders are remembered. Each takes 24 bytes, and a plugin's state has 64 KiB.
const REMEMBERED: usize = 1_000;
/// Sixteen digits for the number, eight for the goods.
const ENTRY: usize = 24;

const KEY: &str = "orders";

/// The orders that were placed so far.
#[derive(Debug, Default)]
pub struct Orders {
    /// An entry after the other, the oldest first; none: nobody asked yet.
    entries: Option<String>,
    has_new: bool,
}

impl Orders {
    /// Takes note of an order, and whether the partner says that it replaces an earlier form. `at` says where in the
    /// message its number is.
    ///
    /// # Errors
    /// `rejected` where it replaces one that was placed before, of other goods.
    pub fn place(&mut self, at: &str, order: &PlaceOrder, replaces: bool) -> Result<(), Failure> {
        let goods = goods(&order.lines);
        let is_same = self.goods_of(&order.reference).map(|known| known == goods);
        match is_same {
            Some(true) => Ok(()),
            Some(false) if replaces => {
                let rule = "it replaces an order that is placed already, of other goods: this plugin changes no orders";
                Err(failure::rejected(at, &order.reference, rule))
            }
            Some(false) => {
                log::warn(&format!(
                    "{at}: the order {} is placed already, of other goods: they count",
                    order.reference
                ));
                Ok(())
            }
            None => {
                let entries = self.entries.get_or_insert_default();
                entries.push_str(&number(&order.reference));
                entries.push_str(&goods);
                let surplus = entries.len().saturating_sub(REMEMBERED * ENTRY);
                entries.drain(..surplus);
                self.has_new = true;
                Ok(())
            }
        }
    }

    /// Whether the order that is placed under a number is one of other goods than these: nobody holds these.
    pub fn has_other(&mut self, reference: &str, lines: &[Line]) -> bool {
        let goods = goods(lines);
        self.goods_of(reference).is_some_and(|known| known != goods)
    }

    /// What the order of a number is of; none: there is none of this number.
    fn goods_of(&mut self, reference: &str) -> Option<&str> {
        let (number, entries) = (number(reference), self.entries.get_or_insert_with(load));
        let entry = |at: usize| entries.get(at * ENTRY..(at + 1) * ENTRY);
        (0..entries.len() / ENTRY).filter_map(entry).find_map(|entry| entry.strip_prefix(number.as_str()))
    }

    /// Keeps what is new for later messages.
    ///
    /// # Errors
    /// `retry` where the plugin's state has no room for it.
    pub fn keep(self) -> Result<(), Failure> {
        match self.entries {
            Some(entries) if self.has_new => store(&entries),
            _ => Ok(()),
        }
    }
}

fn number(reference: &str) -> String {
    format!("{:016x}", hash(reference.as_bytes()))
}

/// What an order is of: how much of which article, however its lines are arranged.
fn goods(lines: &[Line]) -> String {
    let mut goods: BTreeMap<&str, u64> = BTreeMap::new();
    for line in lines {
        let (LineContent::Sku(name) | LineContent::Charge(name)) = &line.content;
        let total = goods.entry(name).or_default();
        *total = total.saturating_add(line.quantity);
    }
    let text: String = goods.iter().map(|(name, quantity)| format!("{name}\n{quantity}\n")).collect();
    format!("{:08x}", hash(text.as_bytes()) >> 32)
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): short, and a partner who looks for collisions misleads only himself.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn load() -> String {
    let kept = NodeState.read(KEY).and_then(|bytes| String::from_utf8(bytes).ok());
    kept.filter(|entries| entries.is_ascii() && entries.len() % ENTRY == 0).unwrap_or_default()
}

fn store(entries: &str) -> Result<(), Failure> {
    if NodeState.write(KEY, entries.as_bytes()) {
        return Ok(());
    }
    Err(failure::retry(KEY, "", "the plugin's state has no room for it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StatedTotals;

    fn order(number: &str, goods: &[(&str, u64)]) -> PlaceOrder {
        let line = |(sku, quantity): &(&str, u64)| Line {
            content: LineContent::Sku((*sku).to_owned()),
            quantity: *quantity,
            unit_price: None,
            amount: None,
        };
        PlaceOrder {
            reference: number.to_owned(),
            lines: goods.iter().map(line).collect(),
            customer_ref: None,
            currency: "EUR".to_owned(),
            stated: StatedTotals {
                subtotal: None,
                discount: None,
                tax: None,
                tax_included: false,
                shipping: None,
                total: None,
            },
            placed_at: 0,
            location: None,
        }
    }

    #[test]
    fn an_order_that_comes_again_is_no_news_and_one_that_replaces_it_by_other_goods_is_refused() {
        let mut orders = Orders::default();
        orders.place("BEG03", &order("1", &[("TEA", 2), ("POT", 1), ("TEA", 1)]), false).unwrap();
        orders.place("BEG03", &order("2", &[("TEA", 2)]), true).unwrap();
        assert_eq!(orders.place("BEG03", &order("1", &[("POT", 1), ("TEA", 3)]), true), Ok(()));
        assert_eq!(orders.place("BEG03", &order("1", &[("POT", 1)]), false), Ok(()), "what came first counts");
        let has_other = |goods, orders: &mut Orders| orders.has_other("1", &order("1", goods).lines);
        assert!(has_other(&[("POT", 1)], &mut orders) && !has_other(&[("POT", 1), ("TEA", 3)], &mut orders));
        assert!(!orders.has_other("3", &[]), "there is none of this number");
        for other in [order("1", &[("POT", 1), ("TEA", 2)]), order("2", &[("POT", 2)])] {
            let refused = orders.place("BEG03", &other, true);
            assert!(
                matches!(&refused, Err(Failure::Rejected(detail)) if detail.value == other.reference),
                "{refused:?}"
            );
        }
        assert_eq!(orders.entries.as_deref().map(str::len), Some(2 * ENTRY));
    }

    #[test]
    fn the_oldest_orders_are_forgotten() {
        let mut orders = Orders::default();
        for number in 0..=REMEMBERED {
            orders.place("BEG03", &order(&number.to_string(), &[("TEA", 1)]), false).unwrap();
        }
        assert_eq!(orders.entries.as_deref().map(str::len), Some(REMEMBERED * ENTRY));
        assert!(orders.place("BEG03", &order("1", &[("POT", 1)]), true).is_err());
        assert_eq!(orders.place("BEG03", &order("0", &[("POT", 1)]), true), Ok(()));
    }
}
