//! A thousand nodes of one scope in one process. It takes longest of all, so its name lets it begin first.

use std::fs;

use tillmesh_core::command::Request;
use tillmesh_core::sync::Kind;
use tillmesh_sim::World;
use tillmesh_sim::network::{Traffic, Weather};
use tillmesh_sim::traffic::{receive, sell, sku};

const NODES: usize = 1_000;
const SECOND: i64 = 1_000;
/// Events before everybody meets, by as many nodes.
const EVENTS: usize = 12;

/// What the process takes, in bytes, where the system says so.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1_024)
}

fn report(what: &str, world: &World, before: &Traffic, delivered: &Traffic, began: i64) {
    let (published, delivered) = (world.network.published.since(before), world.network.traffic.since(delivered));
    println!("{what} after {} s: published {published:?}", (world.now - began) / SECOND);
    println!("  delivered {:?} (messages, bytes)", delivered.all());
}

/// Lets time pass until all hold the same.
fn meet(what: &str, world: &mut World) {
    let (began, before, delivered) = (world.now, world.network.published.clone(), world.network.traffic.clone());
    while !world.heads_agree() {
        assert!(world.now - began < 120 * SECOND, "{what}: they do not become equal");
        world.pass(SECOND, false);
    }
    report(what, world, &before, &delivered, began);
}

#[test]
fn a_thousand_nodes_become_equal_after_losses_and_a_division_and_few_of_them_speak() {
    let mut world = World::new(1);
    let empty = resident();
    for node in 0..NODES {
        world.add(&format!("node{node}"), "shop");
    }
    world.pass(5 * SECOND, false);
    world.weather = Weather { loss: 20, twice: 5, delay: 200 };
    world.run(0, Request::now(receive(&sku(1), 1_000)));
    for node in 1..EVENTS {
        world.run(node * (NODES / EVENTS), Request::now(sell(&sku(1), 1)));
    }
    world.weather = Weather::FAIR;
    meet("one in five messages lost", &mut world);

    world.divide(|node| u8::from(node % 2 == 1));
    for node in 0..EVENTS {
        world.run(NODES / 2 + node, Request::now(sell(&sku(1), 1)));
    }
    world.pass(5 * SECOND, false);
    world.divide(|_| 0);
    meet("two halves apart", &mut world);

    let (began, before, delivered) = (world.now, world.network.published.clone(), world.network.traffic.clone());
    world.pass(30 * SECOND, false);
    report("quiet", &world, &before, &delivered, began);
    let digests = world.network.published.since(&before).of(Kind::Digest).0;
    assert!(digests < 150, "{digests} digests of {NODES} nodes in half a minute");
    if let (Some(empty), Some(full)) = (empty, resident()) {
        println!("{} MB, {} KB a node", (full - empty) >> 20, ((full - empty) / NODES as u64) >> 10);
    }
}
