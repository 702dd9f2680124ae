use super::*;
use crate::cart::{Added, write};
use crate::document::LINES;
use crate::tests::{NOON, name, sku};

fn cart(lines: &[(&str, i64)]) -> CartRow {
    let mut row = CartRow::default();
    for (number, (what, quantity)) in lines.iter().enumerate() {
        let (unit_price, node) = (None, name("till"));
        let added_at = NOON.plus_millis(i64::try_from(number).unwrap());
        let line = CartLine { sku: sku(what), quantity: *quantity, unit_price, added_at, node, clerk: None };
        row.apply(LINES, &number.to_string(), &write(&Added::Line(line)));
    }
    row
}

fn moved(policy: MergePolicy) -> Vec<(String, i64)> {
    let (from, into) = (cart(&[("milk", 2), ("tea", 1), ("milk", 3), ("salt", 1)]), cart(&[("milk", 4), ("tea", 7)]));
    let shares = shares(&from, &into, policy);
    shares.iter().map(|share| (share.line.sku.to_string(), share.quantity)).collect()
}

fn lines(lines: &[(&str, i64)]) -> Vec<(String, i64)> {
    lines.iter().map(|(what, quantity)| ((*what).to_owned(), *quantity)).collect()
}

#[test]
fn a_sum_takes_every_line_over() {
    assert_eq!(moved(MergePolicy::Sum), lines(&[("milk", 2), ("tea", 1), ("milk", 3), ("salt", 1)]));
}

#[test]
fn a_maximum_takes_over_what_the_other_held_more() {
    assert_eq!(moved(MergePolicy::Max), lines(&[("milk", 1), ("salt", 1)]));
}

#[test]
fn keeping_takes_over_only_what_was_not_held_at_all() {
    assert_eq!(moved(MergePolicy::Keep), lines(&[("salt", 1)]));
}
