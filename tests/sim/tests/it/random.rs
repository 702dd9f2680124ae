//! Random courses of events, each from its seed.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one. `TILLMESH_SIM_SEEDS=n` says how many are played; without it as many as a
//! test run has time for.

use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::traffic::Traffic;
use tillmesh_sim::{Failure, World, check};

/// What a debug build plays in about a minute on one core.
const SEEDS: u64 = 60;
/// Steps of one course.
const STEPS: u64 = 260;
/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;

#[test]
fn any_course_of_events_ends_with_equal_nodes_and_nothing_lost() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    match number("TILLMESH_SIM_SEED") {
        Some(seed) => play(seed),
        None => (0..number("TILLMESH_SIM_SEEDS").unwrap_or(SEEDS)).for_each(play),
    }
}

/// One course of events. Every fourth seed has a fair network, so that a failure there has few causes.
fn play(seed: u64) {
    let mut world = World::new(seed);
    let locations = [name("north"), name("south")];
    let mut traffic = Traffic::new(&locations);
    traffic.ambiguous = seed % 2 == 1;
    let nodes = 2 + world.dice.index(3);
    for node in 0..nodes {
        world.add(&format!("node{node}"), locations[node % 2].as_str());
    }
    if !seed.is_multiple_of(4) {
        world.weather = Weather { loss: world.dice.below(40), twice: 10, delay: world.dice.between(5, 3_000) };
    }
    for _ in 0..STEPS {
        let at = world.dice.index(world.nodes.len());
        traffic.act(&mut world, at);
        if world.dice.percent(70) {
            world.commit(at);
        }
        if !seed.is_multiple_of(4) && world.dice.percent(25) {
            go_wrong(&mut world, at);
        }
        if world.dice.percent(15) {
            let limit = world.dice.index(30);
            world.write_behind(at, limit);
        }
        let millis =
            if world.dice.percent(2) { world.dice.between(1, 20 * HOUR) } else { world.dice.between(0, 1_500) };
        world.pass(millis.min(3 * HOUR), true);
    }
    world.settle();
    check::everything(&world);
}

fn go_wrong(world: &mut World, at: usize) {
    let running = world.nodes[at].engine.is_some();
    match world.dice.below(20) {
        0..5 if running => world.crash(at),
        0..7 if !running => world.start(at),
        5..7 => {
            let failure = if world.dice.percent(50) { Failure::Lost } else { Failure::Kept };
            let reopens = u32::try_from(world.dice.below(3)).unwrap_or_default();
            world.fail_disk(at, failure, reopens);
        }
        7..10 => {
            let up = !world.nodes[at].linked;
            world.link(at, up);
        }
        10..12 => {
            let parts = world.dice.below(1 << world.nodes.len());
            world.divide(|node| u8::from(parts >> node & 1 == 1));
        }
        12 | 13 => world.divide(|_| 0),
        14..16 => world.nodes[at].clock_error = world.dice.between(-3 * HOUR, 3 * HOUR),
        16 => world.nodes[at].clock_error = world.dice.between(-40 * HOUR, 40 * HOUR),
        17 if running => {
            world.lose_store(at);
            world.start(at);
        }
        18 if world.nodes.len() < 6 => {
            let number = world.nodes.len();
            world.add(&format!("late{number}"), if number.is_multiple_of(2) { "north" } else { "south" });
        }
        _ => {}
    }
}
