//! What counts as paid of a reservation: the part that was confirmed, or what was handed over without that.

use super::days::{report, today};
use super::promises::{let_time_pass, pass_on, product};
use super::refunds::{money, pay_back};
use super::vouchers::linked;
use super::*;
use crate::command::{PromiseTerms, Reservation};
use crate::id::EventId;
use crate::order::{self, Order, Status};

/// Reserves four bottles of milk for 400 and a loaf of bread for 250, for a minute.
fn reserved(node: &mut Node) -> EventId {
    let line = |what: &str, quantity, amount| LineRequest {
        sku: sku(what),
        quantity,
        unit_price: None,
        amount: Some(money(amount)),
    };
    let lines = vec![line("milk", 4, 400), line("bread", 1, 250)];
    let terms = PromiseTerms { ttl_seconds: Some(60), until: None };
    let command = Command::Reserve(Box::new(Reservation { location: None, lines, customer: None, terms }));
    event_of(node.submit(Request::now(command)).unwrap()).id
}

fn stock_up(node: &mut Node) {
    for command in [product("milk"), product("bread"), receive("milk", 10), receive("bread", 10)] {
        let _outcome = node.submit(Request::now(command)).unwrap();
    }
}

fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn milk(quantity: i64) -> Vec<Line> {
    vec![Line { sku: sku("milk"), quantity }]
}

fn fulfil(order: EventId, lines: Vec<Line>) -> Command {
    Command::Fulfil { location: None, order, lines, parcel: None, handover: None }
}

fn promises_paid(node: &Node) -> Option<i64> {
    report(node, today(node)).totals.money.first()?.promises_paid
}

#[test]
fn of_a_part_that_is_confirmed_no_more_is_paid_back_than_it_cost() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    node.run(Command::Confirm { promise: id, lines: milk(3) });
    assert_eq!((order(&node, id).paid(), promises_paid(&node)), (300, Some(300)));
    let refused = node.submit(pay_back(id, 301, None));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "refund"), "{refused:?}");
    let _paid = node.submit(pay_back(id, 300, None)).unwrap();
}

#[test]
fn what_had_left_before_a_part_was_confirmed_is_paid_with_it() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    node.run(fulfil(id, milk(1)));
    assert_eq!((order(&node, id).paid(), promises_paid(&node)), (100, None), "the rest may still be given up");
    let refused = node.submit(pay_back(id, 101, None));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "refund"), "{refused:?}");
    node.run(Command::Confirm { promise: id, lines: milk(2) });
    assert_eq!((order(&node, id).paid(), promises_paid(&node)), (300, Some(300)));
}

#[test]
fn what_is_handed_over_unconfirmed_is_paid_once_the_rest_is_over() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    node.run(fulfil(id, milk(2)));
    assert!(!order(&node, id).is_confirmed());
    let_time_pass(&mut node, 61);
    let order = order(&node, id);
    assert_eq!((order.is_confirmed(), order.status(), order.paid()), (true, Status::Completed, 200));
    assert_eq!(promises_paid(&node), Some(200));
}

#[test]
fn what_another_node_hands_over_unconfirmed_its_maker_confirms_when_it_hears_of_it() {
    let mut nodes = linked(&["till", "web"]);
    stock_up(&mut nodes[1]);
    let id = reserved(&mut nodes[1]);
    let [mut till, mut web] = <[Node; 2]>::try_from(nodes).map_err(|_| ()).unwrap();
    pass_on(&mut web, &mut till);
    let lines = vec![Line { sku: sku("milk"), quantity: 4 }, Line { sku: sku("bread"), quantity: 1 }];
    let _left = till.submit(Request::now(fulfil(id, lines))).unwrap();
    assert_eq!(promises_paid(&web), None);
    pass_on(&mut till, &mut web);
    pass_on(&mut web, &mut till);
    till.commit();
    for node in [&till, &web] {
        let order = order(node, id);
        assert_eq!((order.is_confirmed(), order.paid()), (true, 650));
    }
    assert_eq!(promises_paid(&web), Some(650));
}

#[test]
fn what_leaves_after_a_part_was_confirmed_is_paid_as_well() {
    let mut nodes = linked(&["till", "web"]);
    stock_up(&mut nodes[1]);
    let id = reserved(&mut nodes[1]);
    let [mut till, mut web] = <[Node; 2]>::try_from(nodes).map_err(|_| ()).unwrap();
    pass_on(&mut web, &mut till);
    let _confirmed = web.submit(Request::now(Command::Confirm { promise: id, lines: milk(1) })).unwrap();
    let _left = till.submit(Request::now(fulfil(id, milk(4)))).unwrap();
    pass_on(&mut till, &mut web);
    pass_on(&mut web, &mut till);
    till.commit();
    for node in [&till, &web] {
        assert_eq!(order(node, id).paid(), 400);
    }
}

#[test]
fn a_confirmation_is_repeated_with_the_lines_that_were_confirmed_also_after_they_left() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    let confirm = |lines| Request::now(Command::Confirm { promise: id, lines });
    let repeats = |outcome| matches!(outcome, Ok(Outcome::Recorded { repeated: true, .. }));
    let _confirmed = node.submit(confirm(milk(3))).unwrap();
    assert!(repeats(node.submit(confirm(milk(3)))));
    node.run(fulfil(id, milk(1)));
    assert!(repeats(node.submit(confirm(milk(3)))));
    let refused = node.submit(confirm(milk(1)));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines"), "{refused:?}");
    node.run(fulfil(id, milk(2)));
    assert!(repeats(node.submit(confirm(milk(3)))));
    let refused = node.submit(confirm(milk(2)));
    assert!(matches!(refused, Err(Refusal::PromiseOver { .. })), "{refused:?}");
}

#[test]
fn a_part_is_not_confirmed_of_what_was_handed_over_whole() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    let lines = vec![Line { sku: sku("milk"), quantity: 4 }, Line { sku: sku("bread"), quantity: 1 }];
    node.run(fulfil(id, lines));
    let refused = node.submit(Request::now(Command::Confirm { promise: id, lines: milk(1) }));
    assert!(matches!(refused, Err(Refusal::PromiseOver { status: Status::Completed, .. })), "{refused:?}");
    let again = node.submit(Request::now(Command::Confirm { promise: id, lines: Vec::new() })).unwrap();
    assert!(matches!(again, Outcome::Recorded { repeated: true, .. }), "{again:?}");
}

#[test]
fn what_nobody_took_is_confirmed_by_nobody() {
    let mut node = Node::new("till", 1);
    stock_up(&mut node);
    let id = reserved(&mut node);
    let_time_pass(&mut node, 61);
    assert_eq!((order(&node, id).status(), promises_paid(&node)), (Status::Cancelled, None));
}
