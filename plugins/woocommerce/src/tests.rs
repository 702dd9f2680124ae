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
    for status in ["pending", "on-hold", "completed", "a-status-of-another-plugin"] {
        assert_eq!(order(&with(status)).reference, "4711");
    }
    for status in ["draft", "checkout-draft", "auto-draft", "trash", "failed"] {
        assert_eq!(translate("order.updated", &with(status), &[]).unwrap(), []);
    }
    for status in ["cancelled", "refunded"] {
        let commands = translate("order.updated", &with(status), &[("fulfilled-by", "channel")]).unwrap();
        let [Command::CancelOrder(cancel)] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!((cancel.reference.as_str(), cancel.reason.as_deref()), ("4711", Some(status)));
        assert_eq!(cancel.cancelled_at, 1_795_165_262_000_000);
    }
    assert_eq!(translate("order.deleted", "{\"id\": 4711}", &[]).unwrap(), []);
}

#[test]
fn a_line_of_nothing_is_no_part_of_the_order() {
    for zero in ["0", "0.00", "\"0\"", "-0"] {
        let nothing = ORDER.replace("\"quantity\": 1", &format!("\"quantity\": {zero}"));
        let lines = order(&nothing.replace("\"variation_id\": 15", "\"variation_id\": 16")).lines;
        let lines: Vec<_> = lines.into_iter().map(|line| (line.content, line.quantity)).collect();
        let fee = LineContent::Charge("fee-41".to_owned());
        assert_eq!(lines, [(LineContent::Sku("TEA-GREEN-100".to_owned()), 3), (fee, 1)], "{zero}");
        let all = nothing.replace("\"quantity\": 3", &format!("\"quantity\": {zero}"));
        assert_eq!(translate("order.updated", &all, &[]).unwrap(), [], "nothing was ordered yet: {zero}");
    }
}

#[test]
fn an_order_that_nothing_was_added_to_yet_means_nothing() {
    let (from, to) = (ORDER.find("\"line_items\"").unwrap(), ORDER.find("\"fee_lines\"").unwrap());
    let empty = format!("{}\"line_items\": [], {}", &ORDER[..from], &ORDER[to..]);
    assert_eq!(translate("order.created", &empty, &[]).unwrap(), []);
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

/// What the catalogue has of the article.
struct Catalog;

impl Catalogue for Catalog {
    fn by_sku(&self, sku: &str) -> Option<Product> {
        let text = |text: &str| Some(text.to_owned());
        let (department, category, unit) = (text("Grocery"), text("Loose"), text("packet"));
        let (tax_class, gtin) = (text("reduced"), text("96385074"));
        let name = "Tea".to_owned();
        Some(Product { name, department, category, unit, tax_class, gtin, ..product(sku) })
    }
}

fn article(body: &str) -> Product {
    let settings = context(&[("currency", "EUR")]);
    match WooCommerce::translate(&message("product.updated", body), &settings, &Catalog).unwrap().as_slice() {
        [Command::UpsertProduct(product)] => product.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_woocommerce_does_not_state_stays_as_the_catalogue_has_it() {
    let stated = article(PRODUCT);
    assert_eq!((stated.gtin.as_deref(), stated.category.as_deref()), (Some("4006381333931"), Some("Tea")));
    for unsaid in ["\"global_unique_id\": \"\"", "\"global_unique_id\": null", "\"no_gtin\": true"] {
        let body = PRODUCT.replace("\"global_unique_id\": \"4006381333931\"", unsaid);
        assert_eq!(article(&body).gtin.as_deref(), Some("96385074"), "{unsaid}");
    }
    let with_dashes = PRODUCT.replace("4006381333931", "978-3-16-148410-0");
    assert_eq!(article(&with_dashes).gtin.as_deref(), Some("9783161484100"));
    let variation = ["\"name\": \"Green", "\"categories\"", "\"tax_class\""];
    let body =
        variation.iter().fold(PRODUCT.to_owned(), |body, field| body.replace(field, &field.replacen('"', "\"no_", 1)));
    let found = article(&body);
    assert_eq!((found.name.as_str(), found.category.as_deref()), ("Tea", Some("Loose")));
    assert_eq!((found.tax_class.as_deref(), found.department.as_deref()), (Some("reduced"), Some("Grocery")));
    let standard = PRODUCT.replace("\"tax_class\": \"reduced-rate\"", "\"tax_class\": \"\"");
    assert_eq!(article(&standard).tax_class, None, "the standard class has no name");
}

#[test]
fn texts_are_cut_to_what_a_node_takes() {
    let long = "\u{304a}".repeat(100);
    let body = PRODUCT.replace("\"reduced-rate\"", &format!("{long:?}"));
    let body = body.replace("\"name\": \"Tea\"", "\"name\": \"Tea\\tand more\"");
    let found = article(&body.replace("Green tea, 100 g", &long));
    assert_eq!(found.category.as_deref(), Some("Tea and more"));
    for text in [Some(found.name), found.tax_class] {
        assert_eq!(text.unwrap(), "\u{304a}".repeat(66));
    }
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
    assert_eq!(of("\"quantity\": 3", "\"quantity\": -3").0, "line_items[0].quantity");
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
