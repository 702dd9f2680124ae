use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::cart::{Begun, Checkout, Removal, continuation_of, write};
use crate::document::{CHECKOUTS, LINES, REMOVALS};
use crate::id::{CartId, EventId};
use crate::tests::{NOON, name, sku};

fn writer(number: u8) -> Writer {
    Writer { node: name(&format!("node-{number}")), epoch: Epoch::from_bytes([number; 10]) }
}

fn key(author: u8, number: usize) -> AddId {
    format!("{}-boot-{number}", writer(author).epoch).into()
}

fn begun(row: &mut CartRow, author: u8) {
    let begun = Begun { channel: name("web"), node: writer(author).node, at: NOON };
    row.apply(LINES, &key(author, 0), &write(&Added::Begun(begun)));
}

fn given(after: Option<AddId>, to: u8) -> Added {
    Added::HandOver(HandOver { after, to: writer(to), heads: Vec::new(), at: NOON })
}

fn give(row: &mut CartRow, entry: AddId, after: Option<AddId>, to: u8) {
    row.apply(LINES, &entry, &write(&given(after, to)));
}

fn holder(row: &CartRow) -> Option<Writer> {
    row.token().map(|token| token.holder)
}

#[test]
fn who_begins_a_cart_holds_its_token_and_hands_it_on() {
    let mut row = CartRow::default();
    assert_eq!(holder(&row), None);
    begun(&mut row, 1);
    assert_eq!(holder(&row), Some(writer(1)));
    give(&mut row, key(1, 1), None, 2);
    give(&mut row, key(2, 0), Some(key(1, 1)), 3);
    assert_eq!(holder(&row), Some(writer(3)));
    give(&mut row, key(3, 0), Some(key(2, 0)), 1);
    assert!(row.is_held_by(&writer(1)), "it may come back");
}

#[test]
fn nobody_gives_away_what_others_hold() {
    let mut row = CartRow::default();
    begun(&mut row, 1);
    give(&mut row, key(2, 0), None, 2);
    assert_eq!(holder(&row), Some(writer(1)), "a thief names itself");
    give(&mut row, key(1, 1), None, 3);
    give(&mut row, key(1, 2), Some(key(1, 1)), 1);
    assert_eq!(holder(&row), Some(writer(3)), "who gave it away takes it back");
}

#[test]
fn of_two_hand_overs_of_one_token_the_same_counts_everywhere() {
    let (mut one, mut other) = (CartRow::default(), CartRow::default());
    for (row, order) in [(&mut one, [1, 2]), (&mut other, [2, 1])] {
        begun(row, 1);
        order.into_iter().for_each(|number| give(row, key(1, number), None, 2 + u8::try_from(number).unwrap()));
    }
    assert_eq!(holder(&one), Some(writer(3)));
    assert_eq!(one, other);
}

#[test]
fn a_hand_over_cannot_be_removed() {
    let mut row = CartRow::default();
    begun(&mut row, 1);
    give(&mut row, key(1, 1), None, 2);
    row.apply(REMOVALS, &key(1, 2), &write(&Removal { add_ids: vec![key(1, 1), key(1, 0)] }));
    assert_eq!(holder(&row), Some(writer(2)));
}

#[test]
fn only_who_held_the_token_ends_a_cart_by_merging_it() {
    let mut row = CartRow::default();
    begun(&mut row, 1);
    let merged = |author: u8| {
        let into = CartId::from_bytes([author; 10]);
        write(&Added::Merged(Merged { into, at: NOON, node: writer(author).node }))
    };
    row.apply(LINES, &key(2, 0), &merged(2));
    assert!(!row.is_ended());
    row.apply(LINES, &key(1, 1), &merged(1));
    assert_eq!(row.merged().map(|merged| merged.into), Some(CartId::from_bytes([1; 10])));
}

/// What one of the nodes does: hands the token to another if it takes itself for the holder, or hears an entry.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Give(u8),
    Hear(usize),
}

const NODES: u8 = 4;

proptest! {
    #[test]
    fn however_hand_overs_are_heard_at_most_one_node_takes_itself_for_the_holder(
        deeds in prop::collection::vec(
            (0..NODES, prop_oneof![(0..NODES).prop_map(Deed::Give), (0..64_usize).prop_map(Deed::Hear)]),
            1..80,
        ),
    ) {
        let mut rows = vec![CartRow::default(); usize::from(NODES)];
        rows.iter_mut().for_each(|row| begun(row, 0));
        let mut entries: Vec<(AddId, Added)> = Vec::new();
        for (node, deed) in deeds {
            let row = &mut rows[usize::from(node)];
            match deed {
                Deed::Give(to) if to != node && row.is_held_by(&writer(node)) => {
                    let entry = (key(node, 1 + entries.len()), given(row.token().unwrap().link.cloned(), to));
                    row.apply(LINES, &entry.0, &write(&entry.1));
                    entries.push(entry);
                }
                Deed::Hear(number) if number < entries.len() => {
                    row.apply(LINES, &entries[number].0, &write(&entries[number].1));
                }
                Deed::Give(_) | Deed::Hear(_) => {}
            }
            let holders = (0..NODES).filter(|node| rows[usize::from(*node)].is_held_by(&writer(*node))).count();
            prop_assert!(holders <= 1, "{holders} nodes take themselves for the holder");
        }
        for row in &mut rows {
            entries.iter().for_each(|(id, added)| row.apply(LINES, id, &write(added)));
        }
        let there = (0..NODES).filter(|node| rows[usize::from(*node)].is_held_by(&writer(*node))).count();
        prop_assert_eq!(there, 1, "once all is heard, it is somewhere");
    }

    #[test]
    fn entries_come_to_the_same_cart_in_any_order(
        (kinds, order) in prop::collection::vec((0..8_u8, 0..NODES, 0..12_usize), 1..24).prop_flat_map(|kinds| {
            let places: Vec<usize> = (0..kinds.len()).collect();
            (Just(kinds), Just(places).prop_shuffle())
        }),
    ) {
        let entries: Vec<_> =
            kinds.iter().enumerate().map(|(number, kind)| entry(*kind, number)).collect();
        let (mut here, mut there) = (CartRow::default(), CartRow::default());
        entries.iter().for_each(|(block, id, value)| here.apply(block, id, value));
        for place in order {
            let (block, id, value) = &entries[place];
            there.apply(block, id, value);
            there.apply(block, id, value);
        }
        let cart = CartId::from_bytes([1; 10]);
        prop_assert_eq!(&here, &there);
        prop_assert_eq!(here.token(), there.token());
        prop_assert_eq!(here.to_continue(cart), there.to_continue(cart));
        prop_assert_eq!(crate::cart::checkouts(&here, []), crate::cart::checkouts(&there, []));
        prop_assert_ne!(continuation_of(cart), cart);
    }

    #[test]
    fn no_removed_line_returns_and_no_line_is_lost_that_its_remover_had_not_seen(
        deeds in prop::collection::vec((0..3_usize, 0..3_u8, 0..64_usize), 1..60),
    ) {
        let mut rows = vec![CartRow::default(); 3];
        let mut entries: Vec<(&str, AddId, Vec<u8>)> = Vec::new();
        let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
        for (node, deed, number) in deeds {
            let id = key(u8::try_from(node).unwrap(), entries.len());
            let row = &mut rows[node];
            let written = match deed {
                0 => {
                    added.insert(id.clone());
                    (LINES, id, write(&line(number)))
                }
                1 => {
                    let add_ids = row.add_ids_of(&sku("milk"));
                    removed.extend(add_ids.iter().cloned());
                    (REMOVALS, id, write(&Removal { add_ids }))
                }
                _ => match entries.get(number) {
                    Some(entry) => entry.clone(),
                    None => continue,
                },
            };
            row.apply(written.0, &written.1, &written.2);
            entries.push(written);
        }
        for row in &mut rows {
            entries.iter().for_each(|(block, id, value)| row.apply(block, id, value));
            let standing: BTreeSet<AddId> = row.lines().into_iter().map(|(id, _)| id.clone()).collect();
            prop_assert_eq!(&standing, &added.difference(&removed).cloned().collect());
        }
    }
}

fn line(quantity: usize) -> Added {
    let (quantity, added_at) = (1 + i64::try_from(quantity).unwrap(), NOON);
    Added::Line(crate::cart::CartLine {
        sku: sku("milk"),
        quantity,
        unit_price: None,
        added_at,
        node: name("till"),
        clerk: None,
    })
}

/// An entry of some kind, by some author, that refers to another one.
fn entry((kind, author, other): (u8, u8, usize), number: usize) -> (&'static str, AddId, Vec<u8>) {
    let (id, others) = (key(author, number), key(other as u8 % NODES, other));
    let node = writer(author).node;
    let (block, value) = match kind {
        0 => (LINES, write(&Added::Begun(Begun { channel: name("web"), node, at: NOON }))),
        1 | 2 => (LINES, write(&line(other))),
        3 => (REMOVALS, write(&Removal { add_ids: vec![others] })),
        4 => (LINES, write(&given(None, u8::try_from(other).unwrap() % NODES))),
        5 => (LINES, write(&given(Some(others), u8::try_from(other).unwrap() % NODES))),
        6 => (LINES, write(&Added::Merged(Merged { into: CartId::from_bytes([author; 10]), at: NOON, node }))),
        _ => {
            let order = EventId::from_bytes([author; 16]);
            let seen = vec![EventId::from_bytes([u8::try_from(other).unwrap(); 16])];
            (CHECKOUTS, write(&Checkout { order, add_ids: vec![others], at: NOON, node, seen }))
        }
    };
    (block, id, value)
}
