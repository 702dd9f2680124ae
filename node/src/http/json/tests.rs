use serde::Deserialize;
use serde_json::json;
use tillmesh_core::id::Sku;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is read")]
struct Order {
    lines: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape is read")]
struct Line {
    sku: Sku,
    quantity: i64,
}

/// The problem of a body as it is sent.
fn problem(body: &str) -> Value {
    serde_json::to_value(read::<Order>(body.as_bytes()).unwrap_err().body()).unwrap()
}

#[test]
fn broken_json_says_where() {
    let problem = problem("{\n  \"lines\": [,]\n}");
    assert_eq!(problem["type"], "/problems/malformed-json");
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(13)));
}

#[test]
fn text_behind_the_body_is_refused() {
    assert_eq!(problem("{\"lines\": []} x")["type"], "/problems/malformed-json");
}

#[test]
fn a_float_is_no_quantity() {
    let problem = problem(r#"{"lines": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 1.5}]}"#);
    assert_eq!(problem["type"], "/problems/invalid-field");
    assert_eq!(problem["field"], "lines[1].quantity");
    assert_eq!(problem["value"], "1.5");
    assert_eq!(problem["rule"], "invalid type: floating point `1.5`, expected an integer");
}

#[test]
fn a_huge_number_is_refused_by_its_field() {
    for huge in ["99999999999999999999", "1e300", "1e400"] {
        let problem = problem(&format!(r#"{{"lines": [{{"sku": "a", "quantity": {huge}}}]}}"#));
        assert_eq!(
            (&problem["type"], &problem["field"]),
            (&json!("/problems/invalid-field"), &json!("lines[0].quantity"))
        );
    }
}

#[test]
fn a_field_that_is_not_known_is_named() {
    let problem = problem(r#"{"lines": [{"sku": "a", "quantity": 1, "qty": 2}]}"#);
    assert_eq!((&problem["type"], &problem["field"]), (&json!("/problems/unknown-field"), &json!("lines[0].qty")));
}

#[test]
fn a_field_that_is_missing_is_named() {
    assert_eq!(problem(r#"{"lines": [{"sku": "a"}]}"#)["field"], "lines[0].quantity");
    assert_eq!(problem("{}")["field"], "lines");
}

#[test]
fn an_id_is_refused_in_its_own_words() {
    let problem = problem(r#"{"lines": [{"sku": " a", "quantity": 1}]}"#);
    assert_eq!((&problem["field"], &problem["value"]), (&json!("lines[0].sku"), &json!("\" a\"")));
    assert!(problem["rule"].as_str().unwrap().contains("white space"));
}

#[test]
fn a_value_that_was_read_before_says_the_same() {
    let body = json!({ "lines": [{ "sku": "a", "quantity": "1" }] });
    let problem = read_value::<Order>(body).unwrap_err().body();
    let problem = serde_json::to_value(problem).unwrap();
    assert_eq!((&problem["field"], &problem["value"]), (&json!("lines[0].quantity"), &json!("\"1\"")));
    assert!(problem.get("line").is_none());
}

#[test]
fn an_array_is_no_record_at_any_depth() {
    for body in [r#"[[{"sku": "a", "quantity": 1}]]"#, r#"{"lines": [["a", 1]]}"#] {
        assert_eq!(problem(body)["type"], "/problems/invalid-field", "{body}");
    }
    let (value, body) = (json!({ "lines": [["a", 1]] }), json!([[]]));
    assert!(read_value::<Order>(value).is_err() && read_value::<Order>(body).is_err());
    assert!(read::<Order>(br#"{"lines": [{"sku": "a", "quantity": 1}]}"#).is_ok());
}
