mod allocations;
mod bounds;
mod cancelling;
mod carts;
mod clones;
mod days;
mod decisions;
mod denials;
mod exposure;
mod fleet;
mod handed_over;
mod interest;
mod messages;
mod names;
mod orders;
mod promises;
mod quarantine;
mod reach;
mod rebalancing;
mod refunds;
mod remedies;
mod retired;
mod returns;
mod reversals;
mod serving;
mod statements;
mod taxes;
mod tenders;
mod unsigned;
mod vouchers;
mod waiting;
mod wishes;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::command::LineRequest;
use crate::event::Line;
use crate::id::Sku;
use crate::stock::StockRow;
use crate::storage::MemoryStorage;
use crate::sync::{Incoming, pack};

const NOON: Timestamp = Timestamp::from_millis(1_700_000_000_000);

struct Node {
    engine: Engine<MemoryStorage>,
    rng: ChaCha20Rng,
    now: Timestamp,
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn sku(text: &str) -> Sku {
    Sku::new(text).unwrap()
}

fn config(node: &str) -> Config {
    Config {
        fleet: name("fleet"),
        node: name(node),
        location: name("store"),
        region: name("main"),
        zone: Zone::UTC,
        rounding: Rounding::HalfUp,
        keeper: false,
        promises: crate::policy::Policies::default(),
        taxes: crate::tax::Taxes::default(),
        vouchers: Name::new(crate::voucher::LOCATION).unwrap(),
    }
}

impl Node {
    fn new(node: &str, seed: u64) -> Self {
        Self::on(MemoryStorage::default(), node, seed, NOON)
    }

    fn on(storage: MemoryStorage, node: &str, seed: u64, now: Timestamp) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let engine = Engine::open(storage, config(node), now, &mut rng).unwrap();
        Self { engine, rng, now }
    }

    fn restart(self, seed: u64) -> Self {
        let node = self.engine.config().node.to_string();
        Self::on(self.engine.reader(), &node, seed, self.now)
    }

    fn submit(&mut self, request: Request) -> Result<Outcome, Refusal> {
        self.now = self.now.plus_millis(1);
        self.engine.submit(self.now, &mut self.rng, request)
    }

    fn commit(&mut self) -> Vec<Vec<u8>> {
        let committed = self.engine.commit(self.now).unwrap();
        let batch = |effect| if let Effect::Batch { envelope, .. } = effect { Some(envelope) } else { None };
        committed.effects.into_iter().filter_map(batch).collect()
    }

    fn run(&mut self, command: Command) -> Vec<Vec<u8>> {
        let _outcome = self.submit(Request::now(command)).unwrap();
        self.commit()
    }

    fn hear(&mut self, from: &str, envelopes: &[Vec<u8>]) {
        let incoming = Incoming {
            scope: crate::document::Scope::Stock(name("store")),
            kind: crate::sync::Kind::Changes,
            from: name(from),
            payload: pack(envelopes),
        };
        let refused = self.engine.receive(self.now, &mut self.rng, &incoming);
        assert_eq!(refused, []);
        self.engine.commit(self.now).unwrap();
    }

    fn stock(&self, what: &str) -> StockRow {
        let view = self.engine.committed();
        view.stock.get(&(name("store"), sku(what))).cloned().unwrap_or_default()
    }
}

fn receive(what: &str, quantity: i64) -> Command {
    Command::Receive { location: None, lines: vec![Line { sku: sku(what), quantity }] }
}

fn sell(what: &str, quantity: i64) -> Command {
    let line = LineRequest { sku: sku(what), quantity, unit_price: None, amount: None };
    Command::Sell { location: None, lines: vec![line], tenders: Vec::new(), customer: None }
}

fn count(what: &str, quantity: i64) -> Command {
    Command::Count { location: None, lines: vec![Line { sku: sku(what), quantity }] }
}

fn event_of(outcome: Outcome) -> crate::event::Event {
    match outcome {
        Outcome::Recorded { mut events, .. } => events.remove(0).0,
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn what_was_sold_is_gone_from_the_stock_once_the_commit_returned() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 10));
    let _outcome = node.submit(Request::now(sell("milk", 3))).unwrap();
    assert_eq!(node.stock("milk").on_hand(), 10, "nobody sees what is not durable");
    node.commit();
    assert_eq!(node.stock("milk").on_hand(), 7);
}

#[test]
fn two_nodes_that_sold_apart_agree_after_meeting() {
    let (mut a, mut b) = (Node::new("a", 1), Node::new("b", 2));
    let mut from_a = a.run(receive("milk", 10));
    from_a.extend(a.run(sell("milk", 3)));
    let from_b = b.run(sell("milk", 4));
    a.hear("b", &from_b);
    b.hear("a", &from_a);
    assert_eq!(a.stock("milk").on_hand(), 3);
    assert_eq!(a.stock("milk"), b.stock("milk"));
}

#[test]
fn batches_heard_in_the_wrong_order_and_twice_count_once_each() {
    let (mut a, mut b) = (Node::new("a", 1), Node::new("b", 2));
    let batches: Vec<_> = (0..5).flat_map(|_| a.run(receive("milk", 1))).collect();
    for batch in batches.iter().rev().chain(&batches) {
        b.hear("a", std::slice::from_ref(batch));
    }
    assert_eq!(b.stock("milk").on_hand(), 5);
}

#[test]
fn a_restart_from_the_log_alone_shows_the_same_stock() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 10));
    node.run(sell("milk", 3));
    let before = node.stock("milk");
    let node = node.restart(2);
    assert_eq!(node.stock("milk"), before);
}

#[test]
fn a_restart_from_half_written_rows_shows_the_same_stock() {
    let mut node = Node::new("till", 1);
    for _ in 0..20 {
        node.run(receive("milk", 10));
        node.run(sell("milk", 3));
        node.engine.write_behind(3).unwrap();
    }
    node.run(count("milk", 50));
    node.engine.write_behind(2).unwrap();
    node.run(sell("milk", 1));
    let (before, streams) = (node.stock("milk"), node.engine.committed().streams.len());
    let mut node = node.restart(2);
    assert_eq!(node.stock("milk"), before);
    assert_eq!(node.engine.committed().streams.len(), streams);
    node.run(sell("milk", 1));
    assert_eq!(node.stock("milk").on_hand(), 48);
}

#[test]
fn the_same_key_gives_the_same_answer_also_after_a_restart_and_another_request_is_refused() {
    let mut node = Node::new("till", 1);
    let request = || Request::now(sell("milk", 1)).with_key("k1", b"one milk");
    let first = event_of(node.submit(request()).unwrap());
    let within = event_of(node.submit(request()).unwrap());
    node.commit();
    assert_eq!(first, within);
    let mut node = node.restart(2);
    assert_eq!(event_of(node.submit(request()).unwrap()), first);
    let other = node.submit(Request::now(sell("milk", 2)).with_key("k1", b"two milk"));
    assert!(matches!(other, Err(Refusal::KeyReused { .. })), "{other:?}");
    node.commit();
    assert_eq!(node.stock("milk").on_hand(), -1);
}

#[test]
fn goods_of_one_document_are_booked_in_once_and_what_two_nodes_booked_in_apart_is_a_work_item() {
    let delivery = |what: &str, key: &str, note: &str| Request {
        reference: crate::id::Reference::new(note).ok(),
        ..Request::now(receive(what, 5)).with_key(key, what.as_bytes())
    };
    let (mut a, mut b) = (Node::new("a", 1), Node::new("b", 2));
    let _outcome = a.submit(delivery("milk", "k1", "note-1")).unwrap();
    let _repeated = a.submit(delivery("milk", "k1", "note-1")).unwrap();
    let again = a.submit(delivery("milk", "k2", "note-1"));
    assert!(matches!(again, Err(Refusal::AlreadyReceived { .. })), "{again:?}");
    for request in [delivery("bread", "k3", "note-1"), delivery("milk", "k4", "note-2")] {
        let _outcome = a.submit(request).unwrap();
    }
    let from_a = a.commit();
    assert_eq!((a.stock("milk").on_hand(), a.stock("milk").all_rights()), (10, 10));
    let _outcome = b.submit(delivery("milk", "k5", "note-1")).unwrap();
    let from_b = b.commit();
    a.hear("b", &from_b);
    b.hear("a", &from_a);
    let items = |node: &Node| {
        let view = node.engine.committed();
        let mut look = |see: &mut dyn FnMut(&View)| see(&view);
        let items = crate::work::items(&mut look, &node.engine.reader()).unwrap();
        items.iter().map(|it| (it.subject.clone(), it.extent, it.evidence.clone())).collect::<Vec<_>>()
    };
    let [(crate::work::Subject::ReceivedTwice { reference, .. }, 1, evidence)] = &items(&a)[..] else {
        panic!("{:?}", items(&a));
    };
    assert_eq!((reference.as_str(), evidence.len()), ("note-1", 3));
    assert_eq!(items(&a), items(&b));
}

#[test]
fn a_sale_made_after_the_count_and_heard_before_it_is_taken_off() {
    let (mut counter, mut till) = (Node::new("counter", 1), Node::new("till", 2));
    let goods = counter.run(receive("milk", 10));
    till.hear("counter", &goods);
    let counted = counter.run(count("milk", 8));
    till.now = counter.now.plus_millis(5_000);
    let sold = till.run(sell("milk", 1));
    till.hear("counter", &counted);
    counter.hear("till", &sold);
    assert_eq!(till.stock("milk").on_hand(), 7);
    assert_eq!(counter.stock("milk"), till.stock("milk"));
}

#[test]
fn a_sale_made_before_the_count_and_heard_after_it_is_not_taken_off_twice() {
    let (mut counter, mut till) = (Node::new("counter", 1), Node::new("till", 2));
    let goods = counter.run(receive("milk", 10));
    till.hear("counter", &goods);
    let sold = till.run(sell("milk", 2));
    counter.now = till.now.plus_millis(5_000);
    let counted = counter.run(count("milk", 8));
    counter.hear("till", &sold);
    till.hear("counter", &counted);
    assert_eq!(counter.stock("milk").on_hand(), 8);
    assert_eq!(counter.stock("milk"), till.stock("milk"));
}

#[test]
fn receipt_numbers_have_no_gaps_over_refusals_failures_and_restarts() {
    let mut node = Node::new("till", 1);
    let mut receipts = Vec::new();
    for round in 0..4 {
        assert!(node.submit(Request::now(sell("milk", -1))).is_err());
        let outcome = node.submit(Request::now(sell("milk", 1))).unwrap();
        if let crate::event::Body::Sale(sale) = event_of(outcome).body {
            receipts.push(sale.receipt);
        }
        node.commit();
        node = node.restart(10 + round);
    }
    assert_eq!(receipts, [1, 2, 3, 4]);
}

#[test]
fn a_failed_commit_undoes_everything_since_the_last_one() {
    let mut node = Node::new("till", 1);
    node.run(receive("milk", 10));
    let _outcome = node.submit(Request::now(sell("milk", 3))).unwrap();
    node.engine.storage.fail();
    assert!(node.engine.commit(node.now).is_err());
    assert_eq!(node.stock("milk").on_hand(), 10);
    node.run(sell("milk", 1));
    assert_eq!(node.stock("milk").on_hand(), 9);
    let node = node.restart(2);
    assert_eq!(node.stock("milk").on_hand(), 9);
}

#[test]
fn a_day_that_ends_closes_its_ledger_and_a_clock_that_goes_back_opens_none() {
    let mut node = Node::new("till", 1);
    node.run(sell("milk", 1));
    let ledgers = |node: &Node| node.engine.committed().documents.len();
    assert_eq!(ledgers(&node), 1);
    node.now = NOON.plus_millis(24 * 3_600 * 1_000);
    node.run(sell("milk", 1));
    assert_eq!(ledgers(&node), 2);
    node.now = NOON;
    node.run(sell("milk", 1));
    assert_eq!(ledgers(&node), 2);
}
