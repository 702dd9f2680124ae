use std::collections::BTreeSet;

use tillmesh_core::id::{CartId, EventId};

use super::*;

fn sent(problem: impl Into<Problem>) -> Value {
    serde_json::to_value(problem.into().body()).unwrap()
}

#[test]
fn every_kind_has_a_name_of_its_own_and_a_meaning() {
    let names: BTreeSet<&str> = ProblemKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ProblemKind::ALL.len());
    for kind in ProblemKind::ALL {
        assert_eq!(ProblemKind::named(kind.name()), Some(*kind));
        assert!(kind.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", kind.name());
        assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{}", kind.name());
        assert!(kind.text().ends_with('.') && !kind.title().ends_with('.'), "{}", kind.name());
    }
}

#[test]
fn a_refused_field_has_field_value_and_rule() {
    let problem = sent(Refusal::invalid("lines[2].quantity", -4, "a quantity must be above 0"));
    assert_eq!(problem["type"], "/problems/invalid-field");
    assert_eq!(problem["status"], 422);
    assert_eq!(problem["field"], "lines[2].quantity");
    assert_eq!(problem["value"], "-4");
    assert_eq!(problem["rule"], "a quantity must be above 0");
    assert_eq!(problem["detail"], "lines[2].quantity is -4: a quantity must be above 0");
}

#[test]
fn refusals_have_their_problems() {
    let (cart, order) = (CartId::from_bytes([1; CartId::LEN]), EventId::from_bytes([2; EventId::LEN]));
    let text = String::new;
    let unbacked = Refusal::Unbacked { field: text(), sku: text(), location: text(), wanted: 5, available: 3 };
    let more = Refusal::MoreThanOrdered { field: text(), order, sku: text(), verb: "return", wanted: 5, left: 2 };
    for (refusal, name, status) in [
        (Refusal::UnknownSku { field: text(), value: text() }, "unknown-sku", 422),
        (Refusal::Currency { field: text(), value: text(), expected: text() }, "currency-mismatch", 422),
        (Refusal::NotFound { kind: "cart", id: text() }, "unknown-cart", 404),
        (Refusal::NotFound { kind: "order", id: text() }, "unknown-order", 404),
        (Refusal::NotFound { kind: "line", id: text() }, "unknown-line", 404),
        (Refusal::KeyReused { event: order }, "idempotency-key-reused", 422),
        (Refusal::CheckedOut { cart, order }, "cart-checked-out", 409),
        (Refusal::CartChanged { cart }, "cart-changed", 409),
        (Refusal::CartEmpty { cart }, "cart-empty", 409),
        (unbacked, "insufficient-stock", 409),
        (more, "more-than-ordered", 409),
    ] {
        let problem = sent(refusal);
        assert_eq!((&problem["type"], &problem["status"]), (&json!(format!("/problems/{name}")), &json!(status)));
    }
}

#[test]
fn a_client_that_may_try_again_is_told_when() {
    let storage = || StorageError { operation: "commit".to_owned(), reason: "disk full".to_owned() };
    for problem in [
        Problem::from(SubmitError::Overloaded),
        Problem::from(SubmitError::Stopping),
        Problem::from(SubmitError::Storage(storage())),
        Problem::from(Refusal::Storage(storage())),
    ] {
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
    let final_word = Problem::from(Refusal::invalid("a", 1, "b")).into_response();
    assert!(!final_word.headers().contains_key(header::RETRY_AFTER));
}

#[test]
fn a_long_value_is_cut() {
    let problem = sent(Problem::field(ProblemKind::InvalidField, "name", &"x".repeat(10_000), "it is too long"));
    assert_eq!(problem["value"].as_str().unwrap().len(), MAX_VALUE);
    assert!(problem["detail"].as_str().unwrap().len() < 2 * MAX_VALUE);
}
