use super::*;
use crate::document::{Interest, Scope};
use crate::sync::Kind;

/// A node that holds these scopes only.
fn holding(node: &str, scopes: &[&str]) -> Node {
    let Node { engine, rng, now } = Node::new(node, 7);
    let interest = Interest::new(scopes.iter().map(|text| text.parse().unwrap()).collect());
    Node { engine: engine.holding(interest), rng, now }
}

/// Gives a node a message of changes under the topic of a scope, and what it then gives to be passed on.
fn hear_in(node: &mut Node, scope: &str, envelopes: &[Vec<u8>]) -> Vec<Relay> {
    let (scope, from, payload) = (scope.parse().unwrap(), name("peer"), pack(envelopes));
    let incoming = Incoming { scope, kind: Kind::Changes, from, payload };
    assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
    node.engine.commit(node.now).unwrap().relays
}

fn said_digests(node: &mut Node) -> Vec<String> {
    node.engine.link_up(node.now);
    due_digests(node)
}

fn due_digests(node: &mut Node) -> Vec<String> {
    node.engine.tick(node.now, &mut node.rng, usize::MAX);
    let committed = node.engine.commit(node.now).unwrap();
    let digest = |effect| match effect {
        Effect::Send { scope, kind: Kind::Digest, .. } => Some(scope.to_string()),
        _ => None,
    };
    committed.effects.into_iter().filter_map(digest).collect()
}

#[test]
fn what_is_of_a_scope_that_is_not_held_is_not_taken_in_under_whatever_topic() {
    let batches = Node::new("store", 1).run(receive("milk", 10));
    let mut kiosk = holding("kiosk", &["catalog"]);
    hear_in(&mut kiosk, "stock-store", &batches);
    hear_in(&mut kiosk, "catalog", &batches);
    assert_eq!((kiosk.engine.committed().head, kiosk.stock("milk").on_hand()), (0, 0));
    let mut all = holding("all", &["catalog", "stock-s*"]);
    hear_in(&mut all, "catalog", &batches);
    assert_eq!(all.stock("milk").on_hand(), 10);
}

#[test]
fn a_command_that_would_write_in_another_scope_is_refused_and_writes_nothing() {
    let mut kiosk = holding("kiosk", &["stock-kiosk"]);
    let line = || vec![Line { sku: sku("milk"), quantity: 1 }];
    let elsewhere = [
        (receive("milk", 1), "location", "stock-store"),
        (sell("milk", 1), "location", "stock-store"),
        (Command::Transfer { from: None, to: name("kiosk"), lines: line() }, "from", "stock-store"),
        (Command::Transfer { from: Some(name("kiosk")), to: name("depot"), lines: line() }, "to", "stock-depot"),
        (Command::CreateCart { customer: None }, "region", "carts-main"),
    ];
    for (command, expected, held) in elsewhere {
        let refused = kiosk.submit(Request::now(command));
        let Err(Refusal::ScopeNotHeld { field, scope, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((field.as_str(), scope.as_str()), (expected, held));
    }
    assert_eq!(kiosk.commit(), Vec::<Vec<u8>>::new());
    let here = Command::Receive { location: Some(name("kiosk")), lines: line() };
    assert_eq!(kiosk.run(here).len(), 1);
}

#[test]
fn a_store_that_held_more_before_says_and_gives_only_what_is_held_now() {
    let mut node = Node::new("store", 1);
    node.run(receive("milk", 10));
    assert_eq!(said_digests(&mut node), ["stock-store"]);
    let Node { engine, rng, now } = node.restart(2);
    let interest = Interest::new(vec!["stock-other".parse().unwrap()]);
    let mut node = Node { engine: engine.holding(interest), rng, now };
    assert_eq!(node.stock("milk").on_hand(), 10, "what is stored stays");
    assert_eq!(said_digests(&mut node), Vec::<String>::new());
}

#[test]
fn only_new_batches_of_others_are_given_to_be_passed_on_and_only_where_that_is_wanted() {
    let batches = Node::new("store", 1).run(receive("milk", 10));
    let mut plain = Node::new("plain", 2);
    assert_eq!(hear_in(&mut plain, "stock-store", &batches), []);
    let Node { engine, rng, now } = Node::new("bridge", 3);
    let mut bridge = Node { engine: engine.relaying(), rng, now };
    let scope: Scope = "stock-store".parse().unwrap();
    let expected = Relay { scope, envelope: batches[0].clone(), heard_from: name("peer") };
    assert_eq!(hear_in(&mut bridge, "stock-store", &batches), [expected]);
    assert_eq!(hear_in(&mut bridge, "stock-store", &batches), [], "it is known now");
    let own = bridge.submit(Request::now(sell("milk", 1)));
    assert!(own.is_ok());
    let committed = bridge.engine.commit(bridge.now).unwrap();
    assert_eq!((committed.effects.len(), committed.relays), (1, Vec::new()), "its own is for everybody anyway");
}

#[test]
fn equals_on_one_line_do_not_silence_a_node_that_joins_two() {
    for (relays, expected) in [(false, Vec::new()), (true, vec!["stock-store".to_owned()])] {
        let Node { engine, rng, now } = Node::new("store", 1);
        let engine = if relays { engine.relaying() } else { engine };
        let mut node = Node { engine, rng, now };
        node.run(receive("milk", 10));
        assert_eq!(due_digests(&mut node), ["stock-store"], "the first round");
        node.run(receive("milk", 1));
        assert_eq!(due_digests(&mut node), Vec::<String>::new(), "a change waits for more");
        let scope: Scope = "stock-store".parse().unwrap();
        let own = node.engine.sync.scopes.sum(&scope);
        let digest = crate::sync::Digest { sum: own.sum, documents: own.documents, changes: own.changes };
        for number in 0..8 {
            let (scope, from) = (scope.clone(), name(&format!("peer-{number}")));
            let payload = crate::sync::message::to_bytes(&digest);
            let incoming = Incoming { scope, kind: Kind::Digest, from, payload };
            assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
        }
        node.now = node.now.plus_millis(5_000);
        assert_eq!(due_digests(&mut node), expected, "relaying: {relays}");
    }
}

#[test]
fn answers_to_peers_whose_line_has_no_room_wait_and_hold_up_nobody() {
    let mut node = Node::new("store", 1);
    node.run(receive("milk", 10));
    due_digests(&mut node);
    for peer in ["far", "near"] {
        let ask = crate::sync::Ask::Rest(Vec::new());
        let request = crate::sync::Request { from: name(peer), id: 1, ask, everybody: None };
        let payload = crate::sync::message::to_bytes(&request);
        let scope = "stock-store".parse().unwrap();
        let incoming = Incoming { scope, kind: Kind::Request, from: name("store"), payload };
        assert_eq!(node.engine.receive(node.now, &mut node.rng, &incoming), []);
    }
    let mut answered = |held_back: &[&str]| {
        node.engine.hold_back(held_back.iter().map(|peer| name(peer)).collect());
        node.engine.tick(node.now, &mut node.rng, usize::MAX);
        let answer = |effect| match effect {
            Effect::Send { kind: Kind::Response, to, .. } => to.map(|peer| peer.to_string()),
            _ => None,
        };
        let effects = node.engine.commit(node.now).unwrap().effects;
        effects.into_iter().filter_map(answer).collect::<Vec<String>>()
    };
    assert_eq!(answered(&["far", "near"]), Vec::<String>::new());
    assert_eq!(answered(&["far"]), ["near"]);
    assert_eq!(answered(&["far"]), Vec::<String>::new());
    assert_eq!(answered(&[]), ["far"]);
}
