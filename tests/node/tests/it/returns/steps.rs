//! A return in steps over two nodes of one shop: what either says of it after each step, and what the stock is.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::shop::{goods, usd};
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// The till that takes goods back, with the broker, and the back office.
struct Shop {
    till: Node,
    office: Node,
}

impl Shop {
    /// Ten pieces, of which four were sold.
    fn open() -> (Self, String) {
        let till = Setup::new("till").location("shop").with_broker().start();
        let office = Setup::new("office").location("shop").linked_to(till.broker()).start();
        till.receive("goods", "A", 10);
        let order = format!("/v1/orders/{}", till.sell("sale", "A", 4)["id"].as_str().unwrap());
        let shop = Self { till, office };
        shop.both_say("sold", &order, &json!([]), [0, 0], 6);
        (shop, order)
    }

    /// Both say what authorisations have open, what came back and is undecided, and how much is on hand.
    #[track_caller]
    fn both_say(&self, what: &str, order: &str, open: &Value, [returned, undecided]: [i64; 2], on_hand: i64) {
        for node in [&self.till, &self.office] {
            eventually(&format!("{}: {what}", node.name()), || {
                let said = node.get(order);
                if said.status != 200 {
                    return false;
                }
                let said = said.ok();
                let of = &said["quantities"][0];
                opened(&said) == *open
                    && (&of["returned"], &of["undecided"]) == (&json!(returned), &json!(undecided))
                    && node.on_hand("A") == Some(on_hand)
            });
        }
        eventually("both say the same", || self.till.get(order).ok() == self.office.get(order).ok());
    }
}

/// What each authorisation of an order has open.
fn opened(order: &Value) -> Value {
    let given = order["return_authorisations"].as_array().unwrap().iter();
    given.map(|given| given["lines"][0]["open"].clone()).collect()
}

fn id_of(answer: &Value) -> String {
    answer["events"][0]["id"].as_str().unwrap().to_owned()
}

fn kept_aside(quantity: i64) -> Value {
    json!([{ "sku": "A", "quantity": quantity, "undecided": true }])
}

fn decision(quantity: i64, restock: bool) -> Value {
    json!({ "sku": "A", "quantity": quantity, "restock": restock })
}

fn in_hours(hours: u64) -> String {
    jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(hours * 3_600)).unwrap().to_string()
}

#[test]
fn a_return_is_authorised_taken_in_decided_on_and_paid_back_each_by_itself() {
    let (mut shop, order) = Shop::open();
    let authorise = json!({ "lines": goods("A", 3)["lines"], "until": in_hours(24), "reference": "RMA-1" });
    let given = id_of(&shop.office.post(&format!("{order}/return-authorisations"), "authorise", &authorise).ok());
    shop.both_say("authorised", &order, &json!([3]), [0, 0], 6);

    let back = json!({ "authorisation": given, "lines": kept_aside(2) });
    let returned = shop.till.post(&format!("{order}/returns"), "back", &back).ok();
    let line = &returned["events"][0]["lines"][0];
    assert_eq!((&line["undecided"], &line["restock"]), (&json!(true), &Value::Null));
    shop.both_say("back, not in the stock", &order, &json!([1]), [2, 2], 6);

    let path = format!("/v1/returns/{}", id_of(&returned));
    let half = json!({ "lines": [decision(1, true), decision(1, false)], "reference": "inspection-1" });
    let elsewhere = shop.office.post(&format!("{path}/dispositions"), "decide", &half);
    assert_eq!((elsewhere.status, elsewhere.problem().as_str()), (409, "return-elsewhere"));
    assert_eq!(elsewhere.json()["owner"], "till");
    let decided = shop.till.post(&format!("{path}/dispositions"), "decide", &half).ok();
    assert_eq!(decided["events"][0]["kind"], "disposition");
    shop.both_say("decided", &order, &json!([1]), [2, 0], 7);

    let refund = json!({ "refund": [{ "kind": "cash", "amount": usd(200) }] });
    shop.till.post(&format!("{order}/refunds"), "refund", &refund).ok();
    shop.till.kill();
    shop.till.restart();
    shop.both_say("after a crash", &order, &json!([1]), [2, 0], 7);
    eventually("the office knows of the refund", || shop.office.get(&order).ok()["refunded"] == usd(200));
    let again = shop.till.post(&format!("{path}/dispositions"), "decide", &half);
    assert_eq!((again.ok(), again.header("idempotency-replayed")), (decided, Some("true")));
    for node in [&shop.till, &shop.office] {
        let returned = node.get(&path).ok();
        assert_eq!((&returned["undecided"], &returned["node"]), (&json!([]), &json!("till")));
        assert_eq!(returned["events"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn goods_that_came_back_without_their_order_are_decided_on_later() {
    let node = Setup::new("till").start();
    node.receive("goods", "A", 1);
    let back = node.post("/v1/returns", "back", &json!({ "lines": kept_aside(2) })).ok();
    assert_eq!(node.on_hand("A"), Some(1));
    let path = format!("/v1/returns/{}", id_of(&back));
    assert_eq!(node.get(&path).ok()["undecided"], json!([{ "sku": "A", "quantity": 2 }]));
    let decide = |quantity: i64| json!({ "lines": [decision(quantity, true)] });
    node.post(&format!("{path}/dispositions"), "one", &decide(1)).ok();
    let refused = node.post(&format!("{path}/dispositions"), "two", &decide(2));
    assert_eq!((refused.problem().as_str(), &refused.json()["left"]), ("more-than-undecided", &json!(1)));
    assert_eq!(node.on_hand("A"), Some(2));
}

#[test]
fn nothing_comes_back_by_an_authorisation_that_is_over() {
    let node = Setup::new("till").start();
    let order = format!("/v1/orders/{}", node.sell("sale", "A", 1)["id"].as_str().unwrap());
    let authorise = json!({ "until": in_hours(1) });
    let given = id_of(&node.post(&format!("{order}/return-authorisations"), "authorise", &authorise).ok());
    let late = json!({ "authorisation": given, "lines": kept_aside(1), "returned_at": in_hours(2) });
    let refused = node.post(&format!("{order}/returns"), "late", &late);
    assert_eq!((refused.status, refused.problem().as_str()), (409, "authorisation-over"));
    let problem = refused.json();
    assert_eq!((&problem["field"], &problem["value"]), (&json!("authorisation"), &json!(given)));
    node.post(&format!("{order}/returns"), "late", &json!({ "lines": goods("A", 1)["lines"] })).ok();
}

#[test]
fn the_command_line_takes_the_same_steps() {
    let node = Setup::new("till").start();
    let sold = node.sell("sale", "A", 3);
    let order = sold["id"].as_str().unwrap();
    let run = |arguments: &[&str]| {
        let output = tillmesh(&[&["order"], arguments, &["--url", &node.url()]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let json =
        |arguments: &[&str]| -> Value { serde_json::from_str(&run(&[arguments, &["--json"]].concat())).unwrap() };
    let given = id_of(&json(&["authorise-return", order, "A=2", "--until", &in_hours(1), "--reference", "RMA-1"]));
    let back = id_of(&json(&["return", order, "A=2", "--undecided", "--authorisation", &given]));
    assert_eq!(node.on_hand("A"), Some(-3));
    let said = run(&["dispose", &back, "--restock", "A=1", "--discard", "A=1"]);
    assert!(said.contains("0 SKUs left to decide on"), "{said}");
    assert_eq!(node.on_hand("A"), Some(-2));
    let said = run(&["refund", order, "cash=1.50"]);
    assert!(said.starts_with("refund ") && said.contains("partly-returned"), "{said}");
    run(&["return", order, "A=1", "--refund", "cash=1.5"]);
    let order = node.get(&format!("/v1/orders/{order}")).ok();
    assert_eq!((&order["status"], &order["refunded"]), (&json!("returned"), &usd(300)));
}
