use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Every operation of the description: method, path and the operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().clone();
        operations.into_iter().map(|(method, operation)| (method, path.clone(), operation)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn the_description_is_openapi_3_1_and_complete() {
    let document = openapi();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        let target = document.pointer(pointer).unwrap_or_else(|| panic!("{reference} is described nowhere"));
        assert!(target.as_object().is_some_and(|schema| !schema.is_empty()), "{reference} is empty");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_its_problems() {
    let document = openapi();
    let operations = operations(&document);
    let names: BTreeSet<&str> =
        operations.iter().filter_map(|(.., operation)| operation["operationId"].as_str()).collect();
    assert_eq!(names.len(), operations.len());
    for (method, path, operation) in &operations {
        assert!(
            operation["responses"]["default"]["content"]["application/problem+json"].is_object(),
            "{method} {path}"
        );
    }
}

#[test]
fn actions_are_described_as_clients_write_them() {
    let document = openapi();
    for path in ["/v1/carts/{id}:checkout", "/v1/sales:import", "/v1/products:import"] {
        assert!(document["paths"][path]["post"].is_object(), "{path}");
    }
    assert!(!document.to_string().contains("/~checkout"));
}

#[test]
fn every_write_takes_an_idempotency_key() {
    for (method, path, operation) in operations(&openapi()) {
        let names = operation["parameters"].as_array().into_iter().flatten().map(|it| it["name"].clone());
        let has_key = names.collect::<Vec<_>>().contains(&Value::from("Idempotency-Key"));
        // Lines of an import and messages of a channel bring keys of their own, also those that are dead letters.
        let own = path.ends_with(":import") || path.ends_with("/inbound") || path.starts_with("/v1/dead-letters/");
        assert_eq!(has_key, method != "get" && !own, "{method} {path}");
    }
}

#[test]
fn types_of_the_core_are_described_by_their_rules() {
    let schemas = &openapi()["components"]["schemas"];
    assert_eq!(schemas["Sku"]["maxLength"], 64);
    assert_eq!(schemas["Name"]["pattern"], "^[A-Za-z0-9_-]+$");
    assert_eq!(schemas["Money"]["additionalProperties"], false);
    assert_eq!(schemas["PromotionKind"]["oneOf"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_panic_is_a_problem() {
    let response = panicked(Box::new("boom"));
    assert_eq!(response.status().as_u16(), 500);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[test]
fn currencies_are_described_one_by_one() {
    let codes = openapi()["components"]["schemas"]["Currency"]["enum"].clone();
    let codes: Vec<&str> = codes.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(codes.len() > 150 && codes.contains(&"USD") && !codes.contains(&"XAU"), "{codes:?}");
}
