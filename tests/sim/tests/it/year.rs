//! A node that begins empty, or was away for a year of trading, gets everything: what it costs, and that neither
//! losses nor a crash make it begin anew.

use std::collections::BTreeSet;

use tillmesh_core::command::Request;
use tillmesh_core::history::read_commit;
use tillmesh_core::sync::MAX_MESSAGE;
use tillmesh_sim::network::Weather;
use tillmesh_sim::traffic::{receive, sell, sku};
use tillmesh_sim::{Disk, World, check};

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3_600 * SECOND;
const WRITERS: usize = 3;
const DATES: usize = 365;
const SALES_A_DAY: usize = 3;
/// What may be sent for each hundred bytes of batches that are missing.
const MOST_COST: u64 = 130;

/// A year of trading by several nodes, and a node that heard the first so many days of it.
fn year(seed: u64, heard: usize) -> World {
    let mut world = World::new(seed);
    for writer in 0..WRITERS {
        world.add(&format!("till{writer}"), "shop");
    }
    let last = world.add("away", "shop");
    world.run(0, Request::now(receive(&sku(1), 10_000)));
    for date in 0..DATES {
        if date == heard {
            world.link(last, false);
        }
        for writer in 0..WRITERS {
            for _ in 0..SALES_A_DAY {
                world.run(writer, Request::now(sell(&sku(1), 1)));
            }
        }
        world.pass(2 * SECOND, false);
        world.now += DAY - 2 * SECOND;
    }
    world
}

/// The batches on a disk.
fn batches(disk: &Disk) -> BTreeSet<Vec<u8>> {
    let commits = (1..).map_while(|position| read_commit(disk, position).ok());
    commits.flat_map(|commit| commit.envelopes.into_iter().map(Vec::from)).collect()
}

/// How many bytes of batches a node lacks of what another one has.
fn missing(world: &World, node: usize) -> u64 {
    let here = batches(&world.nodes[node].disk);
    batches(&world.nodes[0].disk).difference(&here).map(|batch| batch.len() as u64).sum()
}

/// Lets a node become equal to the others; gives what was sent meanwhile, whether it arrived or not.
fn catch_up(world: &mut World) -> u64 {
    let before = world.network.traffic.clone();
    let began = world.now;
    while !world.heads_agree() {
        assert!(world.now - began < 600 * SECOND, "it does not catch up");
        world.pass(100, false);
    }
    println!("after {} ms", world.now - began);
    world.network.traffic.since(&before).all().1
}

fn costs_little(sent: u64, missing: u64, lost_of_a_hundred: u64) {
    let cost = sent * 100 / missing;
    println!("{sent} bytes were sent for {missing} that were missing: {cost} %");
    assert!(cost * (100 - lost_of_a_hundred) / 100 <= MOST_COST, "{cost} %, {lost_of_a_hundred} % of it lost");
}

#[test]
fn a_node_that_was_away_for_a_year_gets_what_it_lacks_and_little_more() {
    let mut world = year(1, 5);
    let last = WRITERS;
    let lacks = missing(&world, last);
    world.link(last, true);
    let sent = catch_up(&mut world);
    costs_little(sent, lacks, 0);
    assert!(world.network.largest <= MAX_MESSAGE, "{} bytes in one message", world.network.largest);
    world.settle();
    check::everything(&world);
}

#[test]
fn a_node_that_begins_empty_gets_a_year_though_pieces_are_lost_and_it_crashes_on_the_way() {
    let mut world = year(2, 0);
    let last = WRITERS;
    let all = missing(&world, last);
    world.weather = Weather { loss: 15, twice: 0, delay: 100 };
    world.link(last, true);
    while missing(&world, last) > all / 2 {
        world.pass(20, false);
    }
    world.crash(last);
    let left = missing(&world, last);
    assert!(left > all / 4, "it is in the middle: {left} of {all}");
    world.pass(30 * SECOND, false);
    world.start(last);
    let sent = catch_up(&mut world);
    costs_little(sent, left, world.weather.loss);
    world.settle();
    check::everything(&world);
}
