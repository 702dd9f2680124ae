use serde_json::json;

use super::{Kind, MAX_LINES, Movement, OPENING, movements, node_of, openings};
use crate::row::Row;

fn row(invoice: &str, code: &str, quantity: i64) -> Row {
    Row {
        invoice: invoice.to_owned(),
        code: code.to_owned(),
        quantity,
        tenths: 2_550,
        sold_at: "2010-12-01T08:26:00Z".to_owned(),
        customer: Some("17850".to_owned()),
        country: "United Kingdom".to_owned(),
    }
}

fn dealt(rows: &[Row]) -> Vec<Movement> {
    movements(rows, 0)
}

#[test]
fn an_invoice_is_one_sale_with_its_lines_in_their_order() {
    let rows = [row("600001", "b", 6), row("600002", "c", 1), row("600001", "a", 2)];
    let sales: Vec<_> = dealt(&rows).into_iter().map(|sale| (sale.kind, sale.key, sale.lines.len())).collect();
    assert_eq!(sales, [(Kind::Sale, "600001-sale-0".to_owned(), 2), (Kind::Sale, "600002-sale-0".to_owned(), 1)]);
    let codes: Vec<_> = dealt(&rows)[0].lines.iter().map(|line| line.code.clone()).collect();
    assert_eq!(codes, ["b", "a"]);
}

#[test]
fn equal_lines_of_an_invoice_are_all_sold() {
    let rows = [row("600001", "a", 6), row("600001", "a", 6)];
    assert_eq!(dealt(&rows)[0].lines, rows);
}

#[test]
fn what_a_c_invoice_takes_back_is_a_return_and_other_negative_lines_are_written_off() {
    let rows = [row("C600001", "a", -1), row("600002", "a", -5), row("600002", "a", 2), row("600003", "a", 0)];
    let kinds: Vec<Kind> = dealt(&rows).into_iter().map(|movement| movement.kind).collect();
    assert_eq!(kinds, [Kind::Return, Kind::WriteOff, Kind::Sale, Kind::Sale]);
}

#[test]
fn an_invoice_of_more_lines_than_an_event_holds_is_several_sales_with_keys_of_their_own() {
    let rows: Vec<Row> = (0..=2 * MAX_LINES).map(|number| row("600001", &number.to_string(), 1)).collect();
    let sales = dealt(&rows);
    let keys: Vec<&str> = sales.iter().map(|sale| sale.key.as_str()).collect();
    assert_eq!(keys, ["600001-sale-0", "600001-sale-1", "600001-sale-2"]);
    assert_eq!(sales.iter().map(|sale| sale.lines.len()).collect::<Vec<_>>(), [MAX_LINES, MAX_LINES, 1]);
}

#[test]
fn each_line_goes_to_the_one_node_of_its_country() {
    let countries = ["United Kingdom", "Germany", "EIRE", "France", "Norway", "Unspecified"];
    assert_eq!(countries.map(node_of), [0, 1, 2, 3, 4, 4]);
    let rows = countries.map(|country| Row { country: country.to_owned(), ..row(country, "a", 1) });
    let counts: Vec<usize> = (0..super::NODES.len()).map(|node| movements(&rows, node).len()).collect();
    assert_eq!(counts, [1, 1, 1, 1, 2]);
}

#[test]
fn a_sale_says_its_price_in_tenths_of_a_penny() {
    let expected = json!({
        "idempotency_key": "600001-sale-0", "kind": "sale", "reference": "600001", "customer_ref": "17850",
        "sold_at": "2010-12-01T08:26:00Z",
        "lines": [{
            "sku": "15056bl", "quantity": 6, "unit_price": { "amount": 2550, "scale": 3, "currency": "GBP" },
        }],
    });
    assert_eq!(dealt(&[row("600001", "15056bl", 6)])[0].to_json(), expected);
}

#[test]
fn returns_and_write_offs_let_units_enter() {
    let returned = json!({
        "idempotency_key": "C600001-return-0", "kind": "return", "reference": "C600001",
        "returned_at": "2010-12-01T08:26:00Z", "lines": [{ "sku": "a", "quantity": 2 }],
    });
    assert_eq!(dealt(&[row("C600001", "a", -2)])[0].to_json(), returned);
    let written_off = json!({
        "idempotency_key": "600002-adjustment-0", "kind": "adjustment", "reference": "600002",
        "occurred_at": "2010-12-01T08:26:00Z", "reason": "written-off", "lines": [{ "sku": "a", "quantity": 5 }],
    });
    assert_eq!(dealt(&[row("600002", "a", -5)])[0].to_json(), written_off);
}

#[test]
fn every_code_that_a_node_trades_is_opened_once_and_codes_differ_by_case() {
    let mut rows = vec![row("600001", "15056BL", 1), row("600002", "15056bl", 1), row("600003", "15056BL", 1)];
    rows.push(Row { country: "France".to_owned(), ..row("600004", "b", 1) });
    let lines = json!([{ "sku": "15056BL", "quantity": OPENING }, { "sku": "15056bl", "quantity": OPENING }]);
    let expected = json!({ "idempotency_key": "opening-0", "kind": "receipt", "lines": lines });
    assert_eq!(openings(rows.iter(), 0), [expected]);
}

#[test]
fn an_opening_of_more_codes_than_an_event_holds_is_several_receipts() {
    let rows: Vec<Row> = (0..=MAX_LINES).map(|number| row("600001", &number.to_string(), 1)).collect();
    let sizes: Vec<_> = openings(rows.iter(), 0).iter().map(|it| it["lines"].as_array().map(Vec::len)).collect();
    assert_eq!(sizes, [Some(MAX_LINES), Some(1)]);
}
