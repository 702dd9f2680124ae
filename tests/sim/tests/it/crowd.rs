//! Many nodes at once: what is said and asked must follow what differs, not how many hear of it.

use std::collections::BTreeSet;

use tillmesh_core::command::Request;
use tillmesh_core::sync::Kind;
use tillmesh_sim::network::Traffic;
use tillmesh_sim::traffic::{receive, sell, sku};
use tillmesh_sim::{World, check};

const SECOND: i64 = 1_000;
const NODES: usize = 50;
const SALES: usize = 20;

/// Nodes of one shop that hold the same and are quiet.
fn crowd(seed: u64, nodes: usize) -> World {
    let mut world = World::new(seed);
    for node in 0..nodes {
        world.add(&format!("till{node}"), "shop");
    }
    world.run(0, Request::now(receive(&sku(1), 1_000)));
    world.pass(60 * SECOND, false);
    assert!(world.heads_agree());
    world
}

/// The time until all are equal, in milliseconds, and what was published meanwhile and in the time until all is quiet.
fn until_equal(world: &mut World) -> (i64, Traffic) {
    let (began, before) = (world.now, world.network.published.clone());
    while !world.heads_agree() {
        assert!(world.now - began < 60 * SECOND, "they do not become equal");
        world.pass(100, false);
    }
    let equal = world.now - began;
    world.pass(30 * SECOND, false);
    (equal, world.network.published.since(&before))
}

#[test]
fn one_node_that_was_away_asks_once_and_is_answered_by_one_of_fifty() {
    let mut world = crowd(1, NODES);
    world.link(NODES - 1, false);
    for number in 0..SALES {
        world.run(number % 10, Request::now(sell(&sku(1), 1)));
    }
    world.pass(30 * SECOND, false);
    world.link(NODES - 1, true);
    let (equal, published) = until_equal(&mut world);
    println!("equal after {equal} ms: {published:?}");
    assert!(equal < 5 * SECOND);
    let ((requests, _), (responses, _)) = (published.of(Kind::Request), published.of(Kind::Response));
    assert!((1..=6).contains(&requests) && responses <= 6, "{published:?}");
    assert!(published.of(Kind::Digest).0 < 60, "{published:?}");
    assert_eq!(published.of(Kind::Changes).0, 0, "nobody else is sent anything: {published:?}");
}

#[test]
fn what_one_node_has_and_fifty_lack_is_asked_for_by_few_and_sent_to_all_at_once() {
    let mut world = crowd(2, NODES);
    world.link(NODES - 1, false);
    for _ in 0..SALES {
        world.run(NODES - 1, Request::now(sell(&sku(1), 1)));
    }
    world.pass(30 * SECOND, false);
    world.link(NODES - 1, true);
    let (equal, published) = until_equal(&mut world);
    println!("equal after {equal} ms: {published:?}");
    assert!(equal < 10 * SECOND);
    let ((requests, _), (responses, _)) = (published.of(Kind::Request), published.of(Kind::Response));
    assert!((1..=12).contains(&requests) && responses <= 12, "{published:?}");
    assert!((1..=4).contains(&published.of(Kind::Changes).0), "{published:?}");
    assert!(published.of(Kind::Digest).0 < 100, "{published:?}");
    world.settle();
    check::nodes_agree(&world);
}

#[test]
fn fifty_nodes_that_are_equal_say_about_as_many_digests_as_ten() {
    let quiet = |nodes| {
        let mut world = crowd(3, nodes);
        let before = world.network.published.clone();
        world.pass(120 * SECOND, false);
        world.network.published.since(&before).of(Kind::Digest).0
    };
    let (few, many) = (quiet(10), quiet(NODES));
    println!("{few} and {many} digests in two minutes");
    assert!(many < 4 * few, "{few} and {many}");
}

#[test]
fn every_node_of_fifty_is_heard_now_and_then_while_all_are_equal() {
    let mut world = crowd(4, NODES);
    let since = world.nodes[0].clock(world.now);
    world.pass(120 * SECOND, false);
    let peers = world.nodes[0].engine.as_ref().expect("it runs").peers().clone();
    let heard: BTreeSet<_> = peers.iter().filter(|(_, peer)| peer.last_heard > since).map(|(name, _)| name).collect();
    assert_eq!(heard.len(), NODES - 1);
}
