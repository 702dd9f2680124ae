//! A day of trade from float to close, its report by hand, and what comes after it.

use serde_json::{Value, json};

use crate::support::shop::usd;
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// Two rates within the prices.
const TAXES: &str = "[tax]\ninclusive = true\n\
    [[tax.rates]]\nclass = \"standard\"\nrate = \"20\"\nfrom = \"2020-01-01\"\n\
    [[tax.rates]]\nclass = \"reduced\"\nrate = \"5\"\nfrom = \"2020-01-01\"\n";

fn put(node: &Node, sku: &str, price: i64, department: &str, class: &str) {
    let product = json!({ "name": sku, "price": usd(price), "department": department, "tax_class": class });
    node.put(&format!("/v1/products/{sku}"), &format!("product-{sku}"), &product).ok();
}

fn line(sku: &str, quantity: i64) -> Value {
    json!({ "sku": sku, "quantity": quantity })
}

fn paid(kind: &str, amount: i64) -> Value {
    json!({ "kind": kind, "amount": usd(amount) })
}

fn sell(node: &Node, key: &str, lines: &[Value], tenders: &[Value]) -> Value {
    node.post("/v1/sales", key, &json!({ "lines": lines, "tenders": tenders })).ok()
}

fn cash(node: &Node, kind: &str, amount: i64) {
    node.post("/v1/cash/movements", kind, &json!({ "kind": kind, "amount": usd(amount) })).ok();
}

fn open_day(node: &Node) -> String {
    node.get("/v1/node").ok()["business_date"].as_str().unwrap().to_owned()
}

/// A day with sales by cash and card in two departments and at two rates, a return that is paid back, and cash that
/// was taken out. Gives the day.
fn trade(node: &Node) -> String {
    put(node, "drill", 1_200, "Hardware", "standard");
    put(node, "bread", 210, "Grocery", "reduced");
    cash(node, "float", 10_000);
    let first = sell(node, "one", &[line("drill", 2)], &[paid("cash", 3_000), paid("cash", -600)]);
    sell(node, "two", &[line("bread", 3)], &[paid("card", 630)]);
    sell(node, "three", &[line("drill", 1), line("bread", 1)], &[paid("cash", 1_410)]);
    let back = json!({ "lines": [line("drill", 1)], "refund": [paid("cash", 1_200)] });
    node.post(&format!("/v1/orders/{}/returns", first["id"].as_str().unwrap()), "back", &back).ok();
    cash(node, "paid-out", 500);
    open_day(node)
}

/// What [`trade`] comes to, added up by hand.
#[track_caller]
fn is_that_day(totals: &Value) {
    assert_eq!((&totals["sales"], &totals["returns"], &totals["refunds"]), (&json!(3), &json!(1), &json!(1)));
    let money = &totals["money"][0];
    assert_eq!((&money["sold"], &money["refunded"]), (&usd(2_400 + 630 + 1_410), &usd(1_200)));
    let tender = |kind, paid, refunded| json!({ "kind": kind, "paid": usd(paid), "refunded": usd(refunded) });
    assert_eq!(money["tenders"], json!([tender("card", 630, 0), tender("cash", 2_400 + 1_410, 1_200)]));
    let department = |name, units, amount| json!({ "department": name, "units": units, "amount": usd(amount) });
    assert_eq!(money["departments"], json!([department("Grocery", 4, 840), department("Hardware", 3, 3_600)]));
    let tax = |class, rate, taxable: i64, tax: i64| {
        let [taxable, tax, gross] = [taxable, tax, taxable + tax].map(usd);
        json!({ "class": class, "rate": rate, "taxable": taxable, "tax": tax, "gross": gross })
    };
    assert_eq!(money["taxes"], json!([tax("reduced", "5", 800, 40), tax("standard", "20", 2_000, 400)]));
    let drawer = json!({
        "float": usd(10_000), "sales": usd(3_810), "refunds": usd(1_200), "paid_in": usd(0), "paid_out": usd(500),
        "expected": usd(10_000 + 3_810 - 1_200 - 500),
    });
    assert_eq!(money["cash"], drawer);
}

#[test]
fn a_day_is_closed_with_what_it_came_to_and_stays_closed_through_crashes() {
    let mut node = Setup::new("till").settings(TAXES).start();
    let day = trade(&node);
    let report = format!("/v1/days/{day}/report");
    let open = node.get(&report).ok();
    assert_eq!(open["state"], "open");
    is_that_day(&open["totals"]);
    node.kill();
    node.restart();
    let close = format!("/v1/days/{day}:close");
    let first = node.post(&close, "close", &json!({ "counted": usd(12_100), "clerk": "anna" }));
    let closed = first.ok();
    is_that_day(&closed["totals"]);
    assert_eq!((&closed["close"]["difference"], &closed["close"]["automatic"]), (&usd(-10), &json!(false)));
    let receipt = |name: &str| closed[name].as_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    assert_eq!((receipt("first_receipt"), receipt("last_receipt")), ("1".to_owned(), "3".to_owned()));
    node.kill();
    node.restart();
    for key in ["close", "again"] {
        let again = node.post(&close, key, &json!({ "counted": usd(12_100), "clerk": "anna" }));
        assert_eq!((again.ok(), again.header("idempotency-replayed")), (closed.clone(), Some("true")));
    }
    let recounted = node.post(&close, "recounted", &json!({ "counted": usd(12_110) }));
    assert_eq!((recounted.status, recounted.problem().as_str()), (409, "day-not-open"), "{recounted:?}");
    assert!(recounted.json()["detail"].as_str().unwrap().contains("12100 USD were counted"), "{recounted:?}");
    let after = sell(&node, "after", &[line("bread", 1)], &[paid("cash", 210)]);
    assert!(after["business_date"].as_str().unwrap() > day.as_str(), "{after}");
    assert_eq!(after["business_date"], open_day(&node));
    let report = node.get(&report).ok();
    assert_eq!((&report["state"], &report["late"]), (&json!("closed"), &Value::Null));
    is_that_day(&report["totals"]);
    let next = node.post(&format!("/v1/days/{}:close", open_day(&node)), "next", &json!({})).ok();
    assert_eq!(next["close"]["before"]["close"], closed["close"]["id"], "closes are a chain");
}

#[test]
fn a_tax_that_is_added_is_to_be_paid_and_cash_is_rounded_to_the_smallest_coin() {
    let settings = TAXES.replace("inclusive = true", "inclusive = false\ncash_rounding = 5");
    let node = Setup::new("till").settings(&settings).start();
    put(&node, "drill", 1_201, "Hardware", "standard");
    let order = sell(&node, "sale", &[line("drill", 1)], &[paid("cash", 1_440)]);
    let part =
        json!({ "class": "standard", "rate": "20", "taxable": usd(1_201), "tax": usd(240), "gross": usd(1_441) });
    assert_eq!(order["tax"], json!({ "inclusive": false, "parts": [part] }));
    let sums = ["subtotal", "discount", "total", "rounding"].map(|name| &order[name]["amount"]);
    assert_eq!(sums, [&json!(1_201), &json!(0), &json!(1_441), &json!(-1)]);
    let cart = node.cart_of("cart", "drill", 1);
    let shown = node.get(&format!("/v1/carts/{cart}")).ok();
    assert_eq!((&shown["total"], &shown["cash_total"]), (&usd(1_441), &usd(1_440)));
    let kept = node.post(&format!("/v1/carts/{cart}:checkout"), "keep", &json!({ "kind": "physical" })).ok();
    assert_eq!(kept["total"], usd(1_441), "the order is what the cart said");
    let by_card = sell(&node, "card", &[line("drill", 1)], &[paid("card", 1_441)]);
    assert_eq!(by_card["rounding"], Value::Null);
    let report = node.get(&format!("/v1/days/{}/report", open_day(&node))).ok();
    assert_eq!(report["totals"]["money"][0]["rounding"], usd(-1));
}

#[test]
fn a_web_front_that_only_promises_goods_keeps_no_day_of_their_location_open() {
    let till = Setup::new("till").location("shop").with_broker().start();
    let web = Setup::new("web").location("web").linked_to(till.broker()).start();
    till.put_product("A", 250);
    till.receive("goods", "A", 5);
    eventually("the web front has heard", || web.on_hand("A") == Some(5));
    let order = json!({ "location": "shop", "lines": [{ "sku": "A", "quantity": 1 }] });
    web.post("/v1/reservations", "order", &order).ok();
    eventually("the till has heard", || till.get("/v1/stock/A").ok()["promised"] == 1);
    till.sell("sale", "A", 1);
    let day = open_day(&till);
    let report = || till.get(&format!("/v1/days/{day}/report")).ok();
    assert_eq!(report()["state"], "open");
    till.post(&format!("/v1/days/{day}:close"), "close", &json!({})).ok();
    assert_eq!((&report()["state"], report()["nodes"].as_array().unwrap().len()), (&json!("closed"), 2));
}

#[test]
fn a_clerk_closes_the_day_on_the_command_line() {
    let node = Setup::new("till").settings(TAXES).start();
    let run = |arguments: &[&str]| {
        let output = tillmesh(&[&["day"], arguments, &["--url", &node.url()]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stdout(&output)
    };
    let day = trade(&node);
    assert_eq!(run(&["cash", "paid-in", "5", "--reason", "found"]), "paid-in 5.00 USD\n");
    let open = run(&["report"]);
    assert!(open.contains("X-REPORT") && open.contains("Expected in the drawer              126.10"), "{open}");
    let closed = run(&["close", "--counted", "126.10"]);
    assert!(closed.contains(&day) && closed.contains("difference 0.00 USD"), "{closed}");
    let report = run(&["report", &day]);
    for said in ["Z-REPORT", "Sold                             44.40 USD", "Tax 20 % standard                     4.00"]
    {
        assert!(report.contains(said), "{said:?} is not in\n{report}");
    }
    assert!(report.lines().all(|line| line.chars().count() <= 42), "{report}");
    sell(&node, "late", &[line("bread", 1)], &[paid("cash", 210)]);
    let twice = tillmesh(&["day", "close", "--url", &node.url()]);
    let next = open_day(&node);
    let named = format!("name it: tillmesh day close {next}");
    assert!(!twice.status.success() && stderr(&twice).contains(&named), "{}", stderr(&twice));
    assert!(run(&["close", &next]).contains(&next), "who names it means it");
}

#[test]
fn what_a_gift_card_is_paid_with_is_in_the_drawer_and_owed() {
    let node = Setup::new("till").start();
    let told = tillmesh(&[
        "voucher",
        "issue",
        "--amount",
        "50",
        "--currency",
        "USD",
        "--paid",
        "cash=30",
        "--paid",
        "card:slip-7=20",
        "--url",
        &node.url(),
    ]);
    assert!(told.status.success(), "{}", stderr(&told));
    let refused = json!({ "kind": "gift-card", "amount": usd(5_000), "tenders": [paid("cash", 4_000)] });
    let refused = node.post("/v1/vouchers", "too-little", &refused);
    assert_eq!((refused.status, &refused.json()["field"]), (422, &json!("tenders")), "{refused:?}");
    let report = node.get(&format!("/v1/days/{}/report", open_day(&node))).ok();
    let money = &report["totals"]["money"][0];
    assert_eq!((&money["sold"], &money["vouchers_sold"]), (&usd(0), &usd(5_000)));
    let tender = |kind, paid| json!({ "kind": kind, "paid": usd(paid), "refunded": usd(0) });
    assert_eq!(money["tenders"], json!([tender("card", 2_000), tender("cash", 3_000)]));
    assert_eq!((&money["cash"]["sales"], &money["cash"]["expected"]), (&usd(3_000), &usd(3_000)));
    let printed = tillmesh(&["day", "report", "--url", &node.url()]);
    let line = stdout(&printed).lines().find(|line| line.starts_with("Gift cards sold")).map(str::to_owned);
    assert!(line.is_some_and(|line| line.ends_with(" 50.00")), "{}", stdout(&printed));
}
