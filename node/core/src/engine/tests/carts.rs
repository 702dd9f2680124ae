//! Tokens of carts, over messages that nodes send each other.

use super::*;
use crate::cart::{self, Added, CartRow, HandOver, MergePolicy, continuation_of};
use crate::command::Priced;
use crate::document::{DocumentId, LINES, Scope};
use crate::id::{CartId, ChangeHash};
use crate::money::{Currency, UnitPrice};
use crate::sync::{Answer, ClaimRefusal, Denial, Denied, Kind, message, word};

const DAY_MILLIS: i64 = 86_400_000;

/// Nodes that hear each other; those that are away hear nobody and are not heard.
struct Fleet {
    nodes: Vec<Node>,
    away: Vec<bool>,
    /// How many requests for tokens were sent.
    asked: usize,
}

impl Fleet {
    fn new(count: u64) -> Self {
        let nodes: Vec<_> = (0..count).map(|number| Node::new(&format!("node-{number}"), number)).collect();
        Self { away: vec![false; nodes.len()], nodes, asked: 0 }
    }

    /// Lets messages go to and fro until no more come.
    fn talk(&mut self) {
        loop {
            let mut said = Vec::new();
            for (place, node) in self.nodes.iter_mut().enumerate() {
                node.engine.tick(node.now, &mut node.rng, usize::MAX);
                let effects = node.engine.commit(node.now).unwrap().effects;
                said.extend(effects.into_iter().map(|effect| (place, effect)));
            }
            if said.is_empty() {
                return;
            }
            said.into_iter().for_each(|(from, effect)| self.deliver(from, effect));
        }
    }

    fn deliver(&mut self, from: usize, effect: Effect) {
        let sender = self.nodes[from].engine.config().node.clone();
        let (scope, kind, to, payload) = match effect {
            Effect::Batch { scope, envelope } => (scope, Kind::Changes, None, pack(&[envelope])),
            Effect::Send { scope, kind, to, payload } => (scope, kind, to, payload),
        };
        if kind == Kind::Request
            && let Ok(crate::sync::Request { ask: crate::sync::Ask::Claim(..), .. }) = message::from_bytes(&payload)
        {
            self.asked += 1;
        }
        for (place, node) in self.nodes.iter_mut().enumerate() {
            let is_for = to.as_ref().is_none_or(|to| *to == node.engine.config().node);
            if place != from && is_for && !self.away[from] && !self.away[place] {
                let from = to.clone().unwrap_or_else(|| sender.clone());
                let incoming = Incoming { scope: scope.clone(), kind, from, payload: payload.clone() };
                assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
            }
        }
    }

    fn outcome(&mut self, at: usize, command: Command) -> Outcome {
        let outcome = self.nodes[at].submit(Request::now(command)).unwrap();
        self.talk();
        outcome
    }

    fn run(&mut self, at: usize, command: Command) {
        let _outcome = self.outcome(at, command);
    }

    /// Lets nodes find out what they missed of each other.
    fn meet(&mut self) {
        for _ in 0..60 {
            self.wait(500);
            self.talk();
        }
    }

    /// A command that needs a token which is elsewhere: given once, and again when the answer has come.
    fn run_patiently(&mut self, at: usize, command: &Command) -> Result<Outcome, Refusal> {
        match self.nodes[at].submit(Request::now(command.clone())) {
            Err(refusal) if refusal.is_asking() => {
                self.talk();
                let outcome = self.nodes[at].submit(Request::now(command.clone()));
                self.talk();
                outcome
            }
            outcome => {
                self.talk();
                outcome
            }
        }
    }

    fn begin(&mut self, at: usize) -> CartId {
        let Outcome::Cart { id, .. } = self.outcome(at, Command::CreateCart { customer: None }) else {
            panic!("a cart comes of it")
        };
        id
    }

    fn row(&self, at: usize, cart: CartId) -> CartRow {
        self.nodes[at].engine.row::<CartRow>(&cart).unwrap().unwrap_or_default()
    }

    fn check_out(&self, at: usize, cart: CartId) -> Command {
        let row = self.row(at, cart);
        let add_ids = row.lines().into_iter().map(|(id, _)| id.clone()).collect();
        let line = |line: &cart::CartLine| {
            let (sku, unit_price) = (line.sku.clone(), line.unit_price);
            LineRequest { sku, quantity: line.quantity, unit_price, amount: None }
        };
        let lines = row.lines().into_iter().map(|(_, found)| line(found)).collect();
        let priced = Priced { add_ids, lines, adjustments: Vec::new(), proof: None };
        Command::Checkout { cart, priced, tenders: Vec::new() }
    }

    fn holders(&self, cart: CartId) -> Vec<usize> {
        let holds = |at: &usize| self.row(*at, cart).is_held_by(self.nodes[*at].engine.writer());
        (0..self.nodes.len()).filter(holds).collect()
    }

    fn wait(&mut self, millis: i64) {
        self.nodes.iter_mut().for_each(|node| node.now = node.now.plus_millis(millis));
    }
}

fn put_in(cart: CartId, what: &str) -> Command {
    let price = UnitPrice { amount: 99, scale: None, currency: Currency::new("GBP").unwrap() };
    Command::AddToCart { cart, sku: sku(what), quantity: 1, unit_price: Some(price) }
}

fn skus(row: &CartRow) -> Vec<&str> {
    row.lines().into_iter().map(|(_, line)| line.sku.as_str()).collect()
}

#[test]
fn a_token_moves_with_one_request_and_one_answer() {
    let mut fleet = Fleet::new(3);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    let refused = fleet.nodes[1].submit(Request::now(Command::ClaimCart { cart })).unwrap_err();
    let Refusal::CartHeldElsewhere { holder, asked: true, refused: None, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(holder, name("node-0"));
    fleet.talk();
    assert_eq!((fleet.holders(cart), fleet.asked), (vec![1], 1));
    fleet.run(1, Command::ClaimCart { cart });
    assert_eq!(fleet.asked, 1, "what is held need not be asked for");
    for at in 0..3 {
        assert!(fleet.row(at, cart).is_held_by(fleet.nodes[1].engine.writer()), "node {at} knows");
    }
}

#[test]
fn a_checkout_at_another_node_claims_the_token_and_sells_there() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    let command = fleet.check_out(1, cart);
    let _sold = fleet.run_patiently(1, &command).unwrap();
    assert_eq!(fleet.row(0, cart).checkouts().len(), 1);
    let again = fleet.nodes[0].submit(Request::now(command));
    assert!(matches!(again, Err(Refusal::CheckedOut { .. })), "{again:?}");
}

#[test]
fn a_claim_brings_what_the_claimer_lacked_of_the_cart() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.away[1] = true;
    fleet.run(0, put_in(cart, "milk"));
    fleet.away[1] = false;
    let _claimed = fleet.run_patiently(1, &Command::ClaimCart { cart }).unwrap();
    assert_eq!(skus(&fleet.row(1, cart)), ["milk"]);
}

#[test]
fn a_holder_that_cannot_be_heard_keeps_its_token_and_a_fork_sells_the_goods() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.away[0] = true;
    let command = fleet.check_out(1, cart);
    let refused = fleet.run_patiently(1, &command).unwrap_err();
    assert!(matches!(refused, Refusal::CartHeldElsewhere { heard_lately: true, .. }), "{refused:?}");
    let Outcome::Cart { id: fork, row, .. } = fleet.outcome(1, Command::ForkCart { cart }) else { panic!("a cart") };
    assert_eq!((row.forked_from(), skus(&row)), (Some(cart), vec!["milk"]));
    let (here, there) = (fleet.check_out(1, fork), fleet.check_out(0, cart));
    fleet.run(1, here);
    fleet.run(0, there);
    fleet.away[0] = false;
    fleet.meet();
    for at in 0..2 {
        let (row, forked) = (fleet.row(at, cart), fleet.row(at, fork));
        assert_eq!(row.forks().iter().copied().collect::<Vec<_>>(), [fork]);
        let settled = cart::checkouts(&row, [&forked]);
        assert_eq!(settled.winner.map(|it| it.node), Some(name("node-0")), "node {at}: the holder's order stands");
        assert_eq!(settled.losers.into_iter().map(|it| it.node).collect::<Vec<_>>(), [name("node-1")]);
        assert_eq!(fleet.row(at, continuation_of(cart)), CartRow::default(), "nothing came late");
    }
}

#[test]
fn what_a_fork_sold_is_no_longer_to_be_sold_from_the_cart_nor_from_other_forks_of_it() {
    let mut fleet = Fleet::new(3);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.away[0] = true;
    let Outcome::Cart { id: fork, .. } = fleet.outcome(1, Command::ForkCart { cart }) else { panic!("a cart") };
    let Outcome::Cart { id: second, .. } = fleet.outcome(2, Command::ForkCart { cart: fork }) else { panic!("a cart") };
    fleet.run(1, put_in(cart, "tea"));
    let command = fleet.check_out(2, second);
    fleet.run(2, command);
    fleet.away[0] = false;
    fleet.meet();
    for at in 0..3 {
        assert_eq!(skus(&fleet.row(at, cart)), ["tea"], "node {at}");
        assert_eq!(skus(&fleet.row(at, fork)), Vec::<&str>::new(), "node {at}");
        assert_eq!(fleet.row(at, second).sold_lines().len(), 1);
    }
    let again = std::mem::replace(&mut fleet.nodes[0], Node::new("nobody", 9)).restart(5);
    assert_eq!(again.engine.row::<CartRow>(&cart).unwrap().unwrap(), fleet.row(1, cart), "a restart comes to the same");
}

#[test]
fn a_holder_says_why_it_keeps_a_token() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.away[1] = true;
    let command = fleet.check_out(0, cart);
    fleet.run(0, command);
    // Only the answer is heard, not the checkout.
    let claim = Command::ClaimCart { cart };
    let _asked = fleet.nodes[1].submit(Request::now(claim.clone())).unwrap_err();
    fleet.away[1] = false;
    fleet.talk();
    let told = fleet.nodes[1].submit(Request::now(claim)).unwrap_err();
    assert!(matches!(told, Refusal::CheckedOut { .. }), "the answer came with what had happened: {told:?}");
}

#[test]
fn a_holder_is_not_asked_again_at_once_but_after_a_while() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.away[0] = true;
    for wait in [0, 100, 200] {
        fleet.wait(wait);
        let refused = fleet.nodes[1].submit(Request::now(Command::ClaimCart { cart }));
        assert!(matches!(refused, Err(Refusal::CartHeldElsewhere { asked: true, .. })), "{refused:?}");
        fleet.talk();
    }
    assert_eq!(fleet.asked, 2);
}

#[test]
fn a_claim_that_somebody_else_signed_or_sent_again_moves_nothing() {
    let mut fleet = Fleet::new(3);
    let cart = fleet.begin(0);
    let _asked = fleet.nodes[1].submit(Request::now(Command::ClaimCart { cart })).unwrap_err();
    let effects = fleet.nodes[1].engine.commit(NOON).unwrap().effects;
    let is_claim = |effect: &&Effect| matches!(effect, Effect::Send { kind: Kind::Request, .. });
    let claim = effects.iter().find(is_claim).unwrap().clone();
    fleet.deliver(1, claim.clone());
    fleet.talk();
    let _back = fleet.run_patiently(0, &Command::ClaimCart { cart }).unwrap();
    fleet.deliver(1, claim.clone());
    fleet.talk();
    assert_eq!(fleet.holders(cart), [0], "a claim is good once");
    let Effect::Send { scope, payload, .. } = claim else { panic!("a message") };
    let mut forged: crate::sync::Request = message::from_bytes(&payload).unwrap();
    forged.from = name("node-2");
    let payload = message::to_bytes(&forged);
    let incoming = Incoming { scope, kind: Kind::Request, from: name("node-0"), payload };
    let holder = &mut fleet.nodes[0];
    let refused = holder.engine.receive(holder.now, &mut holder.rng, &incoming);
    assert_eq!(refused.len(), 1);
    fleet.talk();
    assert_eq!(fleet.holders(cart), [0]);
}

#[test]
fn a_holder_that_lacks_what_the_last_one_knew_does_not_check_out() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    let to = fleet.nodes[1].engine.writer().clone();
    let heads = vec![ChangeHash::from_bytes([7; 32])];
    let node = &mut fleet.nodes[0];
    let given = Added::HandOver(HandOver { after: None, to, heads, at: node.now });
    let put = node.engine.entry(LINES, cart::write(&given));
    node.engine.write_entries(node.now, cart, &[put]).unwrap();
    fleet.talk();
    assert_eq!(fleet.holders(cart), [1]);
    let command = fleet.check_out(1, cart);
    for command in [command, Command::ClaimCart { cart }] {
        let refused = fleet.nodes[1].submit(Request::now(command)).unwrap_err();
        assert!(matches!(refused, Refusal::CartBehind { missing: 1, .. }) && refused.is_asking(), "{refused:?}");
    }
}

#[test]
fn what_an_earlier_life_of_a_store_held_is_forked() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    // Another node under the same name stands for a store that was restored.
    fleet.nodes[0] = Node::new("node-0", 77);
    let places = fleet.nodes[1].engine.batches_of(&DocumentId::Cart { id: cart }).unwrap();
    let envelopes: Vec<Vec<u8>> = places
        .iter()
        .map(|(position, slot)| {
            let commit = crate::history::read_commit(&fleet.nodes[1].engine.reader(), *position).unwrap();
            commit.envelopes[usize::from(*slot)].to_vec()
        })
        .collect();
    fleet.nodes[0].hear("node-1", &envelopes);
    let refused = fleet.nodes[0].submit(Request::now(Command::ClaimCart { cart })).unwrap_err();
    assert!(matches!(refused, Refusal::CartHeldElsewhere { asked: false, .. }), "{refused:?}");
    fleet.run(0, Command::ForkCart { cart });
}

#[test]
fn lines_that_come_after_a_checkout_open_the_same_new_cart_everywhere() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.away[1] = true;
    let late = fleet.nodes[1].run(put_in(cart, "tea"));
    let sold = fleet.check_out(0, cart);
    let _sold = fleet.nodes[0].submit(Request::now(sold)).unwrap();
    let sold = fleet.nodes[0].commit();
    fleet.nodes[0].hear("node-1", &late);
    fleet.nodes[1].hear("node-0", &sold);
    fleet.away[1] = false;
    let next = continuation_of(cart);
    for at in 0..2 {
        let row = fleet.row(at, next);
        assert_eq!((skus(&row), row.continued_from()), (vec!["tea"], Some(cart)), "node {at}");
    }
    assert_eq!(fleet.holders(next), [0], "who sold the first one goes on");
    let remove = Command::SetInCart { cart: next, sku: sku("tea"), quantity: 0 };
    fleet.run(1, put_in(next, "salt"));
    fleet.run(1, remove);
    let command = fleet.check_out(1, next);
    let _sold = fleet.run_patiently(1, &command).unwrap();
    assert_eq!(fleet.row(0, next).sold_lines().len(), 1);
    assert_eq!(fleet.row(0, continuation_of(next)), CartRow::default());
    let again = std::mem::replace(&mut fleet.nodes[0], Node::new("nobody", 9)).restart(5);
    assert_eq!(again.engine.row::<CartRow>(&next).unwrap().unwrap(), fleet.row(1, next), "a restart comes to the same");
}

#[test]
fn a_merged_cart_ends_and_what_comes_later_goes_on() {
    let mut fleet = Fleet::new(2);
    let (guest, own) = (fleet.begin(0), fleet.begin(1));
    fleet.run(0, put_in(guest, "milk"));
    fleet.run(1, put_in(own, "tea"));
    fleet.away[0] = true;
    let late = fleet.nodes[0].run(put_in(guest, "salt"));
    fleet.away[0] = false;
    let merge = Command::MergeCarts { into: own, from: guest, policy: MergePolicy::Sum };
    let _merged = fleet.run_patiently(1, &merge).unwrap();
    assert_eq!(skus(&fleet.row(0, own)), ["tea", "milk", "salt"], "the token came with all that its holder knew");
    assert_eq!(late.len(), 1);
    for command in [put_in(guest, "more"), Command::ForkCart { cart: guest }, merge] {
        let refused = fleet.nodes[0].submit(Request::now(command));
        assert!(matches!(refused, Err(Refusal::CartMerged { into, .. }) if into == own), "{refused:?}");
    }
    let itself = Command::MergeCarts { into: own, from: own, policy: MergePolicy::Keep };
    let refused = fleet.nodes[1].submit(Request::now(itself));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })), "{refused:?}");
}

#[test]
fn a_cart_that_nobody_adds_to_expires_and_takes_nothing_then() {
    let mut fleet = Fleet::new(1);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.wait(29 * DAY_MILLIS);
    fleet.run(0, put_in(cart, "tea"));
    fleet.wait(29 * DAY_MILLIS);
    fleet.run(0, put_in(cart, "salt"));
    fleet.wait(30 * DAY_MILLIS);
    let check_out = fleet.check_out(0, cart);
    for command in [put_in(cart, "more"), check_out, Command::ClaimCart { cart }, Command::ForkCart { cart }] {
        let refused = fleet.nodes[0].submit(Request::now(command));
        assert!(matches!(refused, Err(Refusal::CartExpired { .. })), "{refused:?}");
    }
}

#[test]
fn a_cart_that_is_large_forks_in_several_changes() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    for number in 0..cart::MAX_CART_LINES {
        let _added = fleet.nodes[0].submit(Request::now(put_in(cart, &format!("{number:064}")))).unwrap();
    }
    fleet.talk();
    let Outcome::Cart { id: fork, .. } = fleet.outcome(1, Command::ForkCart { cart }) else { panic!("a cart") };
    assert_eq!(fleet.row(0, fork).lines().len(), cart::MAX_CART_LINES);
    let own = fleet.nodes[1].submit(Request::now(Command::ForkCart { cart: fork }));
    assert!(matches!(own, Err(Refusal::Invalid { .. })), "{own:?}");
}

#[test]
fn a_refusal_that_was_not_asked_for_changes_nothing() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    let to = fleet.nodes[1].engine.writer().epoch;
    let denial = Denial { to, id: 1, what: Denied::Token(cart, ClaimRefusal::NotPermitted) };
    let answer = Answer::Denied(word::sign(&fleet.nodes[0].engine.identity, &name("fleet"), denial));
    let response = crate::sync::Response { from: name("node-0"), id: 1, answer };
    let scope = Scope::Carts(name("main"));
    let payload = message::to_bytes(&response);
    let incoming = Incoming { scope, kind: Kind::Response, from: name("node-1"), payload };
    let node = &mut fleet.nodes[1];
    assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
    let _claimed = fleet.run_patiently(1, &Command::ClaimCart { cart }).unwrap();
}

/// The question that a node has just asked.
fn question(asker: &mut Node) -> u64 {
    let effects = asker.engine.commit(asker.now).unwrap().effects;
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Send { kind: Kind::Request, payload, .. } => Some(message::from_bytes(payload).unwrap()),
        _ => None,
    });
    let asked: crate::sync::Request = asked.expect("it asks");
    asked.id
}

#[test]
fn a_token_is_denied_by_its_holder_alone_and_once() {
    let mut fleet = Fleet::new(2);
    let cart = fleet.begin(0);
    let stranger = Node::new("node-0", 9);
    let [holder, asker] = &mut fleet.nodes[..] else { panic!("two") };
    let claim = |asker: &mut Node| match asker.submit(Request::now(Command::ClaimCart { cart })) {
        Err(Refusal::CartHeldElsewhere { asked, refused, .. }) => (asked, refused),
        other => panic!("{other:?}"),
    };
    assert_eq!(claim(asker), (true, None));
    let id = question(asker);
    let denial = Denial { to: asker.engine.writer().epoch, id, what: Denied::Token(cart, ClaimRefusal::NotPermitted) };
    let hear = |asker: &mut Node, by: &Node| {
        let answer = Answer::Denied(word::sign(&by.engine.identity, &name("fleet"), denial.clone()));
        let payload = message::to_bytes(&crate::sync::Response { from: name("node-0"), id, answer });
        let incoming =
            Incoming { scope: Scope::Carts(name("main")), kind: Kind::Response, from: name("node-1"), payload };
        assert_eq!(asker.engine.receive(asker.now, &mut asker.rng, &incoming), []);
    };
    hear(asker, &stranger);
    assert_eq!(claim(asker), (true, None));
    hear(asker, holder);
    assert_eq!(claim(asker), (false, Some(ClaimRefusal::NotPermitted)));
    asker.now = asker.now.plus_millis(200);
    hear(asker, holder);
    asker.now = asker.now.plus_millis(200);
    assert_eq!(claim(asker), (true, None), "it is asked anew, whoever repeats the answer");
    assert_ne!(question(asker), id);
}

fn double_checkout(node: &Node) -> Option<crate::work::WorkItem> {
    let open = super::decisions::open_items(node);
    open.into_iter().find(|item| matches!(item.subject, crate::work::Subject::DoubleCheckout { .. }))
}

#[test]
fn of_a_cart_that_three_nodes_sold_each_loser_is_voided_by_its_maker_and_the_last_one_settles_it() {
    let mut fleet = Fleet::new(3);
    let cart = fleet.begin(0);
    fleet.run(0, put_in(cart, "milk"));
    fleet.away = vec![true; 3];
    let command = fleet.check_out(0, cart);
    fleet.run(0, command);
    for at in [1, 2] {
        let Outcome::Cart { id: fork, .. } = fleet.outcome(at, Command::ForkCart { cart }) else { panic!("a cart") };
        let command = fleet.check_out(at, fork);
        fleet.run(at, command);
    }
    fleet.away = vec![false; 3];
    fleet.meet();
    let item = double_checkout(&fleet.nodes[0]).unwrap();
    let void = Command::Resolve { item: item.id, choice: "void-losers".to_owned(), reason: None };
    let refused = |fleet: &mut Fleet, at: usize| match fleet.nodes[at].submit(Request::now(void.clone())) {
        Err(Refusal::DecidedElsewhere { nodes, .. }) => nodes.iter().map(Name::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&mut fleet, 0), ["node-1", "node-2"]);
    fleet.run(1, void.clone());
    assert_eq!(refused(&mut fleet, 1), ["node-2"]);
    let left = double_checkout(&fleet.nodes[0]).unwrap();
    assert_eq!(left.deciders.into_iter().collect::<Vec<_>>(), [name("node-2")]);
    fleet.run(2, void.clone());
    for node in &fleet.nodes {
        assert!(double_checkout(node).is_none());
        assert_eq!(node.stock("milk").on_hand(), -1, "one of three sales stands");
    }
}
