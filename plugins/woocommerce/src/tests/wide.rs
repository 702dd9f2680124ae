//! Every order, refund and product of a folder of bodies that nobody here wrote, against the truth stated beside them.
//! Read where `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the tests say so.

use serde_json::Value;
use tillmesh_plugin::money::parse_amount;
use tillmesh_plugin::testing::collection;

use super::*;

/// A catalogue that knows every number, and sells one article by tenths.
struct Everything;

impl Catalogue for Everything {
    fn by_reference(&self, reference: &str) -> Option<Product> {
        Some(product(&format!("by-reference-{reference}")))
    }

    fn by_sku(&self, sku: &str) -> Option<Product> {
        (sku == TENTHS).then(|| Product { unit: Some("tenth".to_owned()), ..product(sku) })
    }
}

const TENTHS: &str = "5555-A";

struct File {
    name: String,
    truth: Value,
    body: String,
}

fn files() -> Option<Vec<File>> {
    let folder = collection("woocommerce")?;
    let text = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let file = |line: &str| {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap().to_owned();
        let body = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        File { name, truth, body }
    };
    Some(text.lines().map(file).collect())
}

/// What a file holds, one body each: it may hold a list, and that may be wrapped by the app that recorded it.
fn bodies(body: &str) -> Vec<Value> {
    let body: Value = serde_json::from_str(body).unwrap();
    let body = body.get("data").cloned().unwrap_or(body);
    if let Value::Array(items) = body { items } else { vec![body] }
}

fn translate(topic: &str, body: &str) -> Result<Vec<Command>, Failure> {
    let settings = [("scale.tenth", "10"), ("currency", "USD")];
    WooCommerce::translate(&message(topic, body), &context(&settings), &Everything)
}

#[test]
fn every_order_equals_the_truth() {
    let Some(files) = files() else { return };
    let mut compared = 0;
    for file in &files {
        let orders = file.truth["orders"].as_array().into_iter().flatten();
        for (truth, body) in orders.zip(bodies_of(file, "orders")) {
            assert_order(&file.name, truth, &body);
            compared += 1;
        }
    }
    eprintln!("{compared} orders compared");
    assert!(compared >= 25, "only {compared} orders were compared");
}

#[test]
fn every_refund_equals_the_truth() {
    let Some(files) = files() else { return };
    let mut compared = 0;
    for file in &files {
        let refunds = file.truth["refunds"].as_array().into_iter().flatten();
        for (truth, body) in refunds.zip(bodies_of(file, "refunds")) {
            let returned = match translate("refund", &body.to_string()).unwrap().as_slice() {
                [] => 0,
                [Command::RecordReturn(back)] => {
                    assert_eq!(back.reference, truth["id"].to_string(), "{}", file.name);
                    back.lines.len() as u64
                }
                other => panic!("{}: {other:?}", file.name),
            };
            assert_eq!(Some(returned), truth["lines"].as_u64(), "{}", file.name);
            compared += 1;
        }
    }
    eprintln!("{compared} refunds compared");
    assert!(compared >= 6, "only {compared} refunds were compared");
}

#[test]
fn every_product_equals_the_truth() {
    let Some(files) = files() else { return };
    let (mut compared, mut without_sku) = (0, 0);
    for file in &files {
        let products = file.truth["products"].as_array().into_iter().flatten();
        for (truth, body) in products.zip(bodies_of(file, "products")) {
            let commands = translate("product.updated", &body.to_string()).unwrap();
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let sku = text(&truth["sku"]);
            if sku.is_empty() {
                assert_eq!(commands, [], "{}", file.name);
                without_sku += 1;
                continue;
            }
            let [Command::UpsertProduct(product)] = commands.as_slice() else { panic!("{}: {commands:?}", file.name) };
            assert_eq!((&product.sku, &product.references), (&sku, &vec![truth["id"].to_string()]), "{}", file.name);
            let price = parse_amount(&text(&truth["price"]), "USD").ok().map(|money| money.amount);
            let found = product.price.as_ref().map(|it| it.amount * 10_i64.pow(2 - u32::from(it.scale.unwrap())));
            assert_eq!(found, price, "{}", file.name);
            compared += 1;
        }
    }
    eprintln!("{compared} products compared, {without_sku} have no SKU");
    assert!(compared >= 8, "only {compared} products were compared");
}

#[test]
fn files_that_are_no_json_or_another_thing_are_refused() {
    let Some(files) = files() else { return };
    let mut refused = 0;
    for file in &files {
        let no_json = !file.truth["json_ok"].as_bool().unwrap();
        let other = ["orders", "refunds", "products"].iter().all(|kind| file.truth[kind].is_null());
        if no_json || other {
            for topic in ["order.created", "refund", "product.updated"] {
                let failure = translate(topic, &file.body);
                // Some other things are read as a product without SKU, or as nothing at all.
                assert!(!matches!(&failure, Ok(commands) if !commands.is_empty()), "{} as {topic}", file.name);
                assert!(!no_json || matches!(failure, Err(Failure::Malformed(_))), "{} as {topic}", file.name);
            }
            refused += 1;
        }
    }
    eprintln!("{refused} files refused");
    assert!(refused >= 6);
}

/// The bodies of a file, in the order of its truth.
fn bodies_of(file: &File, kind: &str) -> Vec<Value> {
    let truth = file.truth[kind].as_array().map_or(0, Vec::len);
    if truth == 0 {
        return Vec::new();
    }
    let bodies = bodies(&file.body);
    assert_eq!(bodies.len(), truth, "{}", file.name);
    bodies
}

fn assert_order(file: &str, truth: &Value, body: &Value) {
    let commands = translate("order.updated", &body.to_string()).unwrap_or_else(|error| panic!("{file}: {error:?}"));
    match truth["status"].as_str().unwrap() {
        "draft" | "failed" => return assert_eq!(commands, [], "{file}"),
        "cancelled" | "refunded" => {
            let [Command::CancelOrder(order)] = commands.as_slice() else { panic!("{file}: {commands:?}") };
            return assert_eq!(order.reference, truth["id"].to_string(), "{file}");
        }
        _ => {}
    }
    let [Command::PlaceOrder(order)] = commands.as_slice() else { panic!("{file}: {commands:?}") };
    let currency = truth["currency"].as_str().unwrap();
    let cents = |key: &str| Some(parse_amount(truth[key].as_str().unwrap(), currency).unwrap().amount);
    assert_eq!((&order.reference, order.currency.as_str()), (&truth["id"].to_string(), currency), "{file}");
    let (fees, goods): (Vec<_>, Vec<_>) =
        order.lines.iter().partition(|line| matches!(&line.content, LineContent::Charge(id) if id.starts_with("fee-")));
    assert_eq!(goods.len() as u64, truth["lines"].as_u64().unwrap(), "{file}");
    let tenths = |line: &&tillmesh_plugin::Line| match &line.content {
        LineContent::Sku(sku) if sku == TENTHS => line.quantity,
        _ => line.quantity * 10,
    };
    let units: f64 = truth["units"].as_str().unwrap().parse().unwrap();
    assert_eq!(goods.iter().map(tenths).sum::<u64>(), (units * 10.0) as u64, "{file}");
    let sum = |lines: &[&tillmesh_plugin::Line]| Some(lines.iter().filter_map(|line| amount(&line.amount)).sum());
    assert_eq!((sum(&goods), sum(&fees)), (cents("line_total"), cents("fees")), "{file}");
    let stated = &order.stated;
    assert_eq!((amount(&stated.shipping), amount(&stated.tax)), (cents("shipping"), cents("tax")), "{file}");
    assert_eq!((amount(&stated.discount), amount(&stated.total)), (cents("discount"), cents("total")), "{file}");
    let parts = [&stated.subtotal, &stated.tax, &stated.shipping].map(amount);
    let adds_up = parts.into_iter().flatten().sum::<i64>() == amount(&stated.total).unwrap();
    assert_eq!(Some(adds_up), truth["totals_consistent"].as_bool(), "{file}");
    for (line, sku) in goods.iter().zip(truth["skus"].as_array().unwrap()) {
        let sku = sku.as_str().map_or_else(|| sku.to_string(), str::to_owned);
        let found = matches!(&line.content, LineContent::Sku(found) if *found == sku);
        assert!(found || sku.is_empty() || sku == "null", "{file}: {:?} is not {sku}", line.content);
    }
}
