//! Rights to pay back: no more is paid back than was paid, whoever can hear whom.

use proptest::prelude::*;

use super::fleet::{authority, enrolment, key_of};
use super::promises::{let_time_pass, pass_on, talk};
use super::vouchers::linked;
use super::*;
use crate::command::TenderRequest;
use crate::event::Body;
use crate::fleet::{Certificate, Retirement, Role, Statement};
use crate::id::EventId;
use crate::money::{Currency, Money};
use crate::order::{self, Order};
use crate::refusal::RefundHolder;
use crate::work::Subject;

pub(super) fn money(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

/// Sells milk for 200.
pub(super) fn order_of(node: &mut Node) -> EventId {
    let line = LineRequest { sku: sku("milk"), quantity: 2, unit_price: None, amount: Some(money(200)) };
    let command = Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None };
    event_of(node.submit(Request::now(command)).unwrap()).id
}

fn cash(amount: i64) -> Vec<TenderRequest> {
    vec![TenderRequest { kind: name("cash"), amount: money(amount), reference: None }]
}

pub(super) fn pay_back(order: EventId, amount: i64, until: Option<Timestamp>) -> Request {
    Request { until, ..Request::now(Command::PayBack { location: None, order, refund: cash(amount) }) }
}

fn order(node: &Node, id: EventId) -> Order {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap()
}

fn held(node: &Node, id: EventId) -> i64 {
    order(node, id).refund_rights().get(node.engine.writer()).copied().unwrap_or_default()
}

/// Nodes of one store that know each other, the first of which made an order that all know.
fn shop(names: &[&str]) -> (Vec<Node>, EventId) {
    let mut nodes = linked(names);
    let id = order_of(&mut nodes[0]);
    let sold = nodes[0].commit();
    nodes[1..].iter_mut().for_each(|node| node.hear(names[0], &sold));
    (nodes, id)
}

fn two() -> (Node, Node, EventId) {
    let (nodes, id) = shop(&["till", "other"]);
    let [till, other] = <[Node; 2]>::try_from(nodes).map_err(|_| ()).unwrap();
    (till, other, id)
}

#[test]
fn who_sold_pays_back_alone_while_nobody_can_be_asked() {
    let (mut till, mut other, id) = two();
    let refused = other.submit(pay_back(id, 200, None));
    let Err(Refusal::RefundElsewhere { available: 0, holders, asking: false, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(holders, [RefundHolder { node: name("till"), available: 200, left: false }]);
    let now = other.now;
    assert_eq!(other.engine.commit(now).unwrap().position, None, "nothing was written");
    let _paid = till.submit(pay_back(id, 200, None)).unwrap();
    talk(&mut till, &mut other);
    let refused = other.submit(pay_back(id, 1, None));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "refund"), "{refused:?}");
}

#[test]
fn a_node_that_is_asked_gives_what_it_may_pay_back_itself_and_has_it_no_more() {
    let (mut till, mut other, id) = two();
    let until = Some(other.now.plus_millis(500));
    let refused = other.submit(pay_back(id, 150, until));
    assert!(refused.as_ref().is_err_and(Refusal::is_asking), "{refused:?}");
    talk(&mut other, &mut till);
    assert!(other.engine.take_news());
    let _paid = other.submit(pay_back(id, 150, until)).unwrap();
    talk(&mut other, &mut till);
    for node in [&till, &other] {
        assert_eq!(
            (order(node, id).refunded(), held(node, id)),
            (150, if node.engine.config().node == name("till") { 50 } else { 0 })
        );
    }
    let _paid = till.submit(pay_back(id, 50, None)).unwrap();
}

#[test]
fn a_holder_that_gave_is_asked_again_at_once() {
    let (mut till, mut other, id) = two();
    let until = Some(other.now.plus_millis(500));
    for (key, expected) in [("first", 60), ("second", 120)] {
        let request = || pay_back(id, 60, until).with_key(key, key.as_bytes());
        let asking = other.submit(request());
        assert!(asking.as_ref().is_err_and(Refusal::is_asking), "{asking:?}");
        talk(&mut other, &mut till);
        let _paid = other.submit(request()).unwrap();
        talk(&mut other, &mut till);
        assert_eq!(order(&till, id).refunded(), expected);
    }
}

#[test]
fn a_holder_that_has_spent_its_right_says_so() {
    let (mut till, mut other, id) = two();
    let _paid = till.submit(pay_back(id, 200, None)).unwrap();
    let unheard = till.commit();
    let until = Some(other.now.plus_millis(500));
    let asking = other.submit(pay_back(id, 200, until));
    assert!(asking.as_ref().is_err_and(Refusal::is_asking), "{asking:?}");
    talk(&mut other, &mut till);
    assert!(other.engine.take_news());
    let refused = other.submit(pay_back(id, 200, until));
    assert!(matches!(refused, Err(Refusal::RefundElsewhere { asking: false, .. })), "{refused:?}");
    other.hear("till", &unheard);
    assert_eq!(order(&other, id).refunded(), 200);
}

#[test]
fn of_two_that_each_hold_a_part_and_want_more_the_first_gets_all_and_the_other_nothing() {
    let (mut till, mut other, id) = two();
    let until = Some(other.now.plus_millis(500));
    let asking = other.submit(pay_back(id, 80, until));
    assert!(asking.is_err_and(|refusal| refusal.is_asking()));
    talk(&mut other, &mut till);
    // Nobody waits for that any more.
    for node in [&mut till, &mut other] {
        node.now = node.now.plus_millis(60_000);
    }
    assert_eq!((held(&till, id), held(&other, id)), (120, 80));
    let until = Some(till.now.plus_millis(500));
    for node in [&mut till, &mut other] {
        let asking = node.submit(pay_back(id, 150, until));
        assert!(asking.is_err_and(|refusal| refusal.is_asking()));
    }
    talk(&mut till, &mut other);
    let (first, second) =
        if other.engine.writer() < till.engine.writer() { (&mut other, &mut till) } else { (&mut till, &mut other) };
    let _paid = first.submit(pay_back(id, 150, until)).unwrap();
    let refused = second.submit(pay_back(id, 150, until));
    assert!(matches!(refused, Err(Refusal::RefundElsewhere { asking: false, .. })), "{refused:?}");
}

#[test]
fn goods_whose_money_nobody_may_pay_back_here_do_not_come_back_with_it_and_may_come_back_alone() {
    let (_, mut other, id) = two();
    let line = crate::event::ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None };
    let back = |refund| Command::TakeBack {
        location: None,
        order: Some(id),
        authorisation: None,
        lines: vec![line.clone()],
        refund,
    };
    let refused = other.submit(Request::now(back(cash(100))));
    assert!(matches!(refused, Err(Refusal::RefundElsewhere { .. })), "{refused:?}");
    let now = other.now;
    assert_eq!(other.engine.commit(now).unwrap().position, None);
    other.run(back(Vec::new()));
    assert_eq!((order(&other, id).refunded(), other.stock("milk").on_hand()), (0, -1));
}

#[test]
fn where_the_settings_say_so_money_is_paid_back_apart_and_too_much_is_a_work_item() {
    let (mut till, mut other, id) = two();
    other.engine.refunds_apart = true;
    let _paid = other.submit(pay_back(id, 200, None)).unwrap();
    let _paid = till.submit(pay_back(id, 200, None)).unwrap();
    talk(&mut till, &mut other);
    for node in [&till, &other] {
        assert!(node.engine.committed().work.get(&Subject::OverRefunded { order: id }).is_some());
        assert_eq!(order(node, id).refunded(), 400);
    }
}

#[test]
fn a_new_epoch_has_no_right_of_the_one_before() {
    let (mut till, mut other, id) = two();
    let copy = till.engine.reader();
    let mut copy = Node::on(copy, "till", 7, till.now);
    let strange = copy.run(receive("milk", 1));
    till.hear("till", &strange);
    let mut till = till.restart(3);
    till.engine.link_up(till.now);
    let refused = till.submit(pay_back(id, 200, None));
    assert!(matches!(refused, Err(Refusal::RefundElsewhere { available: 0, .. })), "{refused:?}");
    let said = let_time_pass(&mut till, 1);
    other.hear("till", &said);
    // The keeper takes what the epoch that was left may pay back.
    other.engine.config.keeper = true;
    let Ok(Outcome::Recorded { events, .. }) = other.submit(pay_back(id, 120, None)) else {
        panic!("it is the keeper")
    };
    assert_eq!(events.len(), 1, "what is asked for is answered");
    other.commit();
    let rights: Vec<_> = order(&other, id).refund_rights().into_values().collect();
    assert_eq!((order(&other, id).refunded(), rights.iter().sum::<i64>()), (120, 80));
}

#[test]
fn the_keeper_pays_back_what_a_retired_node_may_have_and_nobody_else_does() {
    let (mut keeper, mut till) = (Node::new("keeper", 1), Node::new("till", 2));
    keeper.engine.config.keeper = true;
    let papers = |node: &Node, role, keeper| {
        let (node, key) = (node.engine.config().node.clone(), key_of(node));
        let locations = vec![name("store")];
        Statement::Certificate(Certificate { node, key, role, locations, keeper, issued_at: NOON })
    };
    let heard = keeper.run(enrolment(&authority(), &[papers(&keeper, Role::Headquarters, Some(0))]));
    let mut of_till = till.run(enrolment(&authority(), &[papers(&till, Role::Store, None)]));
    till.hear("keeper", &heard);
    let id = order_of(&mut till);
    of_till.extend(till.commit());
    keeper.hear("till", &of_till);
    let refused = keeper.submit(pay_back(id, 200, None));
    assert!(matches!(refused, Err(Refusal::RefundElsewhere { .. })), "it is not retired yet: {refused:?}");
    let retirement = Retirement { node: name("till"), key: key_of(&till), at: NOON, stolen: false, counted: None };
    let retired = keeper.run(enrolment(&authority(), &[Statement::Retirement(retirement)]));
    let_time_pass(&mut keeper, 10);
    let _paid = keeper.submit(pay_back(id, 200, None)).unwrap();
    keeper.commit();
    assert!(order(&keeper, id).later.iter().any(|(event, _)| matches!(event.body, Body::RefundReclaim(_))));
    till.hear("keeper", &retired);
    let refused = till.submit(pay_back(id, 200, None));
    assert!(matches!(refused, Err(Refusal::Retired)), "{refused:?}");
    let keeper = keeper.restart(9);
    assert_eq!((order(&keeper, id).refunded(), held(&keeper, id)), (200, 0));
}

/// One thing that happens to a fleet of three.
#[derive(Debug, Clone)]
enum Step {
    PayBack(usize, i64, bool),
    /// One hears another.
    Hear(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 0..3_usize;
    prop_oneof![
        4 => (node(), 1..120_i64, any::<bool>()).prop_map(|(node, amount, asks)| Step::PayBack(node, amount, asks)),
        6 => (node(), node()).prop_map(|(from, to)| Step::Hear(from, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_course_of_events_pays_back_more_than_was_paid(steps in prop::collection::vec(step(), 1..60)) {
        let (mut nodes, id) = shop(&["till-1", "till-2", "till-3"]);
        let mut paid_back = 0;
        for step in steps {
            match step {
                Step::PayBack(at, amount, asks) => {
                    let until = asks.then(|| nodes[at].now.plus_millis(500));
                    if nodes[at].submit(pay_back(id, amount, until)).is_ok() {
                        paid_back += amount;
                    }
                }
                Step::Hear(from, to) if from != to => {
                    let (low, high) = nodes.split_at_mut(from.max(to));
                    let (low, high) = (&mut low[from.min(to)], &mut high[0]);
                    let (from, to) = if from < to { (low, high) } else { (high, low) };
                    pass_on(from, to);
                    to.engine.commit(to.now).unwrap();
                }
                Step::Hear(..) => {}
            }
            prop_assert!(paid_back <= 200, "{paid_back} of 200");
        }
    }
}
