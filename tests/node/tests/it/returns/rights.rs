//! Who may pay back: no more is paid back than was paid, whoever can hear whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tillmesh_examples::proxy::Proxy;

use crate::support::http::Answer;
use crate::support::shop::{goods, usd};
use crate::support::{Node, Setup, eventually};

/// A till with the broker, and a second one behind a line that can be cut.
struct Shop {
    till: Node,
    other: Node,
    line: Proxy,
}

impl Shop {
    fn open(settings: &str) -> Self {
        let till = Setup::new("till").location("shop").settings(settings).with_broker().start();
        let line = Proxy::start(till.broker()).unwrap();
        let other = Setup::new("other").location("shop").settings(settings).linked_to(line.address()).start();
        Self { till, other, line }
    }

    /// Two pieces that the first till sold for 200; both know.
    fn sold(&self, key: &str) -> String {
        let order = format!("/v1/orders/{}", self.till.sell(key, "A", 2)["id"].as_str().unwrap());
        eventually("the other till knows the order", || self.other.get(&order).status == 200);
        order
    }

    fn cut(&self) {
        self.line.cut();
        eventually("the other till has noticed", || self.other.get("/v1/node").ok()["link"]["state"] == "down");
    }

    fn mend(&self, order: &str) {
        self.line.mend();
        eventually("both know the same", || happened(&self.till, order) == happened(&self.other, order));
    }
}

/// What a node knows of an order; each lists it in the order in which it heard.
fn happened(node: &Node, order: &str) -> BTreeSet<String> {
    let order = node.get(order).ok();
    order["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

fn pay_back(node: &Node, order: &str, key: &str, amount: i64) -> Answer {
    let body = json!({ "refund": [{ "kind": "cash", "amount": usd(amount) }] });
    node.post(&format!("{order}/refunds"), key, &body)
}

fn kinds(order: &Value) -> Vec<&str> {
    order["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn of_two_tills_that_are_apart_the_one_that_sold_pays_back_and_the_other_says_who_may() {
    let shop = Shop::open("");
    let order = shop.sold("sale");
    shop.cut();
    let position = shop.other.position();
    let refused = pay_back(&shop.other, &order, "all", 200);
    assert_eq!((refused.status, refused.problem().as_str()), (409, "refund-elsewhere"));
    let problem = refused.json();
    assert_eq!(problem["holders"], json!([{ "node": "till", "available": 200, "gone": false }]));
    assert_eq!(
        (&problem["field"], &problem["value"], &problem["available"]),
        (&json!("refund"), &json!(200), &json!(0))
    );
    let back = json!({ "lines": goods("A", 1)["lines"], "refund": [{ "kind": "cash", "amount": usd(100) }] });
    assert_eq!(shop.other.post(&format!("{order}/returns"), "back", &back).problem(), "refund-elsewhere");
    assert_eq!(shop.other.position(), position, "nothing was written");
    shop.other.post(&format!("{order}/returns"), "back", &goods("A", 1)).ok();
    pay_back(&shop.till, &order, "all", 200).ok();
    shop.mend(&order);
    let refused = pay_back(&shop.other, &order, "all", 200);
    assert_eq!(refused.problem(), "invalid-field");
    assert!(refused.text().contains("0 minor units left to pay back"), "{refused:?}");
    let said = shop.other.get(&order).ok();
    assert_eq!((&said["refunded"], &said["quantities"][0]["returned"]), (&usd(200), &json!(1)));
    let items = shop.till.client().list("/v1/work-items").unwrap();
    assert!(items.iter().all(|item| item["kind"] != "over-refunded"), "{items:?}");
}

#[test]
fn a_till_that_hears_the_one_that_sold_pays_back_and_the_right_stays_with_it() {
    let shop = Shop::open("");
    let order = shop.sold("sale");
    let paid = pay_back(&shop.other, &order, "part", 150);
    assert_eq!(kinds(&paid.ok()), ["refund"]);
    eventually("both know", || shop.till.get(&order).ok()["refunded"] == usd(150));
    assert_eq!(kinds(&shop.till.get(&order).ok()), ["sale", "refund-grant", "refund"]);
    shop.cut();
    assert_eq!(pay_back(&shop.other, &order, "rest", 50).problem(), "refund-elsewhere");
    pay_back(&shop.till, &order, "rest", 50).ok();
    shop.mend(&order);
    assert_eq!(shop.other.get(&order).ok()["refunded"], usd(200));
}

#[test]
fn what_two_tills_took_back_apart_is_written_off_by_the_one_that_booked_it_in_last() {
    let shop = Shop::open("");
    shop.till.put_product("A", 100);
    let order = shop.sold("sale");
    shop.cut();
    for (node, quantity) in [(&shop.till, 2), (&shop.other, 1)] {
        node.post(&format!("{order}/returns"), "back", &goods("A", quantity)).ok();
    }
    shop.mend(&order);
    let items = shop.till.client().list("/v1/work-items").unwrap();
    let item = items.iter().find(|item| item["kind"] == "over-returned").unwrap();
    let (first, second) = (&item["choices"][0], &item["choices"][1]);
    assert_eq!((&first["choice"], &first["nodes"]), (&json!("write-off"), &json!(["other"])));
    assert_eq!(second["choice"], "accept");
    assert_eq!(shop.till.on_hand("A"), Some(1));
    let path = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    let refused = shop.till.post(&path, "elsewhere", &json!({ "choice": "write-off" }));
    assert_eq!((refused.problem().as_str(), &refused.json()["nodes"]), ("decided-elsewhere", &json!(["other"])));
    assert_eq!(
        kinds(&shop.other.post(&path, "off", &json!({ "choice": "write-off" })).ok()),
        ["resolution", "adjustment"]
    );
    for node in [&shop.till, &shop.other] {
        eventually("the books are right", || node.on_hand("A") == Some(0));
        eventually("it is decided", || node.client().list("/v1/work-items").unwrap().is_empty());
    }
}

#[test]
fn where_the_settings_say_so_both_pay_back_and_too_much_is_a_work_item() {
    let shop = Shop::open("[returns]\nrefund_apart = true\n");
    let order = shop.sold("sale");
    shop.cut();
    for node in [&shop.till, &shop.other] {
        pay_back(node, &order, "all", 200).ok();
    }
    shop.mend(&order);
    for node in [&shop.till, &shop.other] {
        let items = node.client().list("/v1/work-items").unwrap();
        let item = items.iter().find(|item| item["kind"] == "over-refunded").unwrap();
        assert_eq!(item["order"], shop.till.get(&order).ok()["id"]);
    }
}
