//! A store that was set back to an earlier day: noticed, nothing lost, and left behind with the next start.

use std::fs;

use serde_json::Value;

use crate::support::{Node, Setup, eventually, stdout, tillmesh};

fn clones(node: &Node) -> Vec<Value> {
    node.get("/v1/node").ok()["clones"].as_array().unwrap().clone()
}

fn status(node: &Node) -> String {
    stdout(&tillmesh(&["status", "--url", &node.url()]))
}

#[test]
fn a_store_that_was_set_back_hears_its_own_sales_says_so_and_begins_a_new_epoch_with_the_next_start() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let mut kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    till.receive("opening", "A", 100);
    kiosk.sell("before", "A", 1);
    eventually("both hold the same", || till.on_hand("A") == Some(99) && kiosk.on_hand("A") == Some(99));
    assert_eq!(clones(&kiosk), [] as [Value; 0]);
    let epoch = kiosk.get("/v1/node").ok()["epoch"].clone();

    kiosk.terminate();
    let store = kiosk.data().join("tillmesh.redb");
    let old = fs::read(&store).unwrap();
    kiosk.restart();
    for number in 0..3 {
        kiosk.sell(&format!("sale-{number}"), "A", 1);
    }
    eventually("the till hears the sales", || till.on_hand("A") == Some(96));
    kiosk.terminate();
    fs::write(&store, old).unwrap();
    kiosk.restart();

    eventually("its own sales come back to it", || kiosk.on_hand("A") == Some(96));
    eventually("it says so", || clones(&kiosk).len() == 1);
    let alarm = clones(&kiosk).remove(0);
    assert_eq!(
        (&alarm["epoch"], alarm["changes"].as_u64(), alarm.get("fenced_at")),
        (&epoch, Some(3), None),
        "{alarm}"
    );
    assert!(status(&kiosk).contains("start this node again"), "{}", status(&kiosk));
    assert!(kiosk.log().contains("this store is a copy of another one"), "{}", kiosk.log());
    // It goes on selling: nobody at a till is told to wait for a technician.
    kiosk.sell("after", "A", 1);
    eventually("everybody counts it", || till.on_hand("A") == Some(95));

    kiosk.terminate();
    kiosk.restart();
    let node = kiosk.get("/v1/node").ok();
    assert_ne!(node["epoch"], epoch);
    assert!(clones(&kiosk)[0]["fenced_at"].is_string(), "{node}");
    assert!(status(&kiosk).contains("in a new epoch since"), "{}", status(&kiosk));
    let order = kiosk.sell("new", "A", 1);
    assert!(order["receipt_number"].as_str().unwrap().ends_with("-1"), "{order}");
    eventually("both hold the same", || till.state() == kiosk.state() && till.on_hand("A") == Some(94));
    assert_eq!(clones(&till), [] as [Value; 0], "it has none");
    let clone_at = |node: &Node| {
        let items = node.client().list("/v1/work-items").unwrap();
        items.into_iter().find(|item| item["kind"] == "clone").map(|item| item["id"].clone())
    };
    eventually("both have one work item of it", || clone_at(&till).is_some() && clone_at(&till) == clone_at(&kiosk));
}
