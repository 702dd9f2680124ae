//! Returns in steps: leave to bring goods back, their receipt, what becomes of what was kept aside.

use super::fleet::{authority, enrolment, key_of};
use super::promises::let_time_pass;
use super::*;
use crate::event::{DispositionLine, ReturnLine};
use crate::fleet::{Certificate, Retirement, Role, Statement};
use crate::id::EventId;
use crate::order::{self, Authorised, Order, Returned, Status};

const HOUR_MILLIS: i64 = 3_600_000;

fn order_of(node: &mut Node, quantity: i64) -> EventId {
    let order = event_of(node.submit(Request::now(sell("milk", quantity))).unwrap()).id;
    node.commit();
    order
}

fn milk(quantity: i64) -> Vec<Line> {
    vec![Line { sku: sku("milk"), quantity }]
}

fn authorise(order: EventId, lines: Vec<Line>, until: Option<Timestamp>) -> Request {
    Request::now(Command::AuthoriseReturn { location: None, order, lines, until })
}

fn back(quantity: i64, restock: bool, undecided: bool) -> ReturnLine {
    ReturnLine { sku: sku("milk"), quantity, restock, undecided: undecided.then_some(true) }
}

fn take_back(order: Option<EventId>, authorisation: Option<EventId>, lines: Vec<ReturnLine>) -> Request {
    Request::now(Command::TakeBack { location: None, order, authorisation, lines, refund: Vec::new() })
}

fn dispose(back: EventId, restocked: i64, discarded: i64) -> Request {
    let line = |quantity, restock| DispositionLine { sku: sku("milk"), quantity, restock };
    let lines = [line(restocked, true), line(discarded, false)].into_iter().filter(|line| line.quantity > 0).collect();
    Request::now(Command::Dispose { back, lines })
}

fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn returned(node: &Node, id: EventId) -> Returned {
    order::read_return(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn undecided(node: &Node, id: EventId) -> i64 {
    returned(node, id).undecided().get(&sku("milk")).copied().unwrap_or_default()
}

fn authorised(node: &Node, id: EventId) -> Vec<Authorised> {
    order(node, id).authorisations().iter().map(|given| given.lines[&sku("milk")]).collect()
}

/// Submits, commits, and gives the first event's id with what was said.
fn done(node: &mut Node, request: Request) -> (EventId, Vec<Vec<u8>>) {
    let id = event_of(node.submit(request).unwrap()).id;
    (id, node.commit())
}

#[test]
fn no_more_is_authorised_than_can_come_back_and_other_authorisations_have_open() {
    let mut node = Node::new("till", 1);
    let id = order_of(&mut node, 5);
    let (first, _) = done(&mut node, authorise(id, milk(2), None));
    let refused = node.submit(authorise(id, milk(4), None));
    assert!(matches!(refused, Err(Refusal::MoreThanOrdered { left: 3, .. })), "{refused:?}");
    done(&mut node, take_back(Some(id), Some(first), vec![back(1, true, false)]));
    let (rest, _) = done(&mut node, authorise(id, Vec::new(), None));
    let refused = node.submit(authorise(id, Vec::new(), None));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines"), "{refused:?}");
    let expected = [(2, 1, 1), (3, 0, 3)].map(|(quantity, returned, open)| Authorised { quantity, returned, open });
    assert_eq!(authorised(&node, id), expected);
    // A till takes goods back at once, too: then less can come back by what was authorised.
    done(&mut node, take_back(Some(id), None, vec![back(2, true, false)]));
    assert_eq!(authorised(&node, id).iter().map(|of| of.open).collect::<Vec<_>>(), [1, 2]);
    let refused = node.submit(take_back(Some(id), Some(rest), vec![back(3, true, false)]));
    assert!(matches!(refused, Err(Refusal::MoreThanOrdered { left: 2, .. })), "{refused:?}");
    assert_eq!((order(&node, id).status(), node.stock("milk").on_hand()), (Status::PartlyReturned, -2));
}

#[test]
fn goods_come_back_by_an_authorisation_no_further_than_it_goes_and_by_none_of_another_order() {
    let mut node = Node::new("till", 1);
    let (id, other) = (order_of(&mut node, 5), order_of(&mut node, 5));
    let (given, _) = done(&mut node, authorise(id, milk(2), None));
    for (of, lines) in [(Some(id), 3), (Some(other), 1), (None, 1)] {
        let refused = node.submit(take_back(of, Some(given), vec![back(lines, true, false)]));
        let Err(refusal) = refused else { panic!("{refused:?}") };
        let names = matches!(&refusal, Refusal::MoreThanOrdered { left: 2, .. })
            || matches!(&refusal, Refusal::Invalid { field, .. } if field == "authorisation");
        assert!(names, "{refusal}");
    }
    assert_eq!(node.engine.commit(node.now).unwrap().position, None);
}

#[test]
fn an_authorisation_that_is_over_lets_nothing_back_and_keeps_nothing_from_others() {
    let mut node = Node::new("till", 1);
    let id = order_of(&mut node, 2);
    let now = node.now;
    let refused = node.submit(authorise(id, Vec::new(), Some(now)));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "until"), "{refused:?}");
    let until = now.plus_millis(HOUR_MILLIS);
    let (given, _) = done(&mut node, authorise(id, Vec::new(), Some(until)));
    let late = |occurred_at| Request { occurred_at, ..take_back(Some(id), Some(given), vec![back(1, true, false)]) };
    let refused = node.submit(late(Some(until)));
    assert!(matches!(refused, Err(Refusal::AuthorisationOver { .. })), "it says that it was later: {refused:?}");
    node.now = until;
    let refused = node.submit(late(Some(now)));
    assert!(matches!(refused, Err(Refusal::AuthorisationOver { .. })), "it says that it was earlier: {refused:?}");
    done(&mut node, authorise(id, Vec::new(), None));
    done(&mut node, take_back(Some(id), None, vec![back(2, true, false)]));
    assert_eq!(node.stock("milk").on_hand(), 0);
}

#[test]
fn goods_that_are_kept_aside_are_back_and_enter_the_stock_only_once_somebody_decides() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 10));
    let id = order_of(&mut node, 4);
    let lines = vec![back(3, false, true), back(1, false, false)];
    let (came, _) = done(&mut node, take_back(Some(id), None, lines));
    let of = order(&node, id).quantities()[&sku("milk")];
    assert_eq!((of.returned, of.undecided, node.stock("milk").on_hand()), (4, 3, 6));
    assert_eq!(order(&node, id).status(), Status::Returned);
    let (decided, _) = done(&mut node, dispose(came, 1, 1).with_key("decide", b"one of each"));
    assert_eq!((undecided(&node, came), node.stock("milk").on_hand()), (1, 7));
    let refused = node.submit(dispose(came, 1, 1));
    assert!(matches!(&refused, Err(Refusal::MoreThanUndecided { field, left: 0, .. }) if field == "lines[1].quantity"));
    assert_eq!(event_of(node.submit(dispose(came, 1, 1).with_key("decide", b"one of each")).unwrap()).id, decided);
    let mut node = node.restart(2);
    done(&mut node, dispose(came, 0, 1));
    assert_eq!((undecided(&node, came), node.stock("milk").on_hand()), (0, 7));
    assert_eq!(order(&node, id).quantities()[&sku("milk")].undecided, 0);
    assert_eq!(returned(&node, came).later.len(), 2);
}

#[test]
fn goods_that_came_back_without_their_order_are_decided_on_as_well() {
    let mut node = Node::new("till", 1);
    let (came, _) = done(&mut node, take_back(None, None, vec![back(2, false, true)]));
    done(&mut node, dispose(came, 2, 0));
    assert_eq!((undecided(&node, came), node.stock("milk").on_hand()), (0, 2));
    let refused = node.submit(take_back(None, None, vec![back(1, true, true)]));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines[0].undecided"), "{refused:?}");
    let sale = order_of(&mut node, 1);
    for none in [sale, EventId::from_bytes([9; EventId::LEN])] {
        let refused = node.submit(dispose(none, 1, 0));
        assert!(matches!(refused, Err(Refusal::NotFound { kind: "return", .. })), "{refused:?}");
    }
}

#[test]
fn another_node_does_not_decide_and_hears_the_steps_in_any_order() {
    let (mut till, mut other) = (Node::new("till", 1), Node::new("other", 2));
    let (id, sold) = done(&mut till, Request::now(sell("milk", 4)));
    let (given, allowed) = done(&mut till, authorise(id, milk(3), None));
    let (came, back_again) = done(&mut till, take_back(Some(id), Some(given), vec![back(3, false, true)]));
    let (_, decided) = done(&mut till, dispose(came, 1, 1));
    for said in [&decided, &back_again, &allowed, &sold] {
        other.hear("till", said);
    }
    for node in [&till, &other] {
        assert_eq!((undecided(node, came), node.stock("milk").on_hand()), (1, -3));
        assert_eq!(authorised(node, id), [Authorised { quantity: 3, returned: 3, open: 0 }]);
        assert_eq!(order(node, id).quantities()[&sku("milk")].undecided, 1);
    }
    let refused = other.submit(dispose(came, 1, 0));
    let Err(Refusal::ReturnElsewhere { owner, retired: false, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(owner, name("till"));
}

#[test]
fn the_keeper_decides_on_what_a_retired_node_took_in_and_nobody_else_does() {
    let (mut keeper, mut till) = (Node::new("keeper", 1), Node::new("till", 2));
    keeper.engine.config.keeper = true;
    let papers = |node: &Node, role, keeper| {
        let (node, key) = (node.engine.config().node.clone(), key_of(node));
        let locations = vec![name("store")];
        Statement::Certificate(Certificate { node, key, role, locations, keeper, issued_at: NOON })
    };
    let of_keeper = papers(&keeper, Role::Headquarters, Some(0));
    let heard = keeper.run(enrolment(&authority(), &[of_keeper]));
    let of_till = papers(&till, Role::Store, None);
    let mut of_till = till.run(enrolment(&authority(), &[of_till]));
    till.hear("keeper", &heard);
    let (came, said) = done(&mut till, take_back(None, None, vec![back(2, false, true)]));
    of_till.extend(said);
    keeper.hear("till", &of_till);
    let refused = keeper.submit(dispose(came, 2, 0));
    assert!(matches!(refused, Err(Refusal::ReturnElsewhere { retired: false, .. })), "{refused:?}");
    let retirement = Retirement { node: name("till"), key: key_of(&till), at: NOON, stolen: false, counted: None };
    let retired = keeper.run(enrolment(&authority(), &[Statement::Retirement(retirement)]));
    let_time_pass(&mut keeper, 10);
    till.hear("keeper", &retired);
    let refused = till.submit(dispose(came, 1, 0));
    assert!(matches!(refused, Err(Refusal::Retired)), "{refused:?}");
    done(&mut keeper, dispose(came, 2, 0));
    assert_eq!((undecided(&keeper, came), keeper.stock("milk").on_hand()), (0, 2));
}

#[test]
fn what_two_copies_of_a_store_decide_on_beyond_a_return_is_a_work_item_at_every_node() {
    let (mut till, mut other) = (Node::new("till", 1), Node::new("other", 2));
    let (came, took_in) = done(&mut till, take_back(None, None, vec![back(3, false, true)]));
    let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
    let (_, first) = done(&mut till, dispose(came, 2, 0));
    let (_, second) = done(&mut copy, dispose(came, 2, 1));
    for said in [&second, &took_in, &first] {
        other.hear("till", said);
    }
    till.hear("till", &second);
    for node in [&till, &other] {
        let view = node.engine.committed();
        let mut look = |see: &mut dyn FnMut(&View)| see(&view);
        let items = crate::work::items(&mut look, &node.engine.reader()).unwrap();
        let beyond: Vec<_> = items.iter().filter(|item| item.subject.kind() == "over-decided").collect();
        assert_eq!(beyond.iter().map(|item| (item.extent, item.evidence.len())).collect::<Vec<_>>(), [(2, 3)]);
    }
}
