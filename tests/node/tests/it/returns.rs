//! Goods that come back, and the money paid back for them: both or neither.

mod rights;
mod steps;

use std::thread;

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::shop::usd;
use crate::support::{Node, Setup, stdout, tillmesh};

/// One unit that comes back for a sum of money.
fn one_back_for(amount: i64) -> Value {
    json!({ "lines": [{ "sku": "A", "quantity": 1 }], "refund": [{ "kind": "cash", "amount": usd(amount) }] })
}

/// Sells units of `A` at 100 each, and gives the path of the order.
fn order_of(node: &Node, quantity: i64) -> String {
    format!("/v1/orders/{}", node.sell("sale", "A", quantity)["id"].as_str().unwrap())
}

#[track_caller]
fn is_refused(answer: &Answer) -> String {
    assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid-field"));
    answer.text()
}

/// What came back of the order's one SKU, and what was paid back for it.
fn came_back(node: &Node, order: &str) -> (Value, Value) {
    let order = node.get(order).ok();
    (order["quantities"][0]["returned"].clone(), order["refunded"]["amount"].clone())
}

#[test]
fn a_return_whose_refund_is_more_than_is_left_takes_nothing_back() {
    let mut node = Setup::new("till").start();
    let order = order_of(&node, 2);
    let path = format!("{order}/returns");
    let first = node.post(&path, "first", &one_back_for(150));
    let kinds: Vec<_> = first.ok()["events"].as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, ["return", "refund"]);
    let position = node.position();
    let refusal = is_refused(&node.post(&path, "second", &one_back_for(51)));
    assert!(refusal.contains("refund is 51") && refusal.contains("50 minor units left to pay back"), "{refusal}");
    let negative = is_refused(&node.post(&path, "second", &one_back_for(-1)));
    assert!(negative.contains("refund[0].amount.amount is -1"), "{negative}");
    for _ in 0..2 {
        let again = node.post(&path, "first", &one_back_for(150));
        assert_eq!((again.status, again.json()), (first.status, first.json()));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        assert_eq!((node.position(), node.on_hand("A")), (position, Some(-1)));
        assert_eq!(came_back(&node, &order), (json!(1), json!(150)));
        node.kill();
        node.restart();
    }
    node.post(&path, "second", &one_back_for(50)).ok();
    assert_eq!(came_back(&node, &order), (json!(2), json!(200)));
}

#[test]
fn of_returns_that_arrive_at_once_those_that_are_refused_take_nothing_back() {
    const RETURNS: i64 = 8;
    let node = Setup::new("till").start();
    let order = order_of(&node, RETURNS);
    let path = format!("{order}/returns");
    // The order's 800 hold 300 twice.
    let answers: Vec<Answer> = thread::scope(|scope| {
        let post = |number| node.request("POST", &path).key(&format!("return-{number}")).json(&one_back_for(300));
        let threads: Vec<_> = (0..RETURNS).map(post).map(|request| scope.spawn(|| request.send())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(taken.len(), 2, "{answers:?}");
    for answer in refused {
        assert!(is_refused(answer).contains("200 minor units left to pay back"), "{answer:?}");
    }
    assert_eq!(came_back(&node, &order), (json!(2), json!(600)));
    assert_eq!(node.on_hand("A"), Some(2 - RETURNS));
}

#[test]
fn goods_come_back_now_and_are_paid_back_later_up_to_what_is_left() {
    let mut node = Setup::new("till").start();
    let order = order_of(&node, 2);
    let back = json!({ "lines": [{ "sku": "A", "quantity": 1 }] });
    node.post(&format!("{order}/returns"), "back", &back).ok();
    let path = format!("{order}/refunds");
    let refund = |amount: i64| json!({ "refund": [{ "kind": "cash", "amount": usd(amount) }] });
    let paid = node.post(&path, "refund", &refund(150)).ok();
    assert_eq!(paid["events"][0]["kind"], "refund");
    let position = node.position();
    assert!(is_refused(&node.post(&path, "more", &refund(51))).contains("50 minor units left to pay back"));
    node.kill();
    node.restart();
    assert_eq!(node.post(&path, "refund", &refund(150)).ok(), paid, "the same key pays back once");
    assert_eq!((node.position(), came_back(&node, &order)), (position, (json!(1), json!(150))));
    node.post(&path, "more", &refund(50)).ok();
    assert_eq!(came_back(&node, &order), (json!(1), json!(200)));
}

#[test]
fn a_reservation_is_paid_back_once_it_was_confirmed_and_onto_no_gift_card() {
    let node = Setup::new("till").start();
    node.put_product("A", 102);
    node.receive("goods", "A", 1);
    let reservation = json!({ "lines": [{ "sku": "A", "quantity": 1 }], "ttl_seconds": 600 });
    let id = node.post("/v1/reservations", "reserve", &reservation).ok()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/orders/{id}/refunds");
    let cash = json!({ "refund": [{ "kind": "cash", "amount": usd(102) }] });
    let refused = is_refused(&node.post(&path, "early", &cash));
    assert!(refused.contains(&id) && refused.contains("it was not confirmed"), "{refused}");
    node.post(&format!("/v1/reservations/{id}:confirm"), "confirm", &json!({})).ok();
    let card = node.post("/v1/vouchers", "card", &json!({ "kind": "gift-card", "amount": usd(500) })).ok();
    let onto = json!({ "refund": [{ "kind": "gift-card", "amount": usd(102), "reference": card["code"] }] });
    let refused = is_refused(&node.post(&path, "onto-card", &onto));
    assert!(refused.contains("refund[0].kind") && refused.contains("no payment"), "{refused}");
    node.post(&path, "cash", &cash).ok();
    let day = node.get("/v1/node").ok()["business_date"].as_str().unwrap().to_owned();
    let money = node.get(&format!("/v1/days/{day}/report")).ok()["totals"]["money"][0].clone();
    let sums = ["sold", "refunded", "promises_paid", "untendered", "promises_refunded"].map(|name| money[name].clone());
    assert_eq!((sums, &money["cash"]["expected"]), ([usd(0), usd(0), usd(102), usd(102), usd(102)], &usd(-102)));
    let shown = tillmesh(&["day", "report", "--url", &node.url()]);
    let shown = stdout(&shown);
    let line = |label: &str| shown.lines().find(|line| line.starts_with(label)).map(|line| line.contains("1.02"));
    let lines = ["Paid for promises", "Paid back of promises", "  without a tender"].map(line);
    assert_eq!(lines, [Some(true); 3], "{shown}");
}
