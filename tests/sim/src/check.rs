//! What must hold once everybody has heard everything.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tillmesh_core::cart::CartRow;
use tillmesh_core::day::Tally;
use tillmesh_core::engine::Engine;
use tillmesh_core::event::{Body, Event, Release};
use tillmesh_core::id::{EventId, Writer};
use tillmesh_core::order::Order;
use tillmesh_core::past::{Known, Moment, Past};
use tillmesh_core::time::Timestamp;
use tillmesh_core::view;

use crate::dump::Dump;
use crate::reference::{Copy, events_in_log, expected_stock, winners};
use crate::{Disk, Node, World, clashes};

/// Of how many nodes a fleet's logs are read again: that all nodes hold the same is checked of all.
const MOST_LOOKED_INTO: usize = 6;

/// Checks every node against the others, against the reference and against folds of its own log.
pub fn everything(world: &World) {
    nodes_agree(world);
    let engines: Vec<_> =
        world.nodes.iter().filter_map(|node| node.engine.as_ref().map(|engine| (node, engine))).collect();
    let chosen: BTreeSet<_> = looked_into(world).into_iter().map(|node| &node.name).collect();
    for (node, engine) in engines.iter().filter(|(node, _)| chosen.contains(&node.name)) {
        let log = events_in_log(&node.disk);
        world.reference.check_log(&node.name, &log);
        stock_is_expected(world, node, engine, &log);
        goods_to_put_back_are_known(node, engine, &log);
        carts_keep_lines(world, engine);
    }
    if let Some((node, _)) = engines.first() {
        let log = events_in_log(&node.disk);
        receipts_have_no_gaps(world, &log);
        closes_seal_their_ledgers(world, &log);
        clashes::have_one_item_each(world, &log, &expected_stock(&log));
        returns_are_decided_once(world, &log);
        no_more_is_paid_back_than_was_paid(world, &log);
        nobody_hands_over_what_it_consents_to_give_up(world, &log);
    }
    replayed(world).into_iter().for_each(replays_are_equal);
    looked_into(world).into_iter().for_each(the_past_up_to_now_is_the_present);
}

/// All nodes of a small fleet; of a large one, some that differ in what they went through.
fn looked_into(world: &World) -> Vec<&Node> {
    let every = world.nodes.len().div_ceil(MOST_LOOKED_INTO).max(1);
    world.nodes.iter().rev().step_by(every).collect()
}

/// A replay takes as long as much of the course: that of the node that came last, and that of one of the first.
fn replayed(world: &World) -> Vec<&Node> {
    let mut nodes = looked_into(world);
    nodes.drain(1..nodes.len().saturating_sub(1).max(1));
    nodes
}

/// Checks that all nodes hold the same.
pub fn nodes_agree(world: &World) {
    let mut dumps = world.nodes.iter().filter_map(|node| Some((&node.name, Dump::shared(node.engine.as_ref()?))));
    let Some((first_name, first)) = dumps.next() else { return };
    for (name, dump) in dumps {
        if let Some(difference) = first.difference(&dump) {
            panic!("{first_name} and {name} differ in {difference}");
        }
    }
}

fn stock_is_expected(world: &World, node: &Node, engine: &Engine<Disk>, log: &[Copy]) {
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    let expected = expected_stock(log);
    for (key, row) in view.stock.iter() {
        let expected = expected.get(key).cloned().unwrap_or_default();
        let found = (row.entered, row.left, row.on_hand(), row.open(), &row.rights);
        let wanted = (expected.entered, expected.left, expected.on_hand, expected.open, &expected.rights);
        assert_eq!(found, wanted, "{}: (entered, left, on hand, open, rights) of {key:?}: {row:?}", node.name);
        for (holder, rights) in &row.rights {
            let excused = world.excused.contains(holder) || world.cloned.contains(holder);
            assert!(*rights >= 0 || excused, "{holder} spent rights that it did not have: {key:?} {row:?}");
        }
    }
    for key in expected.keys() {
        assert!(view.stock.get(key).is_some(), "{} has no row for {key:?}", node.name);
    }
}

/// A row says of each promise what its events add up to, and where the copy that counts was made.
fn goods_to_put_back_are_known(node: &Node, engine: &Engine<Disk>, log: &[Copy]) {
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    let winners = winners(log);
    let named = named(&winners);
    for (id, (made, origin)) in winners.iter().filter(|(_, (made, _))| matches!(made.body, Body::Promise(_))) {
        let later = named.get(id).cloned().unwrap_or_default();
        let order = Order { later, ..Order::new(made.clone(), origin.clone()) };
        let row = view.put_backs.get(id).filter(|row| row.units != 0);
        let found = row.map(|row| (row.units, row.location.as_ref()));
        let wanted = Some(order.to_put_back()).filter(|units| *units != 0).map(|units| (units, Some(&origin.location)));
        assert_eq!(found, wanted, "{}: what is to be put back of {id}: {:?}", node.name, order.later);
    }
}

/// The events that name each order, of those that count.
fn named(winners: &BTreeMap<EventId, &Copy>) -> BTreeMap<EventId, Vec<Copy>> {
    let mut named: BTreeMap<EventId, Vec<Copy>> = BTreeMap::new();
    for copy in winners.values() {
        copy.0.body.order().into_iter().for_each(|order| named.entry(order).or_default().push((*copy).clone()));
    }
    named
}

fn carts_keep_lines(world: &World, engine: &Engine<Disk>) {
    let (view, disk) = (engine.view(), engine.reader());
    let view = view.read().expect("no thread panicked");
    for (cart, add_id, removed) in world.reference.lines() {
        let row = view::read::<CartRow>(&view, &disk, cart).expect("memory does not fail").unwrap_or_default();
        let (open, sold, by_forks) = (row.lines(), row.sold_lines(), row.lines_sold_by_forks());
        let there = open.iter().chain(&sold).chain(&by_forks).any(|(id, _)| ***id == *add_id);
        assert!(there || removed, "{}: line {add_id} of cart {cart} is lost", engine.config().node);
    }
}

/// A cloned store gives numbers twice; everybody else gives each once, from 1. Of a store that was lost, its first sale
/// at one location may be gone and its second at another one known.
fn receipts_have_no_gaps(world: &World, log: &[Copy]) {
    let mut receipts: BTreeMap<&Writer, Vec<u64>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for (event, origin) in log {
        if let Body::Sale(sale) = &event.body
            && seen.insert(crate::reference::place_of(&(event.clone(), origin.clone())))
        {
            receipts.entry(&origin.writer).or_default().push(sale.receipt);
        }
    }
    let living: BTreeSet<_> = world.nodes.iter().filter_map(|node| Some(node.engine.as_ref()?.writer())).collect();
    for (writer, mut numbers) in receipts.into_iter().filter(|(writer, _)| living.contains(writer)) {
        numbers.sort_unstable();
        if world.cloned.contains(&writer.epoch) {
            numbers.dedup();
        }
        let wanted: Vec<u64> = (1..=numbers.len() as u64).collect();
        assert_eq!(numbers, wanted, "the receipts of {writer}");
    }
}

/// A close is the last event of its ledger and says what the events before it add up to. Cloned stores close twice; of
/// an event that stands in several ledgers one copy counts, which need not have been known when the day was closed.
fn closes_seal_their_ledgers(world: &World, log: &[Copy]) {
    let mut ledgers: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    let mut copies: BTreeMap<EventId, u64> = BTreeMap::new();
    for (event, origin) in log.iter().filter(|(_, origin)| !world.cloned.contains(&origin.writer.epoch)) {
        ledgers.entry((&origin.writer, &origin.location, origin.date)).or_default().push(event);
        *copies.entry(event.id).or_default() += 1;
    }
    for (ledger, mut events) in ledgers {
        events.sort_by_key(|event| event.recorded_at);
        let Some(place) = events.iter().position(|event| matches!(event.body, Body::DayClose(_))) else { continue };
        let Body::DayClose(close) = &events[place].body else { continue };
        assert_eq!((place + 1, close.events), (events.len(), place as u64), "the close of {ledger:?} is its end");
        let before = close.before.as_ref().map(|before| before.date);
        assert!(before.is_none_or(|before| before < ledger.2), "{ledger:?} follows {before:?}");
        if events.iter().all(|event| copies[&event.id] == 1) {
            let mut tally = Tally::default();
            events.iter().for_each(|event| tally.add(event));
            assert_eq!(close.totals, Some(tally.totals(|_| None)), "the totals of {ledger:?}");
        }
    }
}

/// A store that runs twice may spend its right twice, and one that was lost and is asked again sells again.
fn no_more_is_paid_back_than_was_paid(world: &World, log: &[Copy]) {
    let mut writers: BTreeMap<EventId, BTreeSet<_>> = BTreeMap::new();
    for (event, origin) in log {
        writers.entry(event.id).or_default().insert(origin.writer.epoch);
    }
    let winners = winners(log);
    for (id, later) in named(&winners) {
        let Some((made, origin)) = winners.get(&id).filter(|(made, _)| matches!(made.body, Body::Sale(_))) else {
            continue;
        };
        let order = Order { later, ..Order::new(made.clone(), origin.clone()) };
        let cloned = |writer: &Writer| world.cloned.contains(&writer.epoch);
        let twice = writers[&id].len() > 1 || order.refund_rights().keys().any(cloned);
        let (refunded, paid) = (order.refunded(), order.paid());
        assert!(refunded <= paid || twice, "{refunded} of {paid} were paid back for {id}: {:?}", order.later);
    }
}

/// What one node handed over and what it consented to give up is no more than was promised, and nothing is given up by
/// a request beyond the consent to it. A store that runs twice may do both. Channels say what has happened already.
fn nobody_hands_over_what_it_consents_to_give_up(world: &World, log: &[Copy]) {
    let winners = winners(log);
    let mut settled: BTreeMap<_, i64> = BTreeMap::new();
    let mut given_up: BTreeMap<_, i64> = BTreeMap::new();
    let honest = winners.values().filter(|(_, origin)| !world.cloned.contains(&origin.writer.epoch));
    for (event, origin) in honest {
        let (promise, lines) = match &event.body {
            Body::Fulfilment(body) if event.channel.is_none() => (body.promise, &body.lines),
            Body::Consent(body) => (body.promise, &body.lines),
            Body::Release(Release { request: Some(request), lines, .. }) => {
                // Under another id somebody gave up by force what was asked for.
                let carried_out = EventId::hash_of("tillmesh cancellation carried out", &[request.as_bytes()]);
                if event.id != carried_out {
                    continue;
                }
                lines.iter().for_each(|line| *given_up.entry((*request, &line.sku)).or_default() += line.quantity);
                continue;
            }
            _ => continue,
        };
        for line in lines {
            *settled.entry((&origin.writer, promise, &line.sku)).or_default() += line.quantity;
        }
    }
    for ((writer, promise, sku), settled) in settled {
        let Some((Event { body: Body::Promise(body), .. }, _)) = winners.get(&promise) else { continue };
        let promised: i64 = body.lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum();
        assert!(settled <= promised, "{writer} settled {settled} of {promised} of {sku} of {promise}");
    }
    for (event, _) in winners.values() {
        let Body::Consent(body) = &event.body else { continue };
        body.lines.iter().for_each(|line| *given_up.entry((body.request, &line.sku)).or_default() -= line.quantity);
    }
    let beyond = given_up.iter().find(|(_, quantity)| **quantity > 0);
    assert_eq!(beyond, None, "given up without consent");
}

/// Only who took goods back decides on them, and on no more than was kept aside. A node that lost its store, or runs
/// twice, may not know what it decided before.
fn returns_are_decided_once(world: &World, log: &[Copy]) {
    let winners = winners(log);
    let mut epochs: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (_, origin) in log {
        epochs.entry(&origin.writer.node).or_default().insert(origin.writer.epoch);
    }
    let mut left = BTreeMap::new();
    for (event, _) in winners.values() {
        let Body::Return(body) = &event.body else { continue };
        for line in body.lines.iter().filter(|line| line.is_undecided()) {
            *left.entry((event.id, &line.sku)).or_insert(0) += line.quantity;
        }
    }
    for (event, origin) in winners.values() {
        let Body::Disposition(body) = &event.body else { continue };
        let Some((_, back)) = winners.get(&body.back) else { continue };
        assert_eq!(origin.writer.node, back.writer.node, "only who took goods back decides: {event:?}");
        let own = &epochs[&back.writer.node];
        let knows = own.len() == 1 && own.is_disjoint(&world.cloned);
        for line in &body.lines {
            let left = left.entry((body.back, &line.sku)).or_insert(0);
            *left -= line.quantity;
            assert!(*left >= 0 || !knows, "decided on more than was kept aside: {event:?}");
        }
    }
}

/// Checks that a question about a moment that everything happened before has the present as its answer.
pub fn the_past_up_to_now_is_the_present(node: &Node) {
    let Some(engine) = &node.engine else { return };
    let (view, reader) = (engine.view(), engine.reader());
    let last = view.read().unwrap().stock.iter().last().map(|(key, row)| (key.clone(), row.clone()));
    let Some(((location, sku), row)) = last else { return };
    let latest = Moment::At(Timestamp::from_millis(i64::MAX));
    for known in [Known::Now, Known::Then] {
        let past = Past::find(&view, &reader, latest, known).unwrap().expect("a time is a moment");
        let found = past.stock(&view, &reader, &location, &sku).unwrap().unwrap_or_default();
        assert_eq!(found, row, "{sku} at {location} as {} has it", node.name);
    }
}

/// Checks that a new process comes to the same, from the rows as written and from the log alone.
pub fn replays_are_equal(node: &Node) {
    let Some(engine) = &node.engine else { return };
    let now = Dump::own(engine);
    for (what, disk) in [("the rows as written", node.disk.copy()), ("the log alone", node.disk.copy_without_rows())] {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let again = Engine::open(disk, engine.config().clone(), node.clock(0), &mut rng).expect("it opens");
        if let Some(difference) = now.difference(&Dump::own(&again)) {
            panic!("{} from {what} differs in {difference}", node.name);
        }
    }
}
