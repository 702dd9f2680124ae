//! Imports: records line by line, the bad ones named, the good ones once.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::shop::usd;
use crate::support::{Node, Setup, command, stderr, stdout};

fn sale(key: &str, quantity: i64) -> String {
    let line = json!({ "sku": "A", "quantity": quantity, "amount": usd(quantity * 100) });
    json!({ "idempotency_key": key, "lines": [line] }).to_string()
}

fn import(node: &Node, path: &str, body: &[u8]) -> Vec<Value> {
    let answer = node.request("POST", path).header("Content-Type", "application/x-ndjson").body(body).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_bad_line_is_named_and_the_others_are_recorded() {
    let node = Setup::new("till").start();
    let lost = [json!({ "sku": "A", "quantity": -1 })];
    let lost = json!({ "idempotency_key": "lost", "kind": "adjustment", "reason": "lost", "lines": lost });
    let lines = [
        sale("sale-1", 1),
        "{\"idempotency_key\": ".to_owned(),
        String::new(),
        sale("sale-2", -2),
        json!({ "lines": [] }).to_string(),
        json!({ "idempotency_key": "gift", "kind": "gift" }).to_string(),
        lost.to_string(),
        sale("sale-1", 5),
        format!("{{\"idempotency_key\": \"{}\"}}", "x".repeat(256 * 1024)),
        sale("sale-3", 3),
    ];
    let answers = import(&node, "/v1/sales:import", lines.join("\n").as_bytes());
    let said: Vec<(i64, i64, &str)> =
        answers.iter().map(|it| (number(it, "line"), number(it, "status"), kind(it))).collect();
    let expected = [
        (1, 201, ""),
        (2, 400, "/problems/malformed-json"),
        (4, 422, "/problems/invalid-field"),
        (5, 400, "/problems/invalid-idempotency-key"),
        (6, 422, "/problems/invalid-field"),
        (7, 201, ""),
        (8, 422, "/problems/idempotency-key-reused"),
        (9, 413, "/problems/line-too-long"),
        (10, 201, ""),
    ];
    assert_eq!(said, expected);
    assert_eq!(answers[2]["detail"], "lines[0].quantity is -2: a quantity must lie between 0 and 1000000000");
    assert_eq!((&answers[2]["idempotency_key"], &answers[2]["field"]), (&json!("sale-2"), &json!("lines[0].quantity")));
    assert_eq!(answers[4]["field"], "kind");
    assert_eq!(node.on_hand("A"), Some(-5));
}

fn number(answer: &Value, name: &str) -> i64 {
    answer[name].as_i64().unwrap()
}

fn kind(answer: &Value) -> &str {
    answer["type"].as_str().unwrap_or_default()
}

#[test]
fn an_import_that_is_sent_twice_changes_nothing_the_second_time_not_even_after_a_crash() {
    let mut node = Setup::new("till").start();
    let lines: String = (0..500).map(|number| format!("{}\n", sale(&format!("sale-{number}"), 1))).collect();
    let first = import(&node, "/v1/sales:import", lines.as_bytes());
    assert!(first.iter().all(|answer| answer["repeated"] == false));
    let (position, state) = (node.position(), node.state());
    node.kill();
    node.restart();
    let second = import(&node, "/v1/sales:import", lines.as_bytes());
    assert_eq!((node.position(), node.state()), (position, state));
    assert_eq!(node.on_hand("A"), Some(-500));
    for (first, mut second) in first.into_iter().zip(second) {
        assert_eq!(second["repeated"], true);
        second["repeated"] = json!(false);
        assert_eq!(second, first);
    }
}

#[test]
fn an_import_that_breaks_off_has_recorded_its_whole_lines_and_can_be_sent_again() {
    let node = Setup::new("till").start();
    let whole: String = (0..20).map(|number| format!("{}\n", sale(&format!("sale-{number}"), 1))).collect();
    let cut = &whole[..whole.len() - 30];
    let answers = import(&node, "/v1/sales:import", cut.as_bytes());
    assert_eq!(answers.iter().filter(|answer| answer["status"] == 201).count(), 19);
    assert_eq!(kind(&answers[19]), "/problems/malformed-json");
    import(&node, "/v1/sales:import", whole.as_bytes());
    assert_eq!(node.on_hand("A"), Some(-20));
}

#[test]
fn products_are_imported_and_a_bad_one_is_left_out() {
    let node = Setup::new("till").start();
    let lines = [
        json!({ "sku": "A", "name": "A", "price": usd(250) }),
        json!({ "sku": "B", "name": "B", "price": usd(-1) }),
        json!({ "name": "C" }),
        json!({ "sku": "D", "name": "D", "colour": "red" }),
        json!({ "sku": "E", "name": "E" }),
    ];
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answers = import(&node, "/v1/products:import", body.as_bytes());
    let fields: Vec<&str> = answers.iter().map(|answer| answer["field"].as_str().unwrap_or_default()).collect();
    assert_eq!(fields, ["", "price.amount", "sku", "colour", ""]);
    let skus: Vec<Value> = node.client().list("/v1/products").unwrap().iter().map(|it| it["sku"].clone()).collect();
    assert_eq!(skus, ["A", "E"]);
}

#[test]
fn the_command_line_counts_what_was_taken_and_tells_what_was_refused() {
    let node = Setup::new("till").start();
    let lines = [sale("sale-1", 1), sale("sale-2", -1), sale("sale-1", 1)].join("\n");
    let mut child = command()
        .args(["sales", "import", "-", "--url", &node.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "2 records taken, of which 1 had been taken before; 1 refused\n");
    assert!(stderr(&output).contains("line 2: lines[0].quantity is -1"), "{}", stderr(&output));
}
