//! Dead letters: a message of which nothing can be made is kept, and counts once when it is taken after all.

use serde_json::{Value, json};

use crate::support::shop::channels;
use crate::support::{Node, Setup, component, stdout, tillmesh};
use crate::webhook::signed;

const ORDER: &[u8] = include_bytes!("../../../../plugins/shopify/fixtures/orders-create.json");

fn shop() -> Setup {
    Setup::new("web").location("web").settings(&channels())
}

fn letters(node: &Node) -> Vec<Value> {
    node.get("/v1/dead-letters").ok()["items"].as_array().unwrap().clone()
}

fn put_teapot(node: &Node) {
    let product = json!({ "name": "Tea pot", "references": { "shop": "gid://shopify/ProductVariant/39072856" } });
    node.put("/v1/products/POT", "pot", &product).ok();
}

#[test]
fn an_order_of_an_unknown_article_is_kept_and_taken_once_the_article_is_there() {
    let mut node = shop().start();
    let position = node.position();
    let refused = signed(&node, "orders/create", "hook-1", ORDER).send();
    assert_eq!((refused.status, refused.problem().as_str()), (422, "message-unknown-sku"));
    let id = refused.json()["dead_letter"].as_str().unwrap().to_owned();
    assert_eq!(node.position(), position, "nothing happened");
    signed(&node, "orders/create", "hook-1", ORDER).send();
    node.kill();
    node.restart();
    let letter = letters(&node).remove(0);
    assert_eq!((letter["id"].as_str(), letter["attempts"].as_u64()), (Some(id.as_str()), Some(2)));
    assert_eq!((letter["cause"].as_str(), letter["message"].as_str()), (Some("unknown-sku"), Some("hook-1")));
    assert_eq!(node.get(&format!("/v1/dead-letters/{id}/body")).body, ORDER);
    let again = node.request("POST", &format!("/v1/dead-letters/{id}:replay")).send();
    assert_eq!((again.status, letters(&node).len()), (422, 1), "the article is still unknown");
    put_teapot(&node);
    let taken = node.request("POST", &format!("/v1/dead-letters/{id}:replay")).send().ok();
    assert_eq!(taken["events"][0]["kind"], json!("promise"));
    assert!(letters(&node).is_empty());
    let repeated = signed(&node, "orders/create", "hook-1", ORDER).send();
    assert_eq!(repeated.header("idempotency-replayed"), Some("true"), "it counts once");
}

#[test]
fn a_message_that_its_channel_sends_again_and_is_taken_is_no_dead_letter_any_more() {
    let node = shop().start();
    assert_eq!(signed(&node, "orders/create", "hook-1", ORDER).send().status, 422);
    put_teapot(&node);
    signed(&node, "orders/create", "hook-1", ORDER).send().ok();
    assert!(letters(&node).is_empty());
}

#[test]
fn a_malformed_message_is_mended_and_replayed() {
    let node = shop().start();
    put_teapot(&node);
    let refused = signed(&node, "orders/create", "hook-1", b"{\"id\": 1").send();
    assert_eq!((refused.status, refused.problem().as_str()), (422, "message-malformed"));
    let id = letters(&node).remove(0)["id"].as_str().unwrap().to_owned();
    let mended = node.request("POST", &format!("/v1/dead-letters/{id}:replay")).body(ORDER).send().ok();
    assert_eq!(mended["events"].as_array().unwrap().len(), 1);
    assert!(letters(&node).is_empty());
}

#[test]
fn a_channel_that_does_not_want_to_hear_of_failures_is_told_that_the_message_is_here() {
    let settings = format!(
        "[plugins.misbehaving]\ncomponent = {:?}\n\
         [channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\non_failure = \"open\"\n",
        component("misbehaving")
    );
    let node = Setup::new("till").settings(&settings).start();
    let send = |topic: &str| {
        let request = node.request("POST", "/v1/channels/odd/inbound");
        request.header("X-Message-Id", topic).header("X-Topic", topic).body(b"x").send()
    };
    for (topic, cause) in [("trap", "trap"), ("loop", "limit"), ("bad-sku", "answer"), ("nonsense", "unsupported")] {
        let taken = send(topic);
        assert_eq!(taken.status, 202, "{topic}: {}", taken.text());
        let path = format!("/v1/dead-letters/{}", taken.json()["dead_letter"].as_str().unwrap());
        assert_eq!(node.get(&path).ok()["cause"], json!(cause), "{topic}");
    }
    assert_eq!(send("fail").status, 503, "what may go well the next time is not kept");
    assert_eq!(letters(&node).len(), 4);
    let listed = tillmesh(&["letter", "--channel", "odd", "--url", &node.url()]);
    assert_eq!(stdout(&listed).lines().count(), 5, "{}", stdout(&listed));
    let id = letters(&node).remove(0)["id"].as_str().unwrap().to_owned();
    assert!(tillmesh(&["letter", "discard", &id, "--url", &node.url()]).status.success());
    assert_eq!(letters(&node).len(), 3);
}

#[test]
fn what_a_plugin_remembers_is_there_for_the_next_message_and_after_a_crash() {
    let mut node = shop().start();
    let counted = |node: &Node, id: &str| {
        let request = node.request("POST", "/v1/channels/odd/inbound");
        let taken = request.header("X-Message-Id", id).header("X-Topic", "remember").body(b"x").send().ok();
        taken["events"][0]["lines"][0]["quantity"].as_i64()
    };
    assert_eq!((counted(&node, "1"), counted(&node, "2")), (Some(1), Some(2)));
    node.kill();
    node.restart();
    assert_eq!(counted(&node, "3"), Some(3));
    assert_eq!(counted(&node, "3"), Some(3), "a message that was taken changes nothing that is remembered");
    assert_eq!(counted(&node, "4"), Some(4));
}
