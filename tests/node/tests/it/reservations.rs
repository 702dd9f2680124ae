//! Goods that are promised to somebody who does not have them in hand.

use std::thread;

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::shop::goods;
use crate::support::{Node, Setup, eventually};

/// How often three nodes are asked for one last unit at once.
const ROUNDS: u64 = 200;

fn reservation(sku: &str, quantity: i64) -> Value {
    json!({ "lines": [{ "sku": sku, "quantity": quantity }], "ttl_seconds": 600, "channel": "web" })
}

#[track_caller]
fn reserve(node: &Node, key: &str, sku: &str, quantity: i64) -> Answer {
    node.post("/v1/reservations", key, &reservation(sku, quantity))
}

fn id(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

/// Three nodes of one location, the first of which has the broker.
fn three() -> [Node; 3] {
    let first = Setup::new("till-1").location("shop").with_broker().start();
    let linked = |name| Setup::new(name).location("shop").linked_to(first.broker()).start();
    let (second, third) = (linked("till-2"), linked("kiosk"));
    [first, second, third]
}

#[test]
fn the_last_unit_asked_for_at_three_nodes_at_once_is_promised_exactly_once() {
    let nodes = three();
    nodes[0].put_product("A", 250);
    for round in 0..ROUNDS {
        let receiver = &nodes[usize::try_from(round).unwrap() % 3];
        receiver.receive(&format!("goods-{round}"), "A", 1);
        let units = i64::try_from(round).unwrap() + 1;
        for node in &nodes {
            eventually("the goods are known", || node.on_hand("A") == Some(units));
        }
        let key = format!("last-{round}");
        let answers: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> = nodes.iter().map(|node| scope.spawn(|| reserve(node, &key, "A", 1))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        });
        let kept = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(kept, 1, "round {round}: {answers:#?}");
        for refused in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(refused.problem(), "not-available");
        }
    }
    eventually("all say the same", || nodes.iter().all(|node| node.state() == nodes[0].state()));
    let stock = nodes[0].get("/v1/stock/A").ok();
    assert_eq!((&stock["promised"], &stock["available"], &stock["shortfall"]), (&json!(ROUNDS), &json!(0), &json!(0)));
}

#[test]
fn a_refused_reservation_says_how_much_there_is_and_where_the_rest_is() {
    let store = Setup::new("store").with_broker().start();
    let web = Setup::new("web").linked_to(store.broker()).start();
    store.put_product("A", 250);
    store.receive("goods", "A", 3);
    eventually("the web front has heard", || web.on_hand("A") == Some(3));
    let refused = reserve(&web, "mine", "A", 2).json();
    assert_eq!(refused["lines"], json!([{ "sku": "A", "wanted": 2, "available": 0 }]));
    assert_eq!(refused["elsewhere"], json!([{ "sku": "A", "location": "store", "available": 3, "gone": false }]));
    let mut there = reservation("A", 2);
    there["location"] = json!("store");
    let kept = web.post("/v1/reservations", "theirs", &there).ok();
    assert_eq!((&kept["status"], &kept["location"]), (&json!("reserved"), &json!("store")));
    eventually("the store has heard", || store.get(&format!("/v1/reservations/{}", id(&kept))).status == 200);
    let refused = store.request("POST", &format!("/v1/reservations/{}:confirm", id(&kept))).send();
    assert_eq!((refused.problem().as_str(), refused.json()["owner"].clone()), ("not-owner", json!("web")));
    let beyond = reserve(&store, "beyond", "A", 2);
    assert_eq!((beyond.status, beyond.json()["available"].clone()), (409, json!(1)));
}

#[test]
fn a_reservation_is_confirmed_handed_over_and_released_once() {
    let node = Setup::new("store").start();
    node.put_product("A", 250);
    node.receive("goods", "A", 5);
    let made = reserve(&node, "one", "A", 3);
    assert_eq!(made.header("location").unwrap(), format!("/v1/reservations/{}", id(&made.json())));
    let made = made.ok();
    assert_eq!((&made["status"], &made["total"]["amount"]), (&json!("reserved"), &json!(750)));
    let path = format!("/v1/reservations/{}", id(&made));
    let part = json!({ "lines": [{ "sku": "A", "quantity": 2 }] });
    let confirmed = node.post(&format!("{path}:confirm"), "confirm", &part).ok();
    assert_eq!(confirmed["events"].as_array().unwrap().len(), 2, "the rest is given up");
    assert_eq!(node.get(&path).ok()["status"], "placed");
    // Without a body, and again under another key: nothing changes.
    assert_eq!(node.request("POST", &format!("{path}:confirm")).key("again").send().status, 201);
    node.post(&format!("/v1/orders/{}/fulfilments", id(&made)), "pick-up", &json!({})).ok();
    assert_eq!(node.get(&path).ok()["status"], "completed");
    let late = node.request("POST", &format!("{path}:release")).key("late").send();
    assert_eq!(late.status, 201, "{late:?}");
    let stock = node.get("/v1/stock/A?explain=true").ok();
    assert_eq!((&stock["on_hand"], &stock["promised"], &stock["available"]), (&json!(3), &json!(0), &json!(3)));
    let why = &stock["by_location"][0]["explanation"];
    assert_eq!((&why["rights"][0]["node"], &why["rights"][0]["rights"]), (&json!("store"), &json!(3)));
    let kinds: Vec<_> = why["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["fulfilment", "release", "promise", "receipt"]);
}

#[test]
fn a_reservation_survives_a_power_cut_and_ends_by_itself() {
    let mut node = Setup::new("store").start();
    node.put_product("A", 250);
    node.receive("goods", "A", 2);
    let mut short = reservation("A", 1);
    short["ttl_seconds"] = json!(2);
    let short = node.post("/v1/reservations", "short", &short).ok();
    let long = reserve(&node, "long", "A", 1).ok();
    node.kill();
    node.restart();
    assert_eq!(reserve(&node, "more", "A", 2).status, 409);
    eventually("its time is over", || {
        node.get(&format!("/v1/reservations/{}", id(&short))).ok()["status"] == "cancelled"
    });
    assert_eq!(node.get(&format!("/v1/reservations/{}", id(&long))).ok()["status"], "reserved");
    reserve(&node, "again", "A", 1).ok();
}

#[test]
fn a_physical_sale_of_promised_goods_goes_through_and_shows_as_a_shortfall() {
    let node = Setup::new("store").start();
    node.put_product("A", 250);
    node.receive("goods", "A", 1);
    reserve(&node, "web", "A", 1).ok();
    node.sell("till", "A", 1);
    let stock = node.get("/v1/stock/A").ok();
    assert_eq!((&stock["on_hand"], &stock["promised"], &stock["shortfall"]), (&json!(0), &json!(1), &json!(1)));
}

#[test]
fn policies_of_a_channel_promise_beyond_what_there_is() {
    let settings = "[[promises.rules]]\nchannel = \"web\"\npolicy = \"buffered\"\nbuffer = 2\n";
    let node = Setup::new("store").settings(settings).start();
    node.put_product("A", 250);
    node.post("/v1/stock/receipts", "goods", &goods("A", 1)).ok();
    assert_eq!(reserve(&node, "too-many", "A", 4).status, 409);
    reserve(&node, "three", "A", 3).ok();
    let mut counter = reservation("A", 1);
    counter["channel"] = json!("counter");
    assert_eq!(node.post("/v1/reservations", "other", &counter).status, 409, "another channel is strict");
}

#[test]
fn the_last_units_are_kept_for_the_channel_that_they_are_allocated_to() {
    let settings = "[[promises.rules]]\nchannel = \"web\"\nallocation = 2\n";
    let node = Setup::new("store").settings(settings).start();
    node.put_product("A", 250);
    node.post("/v1/stock/receipts", "goods", &goods("A", 3)).ok();
    let mut counter = reservation("A", 2);
    counter["channel"] = json!("counter");
    let refused = node.post("/v1/reservations", "two", &counter);
    assert_eq!((refused.status, &refused.json()["lines"][0]["available"]), (409, &json!(1)));
    counter["lines"][0]["quantity"] = json!(1);
    node.post("/v1/reservations", "one", &counter).ok();
    let stock = node.get("/v1/stock/A?explain").ok();
    let kept = &stock["by_location"][0]["explanation"]["allocations"];
    assert_eq!(*kept, json!([{"channel": "web", "units": 2}]));
    reserve(&node, "web", "A", 2).ok();
}
