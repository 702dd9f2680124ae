//! Idempotency keys: one key, one request, one answer.

use serde_json::{Value, json};

use crate::support::http::{Answer, Request};
use crate::support::shop::{goods, sale_of, usd};
use crate::support::{Node, Setup};

/// A write that was done, and what it was answered.
pub struct Written {
    method: &'static str,
    path: String,
    key: String,
    body: Option<Value>,
    answer: Answer,
}

/// Writes under keys that count up.
struct Writer<'a> {
    node: &'a Node,
    done: Vec<Written>,
}

impl Writer<'_> {
    fn write(&mut self, method: &'static str, path: &str, body: Option<Value>) -> Value {
        let key = format!("write-{}", self.done.len());
        let answer = request(self.node, method, path, &key, body.as_ref()).send();
        let value = answer.ok();
        assert_ne!(answer.header("idempotency-replayed"), Some("true"), "{method} {path}");
        self.done.push(Written { method, path: path.to_owned(), key, body, answer });
        value
    }

    fn post(&mut self, path: &str, body: Value) -> Value {
        self.write("POST", path, Some(body))
    }
}

fn request(node: &Node, method: &str, path: &str, key: &str, body: Option<&Value>) -> Request {
    let request = node.request(method, path).key(key);
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

/// Every write of the API.
pub fn write_everything(node: &Node) -> Vec<Written> {
    let mut writer = Writer { node, done: Vec::new() };
    writer.write("PUT", "/v1/products/A", Some(json!({ "name": "A", "price": usd(250) })));
    let promotion = json!({ "kind": { "type": "percentage", "basis_points": 1000 } });
    writer.write("PUT", "/v1/promotions/ten", Some(promotion));
    writer.post("/v1/stock/receipts", goods("A", 20));
    writer.post("/v1/stock/transfers", json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 2 }] }));
    writer.post("/v1/stock/counts", goods("A", 17));
    let lost = json!({ "lines": [{ "sku": "A", "quantity": -1 }], "reason": "lost" });
    writer.post("/v1/stock/adjustments", lost);
    writer.post("/v1/returns", goods("A", 1));
    let order = writer.post("/v1/sales", sale_of("A", 3))["id"].as_str().unwrap().to_owned();
    let refund =
        json!({ "lines": [{ "sku": "A", "quantity": 1 }], "refund": [{ "kind": "cash", "amount": usd(100) }] });
    writer.post(&format!("/v1/orders/{order}/returns"), refund);
    let given = writer.post(&format!("/v1/orders/{order}/return-authorisations"), json!({}))["events"][0]["id"].clone();
    let aside = json!({ "lines": [{ "sku": "A", "quantity": 1, "undecided": true }], "authorisation": given });
    let back = writer.post(&format!("/v1/orders/{order}/returns"), aside)["events"][0]["id"].clone();
    let decision = json!({ "lines": [{ "sku": "A", "quantity": 1, "restock": true }] });
    writer.post(&format!("/v1/returns/{}/dispositions", back.as_str().unwrap()), decision);
    writer.post(&format!("/v1/orders/{order}/refunds"), json!({ "refund": [{ "kind": "cash", "amount": usd(100) }] }));
    let cart = writer.post("/v1/carts", json!({ "customer_ref": "customer-7" }))["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/carts/{cart}");
    writer.post(&format!("{path}/lines"), json!({ "sku": "A", "quantity": 1 }));
    writer.write("PATCH", &format!("{path}/lines/A"), Some(json!({ "quantity": 2 })));
    writer.write("DELETE", &format!("{path}/lines/A"), None);
    writer.post(&format!("{path}/lines"), json!({ "sku": "A", "quantity": 4 }));
    writer.post(&format!("{path}/coupons"), json!({ "code": "SPRING" }));
    writer.write("DELETE", &format!("{path}/coupons/SPRING"), None);
    writer.post(&format!("{path}:checkout"), json!({ "kind": "physical" }));
    writer.post("/v1/vouchers", json!({ "kind": "gift-card", "amount": usd(500) }));
    writer.post("/v1/vouchers", json!({ "kind": "gift-card", "amount": usd(500), "code": "5000-6000-7000-8000" }));
    let card = json!({ "kind": "gift-card", "amount": usd(100), "reference": "5000600070008000" });
    let line = json!({ "sku": "A", "quantity": 1, "amount": usd(100) });
    writer.post("/v1/sales", json!({ "lines": [line], "tenders": [card] }));
    writer.post("/v1/cash/movements", json!({ "kind": "float", "amount": usd(100) }));
    let day = node.get("/v1/node").ok()["business_date"].as_str().unwrap().to_owned();
    writer.post(&format!("/v1/days/{day}:close"), json!({ "counted": usd(100) }));
    writer.done
}

/// Sends everything again and compares the answers.
fn repeat(node: &Node, written: &[Written], when: &str) {
    for Written { method, path, key, body, answer } in written {
        let again = request(node, method, path, key, body.as_ref()).send();
        assert_eq!((again.status, again.json()), (answer.status, answer.json()), "{method} {path} {when}");
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{method} {path} {when}");
    }
}

#[test]
fn the_same_key_gives_the_same_answer_at_once_after_a_restart_and_after_a_crash() {
    let mut node = Setup::new("till").start();
    let written = write_everything(&node);
    let (position, state) = (node.position(), node.state());
    repeat(&node, &written, "at once");
    node.terminate();
    node.restart();
    repeat(&node, &written, "after a restart");
    node.kill();
    node.restart();
    repeat(&node, &written, "after a crash");
    assert_eq!((node.position(), node.state()), (position, state), "repetitions change nothing");
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    let mut node = Setup::new("till").start();
    let written = write_everything(&node);
    let position = node.position();
    for round in 0..2 {
        for Written { method, path, key, body, .. } in &written {
            let mut other = body.clone().unwrap_or_else(|| json!({ "quantity": 1 }));
            let method = if body.is_some() { method } else { "PATCH" };
            // A coupon cannot be patched.
            let path = path.replace("/coupons/SPRING", "/lines/A");
            change(&mut other);
            let answer = request(&node, method, &path, key, Some(&other)).send();
            assert_eq!((answer.status, answer.problem().as_str()), (422, "idempotency-key-reused"), "{method} {path}");
        }
        assert_eq!(node.position(), position, "round {round}");
        node.kill();
        node.restart();
    }
}

/// Makes another request of a body that is as valid.
fn change(body: &mut Value) {
    let body = body.as_object_mut().unwrap();
    if body.contains_key("name") {
        body.insert("name".to_owned(), json!("another name"));
    } else if body.get("kind").is_some_and(Value::is_object) {
        body.insert("priority".to_owned(), json!(7));
    } else if body.contains_key("code") {
        body.insert("code".to_owned(), json!("AUTUMN"));
    } else if body.contains_key("customer_ref") {
        body.insert("customer_ref".to_owned(), json!("customer-8"));
    } else {
        body.insert("clerk".to_owned(), json!("clerk-12"));
    }
}

#[test]
fn a_key_stands_for_one_request_whatever_its_address() {
    let node = Setup::new("till").start();
    node.receive("key", "A", 5);
    for (path, body) in [("/v1/returns", goods("A", 5)), ("/v1/carts", json!({})), ("/v1/sales", sale_of("A", 1))] {
        let answer = node.post(path, "key", &body);
        assert_eq!((answer.status, answer.problem().as_str()), (422, "idempotency-key-reused"), "{path}");
    }
    node.put_product("A", 250);
    let cart = node.cart_of("cart", "A", 1);
    assert_eq!(node.post("/v1/sales", "cart", &sale_of("A", 1)).problem(), "idempotency-key-reused");
    assert_eq!(node.get(&format!("/v1/carts/{cart}")).status, 200);
    assert_eq!(node.on_hand("A"), Some(5));
}

#[test]
fn a_refusal_does_not_use_up_the_key() {
    let mut node = Setup::new("till").start();
    let refused =
        node.post("/v1/stock/transfers", "key", &json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 1 }] }));
    assert_eq!(refused.problem(), "insufficient-stock");
    assert_eq!(node.post("/v1/sales", "key", &goods("A", -1)).problem(), "invalid-field");
    node.kill();
    node.restart();
    assert_eq!(node.sell("key", "A", 1)["status"], "completed");
    assert_eq!(node.post("/v1/sales", "key", &goods("A", 2)).problem(), "idempotency-key-reused");
}

#[test]
fn a_write_without_a_key_is_done_as_often_as_it_is_sent() {
    let node = Setup::new("till").start();
    let product = json!({ "name": "A", "price": usd(250) });
    let writes = [
        ("PUT", "/v1/products/A", &product),
        ("POST", "/v1/stock/receipts", &goods("A", 5)),
        ("POST", "/v1/carts", &json!({})),
        ("POST", "/v1/sales", &sale_of("A", 1)),
    ];
    for (method, path, body) in writes {
        let answers = [(); 3].map(|()| node.request(method, path).json(body).send());
        for answer in &answers {
            answer.ok();
            assert_eq!(answer.header("idempotency-replayed"), Some("false"), "{method} {path}");
        }
    }
    assert_eq!(node.on_hand("A"), Some(3 * 5 - 3));
    assert_eq!(node.client().list("/v1/carts").unwrap().len(), 3);
    // To put something again is to put the same.
    assert_eq!(node.client().list("/v1/products").unwrap().len(), 1);
}

#[test]
fn goods_of_one_delivery_note_are_booked_in_once_whatever_the_key() {
    let node = Setup::new("till").start();
    let delivery = |sku: &str| json!({ "reference": "note-7", "lines": goods(sku, 5)["lines"] });
    let first = node.post("/v1/stock/receipts", "first", &delivery("A")).ok();
    let again = node.post("/v1/stock/receipts", "again", &delivery("A"));
    assert_eq!((again.status, again.problem().as_str()), (409, "already-received"), "{again:?}");
    assert_eq!(again.json()["event"], first["events"][0]["id"]);
    let detail = again.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("give it the number of its own delivery note or dispatch advice"), "{detail}");
    node.post("/v1/stock/receipts", "other-goods", &delivery("B")).ok();
    let next = json!({ "reference": "note-8", "lines": goods("A", 5)["lines"] });
    node.post("/v1/stock/receipts", "next-delivery", &next).ok();
    assert_eq!((node.on_hand("A"), node.on_hand("B")), (Some(10), Some(5)));
}
