//! Tills that pay back for the same few orders under every fault: never more than was paid.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use tillmesh_core::command::{Command, LineRequest, Outcome, Request, TenderRequest};
use tillmesh_core::id::EventId;
use tillmesh_core::money::{Currency, Money};
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::traffic::sku;
use tillmesh_sim::world::PATIENCE;
use tillmesh_sim::{World, check, seeds};

/// What two cores play in some seconds.
const SEEDS: u64 = 200;
pub(super) const NODES: usize = 3;

#[test]
fn no_course_of_events_pays_back_more_than_was_paid() {
    seeds::play_all(SEEDS, play);
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    for node in 0..NODES {
        world.add(&format!("till{node}"), "shop");
    }
    world.pass(3_000, false);
    if !seed.is_multiple_of(4) {
        let (loss, twice) = (world.dice.below(41), world.dice.below(21));
        world.weather = Weather { loss, twice, delay: world.dice.between(5, 1_000) };
    }
    let mut orders = Vec::new();
    for _ in 0..60 {
        let at = world.dice.index(NODES);
        if world.nodes[at].engine.is_some() {
            trade(&mut world, &mut orders, at);
        }
        if !seed.is_multiple_of(4) && world.dice.percent(20) {
            go_wrong(&mut world, at);
        }
        let millis = world.dice.between(0, 900);
        world.pass(millis, true);
    }
    world.settle();
    check::everything(&world);
}

/// Sells for 100, or pays some of that back, with or without the help of peers.
fn trade(world: &mut World, orders: &mut Vec<EventId>, at: usize) {
    let until = world.dice.percent(70).then(|| world.nodes[at].clock(world.now + PATIENCE));
    let command = if orders.len() < 3 {
        let line = LineRequest { sku: sku(0), quantity: 1, unit_price: None, amount: Some(pounds(100)) };
        Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None }
    } else {
        let tender = TenderRequest { kind: name("cash"), amount: pounds(world.dice.between(20, 100)), reference: None };
        Command::PayBack { location: None, order: *world.dice.pick(orders), refund: vec![tender] }
    };
    // What is refused changes nothing; what must not be done the world checks at the end.
    drop(world.submit(at, Request { until, ..Request::now(command) }));
    if let Some((request, Outcome::Recorded { events, .. })) = world.nodes[at].pending.last()
        && matches!(request.command, Command::Sell { .. })
    {
        orders.extend(events.iter().map(|(event, _)| event.id));
    }
    world.commit(at);
}

/// A crash, a start, a link that goes or comes back, or a network in parts, of a few nodes.
pub(super) fn go_wrong(world: &mut World, at: usize) {
    let running = world.nodes[at].engine.is_some();
    match world.dice.below(6) {
        0 if running => world.crash(at),
        0 | 1 if !running => world.start(at),
        2 => {
            let up = !world.nodes[at].linked;
            world.link(at, up);
        }
        3 => {
            let parts = world.dice.below(1 << NODES);
            world.divide(|node| u8::from(parts >> node & 1 == 1));
        }
        4 => world.divide(|_| 0),
        _ => {}
    }
}

fn pounds(amount: i64) -> Money {
    Money { amount, currency: Currency::new("GBP").expect("a currency") }
}
