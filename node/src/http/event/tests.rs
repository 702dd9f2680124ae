use serde_json::{Value, json};
use tillmesh_core::event::{Adjustment, Return, ReturnLine, Sale};
use tillmesh_core::id::{Boot, Epoch};

use super::*;

fn writer(node: &str) -> Writer {
    Writer { node: Name::new(node).unwrap(), epoch: Epoch::from_bytes([7; Epoch::LEN]) }
}

fn shown(body: Body) -> Value {
    let origin = Origin {
        location: Name::new("store-1").unwrap(),
        writer: writer("till-1"),
        boot: Boot::from_bytes([1; Boot::LEN]),
        date: "2026-11-24".parse().unwrap(),
    };
    let event = Event {
        id: EventId::from_bytes([3; EventId::LEN]),
        number: 4,
        recorded_at: Timestamp::parse("2026-11-24T10:00:00Z").unwrap(),
        occurred_at: None,
        body,
        channel: None,
        reference: None,
        clerk: None,
    };
    serde_json::to_value(EventBody::of(&event, &origin)).unwrap()
}

#[test]
fn a_receipt_number_tells_node_epoch_and_number() {
    let number = receipt_number(&writer("till-1"), 17);
    let (node, rest) = number.rsplit_once('-').map(|(front, number)| (front.to_owned(), number.to_owned())).unwrap();
    let (node, epoch) = node.rsplit_once('-').unwrap();
    assert_eq!((node, rest.as_str()), ("till-1", "17"));
    assert!(writer("till-1").epoch.to_string().starts_with(epoch) && epoch.len() == 6);
}

#[test]
fn receipt_numbers_of_two_epochs_differ() {
    let rebuilt = Writer { epoch: Epoch::from_bytes([8; Epoch::LEN]), ..writer("till-1") };
    assert_ne!(receipt_number(&writer("till-1"), 1), receipt_number(&rebuilt, 1));
}

#[test]
fn a_sale_shows_prices_in_its_currency() {
    let sale = Sale {
        receipt: 9,
        lines: vec![PricedLine {
            sku: Sku::new("A").unwrap(),
            quantity: 3,
            amount: Some(370),
            unit_price: Some(LinePrice { amount: 12_345, scale: Some(4) }),
            burned: None,
        }],
        currency: Some(Currency::new("GBP").unwrap()),
        adjustments: Vec::new(),
        tenders: vec![Tender { kind: Name::new("cash").unwrap(), amount: 370, reference: None }],
        customer: None,
        cart: None,
        pricing: None,
        tax: None,
        rounding: None,
    };
    let shown = shown(Body::Sale(sale));
    assert_eq!(shown["lines"][0]["amount"], json!({ "amount": 370, "currency": "GBP" }));
    assert_eq!(shown["lines"][0]["unit_price"], json!({ "amount": 12_345, "scale": 4, "currency": "GBP" }));
    assert_eq!(shown["tenders"][0], json!({ "kind": "cash", "amount": { "amount": 370, "currency": "GBP" } }));
    assert_eq!(
        (&shown["business_date"], &shown["occurred_at"]),
        (&json!("2026-11-24"), &json!("2026-11-24T10:00:00Z"))
    );
}

#[test]
fn a_return_says_what_can_be_sold_again() {
    let line = |restock| ReturnLine { sku: Sku::new("A").unwrap(), quantity: 1, restock, undecided: None };
    let order = Some(EventId::from_bytes([9; EventId::LEN]));
    let shown = shown(Body::Return(Return { order, lines: vec![line(true), line(false)], authorisation: None }));
    assert_eq!(shown["order"], json!(EventId::from_bytes([9; EventId::LEN]).to_string()));
    assert_eq!((&shown["lines"][0]["restock"], &shown["lines"][1]["restock"]), (&json!(true), &json!(false)));
}

#[test]
fn a_correction_says_why() {
    let lines = vec![Line { sku: Sku::new("A").unwrap(), quantity: -2 }];
    let shown = shown(Body::Adjustment(Adjustment { lines, reason: AdjustmentReason::WrittenOff }));
    assert_eq!((&shown["reason"], &shown["lines"][0]["quantity"]), (&json!("written-off"), &json!(-2)));
}
