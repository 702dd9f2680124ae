//! Orders on their way to the customer: the states that they go through, and the list that a store works from.

use serde_json::{Value, json};

use crate::support::shop::goods;
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// A store with goods, and the path of a promise of some.
fn with_order(quantity: i64) -> (Node, String) {
    let node = Setup::new("store").start();
    node.put_product("A", 250);
    node.receive("goods", "A", 9);
    let path = promise(&node, "order", quantity);
    (node, path)
}

fn promise(node: &Node, key: &str, quantity: i64) -> String {
    let body = json!({ "lines": [{ "sku": "A", "quantity": quantity }], "confirmed": true });
    format!("/v1/orders/{}", node.post("/v1/reservations", key, &body).ok()["id"].as_str().unwrap())
}

/// Where an order stands, and what of its SKU is placed, allocated, picked, ready and fulfilled.
fn stands(node: &Node, path: &str) -> (String, [i64; 5]) {
    let order = node.get(path).ok();
    let of = &order["quantities"][0];
    let numbers = ["placed", "allocated", "picked", "ready", "fulfilled"].map(|name| of[name].as_i64().unwrap());
    (order["status"].as_str().unwrap().to_owned(), numbers)
}

fn stage(node: &Node, path: &str, key: &str, body: &Value) {
    node.post(&format!("{path}/progress"), key, body).ok();
}

/// The paths of the orders that the list of open ones has.
fn listed(node: &Node, query: &str) -> Vec<String> {
    let page = node.get(&format!("/v1/orders?{query}")).ok();
    let items = page["items"].as_array().unwrap();
    items.iter().map(|order| format!("/v1/orders/{}", order["id"].as_str().unwrap())).collect()
}

fn order_command(node: &Node, arguments: &[&str]) -> String {
    let output = tillmesh(&[&["order"], arguments, &["--url", &node.url()]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn an_order_goes_from_promised_to_completed_step_by_step() {
    let (mut node, path) = with_order(3);
    for (key, body, expected) in [
        ("allocate", json!({ "stage": "allocated" }), ("allocated", [0, 3, 0, 0, 0])),
        ("pick", json!({ "stage": "picked", "lines": goods("A", 2)["lines"] }), ("allocated", [0, 1, 2, 0, 0])),
        ("pick-rest", json!({ "stage": "picked" }), ("picked", [0, 0, 3, 0, 0])),
        ("pack", json!({ "stage": "ready" }), ("ready", [0, 0, 0, 3, 0])),
        (
            "unpack",
            json!({ "stage": "picked", "from": "ready", "lines": goods("A", 1)["lines"] }),
            ("picked", [0, 0, 1, 2, 0]),
        ),
        ("put-back", json!({ "stage": "placed" }), ("placed", [3, 0, 0, 0, 0])),
        ("pack-again", json!({ "stage": "ready" }), ("ready", [0, 0, 0, 3, 0])),
    ] {
        stage(&node, &path, key, &body);
        let (status, numbers) = stands(&node, &path);
        assert_eq!((status.as_str(), numbers), expected, "after {key}");
    }
    node.kill();
    node.restart();
    assert_eq!(stands(&node, &path), ("ready".to_owned(), [0, 0, 0, 3, 0]), "it outlives a power cut");
    let part = json!({ "handover": "shipped", "parcel": "parcel-1", "lines": goods("A", 2)["lines"] });
    let shipped = node.post(&format!("{path}/fulfilments"), "ship", &part).ok();
    assert_eq!(
        (&shipped["events"][0]["handover"], &shipped["events"][0]["parcel"]),
        (&json!("shipped"), &json!("parcel-1"))
    );
    assert_eq!(stands(&node, &path), ("partly-fulfilled".to_owned(), [0, 0, 0, 1, 2]));
    node.post(&format!("{path}/fulfilments"), "hand-over", &json!({ "handover": "collected" })).ok();
    assert_eq!(stands(&node, &path), ("shipped".to_owned(), [0, 0, 0, 0, 3]));
    node.post(&format!("{path}/deliveries"), "deliver", &json!({ "parcel": "parcel-1" })).ok();
    assert_eq!(stands(&node, &path).0, "completed");
    assert_eq!(node.on_hand("A"), Some(6));
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (node, path) = with_order(2);
    let position = node.position();
    let many =
        node.post(&format!("{path}/progress"), "many", &json!({ "stage": "picked", "lines": goods("A", 3)["lines"] }));
    assert_eq!((many.status, many.problem().as_str(), &many.json()["left"]), (409, "more-than-ordered", &json!(2)));
    let nothing = node.post(&format!("{path}/progress"), "nothing", &json!({ "stage": "placed" }));
    assert_eq!((nothing.status, nothing.problem().as_str()), (422, "invalid-field"), "{nothing:?}");
    let same = node.post(&format!("{path}/progress"), "same", &json!({ "stage": "ready", "from": "ready" }));
    assert_eq!((same.status, &same.json()["field"]), (422, &json!("from")));
    let parcel = node.post(&format!("{path}/deliveries"), "parcel", &json!({ "parcel": "nobody's" }));
    assert_eq!((parcel.status, &parcel.json()["field"]), (422, &json!("parcel")));
    assert_eq!(node.position(), position);
}

#[test]
fn the_list_of_open_orders_says_what_a_store_has_to_do() {
    let (node, first) = with_order(1);
    let second = promise(&node, "second", 2);
    node.sell("counter", "A", 1);
    stage(&node, &second, "pick", &json!({ "stage": "picked" }));
    let list = |query: &str| listed(&node, query);
    let mut both = vec![first.clone(), second.clone()];
    both.sort();
    assert_eq!(list("location=store"), both);
    assert_eq!(list("location=elsewhere"), Vec::<String>::new());
    assert_eq!((list("status=placed"), list("status=picked")), (vec![first.clone()], vec![second.clone()]));
    let mut paged = node.client().list("/v1/orders").unwrap();
    paged.sort_by_key(|order| order["sold_at"].as_str().unwrap().to_owned());
    assert_eq!(paged[1]["quantities"][0]["picked"], 2);
    let page = node.get("/v1/orders?limit=1").ok();
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(list(&format!("limit=1&cursor={next}")), both[1..]);
    node.post(&format!("{second}/fulfilments"), "gone", &json!({})).ok();
    assert_eq!(list("location=store"), vec![first]);
    assert_eq!(node.get("/v1/orders?status=completed").problem(), "invalid-parameter");
}

#[test]
fn goods_of_a_reservation_that_ended_after_they_were_picked_are_to_be_put_back_until_somebody_says_that_they_were() {
    let (mut node, kept) = with_order(1);
    let reserved = json!({ "lines": goods("A", 2)["lines"], "ttl_seconds": 5 });
    let reserved = node.post("/v1/reservations", "ends", &reserved).ok();
    let id = reserved["id"].as_str().unwrap();
    let path = format!("/v1/orders/{id}");
    stage(&node, &path, "pick", &json!({ "stage": "picked" }));
    assert_eq!(listed(&node, "status=to-put-back"), Vec::<String>::new());
    eventually("its time is over", || stands(&node, &path).0 == "cancelled");
    node.kill();
    node.restart();
    assert_eq!(node.get(&path).ok()["quantities"][0]["to_put_back"], 2);
    assert_eq!(listed(&node, "location=store&status=to-put-back"), vec![path.clone()]);
    assert_eq!(listed(&node, "location=elsewhere&status=to-put-back"), Vec::<String>::new());
    let mut both = vec![kept.clone(), path.clone()];
    both.sort();
    assert_eq!(listed(&node, "location=store"), both);
    assert!(order_command(&node, &["list", "--status", "to-put-back"]).contains(id));
    assert!(order_command(&node, &["show", id]).contains("to put back: 2 of A"));
    assert!(order_command(&node, &["put-back", id, "A=1"]).contains("is cancelled; to be put back: 1"));
    assert!(order_command(&node, &["put-back", id]).trim_end().ends_with("is cancelled"));
    assert_eq!((listed(&node, "location=store"), node.on_hand("A")), (vec![kept], Some(9)));
    let over = node.post(&format!("{path}/progress"), "again", &json!({ "stage": "placed" }));
    assert_eq!((over.status, over.problem().as_str()), (409, "reservation-over"), "{over:?}");
}

#[test]
fn an_order_is_served_on_the_command_line() {
    let (node, path) = with_order(2);
    let id = path.rsplit('/').next().unwrap();
    let run = |arguments: &[&str]| order_command(&node, arguments);
    assert!(run(&["pick", id, "A=1", "--key", "pick"]).contains("is placed"));
    assert!(run(&["pick", id, "A=1", "--key", "pick"]).contains("is placed"), "a repetition changes nothing");
    assert!(run(&["ready", id]).contains("is ready"));
    let listed: Value = serde_json::from_str(&run(&["list", "--status", "ready", "--json"])).unwrap();
    assert_eq!((&listed[0]["id"], listed.as_array().unwrap().len()), (&json!(id), 1));
    assert!(run(&["list"]).contains(id));
    assert!(run(&["ship", id, "A=1", "--parcel", "parcel-1"]).contains("is partly-fulfilled"));
    assert!(run(&["hand-over", id]).contains("is shipped"));
    assert!(run(&["deliver", id, "--parcel", "parcel-1"]).contains("is completed"));
}
