use super::*;
use crate::cart::{Added, Begun, CartLine, HandOver, write};
use crate::document::{CHECKOUTS, LINES};
use crate::id::{EventId, Writer};
use crate::tests::{NOON, name, sku};

fn writer(node: &str, number: u8) -> Writer {
    Writer { node: name(node), epoch: crate::id::Epoch::from_bytes([number; 10]) }
}

fn order(number: u8) -> EventId {
    EventId::from_bytes([number; 16])
}

fn put(row: &mut CartRow, by: &Writer, number: u8, added: &Added) -> AddId {
    let key: AddId = format!("{}-boot-{number}", by.epoch).into();
    row.apply(LINES, &key, &write(added));
    key
}

fn begun_by(by: &Writer) -> CartRow {
    let mut row = CartRow::default();
    put(&mut row, by, 0, &Added::Begun(Begun { channel: name("web"), node: by.node.clone(), at: NOON }));
    row
}

fn sold(row: &mut CartRow, by: &Writer, number: u8, add_ids: &[AddId], seen: &[u8]) {
    let seen = seen.iter().copied().map(order).collect();
    let checkout = Checkout { order: order(number), add_ids: add_ids.to_vec(), at: NOON, node: by.node.clone(), seen };
    row.apply(CHECKOUTS, &format!("{}-boot-9{number}", by.epoch), &write(&checkout));
}

fn orders(settled: &Settled) -> Vec<EventId> {
    settled.winner.iter().chain(&settled.losers).map(|checkout| checkout.order).collect()
}

#[test]
fn a_cart_that_nobody_sold_has_no_winner() {
    assert_eq!(checkouts(&begun_by(&writer("a", 1)), []), Settled::default());
}

#[test]
fn the_token_holders_order_stands_whoever_else_sold() {
    let (first, second) = (writer("z", 1), writer("a", 2));
    let mut row = begun_by(&first);
    sold(&mut row, &second, 2, &[], &[]);
    sold(&mut row, &first, 1, &[], &[]);
    assert_eq!(orders(&checkouts(&row, [])), [order(1), order(2)]);
    let given = HandOver { after: None, to: second.clone(), heads: Vec::new(), at: NOON };
    put(&mut row, &first, 1, &Added::HandOver(given));
    assert_eq!(orders(&checkouts(&row, [])), [order(2), order(1)]);
}

#[test]
fn of_others_who_knew_of_another_order_comes_after_it_and_else_the_name_decides() {
    let (holder, one, two) = (writer("m", 1), writer("a", 2), writer("b", 3));
    let row = begun_by(&holder);
    let (mut fork, mut other) = (begun_by(&one), begun_by(&two));
    sold(&mut fork, &one, 1, &[], &[]);
    sold(&mut other, &two, 2, &[], &[]);
    assert_eq!(orders(&checkouts(&row, [&other, &fork])), [order(1), order(2)]);
    let mut knowing = begun_by(&one);
    sold(&mut knowing, &one, 1, &[], &[2]);
    assert_eq!(orders(&checkouts(&row, [&knowing, &other])), [order(2), order(1)]);
}

#[test]
fn orders_that_claim_to_have_known_each_other_are_in_order_all_the_same() {
    let (one, two) = (writer("a", 1), writer("b", 2));
    let (mut fork, mut other) = (begun_by(&one), begun_by(&two));
    sold(&mut fork, &one, 1, &[], &[2]);
    sold(&mut other, &two, 2, &[], &[1]);
    let row = CartRow::default();
    assert_eq!(checkouts(&row, [&fork, &other]), checkouts(&row, [&other, &fork]));
    assert_eq!(orders(&checkouts(&row, [&fork, &other])).len(), 2);
}

#[test]
fn late_lines_go_on_in_the_hands_of_whose_order_stands() {
    let (first, second) = (writer("z", 1), writer("a", 2));
    let mut row = begun_by(&first);
    let line = |what: &str| {
        let (unit_price, added_at, node) = (None, NOON, name("till"));
        Added::Line(CartLine { sku: sku(what), quantity: 1, unit_price, added_at, node, clerk: None })
    };
    let milk = put(&mut row, &first, 1, &line("milk"));
    let cart = crate::id::CartId::from_bytes([1; 10]);
    assert_eq!(row.to_continue(cart), None);
    sold(&mut row, &first, 1, std::slice::from_ref(&milk), &[]);
    sold(&mut row, &second, 2, std::slice::from_ref(&milk), &[]);
    assert_eq!(row.to_continue(cart), None, "nothing came late");
    put(&mut row, &second, 1, &line("tea"));
    let continued = row.to_continue(cart).unwrap();
    assert_eq!((continued.from, &continued.holder), (cart, &first));
    let mut next = CartRow::default();
    next.continue_from(Some(continued));
    let lines: Vec<_> = next.lines().into_iter().map(|(_, line)| line.sku.as_str()).collect();
    assert_eq!(lines, ["tea"]);
    assert!(next.is_begun() && next.is_held_by(&first));
}
