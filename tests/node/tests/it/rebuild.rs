//! Nodes that begin with nothing and get everything from their peers.

use serde_json::{Value, json};

use crate::support::shop::{goods, sale_of, usd};
use crate::support::{Node, Setup, eventually};

/// A day of a shop at two nodes: catalogue, stock, sales, a return, a transfer, carts. Gives the orders' ids.
pub fn trade(till: &Node, kiosk: &Node) -> Vec<String> {
    for number in 0..40 {
        till.put_product(&format!("P{number}"), 100 + number);
    }
    till.put("/v1/promotions/ten", "ten", &json!({ "kind": { "type": "percentage", "basis_points": 1000 } })).ok();
    till.receive("opening", "A", 100);
    till.post("/v1/stock/transfers", "transfer", &json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 7 }] }))
        .ok();
    let mut orders = Vec::new();
    for number in 0..30 {
        let node = if number % 2 == 0 { till } else { kiosk };
        orders.push(node.sell(&format!("sale-{number}"), "A", 1)["id"].as_str().unwrap().to_owned());
    }
    let refund =
        json!({ "lines": [{ "sku": "A", "quantity": 1 }], "refund": [{ "kind": "cash", "amount": usd(100) }] });
    till.post(&format!("/v1/orders/{}/returns", orders[0]), "return", &refund).ok();
    kiosk.cart_of("cart-1", "P1", 2);
    let cart = till.cart_of("cart-2", "P2", 1);
    let order = till.post(&format!("/v1/carts/{cart}:checkout"), "pay", &json!({ "kind": "physical" })).ok();
    orders.push(order["id"].as_str().unwrap().to_owned());
    till.post("/v1/stock/counts", "count", &goods("P2", 5)).ok();
    orders
}

fn orders(node: &Node, ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| node.get(&format!("/v1/orders/{id}")).json()).collect()
}

#[track_caller]
fn become_equal(node: &Node, peer: &Node, ids: &[String]) {
    eventually("both hold the same", || node.state() == peer.state());
    eventually("both know the same orders", || orders(node, ids) == orders(peer, ids));
    assert!(orders(node, ids).iter().all(|order| order["receipt_number"].is_string()));
}

#[test]
fn a_node_that_starts_empty_becomes_equal_to_its_peers() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    eventually("the kiosk is linked", || kiosk.get("/v1/node").ok()["link"]["state"] == "up");
    let ids = trade(&till, &kiosk);
    become_equal(&till, &kiosk, &ids);
    let newcomer = Setup::new("newcomer").location("shop").linked_to(till.broker()).start();
    become_equal(&newcomer, &till, &ids);
    newcomer.sell("sale", "A", 1);
    become_equal(&till, &newcomer, &ids);
    become_equal(&kiosk, &newcomer, &ids);
}

#[test]
fn a_node_whose_store_was_deleted_is_rebuilt_from_its_peers_and_keeps_its_clients_keys() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let mut kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    eventually("the kiosk is linked", || kiosk.get("/v1/node").ok()["link"]["state"] == "up");
    let ids = trade(&till, &kiosk);
    become_equal(&till, &kiosk, &ids);
    let epoch = kiosk.get("/v1/node").ok()["epoch"].clone();
    kiosk.terminate();
    kiosk.delete_data();
    kiosk.restart();
    become_equal(&kiosk, &till, &ids);
    assert_ne!(kiosk.get("/v1/node").ok()["epoch"], epoch, "a new life of the store is a new epoch");
    // A till that repeats a sale of the life before gets that sale.
    let again = kiosk.post("/v1/sales", "sale-1", &sale_of("A", 1));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.ok()["id"].as_str(), Some(ids[1].as_str()));
    let before = again.ok()["receipt_number"].clone();
    // Its receipts begin a series of their own.
    let order = kiosk.sell("sale", "A", 1);
    assert!(order["receipt_number"].as_str().unwrap().ends_with("-1"), "{order}");
    assert_ne!(order["receipt_number"], before);
    become_equal(&till, &kiosk, &ids);
}

#[test]
fn goods_that_move_to_another_location_are_there() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let depot = Setup::new("depot").linked_to(till.broker()).start();
    till.receive("opening", "A", 9);
    let transfer = json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 4 }] });
    till.post("/v1/stock/transfers", "transfer", &transfer).ok();
    let rows = || depot.get("/v1/stock?location=depot").ok()["items"].clone();
    eventually("the depot has the goods", || rows()[0]["on_hand"] == 4);
    assert_eq!(rows().as_array().map(Vec::len), Some(1));
    eventually("the depot knows of those that stayed", || depot.on_hand("A") == Some(9));
}

#[test]
fn carts_stay_in_their_region_and_stock_does_not() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let near = Setup::new("near").location("shop").linked_to(till.broker()).start();
    let far = Setup::new("far").location("depot").settings("[node]\nregion = \"north\"\n").linked_to(till.broker());
    let far = far.start();
    till.put_product("P1", 100);
    let cart = format!("/v1/carts/{}", till.cart_of("cart", "P1", 2));
    till.receive("opening", "P1", 5);
    eventually("the cart is in the region", || near.get(&cart).status == 200);
    eventually("the stock is everywhere", || far.on_hand("P1") == Some(5));
    assert_eq!(far.get(&cart).problem(), "unknown-cart");
}
