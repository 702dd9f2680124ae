//! The change stream: whoever comes back goes on where it was, without a gap and without a repetition.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::stream::{Event, Stream};
use crate::support::{Node, Setup};

fn sell(node: &Node, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| node.sell(&format!("sale-{number}"), "A", 1)["id"].as_str().unwrap().to_owned()).collect()
}

fn ids(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.data["id"].as_str().unwrap().to_owned()).collect()
}

fn place(event: &Event) -> Vec<u64> {
    event.id.split('.').map(|part| part.parse().unwrap()).collect()
}

#[test]
fn a_follower_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let mut node = Setup::new("till").start();
    let mut sold = sell(&node, 0..5);
    let mut stream = Stream::after(&node, "0.0.0");
    let mut heard = stream.take(5);
    sold.extend(sell(&node, 5..12));
    heard.extend(stream.take(3));
    // The follower goes away in the middle; the node goes on, crashes, and goes on.
    drop(stream);
    sold.extend(sell(&node, 12..20));
    node.kill();
    node.restart();
    sold.extend(sell(&node, 20..25));
    let mut stream = Stream::after(&node, &heard.last().unwrap().id);
    heard.extend(stream.take(10));
    // Now the node goes away, as an operator ends it: the stream ends with it.
    node.terminate();
    while let Some(event) = stream.next() {
        heard.push(event);
    }
    node.restart();
    let mut stream = Stream::after(&node, &heard.last().unwrap().id);
    sold.extend(sell(&node, 25..40));
    heard.extend(stream.take(40 - heard.len()));
    assert_eq!(ids(&heard), sold);
    assert!(heard.iter().map(place).is_sorted_by(|a, b| a < b), "{heard:?}");
}

#[test]
fn a_follower_begins_where_it_says_else_with_what_happens_next() {
    let node = Setup::new("till").start();
    let sold = sell(&node, 0..6);
    let heard = Stream::after(&node, "0.0.0").take(6);
    let mut behind = Stream::open(&node, &format!("?after={}", heard[1].id), None);
    assert_eq!(ids(&behind.take(4)), sold[2..]);
    // What the browser has seen wins over the address that it came back to.
    let mut resumed = Stream::open(&node, &format!("?after={}", heard[1].id), Some(&heard[3].id));
    assert_eq!(ids(&resumed.take(2)), sold[4..]);
    let mut fresh = Stream::open(&node, "", None);
    let next = sell(&node, 6..8);
    for stream in [&mut fresh, &mut behind, &mut resumed] {
        assert_eq!(ids(&stream.take(2)), next);
    }
}

#[test]
fn events_of_peers_come_as_they_are_heard_each_once() {
    let shop = Setup::new("shop").with_broker().start();
    let kiosk = Setup::new("kiosk").location("shop").linked_to(shop.broker()).start();
    let mut stream = Stream::after(&kiosk, "0.0.0");
    let mut sold: BTreeSet<String> = sell(&shop, 0..10).into_iter().collect();
    sold.extend(sell(&kiosk, 10..20));
    let heard = ids(&stream.take(20));
    assert_eq!(heard.iter().cloned().collect::<BTreeSet<_>>(), sold);
    // A mark behind which nothing of the above can come any more.
    let mark = kiosk.sell("mark", "A", 1);
    assert_eq!(stream.next().unwrap().data["id"], mark["id"]);
}

#[test]
fn each_kind_of_change_says_what_it_is_about() {
    let node = Setup::new("till").start();
    let mut stream = Stream::after(&node, "0.0.0");
    node.put_product("A", 250);
    node.receive("receipt", "A", 5);
    let cart = node.cart_of("cart", "A", 1);
    let promotion = json!({ "kind": { "type": "percentage", "basis_points": 1000 } });
    node.put("/v1/promotions/ten", "ten", &promotion).ok();
    let events = stream.take(5);
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["catalogue", "receipt", "cart", "cart", "catalogue"]);
    assert_eq!(events[0].data, json!({ "products": ["A"], "promotions": [] }));
    assert_eq!(events[1].data["lines"][0], json!({ "sku": "A", "quantity": 5, "rights": 5 }));
    assert_eq!(events[2].data, json!({ "cart": cart }));
    assert_eq!(events[4].data, json!({ "products": [], "promotions": ["ten"] }));
}

#[test]
fn a_follower_of_a_store_that_is_gone_is_told_to_begin_again() {
    let mut node = Setup::new("till").start();
    sell(&node, 0..3);
    node.kill();
    node.delete_data();
    node.restart();
    let answer = node.request("GET", "/v1/events").header("Last-Event-ID", "3.0.0").send();
    assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid-cursor"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("begin again at 0.0.0"));
}
