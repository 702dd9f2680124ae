//! Rights that go where they are wanted before a client waits for them.

use super::promises::{promised, stocked, talk};
use super::*;

/// Lets a node's clients want so many units, of which none stays promised.
fn want(node: &mut Node, quantity: i64) {
    let id = promised(node, quantity, Some(60));
    node.run(Command::Release(crate::command::GiveUp::all_of(id)));
}

/// Rights of both after each second of so many.
fn watch(one: &mut Node, other: &mut Node, seconds: i64) -> Vec<(i64, i64)> {
    let held = |node: &Node| node.stock("milk").rights_of(node.engine.writer().epoch);
    let second = |one: &mut Node, other: &mut Node| {
        for node in [&mut *one, &mut *other] {
            node.now = node.now.plus_millis(1_000);
            node.engine.tick(node.now, &mut node.rng, usize::MAX);
        }
        talk(one, other);
        (held(one), held(other))
    };
    (0..seconds).map(|_| second(one, other)).collect()
}

#[test]
fn two_nodes_that_both_run_low_share_once_and_do_not_send_rights_back_and_forth() {
    let (mut one, mut other) = (stocked("till-1", 1, 40), stocked("till-2", 2, 40));
    one.engine.link_up(one.now);
    other.engine.link_up(other.now);
    watch(&mut one, &mut other, 20);
    for _ in 0..10 {
        want(&mut one, 40);
        want(&mut other, 40);
    }
    // Both wanted ten times what is left now.
    promised(&mut one, 38, None);
    promised(&mut other, 10, None);
    let held = watch(&mut one, &mut other, 900);
    let moves = held.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!((1..=2).contains(&moves), "rights moved {moves} times: {:?}", held.last());
    let (first, second) = *held.last().expect("some seconds");
    assert_eq!(first + second, 32);
    assert!(first >= 8, "the one that had run out has {first}");
}

#[test]
fn an_asker_of_one_unit_does_not_strip_a_holder() {
    assert_eq!(super::super::seeking::more_for(100, 1, (1, 0), true), 0);
    assert_eq!(super::super::seeking::more_for(100, 0, (100, 0), false), 50);
    assert_eq!(super::super::seeking::more_for(100, 0, (100, 100), false), 33);
    assert_eq!(super::super::seeking::more_for(30, 20, (100, 100), false), 0, "not worth it");
    assert_eq!(super::super::seeking::more_for(30, 20, (100, 100), true), 5);
    assert_eq!(super::super::seeking::more_for(0, 5, (0, 0), false), 0);
}
