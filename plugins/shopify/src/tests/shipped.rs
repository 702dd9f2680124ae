//! What Shopify is told of goods that left.

use std::collections::BTreeMap;

use tillmesh_plugin::StockLine;
use tillmesh_plugin::outbound::{OrderCancelled, OrderFulfilled};
use tillmesh_plugin::testing::Full;

use super::*;

const ORDER_ID: &str = "5830118211";
const TOLD: &[(&str, &str)] = &[("tell-fulfilments", "yes"), ("location.655441491", "web")];

fn take(topic: &str, body: &str, kept: &mut dyn Store) -> Result<Vec<Command>, Failure> {
    crate::translate(&message(topic, body), &context(&[]), &known(), kept)
}

/// What is kept once the fulfilment orders of the order were posted.
fn posted() -> BTreeMap<String, Vec<u8>> {
    let mut kept = BTreeMap::new();
    assert_eq!(take("fulfillment_orders", TO_LEAVE, &mut kept), Ok(vec![]));
    assert_eq!(kept.len(), 1);
    kept
}

fn event(lines: &[(&str, u64)]) -> Event {
    let line = |(sku, quantity): &(&str, u64)| StockLine { sku: (*sku).to_owned(), quantity: *quantity };
    Event::OrderFulfilled(OrderFulfilled {
        order: ORDER_ID.to_owned(),
        fulfilment: "PP0042".to_owned(),
        lines: lines.iter().map(line).collect(),
        location: "web".to_owned(),
        fulfilled_at: 0,
    })
}

/// The bodies that Shopify is sent.
fn told(lines: &[(&str, u64)], settings: &[(&str, &str)], kept: &mut dyn Store) -> Result<Vec<String>, Failure> {
    let messages = render(&[event(lines)], &context(settings), kept)?;
    let body = |message: OutboundMessage| {
        assert_eq!((message.topic.as_str(), message.ordering_key.as_deref()), ("fulfillments", Some(ORDER_ID)));
        String::from_utf8(message.body).unwrap()
    };
    Ok(messages.into_iter().map(body).collect())
}

/// A body for units of lines of a fulfilment order.
fn body(part: u64, lines: &[(u64, u64)], notify: bool) -> String {
    let lines: Vec<_> = lines.iter().map(|(id, quantity)| format!(r#"{{"id":{id},"quantity":{quantity}}}"#)).collect();
    let of = format!(r#"{{"fulfillment_order_id":{part},"fulfillment_order_line_items":[{}]}}"#, lines.join(","));
    format!(r#"{{"fulfillment":{{"notify_customer":{notify},"line_items_by_fulfillment_order":[{of}]}}}}"#)
}

#[test]
fn goods_leave_by_the_fulfilment_orders_of_their_location_first() {
    let mut kept = posted();
    let two = told(&[("TEA-GREEN-100", 2)], TOLD, &mut kept).unwrap();
    assert_eq!(two, [body(1_046_000_782, &[(1_072_503_272, 2)], false)]);
    let rest = told(&[("TEA-GREEN-100", 1), ("POT", 1)], TOLD, &mut kept).unwrap();
    let last = body(1_046_000_782, &[(1_072_503_273, 1), (1_072_503_274, 1)], false);
    assert_eq!(
        rest,
        [last, body(1_046_000_781, &[(1_072_503_271, 1)], false)],
        "the charge leaves with the last goods"
    );
    assert!(kept.is_empty(), "nothing is to leave any more");
}

#[test]
fn the_customer_hears_of_it_where_the_settings_say_so_and_shopify_too() {
    let mut kept = posted();
    let notify = [("tell-fulfilments", "notify")];
    let first = told(&[("TEA-GREEN-100", 1)], &notify, &mut kept).unwrap();
    assert_eq!(first, [body(1_046_000_781, &[(1_072_503_271, 1)], true)], "no location is the node's: the first one");
    assert_eq!(told(&[("POT", 1)], &[], &mut kept), Ok(vec![]), "nothing is told, if nobody says");
    let wrong = told(&[("POT", 1)], &[("tell-fulfilments", "maybe")], &mut kept).unwrap_err();
    assert!(matches!(wrong, Failure::Rejected(detail) if detail.field == "tell-fulfilments"));
}

#[test]
fn what_shopify_does_not_have_open_is_said_and_nothing_is_told() {
    let mut kept = posted();
    for (lines, says) in [(vec![("TEA-GREEN-100", 4)], "lack 1"), (vec![("POT", 1), ("CUP", 2)], "lack 2")] {
        let failure = told(&lines, TOLD, &mut kept).unwrap_err();
        assert!(matches!(&failure, Failure::Rejected(detail) if detail.rule.contains(says)), "{failure:?}");
    }
    assert_eq!(kept, posted(), "what is to leave is as it was");
    let failure = told(&[("POT", 1)], TOLD, &mut BTreeMap::new()).unwrap_err();
    assert!(matches!(failure, Failure::Rejected(detail) if detail.value == ORDER_ID && detail.rule.contains("post")));
}

#[test]
fn what_is_posted_later_takes_the_place_of_what_was_known() {
    let mut kept = posted();
    told(&[("TEA-GREEN-100", 3)], TOLD, &mut kept).unwrap();
    take("fulfillment_orders", TO_LEAVE, &mut kept).unwrap();
    assert_eq!(kept, posted());
    let over = TO_LEAVE.replace("\"open\"", "\"closed\"").replace("\"in_progress\"", "\"cancelled\"");
    take("fulfillment_orders", &over, &mut kept).unwrap();
    assert!(kept.is_empty(), "nothing is open any more");
}

#[test]
fn an_order_that_is_over_is_forgotten() {
    for (topic, body) in [("orders/cancelled", CANCELLED), ("orders/fulfilled", FULFILLED)] {
        let mut kept = posted();
        take(topic, body, &mut kept).unwrap();
        assert!(kept.is_empty(), "{topic}");
    }
    let mut kept = posted();
    take("orders/partially_fulfilled", FULFILLED, &mut kept).unwrap();
    assert_eq!(kept, posted(), "there is more to come");
    let cancelled = OrderCancelled { order: ORDER_ID.to_owned(), cancelled_at: 0, reason: None };
    assert_eq!(render(&[Event::OrderCancelled(cancelled)], &context(TOLD), &mut kept), Ok(vec![]));
    assert!(kept.is_empty());
}

#[test]
fn a_state_without_room_is_said() {
    let failure = take("fulfillment_orders", TO_LEAVE, &mut Full).unwrap_err();
    assert!(matches!(failure, Failure::Retry(detail) if detail.rule.contains("state_kilobytes")));
}

#[test]
fn malformed_fulfilment_orders_are_refused_by_field_and_nothing_is_kept() {
    let bent = |from: &str, to: &str| {
        let mut kept = BTreeMap::new();
        let failure = take("fulfillment_orders", &TO_LEAVE.replacen(from, to, 1), &mut kept).unwrap_err();
        assert!(kept.is_empty());
        match failure {
            Failure::Malformed(detail) | Failure::UnknownSku(detail) => detail.field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bent("\"fulfillment_orders\"", "\"orders\""), "fulfillment_orders");
    assert_eq!(bent("\"id\": 1046000781", "\"id\": null"), "fulfillment_orders[1].id");
    assert_eq!(bent("\"order_id\": 5830118211", "\"order_id\": \"\""), "fulfillment_orders[0].order_id");
    assert_eq!(bent("\"status\": \"open\",", ""), "fulfillment_orders[1].status");
    let line = "fulfillment_orders[1].line_items[0]";
    assert_eq!(bent("\"id\": 1072503271", "\"id\": -1"), format!("{line}.id"));
    assert_eq!(
        bent("\"fulfillable_quantity\": 1", "\"fulfillable_quantity\": -1"),
        format!("{line}.fulfillable_quantity")
    );
    assert_eq!(bent("\"variant_id\": 39072856", "\"variant_id\": 5"), "fulfillment_orders[2].line_items[1].variant_id");
}

#[test]
fn nothing_that_is_kept_wrong_makes_it_panic() {
    let sound = posted();
    let (key, value) = sound.first_key_value().unwrap();
    for value in testing::mutants(value, 10_000) {
        let mut kept = BTreeMap::from([(key.clone(), value)]);
        // What it comes to is not the question.
        let _ = told(&[("TEA-GREEN-100", 3), ("POT", 1)], TOLD, &mut kept);
    }
}
