//! As-of questions: what stock, orders and carts were, by what is known now and as a node knew it then.

use serde_json::{Value, json};

use crate::support::{Node, Setup, eventually, stdout, tillmesh};

fn stock(node: &Node, sku: &str, question: &str) -> Value {
    node.get(&format!("/v1/stock/{sku}?{question}")).ok()
}

fn on_hand(node: &Node, sku: &str, question: &str) -> i64 {
    stock(node, sku, question)["on_hand"].as_i64().unwrap()
}

fn event_of(order: &Value) -> String {
    order["events"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn stock_is_told_as_of_a_time_and_as_of_an_event() {
    let node = Setup::new("till").start();
    node.receive("goods", "A", 10);
    let first = event_of(&node.sell("first", "A", 1));
    let second = node.sell("second", "A", 2);
    let counted = json!({ "lines": [{ "sku": "A", "quantity": 5 }] });
    node.post("/v1/stock/counts", "count", &counted).ok();
    let time = second["recorded_at"].as_str().unwrap().to_owned();
    for known in ["now", "then"] {
        assert_eq!(on_hand(&node, "A", &format!("as_of={first}&known={known}")), 9);
        assert_eq!(on_hand(&node, "A", &format!("as_of={}&known={known}", event_of(&second))), 7);
    }
    assert_eq!(on_hand(&node, "A", &format!("as_of={time}")), 7);
    assert_eq!(on_hand(&node, "A", "as_of=2020-01-01T00:00:00Z"), 0);
    assert_eq!(on_hand(&node, "A", "as_of=2100-01-01T00:00:00Z"), 5);
    assert_eq!(on_hand(&node, "A", ""), 5);
    let shown = tillmesh(&["stock", "A", "--as-of", &first, "--known-then", "--json", "--url", &node.url()]);
    assert_eq!(serde_json::from_str::<Value>(&stdout(&shown)).unwrap()["on_hand"], 9);
}

#[test]
fn what_was_sold_elsewhere_and_heard_late_is_in_what_is_known_now_and_not_in_what_was_known_then() {
    let mut till = Setup::new("till").location("shop").with_broker().start();
    let kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    till.receive("goods", "A", 10);
    eventually("the kiosk has heard of it", || kiosk.on_hand("A") == Some(10));
    till.terminate();
    let apart = kiosk.sell("apart", "A", 4);
    till.restart();
    // The order of what the till hears decides, not its clock: it sells after it has heard.
    eventually("the till has heard of it", || till.on_hand("A") == Some(6));
    let event = event_of(&apart);
    let goods = till.get("/v1/stock/A?explain").ok()["by_location"][0]["explanation"]["events"].clone();
    let receipt = goods.as_array().unwrap().iter().find(|event| event["kind"] == "receipt").unwrap();
    let when = apart["recorded_at"].as_str().unwrap();
    assert_eq!(on_hand(&till, "A", &format!("as_of={when}&known=now")), 6);
    assert_eq!(on_hand(&till, "A", &format!("as_of={when}&known=then")), 10);
    assert_eq!(on_hand(&till, "A", &format!("as_of={}&known=then", receipt["id"].as_str().unwrap())), 10);
    assert_eq!(on_hand(&till, "A", &format!("as_of={event}&known=then")), 6);
}

#[test]
fn an_order_and_a_cart_are_told_as_they_were() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    node.receive("goods", "A", 10);
    let cart = node.cart_of("cart", "A", 2);
    let mark = event_of(&node.sell("mark", "A", 1));
    node.post(&format!("/v1/carts/{cart}/lines"), "more", &json!({ "sku": "A", "quantity": 3 })).ok();
    let order = node.post(&format!("/v1/carts/{cart}:checkout"), "pay", &json!({ "kind": "physical" })).ok();
    let id = order["id"].as_str().unwrap();
    let back = json!({ "lines": [{ "sku": "A", "quantity": 5, "restock": true }] });
    node.post(&format!("/v1/orders/{id}/returns"), "back", &back).ok();
    assert_eq!(node.get(&format!("/v1/orders/{id}")).ok()["status"], "returned");
    assert_eq!(node.get(&format!("/v1/orders/{id}?as_of={id}&known=then")).ok()["status"], "completed");
    node.get(&format!("/v1/orders/{id}?as_of={mark}")).refused(404);

    let then = node.get(&format!("/v1/carts/{cart}?as_of={mark}")).ok();
    assert_eq!(
        (&then["state"], &then["lines"][0]["quantity"], then["lines"].as_array().unwrap().len()),
        (&json!("open"), &json!(2), 1)
    );
    assert_eq!(node.get(&format!("/v1/carts/{cart}")).ok()["state"], "checked-out");
    node.get(&format!("/v1/carts/{cart}?as_of=2020-01-01T00:00:00Z")).refused(404);
}

#[test]
fn questions_that_nobody_can_answer_name_what_is_wrong() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    let cart = node.cart_of("cart", "A", 2);
    let unknown = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (path, field) in [
        ("/v1/stock/A?as_of=yesterday".to_owned(), "as_of"),
        (format!("/v1/stock/A?as_of={unknown}"), "as_of"),
        ("/v1/stock/A?known=then".to_owned(), "known"),
        ("/v1/stock/A?as_of=2020-01-01T00:00:00Z&known=maybe".to_owned(), "known"),
        ("/v1/stock/A?as_of=2020-01-01T00:00:00Z&explain".to_owned(), "explain"),
        (format!("/v1/carts/{cart}?as_of=2020-01-01T00:00:00Z&known=now"), "known"),
    ] {
        let problem = node.get(&path).refused(400);
        assert_eq!((&problem["type"], &problem["field"]), (&json!("/problems/invalid-parameter"), &json!(field)));
    }
}
