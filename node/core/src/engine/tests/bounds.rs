//! What a node records by itself stays within what every node folds, and rights go where they are of use.

use super::promises::{product, promised, reserve, stocked, talk};
use super::*;
use crate::command::GiveUp;
use crate::event::{AdjustmentReason, MAX_QUANTITY};
use crate::order::{self, Status};
use crate::time::Timestamp;

fn lines(quantity: i64) -> Vec<Line> {
    vec![Line { sku: sku("milk"), quantity }]
}

/// Rights of each epoch as a node knows them.
fn rights(node: &Node) -> Vec<i64> {
    node.stock("milk").rights.values().copied().collect()
}

fn until(node: &Node) -> Option<Timestamp> {
    Some(node.now.plus_millis(500))
}

/// Two nodes of one location, of which the first has so many units.
fn two(units: &[i64]) -> (Node, Node) {
    let (mut one, mut other) = (stocked("till-1", 1, 0), stocked("till-2", 2, 0));
    units.iter().for_each(|quantity| drop(one.run(receive("milk", *quantity))));
    one.engine.link_up(one.now);
    other.engine.link_up(other.now);
    let_both(&mut one, &mut other, 20);
    (one, other)
}

/// Lets both hear of everything, by repair, while seconds pass.
fn let_both(one: &mut Node, other: &mut Node, seconds: i64) {
    for _ in 0..seconds {
        for node in [&mut *one, &mut *other] {
            node.now = node.now.plus_millis(1_000);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(one, other);
    }
}

#[test]
fn a_grant_of_more_than_a_record_takes_is_folded_alike_by_giver_and_asker() {
    let (mut one, mut other) = two(&[MAX_QUANTITY; 3]);
    let asked = reserve(MAX_QUANTITY, None, until(&other));
    assert!(other.submit(Request::now(asked)).is_err_and(|refusal| refusal.is_asking()));
    talk(&mut other, &mut one);
    talk(&mut one, &mut other);
    assert_eq!(rights(&one), rights(&other));
    assert_eq!(rights(&one).iter().sum::<i64>(), 3 * MAX_QUANTITY);
    promised(&mut other, MAX_QUANTITY, None);
}

#[test]
fn a_keeper_makes_rights_of_what_was_found_in_as_many_records_as_it_takes() {
    let (mut one, mut other) = two(&[]);
    one.engine.config.keeper = true;
    for _ in 0..3 {
        let found = Command::Adjust { location: None, lines: lines(MAX_QUANTITY), reason: AdjustmentReason::Found };
        one.run(found);
    }
    let_both(&mut one, &mut other, 40);
    assert_eq!((rights(&one), rights(&other)), (vec![3 * MAX_QUANTITY], vec![3 * MAX_QUANTITY]));
}

#[test]
fn more_of_a_sku_than_a_line_may_have_is_refused_in_several_lines_too() {
    let mut node = stocked("till", 1, 5);
    let line = || LineRequest { sku: sku("milk"), quantity: MAX_QUANTITY, unit_price: None, amount: None };
    let lines = vec![line(), line()];
    let command = Command::Sell { location: None, lines, tenders: Vec::new(), customer: None };
    let refused = node.submit(Request::now(command));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines"), "{refused:?}");
    assert_eq!(node.stock("milk").on_hand(), 5);
}

#[test]
fn a_question_that_names_a_sku_twice_is_given_its_rights_once() {
    use crate::engine::wishes::Asker;
    use crate::sync::WantedRights;
    let (mut one, mut other) = two(&[10]);
    let line = || WantedRights { sku: sku("milk"), wanted: 10, demand: 10, channel: None };
    let of = one.engine.writer().epoch;
    let location = one.engine.config().location.clone();
    let asker = Asker { writer: other.engine.writer().clone(), proof: None };
    assert!(one.engine.give_rights(one.now, &mut one.rng, &location, &asker, &[line(), line()]));
    talk(&mut one, &mut other);
    assert_eq!(other.stock("milk").rights_of(other.engine.writer().epoch), 10);
    assert_eq!(other.stock("milk").rights_of(of), 0);
}

#[test]
fn nobody_is_asked_for_rights_that_do_not_suffice() {
    let (mut one, mut other) = two(&[10]);
    let refused = other.submit(Request::now(reserve(11, None, until(&other))));
    assert!(matches!(refused, Err(Refusal::NotAvailable { asking: false, .. })), "{refused:?}");
    talk(&mut other, &mut one);
    assert_eq!(one.stock("milk").rights_of(one.engine.writer().epoch), 10, "they stay where they are of use");
    let asked = other.submit(Request::now(reserve(10, None, until(&other))));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
}

#[test]
fn owners_who_decide_apart_on_a_shortfall_give_up_the_newest_and_no_more_than_is_missing() {
    let (mut one, mut other) = two(&[10]);
    let older = promised(&mut one, 5, None);
    let_both(&mut one, &mut other, 40);
    let asked = other.submit(Request::now(reserve(5, None, until(&other))));
    assert!(asked.is_err_and(|refusal| refusal.is_asking()));
    talk(&mut other, &mut one);
    talk(&mut one, &mut other);
    other.now = other.now.plus_millis(1_000);
    let newer = promised(&mut other, 5, None);
    one.run(sell("milk", 5));
    let_both(&mut one, &mut other, 40);
    let item = |node: &Node| super::decisions::open_items(node).remove(0).id;
    let decide = |item| Request::now(Command::Resolve { item, choice: "release-newest".to_owned(), reason: None });
    let (at_one, at_other) = (item(&one), item(&other));
    let refused = one.submit(decide(at_one));
    assert!(matches!(refused, Err(Refusal::NotOwner { promise, .. }) if promise == newer), "{refused:?}");
    let _outcome = other.submit(decide(at_other)).unwrap();
    talk(&mut other, &mut one);
    let_both(&mut one, &mut other, 2);
    let status =
        |node: &Node, id| order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap().status();
    assert_eq!((status(&one, older), status(&one, newer)), (Status::Placed, Status::Cancelled));
    assert_eq!(super::decisions::open_items(&one).len(), 0);
}

#[test]
fn a_confirmation_that_is_sent_again_with_other_lines_is_refused_and_its_key_is_taken() {
    let mut node = stocked("till", 1, 5);
    let id = promised(&mut node, 2, Some(60));
    let confirm = |lines| Command::Confirm { promise: id, lines };
    node.run(confirm(Vec::new()));
    let refused = node.submit(Request::now(confirm(lines(1))));
    assert!(matches!(&refused, Err(Refusal::Invalid { field, .. }) if field == "lines"), "{refused:?}");
    let again = Request::now(confirm(lines(2))).with_key("again", b"the same");
    assert!(matches!(node.submit(again.clone()), Ok(Outcome::Recorded { repeated: true, .. })));
    node.commit();
    let other = Request::now(Command::Release(GiveUp::all_of(id))).with_key("again", b"another");
    assert!(matches!(node.submit(other), Err(Refusal::KeyReused { .. })));
    assert!(matches!(node.submit(again), Ok(Outcome::Recorded { repeated: true, .. })));
}

#[test]
fn what_came_back_does_not_hide_what_is_still_to_leave() {
    let mut node = stocked("till", 1, 5);
    node.run(product("tea"));
    let id = promised(&mut node, 2, None);
    let (lines, order) = (lines(1), id);
    node.run(Command::Fulfil { location: None, order, lines, parcel: None, handover: None });
    let back = vec![crate::event::ReturnLine { sku: sku("milk"), quantity: 1, restock: true, undecided: None }];
    let (order, refund) = (Some(id), Vec::new());
    node.run(Command::TakeBack { location: None, order, authorisation: None, lines: back, refund });
    let order = order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap();
    assert_eq!(order.status(), Status::PartlyFulfilled);
}

#[test]
fn goods_of_another_location_leave_for_an_order_once_nobody_else_may_promise_them() {
    let (mut one, mut other) = two(&[5]);
    let order = promised(&mut one, 5, None);
    let depot = Some(name("depot"));
    other.run(Command::Receive { location: depot.clone(), lines: lines(5) });
    let_both(&mut one, &mut other, 40);
    let fulfil = Command::Fulfil { location: depot, order, lines: lines(5), parcel: None, handover: None };
    let refused = one.submit(Request::now(fulfil.clone()));
    assert!(matches!(refused, Err(Refusal::NotAvailable { asking: false, .. })), "{refused:?}");
    let waits = Request { until: until(&one), ..Request::now(fulfil.clone()) };
    assert!(one.submit(waits).is_err_and(|refusal| refusal.is_asking()));
    talk(&mut one, &mut other);
    one.run(fulfil);
    let order = order::read(&one.engine.committed(), &one.engine.reader(), order).unwrap().unwrap();
    assert_eq!(order.status(), Status::Completed);
}
