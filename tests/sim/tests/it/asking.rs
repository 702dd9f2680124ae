//! Peers that waste the questions of a node: it gives up, asks others, and asks the same ones ever more rarely.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::Decoder;
use minicbor::bytes::ByteVec;
use tillmesh_core::codec;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::document::Scope;
use tillmesh_core::engine::Effect;
use tillmesh_core::id::{ChangeHash, Name};
use tillmesh_core::sync::{Incoming, Kind, pack};
use tillmesh_sim::node::name;
use tillmesh_sim::world::START;
use tillmesh_sim::{Dice, Disk, Node};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// How much an answer may hold.
const ROOM: usize = 64 * 1024;
/// More documents than a question lists.
const CARTS: usize = 40;

/// A node alone with peers that the test plays.
struct Lab {
    node: Node,
    now: i64,
    /// The numbers of the questions to each peer, and when the first message of each was sent.
    asked: BTreeMap<Name, BTreeMap<u64, i64>>,
}

/// A question on its way to a peer.
struct Question<'a> {
    id: u64,
    /// What is compared; none: another kind of question.
    comparison: Option<&'a [u8]>,
}

fn scope() -> Scope {
    Scope::Carts(name("region"))
}

fn incoming(from: &str, kind: Kind, payload: Vec<u8>) -> Incoming {
    Incoming { scope: scope(), kind, from: name(from), payload }
}

/// What a peer says that holds something else, and this many changes.
fn digest(from: &str, changes: u64) -> Incoming {
    let sum = ChangeHash::from_bytes([7; 32]);
    incoming(from, Kind::Digest, codec::encode_versioned(1, &(sum, 1_u64, changes)))
}

/// An answer with batches.
fn batches(from: &str, id: u64, last: bool, envelopes: Vec<Vec<u8>>) -> Incoming {
    let envelopes: Vec<ByteVec> = envelopes.into_iter().map(ByteVec::from).collect();
    let answer = (name(from), id, (0_u8, (last, envelopes)));
    incoming(from, Kind::Response, codec::encode_versioned(1, &answer))
}

fn comparison(from: &str, id: u64, message: Vec<u8>) -> Incoming {
    let answer = (name(from), id, (1_u8, (ByteVec::from(message),)));
    incoming(from, Kind::Response, codec::encode_versioned(1, &answer))
}

fn read(payload: &[u8]) -> Question<'_> {
    let mut decoder = Decoder::new(&payload[1..]);
    decoder.array().expect("a question");
    let _from: Name = decoder.decode().expect("who asks");
    let id = decoder.u64().expect("a number");
    decoder.array().expect("what is asked");
    let is_comparison = decoder.u8().expect("a kind") == 1;
    decoder.array().expect("its fields");
    Question { id, comparison: is_comparison.then(|| decoder.bytes().expect("a comparison")) }
}

impl Lab {
    fn new() -> Self {
        let mut node = Node::new("till", "shop", Disk::default(), &mut Dice::new(1));
        node.start(START);
        for _ in 0..CARTS {
            node.submit(START, Request::now(Command::CreateCart { customer: None })).expect("a cart");
        }
        let mut lab = Self { node, now: START, asked: BTreeMap::new() };
        lab.pass(5 * SECOND, |_, _| Vec::new());
        lab
    }

    fn changes(&self) -> u64 {
        let view = self.node.engine.as_ref().expect("it runs").view();
        let view = view.read().expect("no thread panicked");
        view.documents.iter().filter(|(_, row)| row.scope == scope()).map(|(_, row)| row.changes).sum()
    }

    fn hear(&mut self, message: &Incoming) {
        self.node.receive(self.now, message);
    }

    /// Lets time pass; each question to a peer is answered as the peer does.
    fn pass(&mut self, millis: i64, mut answer: impl FnMut(&Name, &Question<'_>) -> Vec<Incoming>) {
        let until = self.now + millis;
        while self.now < until {
            self.node.tick(self.now, ROOM);
            let (_, effects) = self.node.commit(self.now).expect("memory does not fail");
            for effect in effects {
                let Effect::Send { kind: Kind::Request, to: Some(to), payload, .. } = effect else { continue };
                let question = read(&payload);
                self.asked.entry(to.clone()).or_default().entry(question.id).or_insert(self.now);
                answer(&to, &question).iter().for_each(|message| self.hear(message));
            }
            self.now = self.node.next_tick.clamp(self.now + 1, until);
        }
    }

    /// An hour in which peers say every ten seconds that they differ.
    fn hour(&mut self, peers: &[&str], mut answer: impl FnMut(&Name, &Question<'_>) -> Vec<Incoming>) {
        let changes = self.changes();
        for _ in 0..HOUR / (10 * SECOND) {
            peers.iter().for_each(|peer| self.hear(&digest(peer, changes + 3)));
            self.pass(10 * SECOND, &mut answer);
        }
    }

    fn questions(&self, peer: &str) -> usize {
        self.asked.get(&name(peer)).map_or(0, BTreeMap::len)
    }

    /// Checks that both peers were asked early, and neither often.
    fn asked_both_and_ever_more_rarely(&self) {
        for peer in ["mallory", "honest"] {
            let first = self.asked.get(&name(peer)).and_then(|asked| asked.values().min());
            assert!(first.is_some_and(|at| at - START < 3 * MINUTE), "{peer} was asked first at {first:?}");
            assert!((4..=16).contains(&self.questions(peer)), "{peer} was asked {} times", self.questions(peer));
        }
    }
}

/// A comparison that says that one of the ranges differs, whatever it is compared with.
fn differing(message: &[u8]) -> Vec<u8> {
    let mut altered = message.to_vec();
    *altered.last_mut().expect("it is not empty") ^= 1;
    altered
}

#[test]
fn a_peer_that_never_ends_a_comparison_is_given_up_and_the_next_one_is_asked() {
    let mut lab = Lab::new();
    let (mut first, mut messages) = (None, BTreeMap::<u64, usize>::new());
    lab.hour(&["mallory", "honest"], |peer, question| match (peer.as_str(), question.comparison) {
        ("mallory", Some(message)) => {
            let first = first.get_or_insert_with(|| differing(message));
            *messages.entry(question.id).or_default() += 1;
            vec![comparison("mallory", question.id, first.clone())]
        }
        ("honest", _) => vec![batches("honest", question.id, true, Vec::new())],
        _ => Vec::new(),
    });
    assert!(messages.values().all(|count| (3..40).contains(count)), "each comparison has an end: {messages:?}");
    lab.asked_both_and_ever_more_rarely();
}

#[test]
fn a_peer_that_never_ends_its_answer_is_given_up_and_the_next_one_is_asked() {
    let mut lab = Lab::new();
    let mut pieces = BTreeMap::<u64, usize>::new();
    let mut open = None;
    let changes = lab.changes();
    for second in 0..HOUR / SECOND {
        if second % 10 == 0 {
            ["mallory", "honest"].iter().for_each(|peer| lab.hear(&digest(peer, changes + 3)));
        }
        if let Some(id) = open {
            *pieces.entry(id).or_default() += 1;
            lab.hear(&batches("mallory", id, false, Vec::new()));
        }
        lab.pass(SECOND, |peer, question| match peer.as_str() {
            "mallory" => {
                open = Some(question.id);
                vec![batches("mallory", question.id, false, Vec::new())]
            }
            _ => vec![batches("honest", question.id, true, Vec::new())],
        });
    }
    assert!(!pieces.is_empty());
    for peer in ["mallory", "honest"] {
        assert!((4..=80).contains(&lab.questions(peer)), "{peer} was asked {} times", lab.questions(peer));
    }
}

#[test]
fn a_peer_whose_batches_are_all_refused_is_asked_ever_more_rarely() {
    let mut lab = Lab::new();
    lab.hour(&["mallory", "honest"], |peer, question| {
        let envelopes = if peer.as_str() == "mallory" { vec![vec![1, 2, 3]; 20] } else { Vec::new() };
        vec![batches(peer.as_str(), question.id, true, envelopes)]
    });
    lab.asked_both_and_ever_more_rarely();
    let refused = &lab.node.engine.as_ref().expect("it runs").peers().peer(&name("mallory")).expect("heard").refused;
    assert_eq!(refused.values().sum::<u64>(), 20 * lab.questions("mallory") as u64, "each is counted");
}

#[test]
fn a_peer_that_is_silent_is_asked_ever_more_rarely_and_does_not_keep_others_from_being_asked() {
    let mut lab = Lab::new();
    lab.hour(&["mallory", "honest"], |peer, question| match peer.as_str() {
        "honest" => vec![batches("honest", question.id, true, Vec::new())],
        _ => Vec::new(),
    });
    assert!((4..=80).contains(&lab.questions("mallory")), "{} times", lab.questions("mallory"));
    assert!((4..=16).contains(&lab.questions("honest")), "{} times", lab.questions("honest"));
}

#[test]
fn names_that_nobody_answers_to_do_not_keep_a_peer_from_being_asked_that_signed_something() {
    let mut lab = Lab::new();
    let mut honest = Node::new("honest", "shop", Disk::default(), &mut Dice::new(2));
    honest.start(START);
    honest.submit(START, Request::now(Command::CreateCart { customer: None })).expect("a cart");
    let (_, effects) = honest.commit(START).expect("memory does not fail");
    for effect in effects {
        let Effect::Batch { envelope, .. } = effect else { continue };
        lab.hear(&incoming("honest", Kind::Changes, pack(&[envelope])));
    }
    lab.pass(SECOND, |_, _| Vec::new());
    let (changes, asked) = (lab.changes(), lab.questions("honest"));
    for tenth in 0..600 {
        (0..20).for_each(|number| lab.hear(&digest(&format!("n{}", 20 * tenth + number), changes + 1_000_000)));
        if tenth % 100 == 50 {
            lab.hear(&digest("honest", changes + 3));
        }
        lab.pass(SECOND / 10, |peer, question| match peer.as_str() {
            "honest" => vec![batches("honest", question.id, true, Vec::new())],
            _ => Vec::new(),
        });
    }
    assert!(lab.questions("honest") - asked >= 2, "{} times", lab.questions("honest") - asked);
}

#[test]
fn a_peer_that_had_nothing_is_asked_soon_once_it_says_that_it_has_more() {
    let mut lab = Lab::new();
    let nothing = |peer: &Name, question: &Question<'_>| vec![batches(peer.as_str(), question.id, true, Vec::new())];
    lab.hour(&["honest"], nothing);
    let (before, changes) = (lab.questions("honest"), lab.changes());
    lab.hear(&digest("honest", changes + 4));
    lab.pass(2 * SECOND, nothing);
    assert_eq!(lab.questions("honest"), before + 1);
}

#[test]
fn peers_do_not_decide_how_often_a_node_goes_through_its_documents() {
    let mut lab = Lab::new();
    let mut first = None;
    lab.hear(&digest("mallory", lab.changes() + 3));
    lab.pass(SECOND, |_, question| {
        first = question.comparison.map(<[u8]>::to_vec);
        Vec::new()
    });
    let question = first.expect("it asked");
    let mut answered = BTreeSet::new();
    for number in 0..1_000_u64 {
        let ask = (name("mallory"), number, (1_u8, (ByteVec::from(question.clone()),)));
        let scope = Scope::Stock(name(&format!("nowhere{number}")));
        let payload = codec::encode_versioned(1, &ask);
        lab.hear(&Incoming { scope, kind: Kind::Request, from: name("mallory"), payload });
        let (_, effects) = lab.node.commit(lab.now).expect("memory does not fail");
        let is_answer = |effect: &Effect| matches!(effect, Effect::Send { kind: Kind::Response, .. });
        if effects.iter().any(is_answer) {
            answered.insert(number);
        }
    }
    assert!((1..=4).contains(&answered.len()), "{answered:?} of a thousand at once");
}
