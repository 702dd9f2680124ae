//! Shopify's bodies. The fixtures of this folder are written by hand after Shopify's documentation.

use std::collections::HashMap;

use tillmesh_plugin::inbound::{CancelOrder, PlaceOrder, SetAvailable};
use tillmesh_plugin::testing::{self, context, product};
use tillmesh_plugin::{LineContent, Product};

use super::*;

mod goods;
mod product;
mod shipped;
mod wide;

const ORDER: &str = include_str!("../fixtures/orders-create.json");
const CANCELLED: &str = include_str!("../fixtures/orders-cancelled.json");
const LEVEL: &str = include_str!("../fixtures/inventory-levels-update.json");
const REFUND: &str = include_str!("../fixtures/refunds-create.json");
const PRODUCT: &str = include_str!("../fixtures/products-update.json");
const FULFILMENT: &str = include_str!("../fixtures/fulfillments-create.json");
const FULFILLED: &str = include_str!("../fixtures/orders-fulfilled.json");
const TO_LEAVE: &str = include_str!("../fixtures/fulfillment-orders.json");

/// Products by the references that Shopify has for them.
struct Known(HashMap<&'static str, &'static str>);

impl Catalogue for Known {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        self.0.get(reference).map(|sku| product(sku))
    }
}

fn known() -> Known {
    Known(HashMap::from([
        ("39072856", "POT"),
        ("gid://shopify/ProductVariant/44310072", "TEA-GREEN-100"),
        ("gid://shopify/InventoryItem/271878346596884015", "TEA"),
    ]))
}

fn message(topic: &str, body: &str) -> Message {
    testing::message(topic, "application/json", body.as_bytes())
}

fn translate(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    Shopify::translate(&message(topic, body), &context(settings), &known())
}

fn order(body: &str) -> PlaceOrder {
    match translate("orders/create", body, &[]).unwrap().as_slice() {
        [Command::PlaceOrder(order)] => order.clone(),
        other => panic!("{other:?}"),
    }
}

/// The field and the rule of a failure.
fn malformed(topic: &str, body: &str) -> (String, String) {
    match translate(topic, body, &[]).unwrap_err() {
        Failure::Malformed(detail) => (detail.field, detail.rule),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_keeps_its_lines_and_totals_to_the_cent() {
    let order = order(ORDER);
    assert_eq!((order.reference.as_str(), order.currency.as_str()), ("5830118211", "EUR"));
    assert_eq!(order.placed_at, 1_795_162_531_000_000);
    let lines: Vec<_> = order.lines.iter().map(|line| (line.quantity, line.amount.as_ref().unwrap().amount)).collect();
    assert_eq!(lines, [(3, 2_295), (1, 1_620), (1, 425)]);
    let price = order.lines[0].unit_price.as_ref().unwrap();
    assert_eq!((price.amount, price.scale), (850, Some(2)));
    let stated = &order.stated;
    let amount = |money: &Option<tillmesh_plugin::Money>| money.as_ref().map(|money| money.amount);
    assert_eq!((amount(&stated.subtotal), amount(&stated.total)), (Some(4_340), Some(4_830)));
    assert_eq!(
        (amount(&stated.discount), amount(&stated.tax), amount(&stated.shipping)),
        (Some(435), Some(771), Some(490))
    );
    assert!(stated.tax_included);
}

#[test]
fn a_line_is_an_article_by_sku_or_variant_and_else_a_charge() {
    let contents: Vec<_> = order(ORDER).lines.into_iter().map(|line| line.content).collect();
    let expected = [
        LineContent::Sku("TEA-GREEN-100".to_owned()),
        LineContent::Sku("POT".to_owned()),
        LineContent::Charge("14205503".to_owned()),
    ];
    assert_eq!(contents, expected);
    let unknown = translate("orders/create", &ORDER.replace("39072856", "5"), &[]).unwrap_err();
    let Failure::UnknownSku(detail) = unknown else { panic!("{unknown:?}") };
    assert_eq!((detail.field.as_str(), detail.value.as_str()), ("line_items[1].variant_id", "5"));
}

#[test]
fn nothing_personal_passes() {
    let order = order(ORDER);
    assert_eq!(order.customer_ref.as_deref(), Some("7412300981"));
    let text = format!("{order:?}");
    for personal in ["Ada", "Lovelace", "example.com", "Street"] {
        assert!(!text.contains(personal), "{personal} passed");
    }
}

#[test]
fn totals_that_do_not_add_up_are_kept_as_they_are() {
    let odd = order(&ORDER.replace("\"48.30\"", "\"48.31\""));
    assert_eq!(odd.stated.total.unwrap().amount, 4_831);
}

#[test]
fn fields_that_shopify_adds_change_nothing() {
    let more = ORDER.replacen('{', "{\"new_field\": {\"id\": [1, {\"price\": -1}]}, ", 1);
    assert_eq!(order(&more), order(ORDER));
}

#[test]
fn numbers_may_be_numbers_or_texts() {
    let texts =
        ORDER.replace("\"price\": \"8.50\"", "\"price\": 8.50").replace("\"quantity\": 3", "\"quantity\": \"3\"");
    assert_eq!(order(&texts), order(ORDER));
    let decimals = ORDER.replace("\"quantity\": 3", "\"quantity\": 3.0");
    assert_eq!(order(&decimals), order(ORDER), "a whole number is one however it is written");
    let level = LEVEL.replace("\"available\": 17", "\"available\": -17.0");
    let level = translate("inventory_levels/update", &level, &[("location.24826418", "store-1")]).unwrap();
    assert!(matches!(level.as_slice(), [Command::SetAvailable(SetAvailable { available: -17, .. })]), "{level:?}");
}

#[test]
fn shipping_is_what_it_costs_after_all_discounts_whichever_field_has_them() {
    let cost = |line: &str| {
        let body = ORDER.replace("\"price\": \"6.90\", \"discounted_price\": \"4.90\"", line);
        order(&body).stated.shipping.map(|shipping| shipping.amount)
    };
    let allocated = "\"discount_allocations\": [{ \"amount\": \"6.90\", \"discount_application_index\": 0 }]";
    assert_eq!(cost("\"price\": \"6.90\""), Some(690));
    assert_eq!(cost("\"price\": \"6.90\", \"discounted_price\": null"), Some(690));
    assert_eq!(cost("\"price\": \"6.90\", \"discounted_price\": \"0.00\", \"discount_allocations\": []"), Some(0));
    for discounted in ["6.90", "0.00"] {
        let line = format!("\"price\": \"6.90\", \"discounted_price\": {discounted:?}, {allocated}");
        assert_eq!(cost(&line), Some(0), "{discounted}");
    }
    assert_eq!(cost(&format!("\"price\": \"6.90\", {allocated}")), Some(0));
}

#[test]
fn a_cancellation_names_the_order_the_moment_and_the_reason() {
    let expected = CancelOrder {
        reference: "5830118211".to_owned(),
        cancelled_at: 1_795_168_927_000_000,
        reason: Some("customer".to_owned()),
    };
    assert_eq!(translate("orders/cancelled", CANCELLED, &[]).unwrap(), [Command::CancelOrder(expected)]);
    assert_eq!(malformed("orders/cancelled", ORDER).0, "cancelled_at");
    let wordy = CANCELLED.replace("\"customer\",", &format!("\"{}\",", "so\\tit goes ".repeat(40)));
    let cancelled = translate("orders/cancelled", &wordy, &[]).unwrap();
    let [Command::CancelOrder(CancelOrder { reason: Some(reason), .. })] = cancelled.as_slice() else { panic!() };
    assert!(reason.starts_with("so it goes so") && reason.len() == 200, "{reason}");
}

#[test]
fn a_level_is_for_the_location_that_the_settings_name() {
    let settings = [("location.24826418", "store-1")];
    let expected = SetAvailable {
        sku: "TEA".to_owned(),
        available: 17,
        as_of: 1_795_166_703_000_000,
        location: Some("store-1".to_owned()),
    };
    let level = |body: &str, settings: &[(&str, &str)]| translate("inventory_levels/update", body, settings);
    assert_eq!(level(LEVEL, &settings).unwrap(), [Command::SetAvailable(expected)]);
    assert_eq!(level(LEVEL, &[("location.24826418", "")]).unwrap(), []);
    assert_eq!(level(&LEVEL.replace("\"available\": 17", "\"available\": null"), &settings).unwrap(), []);
    let endless = level(&LEVEL.replace("\"available\": 17", "\"available\": 9223372036854775807"), &settings);
    assert!(matches!(endless.unwrap_err(), Failure::Malformed(detail) if detail.field == "available"));
    assert!(matches!(level(LEVEL, &[]).unwrap_err(), Failure::Rejected(detail) if detail.field == "location_id"));
    let unknown = level(&LEVEL.replace("271878346596884015", "1"), &settings).unwrap_err();
    assert!(matches!(unknown, Failure::UnknownSku(_)));
}

#[test]
fn malformed_bodies_are_refused_by_field() {
    let bent = |from: &str, to: &str| malformed("orders/create", &ORDER.replacen(from, to, 1)).0;
    assert_eq!(bent("\"id\": 5830118211", "\"id\": null"), "id");
    assert_eq!(bent("\"id\": 5830118211", "\"id\": -4"), "id");
    assert_eq!(bent("\"id\": 5830118211", "\"id\": {}"), "id");
    assert_eq!(bent("\"currency\": \"EUR\"", "\"currency\": \"euro\""), "currency");
    assert_eq!(bent("2026-11-20T09:15:31+01:00", "yesterday"), "created_at");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": 0"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": 1.5"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": -1.5"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": 0.0"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": 2000000000.0"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": -1"), "line_items[0].quantity");
    assert_eq!(bent("\"quantity\": 3", "\"quantity\": 9223372036854775807"), "line_items[0].quantity");
    assert_eq!(bent("\"price\": \"8.50\"", "\"price\": \"8.505\""), "line_items[0].price");
    assert_eq!(bent("\"price\": \"8.50\"", "\"price\": \"1e9\""), "line_items[0].price");
    assert_eq!(bent("\"total_price\": \"48.30\"", "\"total_price\": \"99999999999999999999\""), "total_price");
    assert_eq!(bent("\"taxes_included\": true", "\"taxes_included\": \"yes\""), "taxes_included");
    assert_eq!(malformed("orders/create", "{}").0, "id");
    assert_eq!(malformed("orders/create", CANCELLED).0, "line_items");
    for no_json in ["", "{", "null", "[]", "\"id\"", "{\"id\": 1}}"] {
        assert_eq!(malformed("orders/create", no_json).0, "body", "{no_json}");
    }
    for end in 1..ORDER.trim_end().len() {
        assert_eq!(malformed("orders/create", &ORDER[..end]).0, "body", "cut at {end}");
    }
}

#[test]
fn other_topics_are_unsupported() {
    for (topic, says) in [("themes/create", "products/create"), ("fulfillment_orders/moved", "post them")] {
        let Failure::Unsupported(detail) = translate(topic, "{}", &[]).unwrap_err() else { panic!("{topic}") };
        assert!(detail.value == topic && detail.rule.contains(says), "{detail:?}");
    }
}

#[test]
fn levels_are_told_for_what_shopify_knows() {
    let level = |location: &str, references: &[&str]| {
        Event::AvailabilityChanged(tillmesh_plugin::outbound::AvailabilityChanged {
            sku: "TEA".to_owned(),
            available: -2,
            location: location.to_owned(),
            as_of: 0,
            references: references.iter().map(ToString::to_string).collect(),
        })
    };
    let item = "gid://shopify/InventoryItem/808950810";
    let events = [level("web", &["39072856", item]), level("depot", &[item]), level("web", &["39072856"])];
    let told = Shopify::render(&events, &context(&[("location.655441491", "web")]), &known()).unwrap();
    let [told] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((told.topic.as_str(), told.ordering_key.as_deref()), ("inventory_levels/set", Some("808950810")));
    let body = str::from_utf8(&told.body).unwrap();
    assert_eq!(body, r#"{"location_id":655441491,"inventory_item_id":808950810,"available":-2}"#);
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let settings = [("location.655441491", "web"), ("location.24826418", "store-1"), ("fulfilled-by", "channel")];
    let settings = [&settings[..], &[("currency", "EUR"), ("untaxed", "zero")]].concat();
    for (topic, sound) in [
        ("orders/create", ORDER),
        ("orders/cancelled", CANCELLED),
        ("orders/fulfilled", FULFILLED),
        ("fulfillments/create", FULFILMENT),
        ("fulfillment_orders", TO_LEAVE),
        ("refunds/create", REFUND),
        ("products/update", PRODUCT),
        ("inventory_levels/update", LEVEL),
    ] {
        for body in testing::mutants(sound.as_bytes(), 10_000) {
            // What it comes to is not the question.
            let message = testing::message(topic, "application/json", &body);
            let _ = Shopify::translate(&message, &context(&settings), &known());
        }
    }
}
