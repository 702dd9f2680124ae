//! What becomes of an epoch that goes on twice while its store goes on.

use super::promises::{let_time_pass, numbers, promised, reserve, stocked};
use super::vouchers::gift_card;
use super::*;
use crate::command::{Priced, VoucherIssue};
use crate::event::Body;
use crate::id::EventId;
use crate::money::{Currency, UnitPrice};
use crate::order::{self, Status};

/// A till that promised milk, whose store was copied, and that has heard of the copy.
fn copied(ttl_seconds: u32) -> (Node, EventId) {
    let mut till = stocked("till", 1, 5);
    let promise = promised(&mut till, 2, Some(ttl_seconds));
    let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
    let strange = copy.run(receive("milk", 1));
    till.hear("till", &strange);
    (till, promise)
}

fn leave(till: &mut Node) -> bool {
    till.engine.leave_cloned_epoch(till.now, &mut till.rng).unwrap()
}

fn status(node: &Node, id: EventId) -> Status {
    order::read(&node.engine.committed(), &node.engine.reader(), id).unwrap().unwrap().status()
}

#[test]
fn a_store_that_hears_of_its_copy_goes_on_in_an_epoch_of_its_own() {
    let (mut till, _) = copied(60);
    let before = till.engine.writer().clone();
    assert!(leave(&mut till));
    let after = till.engine.writer().clone();
    assert_ne!(before.epoch, after.epoch);
    assert!(till.engine.clone_alarms().iter().all(|alarm| alarm.fenced_at.is_some()));
    assert!(!leave(&mut till), "once");
    assert_eq!(numbers(&till), (0, 2, 0), "its rights stay behind");
    till.run(sell("milk", 1));
    till.run(receive("milk", 3));
    assert_eq!((numbers(&till).0, till.stock("milk").on_hand()), (2, 8));
    let till = till.restart(5);
    assert_eq!(*till.engine.writer(), after, "the copy does not write in that one");
    assert_eq!((numbers(&till).0, till.stock("milk").on_hand()), (2, 8));
}

#[test]
fn a_store_leaves_no_epoch_that_is_its_alone_nor_while_something_waits_for_a_commit() {
    let mut till = stocked("till", 1, 5);
    assert!(!leave(&mut till));
    let (mut till, _) = copied(60);
    let _sold = till.submit(Request::now(sell("milk", 1))).unwrap();
    assert!(!leave(&mut till));
    till.commit();
    assert!(leave(&mut till));
}

#[test]
fn an_unconfirmed_promise_of_an_epoch_that_was_left_ends_when_its_time_is_over() {
    for by_a_start in [false, true] {
        let (mut till, promise) = copied(60);
        if by_a_start {
            till = till.restart(3);
        } else {
            assert!(leave(&mut till));
        }
        let_time_pass(&mut till, 50);
        assert_eq!(status(&till, promise), Status::Reserved);
        let_time_pass(&mut till, 12);
        assert_eq!((status(&till, promise), till.stock("milk").open()), (Status::Cancelled, 0));
    }
}

#[test]
fn a_promise_of_an_epoch_that_was_left_may_be_confirmed_and_stays() {
    let (mut till, promise) = copied(60);
    assert!(leave(&mut till));
    till.run(Command::Confirm { promise, lines: Vec::new() });
    let_time_pass(&mut till, 90);
    assert_eq!((status(&till, promise), till.stock("milk").open()), (Status::Placed, 2));
}

#[test]
fn a_change_of_the_copy_whose_ancestors_are_missing_is_a_sign_of_it_as_well() {
    let mut till = stocked("till", 1, 5);
    let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
    let first = copy.run(sell("milk", 1));
    let second = copy.run(sell("milk", 1));
    till.hear("till", &second);
    till.hear("till", &second);
    let alarms: Vec<u64> = till.engine.clone_alarms().iter().map(|alarm| alarm.changes).collect();
    assert_eq!((alarms, till.stock("milk").on_hand()), (vec![1], 5), "it cannot be counted yet");
    assert!(leave(&mut till));
    till.hear("till", &first);
    assert_eq!(till.stock("milk").on_hand(), 3, "both count once they can");
}

#[test]
fn a_store_whose_copy_said_that_it_has_left_their_epoch_leaves_it_too() {
    for by_a_start in [false, true] {
        let mut till = stocked("till", 1, 5);
        let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
        let epoch = till.engine.writer().epoch;
        copy.hear("till", &till.run(sell("milk", 1)));
        assert!(leave(&mut copy), "it wrote nothing of its own in it");
        let fence = let_time_pass(&mut copy, 1);
        till.hear("till", &fence);
        if by_a_start {
            till = till.restart(3);
        }
        let_time_pass(&mut till, 1);
        assert!(leave(&mut till), "its rights are anybody's who keeps the location");
        assert!(!leave(&mut till), "once");
        assert_ne!(till.engine.writer().epoch, epoch);
        assert!(till.engine.clone_alarms().iter().all(|alarm| alarm.epoch == epoch && alarm.fenced_at.is_some()));
        let again = let_time_pass(&mut till, 1);
        copy.hear("till", &again);
        let_time_pass(&mut copy, 1);
        assert!(!leave(&mut copy), "the epoch that it is in is its alone");
    }
}

#[test]
fn a_cart_that_an_epoch_held_which_was_left_is_checked_out_by_the_store_that_left_it() {
    let (mut till, _) = copied(60);
    let Outcome::Cart { id: cart, .. } = till.submit(Request::now(Command::CreateCart { customer: None })).unwrap()
    else {
        panic!("a cart comes of it");
    };
    let price = Some(UnitPrice { amount: 100, scale: None, currency: Currency::new("USD").unwrap() });
    let milk = Command::AddToCart { cart, sku: sku("milk"), quantity: 1, unit_price: price };
    let Outcome::Cart { row, .. } = till.submit(Request::now(milk)).unwrap() else { panic!("a cart comes of it") };
    till.commit();
    assert!(leave(&mut till));
    let refused = till.submit(Request::now(Command::ClaimCart { cart }));
    assert!(matches!(refused, Err(Refusal::CartHeldElsewhere { asked: false, .. })), "nobody can hand it over");
    let line = LineRequest { sku: sku("milk"), quantity: 1, unit_price: price, amount: None };
    let add_ids = row.lines().into_iter().map(|(add_id, _)| add_id.clone()).collect();
    let priced = Priced { add_ids, lines: vec![line], adjustments: Vec::new(), proof: None };
    let before = till.stock("milk").on_hand();
    till.run(Command::Checkout { cart, priced, tenders: Vec::new() });
    assert_eq!(till.stock("milk").on_hand(), before - 1);
    let shown = till.engine.committed().carts.get(&cart).cloned().unwrap();
    assert_eq!(shown.checkouts().len(), 1);
}

#[test]
fn who_is_refused_for_what_an_epoch_holds_that_was_left_hears_who_must_take_it() {
    let (mut till, _) = copied(60);
    assert!(leave(&mut till));
    let_time_pass(&mut till, 1);
    let_time_pass(&mut till, 1);
    let refusal = till.submit(Request::now(reserve(1, None, None))).unwrap_err();
    let Refusal::NotAvailable { elsewhere, asking: false, .. } = &refusal else { panic!("{refusal:?}") };
    assert!(elsewhere.iter().any(|it| it.left && it.available == 4), "{elsewhere:?}");
    assert!(refusal.to_string().contains("in an epoch that was left: the keeper of store takes them"), "{refusal}");
}

/// A request under the key that this till's client uses next.
fn under_key(command: Command, body: &str) -> Request {
    Request::now(command).with_key("pos-1", body.as_bytes())
}

#[test]
fn copies_that_are_asked_for_different_things_under_one_key_record_both() {
    let mut till = stocked("till", 1, 9);
    let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
    let here = event_of(till.submit(under_key(sell("milk", 1), "one")).unwrap());
    let there = event_of(copy.submit(under_key(sell("milk", 5), "five")).unwrap());
    assert_ne!(here.id, there.id);
    let (from_till, from_copy) = (till.commit(), copy.commit());
    till.hear("till", &from_copy);
    copy.hear("till", &from_till);
    assert_eq!([till.stock("milk").on_hand(), copy.stock("milk").on_hand()], [3, 3], "both customers have paid");
    let again = event_of(till.submit(under_key(sell("milk", 1), "one")).unwrap());
    assert_eq!(again.id, here.id, "each client gets its own answer again");
}

#[test]
fn a_key_that_an_earlier_life_of_the_node_was_asked_under_gets_its_answer_for_the_same_request_alone() {
    let mut before = Node::new("till", 1);
    let sold = event_of(before.submit(under_key(sell("milk", 1), "one")).unwrap());
    let heard = before.commit();
    let mut rebuilt = Node::new("till", 2);
    rebuilt.hear("till", &heard);
    let again = rebuilt.submit(under_key(sell("milk", 1), "one")).unwrap();
    assert!(matches!(&again, Outcome::Recorded { repeated: true, .. }), "{again:?}");
    assert_eq!(event_of(again).id, sold.id);
    let other = rebuilt.submit(under_key(sell("milk", 7), "seven")).unwrap();
    assert!(matches!(&other, Outcome::Recorded { repeated: false, .. }), "it is another customer's: {other:?}");
    rebuilt.commit();
    assert_eq!(rebuilt.stock("milk").on_hand(), -8);
    let third = rebuilt.submit(under_key(sell("milk", 2), "two"));
    assert!(matches!(third, Err(Refusal::KeyReused { .. })), "{third:?}");
}

#[test]
fn what_many_lives_of_a_node_were_asked_for_under_one_key_is_found_again_for_each_request_also_after_a_start() {
    // More than are looked at for another request.
    let lives = 1..=70;
    let words = |quantity: i64| format!("life {quantity}");
    let mut till = Node::new("till", 100);
    for (quantity, seed) in lives.clone().zip(1..) {
        let mut life = Node::new("till", seed);
        let _sold = life.submit(under_key(sell("milk", quantity), &words(quantity))).unwrap();
        let heard = life.commit();
        till.hear("till", &heard);
    }
    for is_restarted in [false, true] {
        if is_restarted {
            till = till.restart(101);
        }
        for quantity in lives.clone() {
            let again = till.submit(under_key(sell("milk", quantity), &words(quantity))).unwrap();
            assert!(matches!(&again, Outcome::Recorded { repeated: true, .. }), "{quantity}: {again:?}");
        }
        assert_eq!(till.stock("milk").on_hand(), -lives.clone().sum::<i64>());
    }
}

#[test]
fn copies_that_issue_different_gift_cards_under_one_key_give_each_a_code_of_its_own() {
    let mut till = Node::new("till", 1);
    let mut copy = Node::on(till.engine.reader().snapshot(), "till", 7, till.now);
    let issue = |node: &mut Node, worth: i64| {
        let card = VoucherIssue { code: None, ..gift_card(worth) };
        let request = under_key(super::vouchers::issue(card), &format!("a card of {worth}"));
        let Outcome::Issued { code, .. } = node.submit(request).unwrap() else { panic!("no card") };
        code.grouped()
    };
    assert_ne!(issue(&mut till, 1_000), issue(&mut copy, 5_000));
}

#[test]
fn a_line_of_a_journal_is_refused_where_a_namesake_was_asked_for_something_under_its_key() {
    let mut before = Node::new("till", 1);
    let _sold = before.submit(under_key(sell("milk", 1), "over http")).unwrap();
    let heard = before.commit();
    let mut rebuilt = Node::new("till", 2);
    rebuilt.hear("till", &heard);
    let line = Request { is_of_journal: true, ..under_key(sell("milk", 1), "a line") };
    let refused = rebuilt.submit(line);
    assert!(matches!(refused, Err(Refusal::KeyReused { .. })), "{refused:?}");
}

#[test]
fn nobody_can_fence_an_epoch_of_another_node() {
    let (mut till, mut kiosk) = (stocked("till", 1, 5), Node::new("kiosk", 2));
    let epoch = till.engine.writer().epoch;
    let fence = Body::Fence(crate::event::Fence { epoch, changes: 1, latest: None });
    kiosk.engine.record_by_itself(kiosk.now, EventId::from_bytes([7; 16]), &name("store"), fence).unwrap();
    till.hear("kiosk", &kiosk.commit());
    let_time_pass(&mut till, 1);
    assert!(!leave(&mut till));
    assert_eq!(till.engine.writer().epoch, epoch);
}
