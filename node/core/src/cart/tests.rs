use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::command::{Command, LineRequest, Outcome, Priced, Request};
use crate::engine::Effect;
use crate::id::CartId;
use crate::money::{Currency, Money};
use crate::refusal::Refusal;
use crate::tests::{NOON, Node, name, sku};

fn pound(amount: i64) -> UnitPrice {
    UnitPrice::of(Money { amount, currency: Currency::new("GBP").unwrap() })
}

fn line_of(what: &str, quantity: i64, second: i64) -> CartLine {
    let (unit_price, added_at) = (None, NOON.plus_millis(second * 1_000));
    CartLine { sku: sku(what), quantity, unit_price, added_at, node: name("till"), clerk: None }
}

fn add(row: &mut CartRow, id: &str, line: CartLine) {
    row.apply(LINES, id, &write(&Added::Line(line)));
}

fn remove(row: &mut CartRow, key: &str, ids: &[&str]) {
    let add_ids = ids.iter().map(|id| AddId::from(*id)).collect();
    row.apply(REMOVALS, key, &write(&Removal { add_ids }));
}

fn check_out(row: &mut CartRow, key: &str, ids: &[&str], second: i64) {
    let add_ids = ids.iter().map(|id| AddId::from(*id)).collect();
    let (order, at) = (EventId::from_bytes([1; 16]), NOON.plus_millis(second * 1_000));
    row.apply(CHECKOUTS, key, &write(&Checkout { order, add_ids, at, node: name("till"), seen: Vec::new() }));
}

fn lines(row: &CartRow) -> Vec<(&str, i64)> {
    row.lines().into_iter().map(|(_, line)| (line.sku.as_str(), line.quantity)).collect()
}

fn begin(node: &mut Node) -> (CartId, Vec<Vec<u8>>) {
    let Outcome::Cart { id, .. } = node.submit(NOON, Request::now(Command::CreateCart { customer: None })).unwrap()
    else {
        panic!("a cart comes of it")
    };
    (id, node.commit())
}

fn run(node: &mut Node, command: Command) -> Vec<Vec<u8>> {
    let _outcome = node.submit(NOON, Request::now(command)).unwrap();
    node.commit()
}

fn row_at(node: &Node, cart: CartId) -> CartRow {
    let view = node.engine.committed();
    crate::view::read(&view, &node.engine.reader(), &cart).unwrap().unwrap_or_default()
}

fn put_in(cart: CartId, what: &str, quantity: i64) -> Command {
    Command::AddToCart { cart, sku: sku(what), quantity, unit_price: Some(pound(99)) }
}

fn set(cart: CartId, what: &str, quantity: i64) -> Command {
    Command::SetInCart { cart, sku: sku(what), quantity }
}

/// Two nodes that know of one cart with a line of milk.
fn two_with_a_cart() -> (Node, Node, CartId) {
    let (mut one, mut two) = (Node::new("one", 1), Node::new("two", 2));
    let (cart, begun) = begin(&mut one);
    two.hear(&begun);
    two.hear(&run(&mut one, put_in(cart, "milk", 2)));
    two.commit();
    (one, two, cart)
}

fn meet(one: &mut Node, two: &mut Node, from_one: &[Vec<u8>], from_two: &[Vec<u8>]) {
    one.hear(from_two);
    two.hear(from_one);
    one.commit();
    two.commit();
}

#[test]
fn lines_show_in_the_order_in_which_they_were_added() {
    let mut row = CartRow::default();
    add(&mut row, "a", line_of("milk", 2, 9));
    add(&mut row, "c", line_of("tea", 1, 3));
    add(&mut row, "b", line_of("salt", 4, 3));
    assert_eq!(lines(&row), [("salt", 4), ("tea", 1), ("milk", 2)]);
}

#[test]
fn a_removal_that_is_heard_first_removes_all_the_same() {
    let mut row = CartRow::default();
    remove(&mut row, "r", &["a"]);
    add(&mut row, "a", line_of("milk", 2, 0));
    add(&mut row, "b", line_of("milk", 3, 1));
    assert_eq!(lines(&row), [("milk", 3)]);
}

#[test]
fn what_was_checked_out_is_no_longer_to_be_sold_and_what_came_later_is() {
    let mut row = CartRow::default();
    check_out(&mut row, "x", &["a"], 5);
    add(&mut row, "a", line_of("milk", 2, 0));
    add(&mut row, "b", line_of("tea", 1, 1));
    assert_eq!(lines(&row), [("tea", 1)]);
    let sold: Vec<_> = row.sold_lines().into_iter().map(|(_, line)| line.sku.as_str()).collect();
    assert_eq!(sold, ["milk"]);
}

#[test]
fn a_line_that_was_sold_stays_sold_though_somebody_removed_it_at_the_same_time() {
    let mut row = CartRow::default();
    add(&mut row, "a", line_of("milk", 2, 0));
    check_out(&mut row, "x", &["a"], 5);
    remove(&mut row, "r", &["a"]);
    assert_eq!(lines(&row), []);
    assert_eq!(row.sold_lines().len(), 1);
}

#[test]
fn two_checkouts_apart_both_show_the_oldest_first() {
    let mut row = CartRow::default();
    check_out(&mut row, "a", &["a"], 9);
    check_out(&mut row, "b", &["a"], 5);
    let times: Vec<_> = row.checkouts().iter().map(|checkout| checkout.at).collect();
    assert_eq!(times, [NOON.plus_millis(5_000), NOON.plus_millis(9_000)]);
}

#[test]
fn a_coupon_counts_once_however_often_it_was_added() {
    let mut row = CartRow::default();
    for id in ["a", "b"] {
        row.apply(LINES, id, &write(&Added::Coupon("SAVE10".to_owned())));
    }
    assert_eq!(row.coupons().into_iter().collect::<Vec<_>>(), ["SAVE10"]);
    remove(&mut row, "r", &["a"]);
    assert_eq!(row.coupons().len(), 1, "the other one stands");
    remove(&mut row, "s", &["b"]);
    assert_eq!(row.coupons().len(), 0);
}

#[test]
fn of_two_customers_that_were_set_apart_everybody_sees_the_same() {
    let customer = |text| write(&Added::Customer(Reference::new(text).unwrap()));
    let (mut here, mut there) = (CartRow::default(), CartRow::default());
    let entries = [("a", customer("c1")), ("b", customer("c2"))];
    entries.iter().for_each(|(id, value)| here.apply(LINES, id, value));
    entries.iter().rev().for_each(|(id, value)| there.apply(LINES, id, value));
    assert_eq!(here.customer().unwrap().as_str(), "c1");
    assert_eq!(here, there);
}

#[test]
fn a_line_beyond_what_any_node_adds_is_left_alone() {
    let mut row = CartRow::default();
    for quantity in [0, -1, i64::MIN, MAX_QUANTITY + 1, i64::MAX] {
        add(&mut row, &quantity.to_string(), line_of("milk", quantity, 0));
    }
    let never = CartLine { added_at: Timestamp(i64::MAX), ..line_of("milk", 1, 0) };
    add(&mut row, "never", never);
    for price in [UnitPrice { scale: Some(u8::MAX), ..pound(1) }, pound(i64::MAX)] {
        add(&mut row, "dear", CartLine { unit_price: Some(price), ..line_of("milk", 1, 0) });
    }
    assert_eq!(lines(&row), []);
    add(&mut row, "most", line_of("milk", MAX_QUANTITY, 0));
    assert_eq!(lines(&row), [("milk", MAX_QUANTITY)]);
}

#[test]
fn what_is_not_understood_is_left_alone() {
    let mut row = CartRow::default();
    let newer = codec::encode_versioned(CART_VERSION + 1, &Added::Coupon("X".to_owned()));
    for (block, value) in [(LINES, newer.as_slice()), (LINES, b""), (REMOVALS, b"\x01\xff"), (CHECKOUTS, b"\x02")] {
        row.apply(block, "a", value);
    }
    row.apply("elsewhere", "a", &write(&Added::Coupon("X".to_owned())));
    assert_eq!(row, CartRow::default());
}

#[test]
fn a_line_that_was_added_while_another_was_removed_survives() {
    let (mut one, mut two, cart) = two_with_a_cart();
    let removed = run(&mut one, set(cart, "milk", 0));
    let added = run(&mut two, put_in(cart, "milk", 3));
    meet(&mut one, &mut two, &removed, &added);
    assert_eq!(lines(&row_at(&one, cart)), [("milk", 3)]);
    assert_eq!(row_at(&one, cart), row_at(&two, cart));
}

#[test]
fn two_quantities_that_were_set_apart_both_count() {
    let (mut one, mut two, cart) = two_with_a_cart();
    let five = run(&mut one, set(cart, "milk", 5));
    let seven = run(&mut two, set(cart, "milk", 7));
    meet(&mut one, &mut two, &five, &seven);
    let both = row_at(&one, cart);
    let total: i64 = both.lines().iter().map(|(_, line)| line.quantity).sum();
    assert_eq!((both.lines().len(), total), (2, 12), "nobody's wish is dropped; the next one who sets it sees both");
    assert_eq!(both, row_at(&two, cart));
    let set_again = run(&mut two, set(cart, "milk", 6));
    one.hear(&set_again);
    one.commit();
    assert_eq!(lines(&row_at(&one, cart)), [("milk", 6)]);
}

#[test]
fn setting_a_quantity_keeps_the_price_that_was_agreed() {
    let (mut one, _, cart) = two_with_a_cart();
    run(&mut one, set(cart, "milk", 5));
    let row = row_at(&one, cart);
    assert_eq!(row.lines()[0].1.unit_price, Some(pound(99)));
}

#[test]
fn quantities_of_a_cart_have_their_limits() {
    let (mut one, _, cart) = two_with_a_cart();
    for quantity in [0, -1, i64::MIN, MAX_QUANTITY + 1, i64::MAX] {
        let refused = one.submit(NOON, Request::now(put_in(cart, "milk", quantity)));
        assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{quantity} added: {refused:?}");
    }
    for quantity in [-1, i64::MIN, MAX_QUANTITY + 1] {
        let refused = one.submit(NOON, Request::now(set(cart, "milk", quantity)));
        assert!(matches!(refused, Err(Refusal::Invalid { .. })), "set to {quantity}: {refused:?}");
    }
    run(&mut one, set(cart, "milk", MAX_QUANTITY));
    assert_eq!(lines(&row_at(&one, cart)), [("milk", MAX_QUANTITY)]);
}

#[test]
fn what_is_not_in_a_cart_cannot_be_set_and_what_has_no_price_cannot_be_added() {
    let (mut one, _, cart) = two_with_a_cart();
    let absent = one.submit(NOON, Request::now(set(cart, "tea", 1)));
    assert!(matches!(absent, Err(Refusal::NotFound { kind: "line", .. })), "{absent:?}");
    let priceless = Command::AddToCart { cart, sku: sku("tea"), quantity: 1, unit_price: None };
    let unknown = one.submit(NOON, Request::now(priceless));
    assert!(matches!(unknown, Err(Refusal::UnknownSku { .. })), "{unknown:?}");
    let elsewhere = one.submit(NOON, Request::now(put_in(CartId::from_bytes([7; 10]), "tea", 1)));
    assert!(matches!(elsewhere, Err(Refusal::NotFound { kind: "cart", .. })), "{elsewhere:?}");
}

#[test]
fn a_cart_takes_as_many_lines_as_an_event_and_no_more() {
    let mut node = Node::new("one", 1);
    let (cart, _) = begin(&mut node);
    for number in 0..MAX_CART_LINES {
        let _outcome = node.submit(NOON, Request::now(put_in(cart, &number.to_string(), 1))).unwrap();
    }
    node.commit();
    let refused = node.submit(NOON, Request::now(put_in(cart, "one more", 1)));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{refused:?}");
    run(&mut node, set(cart, "0", 0));
    run(&mut node, put_in(cart, "one more", 1));
    assert_eq!(row_at(&node, cart).lines().len(), MAX_CART_LINES);
}

#[test]
fn a_cart_that_was_edited_for_ever_takes_no_more() {
    let (mut node, _, cart) = two_with_a_cart();
    let mut last = Ok(());
    for _ in 0..3_000 {
        last = node.submit(NOON, Request::now(set(cart, "milk", 2))).map(drop);
        if last.is_err() {
            break;
        }
    }
    assert!(matches!(last, Err(Refusal::Invalid { .. })), "{last:?}");
    node.commit();
    assert!(row_at(&node, cart).entries() <= 4_001, "{}", row_at(&node, cart).entries());
}

#[test]
fn a_checkout_sells_exactly_what_was_priced_and_only_once() {
    let (mut one, _, cart) = two_with_a_cart();
    let row = row_at(&one, cart);
    let line = LineRequest { sku: sku("milk"), quantity: 2, unit_price: Some(pound(99)), amount: None };
    let add_ids: Vec<_> = row.lines().into_iter().map(|(id, _)| id.clone()).collect();
    let priced = Priced { add_ids, lines: vec![line], adjustments: Vec::new(), proof: None };
    let check_out = |priced: &Priced| Command::Checkout { cart, priced: priced.clone(), tenders: Vec::new() };
    let stale = Priced { add_ids: vec!["gone".into()], ..priced.clone() };
    let changed = one.submit(NOON, Request::now(check_out(&stale)));
    assert!(matches!(changed, Err(Refusal::CartChanged { .. })), "{changed:?}");
    run(&mut one, check_out(&priced));
    for command in [check_out(&priced), put_in(cart, "tea", 1), set(cart, "milk", 1)] {
        let again = one.submit(NOON, Request::now(command));
        assert!(matches!(again, Err(Refusal::CheckedOut { .. })), "{again:?}");
    }
    assert_eq!(row_at(&one, cart).checkouts().len(), 1);
}

#[test]
fn an_empty_cart_cannot_be_checked_out() {
    let mut node = Node::new("one", 1);
    let (cart, _) = begin(&mut node);
    let priced = Priced { add_ids: Vec::new(), lines: Vec::new(), adjustments: Vec::new(), proof: None };
    let refused = node.submit(NOON, Request::now(Command::Checkout { cart, priced, tenders: Vec::new() }));
    assert!(matches!(refused, Err(Refusal::CartEmpty { .. })), "{refused:?}");
}

#[test]
fn entries_carry_their_author_so_nobody_writes_under_anothers() {
    let (mut one, two, cart) = two_with_a_cart();
    run(&mut one, put_in(cart, "tea", 1));
    let (row, mut prefix) = (row_at(&one, cart), String::new());
    write!(prefix, "{}-", one.engine.writer().epoch).unwrap();
    assert!(row.lines().iter().all(|(id, _)| id.starts_with(&prefix)));
    assert_ne!(one.engine.writer().epoch, two.engine.writer().epoch);
}

#[test]
fn what_is_written_travels_in_the_scope_of_the_region() {
    let mut node = Node::new("one", 1);
    let _outcome = node.submit(NOON, Request::now(Command::CreateCart { customer: None })).unwrap();
    let effects = node.engine.commit(NOON).unwrap().effects;
    let [Effect::Batch { scope, .. }] = effects.as_slice() else { panic!("one batch: {effects:?}") };
    assert_eq!(scope.to_string(), "carts-region");
}

/// What one of two nodes does, or that it hears everything written so far.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Add(u8, i64),
    Set(u8, i64),
    Coupon(u8),
    Hear,
}

fn deed() -> impl Strategy<Value = (bool, Deed)> {
    let deed = prop_oneof![
        (0..3_u8, 1..5_i64).prop_map(|(what, quantity)| Deed::Add(what, quantity)),
        (0..3_u8, 0..5_i64).prop_map(|(what, quantity)| Deed::Set(what, quantity)),
        (0..2_u8).prop_map(Deed::Coupon),
        Just(Deed::Hear),
    ];
    (any::<bool>(), deed)
}

/// Does it, if the cart allows it; gives what was written.
fn perform(node: &mut Node, cart: CartId, deed: Deed, heard: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let command = match deed {
        Deed::Add(what, quantity) => put_in(cart, &what.to_string(), quantity),
        Deed::Set(what, quantity) => set(cart, &what.to_string(), quantity),
        Deed::Coupon(number) => Command::AddCoupon { cart, code: format!("SAVE{number}") },
        Deed::Hear => {
            node.hear(heard);
            return node.commit();
        }
    };
    match node.submit(NOON, Request::now(command)) {
        Ok(_) | Err(Refusal::NotFound { kind: "line", .. }) => node.commit(),
        Err(other) => panic!("{other}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nodes_that_edit_a_cart_apart_end_equal_and_lose_no_line_that_nobody_removed(
        (deeds, order) in prop::collection::vec(deed(), 1..16).prop_flat_map(|deeds| {
            let places: Vec<usize> = (0..=deeds.len()).chain(0..=deeds.len()).collect();
            (Just(deeds), Just(places).prop_shuffle())
        }),
    ) {
        let mut nodes = [Node::new("one", 1), Node::new("two", 2)];
        let (cart, mut all) = begin(&mut nodes[0]);
        nodes[1].hear(&all);
        nodes[1].commit();
        let mut never_removed = 0;
        for (second, deed) in &deeds {
            let written = perform(&mut nodes[usize::from(*second)], cart, *deed, &all);
            never_removed += i64::from(matches!(deed, Deed::Add(..)));
            if matches!(deed, Deed::Set(..)) {
                never_removed = i64::MIN;
            }
            all.extend(written);
        }
        let mut reader = Node::new("reader", 3);
        for place in order {
            reader.hear(all.get(place).map(std::slice::from_ref).unwrap_or_default());
            reader.commit();
        }
        let row = row_at(&reader, cart);
        for node in &mut nodes {
            node.hear(&all);
            node.commit();
            prop_assert_eq!(&row_at(node, cart), &row);
        }
        if never_removed >= 0 {
            prop_assert_eq!(i64::try_from(row.lines().len()).unwrap(), never_removed);
        }
    }
}
