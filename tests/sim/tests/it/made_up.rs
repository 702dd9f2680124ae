//! Somebody at the broker who says digests under names that it makes up, a new one each time: nothing is signed in
//! them, nobody answers to them, and they must not keep nodes from each other.

use tillmesh_core::codec;
use tillmesh_core::command::Request;
use tillmesh_core::document::Scope;
use tillmesh_core::id::ChangeHash;
use tillmesh_core::sync::{Incoming, Kind};
use tillmesh_sim::World;
use tillmesh_sim::node::name;
use tillmesh_sim::traffic::{receive, sell, sku};

use super::fleet::Office;

const SECOND: i64 = 1_000;
const NODES: usize = 4;
/// How often the names speak, and how many at once: two hundred a second in each of two scopes.
const EVERY: i64 = 50;
const AT_ONCE: usize = 20;
const MINUTES_TO_BE_EQUAL: i64 = 1;

/// What a digest says: the sum, documents and changes.
type Said = ([u8; 32], u64, u64);

/// A shop of nodes that hold the same, with the fleet's key or open.
fn shop(seed: u64, has_key: bool) -> World {
    let mut world = World::new(seed);
    for node in 0..NODES {
        world.add(&format!("till{node}"), "shop");
    }
    if has_key {
        let office = Office::open();
        (0..NODES).for_each(|node| office.enrol(&mut world, node));
    }
    world.run(0, Request::now(receive(&sku(1), 1_000)));
    (0..NODES).for_each(|node| world.run(node, Request::now(sell(&sku(1), 1))));
    world.pass(60 * SECOND, false);
    assert!(world.heads_agree());
    world
}

/// Lets time pass in which new names say this to everybody.
fn pass_with_names(world: &mut World, millis: i64, (sum, documents, changes): Said) {
    let scopes = [Scope::Stock(name("shop")), Scope::Fleet];
    let payload = codec::encode_versioned(1, &(ChangeHash::from_bytes(sum), documents, changes));
    let until = world.now + millis;
    while world.now < until {
        for number in 0..AT_ONCE {
            let from = name(&format!("n{}", world.now * AT_ONCE as i64 + number as i64));
            let scope = scopes[number % scopes.len()].clone();
            let digest = Incoming { scope, kind: Kind::Digest, from, payload: payload.clone() };
            let now = world.now;
            assert!(world.nodes.iter_mut().all(|node| node.receive(now, &digest).is_empty()));
        }
        world.pass(EVERY, false);
    }
}

/// A shop in which one node is behind.
fn shop_with_one_behind(seed: u64, has_key: bool) -> World {
    let mut world = shop(seed, has_key);
    world.link(0, false);
    for node in 1..NODES {
        world.run(node, Request::now(sell(&sku(1), 2)));
    }
    world.pass(10 * SECOND, false);
    world.link(0, true);
    world
}

fn is_repaired_while_names_are_made_up(seed: u64, has_key: bool) {
    let mut world = shop_with_one_behind(seed, has_key);
    let until = world.now + MINUTES_TO_BE_EQUAL * 60 * SECOND;
    while !world.heads_agree() {
        assert!(world.now < until, "seed {seed}: the node is still behind");
        pass_with_names(&mut world, SECOND, ([7; 32], 1, 1_000_000));
    }
}

#[test]
fn a_node_that_is_behind_is_repaired_while_somebody_makes_up_names() {
    (0..10).for_each(|seed| is_repaired_while_names_are_made_up(seed, false));
}

#[test]
fn a_node_that_is_behind_is_repaired_while_somebody_makes_up_names_in_a_fleet_with_a_key() {
    (0..10).for_each(|seed| is_repaired_while_names_are_made_up(seed, true));
}

#[test]
fn a_newcomer_that_was_introduced_to_a_member_joins_while_somebody_makes_up_names() {
    for seed in 0..4 {
        let (mut world, office) = (World::new(seed), Office::open());
        for node in 0..NODES {
            world.add(&format!("till{node}"), "shop");
            office.enrol(&mut world, node);
        }
        world.run(0, Request::now(receive(&sku(1), 1_000)));
        world.pass(60 * SECOND, false);
        assert!(world.heads_agree());
        pass_with_names(&mut world, 20 * SECOND, ([7; 32], 1, 1_000_000));
        let newcomer = world.add("newcomer", "shop");
        world.pass(EVERY, false);
        office.enrol_beside(&mut world, newcomer, 0);
        let until = world.now + MINUTES_TO_BE_EQUAL * 60 * SECOND;
        while !world.heads_agree() {
            assert!(world.now < until, "seed {seed}: the newcomer has not joined");
            pass_with_names(&mut world, SECOND, ([7; 32], 1, 1_000_000));
        }
    }
}

/// Somebody who says in the names of its peers what a node says that is behind.
fn is_repaired_while_its_peers_names_are_used(seed: u64, has_key: bool) {
    let scope = Scope::Stock(name("shop"));
    let mut world = shop_with_one_behind(seed, has_key);
    let until = world.now + MINUTES_TO_BE_EQUAL * 60 * SECOND;
    while !world.heads_agree() {
        assert!(world.now < until, "seed {seed}: the node is still behind");
        let engine = world.nodes[1].engine.as_ref().expect("it runs");
        let own = *engine.peers().scope(&name("till0"), &scope).expect("it said so");
        let digest = (ChangeHash::from_bytes(own.sum), own.documents, own.changes);
        let payload = codec::encode_versioned(1, &digest);
        for node in 1..NODES {
            let from = name(&format!("till{node}"));
            let digest = Incoming { scope: scope.clone(), kind: Kind::Digest, from, payload: payload.clone() };
            let now = world.now;
            assert_eq!(world.nodes[0].receive(now, &digest), []);
        }
        world.pass(EVERY, false);
    }
}

#[test]
fn a_node_that_is_behind_is_repaired_while_somebody_says_in_the_names_of_its_peers_what_it_says() {
    (0..10).for_each(|seed| is_repaired_while_its_peers_names_are_used(seed, seed % 2 == 1));
}

#[test]
fn names_that_say_what_a_node_says_do_not_silence_the_members_of_a_fleet_with_a_key() {
    let mut world = shop(1, true);
    let engine = world.nodes[0].engine.as_ref().expect("it runs");
    let heard = *engine.peers().scope(&name("till1"), &Scope::Stock(name("shop"))).expect("it said so");
    let before = world.network.published.clone();
    world.pass(60 * SECOND, false);
    let usual = world.network.published.since(&before).of(Kind::Digest).0;
    let before = world.network.published.clone();
    pass_with_names(&mut world, 60 * SECOND, (heard.sum, heard.documents, heard.changes));
    let said = world.network.published.since(&before).of(Kind::Digest).0;
    assert!(usual > 20 && said * 4 > usual * 3, "{said} digests in place of {usual}");
}
