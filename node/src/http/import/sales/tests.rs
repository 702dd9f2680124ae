use serde_json::json;
use tillmesh_core::command::Command;

use super::*;

fn command(line: &str) -> Command {
    read(line.as_bytes()).1.unwrap().command
}

fn problem(line: &str) -> (Option<String>, Value) {
    let (key, request) = read(line.as_bytes());
    (key, serde_json::to_value(request.unwrap_err().body()).unwrap())
}

#[test]
fn a_line_is_a_sale_unless_it_says_otherwise() {
    let lines = r#""lines": [{"sku": "a", "quantity": 1}]"#;
    assert!(matches!(command(&format!(r#"{{"idempotency_key": "k", {lines}}}"#)), Command::Sell { .. }));
    let kind =
        |kind: &str, more: &str| command(&format!(r#"{{"idempotency_key": "k", "kind": "{kind}", {lines}{more}}}"#));
    assert!(matches!(kind("sale", ""), Command::Sell { .. }));
    assert!(matches!(kind("return", ""), Command::TakeBack { order: None, .. }));
    assert!(matches!(kind("adjustment", r#", "reason": "written-off""#), Command::Adjust { .. }));
    assert!(matches!(kind("receipt", ""), Command::Receive { .. }));
}

#[test]
fn each_line_needs_a_key() {
    for line in
        [r#"{"lines": []}"#, r#"{"idempotency_key": 7, "lines": []}"#, r#"{"idempotency_key": "a b", "lines": []}"#]
    {
        assert_eq!(problem(line).1["type"], "/problems/invalid-idempotency-key", "{line}");
    }
}

#[test]
fn a_line_that_is_refused_keeps_its_key() {
    let (key, problem) = problem(r#"{"idempotency_key": "k", "lines": [{"sku": "a", "quantity": 1.5}]}"#);
    assert_eq!((key.as_deref(), &problem["field"]), (Some("k"), &json!("lines[0].quantity")));
    assert_eq!(self::problem(r#"{"idempotency_key": "k", "kind": "gift", "lines": []}"#).1["field"], "kind");
}

#[test]
fn the_text_of_a_line_tells_requests_apart() {
    let digest = |line: &str| read(line.as_bytes()).1.unwrap().digest;
    let line =
        |quantity: u32| format!(r#"{{"idempotency_key": "k", "lines": [{{"sku": "a", "quantity": {quantity}}}]}}"#);
    assert_eq!(digest(&line(1)), digest(&line(1)));
    assert_ne!(digest(&line(1)), digest(&line(2)));
}
