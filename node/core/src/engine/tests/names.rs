//! Peers of which nothing is known but a name that they gave.

use super::*;
use crate::codec;
use crate::document::Scope;
use crate::id::ChangeHash;
use crate::sync::{Kind, MAX_NEW_SCOPES};

/// Lets a name say that it holds something of the stock of a location.
fn say(node: &mut Node, from: &str, location: usize) {
    let payload = codec::encode_versioned(1, &(ChangeHash::from_bytes([7; 32]), 1_u64, 1_u64));
    let scope = Scope::Stock(name(&format!("shop{location}")));
    let digest = Incoming { scope, kind: Kind::Digest, from: name(from), payload };
    assert_eq!(node.engine.receive(node.now, &mut node.rng, &digest), []);
}

fn scopes(node: &Node) -> usize {
    node.engine.waiting().scopes
}

#[test]
fn scopes_that_names_make_up_leave_half_of_the_room_to_peers_that_more_is_known_of() {
    let mut node = Node::new("till", 1);
    for location in 0..2 * MAX_NEW_SCOPES {
        say(&mut node, &format!("name{location}"), location);
    }
    assert_eq!(scopes(&node), MAX_NEW_SCOPES / 2);
    say(&mut node, "other", 1_000);
    assert_eq!(scopes(&node), MAX_NEW_SCOPES / 2);
    node.engine.sync.peers_mut().prove(&name("other"));
    for location in 1_000..1_000 + 2 * MAX_NEW_SCOPES {
        say(&mut node, "other", location);
    }
    assert_eq!(scopes(&node), MAX_NEW_SCOPES);
}
