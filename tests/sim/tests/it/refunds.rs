//! Tills that pay back for the same few orders under every fault: never more than was paid.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use tillmesh_core::command::{Command, LineRequest, Outcome, Request, TenderRequest};
use tillmesh_core::id::EventId;
use tillmesh_core::money::{Currency, Money};
use tillmesh_core::order::{self, Order};
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

#[test]
fn of_tills_that_each_hold_a_part_and_want_more_at_once_one_pays_back_and_the_rest_is_paid_by_another() {
    seeds::play_all(SEEDS, want_more_at_once);
}

fn want_more_at_once(seed: u64) {
    let mut world = World::new(seed);
    for node in 0..NODES {
        world.add(&format!("till{node}"), "shop");
    }
    world.pass(3_000, false);
    let mut orders = Vec::new();
    while orders.len() < 3 {
        trade(&mut world, &mut orders, 0);
        world.pass(1_000, false);
    }
    let order = orders[0];
    for till in 1..NODES {
        let amount = world.dice.between(10, 40);
        // Its client does not wait for the answer, so the right stays with it.
        let request = pay_back(&world, till, order, amount);
        let now = world.now;
        assert!(world.nodes[till].submit(now, request).is_err_and(|refusal| refusal.is_asking()));
        world.commit(till);
        world.pass(2_000, false);
    }
    let wanted = [0, 1].map(|till| (till, world.dice.between(held(&world, till, order) + 1, 100)));
    let [(_, one), (_, other)] = wanted;
    // What a third till gave to one may not be known yet to the other, whose client then comes again.
    for _ in 0..2 {
        if refunded(&world, order) > 0 {
            break;
        }
        for (till, amount) in wanted {
            let request = pay_back(&world, till, order, amount);
            assert!(world.submit(till, request).is_err_and(|refusal| refusal.is_asking()));
            world.commit(till);
        }
        world.pass(1_000, false);
    }
    let (paid, expected) = (refunded(&world, order), if one + other <= 100 { [one + other; 2] } else { [one, other] });
    assert!(expected.contains(&paid), "{paid} were paid back where {one} and {other} were wanted");
    for till in 0..NODES {
        let left = 100 - refunded(&world, order);
        if left > 0 {
            let request = pay_back(&world, till, order, left);
            drop(world.submit(till, request));
            world.commit(till);
            world.pass(1_000, false);
        }
    }
    assert_eq!(refunded(&world, order), 100);
    world.settle();
    check::everything(&world);
}

fn pay_back(world: &World, till: usize, order: EventId, amount: i64) -> Request {
    let tender = TenderRequest { kind: name("cash"), amount: pounds(amount), reference: None };
    let command = Command::PayBack { location: None, order, refund: vec![tender] };
    Request { until: Some(world.nodes[till].clock(world.now + PATIENCE)), ..Request::now(command) }
}

/// An order as a till knows it.
fn order_at(world: &World, till: usize, id: EventId) -> Order {
    let engine = world.nodes[till].engine.as_ref().expect("it runs");
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    order::read(&view, &engine.reader(), id).expect("memory does not fail").expect("it was sold")
}

fn held(world: &World, till: usize, id: EventId) -> i64 {
    let writer = world.nodes[till].engine.as_ref().map(|engine| engine.writer().clone()).expect("it runs");
    order_at(world, till, id).refund_rights().get(&writer).copied().unwrap_or_default()
}

fn refunded(world: &World, id: EventId) -> i64 {
    order_at(world, 0, id).refunded()
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
