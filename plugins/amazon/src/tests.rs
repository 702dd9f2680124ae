//! Bodies written by hand after the documentation of the Selling Partner API.

use tillmesh_plugin::inbound::{CancelOrder, FulfilOrder, PlaceOrder, SetAvailable};
use tillmesh_plugin::testing::{self, context, product};
use tillmesh_plugin::{LineContent, Product};

use super::*;

mod wide;

const ORDER: &str = include_str!("../fixtures/order.json");
const DISCOUNT: &str = include_str!("../fixtures/order-discount.json");
const ORDER_V0: &str = include_str!("../fixtures/order-v0.json");
const VENDOR: &str = include_str!("../fixtures/vendor-orders.json");
const INVENTORY: &str = include_str!("../fixtures/inventory.json");
const CHANGE: &str = include_str!("../fixtures/order-change.json");

/// Knows one article by Amazon's number for it.
struct Known;

impl Catalogue for Known {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        (reference == "B000000002").then(|| product("POT"))
    }
}

fn message(topic: &str, body: &str) -> Message {
    testing::message(topic, "application/json", body.as_bytes())
}

fn translate(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    Amazon::translate(&message(topic, body), &context(settings), &Known)
}

/// SKU, units and minor units of each line.
fn lines(order: &PlaceOrder) -> Vec<(&str, u64, Option<i64>)> {
    order.lines.iter().map(line).collect()
}

fn line(line: &tillmesh_plugin::Line) -> (&str, u64, Option<i64>) {
    let LineContent::Sku(sku) = &line.content else { panic!("{line:?}") };
    (sku, line.quantity, line.amount.as_ref().map(|amount| amount.amount))
}

fn field(result: Result<Vec<Command>, Failure>) -> String {
    match result {
        Err(Failure::Malformed(detail) | Failure::Rejected(detail) | Failure::UnknownSku(detail)) => detail.field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_order_is_placed_with_what_its_goods_cost() {
    let commands = translate("orders", ORDER, &[]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((order.reference.as_str(), order.currency.as_str()), ("114-1111111-2222222", "USD"));
    assert_eq!(lines(order), [("TEA-GREEN-100", 2, Some(1_350)), ("POT", 1, Some(2_500))]);
    let amount = |money: &Option<tillmesh_plugin::Money>| money.as_ref().map(|money| money.amount);
    let stated = &order.stated;
    assert_eq!((amount(&stated.subtotal), amount(&stated.shipping)), (Some(3_850), Some(499)));
    assert_eq!((amount(&stated.tax), amount(&stated.total)), (Some(369), Some(4_718)));
    assert_eq!((order.placed_at, order.customer_ref.as_deref()), (1_795_856_400_000_000, None));
}

#[test]
fn what_is_taken_off_is_taken_off_the_goods_or_off_their_shipping() {
    let commands = translate("orders", DISCOUNT, &[]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(lines(order), [("TEA-GREEN-100", 2, Some(1_050)), ("CUP", 1, Some(500))]);
    let amount = |money: &Option<tillmesh_plugin::Money>| money.as_ref().map(|money| money.amount);
    let stated = &order.stated;
    assert_eq!((amount(&stated.subtotal), amount(&stated.discount)), (Some(1_550), Some(300)));
    assert_eq!((amount(&stated.shipping), amount(&stated.total)), (Some(0), Some(1_629)));
    let above = DISCOUNT.replace("\"-", "\"");
    assert_eq!(translate("orders", &above, &[]).unwrap(), commands, "whichever sign it has");
    let without_parts = DISCOUNT.replace("{ \"type\": \"ITEM\"", "{ \"type\": \"OTHER\"");
    let commands = translate("orders", &without_parts, &[]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(lines(order)[0], ("TEA-GREEN-100", 2, Some(1_050)), "quantity times price is before it, too");
}

#[test]
fn an_order_means_what_its_status_says() {
    let with = |status: &str, settings: &[(&str, &str)]| {
        translate("orders", &ORDER.replace("\"UNSHIPPED\"", &format!("{status:?}")), settings)
    };
    for status in ["PENDING", "PENDING_AVAILABILITY", "UNFULFILLABLE"] {
        assert_eq!(with(status, &[]).unwrap(), [], "{status}");
    }
    let bare = |status: &str| {
        let fulfillment = format!(r#""fulfillment": {{ "fulfillmentStatus": {status:?}, "fulfilledBy": "MERCHANT" }}"#);
        let order = format!(r#"{{ "orderId": "1", "createdTime": "2026-11-28T09:00:00Z", {fulfillment} }}"#);
        translate("orders", &format!(r#"{{ "orders": [{order}] }}"#), &[]).unwrap().len()
    };
    assert_eq!((bare("PENDING"), bare("CANCELLED")), (0, 1), "neither need say what it costs");
    assert!(matches!(with("CANCELLED", &[]).unwrap().as_slice(), [Command::CancelOrder(CancelOrder { .. })]));
    assert_eq!(with("SHIPPED", &[]).unwrap().len(), 1, "nodes fulfil their orders, if nobody says otherwise");
    let left = with("SHIPPED", &[("fulfilled-by", "channel")]).unwrap();
    let [_, Command::FulfilOrder(FulfilOrder { lines, .. })] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(lines.len(), 2);
    assert_eq!(field(with("LOST", &[])), "fulfillment.fulfillmentStatus");
}

#[test]
fn goods_that_amazon_keeps_need_a_location_or_are_ignored() {
    let by_amazon = ORDER.replace("MERCHANT", "AMAZON");
    assert_eq!(field(translate("orders", &by_amazon, &[])), "fulfilledBy");
    assert_eq!(translate("orders", &by_amazon, &[("location.AMAZON", "")]).unwrap(), []);
    let shipped =
        translate("orders", &by_amazon.replace("UNSHIPPED", "SHIPPED"), &[("location.AMAZON", "fba")]).unwrap();
    let [Command::PlaceOrder(_), Command::FulfilOrder(left)] = shipped.as_slice() else { panic!("{shipped:?}") };
    assert_eq!((left.lines.len(), left.location.as_deref()), (2, Some("fba")), "no node ships what Amazon keeps");
    let pending = by_amazon.replace("UNSHIPPED", "PENDING");
    assert_eq!(translate("orders", &pending, &[]).unwrap(), [], "nothing is asked of any location yet");
    let placed = translate("orders", &by_amazon, &[("location.AMAZON", "fba")]).unwrap();
    assert!(matches!(&placed[0], Command::PlaceOrder(order) if order.location.as_deref() == Some("fba")));
}

#[test]
fn an_order_of_v0_is_placed_with_the_items_that_are_put_into_it() {
    let commands = translate("orders-v0", ORDER_V0, &[]).unwrap();
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(lines(order), [("TEA-GREEN-100", 2, Some(1_250))]);
    assert_eq!(order.stated.total.as_ref().map(|total| total.amount), Some(1_250));
    let without = ORDER_V0.replace("OrderItems", "Items");
    assert!(
        matches!(translate("orders-v0", &without, &[]), Err(Failure::Rejected(detail)) if detail.field == "OrderItems")
    );
    assert_eq!(translate("orders-v0", &without.replace("Unshipped", "Pending"), &[]).unwrap(), []);
    let cancelled = translate("orders-v0", &without.replace("Unshipped", "Canceled"), &[]).unwrap();
    assert!(matches!(cancelled.as_slice(), [Command::CancelOrder(_)]));
    let shipped = translate("orders-v0", &ORDER_V0.replace("Unshipped", "InvoiceUnconfirmed"), &[]).unwrap();
    assert!(matches!(shipped.as_slice(), [Command::PlaceOrder(_)]), "its goods left: {shipped:?}");
}

#[test]
fn a_cancellation_needs_neither_known_articles_nor_amounts() {
    let cancelled = ORDER_V0.replace("Unshipped", "Canceled");
    for body in [
        cancelled.replace("\"OrderTotal\"", "\"Total\""),
        cancelled.replace("\"SellerSKU\"", "\"Sku\""),
        cancelled.replace("\"12.50\"", "\"?\"").replace("\"QuantityOrdered\": 2", "\"QuantityOrdered\": null"),
    ] {
        let commands = translate("orders-v0", &body, &[]).unwrap();
        let [Command::CancelOrder(CancelOrder { reference, .. })] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!(reference, "902-1111111-2222222");
    }
    assert_eq!(field(translate("orders-v0", &ORDER_V0.replace("\"SellerSKU\"", "\"Sku\""), &[])), "OrderItems[0].ASIN");
}

#[test]
fn an_order_without_a_total_is_in_the_currency_of_its_prices_or_of_the_settings() {
    let currency =
        |topic: &str, body: &str, settings: &[(&str, &str)]| match &translate(topic, body, settings).unwrap()[0] {
            Command::PlaceOrder(order) => order.currency.clone(),
            other => panic!("{other:?}"),
        };
    let yen = [("currency", "JPY")];
    let no_total = ORDER_V0.replace("\"OrderTotal\"", "\"Total\"");
    assert_eq!(currency("orders-v0", &no_total, &yen), "USD");
    let no_price = no_total.replace("\"ItemPrice\"", "\"Price\"").replace("\"PromotionDiscount\"", "\"Discount\"");
    assert_eq!(currency("orders-v0", &no_price, &yen), "JPY");
    let no_proceeds = ORDER.replace("\"proceeds\"", "\"paid\"");
    assert_eq!(currency("orders", &no_proceeds, &yen), "USD");
    assert_eq!(currency("orders", &no_proceeds.replace("\"price\"", "\"cost\""), &yen), "JPY");
}

#[test]
fn a_vendor_is_asked_for_units_also_where_cases_are_ordered() {
    let commands = translate("vendor-orders", VENDOR, &[]).unwrap();
    let [Command::PlaceOrder(order), Command::CancelOrder(_), Command::CancelOrder(_)] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    assert_eq!((order.reference.as_str(), order.currency.as_str()), ("PO-1", "EUR"));
    assert_eq!(lines(order), [("AB3542", 18, Some(54_000)), ("POT", 4, Some(1_000)), ("AB3543", 5, None)]);
    let prices = order.lines.iter().map(|line| line.unit_price.as_ref().map(|price| (price.amount, price.scale)));
    let expected = [Some((3_000, Some(2))), Some((250, Some(2))), None];
    assert_eq!(prices.collect::<Vec<_>>(), expected, "what a weight costs says nothing of each");
}

#[test]
fn a_unit_that_is_neither_a_single_one_nor_a_case_of_some_is_refused() {
    let with = |unit: &str| field(translate("vendor-orders", &VENDOR.replace("\"Cases\", \"unitSize\": 6", unit), &[]));
    assert_eq!(with("\"Pounds\""), "items[0].orderedQuantity.unitOfMeasure");
    assert_eq!(with("\"Cases\", \"unitSize\": 0"), "items[0].orderedQuantity.unitSize");
    assert_eq!(with("\"Cases\""), "items[0].orderedQuantity.unitSize");
}

#[test]
fn a_purchase_order_is_wanted_until_it_is_closed_or_nothing_of_it_is_ordered() {
    let with = |state: &str| VENDOR.replace("\"Closed\"", &format!("{state:?}"));
    let placed = |body: &str| -> Vec<_> {
        let commands = translate("vendor-orders", body, &[]).unwrap().into_iter();
        commands
            .map(|command| match command {
                Command::PlaceOrder(order) => (order.reference, true),
                Command::CancelOrder(order) => (order.reference, false),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let of = |number: &str, wanted| (number.to_owned(), wanted);
    assert_eq!(placed(VENDOR), [of("PO-1", true), of("PO-2", false), of("PO-4", false)]);
    for state in ["New", "Acknowledged"] {
        assert_eq!(placed(&with(state))[2], of("PO-3", true), "{state}");
    }
    assert_eq!(field(translate("vendor-orders", &with("Lost"), &[])), "purchaseOrderState");
}

#[test]
fn a_time_of_a_purchase_order_without_an_offset_is_in_utc() {
    let placed_at = |body: &str| match &translate("vendor-orders", body, &[]).unwrap()[0] {
        Command::PlaceOrder(order) => order.placed_at,
        other => panic!("{other:?}"),
    };
    assert_eq!(placed_at(&VENDOR.replace("T09:00:00Z", "T09:00:00")), placed_at(VENDOR));
}

#[test]
fn levels_are_set_where_amazon_answers_for_them() {
    let settings = [("location.EXSB", "depot")];
    let commands = translate("inventory", INVENTORY, &settings).unwrap();
    let [Command::SetAvailable(SetAvailable { sku, available, location, .. })] = commands.as_slice() else { panic!() };
    assert_eq!((sku.as_str(), *available, location.as_deref()), ("TEA-GREEN-100", 20, Some("depot")));
    let refused = translate("inventory", &INVENTORY.replace("200", "400"), &settings);
    assert_eq!(field(refused), "responses[0].body.skuId");
    assert_eq!(field(translate("inventory", INVENTORY, &[])), "responses[0].body.locationId");
    let below = INVENTORY.replace("\"sellableQuantity\": 20", "\"sellableQuantity\": -20");
    assert_eq!(field(translate("inventory", &below, &settings)), "responses[0].body.sellableQuantity");
}

#[test]
fn two_levels_for_one_location_of_the_node_are_refused() {
    let of = |place: &str, count: u8| {
        let body = format!(r#"{{ "skuId": "TEA", "locationId": "{place}", "sellableQuantity": {count} }}"#);
        format!(r#"{{ "status": {{ "statusCode": 200 }}, "body": {body} }}"#)
    };
    let answer = |first: &str, second: &str| format!(r#"{{ "responses": [{first}, {second}] }}"#);
    let one = [("location.A", "depot"), ("location.B", "depot")];
    let two = [("location.A", "depot"), ("location.B", "store-1")];
    let both = answer(&of("A", 5), &of("B", 7));
    assert_eq!(field(translate("inventory", &both, &one)), "responses[1].body.skuId");
    assert_eq!(translate("inventory", &both, &two).unwrap().len(), 2);
    assert_eq!(translate("inventory", &answer(&of("A", 5), &of("A", 5)), &one).unwrap().len(), 1);
}

#[test]
fn a_notification_cancels_or_says_that_something_is_to_be_fetched() {
    let cancelled = translate("ORDER_CHANGE", CHANGE, &[]).unwrap();
    let [Command::CancelOrder(CancelOrder { reference, .. })] = cancelled.as_slice() else { panic!("{cancelled:?}") };
    assert_eq!(reference, "114-1111111-2222222");
    assert_eq!(translate("ORDER_CHANGE", &CHANGE.replace("Canceled", "Unshipped"), &[]).unwrap(), []);
    let other = translate("FEED_PROCESSING_FINISHED", &CHANGE.replace("ORDER_CHANGE", "FEED_PROCESSING_FINISHED"), &[]);
    assert!(matches!(other, Err(Failure::Unsupported(_))));
}

#[test]
fn what_is_not_what_amazon_documents_is_refused_by_place() {
    for (sound, broken, place) in [
        ("\"orderId\": \"114-1111111-2222222\",", "", "orderId"),
        ("\"quantityOrdered\": 2", "\"quantityOrdered\": -2", "orderItems[0].quantityOrdered"),
        ("\"quantityOrdered\": 2", "\"quantityOrdered\": 2.5", "orderItems[0].quantityOrdered"),
        ("\"amount\": \"6.75\"", "\"amount\": \"6,75\"", "orderItems[0].product.price.unitPrice.amount"),
        ("\"createdTime\": \"2026-11-28T09:00:00Z\"", "\"createdTime\": \"soon\"", "createdTime"),
        (
            "{ \"amount\": \"47.18\", \"currencyCode\": \"USD\" }",
            "{ \"amount\": \"47.18\" }",
            "proceeds.grandTotal.currencyCode",
        ),
        (
            "{ \"amount\": \"25.00\", \"currencyCode\": \"USD\" }",
            "{ \"amount\": \"25.00\", \"currencyCode\": \"EUR\" }",
            "orderItems[1].product.price.unitPrice.currencyCode",
        ),
    ] {
        let body = ORDER.replace(sound, broken);
        assert_ne!(body, ORDER, "{broken}");
        assert_eq!(field(translate("orders", &body, &[])), place, "{broken}");
    }
    assert_eq!(field(translate("orders", "{}", &[])), "orders");
    assert_eq!(field(translate("orders", r#"{"errors":[{"code":"InvalidInput"}]}"#, &[])), "errors[0].code");
    assert!(matches!(translate("orders", "{", &[]), Err(Failure::Malformed(_))));
    assert!(matches!(translate("shipments", "{}", &[]), Err(Failure::Unsupported(_))));
    let unknown = ORDER.replace("B000000002", "B000000009");
    assert_eq!(field(translate("orders", &unknown, &[])), "orderItems[1].product.asin");
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let settings = context(&[("location.EXSB", "depot"), ("fulfilled-by", "channel")]);
    let sound = [
        ("orders", ORDER),
        ("orders-v0", ORDER_V0),
        ("vendor-orders", VENDOR),
        ("inventory", INVENTORY),
        ("ORDER_CHANGE", CHANGE),
    ];
    for (topic, sound) in sound {
        for body in testing::mutants(sound.as_bytes(), 10_000) {
            // What it comes to is not the question.
            let _ = Amazon::translate(&testing::message(topic, "application/json", &body), &settings, &Known);
        }
    }
}
