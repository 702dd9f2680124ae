//! Every order and every inventory level of a folder of bodies that nobody here wrote, against the truth stated beside
//! them. Read where `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the test says so.

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
fn files_that_are_no_webhook_give_no_command() {
    let Some(truth) = truth() else { return };
    for (file, _, body) in &truth {
        for topic in ["orders/create", "orders/cancelled", "inventory_levels/update"] {
            // Each is wrapped in an object of its own, which no webhook is.
            let wrapped = serde_json::json!({ "wrapped": body }).to_string();
            let failure = Shopify::translate(&message(topic, &wrapped), &context(&[]), &Everything).unwrap_err();
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
