//! Whatever is sent to a node, it goes on. Each failure prints the seed and the number of its case.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::json;

use crate::support::mqtt::Stranger;
use crate::support::shop::{channels, goods, sale_of};
use crate::support::{Node, Setup, eventually};

const SEED: u64 = 20_261_125;
const BODIES: usize = 400;
const PAYLOADS: usize = 1_200;

/// Where bodies go.
const ADDRESSES: [(&str, &str, &str); 14] = [
    ("PUT", "/v1/products/A", "application/json"),
    ("PUT", "/v1/promotions/p", "application/json"),
    ("POST", "/v1/stock/receipts", "application/json"),
    ("POST", "/v1/stock/counts", "application/json"),
    ("POST", "/v1/stock/transfers", "application/json"),
    ("POST", "/v1/stock/adjustments", "application/json"),
    ("POST", "/v1/sales", "application/json"),
    ("POST", "/v1/returns", "application/json"),
    ("POST", "/v1/carts", "application/json"),
    ("POST", "/v1/carts/aaaaaaaaaaaaaaaa/lines", "application/json"),
    ("POST", "/v1/carts/aaaaaaaaaaaaaaaa:checkout", "application/json"),
    ("POST", "/v1/sales:import", "application/x-ndjson"),
    ("POST", "/v1/products:import", "application/x-ndjson"),
    ("POST", "/v1/channels/odd/inbound", "application/octet-stream"),
];

/// Dice that fall the same every time.
struct Dice(ChaCha8Rng);

impl Dice {
    fn new(stream: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(SEED + stream))
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(most)];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Something that was right, with a few bytes changed, lost or put in.
    fn spoil(&mut self, right: &[u8]) -> Vec<u8> {
        let mut bytes = right.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len().max(1));
            match self.below(5) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 => bytes.truncate(at),
                3 => bytes.extend_from_within(at.min(bytes.len())..),
                _ => bytes.insert(at.min(bytes.len()), b"0-\"{}[],:e9"[self.below(11)]),
            }
        }
        bytes
    }
}

/// Bodies that are right, each at some address.
fn right_bodies() -> Vec<Vec<u8>> {
    let price = json!({ "amount": 12_345, "scale": 4, "currency": "GBP" });
    let product = json!({ "name": "A", "price": price, "references": { "shop": "1" } });
    let promotion =
        json!({ "kind": { "type": "percentage", "basis_points": 1_000 }, "coupon": "SPRING", "priority": 3 });
    let adjustment =
        json!({ "lines": [{ "sku": "A", "quantity": -2 }], "reason": "lost", "occurred_at": "2020-01-01T00:00:00Z" });
    let transfer = json!({ "to": "depot", "lines": [{ "sku": "A", "quantity": 1 }] });
    let mut imported = sale_of("A", 1);
    imported["idempotency_key"] = json!("imported");
    let bodies = [
        product,
        promotion,
        adjustment,
        transfer,
        imported,
        sale_of("A", 1),
        goods("A", 1),
        json!({ "kind": "physical" }),
    ];
    bodies.iter().map(|body| body.to_string().into_bytes()).collect()
}

#[test]
fn a_node_goes_on_whatever_bodies_it_is_sent() {
    let mut node = Setup::new("till").settings(&channels()).start();
    let mut dice = Dice::new(0);
    let right = right_bodies();
    for case in 0..BODIES {
        let (method, path, media) = ADDRESSES[dice.below(ADDRESSES.len())];
        let body = match dice.below(4) {
            0 => dice.bytes(2_000),
            _ => {
                let right = &right[dice.below(right.len())];
                dice.spoil(right)
            }
        };
        let topic = ["honest", "lines", "context", "no-utf-8"][dice.below(4)];
        let request = node.request(method, path).header("Content-Type", media).header("X-Topic", topic);
        let answer = request.header("X-Message-Id", &case.to_string()).body(&body).try_send();
        let what = || format!("seed {SEED}, case {case}: {method} {path} {:?}", String::from_utf8_lossy(&body));
        let answer = answer.unwrap_or_else(|| panic!("{}: no answer", what()));
        assert_ne!(answer.status, 500, "{}: {answer:?}", what());
        assert!(node.is_alive(), "{}", what());
    }
    goes_on(&mut node);
}

#[test]
fn a_node_goes_on_whatever_a_stranger_sends_over_mqtt() {
    let mut till = Setup::new("till").location("shop").with_broker().start();
    let mut kiosk = Setup::new("kiosk").location("shop").linked_to(till.broker()).start();
    let mut stranger = Stranger::connect(till.broker(), "stranger");
    stranger.subscribe("tm/1/tests/#");
    let right = overhear(&till, &kiosk, &mut stranger);
    let state = till.state();
    let mut dice = Dice::new(1);
    for case in 0..PAYLOADS {
        let (topic, payload) = &right[dice.below(right.len())];
        let payload = match dice.below(6) {
            0 => dice.bytes(3_000),
            1 => payload.clone(),
            _ => dice.spoil(payload),
        };
        stranger.publish(&address(&mut dice, topic), &payload);
        if case % 100 == 0 {
            stranger.flush();
            for node in [&mut till, &mut kiosk] {
                assert!(node.is_alive(), "seed {SEED}, case {case}");
                assert_eq!(node.get("/health").status, 200, "seed {SEED}, case {case}");
            }
        }
    }
    stranger.flush();
    // What was said twice, in another order, cut or forged has changed nothing, and the nodes hear each other.
    till.receive("after", "AFTER", 1);
    eventually("the kiosk hears the till", || kiosk.on_hand("AFTER") == Some(1));
    kiosk.receive("after", "AFTER", 1);
    eventually("the till hears the kiosk", || till.on_hand("AFTER") == Some(2));
    let without_mark = |node: &Node| {
        let mut state = node.state();
        state[0].retain(|row| row["sku"] != "AFTER");
        state
    };
    assert_eq!((without_mark(&till), without_mark(&kiosk)), (state.clone(), state), "seed {SEED}");
    assert!(till.get("/metrics").text().contains("tillmesh_refused_envelopes_total{"), "the noise was heard");
    let digest = &right.iter().find(|(topic, _)| topic.contains("/digest/")).expect("one was overheard").0;
    stranger.publish(digest, &[0; 100_000]);
    stranger.flush();
    eventually("what is too long is dropped unread and counted", || {
        let dropped = r#"tillmesh_messages_dropped_total{kind="oversized",link="mqtt"} 1"#;
        kiosk.get("/metrics").text().contains(dropped)
    });
    goes_on(&mut till);
    goes_on(&mut kiosk);
}

/// Trades until each kind of message was heard that nodes send, and gives them.
fn overhear(till: &Node, kiosk: &Node, stranger: &mut Stranger) -> Vec<(String, Vec<u8>)> {
    for number in 0..20 {
        till.put_product(&format!("P{number}"), 100);
        till.sell(&format!("sale-{number}"), &format!("P{number}"), 1);
        kiosk.put_product(&format!("Q{number}"), 100);
        kiosk.cart_of(&format!("cart-{number}"), &format!("Q{number}"), 1);
    }
    eventually("both hold the same", || till.state() == kiosk.state());
    let newcomer = Setup::new("newcomer").location("shop").linked_to(till.broker()).start();
    eventually("the newcomer has asked and was answered", || newcomer.state() == till.state());
    let mut heard = Vec::new();
    let kinds = ["changes", "digest", "request", "response", "presence"];
    while kinds.iter().any(|kind| !heard.iter().any(|(topic, _): &(String, _)| topic.split('/').nth(4) == Some(kind))) {
        heard.push(stranger.message());
    }
    heard
}

/// Mostly where the message was, sometimes another scope, kind or node.
fn address(dice: &mut Dice, topic: &str) -> String {
    let mut levels: Vec<&str> = topic.split('/').collect();
    match dice.below(5) {
        0 => levels[3] = ["catalog", "stock-shop", "carts-main", "fleet", "stock-x", "x"][dice.below(6)],
        1 => levels[4] = ["changes", "digest", "request", "response", "presence", "x"][dice.below(6)],
        2 => levels[5] = ["till", "kiosk", "nobody", "x y"][dice.below(4)],
        _ => {}
    }
    levels.join("/")
}

#[track_caller]
fn goes_on(node: &mut Node) {
    assert_eq!(node.get("/health").status, 200);
    let sku = format!("LAST-{}", node.name());
    assert_eq!(node.sell("last", &sku, 1)["status"], "completed");
    assert!(node.is_alive());
    let state = node.state();
    node.kill();
    node.restart();
    assert_eq!(node.state(), state, "what the node keeps can be read again");
    assert_eq!(node.on_hand(&sku), Some(-1));
}
