//! Goods that left, and goods that came back.

use tillmesh_plugin::StockLine;
use tillmesh_plugin::inbound::{FulfilOrder, RecordReturn};

use super::*;

/// Shopify ships, and the node knows its location.
const SHIPPED: &[(&str, &str)] = &[("fulfilled-by", "channel"), ("location.24826418", "store-1")];
const STORE: &[(&str, &str)] = &[("location.24826418", "store-1")];

fn line(sku: &str, quantity: u64) -> StockLine {
    StockLine { sku: sku.to_owned(), quantity }
}

fn returns(body: &str, settings: &[(&str, &str)]) -> Vec<RecordReturn> {
    let is_return = |command| match command {
        Command::RecordReturn(back) => back,
        other => panic!("{other:?}"),
    };
    translate("refunds/create", body, settings).unwrap().into_iter().map(is_return).collect()
}

fn left(topic: &str, body: &str, settings: &[(&str, &str)]) -> Vec<FulfilOrder> {
    let is_left = |command| match command {
        Command::FulfilOrder(left) => left,
        other => panic!("{other:?}"),
    };
    translate(topic, body, settings).unwrap().into_iter().map(is_left).collect()
}

#[test]
fn a_refund_brings_back_what_is_back_in_stock_and_nothing_else() {
    let expected = RecordReturn {
        reference: "929361478".to_owned(),
        order: Some("5830118211".to_owned()),
        lines: vec![line("TEA-GREEN-100", 2)],
        returned_at: 1_795_526_411_000_000,
        location: Some("store-1".to_owned()),
    };
    assert_eq!(returns(REFUND, STORE), [expected], "neither money alone nor what had not left");
    assert_eq!(returns(&REFUND.replace("\"return\"", "\"no_restock\""), STORE), [], "money alone");
    assert_eq!(returns(REFUND, &[("location.24826418", "")]), [], "nobody wants to hear of the location");
    let failure = translate("refunds/create", REFUND, &[]).unwrap_err();
    assert!(matches!(failure, Failure::Rejected(detail) if detail.value == "24826418"));
}

#[test]
fn an_old_refund_that_says_neither_brings_back_what_had_left() {
    let old = REFUND.replace("\"return\",", "\"legacy_restock\",").replace("\"cancel\"", "\"legacy_restock\"");
    assert_eq!(returns(&old, STORE)[0].lines, [line("TEA-GREEN-100", 2)]);
    let partly = old.replace("\"fulfilled\"", "\"partial\"");
    assert_eq!(returns(&partly, STORE)[0].lines, [line("TEA-GREEN-100", 2)]);
    assert_eq!(returns(&old.replace("\"fulfilled\"", "null"), STORE), []);
}

#[test]
fn what_comes_back_to_several_locations_is_a_return_for_each() {
    let two = REFUND.replace("\"location_id\": null", "\"location_id\": 655441491").replace("no_restock", "return");
    let both = [STORE, &[("location.655441491", "web")]].concat();
    let places = |settings: &[(&str, &str)]| -> Vec<_> {
        returns(&two, settings).into_iter().map(|back| (back.reference, back.location.unwrap())).collect()
    };
    let pair = |reference: &str, location: &str| (reference.to_owned(), location.to_owned());
    assert_eq!(places(&both), [pair("929361478/24826418", "store-1"), pair("929361478/655441491", "web")]);
    let one_ignored = [STORE, &[("location.655441491", "")]].concat();
    assert_eq!(places(&one_ignored), [pair("929361478/24826418", "store-1")], "its number is the same");
    let nowhere = REFUND.replace("24826418", "null");
    assert_eq!(returns(&nowhere, &[])[0].location, None, "the node's own, where Shopify does not say");
}

#[test]
fn a_malformed_refund_is_refused_by_field() {
    let bent = |from: &str, to: &str| malformed("refunds/create", &REFUND.replacen(from, to, 1)).0;
    assert_eq!(bent("\"id\": 929361478", "\"id\": null"), "id");
    assert_eq!(bent("\"order_id\": 5830118211", "\"order_id\": \"x\""), "order_id");
    assert_eq!(bent("2026-11-24T14:20:11+01:00", "today"), "created_at");
    assert_eq!(bent("\"quantity\": 2", "\"quantity\": 0"), "refund_line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 2", "\"quantity\": -2"), "refund_line_items[0].quantity");
    assert_eq!(bent("\"restock_type\": \"return\"", "\"restock_type\": \"lost\""), "refund_line_items[0].restock_type");
    assert_eq!(bent("\"restock_type\": \"return\",", ""), "refund_line_items[0].restock_type");
    assert_eq!(bent("\"line_item\":", "\"item\":"), "refund_line_items[0].line_item");
    assert_eq!(bent("\"sku\": \"TEA-GREEN-100\"", "\"sku\": \" \""), "refund_line_items[0].line_item.sku");
    let unknown = translate("refunds/create", &REFUND.replace("39072856", "5"), STORE).unwrap_err();
    assert!(
        matches!(&unknown, Failure::UnknownSku(detail) if detail.field == "refund_line_items[2].line_item.variant_id"),
        "{unknown:?}"
    );
}

#[test]
fn what_shopify_shipped_has_left_where_the_channel_ships() {
    let expected = FulfilOrder {
        reference: "5511200077".to_owned(),
        order: "5830118211".to_owned(),
        lines: vec![line("TEA-GREEN-100", 2), line("POT", 1)],
        fulfilled_at: 1_795_275_600_000_000,
        location: Some("store-1".to_owned()),
    };
    for topic in ["fulfillments/create", "fulfillments/update"] {
        assert_eq!(left(topic, FULFILMENT, SHIPPED), std::slice::from_ref(&expected));
        assert_eq!(translate(topic, FULFILMENT, STORE).unwrap(), [], "nodes ship, if nobody says otherwise");
    }
    let settings = [("fulfilled-by", "channel"), ("location.24826418", "")];
    assert_eq!(left("fulfillments/create", FULFILMENT, &settings), []);
    let failure = translate("fulfillments/create", FULFILMENT, &[("fulfilled-by", "me")]).unwrap_err();
    assert!(matches!(failure, Failure::Rejected(detail) if detail.field == "fulfilled-by"));
    assert!(!format!("{expected:?}").contains("Ada"));
}

#[test]
fn a_fulfilment_counts_once_it_succeeded_and_one_that_was_cancelled_is_said() {
    let with = |status: &str| FULFILMENT.replace("\"success\"", &format!("{status:?}"));
    for status in ["pending", "open", "error", "failure"] {
        assert_eq!(left("fulfillments/update", &with(status), SHIPPED), [], "{status}");
    }
    let cancelled = translate("fulfillments/update", &with("cancelled"), SHIPPED).unwrap_err();
    assert!(matches!(cancelled, Failure::Unsupported(detail) if detail.field == "status"));
    let odd = translate("fulfillments/update", &with("sent"), SHIPPED).unwrap_err();
    assert!(matches!(odd, Failure::Malformed(detail) if detail.field == "status"));
}

#[test]
fn an_order_that_is_fulfilled_says_the_same_fulfilments_again() {
    for topic in ["orders/fulfilled", "orders/partially_fulfilled"] {
        let left: Vec<_> =
            left(topic, FULFILLED, SHIPPED).into_iter().map(|left| (left.reference, left.lines)).collect();
        let first = ("5511200077".to_owned(), vec![line("TEA-GREEN-100", 2), line("POT", 1)]);
        assert_eq!(left, [first, ("5511200078".to_owned(), vec![line("TEA-GREEN-100", 1)])], "{topic}");
        assert_eq!(translate(topic, FULFILLED, &[]).unwrap(), []);
    }
}

#[test]
fn a_malformed_fulfilment_is_refused_by_field() {
    let bent = |from: &str, to: &str| {
        let failure = translate("fulfillments/create", &FULFILMENT.replacen(from, to, 1), SHIPPED).unwrap_err();
        let Failure::Malformed(detail) = failure else { panic!("{failure:?}") };
        detail.field
    };
    assert_eq!(bent("\"id\": 5511200077", "\"id\": 0"), "id");
    assert_eq!(bent("\"order_id\": 5830118211,", ""), "order_id");
    assert_eq!(bent("2026-11-21T16:40:00+01:00", "2026-11-21"), "created_at");
    assert_eq!(bent("\"status\": \"success\",", ""), "status");
    assert_eq!(bent("\"location_id\": 24826418", "\"location_id\": -1"), "location_id");
    assert_eq!(bent("\"line_items\"", "\"items\""), "line_items");
    assert_eq!(bent("\"quantity\": 2", "\"quantity\": 2000000000"), "line_items[0].quantity");
    let nested = translate("orders/fulfilled", &FULFILLED.replace("\"success\"", "\"gone\""), SHIPPED).unwrap_err();
    assert!(matches!(nested, Failure::Malformed(detail) if detail.field == "fulfillments[1].status"));
}
