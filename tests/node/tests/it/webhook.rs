//! Webhooks: signed, counted once, wherever they arrive and how often.

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;
use tillmesh_examples::proxy::Proxy;

use crate::support::http::Request;
use crate::support::shop::{SECRET, channels};
use crate::support::{Node, Setup, eventually};

/// A webhook of the web shop, signed as Shopify does.
pub fn signed(node: &Node, topic: &str, id: &str, body: &[u8]) -> Request {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    node.request("POST", "/v1/channels/shop/inbound")
        .header("Content-Type", "application/json")
        .header("X-Shopify-Hmac-Sha256", &BASE64.encode(&mac.finalize().into_bytes()))
        .header("X-Shopify-Topic", topic)
        .header("X-Shopify-Webhook-Id", id)
        .body(body)
}

/// The order of Shopify's documentation.
const ORDER: &[u8] = include_bytes!("../../../../plugins/shopify/fixtures/orders-create.json");
/// A SKU of it, of which it orders three.
const TEA: &str = "TEA-GREEN-100";

fn shop(name: &str) -> Setup {
    Setup::new(name).location("web").settings(&channels())
}

/// The article that the order names by its variant only.
fn put_teapot(node: &Node) {
    let product = json!({ "name": "Tea pot", "references": { "shop": "gid://shopify/ProductVariant/39072856" } });
    node.put("/v1/products/POT", "pot", &product).ok();
}

fn promised(node: &Node, sku: &str) -> Option<i64> {
    node.get(&format!("/v1/stock/{sku}")).json()["promised"].as_i64()
}

#[test]
fn a_webhook_counts_once_however_often_it_comes_and_whatever_its_id() {
    let mut node = shop("web").start();
    put_teapot(&node);
    let first = signed(&node, "orders/create", "hook-1", ORDER).send();
    let order = first.ok()["events"][0].clone();
    assert_eq!((order["kind"].as_str(), order["location"].as_str()), (Some("promise"), Some("web")));
    assert_eq!(first.header("idempotency-replayed"), Some("false"));
    assert_eq!((promised(&node, TEA), promised(&node, "POT")), (Some(3), Some(1)));
    let position = node.position();
    node.kill();
    node.restart();
    // The same message, and the same order under another message's id.
    for id in ["hook-1", "hook-2"] {
        let again = signed(&node, "orders/create", id, ORDER).send();
        assert_eq!((&again.ok()["events"][0], again.header("idempotency-replayed")), (&order, Some("true")), "{id}");
    }
    assert_eq!((node.position(), promised(&node, TEA)), (position, Some(3)));
}

#[test]
fn a_webhook_with_a_wrong_signature_changes_nothing_and_does_not_use_up_its_id() {
    let node = shop("web").start();
    put_teapot(&node);
    let position = node.position();
    let mut altered = ORDER.to_vec();
    *altered.last_mut().unwrap() = b' ';
    let forged = signed(&node, "orders/create", "hook-1", ORDER).body(&altered).send();
    assert_eq!((forged.status, forged.problem().as_str()), (401, "bad-signature"));
    assert_eq!((node.position(), node.on_hand(TEA)), (position, None));
    signed(&node, "orders/create", "hook-1", ORDER).send().ok();
    assert_eq!(promised(&node, TEA), Some(3));
}

#[test]
fn a_webhook_that_is_repeated_at_another_node_counts_once() {
    let first = shop("web-1").with_broker().start();
    let second = shop("web-2").linked_to(first.broker()).start();
    put_teapot(&first);
    eventually("the second node has the product", || second.get("/v1/products/POT").status == 200);
    let order = signed(&first, "orders/create", "hook-1", ORDER).send().ok()["events"][0].clone();
    eventually("the second node has heard of the order", || promised(&second, TEA) == Some(3));
    let again = signed(&second, "orders/create", "hook-1", ORDER).send();
    assert_eq!((&again.ok()["events"][0], again.header("idempotency-replayed")), (&order, Some("true")));
    assert_eq!((promised(&first, TEA), promised(&second, TEA)), (Some(3), Some(3)));
}

#[test]
fn a_webhook_that_two_nodes_take_while_apart_counts_once_when_they_meet() {
    let first = shop("web-1").with_broker().start();
    let line = Proxy::start(first.broker()).unwrap();
    let second = shop("web-2").linked_to(line.address()).start();
    put_teapot(&first);
    eventually("the second node has the product", || second.get("/v1/products/POT").status == 200);
    line.cut();
    let [here, there] = [&first, &second].map(|node| signed(node, "orders/create", "hook-1", ORDER).send().ok());
    assert_eq!(here["events"][0]["id"], there["events"][0]["id"]);
    assert_eq!(
        (here["events"][0]["node"].as_str(), there["events"][0]["node"].as_str()),
        (Some("web-1"), Some("web-2"))
    );
    // A mark behind which both have heard everything.
    first.receive("mark-1", "MARK", 1);
    second.receive("mark-2", "MARK", 2);
    line.mend();
    for node in [&first, &second] {
        eventually("both have met", || node.on_hand("MARK") == Some(3));
        assert_eq!((promised(node, TEA), promised(node, "POT")), (Some(3), Some(1)));
    }
    assert_eq!(first.state(), second.state());
}
