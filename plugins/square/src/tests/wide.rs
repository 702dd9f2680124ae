//! Every order and every count of a folder of bodies that nobody here wrote, against the truth stated beside them. Read
//! where `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the tests say so.

use serde_json::{Value, json};
use tillmesh_plugin::testing::{Everything, collection};

use super::*;

struct File {
    name: String,
    truth: Value,
    body: Value,
}

fn files() -> Option<Vec<File>> {
    let folder = collection("square")?;
    let text = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let file = |line: &str| {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap().to_owned();
        let Ok(body) = std::fs::read_to_string(format!("{folder}/{name}")) else {
            eprintln!("left out: there is no {name} beside its truth");
            return None;
        };
        Some(File { name, truth, body: serde_json::from_str(&body).unwrap() })
    };
    Some(text.lines().filter_map(file).collect())
}

fn translate(topic: &str, body: &Value, location: &str) -> Result<Vec<Command>, Failure> {
    let settings = [(&*format!("location.{location}"), "here")];
    Square::translate(&message(topic, &body.to_string()), &context(&settings), &Everything)
}

#[test]
fn every_order_that_the_api_gave_equals_the_truth() {
    let Some(files) = files() else { return };
    let mut compared = 0;
    for file in &files {
        for truth in file.truth["orders"].as_array().into_iter().flatten() {
            let body = file.body.get("related_resources").unwrap_or(&file.body);
            let commands = translate("order", body, truth["location"].as_str().unwrap());
            if truth["id"].is_null() {
                // A request to make an order is none.
                assert!(matches!(commands, Err(Failure::Malformed(_))), "{}", file.name);
                continue;
            }
            assert_order(&file.name, truth, body, &commands.unwrap());
            compared += 1;
        }
    }
    eprintln!("{compared} orders compared");
    assert!(compared >= 5, "only {compared} orders were compared");
}

fn assert_order(file: &str, truth: &Value, body: &Value, commands: &[Command]) {
    let order = match commands {
        [Command::PlaceOrder(order)] => order,
        [Command::PlaceOrder(order), Command::FulfilOrder(left)] => {
            assert_eq!((truth["state"].as_str(), &left.order), (Some("COMPLETED"), &order.reference), "{file}");
            order
        }
        [] => return assert_eq!(truth["state"], "DRAFT", "{file}: {body}"),
        other => panic!("{file}: {other:?}"),
    };
    let stated = &order.stated;
    for (key, money) in [("total", &stated.total), ("tax", &stated.tax), ("discount", &stated.discount)] {
        let money = money.as_ref().map(|money| json!([money.amount, money.currency]));
        assert_eq!(money.as_ref(), Some(&truth[key]), "{file}: {key}");
    }
    let parts = [&stated.subtotal, &stated.tax, &stated.shipping].map(|money| amount(money).unwrap_or_default());
    assert_eq!(Some(parts.iter().sum()), amount(&stated.total), "{file}: the parts come to the total");
    let (reference, lines) = (&order.reference, &order.lines);
    assert_eq!(Some(reference.as_str()), truth["id"].as_str(), "{file}");
    assert_eq!(Some(lines.len() as u64), truth["lines"].as_u64(), "{file}");
    let units: u64 = lines.iter().map(|line| line.quantity).sum();
    assert_eq!(Some(units.to_string().as_str()), truth["units"].as_str(), "{file}");
}

#[test]
fn every_count_equals_the_truth() {
    let Some(files) = files() else { return };
    let mut compared = 0;
    for file in &files {
        for truth in file.truth["inventory_counts"].as_array().into_iter().flatten() {
            let location = truth[1].as_str().unwrap();
            let counted = truth[4].is_null();
            let topic = if counted { "inventory.changes" } else { "inventory.counts" };
            let found = match translate(topic, &file.body, location).unwrap().as_slice() {
                [Command::SetAvailable(set)] => (set.sku.clone(), set.available.to_string()),
                [Command::CountStock(count)] => (count.lines[0].sku.clone(), count.lines[0].quantity.to_string()),
                other => panic!("{}: {other:?}", file.name),
            };
            let expected = [&truth[0], &truth[3]].map(|value| value.as_str().unwrap().to_owned());
            assert_eq!([found.0, found.1], expected, "{}", file.name);
            if !counted {
                // The same counts as a webhook brings them.
                let webhook = json!({ "data": { "object": { "inventory_counts": file.body["counts"] } } });
                assert_eq!(translate("inventory.count.updated", &webhook, location).unwrap().len(), 1);
            }
            compared += 1;
        }
    }
    eprintln!("{compared} counts compared");
    assert!(compared >= 5, "only {compared} counts were compared");
}

#[test]
fn files_that_are_another_thing_give_no_command() {
    let Some(files) = files() else { return };
    for file in files.iter().filter(|file| file.truth["orders"].is_null() && file.truth["inventory_counts"].is_null()) {
        for topic in ["order", "inventory.counts", "inventory.changes", "inventory.count.updated"] {
            let commands = translate(topic, &file.body, "x");
            assert!(
                !matches!(&commands, Ok(commands) if !commands.is_empty()),
                "{} as {topic}: {commands:?}",
                file.name
            );
        }
        if let Some(event) = file.truth["event"].as_str() {
            assert!(matches!(translate(event, &file.body, "x"), Err(Failure::Unsupported(_))), "{}", file.name);
        }
    }
}
