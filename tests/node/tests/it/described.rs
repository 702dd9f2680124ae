//! Answers that no reader of the API's description can take apart by itself, line by line: what it says of them holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::idempotency::write_everything;
use crate::support::schema::Description;
use crate::support::shop::usd;
use crate::support::stream::Stream;
use crate::support::{Node, Setup};

fn description(node: &Node) -> Description {
    Description::new(node.get("/openapi.json").ok())
}

#[test]
fn each_event_of_the_change_stream_is_as_described() {
    let node = Setup::new("till").start();
    let description = description(&node);
    let schema = description.answer("/v1/events", "get", "200", "text/event-stream");
    let mut stream = Stream::after(&node, "0.0.0");
    write_everything(&node);
    promise_everything(&node);
    let mark = node.sell("mark", "A", 1);
    let mut kinds = BTreeSet::new();
    loop {
        let event = stream.next().expect("the mark comes");
        description.check(schema, &event.data).unwrap_or_else(|error| panic!("{}: {error}", event.kind));
        // A business event says itself what it is.
        let kind = event.data.get("kind").and_then(Value::as_str);
        assert_eq!(kind.is_none(), ["cart", "catalogue"].contains(&event.kind.as_str()), "{event:?}");
        assert!(kind.is_none_or(|kind| kind == event.kind), "{event:?}");
        kinds.insert(event.kind);
        if event.data["id"] == mark["id"] {
            break;
        }
    }
    let goods = ["adjustment", "count", "receipt", "refund", "return", "sale", "transfer-in", "transfer-out", "burn"];
    let promises = ["promise", "confirmation", "release", "progress", "fulfilment", "delivery"];
    let business = goods.into_iter().chain(promises).chain(["return-authorisation", "disposition"]);
    let business = business.chain(["cash-movement", "day-close", "issue", "redemption"]);
    assert_eq!(kinds, business.chain(["cart", "catalogue"]).map(str::to_owned).collect());
}

/// A promise that is confirmed in part, picked, shipped and delivered.
fn promise_everything(node: &Node) {
    node.receive("for-promises", "A", 9);
    let kept = json!({ "lines": [{ "sku": "A", "quantity": 2 }] });
    let kept = node.post("/v1/reservations", "kept", &kept).ok();
    let id = kept["id"].as_str().unwrap();
    let part = json!({ "lines": [{ "sku": "A", "quantity": 1 }] });
    node.post(&format!("/v1/reservations/{id}:confirm"), "confirm", &part).ok();
    node.post(&format!("/v1/orders/{id}/progress"), "pick", &json!({ "stage": "picked" })).ok();
    node.post(&format!("/v1/orders/{id}/fulfilments"), "ship", &json!({ "handover": "shipped" })).ok();
    node.post(&format!("/v1/orders/{id}/deliveries"), "deliver", &json!({})).ok();
}

#[test]
fn each_answer_to_a_line_of_an_import_is_as_described() {
    let node = Setup::new("till").start();
    let line = |quantity: i64| json!({ "sku": "A", "quantity": quantity });
    let record = |key: &str, kind: &str, line: Value| json!({ "idempotency_key": key, "kind": kind, "lines": [line] });
    let lost = json!({ "idempotency_key": "lost", "kind": "adjustment", "reason": "lost", "lines": [line(-1)] });
    let sales = [
        record("sale", "sale", json!({ "sku": "A", "quantity": 1, "amount": usd(100) })).to_string(),
        record("sale", "sale", json!({ "sku": "A", "quantity": 1, "amount": usd(100) })).to_string(),
        record("sale", "sale", line(2)).to_string(),
        record("back", "return", line(1)).to_string(),
        record("receipt", "receipt", line(5)).to_string(),
        lost.to_string(),
        record("gift", "gift", line(1)).to_string(),
        record("few", "sale", line(-1)).to_string(),
        json!({ "lines": [] }).to_string(),
        "{\"idempotency_key\": ".to_owned(),
        "x".repeat(300 * 1024),
    ];
    let statuses = [201, 201, 422, 201, 201, 201, 422, 422, 400, 400, 413];
    check_import(&node, "/v1/sales:import", &sales, &statuses);
    let products = [
        json!({ "sku": "A", "name": "A", "price": usd(250) }).to_string(),
        json!({ "sku": "B", "name": "B", "price": usd(-1) }).to_string(),
        json!({ "sku": "C", "name": "C", "colour": "red" }).to_string(),
        "{".to_owned(),
    ];
    check_import(&node, "/v1/products:import", &products, &[200, 422, 422, 400]);
}

fn check_import(node: &Node, path: &str, lines: &[String], statuses: &[u64]) {
    let media = "application/x-ndjson";
    let description = description(node);
    let schema = description.answer(path, "post", "200", media);
    let answer = node.request("POST", path).header("Content-Type", media).body(lines.join("\n").as_bytes()).send();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)));
    let answers: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for answer in &answers {
        description.check(schema, answer).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let said: Vec<u64> = answers.iter().filter_map(|answer| answer["status"].as_u64()).collect();
    assert_eq!(said, statuses, "{answers:?}");
}

#[test]
fn an_answer_that_is_not_as_described_is_found() {
    let node = Setup::new("till").start();
    let description = description(&node);
    let stream = description.answer("/v1/events", "get", "200", "text/event-stream");
    let import = description.answer("/v1/products:import", "post", "200", "application/x-ndjson");
    let fits = |schema: &Value, value: Value| description.check(schema, &value).is_ok();
    assert!(fits(stream, json!({ "products": ["A"], "promotions": [] })));
    assert!(!fits(stream, json!({ "products": ["A"] })), "a member is missing");
    assert!(!fits(stream, json!({ "products": ["A"], "promotions": [], "more": 1 })), "nobody described it");
    assert!(!fits(stream, json!({ "products": "A", "promotions": [] })), "it is of another type");
    assert!(fits(import, json!({ "line": 1, "status": 200, "sku": "A" })));
    assert!(!fits(import, json!({ "line": 1, "status": 201, "sku": "A" })), "it is out of range");
    assert!(!fits(import, json!({ "line": -1, "status": 200, "sku": "A" })), "it is out of range");
    assert!(!fits(import, json!([])), "it is none of what it can be");
    let money = json!({ "$ref": "#/components/schemas/Money" });
    assert!(fits(&money, usd(1)));
    assert!(!fits(&money, json!({ "amount": 1, "currency": "XXX" })), "it is not listed");
    assert!(!fits(&json!({ "$ref": "#/components/schemas/Nothing" }), json!(1)), "nothing describes it");
    assert!(!fits(&json!({ "not": {} }), json!(1)), "a rule that nobody knows is no rule that holds");
}
