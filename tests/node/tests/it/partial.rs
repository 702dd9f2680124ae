//! A kiosk that holds its own part of the fleet's data, while others trade.

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::mqtt::Stranger;
use crate::support::shop::{goods, sale_of};
use crate::support::{Node, Setup, eventually, stdout, tillmesh};

/// A store that holds everything, and a kiosk of its own location that holds that and the catalogue.
fn open() -> (Node, Node) {
    let shop = Setup::new("shop").with_broker().start();
    let scopes = "[sync]\nscopes = [\"catalog\", \"stock-<location>\"]\n";
    let kiosk = Setup::new("kiosk").linked_to(shop.broker()).settings(scopes).start();
    shop.put_product("A", 250);
    eventually("the kiosk has the product", || kiosk.get("/v1/products/A").status == 200);
    (shop, kiosk)
}

#[track_caller]
fn is_not_held(answer: &Answer, field: &str, value: &str, scope: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (421, "scope-not-held"), "{answer:?}");
    let problem = answer.json();
    assert_eq!([&problem["field"], &problem["value"], &problem["scope"]], [field, value, scope], "{problem}");
    let rule = problem["rule"].as_str().unwrap();
    assert!(rule.contains(scope) && rule.contains("sync.scopes"), "{rule}");
}

#[test]
fn the_ledgers_of_other_locations_do_not_grow_a_kiosk_s_store() {
    let (shop, kiosk) = open();
    let mut stranger = Stranger::connect(shop.broker(), "stranger");
    stranger.subscribe("tm/1/tests/+/digest/kiosk");
    let before = kiosk.position();
    for number in 0..50 {
        shop.sell(&format!("sale-{number}"), "A", 1);
        shop.cart_of(&format!("cart-{number}"), "A", 1);
    }
    // What was said before the next product has been heard, and what it was answered has come.
    for product in ["B", "C"] {
        shop.put_product(product, 100);
        eventually("the kiosk has the next product", || kiosk.get(&format!("/v1/products/{product}")).status == 200);
    }
    assert_eq!(kiosk.position(), before + 2, "two products are all that is new to it");
    assert_eq!(kiosk.get("/v1/carts").ok()["items"], json!([]));
    // A digest of what it holds, and of nothing else, is all that it says.
    let said: Vec<String> = (0..3).map(|_| stranger.message().0.split('/').nth(3).unwrap().to_owned()).collect();
    assert!(said.iter().all(|scope| scope == "catalog" || scope == "stock-kiosk"), "{said:?}");
}

#[test]
fn a_kiosk_and_the_store_know_each_other_s_share() {
    let (shop, kiosk) = open();
    kiosk.receive("goods", "A", 5);
    eventually("the store knows the kiosk's stock", || shop.on_hand("A") == Some(5));
    kiosk.sell("sale", "A", 2);
    eventually("the store knows the kiosk's sale", || shop.on_hand("A") == Some(3));
    // The store writes in the kiosk's ledgers, too: goods that it sends there.
    shop.receive("more", "A", 10);
    shop.post("/v1/stock/transfers", "send", &json!({ "to": "kiosk", "lines": [{ "sku": "A", "quantity": 4 }] })).ok();
    eventually("the goods have arrived", || kiosk.on_hand("A") == Some(7));
    assert_eq!(shop.on_hand("A"), Some(13));
    let order = kiosk.post("/v1/sales", "last", &sale_of("A", 1)).ok();
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    eventually("the store has the order", || shop.get(&path).status == 200);
}

#[test]
fn what_a_node_does_not_hold_it_says_it_does_not_know() {
    let (shop, kiosk) = open();
    shop.receive("goods", "A", 10);
    kiosk.receive("goods", "A", 1);
    eventually("the store knows both", || shop.on_hand("A") == Some(11));
    is_not_held(&kiosk.get("/v1/stock?location=shop"), "location", "shop", "stock-shop");
    let both = [&shop, &kiosk].map(|node| node.get("/v1/stock/A").ok());
    assert_eq!((&both[0]["on_hand"], &both[0]["partial"]), (&json!(11), &Value::Null));
    assert_eq!((&both[1]["on_hand"], &both[1]["partial"]), (&json!(1), &json!(true)));
    assert_eq!(kiosk.get("/v1/node").ok()["scopes"], json!(["catalog", "fleet", "stock-kiosk"]));
    let listed = shop.get("/v1/node").ok();
    assert_eq!(listed["scopes"], json!(["carts-main", "catalog", "fleet", "stock-*"]));
    let held_there = || {
        let peers = shop.client().list("/v1/peers").unwrap();
        let kiosk = peers.into_iter().find(|peer| peer["node"] == "kiosk")?;
        let scopes = kiosk["scopes"].as_array().unwrap().iter().map(|it| it["scope"].as_str().unwrap().to_owned());
        Some(scopes.collect::<Vec<_>>())
    };
    eventually("the store knows what the kiosk holds", || {
        held_there().is_some_and(|scopes| scopes == ["catalog", "stock-kiosk"])
    });
    let status = stdout(&tillmesh(&["status", "--url", &kiosk.url()]));
    assert!(status.contains("catalog fleet stock-kiosk"), "{status}");
}

#[test]
fn a_node_writes_nothing_where_it_holds_nothing() {
    let (shop, kiosk) = open();
    kiosk.receive("goods", "A", 5);
    let before = kiosk.position();
    let mut there = goods("A", 1);
    there["location"] = json!("shop");
    for path in ["/v1/stock/receipts", "/v1/stock/counts"] {
        is_not_held(&kiosk.post(path, "there", &there), "location", "shop", "stock-shop");
    }
    let transfer = |from: &str, to: &str| json!({ "from": from, "to": to, "lines": [{ "sku": "A", "quantity": 1 }] });
    let send = |from, to| kiosk.post("/v1/stock/transfers", "send", &transfer(from, to));
    is_not_held(&send("kiosk", "shop"), "to", "shop", "stock-shop");
    is_not_held(&send("shop", "kiosk"), "from", "shop", "stock-shop");
    is_not_held(&kiosk.post("/v1/carts", "cart", &json!({})), "region", "main", "carts-main");
    assert_eq!(kiosk.position(), before);
    // The keys are unused.
    kiosk.post("/v1/stock/receipts", "there", &goods("A", 1)).ok();
    assert_eq!((kiosk.on_hand("A"), shop.get("/health").status), (Some(6), 200));
}
