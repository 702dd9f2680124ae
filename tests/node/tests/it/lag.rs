//! How far a node is behind a peer, and for how long: shown to people, as far as it was heard.

use serde_json::Value;

use crate::support::mqtt::Stranger;
use crate::support::{Node, Setup, eventually, stdout, tillmesh};

/// A digest as the protocol has it: what is held, hashed; in how many documents; with how many changes.
fn digest(changes: u8) -> Vec<u8> {
    [&[1, 0x83, 0x58, 32][..], &[7; 32], &[1, changes]].concat()
}

fn scope_of(node: &Node, peer: &str, scope: &str) -> Option<Value> {
    let peers = node.get("/v1/peers").ok();
    let peer = peers["items"].as_array()?.iter().find(|row| row["node"] == peer)?.clone();
    peer["scopes"].as_array()?.iter().find(|row| row["scope"] == scope).cloned()
}

#[test]
fn a_peer_that_has_more_is_shown_with_how_many_changes_and_since_when() {
    let till = Setup::new("till").location("shop").with_broker().start();
    till.receive("opening", "A", 20);
    let mut ghost = Stranger::connect(till.broker(), "ghost");
    ghost.publish("tm/1/tests/stock-shop/digest/ghost", &digest(5));
    ghost.flush();
    eventually("it is shown", || scope_of(&till, "ghost", "stock-shop").is_some());
    let first = scope_of(&till, "ghost", "stock-shop").unwrap();
    assert_eq!(first["equal"], false, "{first}");
    assert_eq!((&first["changes"], &first["behind"], &first["ahead"]), (&5.into(), &4.into(), &0.into()), "{first}");

    eventually("time passes", || scope_of(&till, "ghost", "stock-shop").unwrap()["lag_seconds"].as_u64() >= Some(1));
    ghost.publish("tm/1/tests/stock-shop/digest/ghost", &digest(0));
    ghost.flush();
    eventually("it has less now", || scope_of(&till, "ghost", "stock-shop").unwrap()["ahead"] == 1);
    let later = scope_of(&till, "ghost", "stock-shop").unwrap();
    assert_eq!((&later["behind"], &later["differs_since"]), (&0.into(), &first["differs_since"]), "{later}");
    let status = stdout(&tillmesh(&["status", "--url", &till.url()]));
    let row = status.lines().find(|line| line.contains("ghost") && line.contains("stock-shop")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells[4..7], ["no", "0", "1"], "{status}");
    assert!(cells[7].parse::<u64>().unwrap() >= 1 && cells[8] == "s", "{status}");
}
