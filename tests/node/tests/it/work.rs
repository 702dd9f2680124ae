//! Work items: what merging could not settle.

use serde_json::{Value, json};
use tillmesh_examples::proxy::Proxy;

use crate::support::shop::usd;
use crate::support::{Node, Setup, eventually};

fn open_items(node: &Node) -> Vec<Value> {
    node.client().list("/v1/work-items").unwrap()
}

/// The one item that is open, the same at every node.
#[track_caller]
fn the_item(nodes: &[&Node]) -> Value {
    eventually("every node raises one item", || nodes.iter().all(|node| open_items(node).len() == 1));
    let items: Vec<_> = nodes.iter().map(|node| open_items(node).remove(0)).collect();
    let ids: Vec<_> = items.iter().map(|item| (&item["id"], &item["kind"], &item["extent"])).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{items:#?}");
    items.into_iter().next().unwrap()
}

fn resolve(node: &Node, key: &str, item: &Value, choice: &str) -> Value {
    let path = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    node.post(&path, key, &json!({ "choice": choice, "clerk": "clerk-7" })).ok()
}

/// A till with the broker, and another node of the same location behind a line that can be cut.
fn apart() -> (Node, Node, Proxy) {
    let till = Setup::new("till").location("shop").with_broker().start();
    let line = Proxy::start(till.broker()).unwrap();
    let kiosk = Setup::new("kiosk").location("shop").linked_to(line.address()).start();
    till.put_product("A", 250);
    till.receive("goods", "A", 5);
    eventually("the kiosk has heard", || kiosk.on_hand("A") == Some(5));
    (till, kiosk, line)
}

/// A cart of one node that another one knows.
fn known_cart(at: &Node, to: &Node) -> String {
    let cart = at.cart_of("cart", "A", 1);
    eventually("the other node knows the cart", || {
        let known = to.get(&format!("/v1/carts/{cart}"));
        known.status == 200 && known.json()["lines"][0]["sku"] == "A"
    });
    cart
}

fn cut(line: &Proxy, kiosk: &Node) {
    line.cut();
    eventually("the line is cut", || kiosk.get("/v1/node").ok()["link"]["state"] == "down");
}

#[test]
fn a_shortfall_is_raised_everywhere_and_gone_when_its_owner_gives_a_promise_up() {
    let (till, kiosk, _line) = apart();
    let kept = json!({ "lines": [{ "sku": "A", "quantity": 5 }], "confirmed": true });
    till.post("/v1/reservations", "web", &kept).ok();
    kiosk.sell("in-hand", "A", 2);
    let item = the_item(&[&till, &kiosk]);
    assert_eq!((&item["kind"], &item["extent"], &item["sku"]), (&json!("shortfall"), &json!(2), &json!("A")));
    assert_eq!(
        (&item["choices"][0]["choice"], &item["choices"][0]["nodes"]),
        (&json!("release-newest"), &json!(["till"]))
    );
    let path = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    let refused = kiosk.post(&path, "wrong-node", &json!({ "choice": "release-newest" }));
    assert_eq!((refused.problem().as_str(), refused.json()["owner"].clone()), ("not-owner", json!("till")));
    resolve(&till, "release", &item, "release-newest");
    for node in [&till, &kiosk] {
        eventually("nothing is short", || open_items(node).is_empty());
        assert_eq!(node.get("/v1/stock/A").ok()["promised"], 3);
    }
}

#[test]
fn a_cart_that_was_checked_out_twice_is_one_item_on_every_node_and_is_settled_once() {
    let (till, kiosk, line) = apart();
    let cart = known_cart(&kiosk, &till);
    cut(&line, &kiosk);
    let paid = json!({ "kind": "physical", "tenders": [{ "kind": "cash", "amount": usd(250) }] });
    kiosk.post(&format!("/v1/carts/{cart}:checkout"), "pay", &paid).ok();
    let fork = till.post(&format!("/v1/carts/{cart}:fork"), "fork", &json!({})).ok();
    let fork = fork["id"].as_str().unwrap();
    let second = till.post(&format!("/v1/carts/{fork}:checkout"), "pay", &paid).ok();
    line.mend();
    let item = the_item(&[&till, &kiosk]);
    assert_eq!((&item["kind"], &item["losers"]), (&json!("double-checkout"), &json!([second["id"]])));
    let answer = resolve(&till, "void", &item, "void-losers");
    let kinds: Vec<_> = answer["events"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["resolution", "return", "refund"]);
    for node in [&till, &kiosk] {
        eventually("it is settled", || open_items(node).is_empty());
        let order = node.get(&format!("/v1/orders/{}", second["id"].as_str().unwrap())).ok();
        assert_eq!((&order["status"], &order["refunded"]), (&json!("returned"), &usd(250)));
    }
    let day = till.get("/v1/node").ok()["business_date"].as_str().unwrap().to_owned();
    let money = till.get(&format!("/v1/days/{day}/report?node=till")).ok()["totals"]["money"][0].clone();
    assert_eq!(money["tenders"], json!([{ "kind": "cash", "paid": usd(250), "refunded": usd(250) }]));
    assert_eq!((&money["sold"], &money["refunded"], &money["untendered"]), (&usd(250), &usd(250), &usd(0)));
    let again = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    assert_eq!(kiosk.post(&again, "again", &json!({ "choice": "accept" })).problem(), "work-item-decided");
}

#[test]
fn a_cart_whose_quantities_were_changed_in_a_fork_is_seen_to_be_sold_twice() {
    let (till, kiosk, line) = apart();
    let cart = known_cart(&kiosk, &till);
    cut(&line, &kiosk);
    let paid = json!({ "kind": "physical", "tenders": [{ "kind": "cash", "amount": usd(250) }] });
    kiosk.post(&format!("/v1/carts/{cart}:checkout"), "pay", &paid).ok();
    let fork = till.post(&format!("/v1/carts/{cart}:fork"), "fork", &json!({})).ok();
    let fork = fork["id"].as_str().unwrap();
    till.request("PATCH", &format!("/v1/carts/{fork}/lines/A")).key("more").json(&json!({ "quantity": 2 })).send().ok();
    let paid = json!({ "kind": "physical", "tenders": [{ "kind": "cash", "amount": usd(500) }] });
    let second = till.post(&format!("/v1/carts/{fork}:checkout"), "pay", &paid).ok();
    line.mend();
    let item = the_item(&[&till, &kiosk]);
    assert_eq!((&item["kind"], &item["losers"]), (&json!("double-checkout"), &json!([second["id"]])));
    let path = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    let refused = kiosk.post(&path, "other-drawer", &json!({ "choice": "void-losers" }));
    assert_eq!((refused.status, refused.problem().as_str()), (409, "decided-elsewhere"));
    let problem = refused.json();
    assert_eq!((&problem["nodes"], &problem["choice"]), (&json!(["till"]), &json!("void-losers")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("at till") && !detail.contains("promise"), "{detail}");
    resolve(&till, "void", &item, "void-losers");
}

#[test]
fn a_promise_that_ended_at_its_owner_and_was_handed_over_elsewhere_is_one_item() {
    let (till, kiosk, line) = apart();
    let all = json!({ "lines": [{ "sku": "A", "quantity": 5 }], "ttl_seconds": 3 });
    let first = kiosk.post("/v1/reservations", "first", &all);
    let first = first.ok();
    let id = first["id"].as_str().unwrap();
    eventually("the till knows the promise", || till.get(&format!("/v1/reservations/{id}")).status == 200);
    cut(&line, &kiosk);
    till.post(&format!("/v1/orders/{id}/fulfilments"), "late", &json!({})).ok();
    eventually("its time is over at its owner", || {
        kiosk.get(&format!("/v1/reservations/{id}")).ok()["status"] == "cancelled"
    });
    let again = json!({ "lines": [{ "sku": "A", "quantity": 5 }], "confirmed": true });
    let second = kiosk.post("/v1/reservations", "second", &again).ok();
    line.mend();
    let item = the_item(&[&till, &kiosk]);
    assert_eq!((&item["kind"], &item["extent"]), (&json!("shortfall"), &json!(5)), "{item}");
    // What cannot be kept, and what was handed over although it had ended.
    assert_eq!(item["evidence"], json!([second["id"], first["id"]]), "{item}");
    resolve(&kiosk, "give-up", &item, "release-newest");
    for node in [&till, &kiosk] {
        eventually("what came of it was decided with it", || open_items(node).is_empty());
    }
}

#[test]
fn what_was_sold_without_being_in_the_catalogue_is_an_item_until_it_is_there() {
    let node = Setup::new("till").start();
    node.sell("strange", "NEW", 1);
    let item = the_item(&[&node]);
    assert_eq!((&item["kind"], &item["sku"]), (&json!("unknown-sku"), &json!("NEW")));
    node.put_product("NEW", 100);
    assert_eq!(open_items(&node), Vec::<Value>::new());
}
