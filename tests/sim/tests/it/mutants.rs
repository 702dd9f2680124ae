//! Twenty thousand altered changes, each under a checksum and a signature that hold, among honest trade: nodes stay up
//! and within their bounds, keep every honest event, agree with each other, and start again from what they took.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_core::catalog::Product;
use tillmesh_core::codec;
use tillmesh_core::command::{Command, Outcome, Request};
use tillmesh_core::document::{Change, DocumentId, Scope, read_change, shard_of};
use tillmesh_core::engine::{MAX_LOADED, Refused, RefusedKind};
use tillmesh_core::envelope;
use tillmesh_core::fleet::{Certificate, Role};
use tillmesh_core::history::read_commit;
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::sync::{Incoming, Kind, MAX_ANSWER_DOCUMENTS, MAX_EARLY_BYTES, MAX_NEW_SCOPES, MAX_SERVING, pack};
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::Position;
use tillmesh_sim::node::name;
use tillmesh_sim::reference::{events_in_log, place_of};
use tillmesh_sim::traffic::{receive, sell, sku};
use tillmesh_sim::{World, check};

use crate::chunk::mutated;
use crate::fleet::Office;
use crate::stranger::{Stranger, receipt, response};

/// How many courses are played, and mutants sent in each: 10,000 in all.
const SEEDS: u64 = 2;
const MUTANTS: usize = 5_000;
/// One course for so many of the random ones, where those are counted.
const SHARE: u64 = 50;
/// The most mutants of one stranger, who goes as soon as one was taken, or Automerge failed on one: what comes after
/// that is only a repetition, or comes from quarantine.
const OF_ONE: usize = 50;
/// Mutants between two honest trades.
const TRADE_EVERY: usize = 20;
/// The SKU that honest nodes trade; strangers claim others.
const HONEST: u64 = 1;

#[test]
fn mutants_that_are_signed_harm_no_honest_node() {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    match number("TILLMESH_SIM_SEED") {
        Some(seed) => play(seed),
        None => (0..number("TILLMESH_SIM_SEEDS").map_or(SEEDS, |seeds| SEEDS.max(seeds / SHARE))).for_each(play),
    }
}

/// What became of the mutants.
#[derive(Debug, Default)]
struct Fates {
    sent: usize,
    taken: usize,
    /// Whether the stranger is in quarantine now.
    shut_out: bool,
    /// Reasons up to the first number in them.
    reasons: BTreeMap<String, usize>,
}

/// A shop, and what it traded.
struct Shop {
    world: World,
    /// In every other course the fleet has a key, and who sends mutants has a certificate.
    office: Option<Office>,
    cart: DocumentId,
    shard: DocumentId,
    sold: i64,
    /// What node 0 holds of the documents that anybody may write to, as far as its log was read.
    shared: BTreeMap<DocumentId, Vec<Change>>,
    read: Position,
    fates: Fates,
}

fn play(seed: u64) {
    let mut shop = Shop::open(seed);
    for number in 0.. {
        let mut stranger = shop.stranger(number);
        shop.suffer(&mut stranger);
        if shop.fates.sent >= MUTANTS {
            break;
        }
    }
    let Fates { sent, taken, reasons, .. } = &shop.fates;
    println!("seed {seed}: {sent} sent, {taken} taken, refused: {reasons:#?}");
    assert!(*taken > MUTANTS / 20, "many are well formed all the same");
    assert!(reasons.len() > 20, "they are refused at many places");
    shop.close();
}

impl Shop {
    fn open(seed: u64) -> Self {
        let mut world = World::new(seed);
        world.add("till0", "shop");
        world.add("till1", "shop");
        let office = (seed % 2 == 1).then(Office::open);
        for at in 0..2 {
            office.iter().for_each(|office| office.enrol(&mut world, at));
        }
        world.run(0, Request::now(receive(&sku(HONEST), 1_000_000)));
        world.run(0, Request::now(Command::PutProducts(vec![product(0)])));
        world.submit(1, Request::now(Command::CreateCart { customer: None })).expect("a cart");
        let Some((_, Outcome::Cart { id, .. })) = world.nodes[1].pending.last() else { panic!("it is a cart") };
        let (cart, shard) = (DocumentId::Cart { id: *id }, DocumentId::Catalog { shard: shard_of(&sku(HONEST)) });
        world.commit(1);
        let shared = BTreeMap::from([(cart.clone(), Vec::new()), (shard.clone(), Vec::new())]);
        let mut shop = Self { world, office, cart, shard, sold: 0, shared, read: 0, fates: Fates::default() };
        shop.trade();
        shop
    }

    /// Both nodes sell, put something into the cart and change a product.
    fn trade(&mut self) {
        for node in 0..2 {
            self.world.run(node, Request::now(sell(&sku(HONEST), 1)));
            self.sold += 1;
        }
        let price = Some(UnitPrice::of(money(99)));
        let DocumentId::Cart { id: cart } = self.cart else { panic!("it is a cart") };
        let line = Command::AddToCart { cart, sku: sku(HONEST), quantity: 1, unit_price: price };
        self.world.run(1, Request::now(line));
        self.world.run(0, Request::now(Command::PutProducts(vec![product(self.sold)])));
        self.world.pass(1_000, false);
    }

    fn stranger(&mut self, number: usize) -> Stranger {
        self.read_on();
        let (cart, shard) = (self.cart.clone(), self.shard.clone());
        let there = |id| self.shared.get(id).cloned().unwrap_or_default();
        let dice = &mut self.world.dice;
        let stranger = match number % 5 {
            0 | 1 => Stranger::with_a_ledger(dice),
            2 => Stranger::with_an_opening(dice),
            3 => Stranger::in_a_shared_document(dice, Scope::Carts(name("region")), cart, there(&self.cart)),
            _ => Stranger::in_a_shared_document(dice, Scope::Catalog, shard, there(&self.shard)),
        };
        if let Some(office) = &self.office {
            let certificate = Certificate {
                node: stranger.writer().node.clone(),
                key: stranger.identity().public_key(),
                role: Role::Headquarters,
                locations: vec![name("shop")],
                keeper: Some(1),
                issued_at: Timestamp::from_millis(self.world.now),
            };
            office.certify(&mut self.world, 0, certificate);
        }
        stranger
    }

    /// Learns what node 0 has heard since.
    fn read_on(&mut self) {
        while let Ok(commit) = read_commit(&self.world.nodes[0].disk, self.read + 1) {
            self.read += 1;
            for bytes in commit.envelopes {
                let batch = envelope::reopen(&bytes).expect("what is stored was checked");
                let Some(there) = self.shared.get_mut(&batch.document) else { continue };
                let read = |bytes: &Vec<u8>| read_change(&batch.document, bytes).expect("what is stored was checked");
                there.extend(batch.changes.iter().map(read));
            }
        }
    }

    /// A stranger writes something, and then sends what is none of what comes next, in many ways.
    fn suffer(&mut self, stranger: &mut Stranger) {
        for _ in 0..2 {
            let change = self.next_change(stranger);
            let bytes = stranger.seal(&[change]);
            assert_eq!(self.give(Kind::Changes, stranger, pack(&[bytes])), []);
        }
        let (next, after) = (self.next_change(stranger), self.next_change(stranger));
        let taken = self.fates.taken;
        self.fates.shut_out = false;
        for _ in 0..OF_ONE {
            self.send_mutant(stranger, &next, &after);
            if self.fates.sent.is_multiple_of(TRADE_EVERY) {
                self.trade();
            }
            if self.fates.taken > taken || self.fates.shut_out {
                break;
            }
        }
    }

    fn next_change(&mut self, stranger: &mut Stranger) -> Vec<u8> {
        let length = self.world.dice.index(80);
        match stranger.document() {
            DocumentId::Ledger { .. } if length > 20 => {
                let quantity = self.world.dice.between(1, 9);
                stranger.event(receipt(HONEST + 1 + self.world.dice.below(4), quantity))
            }
            DocumentId::Catalog { .. } if length > 20 => stranger.change(codec::encode_versioned(1, &product(7))),
            _ => stranger.change(self.world.dice.bytes(length)),
        }
    }

    fn send_mutant(&mut self, stranger: &Stranger, next: &[u8], after: &[u8]) {
        let dice = &mut self.world.dice;
        let mut mutants = vec![mutated(dice, next, after)];
        if dice.percent(10) {
            mutants.push(mutated(dice, after, next));
        }
        if mutants.iter().any(|mutant| mutant == next || mutant == after) {
            return;
        }
        self.fates.sent += 1;
        let answers = dice.percent(10);
        self.world.story.tell(format!("{} mutants of {}: {mutants:02x?}", mutants.len(), stranger.document()));
        let bytes = stranger.seal(&mutants);
        let refused = if answers {
            self.give(Kind::Response, stranger, response(7, &[bytes]))
        } else {
            self.give(Kind::Changes, stranger, pack(&[bytes]))
        };
        self.fates.taken += usize::from(refused.is_empty());
        for Refused { kind, reason, .. } in refused {
            self.fates.shut_out |= kind == RefusedKind::Unusable;
            let reason = reason.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default();
            *self.fates.reasons.entry(reason.to_owned()).or_default() += 1;
        }
    }

    /// Gives node 0 a message and lets it commit.
    fn give(&mut self, kind: Kind, stranger: &Stranger, payload: Vec<u8>) -> Vec<Refused> {
        let message = Incoming { scope: stranger.scope().clone(), kind, from: name("mallory"), payload };
        let refused = self.world.nodes[0].receive(self.world.now, &message);
        self.world.commit(0);
        self.stays_within_its_bounds();
        refused
    }

    fn stays_within_its_bounds(&self) {
        /// Of this shop: its stock, its region's carts, the catalogue.
        const SCOPES: usize = 3;
        let engine = self.world.nodes[0].engine.as_ref().expect("it stays up");
        let waiting = engine.waiting();
        assert!(waiting.early_bytes <= MAX_EARLY_BYTES, "{waiting:?}");
        assert!(waiting.answers <= MAX_SERVING && waiting.answer_documents <= MAX_ANSWER_DOCUMENTS, "{waiting:?}");
        assert!(waiting.scopes <= MAX_NEW_SCOPES + SCOPES, "{waiting:?}");
        assert!(engine.loaded_documents() <= MAX_LOADED);
    }

    /// Everything honest is there at both nodes, which agree and come to the same again from their stores.
    fn close(mut self) {
        self.trade();
        self.world.settle();
        self.holds_everything_honest();
        for node in 0..2 {
            self.world.crash(node);
            self.world.start(node);
            check::replays_are_equal(&self.world.nodes[node]);
        }
        self.trade();
        self.world.settle();
        self.holds_everything_honest();
    }

    fn holds_everything_honest(&self) {
        check::nodes_agree(&self.world);
        for node in &self.world.nodes {
            let places: BTreeSet<_> = events_in_log(&node.disk).iter().map(place_of).collect();
            for (place, event) in self.world.reference.events() {
                assert!(places.contains(place), "{} lacks {event:?}", node.name);
            }
            let view = node.engine.as_ref().expect("it stays up").view();
            let view = view.read().expect("no thread panicked");
            let row = view.stock.get(&(name("shop"), sku(HONEST))).expect("it was traded");
            assert_eq!(row.on_hand(), 1_000_000 - self.sold, "{}", node.name);
            assert!(view.products.get(&sku(HONEST)).is_some(), "{}", node.name);
        }
    }
}

fn money(amount: i64) -> Money {
    Money { amount, currency: Currency::new("GBP").expect("a currency") }
}

fn product(version: i64) -> Product {
    Product {
        price: Some(UnitPrice::of(money(120))),
        ..Product::named(sku(HONEST), format!("Beans, version {version}"))
    }
}
