use serde_json::json;

use super::*;

#[test]
fn numbers_are_aligned_to_the_right_and_nothing_trails() {
    let mut table = Table::new(&["sku", ">on hand", "note"]);
    table.row(["a", "5", ""]);
    table.row(["longer", "12345", "x"]);
    assert_eq!(table.text(), "sku     on hand  note\na             5\nlonger    12345  x\n");
}

#[test]
fn money_is_shown_in_its_currency() {
    assert_eq!(money(&json!({ "amount": 1299, "currency": "USD" })), "12.99 USD");
    assert_eq!(money(&json!({ "amount": -5, "currency": "USD" })), "-0.05 USD");
    assert_eq!(money(&json!({ "amount": 1299, "currency": "JPY" })), "1299 JPY");
    assert_eq!(money(&json!({ "amount": 12345, "scale": 4, "currency": "GBP" })), "1.2345 GBP");
    assert_eq!(money(&Value::Null), "");
}
