//! Every order, refund, product, fulfilment and inventory level of a folder of bodies that nobody here wrote, against
//! the truth stated beside them, where it is. Read where `TILLMESH_FIXTURES` names the folder; without it nothing is
//! compared, and the test says so.

use serde_json::Value;
use tillmesh_plugin::Line;
use tillmesh_plugin::money::parse_amount;
use tillmesh_plugin::testing::collection;

use super::*;

/// A catalogue that knows every number.
struct Everything;

impl Catalogue for Everything {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        (!reference.starts_with("gid:")).then(|| product(&format!("by-reference-{reference}")))
    }
}

const TOPICS: [&str; 11] = [
    "orders/create",
    "orders/cancelled",
    "orders/fulfilled",
    "orders/partially_fulfilled",
    "fulfillments/create",
    "fulfillments/update",
    "fulfillment_orders",
    "refunds/create",
    "products/create",
    "products/update",
    "inventory_levels/update",
];

#[test]
fn every_order_equals_the_truth() {
    let Some(truth) = truth() else { return };
    let mut compared = 0;
    for (file, row, body) in &truth {
        for order in row["orders"].as_array().into_iter().flatten() {
            let is_it = |value: &Value| value["id"] == order["id"] && value["line_items"].is_array();
            let found = find(body, &is_it).unwrap_or_else(|| panic!("{file} has no order {}", order["id"]));
            assert_order(file, order, found);
            compared += 1;
        }
    }
    eprintln!("{compared} orders compared");
    assert!(compared >= 40, "only {compared} orders were compared");
}

#[test]
fn every_inventory_level_equals_the_truth() {
    let Some(truth) = truth() else { return };
    let mut compared = 0;
    for (file, row, body) in &truth {
        for level in row["inventory_levels"].as_array().into_iter().flatten() {
            let is_it = |value: &Value| {
                let same = |field: &str, key: &str| value[field] == level[key] && value[field].is_number();
                same("inventory_item_id", "item") && same("location_id", "location") && same("available", "available")
            };
            let found = find(body, &is_it).unwrap_or_else(|| panic!("{file} has no level {level}"));
            if found["updated_at"].is_null() {
                // A request to set a level, not a level: it has no time.
                continue;
            }
            let settings = context(&[(&format!("location.{}", level["location"]), "here")]);
            let message = message("inventory_levels/update", &found.to_string());
            let commands = Shopify::translate(&message, &settings, &Everything).unwrap();
            let [Command::SetAvailable(set)] = commands.as_slice() else { panic!("{file}: {commands:?}") };
            assert_eq!(
                (set.sku.as_str(), Some(set.available)),
                (&*format!("by-reference-{}", level["item"]), level["available"].as_i64())
            );
            compared += 1;
        }
    }
    eprintln!("{compared} inventory levels compared");
    assert!(compared >= 15, "only {compared} inventory levels were compared");
}

#[test]
fn every_refund_equals_the_truth() {
    let Some(truth) = truth() else { return };
    let (mut compared, mut refused) = (0, 0);
    for (file, row, body) in &truth {
        for refund in row["refunds"].as_array().into_iter().flatten() {
            let is_it = |value: &Value| value["id"] == refund["id"] && value["refund_line_items"].is_array();
            let found = find(body, &is_it).unwrap_or_else(|| panic!("{file} has no refund {}", refund["id"]));
            if refund["id"].is_null() {
                // A refund that is worked out, not one that was made.
                let failure = refunded(found).unwrap_err();
                assert!(matches!(failure, Failure::Malformed(detail) if detail.field == "id"), "{file}");
                refused += 1;
                continue;
            }
            // None of these goods had left, and money alone is no return.
            assert_eq!(refunded(found), Ok((0, 0)), "{file}");
            let back = Ok((refund["lines"].as_u64().unwrap(), refund["units"].as_u64().unwrap()));
            assert_eq!(refunded(&as_returned(found)), back, "{file}");
            compared += 1;
        }
    }
    eprintln!("{compared} refunds compared, {refused} that were not made refused");
    assert!(compared >= 3 && refused >= 3, "only {compared} refunds were compared, {refused} refused");
}

/// How many lines and units come back with a refund.
fn refunded(refund: &Value) -> Result<(u64, u64), Failure> {
    let settings = context(&[("location.487838322", "here")]);
    let commands = Shopify::translate(&message("refunds/create", &refund.to_string()), &settings, &Everything)?;
    let lines = commands.iter().flat_map(|command| match command {
        Command::RecordReturn(back) => {
            assert_eq!(
                (Some(&back.reference), Some("450789469")),
                (Some(&refund["id"].to_string()), back.order.as_deref())
            );
            &back.lines
        }
        other => panic!("{other:?}"),
    });
    Ok(lines.fold((0, 0), |(lines, units), line| (lines + 1, units + line.quantity)))
}

/// The same refund, of goods that are back.
fn as_returned(refund: &Value) -> Value {
    let mut refund = refund.clone();
    for line in refund["refund_line_items"].as_array_mut().unwrap() {
        line["restock_type"] = "return".into();
    }
    refund
}

#[test]
fn every_product_equals_the_truth() {
    let Some(truth) = truth() else { return };
    let (mut products, mut articles, mut refused) = (0, 0, 0);
    for (file, row, body) in &truth {
        for product in row["products"].as_array().into_iter().flatten() {
            let is_it = |value: &Value| value["id"] == product["id"] && value["id"].is_number();
            let found = find(body, &is_it).unwrap_or_else(|| panic!("{file} has no product {}", product["id"]));
            let message = message("products/update", &found.to_string());
            let commands = Shopify::translate(&message, &context(&[("currency", "USD")]), &Everything);
            if product["variants"] == 0 {
                // The answer to a request for other fields: no webhook leaves the variants out.
                assert!(matches!(commands, Err(Failure::Malformed(detail)) if detail.field == "variants"), "{file}");
                refused += 1;
                continue;
            }
            articles += assert_product(file, product, found, &commands.unwrap());
            products += 1;
        }
    }
    eprintln!("{products} products compared, {articles} articles, {refused} products without variants refused");
    assert!(products >= 18 && articles >= 45, "only {products} products with {articles} articles were compared");
}

/// Each variant with a SKU is an article with its price and references; gives how many there are.
fn assert_product(file: &str, truth: &Value, body: &Value, commands: &[Command]) -> usize {
    let variants = body["variants"].as_array().unwrap();
    assert_eq!(variants.len() as u64, truth["variants"].as_u64().unwrap(), "{file}");
    let skus = truth["skus"].as_array().unwrap().iter().zip(variants);
    let sold: Vec<_> = skus.filter(|(sku, _)| sku.as_str().is_some_and(|sku| !sku.is_empty())).collect();
    assert_eq!(commands.len(), sold.len(), "{file}");
    for (command, (sku, variant)) in commands.iter().zip(&sold) {
        let Command::UpsertProduct(article) = command else { panic!("{file}: {command:?}") };
        assert_eq!(Some(article.sku.as_str()), sku.as_str(), "{file}");
        let price = article.price.as_ref().map(|price| (price.amount, usize::from(price.scale.unwrap())));
        let stated = variant["price"].as_str().unwrap();
        let (whole, decimals) = stated.split_once('.').unwrap();
        assert_eq!(price, Some((format!("{whole}{decimals}").parse().unwrap(), decimals.len())), "{file}");
        assert_eq!(article.references[0], format!("gid://shopify/ProductVariant/{}", variant["id"]), "{file}");
        assert!(article.name.starts_with(body["title"].as_str().unwrap()), "{file}: {}", article.name);
        assert_eq!(article.gtin, None, "{file}: its barcodes are no GTINs");
    }
    sold.len()
}

#[test]
fn every_fulfilment_that_succeeded_says_what_left() {
    let Some(truth) = truth() else { return };
    let mut counts = [0; 3];
    for (file, _, body) in &truth {
        for found in all(body, &|value| value["line_items"].is_array() && value["tracking_numbers"].is_array()) {
            let place = format!("location.{}", found["location_id"]);
            let settings = context(&[("fulfilled-by", "channel"), (&place, "here")]);
            let message = message("fulfillments/create", &found.to_string());
            let answer = Shopify::translate(&message, &settings, &Everything);
            let kind = match found["status"].as_str().unwrap() {
                "success" => {
                    assert_left(file, found, &answer.unwrap());
                    0
                }
                "cancelled" => {
                    assert!(matches!(answer, Err(Failure::Unsupported(_))), "{file}");
                    1
                }
                _ => {
                    assert_eq!(answer, Ok(vec![]), "{file}");
                    2
                }
            };
            counts[kind] += 1;
        }
    }
    let [left, cancelled, other] = counts;
    eprintln!("{left} fulfilments that left compared, {cancelled} cancelled refused, {other} others give nothing");
    assert!(left >= 8 && cancelled >= 1 && other >= 10, "only {left}, {cancelled} and {other}");
}

fn assert_left(file: &str, fulfilment: &Value, commands: &[Command]) {
    let [Command::FulfilOrder(left)] = commands else { panic!("{file}: {commands:?}") };
    let ids = [&fulfilment["id"], &fulfilment["order_id"]].map(Value::to_string);
    assert_eq!([&left.reference, &left.order], [&ids[0], &ids[1]], "{file}");
    let items = fulfilment["line_items"].as_array().unwrap();
    let stated: Vec<_> = items.iter().map(|item| (item["sku"].as_str().unwrap(), item["quantity"].as_u64())).collect();
    let found: Vec<_> = left.lines.iter().map(|line| (line.sku.as_str(), Some(line.quantity))).collect();
    assert_eq!(found, stated, "{file}");
}

#[test]
fn every_fulfilment_order_that_is_open_is_told_as_it_was_posted() {
    let Some(truth) = truth() else { return };
    let (mut told, mut over) = (0, 0);
    for (file, _, body) in &truth {
        for found in all(body, &|value| value["line_items"].is_array() && value["request_status"].is_string()) {
            let mut kept = std::collections::BTreeMap::new();
            let posted = serde_json::json!({ "fulfillment_orders": [found] }).to_string();
            let message = message("fulfillment_orders", &posted);
            assert_eq!(crate::translate(&message, &context(&[]), &Everything, &mut kept), Ok(vec![]), "{file}");
            if ["open", "in_progress", "on_hold"].contains(&found["status"].as_str().unwrap()) {
                assert_told(file, found, &mut kept);
                told += 1;
            } else {
                assert!(kept.is_empty(), "{file}");
                over += 1;
            }
        }
    }
    eprintln!("{told} fulfilment orders told, {over} that are over give nothing");
    assert!(told >= 10 && over >= 4, "only {told} and {over}");
}

fn assert_told(file: &str, part: &Value, kept: &mut std::collections::BTreeMap<String, Vec<u8>>) {
    let line = &part["line_items"][0];
    let event = Event::OrderFulfilled(tillmesh_plugin::outbound::OrderFulfilled {
        order: part["order_id"].to_string(),
        fulfilment: "1".to_owned(),
        lines: vec![tillmesh_plugin::StockLine {
            sku: format!("by-reference-{}", line["variant_id"]),
            quantity: line["fulfillable_quantity"].as_u64().unwrap(),
        }],
        location: "web".to_owned(),
        fulfilled_at: 0,
    });
    let messages = crate::render(&[event], &context(&[("tell-fulfilments", "yes")]), kept).unwrap();
    let body: Value = serde_json::from_slice(&messages[0].body).unwrap();
    let of = &body["fulfillment"]["line_items_by_fulfillment_order"][0];
    assert_eq!(of["fulfillment_order_id"], part["id"], "{file}");
    assert_eq!(of["fulfillment_order_line_items"][0]["id"], line["id"], "{file}");
    assert!(messages.len() == 1 && kept.is_empty(), "{file}");
}

#[test]
fn files_that_are_no_webhook_give_no_command() {
    let Some(truth) = truth() else { return };
    for (file, _, body) in &truth {
        for topic in TOPICS {
            // Each is wrapped in an object of its own, which no webhook is.
            let wrapped = serde_json::json!({ "wrapped": body }).to_string();
            let settings = context(&[("fulfilled-by", "channel")]);
            let failure = Shopify::translate(&message(topic, &wrapped), &settings, &Everything).unwrap_err();
            assert!(matches!(failure, Failure::Malformed(_)), "{file}: {failure:?}");
        }
    }
}

fn assert_order(file: &str, truth: &Value, body: &Value) {
    let message = message("orders/create", &body.to_string());
    let commands =
        Shopify::translate(&message, &context(&[]), &Everything).unwrap_or_else(|error| panic!("{file}: {error:?}"));
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{file}: {commands:?}") };
    let currency = truth["currency"].as_str().unwrap();
    let cents = |value: &Value| value.as_str().map(|text| parse_amount(text, currency).unwrap().amount);
    let amount = |money: &Option<tillmesh_plugin::Money>| money.as_ref().map(|money| money.amount);
    assert_eq!((&order.reference, order.currency.as_str()), (&truth["id"].to_string(), currency), "{file}");
    assert_eq!(order.lines.len() as u64, truth["lines"].as_u64().unwrap(), "{file}");
    assert_eq!(order.lines.iter().map(|line| line.quantity).sum::<u64>(), truth["units"].as_u64().unwrap(), "{file}");
    assert_eq!(
        order.lines.iter().map(list_amount).sum::<i64>(),
        cents(&truth["sum_line_price_x_qty"]).unwrap(),
        "{file}"
    );
    assert_eq!(amount(&order.stated.subtotal), cents(&truth["subtotal"]), "{file}");
    assert_eq!(amount(&order.stated.discount), cents(&truth["discounts"]), "{file}");
    assert_eq!(amount(&order.stated.tax), cents(&truth["tax"]), "{file}");
    assert_eq!(amount(&order.stated.total), cents(&truth["total"]), "{file}");
    assert_eq!(adds_up(order), truth["totals_consistent"].as_bool().unwrap(), "{file}");
    for (line, sku) in order.lines.iter().zip(truth["skus"].as_array().unwrap()) {
        let found = matches!(&line.content, LineContent::Sku(found) if Some(found.as_str()) == sku.as_str());
        assert!(found || sku.is_null(), "{file}: {:?} is not {sku}", line.content);
    }
}

/// Quantity times price, before discounts, in minor units.
fn list_amount(line: &Line) -> i64 {
    let price = line.unit_price.as_ref().unwrap();
    assert!(price.scale.unwrap() <= 2);
    price.amount * 10_i64.pow(2 - u32::from(price.scale.unwrap())) * line.quantity as i64
}

fn adds_up(order: &PlaceOrder) -> bool {
    let amount = |money: &Option<tillmesh_plugin::Money>| money.as_ref().map_or(0, |money| money.amount);
    let tax = if order.stated.tax_included { 0 } else { amount(&order.stated.tax) };
    amount(&order.stated.subtotal) + tax + amount(&order.stated.shipping) == amount(&order.stated.total)
}

/// Each file with its row of truth and its body.
fn truth() -> Option<Vec<(String, Value, Value)>> {
    let folder = collection("shopify")?;
    let text = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let file = row["file"].as_str().unwrap().to_owned();
        let body = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        (file, row, serde_json::from_str(&body).unwrap())
    };
    Some(text.lines().map(row).collect())
}

/// The first object in a body that is the one, the response of a call before its request.
fn find<'a>(body: &'a Value, is_it: &dyn Fn(&Value) -> bool) -> Option<&'a Value> {
    if is_it(body) {
        return Some(body);
    }
    match body {
        Value::Object(fields) => {
            fields.get("response").into_iter().chain(fields.values()).find_map(|it| find(it, is_it))
        }
        Value::Array(items) => items.iter().find_map(|it| find(it, is_it)),
        _ => None,
    }
}

/// All objects in a body that are such.
fn all<'a>(body: &'a Value, is_such: &dyn Fn(&Value) -> bool) -> Vec<&'a Value> {
    let within: Vec<&Value> = match body {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let own = Some(body).filter(|body| is_such(body));
    own.into_iter().chain(within.into_iter().flat_map(|it| all(it, is_such))).collect()
}
