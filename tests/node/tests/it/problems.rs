//! Bad input: each kind of problem that the API has, what it says, and that nothing was written.

mod busy;
mod cases;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};

use crate::support::shop::{channels, goods, priced_by, sale_of};
use crate::support::{Node, Setup, eventually};
use cases::{Case, Scene};

/// Kinds that tests of their own provoke.
const ELSEWHERE: [&str; 27] = [
    "already-received",
    "authorisation-over",
    "backup-running",
    "being-cancelled",
    "body-timeout",
    "cart-behind",
    "cart-changed",
    "cart-expired",
    "cart-held-elsewhere",
    "decided-elsewhere",
    "fork-not-promised",
    "line-too-long",
    "not-owner",
    "not-replayable",
    "outside-role",
    "overloaded",
    "plugins-not-reloaded",
    "pricing-failed",
    "refund-elsewhere",
    "retired",
    "return-elsewhere",
    "scope-not-held",
    "stopping",
    "storage-failed",
    "too-many-streams",
    "voucher-elsewhere",
    "voucher-expired",
];

/// Kinds that no client brings about from outside at will, and why.
const OUT_OF_REACH: [(&str, &str); 1] = [("internal", "a defect of the node")];

#[test]
fn bad_input_names_the_field_its_value_and_the_rule_and_writes_nothing() {
    let node = Setup::new("till").settings(&channels()).start();
    let scene = Scene::build(&node);
    let before = (node.position(), node.state());
    for Case { kind, status, request, says } in cases::all(&node, &scene) {
        let answer = request.send();
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{answer:?}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        for piece in says {
            assert!(detail.contains(piece), "{kind}: the detail {detail:?} does not say {piece:?}");
        }
        assert_eq!(node.position(), before.0, "{kind} wrote something: {detail}");
    }
    assert_eq!(node.state(), before.1);
}

#[test]
fn every_kind_of_problem_is_documented_and_provoked_by_a_test() {
    let node = Setup::new("till").settings(&channels()).start();
    let scene = Scene::build(&node);
    let listed = node.get("/problems").ok();
    let names: BTreeSet<String> = listed["items"].as_array().unwrap().iter().map(|it| name_of(&it["type"])).collect();
    let cases = cases::all(&node, &scene);
    let provoked = cases.iter().map(|case| case.kind).chain(ELSEWHERE).chain(OUT_OF_REACH.map(|(kind, _)| kind));
    assert_eq!(names, provoked.map(str::to_owned).collect());
    for item in listed["items"].as_array().unwrap() {
        let one = node.get(item["type"].as_str().unwrap()).ok();
        assert_eq!(one, *item);
        assert!(item["meaning"].as_str().is_some_and(|text| text.ends_with('.')), "{item}");
    }
}

fn name_of(kind: &Value) -> String {
    kind.as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap().to_owned()
}

#[test]
fn a_price_that_the_plugin_cannot_work_out_refuses_the_checkout_where_the_settings_say_so() {
    for (on_failure, expected) in [("closed", 503), ("open", 201)] {
        let node = Setup::new("till").settings(&priced_by("dishonest", on_failure)).start();
        node.put_product("A", 250);
        let cart = node.cart_of("cart", "A", 1);
        node.post(&format!("/v1/carts/{cart}/coupons"), "coupon", &json!({ "code": "DEARER" })).ok();
        let answer = node.post(&format!("/v1/carts/{cart}:checkout"), "pay", &json!({ "kind": "physical" }));
        assert_eq!(answer.status, expected, "{answer:?}");
        if on_failure == "closed" {
            assert_eq!(answer.problem(), "pricing-failed");
            assert!(answer.header("retry-after").is_some());
            assert_eq!(node.get(&format!("/v1/carts/{cart}")).ok()["state"], "open");
        } else {
            assert_eq!(answer.ok()["total"]["amount"], 250);
        }
    }
}

#[test]
fn a_body_that_breaks_off_writes_nothing() {
    let node = Setup::new("till").start();
    let body = goods("A", 1).to_string();
    let mut stream = TcpStream::connect(node.address()).unwrap();
    let head = format!(
        "POST /v1/stock/receipts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    // The line may be down in both directions, so an answer is a courtesy; where there is one, it is this.
    assert!(answer.is_empty() || answer.contains("/problems/body-timeout"), "{answer}");
    assert_eq!((node.position(), node.on_hand("A")), (0, None));
}

#[test]
fn a_body_that_stops_arriving_is_given_up() {
    let node = Setup::new("till").start();
    let mut stream = TcpStream::connect(node.address()).unwrap();
    let head =
        "POST /v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let mut status = String::new();
    BufReader::new(&stream).read_line(&mut status).unwrap();
    assert!(status.starts_with("HTTP/1.1 408"), "{status:?}");
    assert_eq!(node.position(), 0);
}

#[test]
fn a_client_too_many_of_the_change_stream_is_refused_until_another_leaves() {
    let node = Setup::new("till").start();
    let mut streams: Vec<TcpStream> = (0..64).map(|_| follow(&node).expect("there is room")).collect();
    let answer = node.get("/v1/events");
    assert_eq!((answer.status, answer.problem().as_str()), (503, "too-many-streams"));
    assert!(answer.header("retry-after").is_some());
    streams.pop();
    eventually("there is room again", || follow(&node).is_some());
}

/// Follows the change stream; none when there is no room.
fn follow(node: &Node) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(node.address()).unwrap();
    stream.write_all(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(&stream).read_line(&mut status).unwrap();
    status.starts_with("HTTP/1.1 200").then_some(stream)
}

#[test]
fn a_full_disk_refuses_writes_loses_nothing_and_is_over_when_there_is_room() {
    let mut node = Setup::new("till").file_limit(6 * 1024).start();
    let mut taken = 0;
    let refused = loop {
        let answer = node.post("/v1/stock/receipts", &format!("receipt-{taken}"), &large_receipt(taken));
        if answer.status != 201 {
            break answer;
        }
        taken += 1;
        assert!(taken < 2_000, "the disk does not fill");
    };
    assert!(taken > 0);
    assert_eq!((refused.status, refused.problem().as_str()), (503, "storage-failed"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(node.get("/health").status, 200);
    assert_eq!(node.on_hand("A"), Some(taken), "what was refused is not shown");
    node.kill();
    node.lift_file_limit();
    node.restart();
    assert_eq!(node.on_hand("A"), Some(taken), "what was acknowledged is there");
    node.post("/v1/stock/receipts", &format!("receipt-{taken}"), &large_receipt(taken)).ok();
    assert_eq!(node.on_hand("A"), Some(taken + 1), "the refusal did not use up the key");
    assert_eq!(node.sell("sale", "A", 1)["status"], "completed");
}

/// A receipt of one A and of much that does not compress.
fn large_receipt(number: i64) -> Value {
    let sku = |line: i64| {
        let digits = (number * 1_000 + line).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed());
        format!("{digits:016x}{:016x}", digits.wrapping_mul(digits))
    };
    let noise = (0..400).map(|line| json!({ "sku": sku(line), "quantity": 1 }));
    json!({ "lines": noise.chain([json!({ "sku": "A", "quantity": 1 })]).collect::<Vec<_>>() })
}

#[test]
fn a_sale_is_never_refused_for_lack_of_stock_or_of_a_product() {
    let node = Setup::new("till").start();
    let order = node.post("/v1/sales", "sale", &sale_of("NOBODY-KNOWS-IT", 2)).ok();
    assert_eq!(order["status"], "completed");
    assert_eq!(node.on_hand("NOBODY-KNOWS-IT"), Some(-2));
}
