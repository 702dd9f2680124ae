//! Openings: the keeper folds closed days, and everybody comes to the same.

use std::collections::BTreeMap;

use tillmesh_core::channel::{ChannelCommand, StockLine};
use tillmesh_core::codec;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::document::{Document, DocumentId, Put, Scope, Term, read_change};
use tillmesh_core::engine::Verdict;
use tillmesh_core::envelope;
use tillmesh_core::event::Line;
use tillmesh_core::history::read_commit;
use tillmesh_core::id::{Boot, Reference, Sku};
use tillmesh_core::identity::{Identity, Secret};
use tillmesh_core::opening::{self, Opening, Piece};
use tillmesh_core::stock::StockRow;
use tillmesh_core::storage::{Read as _, Table};
use tillmesh_core::sync::{Incoming, Kind, pack};
use tillmesh_core::time::{BusinessDate, Timestamp};
use tillmesh_sim::network::Weather;
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::reference::{events_in_log, expected_stock};
use tillmesh_sim::traffic::{Traffic, count, receive, sell, sku};
use tillmesh_sim::world::START;
use tillmesh_sim::{Disk, Failure, World, check};

/// An hour and a day in milliseconds.
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// How many courses of several days a test plays.
const SEEDS: u64 = 30;
/// What a day brings to each course.
const STEPS_A_DAY: u64 = 40;

/// Three nodes at one location, the first one of them its keeper.
fn shop(seed: u64) -> World {
    let mut world = World::new(seed);
    for node in ["keeper", "till", "kiosk"] {
        world.add(node, "north");
    }
    make_keeper(&mut world, 0);
    world
}

fn make_keeper(world: &mut World, node: usize) {
    world.nodes[node].keeper = true;
    world.crash(node);
    world.start(node);
}

/// A night passes, and the keeper's first sale of the day closes the day before.
fn next_day(world: &mut World) {
    world.now += DAY;
    world.run(0, Request::now(sell(&sku(0), 1)));
}

/// Every opening that a node holds, as far as it is whole.
fn openings(disk: &Disk) -> BTreeMap<DocumentId, Opening> {
    let assemble = |(id, pieces)| Some((id, Opening::assemble(pieces).ok().flatten()?));
    pieces(disk).into_iter().filter_map(assemble).collect()
}

fn pieces(disk: &Disk) -> BTreeMap<DocumentId, Vec<Piece>> {
    let mut pieces: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (document, envelope) in opening_envelopes(disk) {
        for change in envelope::reopen(&envelope).expect("it was checked").changes {
            let change = read_change(&document, &change).expect("it was checked");
            let piece = opening::read(&change.entries()[0].value).expect("this version wrote it");
            pieces.entry(document.clone()).or_default().push(piece);
        }
    }
    pieces
}

fn opening_envelopes(disk: &Disk) -> Vec<(DocumentId, Vec<u8>)> {
    let last = disk.last(Table::Log).expect("memory does not fail");
    let last = last.map_or(0, |(key, _)| u64::from_be_bytes(key.try_into().expect("a position")));
    let mut envelopes = Vec::new();
    for position in 1..=last {
        for envelope in read_commit(disk, position).expect("every commit is there").envelopes {
            let document = envelope::reopen(&envelope).expect("it was checked").document;
            if let DocumentId::Opening { .. } = document {
                envelopes.push((document, envelope.to_vec()));
            }
        }
    }
    envelopes
}

/// What a node said of the opening of a date, in the order said.
fn verdicts(world: &World, node: usize, date: BusinessDate) -> Vec<Verdict> {
    let notices = world.nodes[node].notices.iter().filter(|notice| notice.date == date);
    notices.map(|notice| notice.verdict.clone()).collect()
}

/// Every node holds the same openings, wrote them or agrees with them, and the newest one is what an independent fold
/// of the days before it comes to.
fn everybody_agrees(world: &World) {
    let keeper = openings(&world.nodes[0].disk);
    for (index, node) in world.nodes.iter().enumerate() {
        assert_eq!(openings(&node.disk), keeper, "{} holds others", node.name);
        for id in keeper.keys() {
            let said = verdicts(world, index, date_of(id));
            // A commit that was kept although the disk reported a failure is not told of.
            let agrees = said.last() == Some(&Verdict::Agrees);
            let wrote = index == 0 && said.iter().all(|verdict| *verdict == Verdict::Written);
            assert!(agrees || wrote, "{} of {id}: {said:?}", node.name);
        }
    }
    let (id, newest) = keeper.iter().max_by_key(|(id, _)| date_of(id)).expect("there is an opening");
    let log: Vec<_> = events_in_log(&world.nodes[1].disk);
    let covered: Vec<_> = log.into_iter().filter(|(_, origin)| origin.date < date_of(id)).collect();
    let expected = expected_stock(&covered);
    assert!(newest.fold.rows().len() <= expected.len(), "it has a row for a SKU that nothing happened to");
    for ((_, sku), expected) in expected {
        let row = newest.fold.rows().get(&sku).map(|row| row.stock.clone()).unwrap_or_default();
        let found = (row.entered, row.left, row.on_hand(), row.open());
        assert_eq!(found, (expected.entered, expected.left, expected.on_hand, expected.open), "{sku} in {id}: {row:?}");
    }
}

fn date_of(id: &DocumentId) -> BusinessDate {
    match id {
        DocumentId::Opening { date, .. } => *date,
        other => panic!("{other} is no opening"),
    }
}

/// Days of trade with late arrivals, wrong clocks, repeated messages and crashes, then a calm day.
fn play(seed: u64) {
    let mut world = shop(seed);
    let mut traffic = Traffic::new(&[name("north")]);
    // What others sell on a day that the keeper closed early is in the next opening only.
    traffic.whole_days = true;
    world.weather = Weather { loss: 20, twice: 10, delay: 2_000 };
    for _ in 0..5 {
        for _ in 0..STEPS_A_DAY {
            let at = world.dice.index(3);
            traffic.act(&mut world, at);
            world.commit(at);
            match world.dice.below(25) {
                0 => fail(&mut world),
                1 => {
                    let up = !world.nodes[1].linked;
                    world.link(1, up);
                }
                2 => world.nodes[2].clock_error = world.dice.between(-2 * HOUR, 2 * HOUR),
                3 => world.write_behind(at, 20),
                _ => {}
            }
            let millis = world.dice.between(0, 20_000);
            world.pass(millis, true);
        }
        next_day(&mut world);
        if world.dice.percent(50) {
            fail(&mut world);
        }
        world.pass(30_000, false);
    }
    world.settle();
    for node in 0..3 {
        world.nodes[node].clock_error = 0;
    }
    next_day(&mut world);
    world.settle();
    assert_eq!(openings(&world.nodes[0].disk).len(), 6, "one for each closed day");
    everybody_agrees(&world);
    check::everything(&world);
}

/// The keeper's process dies, now and then after its disk did.
fn fail(world: &mut World) {
    if world.dice.percent(50) {
        let failure = if world.dice.percent(50) { Failure::Lost } else { Failure::Kept };
        world.fail_disk(0, failure, 0);
        world.pass(12_000, true);
    }
    world.crash(0);
    world.start(0);
}

#[test]
fn everybody_agrees_on_the_openings_of_days_with_late_arrivals_and_crashes() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    match number("TILLMESH_SIM_SEED") {
        Some(seed) => play(seed),
        None => (0..number("TILLMESH_SIM_SEEDS").unwrap_or(SEEDS)).for_each(play),
    }
}

#[test]
fn an_opening_that_a_crash_interrupted_is_finished_as_it_was_begun() {
    let mut world = shop(1);
    for part in 0..8 {
        let line = |number| Line { sku: Sku::new(&format!("sku {part} {number}")).expect("a SKU"), quantity: 1 };
        let lines = (0..500).map(line).collect();
        world.run(0, Request::now(Command::Receive { location: None, lines }));
    }
    world.settle();
    next_day(&mut world);
    let begun = |world: &World| pieces(&world.nodes[0].disk).into_values().next().unwrap_or_default();
    let is_begun = (0..10_000).any(|_| {
        world.nodes[0].tick(world.now, 0);
        world.commit(0);
        !begun(&world).is_empty()
    });
    assert!(is_begun, "it is begun");
    let before = begun(&world);
    assert!(openings(&world.nodes[0].disk).is_empty(), "only a part of it is there");
    world.crash(0);
    world.start(0);
    world.settle();
    assert_eq!(begun(&world)[..before.len()], before);
    everybody_agrees(&world);
}

#[test]
fn what_was_heard_late_is_in_the_next_opening() {
    let mut world = shop(2);
    world.run(0, Request::now(receive(&sku(0), 100)));
    world.settle();
    world.link(1, false);
    world.run(1, Request::now(sell(&sku(0), 7)));
    next_day(&mut world);
    world.pass(20_000, false);
    let first = openings(&world.nodes[0].disk).into_values().next().expect("the day has closed");
    assert_eq!(first.fold.rows()[&sku(0)].stock.on_hand(), 100);
    world.settle();
    next_day(&mut world);
    world.settle();
    let both = openings(&world.nodes[0].disk);
    let second = both.into_iter().max_by_key(|(id, _)| date_of(id)).expect("both days have closed").1;
    assert_eq!(second.fold.rows()[&sku(0)].stock.on_hand(), 100 - 7 - 1);
    assert!(second.header.previous.is_some());
    everybody_agrees(&world);
}

#[test]
fn a_late_count_and_a_second_copy_are_folded_from_further_back() {
    let mut world = shop(5);
    world.run(0, Request::now(receive(&sku(0), 100)));
    world.settle();
    world.link(1, false);
    world.run(1, Request::now(count(&sku(0), 90)));
    world.pass(10_000, false);
    world.run(0, Request::now(sell(&sku(0), 5)));
    world.run(0, delivery());
    next_day(&mut world);
    world.pass(20_000, false);
    world.run(1, delivery());
    world.settle();
    next_day(&mut world);
    world.settle();
    let both = openings(&world.nodes[0].disk);
    let second = both.into_iter().max_by_key(|(id, _)| date_of(id)).expect("both days have closed").1;
    assert_eq!(second.fold.rows()[&sku(0)].stock.on_hand(), 90 - 5 - 1, "counted before the sale, heard after the day");
    assert_eq!(second.fold.rows()[&sku(1)].stock.on_hand(), 12, "one delivery, told to two nodes");
    everybody_agrees(&world);
}

/// A channel's message: the same whichever node it comes to.
fn delivery() -> Request {
    let command = ChannelCommand::ReceiveStock {
        reference: Reference::new("delivery").expect("a reference"),
        lines: vec![StockLine { sku: sku(1), quantity: 12 }],
        received_at: Timestamp::from_millis(START),
        location: Some(name("north")),
    };
    let command = Command::of_channel("a delivery", vec![command]);
    Request { channel: Some(name("web")), ..Request::now(command) }
}

#[test]
fn an_opening_heard_before_its_ledgers_is_checked_once_they_are_here() {
    let mut world = shop(3);
    world.run(0, Request::now(receive(&sku(0), 100)));
    world.settle();
    world.link(2, false);
    world.run(0, Request::now(sell(&sku(0), 3)));
    next_day(&mut world);
    world.pass(20_000, false);
    let (id, _) = openings(&world.nodes[0].disk).pop_first().expect("the day has closed");
    let envelopes: Vec<_> = opening_envelopes(&world.nodes[0].disk).into_iter().map(|(_, envelope)| envelope).collect();
    hear(&mut world, 2, &envelopes);
    world.pass(1_000, false);
    assert_eq!(verdicts(&world, 2, date_of(&id)), [Verdict::Lacks]);
    world.settle();
    assert_eq!(verdicts(&world, 2, date_of(&id)), [Verdict::Lacks, Verdict::Agrees]);
}

#[test]
fn a_wrong_opening_is_noticed_changes_no_stock_and_is_not_built_upon() {
    let mut world = shop(4);
    world.run(0, Request::now(receive(&sku(0), 100)));
    world.run(1, Request::now(receive(&sku(1), 50)));
    world.settle();
    next_day(&mut world);
    world.settle();
    let before = stock(&world, 1);
    let (id, mut opening) = openings(&world.nodes[0].disk).pop_first().expect("the day has closed");
    let date = date_of(&id);
    tamper(&mut opening);
    let envelopes = sealed_by_the_keeper(&world, date, &opening);
    hear(&mut world, 1, &envelopes);
    world.settle();
    for node in 0..3 {
        assert_eq!(verdicts(&world, node, date).last(), Some(&Verdict::Differs { skus: 1 }), "node {node}");
        assert!(
            world.nodes[node]
                .notices
                .iter()
                .any(|notice| { notice.to_string() == format!("opening north {date}: differs in 1 SKUs") })
        );
    }
    assert_eq!(stock(&world, 1), before);
    next_day(&mut world);
    world.settle();
    let newest = openings(&world.nodes[2].disk).into_iter().max_by_key(|(id, _)| date_of(id)).expect("three of them").0;
    assert_eq!(verdicts(&world, 2, date_of(&newest)).last(), Some(&Verdict::Agrees));
}

/// What there is and what is promised. Not whose the rights are: the keeper takes what is sealed in its name for the
/// work of a copy of its store, and goes on in another epoch.
fn stock(world: &World, node: usize) -> Vec<String> {
    let engine = world.nodes[node].engine.as_ref().expect("it runs");
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    let numbers = |row: &StockRow| (row.on_hand(), row.open(), row.rights.values().sum::<i64>());
    view.stock.iter().map(|(key, row)| format!("{key:?} {:?}", numbers(row))).collect()
}

/// Books ten units more than came in.
fn tamper(opening: &mut Opening) {
    let mut pieces = opening.to_pieces();
    pieces[0].rows[0].entered += 10;
    *opening = Opening::assemble(pieces).expect("it is well-formed").expect("it is whole");
}

/// An opening of another term, signed with the key on the keeper's disk.
fn sealed_by_the_keeper(world: &World, date: BusinessDate, opening: &Opening) -> Vec<Vec<u8>> {
    let secret = world.nodes[0].disk.get(Table::Meta, b"secret").expect("memory does not fail").expect("it has a key");
    let secret: Secret = codec::decode(&secret).expect("it is readable");
    let identity = Identity::new(name("keeper"), &secret, Boot::from_bytes([7; Boot::LEN]));
    let term = Term { number: 1, keeper: identity.writer().clone() };
    let id = DocumentId::Opening { location: name("north"), term, date };
    let mut document = Document::new(id.clone(), identity.writer().epoch, identity.boot()).expect("it is empty");
    let mut changes = Vec::new();
    for piece in opening.to_pieces() {
        let block = format!("{}-0", identity.boot());
        let put = Put { block, key: piece.number.to_string(), value: piece.to_bytes() };
        changes.push(document.put(&[put], 0).expect("it takes a value").0);
    }
    vec![envelope::seal(&identity, &fleet(), &Scope::Stock(name("north")), &id, &changes)]
}

fn hear(world: &mut World, node: usize, envelopes: &[Vec<u8>]) {
    let (scope, payload) = (Scope::Stock(name("north")), pack(envelopes));
    let message = Incoming { scope, kind: Kind::Changes, from: name("somebody"), payload };
    assert_eq!(world.nodes[node].receive(world.now, &message), []);
    world.commit(node);
}
