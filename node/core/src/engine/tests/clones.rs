//! What becomes of an epoch that goes on twice while its store goes on.

use super::promises::{let_time_pass, numbers, promised, stocked};
use super::*;
use crate::id::EventId;
use crate::order::{self, Status};

/// A till that promised milk, whose store was copied, and that has heard of the copy.
fn copied(ttl_seconds: u32) -> (Node, EventId) {
    let mut till = stocked("till", 1, 5);
    let promise = promised(&mut till, 2, Some(ttl_seconds));
    let mut copy = Node::on(till.engine.reader(), "till", 7, till.now);
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
