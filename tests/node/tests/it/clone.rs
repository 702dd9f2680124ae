//! A store that was set back to an earlier day: noticed, nothing lost, and its epoch left behind at once.

use std::fs;

use serde_json::Value;

use crate::support::{Node, Setup, eventually, stdout, tillmesh};

fn clones(node: &Node) -> Vec<Value> {
    node.get("/v1/node").ok()["clones"].as_array().unwrap().clone()
}

fn status(node: &Node) -> String {
    stdout(&tillmesh(&["status", "--url", &node.url()]))
}

/// Goes on with one store at two nodes.
fn run_twice(kiosk: &mut Node, copy: &mut Node) {
    kiosk.terminate();
    copy.terminate();
    fs::copy(kiosk.data().join("tillmesh.redb"), copy.data().join("tillmesh.redb")).unwrap();
    kiosk.restart();
    copy.restart();
}

#[test]
fn a_store_that_was_set_back_hears_its_own_sales_says_so_and_goes_on_in_a_new_epoch() {
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
    assert_eq!(alarm["epoch"], epoch, "{alarm}");
    assert!(alarm["changes"].as_u64().is_some_and(|changes| (1..=3).contains(&changes)), "{alarm}");
    assert!(alarm["fenced_at"].is_string(), "{alarm}");
    assert!(status(&kiosk).contains("in a new epoch since"), "{}", status(&kiosk));
    assert!(kiosk.log().contains("this store is a copy of another one"), "{}", kiosk.log());
    let new_epoch = kiosk.get("/v1/node").ok()["epoch"].clone();
    assert_ne!(new_epoch, epoch);
    // It goes on selling: nobody at a till is told to wait for a technician.
    let order = kiosk.sell("after", "A", 1);
    assert!(order["receipt_number"].as_str().unwrap().ends_with("-1"), "{order}");
    eventually("everybody counts it", || till.on_hand("A") == Some(95));

    kiosk.terminate();
    kiosk.restart();
    assert_eq!(kiosk.get("/v1/node").ok()["epoch"], new_epoch, "it is this store's alone");
    kiosk.sell("new", "A", 1);
    eventually("both hold the same", || till.state() == kiosk.state() && till.on_hand("A") == Some(94));
    assert_eq!(clones(&till), [] as [Value; 0], "it has none");
    let clone_at = |node: &Node| {
        let items = node.client().list("/v1/work-items").unwrap();
        items.into_iter().find(|item| item["kind"] == "clone").map(|item| item["id"].clone())
    };
    eventually("both have one work item of it", || clone_at(&till).is_some() && clone_at(&till) == clone_at(&kiosk));
}

#[test]
fn two_copies_of_one_store_at_one_broker_hear_of_each_other_and_each_goes_on_in_an_epoch_of_its_own() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let mut kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    let mut copy = Setup::new("kiosk").location("shop").start();
    till.receive("opening", "A", 100);
    eventually("the kiosk knows the goods", || kiosk.on_hand("A") == Some(100));

    run_twice(&mut kiosk, &mut copy);
    copy.link_to(till.broker());
    let epochs = || [&kiosk, &copy].map(|node| node.get("/v1/node").ok()["epoch"].clone());
    assert_eq!(epochs()[0], epochs()[1], "the broker lets one of them in at a time");
    kiosk.sell("here", "A", 1);
    copy.sell("there", "A", 2);

    eventually("one has left the epoch", || epochs()[0] != epochs()[1]);
    eventually("everybody counts both", || [&till, &kiosk, &copy].iter().all(|node| node.on_hand("A") == Some(97)));
    let all_up = || [&kiosk, &copy].iter().all(|node| node.get("/v1/node").ok()["link"]["state"] == "up");
    eventually("both stay with the broker", all_up);
    kiosk.sell("here-again", "A", 1);
    copy.sell("there-again", "A", 2);
    eventually("everybody counts it", || [&till, &kiosk, &copy].iter().all(|node| node.on_hand("A") == Some(94)));
}

#[test]
fn two_copies_that_are_alone_at_a_broker_hear_of_each_other_with_the_next_sales() {
    let mut kiosk = Setup::new("kiosk").location("shop").with_broker().start();
    let mut copy = Setup::new("kiosk").location("shop").start();
    kiosk.receive("opening", "A", 1_000);
    run_twice(&mut kiosk, &mut copy);
    copy.link_to(kiosk.broker());
    let epoch = kiosk.get("/v1/node").ok()["epoch"].clone();

    let mut sales = 0;
    eventually("both have left the epoch that they shared", || {
        sales += 1;
        [&kiosk, &copy].into_iter().for_each(|node| drop(node.sell(&format!("sale-{sales}"), "A", 1)));
        let left = |node: &Node| node.get("/v1/node").ok()["epoch"] != epoch && clones(node).len() == 1;
        left(&kiosk) && left(&copy)
    });
    for node in [&kiosk, &copy] {
        eventually("metrics show it", || node.get("/metrics").text().contains("\ntillmesh_clones 1\n"));
    }
}
