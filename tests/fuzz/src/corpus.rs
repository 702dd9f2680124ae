//! Messages of a fleet that trades, as they really travel.

use tillmesh_core::command::{Command, LineRequest, Outcome, PromiseTerms, Request, Reservation};
use tillmesh_core::document::{DocumentId, Scope};
use tillmesh_core::engine::Effect;
use tillmesh_core::envelope;
use tillmesh_core::id::CartId;
use tillmesh_core::money::{Currency, Money, UnitPrice};
use tillmesh_core::sync::{Incoming, Kind, pack};
use tillmesh_core::time::Timestamp;
use tillmesh_sim::traffic::{count, product_of, receive, sell, sku};
use tillmesh_sim::world::START;
use tillmesh_sim::{Dice, Disk, Node};

/// How many carts there are: more than a request lists one by one, so that ranges are compared.
const CARTS: usize = 24;
/// How long the two may talk, in milliseconds.
const TALK: i64 = 30_000;
/// Room for answers with every tick, in bytes.
const ROOM: usize = 64 * 1024;

/// A node that has traded, another that has heard of it, and what they said.
pub struct Corpus {
    /// The node that heard.
    pub node: Node,
    /// Its time, in milliseconds.
    pub now: i64,
    /// What was said.
    pub messages: Vec<Incoming>,
    /// The signed batches in it.
    pub envelopes: Vec<Vec<u8>>,
    /// The changes in those, and where they belong.
    pub changes: Vec<(DocumentId, Vec<u8>)>,
}

impl Corpus {
    /// Lets two nodes trade and talk.
    pub fn new() -> Self {
        let mut dice = Dice::new(1);
        let mut author = Node::new("till0", "shop", Disk::default(), &mut dice);
        let mut node = Node::new("till1", "shop", Disk::default(), &mut dice);
        author.start(START);
        node.start(START);
        let cart = trade(&mut author);
        let mut talk = Talk { nodes: [author, node], cart, messages: Vec::new() };
        // What was published while nobody listened is lost, so that it is asked for.
        talk.nodes[0].commit(START).expect("memory does not fail");
        talk.go_on();
        let Talk { nodes: [_, node], messages, .. } = talk;
        let envelopes = envelopes_of(&node);
        let changes = changes_of(&envelopes);
        Self { node, now: START + TALK, messages, envelopes, changes }
    }

    /// The payloads of one kind.
    pub fn payloads(&self, kind: Kind) -> Vec<&[u8]> {
        let of_kind = self.messages.iter().filter(|message| message.kind == kind);
        of_kind.map(|message| message.payload.as_slice()).collect()
    }
}

impl Default for Corpus {
    fn default() -> Self {
        Self::new()
    }
}

/// Two nodes that hear each other, and what they say.
struct Talk {
    nodes: [Node; 2],
    /// One whose token the first one holds.
    cart: CartId,
    messages: Vec<Incoming>,
}

impl Talk {
    fn go_on(&mut self) {
        for now in (START..START + TALK).step_by(100) {
            for index in 0..2 {
                self.nodes[index].tick(now, ROOM);
                self.let_speak(index, now);
            }
            if now == START + TALK / 2 {
                run(&mut self.nodes[0], now, sell(&sku(2), 3));
                self.let_speak(0, now);
                self.ask_the_other_one(now);
            }
        }
    }

    /// What the second node lacks it asks the first one for, signed: a cart's token, and rights to promise. It has
    /// promised all those of one product, which the second one has not heard of.
    fn ask_the_other_one(&mut self, now: i64) {
        run(&mut self.nodes[0], now, reserve(1, 97, now));
        self.nodes[0].commit(now).expect("memory does not fail");
        let until = now + TALK;
        for command in [Command::ClaimCart { cart: self.cart }, reserve(3, 5, until), reserve(1, 5, until)] {
            let asked = self.nodes[1].submit(now, Request::now(command));
            assert!(asked.is_err(), "it has none");
            let before = self.messages.len();
            self.let_speak(1, now);
            assert_eq!(self.messages[before].kind, Kind::Request, "it asks at once");
        }
        let last = self.messages.last().map(|message| message.kind);
        assert_eq!(last, Some(Kind::Response), "there are none, which is said at once");
    }

    /// Commits at a node and gives the other one what it says, which may answer.
    fn let_speak(&mut self, index: usize, now: i64) {
        let from = self.nodes[index].name.clone();
        let (_, effects) = self.nodes[index].commit(now).expect("memory does not fail");
        for effect in effects {
            let (scope, kind, payload) = match effect {
                Effect::Batch { scope, envelope } => (scope, Kind::Changes, pack(&[envelope])),
                Effect::Send { scope, kind, payload, .. } => (scope, kind, payload),
            };
            let message = Incoming { scope, kind, from: from.clone(), payload };
            let refused = self.nodes[1 - index].receive(now, &message);
            assert!(refused.is_empty(), "honest nodes understand each other: {refused:?}");
            self.messages.push(message);
            self.let_speak(1 - index, now);
        }
    }
}

fn run(node: &mut Node, now: i64, command: Command) {
    assert!(node.submit(now, Request::now(command)).is_ok(), "it is allowed");
}

fn reserve(product: u64, quantity: i64, until: i64) -> Command {
    let lines = vec![LineRequest { sku: sku(product), quantity, unit_price: None, amount: None }];
    let terms = PromiseTerms { ttl_seconds: None, until: Some(Timestamp::from_millis(until)) };
    Command::Reserve(Box::new(Reservation { location: None, lines, customer: None, terms }))
}

/// Gives one of the carts that it begins.
fn trade(node: &mut Node) -> CartId {
    run(node, START, Command::PutProducts((1..4).map(product_of).collect()));
    for number in 1..4 {
        run(node, START, receive(&sku(number), 100));
        run(node, START, sell(&sku(number), 2));
        run(node, START, count(&sku(number), 97));
    }
    let carts: Vec<_> = (0..CARTS).map(|_| begin_cart(node)).collect();
    for cart in carts.iter().copied() {
        let price = Currency::new("GBP").map(|currency| UnitPrice::of(Money { amount: 99, currency }));
        let unit_price = price.ok();
        run(node, START, Command::AddToCart { cart, sku: sku(1), quantity: 1, unit_price });
    }
    carts[0]
}

fn begin_cart(node: &mut Node) -> CartId {
    run(node, START, Command::CreateCart { customer: None });
    match node.pending.last() {
        Some((_, Outcome::Cart { id, .. })) => *id,
        other => panic!("a cart came to {other:?}"),
    }
}

fn envelopes_of(node: &Node) -> Vec<Vec<u8>> {
    let commits = (1..).map_while(|position| tillmesh_core::history::read_commit(&node.disk, position).ok());
    commits.flat_map(|commit| commit.envelopes).map(Vec::from).collect()
}

fn changes_of(envelopes: &[Vec<u8>]) -> Vec<(DocumentId, Vec<u8>)> {
    let batches = envelopes.iter().filter_map(|bytes| envelope::reopen(bytes).ok());
    let changes =
        |batch: envelope::Batch| batch.changes.into_iter().map(move |change| (batch.document.clone(), change));
    batches.flat_map(changes).collect()
}

/// The scopes of the corpus.
pub fn scopes() -> [Scope; 4] {
    use tillmesh_sim::node::name;
    [Scope::Catalog, Scope::Fleet, Scope::Stock(name("shop")), Scope::Carts(name("region"))]
}
