//! WooCommerce's bodies. The fixtures of this folder are written by hand after WooCommerce's documentation.

use std::collections::HashMap;

use tillmesh_plugin::inbound::PlaceOrder;
use tillmesh_plugin::testing::{self, RECEIVED, context, product};
use tillmesh_plugin::{LineContent, Product};

use super::*;

mod wide;

const ORDER: &str = include_str!("../fixtures/order.json");
const REFUND: &str = include_str!("../fixtures/refund.json");
const PRODUCT: &str = include_str!("../fixtures/product.json");

/// Products by the references that WooCommerce has for them, and by SKU with their base unit.
struct Known(HashMap<&'static str, &'static str>);

impl Catalogue for Known {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        self.0.get(reference).map(|sku| product(sku))
    }

    fn by_sku(&self, sku: &str) -> Option<Product> {
        (sku == "CHEESE").then(|| Product { unit: Some("g".to_owned()), ..product(sku) })
    }
}

fn message(topic: &str, body: &str) -> Message {
    testing::message(topic, "application/json", body.as_bytes())
}

fn translate(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    WooCommerce::translate(&message(topic, body), &context(settings), &Known(HashMap::from([("15", "POT")])))
}

fn order(body: &str) -> PlaceOrder {
    match translate("order.updated", body, &[]).unwrap().as_slice() {
        [Command::PlaceOrder(order)] => order.clone(),
        other => panic!("{other:?}"),
    }
}

fn detail(failure: Failure) -> (String, String) {
    match failure {
        Failure::Malformed(detail) | Failure::Rejected(detail) | Failure::UnknownSku(detail) => {
            (detail.field, detail.rule)
        }
        other => panic!("{other:?}"),
    }
}

fn amount(money: &Option<tillmesh_plugin::Money>) -> Option<i64> {
    money.as_ref().map(|money| money.amount)
}

#[test]
fn an_order_keeps_its_lines_fees_and_totals_to_the_cent() {
    let order = order(ORDER);
    assert_eq!((order.reference.as_str(), order.currency.as_str()), ("4711", "EUR"));
    assert_eq!(order.placed_at, 1_795_164_931_000_000);
    let lines: Vec<_> = order.lines.iter().map(|it| (it.content.clone(), it.quantity, amount(&it.amount))).collect();
    let sku = |sku: &str| LineContent::Sku(sku.to_owned());
    let fee = LineContent::Charge("fee-41".to_owned());
    assert_eq!(lines, [(sku("TEA-GREEN-100"), 3, Some(2_200)), (sku("POT"), 1, Some(900)), (fee, 1, Some(200))]);
    assert_eq!(order.lines[0].unit_price, None, "a price of fifteen decimals is none");
    assert_eq!(order.lines[1].unit_price.as_ref().map(|price| price.amount), Some(9));
    let stated = &order.stated;
    assert_eq!((amount(&stated.subtotal), amount(&stated.total)), (Some(3_300), Some(4_417)));
    assert_eq!(
        (amount(&stated.tax), amount(&stated.shipping), amount(&stated.discount)),
        (Some(627), Some(490), Some(200))
    );
    assert!(!stated.tax_included);
}

#[test]
fn a_status_decides_what_becomes_of_an_order() {
    let with = |status: &str| ORDER.replace("\"processing\"", &format!("{status:?}"));
    for status in ["pending", "on-hold", "completed", "refunded", "a-status-of-another-plugin"] {
        assert_eq!(order(&with(status)).reference, "4711");
    }
    for status in ["draft", "checkout-draft", "auto-draft", "trash", "failed"] {
        assert_eq!(translate("order.updated", &with(status), &[]).unwrap(), []);
    }
    let commands = translate("order.updated", &with("cancelled"), &[]).unwrap();
    let [Command::CancelOrder(cancel)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((cancel.reference.as_str(), cancel.reason.as_deref()), ("4711", Some("cancelled")));
    assert_eq!(cancel.cancelled_at, 1_795_165_262_000_000);
    assert_eq!(translate("order.deleted", "{\"id\": 4711}", &[]).unwrap(), []);
}

#[test]
fn a_completed_order_has_left_where_the_channel_fulfils_its_orders() {
    let completed = ORDER.replace("\"processing\"", "\"completed\"");
    let commands = translate("order.updated", &completed, &[("fulfilled-by", "channel"), ("location", "web")]).unwrap();
    let [Command::PlaceOrder(_), Command::FulfilOrder(left)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((left.order.as_str(), left.reference.as_str()), ("4711", "4711"));
    let lines: Vec<_> = left.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
    assert_eq!((lines, left.location.as_deref()), (vec![("TEA-GREEN-100", 3), ("POT", 1)], Some("web")));
    assert_eq!(left.fulfilled_at, 1_795_165_262_000_000);
}

#[test]
fn nothing_personal_passes() {
    let order = order(ORDER);
    assert_eq!(order.customer_ref.as_deref(), Some("86"));
    let text = format!("{order:?}");
    for personal in ["Grace", "Hopper", "example.com", "Harbour"] {
        assert!(!text.contains(personal), "{personal} passed");
    }
    let guest = ORDER.replace("\"customer_id\": 86", "\"customer_id\": 0");
    assert_eq!(
        translate("order.created", &guest, &[])
            .map(|it| matches!(&it[0], Command::PlaceOrder(order) if order.customer_ref.is_none())),
        Ok(true)
    );
}

#[test]
fn a_refund_brings_back_its_lines_and_no_money() {
    let commands = translate("refund", REFUND, &[("location", "store-2")]).unwrap();
    let [Command::RecordReturn(back)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((back.reference.as_str(), back.order.as_deref()), ("4790", Some("4711")));
    assert_eq!((back.lines.len(), back.lines[0].sku.as_str(), back.lines[0].quantity), (1, "TEA-GREEN-100", 1));
    assert_eq!(back.location.as_deref(), Some("store-2"));
    assert_eq!(
        translate("refund", &REFUND.replace("\"quantity\": -1", "\"quantity\": 0"), &[]).unwrap(),
        [],
        "money alone"
    );
    assert_eq!(translate("refund", &format!("[{REFUND}, {REFUND}]"), &[]).unwrap().len(), 2);
    let (field, _) = detail(translate("refund", &REFUND.replace("orders/4711", "orders/"), &[]).unwrap_err());
    assert_eq!(field, "_links.up[0].href");
}

#[test]
fn a_product_is_known_by_its_sku_and_its_stock_is_taken_where_the_channel_knows_best() {
    let commands = translate("product.updated", PRODUCT, &[("currency", "EUR")]).unwrap();
    let [Command::UpsertProduct(product)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((product.sku.as_str(), product.references.as_slice()), ("TEA-GREEN-100", ["11".to_owned()].as_slice()));
    assert_eq!((product.gtin.as_deref(), product.category.as_deref()), (Some("4006381333931"), Some("Tea")));
    assert_eq!(product.price.as_ref().map(|price| (price.amount, price.scale)), Some((800, Some(2))));
    let settings = [("currency", "EUR"), ("stock", "channel"), ("location", "web")];
    let commands = translate("product.updated", PRODUCT, &settings).unwrap();
    let [_, Command::SetAvailable(set)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((set.available, set.as_of, set.location.as_deref()), (17, RECEIVED, Some("web")));
    let other_gtin = PRODUCT.replace("4006381333931", "4006381333932");
    let commands = translate("product.updated", &other_gtin, &[("currency", "EUR")]).unwrap();
    assert!(matches!(commands.as_slice(), [Command::UpsertProduct(product)] if product.gtin.is_none()), "{commands:?}");
    let unmanaged = PRODUCT.replace("\"manage_stock\": true", "\"manage_stock\": \"parent\"");
    assert_eq!(translate("product.updated", &unmanaged, &settings).unwrap().len(), 1);
    assert_eq!(translate("product.updated", &PRODUCT.replace("TEA-GREEN-100", ""), &[]).unwrap(), []);
    assert_eq!(detail(translate("product.updated", PRODUCT, &[]).unwrap_err()).0, "currency");
    assert_eq!(
        detail(translate("product.updated", PRODUCT, &[("currency", "EUR"), ("stock", "x")]).unwrap_err()).0,
        "stock"
    );
}

#[test]
fn what_is_sold_by_weight_is_counted_in_base_units() {
    let cheese = ORDER
        .replace("TEA-GREEN-100", "CHEESE")
        .replace("\"quantity\": 3", "\"quantity\": 0.25")
        .replace("7.333333333333333", "19.90");
    let settings = [("scale.g", "1000")];
    let commands = translate("order.created", &cheese, &settings).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((order.lines[0].quantity, amount(&order.lines[0].amount)), (250, Some(2_200)));
    assert_eq!(order.lines[0].unit_price.as_ref().map(|price| (price.amount, price.scale)), Some((1_990, Some(5))));
    assert_eq!(order.lines[1].quantity, 1, "what has no unit is counted as it is");
    let product =
        PRODUCT.replace("TEA-GREEN-100", "CHEESE").replace("\"stock_quantity\": 17", "\"stock_quantity\": 1.5");
    let settings = [("scale.g", "1000"), ("currency", "EUR"), ("stock", "channel")];
    let commands = translate("product.updated", &product, &settings).unwrap();
    let [Command::UpsertProduct(product), Command::SetAvailable(set)] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    assert_eq!((product.unit.as_deref(), set.available), (Some("g"), 1_500), "what the catalogue knows stays");
    assert_eq!(product.price.as_ref().map(|price| (price.amount, price.scale)), Some((800, Some(5))));
    let (field, rule) = detail(translate("order.created", &cheese, &[]).unwrap_err());
    assert_eq!(field, "line_items[0].quantity");
    assert!(rule.contains("scale.<base unit>"), "{rule}");
    assert_eq!(detail(translate("order.created", &cheese, &[("scale.g", "12")]).unwrap_err()).0, "scale.g");
}

#[test]
fn what_is_not_as_documented_names_field_and_rule() {
    let of =
        |before: &str, after: &str| detail(translate("order.created", &ORDER.replace(before, after), &[]).unwrap_err());
    assert_eq!(of("4711,", "\"x\",").0, "id");
    assert_eq!(of("\"EUR\"", "\"euro\"").0, "currency");
    assert_eq!(of("\"2026-11-20T08:55:31\"", "\"yesterday\"").0, "date_created_gmt");
    assert_eq!(of("\"quantity\": 3", "\"quantity\": 0").0, "line_items[0].quantity");
    assert_eq!(of("\"quantity\": 3", "\"quantity\": 1e3").0, "line_items[0].quantity");
    assert_eq!(of("\"22.00\"", "\"22.001\"").0, "line_items[0].total");
    assert_eq!(of("\"TEA-GREEN-100\"", "\" TEA\"").0, "line_items[0].sku");
    assert_eq!(of("\"quantity\": 3", "\"quantity\": 2000000000").0, "line_items[0].quantity");
    assert_eq!(of("\"variation_id\": 15", "\"variation_id\": 16").0, "line_items[1].variation_id");
    assert_eq!(of("\"status\": \"processing\",", "").0, "status");
    assert_eq!(of("\"line_items\"", "\"items\"").0, "line_items");
    assert_eq!(detail(translate("order.created", &ORDER[..ORDER.len() - 20], &[]).unwrap_err()).0, "body");
    assert!(matches!(translate("coupon.created", "{}", &[]), Err(Failure::Unsupported(_))));
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    for (topic, sound) in [("order.updated", ORDER), ("refund", REFUND), ("product.updated", PRODUCT)] {
        for body in testing::mutants(sound.as_bytes(), 10_000) {
            // What it comes to is not the question.
            let known = Known(HashMap::from([("15", "POT")]));
            let _ = WooCommerce::translate(&testing::message(topic, "application/json", &body), &context(&[]), &known);
        }
    }
}
