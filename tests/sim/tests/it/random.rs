//! Random courses of events, each from its seed.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one. `TILLMESH_SIM_SEEDS=n` says how many are played; without it as many as a
//! test run has time for. They share the processor's cores.

use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::traffic::Traffic;
use tillmesh_sim::{Dice, Failure, World, check, seeds};

/// As many as a run of all tests has time for.
const SEEDS: u64 = 600;
/// An hour in milliseconds.
const HOUR: i64 = 3_600_000;
/// The most nodes of a fleet, those included that join late.
const MOST_NODES: usize = 50;
/// How many join late at most.
const MOST_LATE: usize = 3;
/// How much of a long time is played in a large fleet; over the rest everybody sleeps.
const PLAYED: i64 = 60_000;

#[test]
fn any_course_of_events_ends_with_equal_nodes_and_nothing_lost() {
    seeds::play_all(SEEDS, play);
}

/// How large a course is.
struct Size {
    nodes: usize,
    steps: u64,
    /// Whether hours are played as they pass.
    patient: bool,
}

impl Size {
    /// Most fleets are small and most courses short: what they find, they find soon.
    fn roll(dice: &mut Dice) -> Self {
        let nodes = match dice.below(100) {
            0..66 => dice.between(2, 4),
            66..88 => dice.between(5, 9),
            88..97 => dice.between(10, 24),
            _ => dice.between(25, 47),
        };
        let long = nodes < 5 && dice.percent(12);
        let work = if long { 220 * nodes } else { dice.between(80, 500) };
        let steps = (work / nodes).clamp(12, 220).unsigned_abs();
        Self { nodes: usize::try_from(nodes).expect("a few"), steps, patient: long }
    }
}

/// One course of events. Every fourth seed has a fair network, so that a failure there has few causes.
fn play(seed: u64) {
    let mut world = World::new(seed);
    let locations = [name("north"), name("south")];
    let mut traffic = Traffic::new(&locations);
    traffic.ambiguous = seed % 2 == 1;
    let size = Size::roll(&mut world.dice);
    for node in 0..size.nodes {
        world.add(&format!("node{node}"), locations[node % 2].as_str());
    }
    if !seed.is_multiple_of(4) {
        let (loss, twice) = (world.dice.below(51), world.dice.below(21));
        world.weather = Weather { loss, twice, delay: world.dice.between(5, 3_000) };
    }
    for _ in 0..size.steps {
        step(&mut world, &mut traffic, &size, !seed.is_multiple_of(4));
    }
    world.settle();
    check::everything(&world);
}

fn step(world: &mut World, traffic: &mut Traffic, size: &Size, stormy: bool) {
    let at = world.dice.index(world.nodes.len());
    traffic.act(world, at);
    if world.dice.percent(70) {
        world.commit(at);
    }
    if stormy && world.dice.percent(25) {
        go_wrong(world, at, size.nodes + MOST_LATE);
    }
    if world.dice.percent(15) {
        let limit = world.dice.index(30);
        world.write_behind(at, limit);
    }
    let millis = if world.dice.percent(2) { world.dice.between(1, 20 * HOUR) } else { world.dice.between(0, 1_500) };
    let millis = millis.min(3 * HOUR);
    let played = if size.patient { millis } else { millis.min(PLAYED) };
    world.pass(played, true);
    world.now += millis - played;
}

fn go_wrong(world: &mut World, at: usize, most_nodes: usize) {
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
        18 if world.nodes.len() < most_nodes.min(MOST_NODES) => {
            let number = world.nodes.len();
            world.add(&format!("late{number}"), if number.is_multiple_of(2) { "north" } else { "south" });
        }
        _ => {}
    }
}
