//! A node that gets more than it can take in, from a peer that signs as fast as the broker takes it: its memory stays
//! flat. `TILLMESH_FLOOD_SECONDS` says for how long.
//!
//! What it legitimately keeps in memory is bounded by the choice of traffic: the SKUs are a thousand; a ledger ends
//! after some hundred events, so few documents are loaded, and none is large; a row for each ledger that was heard is
//! what grows, and is allowed for.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use tillmesh_core::document::{Document, DocumentId, Put, Scope};
use tillmesh_core::envelope;
use tillmesh_core::event::{Body, Event, Receipt, ReceiptLine};
use tillmesh_core::id::{EventId, Name, Sku};
use tillmesh_core::identity::{Identity, Secret, new_boot};
use tillmesh_core::sync::pack;
use tillmesh_core::time::{BusinessDate, Timestamp};

use crate::support::mqtt::Stranger;
use crate::support::shop::sale_of;
use crate::support::{Node, Setup, eventually};

/// How long it lasts without being told.
const SECONDS: u64 = 30;
/// Events of a batch, batches of a ledger.
const EVENTS: u64 = 64;
const BATCHES: u64 = 8;
/// The SKUs that events are about.
const SKUS: u64 = 1_000;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// What a ledger that was heard keeps in memory: its row, under its id.
const ROW_BYTES: u64 = 512;
/// Megabytes that may come and go: what waits (4 MB of early batches, 256 messages before the engine and 1,024 at
/// the link, what the broker keeps for a client that is slow), the log and the cache of the store, 8,192 unwritten
/// rows, 48 documents, and what the allocator does not give back.
const SWING: u64 = 64;

/// Megabytes of a node that does nothing.
const IDLE: u64 = 60;

/// Signs batches without end: each of the next events of its ledger, and of the next day's when that has had its share.
struct Signer {
    identity: Identity,
    location: Name,
    ledger: Document,
    day: i32,
    events: u64,
    batches: u64,
}

impl Signer {
    fn new(location: &str) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (secret, boot) = (Secret::generate(&mut rng), new_boot(&mut rng));
        let identity = Identity::new(name("mallory"), &secret, boot);
        let (location, day) = (name(location), 1);
        let ledger = ledger(&identity, &location, day);
        Self { identity, location, ledger, day, events: 0, batches: 0 }
    }

    fn next_batch(&mut self) -> Vec<u8> {
        if self.batches > 0 && self.batches.is_multiple_of(BATCHES) {
            self.day += 1;
            self.ledger = ledger(&self.identity, &self.location, self.day);
        }
        let first = self.batches % BATCHES * EVENTS;
        let changes: Vec<_> = (first..first + EVENTS).map(|number| self.next_change(number)).collect();
        self.batches += 1;
        let scope = Scope::Stock(self.location.clone());
        envelope::seal(&self.identity, &name("tests"), &scope, self.ledger.id(), &changes)
    }

    fn next_change(&mut self, number: u64) -> Vec<u8> {
        let sku = Sku::new(&format!("sku {}", self.events % SKUS)).unwrap();
        let event = Event {
            id: EventId::hash_of("flood", &[&self.events.to_be_bytes()]),
            number: self.events,
            recorded_at: Timestamp::from_millis(i64::from(self.day) * 86_400_000),
            occurred_at: None,
            body: Body::Receipt(Receipt { lines: vec![ReceiptLine { sku, quantity: 1, minted: None }] }),
            channel: None,
            reference: None,
            clerk: None,
        };
        self.events += 1;
        let (block, key) = (format!("{}-{}", self.identity.boot(), number / 64), (number % 64).to_string());
        self.ledger.put(&[Put { block, key, value: event.to_bytes() }], 0).unwrap().0
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn ledger(identity: &Identity, location: &Name, day: i32) -> Document {
    let date = BusinessDate::from_days(day).unwrap();
    let id = DocumentId::Ledger { location: location.clone(), writer: identity.writer().clone(), date };
    Document::new(id, identity.writer().epoch, identity.boot()).unwrap()
}

/// Megabytes that a process holds in memory, files that it maps aside.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let fields: BTreeMap<_, _> = status.lines().filter_map(|line| line.split_once(':')).collect();
    fields["RssAnon"].trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}

/// About how many events a node has folded: each is one unit of the next SKU in turn.
fn taken(node: &Node) -> u64 {
    let answer = node.get("/v1/stock/sku%200");
    if answer.status == 404 { 0 } else { answer.ok()["on_hand"].as_u64().unwrap() * SKUS }
}

/// Publishes one batch after the other for so long; gives how many events were in them.
fn flood(broker: SocketAddr, location: &str, length: Duration) -> u64 {
    let (mut signer, mut stranger) = (Signer::new(location), Stranger::connect(broker, "mallory"));
    let until = Instant::now() + length;
    while Instant::now() < until {
        stranger.publish("tm/1/tests/stock-shop/changes/mallory", &pack(&[signer.next_batch()]));
    }
    stranger.flush();
    signer.events
}

#[test]
fn memory_stays_flat_while_a_peer_sends_faster_than_a_node_takes_in() {
    let seconds = std::env::var("TILLMESH_FLOOD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let node = Setup::new("shop").with_broker().start();
    let broker = node.broker();
    let sender = thread::spawn(move || flood(broker, "shop", Duration::from_secs(seconds)));
    eventually("it takes in what is sent", || taken(&node) > 2 * SKUS);
    let mut seen = Vec::new();
    while !sender.is_finished() {
        seen.push(resident(node.process()));
        thread::sleep(LOOK);
    }
    let taken = taken(&node);
    let sent = sender.join().unwrap();
    println!("{seconds} s: {sent} events sent, {taken} taken in by then; megabytes: {seen:?}");
    assert!(sent > taken, "nobody is outpaced: {sent} sent, {taken} taken in");
    let rows = (sent / (EVENTS * BATCHES) * ROW_BYTES) >> 20;
    let third = seen.len() / 3;
    let (early, late) = (seen[third..2 * third].iter().max().unwrap(), seen[2 * third..].iter().max().unwrap());
    assert!(*late <= early + rows + SWING / 2, "it grows: {seen:?}");
    assert!(*late <= IDLE + SWING + rows, "it holds too much: {seen:?}");
    assert_eq!(node.post("/v1/sales", "after", &sale_of("A", 1)).status, 201, "it sells on");
}
