use serde_json::json;

use super::*;

#[test]
fn an_amount_is_read_by_the_decimals_of_its_currency() {
    assert_eq!(minor_units("500", 2).unwrap(), 50_000);
    assert_eq!(minor_units("12.5", 2).unwrap(), 1_250);
    assert_eq!(minor_units("500", 0).unwrap(), 500);
    assert_eq!(minor_units("1.234", 3).unwrap(), 1_234);
    for (wrong, exponent) in [("1.234", 2), ("1.5", 0), ("-1", 2), ("", 2), ("1.", 2), ("1,5", 2), (".5", 2)] {
        assert!(minor_units(wrong, exponent).is_err(), "{wrong:?}");
    }
}

fn usd(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

#[test]
fn a_report_is_as_wide_as_a_printer() {
    let cash = json!({ "float": usd(10_000), "sales": usd(2_000), "refunds": usd(0), "paid_in": usd(0),
        "paid_out": usd(500), "expected": usd(11_500) });
    let money = json!({ "currency": "USD", "sold": usd(2_500), "refunded": usd(0), "rounding": usd(-2), "cash": cash,
        "tenders": [{ "kind": "cash", "paid": usd(2_000), "refunded": usd(0) }],
        "departments": [{ "department": "A department with a name that no printer can hold", "amount": usd(2_500) }],
        "taxes": [{ "class": "standard", "rate": "20", "taxable": usd(2_083), "tax": usd(417) }] });
    let totals = json!({ "sales": 2, "returns": 0, "refunds": 0, "money": [money] });
    let close = json!({ "automatic": false, "counted": usd(11_490), "difference": usd(-10) });
    let node = json!({ "node": "till-1", "state": "closed", "first_receipt": "till-1-k3m5qz-1",
        "totals": totals, "close": close });
    let report = text::report(&json!({ "location": "store", "business_date": "2026-11-26", "state": "closed",
        "nodes": [node], "totals": totals }));
    assert!(report.lines().all(|line| line.chars().count() <= 42), "{report}");
    for line in [
        "                 Z-REPORT",
        "store                           2026-11-26",
        "Sold                             25.00 USD",
        "Rounding of cash                     -0.02",
        "Tax 20 % standard                     4.17",
        "Expected in the drawer              115.00",
        "Difference                       -0.10 USD",
    ] {
        assert!(report.lines().any(|found| found == line), "{line:?} is not in\n{report}");
    }
}
