//! Gift cards and coupons at nodes that hear each other, and at nodes that do not.

use std::fs;
use std::thread;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tillmesh_examples::proxy::Proxy;

use crate::support::http::Answer;
use crate::support::shop::{priced_by, usd};
use crate::support::stream::Stream;
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// How often one card is fought over.
const TIMES: i64 = 50;

/// A till with the broker, and a web shop behind a line that can be cut.
struct Shop {
    till: Node,
    web: Node,
    line: Proxy,
}

impl Shop {
    fn open(settings: &str) -> Self {
        let till = Setup::new("till").settings(settings).with_broker().start();
        let line = Proxy::start(till.broker()).unwrap();
        let web = Setup::new("web").settings(settings).linked_to(line.address()).start();
        let shop = Self { till, web, line };
        eventually("they know each other", || {
            [&shop.till, &shop.web]
                .iter()
                .all(|node| node.get("/v1/peers").ok()["items"].as_array().unwrap().len() == 1)
        });
        shop
    }

    fn cut(&self) {
        self.line.cut();
        eventually("the web shop has noticed", || self.web.get("/v1/node").ok()["link"]["state"] == "down");
    }

    /// Waits until both say that so much is left, of uses or cents.
    #[track_caller]
    fn both_know(&self, code: &str, left: i64) {
        for node in [&self.till, &self.web] {
            eventually(&format!("{} knows that {left} are left", node.name()), || left_at(node, code) == Some(left));
        }
    }
}

fn left_at(node: &Node, code: &str) -> Option<i64> {
    let answer = node.get(&format!("/v1/vouchers/{code}"));
    let voucher = if answer.status == 404 { return None } else { answer.ok() };
    voucher["balance"]["amount"].as_i64().or_else(|| voucher["uses"].as_i64())
}

fn here_at(node: &Node, code: &str) -> i64 {
    node.get(&format!("/v1/vouchers/{code}")).ok()["balance_here"]["amount"].as_i64().unwrap()
}

fn gift_card(node: &Node, key: &str, amount: i64) -> String {
    let issued = node.post("/v1/vouchers", key, &json!({ "kind": "gift-card", "amount": usd(amount) })).ok();
    issued["code"].as_str().unwrap().to_owned()
}

fn sale(amount: i64, tender: &Value) -> Value {
    let line = json!({ "sku": "A", "quantity": 1, "amount": usd(amount) });
    json!({ "lines": [line], "tenders": [tender] })
}

fn pay(node: &Node, key: &str, code: &str, amount: i64) -> Answer {
    let tender = json!({ "kind": "gift-card", "amount": usd(amount), "reference": code });
    node.post("/v1/sales", key, &sale(amount, &tender))
}

#[test]
fn a_card_that_is_spent_at_two_nodes_at_once_never_pays_more_than_it_holds() {
    let mut shop = Shop::open("");
    let mut rest = String::new();
    for time in 0..TIMES {
        let code = gift_card(&shop.till, &format!("card-{time}"), 1_000);
        eventually("the web shop knows the card", || left_at(&shop.web, &code) == Some(1_000));
        let key = format!("sale-{time}");
        let paid: i64 = thread::scope(|scope| {
            let spent = [(&shop.till, 700), (&shop.web, 600)].map(|(node, amount)| {
                let (code, key) = (&code, &key);
                scope.spawn(move || match pay(node, key, code, amount) {
                    answer if answer.status == 201 => amount,
                    answer => {
                        let problem = answer.problem();
                        assert!(["voucher-spent", "voucher-elsewhere"].contains(&&*problem), "{answer:?}");
                        0
                    }
                })
            });
            spent.map(|thread| thread.join().unwrap()).into_iter().sum()
        });
        assert!([700, 600, 0].contains(&paid), "{paid} of 1000 were spent");
        shop.both_know(&code, 1_000 - paid);
        rest = code;
    }
    let left = left_at(&shop.till, &rest);
    shop.till.kill();
    shop.till.restart();
    assert_eq!(left_at(&shop.till, &rest), left);
}

#[test]
fn a_node_that_is_cut_off_spends_what_it_holds_and_refuses_the_rest() {
    let mut shop = Shop::open("");
    let code = gift_card(&shop.till, "card", 1_000);
    shop.both_know(&code, 1_000);
    pay(&shop.web, "first", &code, 300).ok();
    shop.both_know(&code, 700);
    assert_eq!((here_at(&shop.till, &code), here_at(&shop.web, &code)), (700, 0));
    shop.cut();
    let refused = pay(&shop.web, "cut", &code, 300);
    assert_eq!((refused.status, refused.problem().as_str()), (409, "voucher-elsewhere"), "{refused:?}");
    let problem = refused.json();
    assert_eq!((&problem["available"], &problem["holders"][0]["node"]), (&json!(0), &json!("till")), "{problem}");
    shop.web.post("/v1/sales", "cash", &sale(300, &json!({ "kind": "cash", "amount": usd(300) }))).ok();
    pay(&shop.till, "here", &code, 600).ok();
    shop.till.kill();
    shop.till.restart();
    assert_eq!(left_at(&shop.till, &code), Some(100));
    shop.line.mend();
    shop.both_know(&code, 100);
    let spent = pay(&shop.web, "late", &code, 300);
    assert_eq!((spent.status, spent.problem().as_str()), (409, "voucher-spent"), "{spent:?}");
    eventually("the rest can be spent at the web shop", || pay(&shop.web, "rest", &code, 100).status == 201);
    shop.both_know(&code, 0);
}

/// Checks a cart with a coupon out.
fn check_out(node: &Node, key: &str, coupon: &str) -> (String, Answer) {
    check_out_as("physical", node, key, coupon)
}

fn check_out_as(kind: &str, node: &Node, key: &str, coupon: &str) -> (String, Answer) {
    let cart = node.cart_of(key, "A", 1);
    let body = json!({ "code": coupon });
    node.post(&format!("/v1/carts/{cart}/coupons"), &format!("{key}-coupon"), &body).ok();
    let answer = node.post(&format!("/v1/carts/{cart}:checkout"), &format!("{key}-pay"), &json!({ "kind": kind }));
    (cart, answer)
}

#[test]
fn a_single_use_coupon_is_taken_once_by_nodes_that_are_apart() {
    let shop = Shop::open(&priced_by("promotions", "closed"));
    shop.till.put_product("A", 250);
    let promotion = json!({ "kind": { "type": "percentage", "basis_points": 1000 }, "coupon": "ONCE" });
    shop.till.put("/v1/promotions/once", "once", &promotion).ok();
    let coupon = json!({ "kind": "coupon", "uses": 1, "code": "ONCE" });
    assert_eq!(shop.till.post("/v1/vouchers", "coupon", &coupon).ok()["code"], "ONCE");
    shop.both_know("ONCE", 1);
    eventually("the web shop knows the promotion", || shop.web.get("/v1/promotions/once").status == 200);
    shop.cut();
    let (_, taken) = check_out(&shop.till, "till", "once");
    assert_eq!(taken.ok()["total"]["amount"], 225);
    let (cart, refused) = check_out(&shop.web, "web", "once");
    assert_eq!((refused.status, refused.problem().as_str()), (409, "voucher-elsewhere"), "{refused:?}");
    assert_eq!(refused.json()["voucher"], "coupon ONCE");
    shop.web.request("DELETE", &format!("/v1/carts/{cart}/coupons/once")).key("off").send().ok();
    let plain = shop.web.post(&format!("/v1/carts/{cart}:checkout"), "pay", &json!({ "kind": "physical" })).ok();
    assert_eq!(plain["total"]["amount"], 250);
    shop.line.mend();
    shop.both_know("ONCE", 0);
    let (_, spent) = check_out(&shop.till, "again", "ONCE");
    assert_eq!((spent.status, spent.problem().as_str()), (409, "voucher-spent"), "{spent:?}");
}

#[test]
fn a_use_that_an_order_took_comes_back_when_the_order_is_given_up() {
    let node = Setup::new("till").settings(&priced_by("promotions", "closed")).start();
    node.put_product("A", 250);
    node.receive("goods", "A", 5);
    let promotion = json!({ "kind": { "type": "percentage", "basis_points": 1000 }, "coupon": "ONCE" });
    node.put("/v1/promotions/once", "once", &promotion).ok();
    node.post("/v1/vouchers", "coupon", &json!({ "kind": "coupon", "uses": 1, "code": "ONCE" })).ok();
    let uses = || node.get("/v1/vouchers/ONCE").ok()["uses_here"].clone();
    let (_, ordered) = check_out_as("promise", &node, "order", "once");
    let order = ordered.ok();
    assert_eq!((&order["total"]["amount"], uses()), (&json!(225), json!(0)));
    node.post(&format!("/v1/reservations/{}:release", order["id"].as_str().unwrap()), "give-up", &json!({})).ok();
    assert_eq!(uses(), 1);
    let (_, again) = check_out(&node, "again", "once");
    assert_eq!((&again.ok()["total"]["amount"], uses()), (&json!(225), json!(0)));
}

#[test]
fn the_code_of_a_card_is_in_no_log_no_event_and_no_file() {
    let mut node = Setup::new("till").start();
    let code = gift_card(&node, "card", 1_000);
    let order = pay(&node, "sale", &code, 400).ok();
    let ending = format!("****{}", code.rsplit('-').next().unwrap());
    assert_eq!(order["tenders"][0]["reference"], ending);
    pay(&node, "too-much", &code, 700).refused(409);
    let plain = code.replace('-', "");
    let mut stream = Stream::after(&node, "0.0.0");
    loop {
        let event = stream.next().expect("the redemption comes");
        let said = event.data.to_string();
        assert!(!said.contains(&code) && !said.contains(&plain), "{said}");
        if event.kind == "redemption" {
            break;
        }
    }
    node.terminate();
    let files = fs::read_dir(node.data()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for (path, bytes) in files.map(|path| (path.clone(), fs::read(path).unwrap())) {
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(!holds(&code) && !holds(&plain), "{} holds the code", path.display());
    }
    assert!(!node.log().contains(&code) && !node.log().contains(&plain));
}

#[test]
fn a_card_that_is_over_pays_nothing() {
    let node = Setup::new("till").start();
    let until = SystemTime::now() + Duration::from_secs(3_600);
    let until = json!(jiff::Timestamp::try_from(until).unwrap().to_string());
    let card = json!({ "kind": "gift-card", "amount": usd(500), "valid_until": until });
    let code = node.post("/v1/vouchers", "card", &card).ok()["code"].as_str().unwrap().to_owned();
    let tender = json!({ "kind": "gift-card", "amount": usd(100), "reference": code });
    let mut late = sale(100, &tender);
    late["sold_at"] = until;
    let refused = node.post("/v1/sales", "late", &late);
    assert_eq!((refused.status, refused.problem().as_str()), (409, "voucher-expired"), "{refused:?}");
    pay(&node, "in-time", &code, 100).ok();
}

#[test]
fn cards_are_issued_and_shown_on_the_command_line() {
    let node = Setup::new("till").start();
    let run = |arguments: &[&str]| {
        let output = tillmesh(&[&["voucher"], arguments, &["--url", &node.url()]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let issued = run(&["issue", "--amount", "12.50", "--currency", "USD", "--key", "card"]);
    assert!(issued.contains("worth 12.50 USD"), "{issued}");
    assert_eq!(run(&["issue", "--amount", "12.50", "--currency", "USD", "--key", "card"]), issued);
    let code = issued.lines().next().unwrap().strip_prefix("gift-card ").unwrap().to_owned();
    pay(&node, "sale", &code, 250).ok();
    let shown = run(&["show", &code.to_lowercase()]);
    assert!(shown.contains(&format!("gift-card ****{}\n", code.rsplit('-').next().unwrap())), "{shown}");
    assert!(shown.contains("left 10.00 USD") && !shown.contains(&code), "{shown}");
    assert!(run(&["issue", "--uses", "3", "--code", "once"]).contains("coupon ONCE"), "{shown}");
    let short = run(&["show", "once"]);
    assert!(short.starts_with("coupon ****\n"), "of a short code nothing is shown: {short}");
}
