//! Promises under every fault, watched by somebody who sees each event the moment it is durable.
//!
//! `TILLMESH_SIM_SEED=n` plays exactly one course; `TILLMESH_SIM_SEEDS=n` says how many are played.

use tillmesh_core::command::{
    Command, LineRequest, Outcome, PromiseTerms, Request, Reservation, TenderRequest, VoucherIssue,
};
use tillmesh_core::event::{AdjustmentReason, Line, ReturnLine};
use tillmesh_core::id::{EventId, Reference};
use tillmesh_core::money::{Currency, Money};
use tillmesh_core::voucher::{GIFT_CARD, VoucherCode, VoucherKind};
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::name;
use tillmesh_sim::omniscient::Omniscient;
use tillmesh_sim::traffic::{give_up, maker, product_of, sku};
use tillmesh_sim::world::PATIENCE;
use tillmesh_sim::{Failure, World, check, seeds};

/// What two cores play in about 40 seconds, unoptimised. `misfortunes` plays 700 more.
const SEEDS: u64 = 1_300;
/// Few SKUs, so that everybody wants the same.
const SKUS: u64 = 2;
/// And few gift cards.
const CARDS: u64 = 2;
/// How long holders and the keeper need to settle what a course left behind, in milliseconds.
pub(super) const AFTERWARDS: i64 = 30_000;

/// What happens besides promises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trade {
    /// Nothing physical but goods that come in: no promise may ever be broken.
    PromisesOnly,
    /// Tills sell, goods are lost and come back.
    Everything,
    /// And shelves are counted, and goods go to the next location and come from it.
    Counted,
}

#[test]
fn without_physical_sales_no_promise_is_ever_broken() {
    seeds::play_all(SEEDS / 2, |seed| play(seed, Trade::PromisesOnly));
}

#[test]
fn every_broken_promise_is_explained_by_what_somebody_took_in_hand() {
    seeds::play_all(SEEDS / 2, |seed| play(seed, Trade::Everything));
}

fn play(seed: u64, trade: Trade) {
    let mut world = shop(seed);
    let (mut watcher, mut promises) = (Omniscient::default(), Vec::new());
    for _ in 0..steps(&world) {
        step(&mut world, &mut promises, trade, !seed.is_multiple_of(4));
        watcher.look(&world);
    }
    world.settle();
    world.pass(AFTERWARDS, false);
    world.hear_the_last();
    watcher.look(&world);
    check::everything(&world);
    for (key, row) in watcher.rows() {
        let excess = -row.free().min(0);
        assert!(excess == 0 || row.rights.values().all(|rights| *rights == 0), "rights without goods: {key:?} {row:?}");
        if trade == Trade::PromisesOnly {
            assert!(row.open() <= row.on_hand || row.twice > 0, "a promise is broken: {key:?} {row:?}");
            let sound = row.explained == 0 || row.twice > 0;
            assert!(sound, "rights were made of what was promised or somebody's: {key:?} {row:?}");
        }
    }
}

/// Whether a course is of a large shop: one in ten, whatever else its seed says.
const fn is_large(seed: u64) -> bool {
    seed / 4 % 10 == 3
}

/// A shop of some nodes, one in three with a keeper, three in four with bad weather.
pub(super) fn shop(seed: u64) -> World {
    let mut world = World::new(seed);
    let nodes = if is_large(seed) { world.dice.between(12, 30) } else { world.dice.between(3, 6) };
    for node in 0..nodes {
        world.add(&format!("node{node}"), "shop");
    }
    world.nodes[0].keeper = seed.is_multiple_of(3);
    world.crash(0);
    world.start(0);
    for number in 0..SKUS {
        world.run(0, Request::now(Command::PutProducts(vec![product_of(number)])));
    }
    world.pass(3_000, false);
    if !seed.is_multiple_of(4) {
        let (loss, twice) = (world.dice.below(41), world.dice.below(21));
        world.weather = Weather { loss, twice, delay: world.dice.between(5, 1_000) };
    }
    world
}

/// How much happens in a course: about as much work in a small shop as in a large one.
pub(super) fn steps(world: &World) -> usize {
    (240 / world.nodes.len()).max(12)
}

pub(super) fn step(world: &mut World, promises: &mut Vec<EventId>, trade: Trade, stormy: bool) {
    let at = world.dice.index(world.nodes.len());
    if world.nodes[at].engine.is_some() {
        let request = if world.dice.percent(20) {
            some_voucher(world, at)
        } else {
            Request::now(some_command(world, promises, trade, at))
        };
        let owner = match &request.command {
            Command::Release(given_up) => maker(&world.nodes, given_up.promise),
            _ => None,
        };
        let at = owner.unwrap_or(at);
        // What is refused changes nothing; what the world must not refuse it checks itself.
        drop(world.submit(at, request));
        learn(world, promises, at);
        if world.dice.percent(70) {
            world.commit(at);
        }
    }
    if stormy && world.dice.percent(25) {
        go_wrong(world, at);
    }
    let millis = if world.dice.percent(5) { world.dice.between(1_000, 60_000) } else { world.dice.between(0, 900) };
    world.pass(millis, true);
}

fn some_command(world: &mut World, promises: &[EventId], trade: Trade, at: usize) -> Command {
    let what = sku(world.dice.below(SKUS));
    let quantity = world.dice.between(1, 6);
    let lines = vec![Line { sku: what.clone(), quantity }];
    let kinds = match trade {
        Trade::PromisesOnly => 16,
        Trade::Everything => 24,
        Trade::Counted => 28,
    };
    match (world.dice.below(kinds), promises.is_empty()) {
        (0..2, _) => Command::Receive { location: None, lines },
        (9 | 10, false) => Command::Confirm { promise: *world.dice.pick(promises), lines: Vec::new() },
        (11 | 12, false) => {
            let promise = *world.dice.pick(promises);
            Command::Release(give_up(world, promise))
        }
        (13..16, false) => {
            let order = *world.dice.pick(promises);
            let lines = if world.dice.percent(30) { vec![Line { sku: what, quantity: 1 }] } else { Vec::new() };
            Command::Fulfil { location: None, order, lines, parcel: None, handover: None }
        }
        (16..21, _) => {
            let line = LineRequest { sku: what, quantity, unit_price: None, amount: None };
            Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None }
        }
        (21, _) => {
            let lines = vec![Line { sku: what, quantity: -quantity }];
            Command::Adjust { location: None, lines, reason: AdjustmentReason::Lost }
        }
        (22, _) => {
            let lines = vec![ReturnLine { sku: what, quantity, restock: true, undecided: None }];
            Command::TakeBack { location: None, order: None, authorisation: None, lines, refund: Vec::new() }
        }
        (23, _) => Command::Transfer { from: None, to: name("elsewhere"), lines },
        (24..26, _) => Command::Count { location: None, lines: vec![Line { sku: what, quantity: 2 * quantity }] },
        (26, _) => Command::Transfer { from: Some(name("elsewhere")), to: name("shop"), lines },
        (27, _) => Command::Receive { location: Some(name("elsewhere")), lines },
        _ => {
            let line = LineRequest { sku: what, quantity, unit_price: None, amount: None };
            let ttl_seconds = if world.dice.percent(40) { None } else { u32::try_from(world.dice.between(1, 20)).ok() };
            let until = world.dice.percent(80).then(|| world.nodes[at].clock(world.now + PATIENCE));
            let (lines, terms) = (vec![line], PromiseTerms { ttl_seconds, until });
            Command::Reserve(Box::new(Reservation { location: None, lines, customer: None, terms }))
        }
    }
}

/// Issues a gift card, or spends some of it at whatever node its bearer is. The watcher sees to it that no more is
/// redeemed than was issued.
fn some_voucher(world: &mut World, at: usize) -> Request {
    let currency = Currency::new("USD").expect("a currency");
    let card = format!("1000-2000-3000-400{}", world.dice.below(CARDS));
    let quantity = world.dice.between(1, 60);
    if world.dice.percent(15) {
        let (kind, code) = (VoucherKind::GiftCard(currency), VoucherCode::new(&card).ok());
        let issue = VoucherIssue {
            kind,
            code,
            quantity: 3 * quantity,
            valid_until: None,
            promotion: None,
            tenders: Vec::new(),
        };
        return Request::now(Command::IssueVoucher(Box::new(issue)));
    }
    let amount = Money { amount: quantity, currency };
    let tender = TenderRequest { kind: name(GIFT_CARD), amount, reference: Reference::new(&card).ok() };
    // Nothing leaves the shelves: what is looked at is the card.
    let line = LineRequest { sku: sku(0), quantity: 0, unit_price: None, amount: Some(amount) };
    let until = world.dice.percent(80).then(|| world.nodes[at].clock(world.now + PATIENCE));
    let command = Command::Sell { location: None, lines: vec![line], tenders: vec![tender], customer: None };
    Request { until, ..Request::now(command) }
}

fn learn(world: &World, promises: &mut Vec<EventId>, at: usize) {
    if let Some((request, Outcome::Recorded { events, .. })) = world.nodes[at].pending.last()
        && matches!(request.command, Command::Reserve(_))
    {
        promises.extend(events.iter().map(|(event, _)| event.id));
        let old = promises.len().saturating_sub(12);
        promises.drain(..old);
    }
}

fn go_wrong(world: &mut World, at: usize) {
    let running = world.nodes[at].engine.is_some();
    match world.dice.below(16) {
        0..4 if running => world.crash(at),
        0..6 if !running => world.start(at),
        6 => {
            let failure = if world.dice.percent(50) { Failure::Lost } else { Failure::Kept };
            world.fail_disk(at, failure, 0);
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
        14 => world.nodes[at].clock_error = world.dice.between(-3 * 3_600_000, 3 * 3_600_000),
        15 => world.nodes[at].clock_error = world.dice.between(-400 * 3_600_000, 400 * 3_600_000),
        _ => {}
    }
}
