//! Every order of Amazon's own sandbox, against the truth stated beside them. Read where `TILLMESH_FIXTURES` names the
//! folder; without it nothing is compared, and the tests say so.

use serde_json::{Value, json};
use tillmesh_plugin::testing::{Everything, collection};

use super::*;

const SETTINGS: [(&str, &str); 2] = [("location.AMAZON", "fba"), ("location.EXSB", "depot")];

/// The response of a sandbox file.
fn response(folder: &str, name: &str) -> Value {
    let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["response"].clone()
}

fn files(folder: &str, api: &str) -> Vec<String> {
    let entries = std::fs::read_dir(format!("{folder}/{api}")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".json")).map(|name| format!("{api}/{name}")).collect();
    names.sort();
    names
}

fn taken(topic: &str, body: &Value) -> Result<Vec<Command>, Failure> {
    Amazon::translate(&message(topic, &body.to_string()), &context(&SETTINGS), &Everything)
}

fn placed(commands: &[Command]) -> Vec<&PlaceOrder> {
    commands.iter().filter_map(order).collect()
}

fn order(command: &Command) -> Option<&PlaceOrder> {
    if let Command::PlaceOrder(order) = command { Some(order) } else { None }
}

#[test]
fn every_purchase_order_has_the_items_and_units_of_the_truth() {
    let Some(folder) = collection("amazon_spapi") else { return };
    let truth = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let mut compared = 0;
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap();
        let Some(stated) = truth["orders"].as_array().filter(|_| name.starts_with("vendor")) else { continue };
        let body = response(&folder, name);
        let commands = taken("vendor-orders", &body).unwrap();
        let orders = placed(&commands);
        assert_eq!(orders.len(), stated.len(), "{name}");
        let bodies = body["payload"]["orders"].as_array().cloned().unwrap_or_else(|| vec![body["payload"].clone()]);
        for ((order, stated), body) in orders.iter().zip(stated).zip(&bodies) {
            assert_eq!(Some(order.reference.as_str()), stated["po"].as_str(), "{name}");
            let items = body["orderDetails"]["items"].as_array().unwrap();
            assert_eq!(Some(items.len() as u64), stated["items"].as_u64(), "{name}");
            let wanted = items.iter().filter(|item| item["orderedQuantity"]["amount"] != 0);
            assert_eq!(order.lines.len(), wanted.count(), "{name}: a line of nothing is none");
            // The truth counts cases as they are ordered, the node what is in them.
            let in_cases = |item: &Value| {
                let quantity = &item["orderedQuantity"];
                let is_case = quantity["unitOfMeasure"].as_str().unwrap().eq_ignore_ascii_case("cases");
                if is_case {
                    quantity["amount"].as_u64().unwrap() * (quantity["unitSize"].as_u64().unwrap() - 1)
                } else {
                    0
                }
            };
            let more: u64 = items.iter().map(in_cases).sum();
            let units: u64 = order.lines.iter().map(|line| line.quantity).sum();
            assert_eq!(Some(units - more), stated["units"].as_u64(), "{name}");
            compared += 1;
        }
    }
    println!("amazon: {compared} purchase orders of vendors");
    assert!(compared >= 15, "{compared}");
}

#[test]
fn every_order_of_the_sandbox_is_placed_and_every_error_refused() {
    let Some(folder) = collection("amazon_spapi") else { return };
    let (mut orders, mut refused) = (0, 0);
    for (api, topic) in [("orders_2026-01-01", "orders"), ("vendorOrders", "vendor-orders"), ("ordersV0", "orders-v0")]
    {
        for name in files(&folder, api) {
            let body = response(&folder, &name);
            let answer = taken(topic, &body);
            if name.contains("_400_") || name.contains("_403_") {
                assert!(matches!(answer, Err(Failure::Malformed(_))), "{name}: {answer:?}");
                refused += 1;
                continue;
            }
            let Ok(commands) = answer else { continue };
            for order in placed(&commands) {
                let stated = &body.to_string();
                assert!(stated.contains(&format!("{:?}", order.reference)), "{name}");
                orders += 1;
            }
        }
    }
    println!("amazon: {orders} orders placed, {refused} errors refused");
    assert!(orders >= 15 && refused >= 5, "{orders} {refused}");
}

#[test]
fn every_order_of_v0_means_what_its_status_says_once_its_items_are_in_it() {
    let Some(folder) = collection("amazon_spapi") else { return };
    let truth = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let items = response(&folder, "ordersV0/getOrderItems_200_1.json")["payload"]["OrderItems"].clone();
    let mut compared = 0;
    for line in truth.lines() {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap();
        let Some(stated) = truth["orders"].as_array().filter(|_| name.starts_with("ordersV0")) else { continue };
        let mut body = response(&folder, name);
        for (index, stated) in stated.iter().enumerate() {
            let order = if body["payload"]["Orders"].is_array() {
                &mut body["payload"]["Orders"][index]
            } else {
                &mut body["payload"]
            };
            if let Some(currency) = stated["currency"].as_str() {
                order["OrderItems"] = items.clone();
                for item in order["OrderItems"].as_array_mut().unwrap() {
                    item["ItemPrice"]["CurrencyCode"] = json!(currency);
                }
            }
        }
        let commands = taken("orders-v0", &body).unwrap();
        let open: Vec<_> = stated.iter().filter(|stated| stated["status"] != "Pending").collect();
        let orders = placed(&commands);
        assert_eq!(orders.len(), open.len(), "{name}");
        for (order, stated) in orders.iter().zip(open) {
            assert_eq!(Some(order.reference.as_str()), stated["id"].as_str(), "{name}");
            assert_eq!(Some(order.currency.as_str()), stated["currency"].as_str(), "{name}");
            let total = order.stated.total.as_ref().unwrap().amount;
            assert_eq!(format!("{}.{:02}", total / 100, total % 100), stated["total"].as_str().unwrap(), "{name}");
        }
        compared += stated.len();
    }
    println!("amazon: {compared} orders of v0");
    assert!(compared >= 4, "{compared}");
}

#[test]
fn every_notification_is_taken_or_named_as_unsupported() {
    let Some(folder) = collection("amazon_spapi") else { return };
    let mut seen = 0;
    for name in files(&folder, "notifications") {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        let Ok(body) = serde_json::from_str::<Value>(&text) else { continue };
        let answer = taken("ORDER_CHANGE", &body);
        let fair = matches!(answer, Ok(_) | Err(Failure::Unsupported(_) | Failure::Malformed(_)));
        assert!(fair, "{name}: {answer:?}");
        seen += 1;
    }
    println!("amazon: {seen} notifications");
    assert!(seen > 10, "{seen}");
}
