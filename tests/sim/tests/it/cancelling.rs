//! Orders that a web front gives up while stores hand them over, under every fault: no node settles more of an order
//! than was promised, and nothing is given up without consent.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use tillmesh_core::command::{Command, GiveUp, LineRequest, Outcome, PromiseTerms, Request, Reservation};
use tillmesh_core::event::Line;
use tillmesh_core::id::EventId;
use tillmesh_core::order::{self, CancellationState};
use tillmesh_sim::network::Weather;
use tillmesh_sim::traffic::{product_of, receive, sku};
use tillmesh_sim::{World, check, seeds};

use super::refunds::{NODES, go_wrong};

/// What two cores play in some seconds.
const SEEDS: u64 = 300;
/// The web front; the others are stores.
const WEB: usize = 0;
/// How much of the one SKU an order is for.
const ORDERED: i64 = 4;

#[test]
fn no_course_of_events_hands_over_what_its_store_consents_to_give_up() {
    seeds::play_all(SEEDS, play);
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    for node in ["web", "store-1", "store-2"] {
        world.add(node, "shop");
    }
    world.run(WEB, Request::now(Command::PutProducts(vec![product_of(0)])));
    world.run(WEB, Request::now(receive(&sku(0), 100)));
    for store in 1..NODES {
        world.run(store, Request::now(receive(&sku(0), 1)));
    }
    world.pass(5_000, false);
    if !seed.is_multiple_of(4) {
        let (loss, twice) = (world.dice.below(41), world.dice.below(21));
        world.weather = Weather { loss, twice, delay: world.dice.between(5, 1_000) };
    }
    let mut orders = Vec::new();
    for _ in 0..80 {
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
    every_request_came_to_an_end(&world, &orders);
}

/// The web front promises and gives up; a store hands over all of an order, or a piece of it.
fn trade(world: &mut World, orders: &mut Vec<EventId>, at: usize) {
    let newest = orders.last().copied();
    let piece = vec![Line { sku: sku(0), quantity: 1 }];
    let lines = if world.dice.percent(60) { piece } else { Vec::new() };
    let command = match newest {
        Some(promise) if at == WEB && world.dice.percent(70) => {
            Command::Release(GiveUp { lines, ..GiveUp::all_of(promise) })
        }
        Some(order) if at != WEB => Command::Fulfil { location: None, order, lines, parcel: None, handover: None },
        None if at != WEB => return,
        _ => {
            let line = LineRequest { sku: sku(0), quantity: ORDERED, unit_price: None, amount: None };
            let terms = PromiseTerms { ttl_seconds: None, until: None };
            Command::Reserve(Box::new(Reservation { location: None, lines: vec![line], customer: None, terms }))
        }
    };
    // What is refused changes nothing; what must not be done the world checks at the end.
    drop(world.submit(at, Request::now(command)));
    if let Some((request, Outcome::Recorded { events, .. })) = world.nodes[at].pending.last()
        && matches!(request.command, Command::Reserve(_))
    {
        orders.extend(events.iter().map(|(event, _)| event.id));
    }
    world.commit(at);
}

/// Once everybody can hear everybody, each request was answered, and what was consented to was given up.
fn every_request_came_to_an_end(world: &World, orders: &[EventId]) {
    let Some(engine) = &world.nodes[WEB].engine else { return };
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    for id in orders {
        let Some(order) = order::read(&view, &engine.reader(), *id).expect("memory does not fail") else { continue };
        let open = |state| matches!(state, CancellationState::Requested | CancellationState::Consented);
        let open: Vec<_> = order.cancellations().into_iter().filter(|it| open(it.state)).collect();
        assert!(open.is_empty(), "{open:?} of {:?}", order.later);
    }
}
