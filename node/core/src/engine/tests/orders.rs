use super::*;
use crate::command::TenderRequest;
use crate::event::{Event, ReturnLine};
use crate::id::EventId;
use crate::money::{Currency, Money};
use crate::order::{self, Order};

fn money(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

/// Sells that much milk, at 100 a piece.
fn order_of(node: &mut Node, quantity: i64) -> EventId {
    let line = LineRequest { sku: sku("milk"), quantity, unit_price: None, amount: Some(money(100 * quantity)) };
    let command = Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None };
    let order = event_of(node.submit(Request::now(command)).unwrap()).id;
    node.commit();
    order
}

fn take_back(order: Option<EventId>, quantity: i64, refunds: &[i64]) -> Command {
    let lines = vec![ReturnLine { sku: sku("milk"), quantity, restock: true, undecided: None }];
    let tender = |amount: &i64| TenderRequest { kind: name("cash"), amount: money(*amount), reference: None };
    Command::TakeBack {
        location: None,
        order,
        authorisation: None,
        lines,
        refund: refunds.iter().map(tender).collect(),
    }
}

fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn events_of(outcome: Outcome) -> Vec<Event> {
    match outcome {
        Outcome::Recorded { events, .. } => events.into_iter().map(|(event, _)| event).collect(),
        other => panic!("no events: {other:?}"),
    }
}

#[test]
fn a_return_takes_back_no_more_than_was_sold() {
    let mut node = Node::new("till", 1);
    let order = Some(order_of(&mut node, 2));
    let _outcome = node.submit(Request::now(take_back(order, 1, &[]))).unwrap();
    let refused = node.submit(Request::now(take_back(order, 2, &[])));
    assert!(matches!(refused, Err(Refusal::MoreThanOrdered { left: 1, .. })), "{refused:?}");
    node.commit();
    assert_eq!(node.stock("milk").on_hand(), -1);
}

#[test]
fn of_two_returns_that_refund_more_than_was_paid_the_second_takes_nothing_back() {
    let mut node = Node::new("till", 1);
    let id = order_of(&mut node, 2);
    let _outcome = node.submit(Request::now(take_back(Some(id), 1, &[150]))).unwrap();
    let Err(Refusal::Invalid { field, rule, .. }) = node.submit(Request::now(take_back(Some(id), 1, &[30, 21]))) else {
        panic!("more was paid back than was paid");
    };
    assert_eq!(field, "refund");
    assert!(rule.contains("has 50 minor units left to pay back"), "{rule}");
    node.commit();
    assert_eq!(node.stock("milk").on_hand(), -1);
    let order = order(&node, id);
    assert_eq!((order.later.len(), order.refunded()), (2, 150));
}

#[test]
fn a_refund_that_is_refused_names_its_field_and_records_nothing() {
    let mut node = Node::new("till", 1);
    let priced = order_of(&mut node, 2);
    let unpriced = event_of(node.submit(Request::now(sell("milk", 1))).unwrap()).id;
    node.commit();
    let cases = [
        (Some(priced), vec![10, 0], "refund[1].amount.amount"),
        (Some(priced), vec![-10], "refund[0].amount.amount"),
        (Some(priced), vec![201], "refund"),
        (Some(unpriced), vec![1], "refund"),
        (None, vec![1], "refund"),
    ];
    for (order, refunds, expected) in cases {
        let refused = node.submit(Request::now(take_back(order, 1, &refunds)));
        let Err(Refusal::Invalid { field, .. }) = refused else { panic!("{refunds:?}: {refused:?}") };
        assert_eq!(field, expected, "{refunds:?}");
    }
    let now = node.now;
    assert_eq!(node.engine.commit(now).unwrap().position, None);
}

#[test]
fn a_return_with_its_refund_counts_once_under_one_key_also_after_a_restart() {
    let mut node = Node::new("till", 1);
    let id = order_of(&mut node, 2);
    let request = || Request::now(take_back(Some(id), 1, &[60, 40])).with_key("k1", b"one back");
    let first = events_of(node.submit(request()).unwrap());
    assert_eq!(first.iter().map(|event| event.body.kind()).collect::<Vec<_>>(), ["return", "refund"]);
    assert_eq!(events_of(node.submit(request()).unwrap()), first);
    node.commit();
    let mut node = node.restart(2);
    assert_eq!(events_of(node.submit(request()).unwrap()), first);
    let now = node.now;
    assert_eq!(node.engine.commit(now).unwrap().position, None);
    assert_eq!(node.stock("milk").on_hand(), -1);
    assert_eq!(order(&node, id).refunded(), 100);
}

#[test]
fn money_is_paid_back_apart_from_goods_up_to_what_the_order_has_left() {
    let mut node = Node::new("till", 1);
    let id = order_of(&mut node, 2);
    let pay_back = |amounts: &[i64]| {
        let tender = |amount: &i64| TenderRequest { kind: name("cash"), amount: money(*amount), reference: None };
        Request::now(Command::PayBack { location: None, order: id, refund: amounts.iter().map(tender).collect() })
    };
    let _outcome = node.submit(Request::now(take_back(Some(id), 2, &[]))).unwrap();
    let _outcome = node.submit(pay_back(&[120, 30])).unwrap();
    for amounts in [&[51][..], &[-1], &[0], &[]] {
        let refused = node.submit(pay_back(amounts));
        assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{amounts:?}: {refused:?}");
    }
    let _outcome = node.submit(pay_back(&[50])).unwrap();
    node.commit();
    assert_eq!((order(&node, id).refunded(), node.stock("milk").on_hand()), (200, 0));
}
