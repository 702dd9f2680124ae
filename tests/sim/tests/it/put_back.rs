//! Orders that two locations took on apart under one id, picked and gave up, under every fault: what is to be put back
//! is what the log says, listed where the copy that counts was made.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use std::collections::BTreeSet;

use tillmesh_core::channel::{ChannelCommand, CommandLine, LineContent, StatedTotals};
use tillmesh_core::command::{Command, Request};
use tillmesh_core::event::{Line, Stage};
use tillmesh_core::id::{EventId, Name, Reference};
use tillmesh_core::money::Currency;
use tillmesh_core::order;
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::View;
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::traffic::{product_of, receive, sku};
use tillmesh_sim::world::START;
use tillmesh_sim::{World, check, seeds};

use super::refunds::{NODES, go_wrong};

/// What two cores play in some seconds.
const SEEDS: u64 = 100;
const ORDERED: u64 = 3;

/// Two stores that hear nothing of each other take one message, each for its own location, and pick; a third node hears
/// both later.
fn taken_on_apart(seed: u64) -> World {
    let mut world = World::new(seed);
    for (node, location) in [("store-1", "shop"), ("store-2", "annex"), ("store-3", "shop")] {
        world.add(node, location);
    }
    world.run(0, Request::now(Command::PutProducts(vec![product_of(0)])));
    world.run(0, Request::now(receive(&sku(0), 50)));
    world.run(1, Request::now(receive(&sku(0), 50)));
    world.pass(5_000, false);
    world.divide(|node| u8::from(node == 1));
    for store in 0..2 {
        world.run(store, of_web("order", place_order()));
        world.run(store, bring(Stage::Picked, Vec::new()));
    }
    world.divide(|_| 0);
    world
}

fn of_web(message: &str, command: ChannelCommand) -> Request {
    let command = Command::of_channel(message, vec![command]);
    Request { channel: Some(name("web")), ..Request::now(command) }
}

fn reference() -> Reference {
    Reference::new("order 7").expect("a reference")
}

fn the_order() -> EventId {
    EventId::hash_of("tillmesh channel order", &[b"web", reference().as_str().as_bytes()])
}

fn place_order() -> ChannelCommand {
    let line = CommandLine { content: LineContent::Sku(sku(0)), quantity: ORDERED, unit_price: None, amount: None };
    ChannelCommand::PlaceOrder {
        reference: reference(),
        lines: vec![line],
        customer_ref: None,
        currency: Currency::new("GBP").expect("a currency"),
        stated: StatedTotals::default(),
        placed_at: Timestamp::from_millis(START),
        location: None,
    }
}

fn cancel_order() -> ChannelCommand {
    let cancelled_at = Timestamp::from_millis(START + 10_000);
    ChannelCommand::CancelOrder { reference: reference(), cancelled_at, reason: None }
}

fn bring(stage: Stage, lines: Vec<Line>) -> Request {
    Request::now(Command::Progress { order: the_order(), stage, from: None, lines })
}

/// Whether a node lists the order among those that a location has to work on.
fn lists(world: &World, node: usize, location: &Name) -> bool {
    let view = world.nodes[node].engine.as_ref().expect("it runs").view();
    let mut look = |see: &mut dyn FnMut(&View)| see(&view.read().expect("no thread panicked"));
    order::open_at(&mut look, Some(location)).contains(&the_order())
}

#[test]
fn what_two_locations_picked_for_an_order_that_is_given_up_is_listed_at_one_until_all_of_it_is_back() {
    let mut world = taken_on_apart(1);
    world.settle();
    world.run(2, of_web("cancelled", cancel_order()));
    world.settle();
    check::everything(&world);
    let locations = ["shop", "annex"].map(name);
    let listed = |world: &World| -> BTreeSet<Vec<bool>> {
        (0..NODES).map(|node| locations.iter().map(|location| lists(world, node, location)).collect()).collect()
    };
    let at = listed(&world);
    assert!(at.len() == 1 && at.iter().all(|at| at.iter().filter(|listed| **listed).count() == 1), "{at:?}");
    // Each location had picked all of it.
    for _ in 0..2 {
        assert_eq!(listed(&world), at);
        world.run(2, bring(Stage::Placed, Vec::new()));
        world.settle();
        check::everything(&world);
    }
    assert_eq!(listed(&world), BTreeSet::from([vec![false, false]]));
}

#[test]
fn no_course_of_events_loses_what_is_to_be_put_back() {
    seeds::play_all(SEEDS, play);
}

fn play(seed: u64) {
    let mut world = taken_on_apart(seed);
    if !seed.is_multiple_of(4) {
        let (loss, twice) = (world.dice.below(41), world.dice.below(21));
        world.weather = Weather { loss, twice, delay: world.dice.between(5, 1_000) };
    }
    for step in 0..30 {
        let at = world.dice.index(NODES);
        if world.nodes[at].engine.is_some() {
            serve(&mut world, at, step);
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

/// Somebody moves goods of the order between stages, hands a piece over, or hears that it is cancelled.
fn serve(world: &mut World, at: usize, step: u64) {
    let quantity = world.dice.between(1, 3);
    let lines = vec![Line { sku: sku(0), quantity }];
    let request = match world.dice.below(10) {
        0 => Request::now(Command::Fulfil {
            location: None,
            order: the_order(),
            lines: vec![Line { sku: sku(0), quantity: 1 }],
            parcel: None,
            handover: None,
        }),
        1 => of_web(&format!("cancelled {step}"), cancel_order()),
        2..5 => bring(Stage::Placed, lines),
        5 => bring(Stage::Ready, lines),
        _ => bring(Stage::Picked, lines),
    };
    // What is refused changes nothing; what must not be done the world checks at the end.
    drop(world.submit(at, request));
    world.commit(at);
}
