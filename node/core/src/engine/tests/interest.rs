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
