//! A peer that lies, floods and forges: an honest node stays up, says why it refuses, and shows what it showed before.

use tillmesh_core::codec;
use tillmesh_core::command::Request;
use tillmesh_core::document::{Document, Put, Scope};
use tillmesh_core::engine::{Refused, RefusedKind};
use tillmesh_core::envelope;
use tillmesh_core::event::{Body, Count, CountOf, Line};
use tillmesh_core::id::{Boot, ChangeHash};
use tillmesh_core::sync::{
    Held, Incoming, Kind, MAX_ANSWER_DOCUMENTS, MAX_EARLY_BYTES, MAX_MESSAGE, MAX_NEW_SCOPES, MAX_SERVING, Waiting,
    pack,
};
use tillmesh_sim::node::{fleet, name};
use tillmesh_sim::traffic::{receive, sell, sku};
use tillmesh_sim::{World, check};

use crate::stranger::{Stranger, ledger_of, receipt, response, stock_scope};

/// What two honest nodes have on hand.
const GOODS: i64 = 17;

/// Two honest nodes that trade.
fn shop() -> World {
    let mut world = World::new(1);
    world.add("till0", "shop");
    world.add("till1", "shop");
    world.run(0, Request::now(receive(&sku(1), 20)));
    world.run(1, Request::now(sell(&sku(1), 3)));
    world.pass(30_000, false);
    still_sells(&world);
    world
}

fn still_sells(world: &World) {
    for node in &world.nodes {
        let view = node.engine.as_ref().expect("it stays up").view();
        let view = view.read().expect("no thread panicked");
        let row = view.stock.get(&(name("shop"), sku(1))).expect("it was traded");
        assert_eq!(row.on_hand(), GOODS, "{}", node.name);
    }
}

/// The honest nodes are unharmed: they start again from what they stored, agree with each other, and trade on.
fn unharmed(mut world: World) {
    still_sells(&world);
    for node in 0..2 {
        world.crash(node);
        world.start(node);
    }
    world.settle();
    still_sells(&world);
    check::nodes_agree(&world);
    world.run(0, Request::now(sell(&sku(1), 1)));
    world.settle();
    check::nodes_agree(&world);
}

fn message(kind: Kind, payload: Vec<u8>) -> Incoming {
    Incoming { scope: stock_scope(), kind, from: name("mallory"), payload }
}

/// Gives node 0 a message and lets it commit.
fn give(world: &mut World, message: &Incoming) -> Vec<Refused> {
    let refused = world.nodes[0].receive(world.now, message);
    world.commit(0);
    refused
}

fn give_envelope(world: &mut World, envelope: &[u8]) -> Vec<Refused> {
    give(world, &message(Kind::Changes, pack(&[envelope.to_vec()])))
}

#[track_caller]
fn refuses(world: &mut World, envelope: &[u8], kind: RefusedKind) {
    let refused = give_envelope(world, envelope);
    let [found] = refused.as_slice() else { panic!("one envelope, one reason: {refused:?}") };
    assert_eq!(found.kind, kind, "{}", found.reason);
    assert!(!found.reason.is_empty());
    still_sells(world);
}

fn waiting(world: &World) -> Waiting {
    world.nodes[0].engine.as_ref().expect("it stays up").waiting()
}

fn head(world: &World) -> u64 {
    let view = world.nodes[0].engine.as_ref().expect("it stays up").view();
    let view = view.read().expect("no thread panicked");
    view.head
}

/// What till1 wrote, as it travels.
fn honest_envelopes(world: &World) -> Vec<Vec<u8>> {
    let disk = &world.nodes[1].disk;
    let own = world.nodes[1].engine.as_ref().expect("it runs").writer();
    let commits = (1..).map_while(|position| tillmesh_core::history::read_commit(disk, position).ok());
    let envelopes = commits.flat_map(|commit| commit.envelopes.into_iter().map(Vec::from).collect::<Vec<_>>());
    let all: Vec<_> =
        envelopes.filter(|bytes| envelope::open(&fleet(), bytes).is_ok_and(|batch| batch.writer == *own)).collect();
    assert!(!all.is_empty(), "it sold something");
    all
}

#[test]
fn garbage_of_every_kind_is_refused_with_a_reason() {
    let mut world = shop();
    for kind in Kind::ALL {
        for length in [0, 1, 2, 10, 300, 5_000] {
            let garbage = [&[0xff], world.dice.bytes(length).as_slice()].concat();
            let refused = give(&mut world, &message(kind, garbage));
            assert_eq!(refused.len(), 1, "{kind:?} of {length} bytes: {refused:?}");
            assert_eq!(refused[0].kind, RefusedKind::Malformed);
        }
        assert_eq!(give(&mut world, &message(kind, Vec::new())).len(), 1, "an empty {kind:?}");
    }
    let refused =
        &world.nodes[0].engine.as_ref().expect("it runs").peers().peer(&name("mallory")).expect("heard").refused;
    assert!(refused[&RefusedKind::Malformed] >= 15, "it is counted for people to see: {refused:?}");
    unharmed(world);
}

#[test]
fn garbage_of_the_right_version_brings_nobody_down() {
    let mut world = shop();
    for round in 0..3_000 {
        let (kind, length) = (*world.dice.pick(&Kind::ALL), world.dice.index(200));
        let garbage = [&[1], world.dice.bytes(length).as_slice()].concat();
        give(&mut world, &message(kind, garbage));
        if round % 500 == 0 {
            world.pass(1_000, false);
        }
    }
    unharmed(world);
}

#[test]
fn a_message_that_ends_early_is_refused_wherever_it_ends() {
    let mut world = shop();
    let whole = pack(&honest_envelopes(&world));
    for length in 0..whole.len() {
        let refused = give(&mut world, &message(Kind::Changes, whole[..length].to_vec()));
        assert!(matches!(refused.as_slice(), [Refused { kind: RefusedKind::Malformed, .. }]), "{length}: {refused:?}");
    }
    assert_eq!(give(&mut world, &message(Kind::Changes, whole)), [], "the whole one is fine");
    unharmed(world);
}

#[test]
fn messages_beyond_the_limits_are_refused() {
    let mut world = shop();
    for kind in Kind::ALL {
        let refused = give(&mut world, &message(kind, vec![1; MAX_MESSAGE + 1]));
        assert_eq!(refused.len(), 1, "a huge {kind:?}");
    }
    let many = give(&mut world, &message(Kind::Changes, pack(&vec![Vec::new(); 513])));
    assert!(many[0].reason.contains("513"), "{many:?}");
    let each = give(&mut world, &message(Kind::Changes, pack(&vec![vec![0]; 512])));
    assert_eq!(each.len(), 512, "each of them has its reason");
    unharmed(world);
}

#[test]
fn what_is_replayed_a_thousand_times_counts_once_and_is_stored_once() {
    let mut world = shop();
    let before = head(&world);
    let replayed = message(Kind::Changes, pack(&honest_envelopes(&world)));
    for _ in 0..1_000 {
        assert_eq!(give(&mut world, &replayed), []);
    }
    assert_eq!(head(&world), before, "nothing was written");
    unharmed(world);
}

#[test]
fn nobody_writes_into_the_ledger_of_another() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    let victim = world.nodes[1].engine.as_ref().expect("it runs").writer().clone();
    let mut document = Document::new(ledger_of(&victim), victim.epoch, Boot::from_bytes([7; 6])).expect("a document");
    let put = Put { block: format!("{}-0", Boot::from_bytes([7; 6])), key: "0".to_owned(), value: b"mine".to_vec() };
    let (forged, _) = document.put(&[put], 0).expect("it can be written");
    let in_its_own_name = stranger.seal(std::slice::from_ref(&forged));
    refuses(&mut world, &in_its_own_name, RefusedKind::Forbidden);
    let mine = stranger.event(receipt(1, 100));
    let mixed = stranger.seal(&[mine, forged]);
    refuses(&mut world, &mixed, RefusedKind::Forbidden);
    unharmed(world);
}

#[test]
fn a_signature_that_does_not_hold_is_refused() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    let change = stranger.event(receipt(1, 100));
    let elsewhere = envelope::seal(stranger.identity(), &name("other"), &stock_scope(), stranger.document(), &[change]);
    refuses(&mut world, &elsewhere, RefusedKind::Signature);
    let mut altered = honest_envelopes(&world).remove(0);
    let last = altered.len() - 1;
    altered[last] ^= 1;
    refuses(&mut world, &altered, RefusedKind::Signature);
    unharmed(world);
}

#[test]
fn changes_that_are_none_are_refused_one_by_one() {
    let mut world = shop();
    let stranger = Stranger::with_a_ledger(&mut world.dice);
    let noise = world.dice.bytes(1_000);
    for changes in [vec![noise], vec![Vec::new()], vec![vec![0x85, 0x6f, 0x4a, 0x83]]] {
        let bytes = stranger.seal(&changes);
        refuses(&mut world, &bytes, RefusedKind::Forbidden);
    }
    unharmed(world);
}

#[test]
fn quantities_that_would_overflow_every_sum_move_nothing_and_survive_a_start() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    for quantity in [i64::MAX, i64::MAX, i64::MIN, i64::MIN, 1 << 62] {
        let lines = vec![Line { sku: sku(1), quantity }];
        let counts = [CountOf::OnHand, CountOf::Available];
        let counts = counts.map(|of| Body::Count(Count { lines: lines.clone(), seen: Vec::new(), of }));
        for body in [receipt(1, quantity)].into_iter().chain(counts) {
            let change = stranger.event(body);
            let bytes = stranger.seal(&[change]);
            assert_eq!(give_envelope(&mut world, &bytes), [], "it is kept and relayed, as what a newer node writes");
            still_sells(&world);
        }
    }
    let writer = stranger.writer();
    {
        let view = world.nodes[0].engine.as_ref().expect("it runs").view();
        let view = view.read().expect("no thread panicked");
        assert_eq!(view.writers.get(writer).expect("it was heard").unknown, 15, "and shown as not understood");
    }
    unharmed(world);
}

#[test]
fn values_that_are_no_events_move_nothing() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    for length in [0, 1, 40, 20_000] {
        let value = world.dice.bytes(length);
        let change = stranger.change(value);
        let bytes = stranger.seal(&[change]);
        assert_eq!(give_envelope(&mut world, &bytes), []);
    }
    unharmed(world);
}

#[test]
fn one_change_twice_in_an_envelope_and_parts_of_others_do_not_divide_the_fleet() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    let (one, two) = (stranger.change(b"one".to_vec()), stranger.change(b"two".to_vec()));
    let twice = stranger.seal(&[one.clone(), one.clone()]);
    refuses(&mut world, &twice, RefusedKind::Forbidden);
    let first = stranger.seal(std::slice::from_ref(&one));
    assert_eq!(give_envelope(&mut world, &first), []);
    let both = stranger.seal(&[one, two]);
    refuses(&mut world, &both, RefusedKind::Forbidden);
    unharmed(world);
}

#[test]
fn changes_without_their_ancestors_fill_no_more_than_their_table() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    let first = stranger.change(b"withheld".to_vec());
    for _ in 0..300 {
        let noise = world.dice.bytes(30_000);
        let change = stranger.change(noise);
        let bytes = stranger.seal(&[change]);
        assert_eq!(give_envelope(&mut world, &bytes), []);
        assert!(waiting(&world).early_bytes <= MAX_EARLY_BYTES);
    }
    assert!(waiting(&world).early_bytes > MAX_EARLY_BYTES / 2, "they do wait");
    still_sells(&world);
    let late = stranger.seal(&[first]);
    assert_eq!(give_envelope(&mut world, &late), []);
    world.pass(60_000, false);
    assert!(waiting(&world).early_bytes <= MAX_EARLY_BYTES);
    unharmed(world);
}

/// A request as the protocol has it: who asks, its number, which kind of question, and what the asker claims to hold.
fn request(from: &str, id: u64, held: Vec<Held>) -> Incoming {
    const REST: u8 = 0;
    message(Kind::Request, codec::encode_versioned(1, &(name(from), id, (REST, (held,)))))
}

#[test]
fn requests_without_end_fill_no_more_than_their_table() {
    let mut world = shop();
    let before = waiting(&world);
    for id in 0..2_000 {
        assert_eq!(give(&mut world, &request("mallory", 7, Vec::new())), [], "the same one again");
        assert_eq!(give(&mut world, &request(&format!("mallory{id}"), id, Vec::new())), []);
    }
    let now = waiting(&world);
    assert!(now.answers <= MAX_SERVING && now.answers > before.answers, "{now:?}");
    let documents = 2;
    assert!(now.answer_documents <= now.answers * documents, "each document once an answer: {now:?}");
    assert!(now.answer_documents <= MAX_ANSWER_DOCUMENTS);
    world.pass(60_000, false);
    assert_eq!(waiting(&world).answers, 0, "all were answered");
    unharmed(world);
}

#[test]
fn a_request_that_claims_heads_without_end_is_answered_as_one_that_claims_none() {
    let mut world = shop();
    let document = {
        let view = world.nodes[0].engine.as_ref().expect("it runs").view();
        let view = view.read().expect("no thread panicked");
        view.documents.iter().next().expect("it holds some").0.clone()
    };
    let heads = vec![ChangeHash::from_bytes([9; 32]); 1_500];
    assert_eq!(give(&mut world, &request("mallory", 1, vec![Held { document, heads }])), []);
    world.pass(5_000, false);
    assert_eq!(waiting(&world).answers, 0);
    unharmed(world);
}

#[test]
fn digests_of_scopes_that_nobody_has_fill_no_more_than_their_table() {
    let mut world = shop();
    for number in 0..2_000 {
        let digest = codec::encode_versioned(1, &(sum(number), 1_u64, 1_u64));
        let scope = Scope::Stock(name(&format!("nowhere{number}")));
        let from = name(&format!("mallory{number}"));
        assert_eq!(give(&mut world, &Incoming { scope, kind: Kind::Digest, from, payload: digest }), []);
        if number % 100 == 0 {
            world.pass(200, false);
        }
        let own = 1;
        assert!(waiting(&world).scopes <= MAX_NEW_SCOPES + own, "{:?}", waiting(&world));
    }
    assert!(waiting(&world).scopes > 1, "it does ask for some");
    assert!(world.nodes[0].engine.as_ref().expect("it runs").peers().iter().count() <= 1_024);
    unharmed(world);
}

/// The sum in a digest: 32 bytes, which a change hash writes as the protocol does.
const fn sum(number: u64) -> ChangeHash {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes[1] = number.to_be_bytes()[7];
    ChangeHash::from_bytes(bytes)
}

#[test]
fn answers_that_nobody_asked_for_are_judged_as_everything_else() {
    let mut world = shop();
    let mut stranger = Stranger::with_a_ledger(&mut world.dice);
    let mut altered = honest_envelopes(&world).remove(0);
    altered[100] ^= 1;
    let envelopes = [altered, stranger.seal(&[vec![1, 2, 3]])];
    let change = stranger.change(b"no event".to_vec());
    let all: Vec<_> = envelopes.into_iter().chain([stranger.seal(&[change])]).collect();
    let answer = response(99, &all);
    let refused = give(&mut world, &message(Kind::Response, answer));
    let kinds: Vec<_> = refused.iter().map(|refused| refused.kind).collect();
    assert_eq!(kinds, [RefusedKind::Signature, RefusedKind::Forbidden], "{refused:?}");
    unharmed(world);
}
