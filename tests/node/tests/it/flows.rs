//! The ways in which goods reach a customer, over two nodes: what either says of the order, and what the stock is.

use serde_json::{Value, json};

use crate::support::shop::goods;
use crate::support::{Node, Setup, eventually};

/// A shop with the broker, and a depot: each a location of its own, each with ten pieces.
struct Chain {
    shop: Node,
    depot: Node,
}

impl Chain {
    fn open() -> Self {
        let shop = Setup::new("shop").with_broker().start();
        let depot = Setup::new("depot").linked_to(shop.broker()).start();
        shop.put_product("A", 250);
        shop.receive("goods", "A", 10);
        depot.receive("goods", "A", 10);
        let chain = Self { shop, depot };
        chain.both("know all goods", |node| node.on_hand("A") == Some(20));
        chain.both("know the product", |node| node.get("/v1/products/A").status == 200);
        chain
    }

    fn both(&self, what: &str, holds: impl Fn(&Node) -> bool) {
        for node in [&self.shop, &self.depot] {
            eventually(&format!("{} knows: {what}", node.name()), || holds(node));
        }
    }

    /// Both say the same of an order, and that it stands there.
    fn both_say(&self, order: &str, status: &str) {
        self.both(status, |node| node.get(order).json()["status"] == status);
        eventually("both say the same of it", || self.shop.get(order).ok() == self.depot.get(order).ok());
    }

    /// What is on hand and promised at each location, as both say.
    fn both_hold(&self, shop: [i64; 2], depot: [i64; 2]) {
        let expected = [("depot", depot), ("shop", shop)].map(
            |(location, [on_hand, promised])| json!({ "location": location, "on_hand": on_hand, "promised": promised }),
        );
        self.both(&format!("{expected:?}"), |node| held(node) == expected);
    }
}

/// What a node says of each location, and that nobody may promise more than there is.
fn held(node: &Node) -> Vec<Value> {
    let stock = node.get("/v1/stock/A").ok();
    let rows = stock["by_location"].as_array().unwrap().iter().map(|row| {
        let number = |name: &str| row[name].as_i64().unwrap();
        assert!(number("promised") + number("rights") <= number("on_hand"), "{row}");
        json!({ "location": row["location"], "on_hand": row["on_hand"], "promised": row["promised"] })
    });
    rows.collect()
}

/// Promises goods of a location at a node, and gives the path of the order.
fn promise(node: &Node, location: &str, quantity: i64) -> String {
    let body =
        json!({ "location": location, "lines": goods("A", quantity)["lines"], "confirmed": true, "channel": "web" });
    format!("/v1/orders/{}", node.post("/v1/reservations", "order", &body).ok()["id"].as_str().unwrap())
}

fn stage(node: &Node, order: &str, stage: &str) {
    node.post(&format!("{order}/progress"), stage, &json!({ "stage": stage })).ok();
}

fn kinds(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn click_and_collect() {
    let chain = Chain::open();
    // The depot's node, as a web front would, promises goods of the shop.
    let order = promise(&chain.depot, "shop", 2);
    chain.both_say(&order, "placed");
    chain.both_hold([10, 2], [10, 0]);
    let listed = chain.shop.client().list("/v1/orders").unwrap();
    assert_eq!((listed.len(), &listed[0]["node"]), (1, &json!("depot")), "the shop sees what it has to do");
    for (step, status) in [("allocated", "allocated"), ("picked", "picked"), ("ready", "ready")] {
        stage(&chain.shop, &order, step);
        chain.both_say(&order, status);
    }
    let collected = json!({ "handover": "collected", "parcel": "locker-7" });
    chain.shop.post(&format!("{order}/fulfilments"), "collect", &collected).ok();
    chain.both_say(&order, "completed");
    chain.both_hold([8, 0], [10, 0]);
}

#[test]
fn ship_from_store() {
    let chain = Chain::open();
    let order = promise(&chain.shop, "shop", 3);
    chain.both_say(&order, "placed");
    stage(&chain.shop, &order, "ready");
    let shipped = json!({ "handover": "shipped", "parcel": "parcel-1" });
    chain.shop.post(&format!("{order}/fulfilments"), "ship", &shipped).ok();
    chain.both_say(&order, "shipped");
    chain.both_hold([7, 0], [10, 0]);
    // The carrier's message comes in at the other node.
    chain.depot.post(&format!("{order}/deliveries"), "arrived", &json!({ "parcel": "parcel-1" })).ok();
    chain.both_say(&order, "completed");
    let again = chain.shop.post(&format!("{order}/deliveries"), "again", &json!({}));
    assert_eq!(again.problem(), "invalid-field", "nothing is on its way any more");
}

#[test]
fn endless_aisle() {
    let chain = Chain::open();
    let order = promise(&chain.shop, "depot", 4);
    chain.both_say(&order, "placed");
    chain.both_hold([10, 0], [10, 4]);
    // What the customer is promised at the shop, the depot's own clients are not.
    let rest = json!({ "lines": goods("A", 7)["lines"] });
    assert_eq!(chain.depot.post("/v1/reservations", "too-many", &rest).problem(), "not-available");
    stage(&chain.depot, &order, "picked");
    chain.both_say(&order, "picked");
    let shipped = json!({ "handover": "shipped", "parcel": "parcel-1" });
    chain.depot.post(&format!("{order}/fulfilments"), "ship", &shipped).ok();
    chain.both_say(&order, "shipped");
    chain.depot.post(&format!("{order}/deliveries"), "arrived", &json!({})).ok();
    chain.both_say(&order, "completed");
    chain.both_hold([10, 0], [6, 0]);
}

#[test]
fn an_order_is_fulfilled_in_parts_from_two_locations() {
    let chain = Chain::open();
    let order = promise(&chain.shop, "shop", 5);
    chain.both_say(&order, "placed");
    let path = format!("{order}/fulfilments");
    let part = |location: &str, quantity: i64, handover: &str| {
        let lines = goods("A", quantity)["lines"].clone();
        json!({ "location": location, "lines": lines, "handover": handover, "parcel": location })
    };
    let here = chain.shop.post(&path, "here", &part("shop", 3, "collected")).ok();
    assert_eq!(kinds(&here), ["fulfilment"]);
    chain.both_say(&order, "partly-fulfilled");
    chain.both_hold([7, 2], [10, 0]);
    let many = chain.depot.post(&path, "many", &part("depot", 3, "shipped"));
    assert_eq!((many.problem().as_str(), &many.json()["left"]), ("more-than-ordered", &json!(2)));
    let there = chain.depot.post(&path, "there", &part("depot", 2, "shipped")).ok();
    assert_eq!(kinds(&there), ["fulfilment", "transfer-out", "transfer-in"]);
    assert_eq!(there["events"][0]["other_location"], "depot");
    assert_eq!(chain.depot.post(&path, "there", &part("depot", 2, "shipped")).ok(), there, "once, under one key");
    chain.both_say(&order, "shipped");
    chain.both_hold([7, 0], [8, 0]);
    chain.shop.post(&format!("{order}/deliveries"), "arrived", &json!({ "parcel": "depot" })).ok();
    chain.both_say(&order, "completed");
    // The two that the depot sent in the shop's place stay on the shop's floor: the rights to them were spent.
    let shop = chain.shop.get("/v1/stock/A").ok()["by_location"][1].clone();
    assert_eq!((&shop["location"], &shop["rights"], &shop["floor"]), (&json!("shop"), &json!(5), &json!(2)));
    let page = chain.shop.get("/v1/work-items").ok();
    assert_eq!(page["items"], json!([]), "nothing is left for a person to decide");
}

#[test]
fn goods_that_the_other_location_does_not_have_do_not_leave_it() {
    let chain = Chain::open();
    let order = promise(&chain.shop, "shop", 10);
    promise(&chain.depot, "depot", 8);
    chain.both_hold([10, 10], [10, 8]);
    let part = json!({ "location": "depot", "lines": goods("A", 3)["lines"] });
    let refused = chain.depot.post(&format!("{order}/fulfilments"), "part", &part);
    assert_eq!((refused.problem().as_str(), &refused.json()["available"]), ("insufficient-stock", &json!(2)));
    chain.both_hold([10, 10], [10, 8]);
}
