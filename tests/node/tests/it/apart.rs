//! Nodes that sell while they cannot hear each other.

use std::time::{Duration, SystemTime};

use serde_json::json;
use tillmesh_examples::proxy::Proxy;

use crate::support::shop::{goods, sale_of};
use crate::support::{Node, Setup, eventually};

/// A till with the broker, and a kiosk of the same location behind a line that can be cut.
struct Shop {
    till: Node,
    kiosk: Node,
    line: Proxy,
}

impl Shop {
    fn open() -> Self {
        let till = Setup::new("till").location("shop").with_broker().start();
        let line = Proxy::start(till.broker()).unwrap();
        let kiosk = Setup::new("kiosk").location("shop").linked_to(line.address()).start();
        till.receive("opening", "A", 20);
        let shop = Self { till, kiosk, line };
        shop.both_hold(20);
        shop
    }

    /// Cuts the line, and waits until the kiosk knows.
    fn cut(&self) {
        self.line.cut();
        eventually("the kiosk has noticed", || self.kiosk.get("/v1/node").ok()["link"]["state"] == "down");
    }

    #[track_caller]
    fn both_hold(&self, units: i64) {
        for node in [&self.till, &self.kiosk] {
            eventually(&format!("the {} holds {units}", node.name()), || node.on_hand("A") == Some(units));
        }
        eventually("both say the same", || self.till.state() == self.kiosk.state());
    }
}

#[test]
fn two_nodes_that_sold_the_same_while_apart_agree_when_they_meet() {
    let shop = Shop::open();
    shop.cut();
    shop.till.sell("sale-1", "A", 3);
    let there = shop.kiosk.sell("sale-1", "A", 4);
    assert_eq!((shop.till.on_hand("A"), shop.kiosk.on_hand("A")), (Some(17), Some(16)), "each sells on by itself");
    shop.line.mend();
    shop.both_hold(13);
    let path = format!("/v1/orders/{}", there["id"].as_str().unwrap());
    let [here, there] = [&shop.till, &shop.kiosk].map(|node| node.get(&path).ok());
    assert_eq!(here, there, "the other's order is known with everything that belongs to it");
}

#[test]
fn what_both_sold_of_the_last_piece_stays_visible() {
    let shop = Shop::open();
    shop.cut();
    shop.till.sell("all", "A", 20);
    shop.kiosk.sell("all", "A", 20);
    shop.line.mend();
    shop.both_hold(-20);
    assert_eq!(shop.till.get("/v1/stock/A").ok()["available"], 0);
}

#[test]
fn a_node_whose_broker_is_away_sells_on_and_finds_it_again() {
    let mut shop = Shop::open();
    shop.till.kill();
    eventually("the kiosk has noticed", || shop.kiosk.get("/v1/node").ok()["link"]["state"] == "down");
    shop.kiosk.sell("sale-1", "A", 4);
    // A node that starts while its broker is away works too.
    shop.kiosk.kill();
    shop.kiosk.restart();
    shop.kiosk.sell("sale-2", "A", 1);
    assert_eq!(shop.kiosk.on_hand("A"), Some(15));
    shop.till.restart();
    shop.both_hold(15);
}

#[test]
fn a_sale_made_after_a_stock_take_comes_off_what_was_counted() {
    let shop = Shop::open();
    shop.cut();
    shop.till.post("/v1/stock/counts", "count", &goods("A", 18)).ok();
    shop.kiosk.sell("after", "A", 2);
    shop.line.mend();
    shop.both_hold(16);
}

#[test]
fn a_sale_made_before_a_stock_take_and_heard_after_it_is_not_taken_off_twice() {
    let shop = Shop::open();
    shop.cut();
    shop.kiosk.sell("before", "A", 3);
    // The shelves lack what the kiosk sold, and one more that nobody knows of.
    shop.till.post("/v1/stock/counts", "count", &goods("A", 16)).ok();
    assert_eq!(shop.till.on_hand("A"), Some(16));
    shop.line.mend();
    shop.both_hold(16);
    shop.kiosk.sell("after", "A", 1);
    shop.both_hold(15);
}

#[test]
fn a_stock_take_that_is_entered_later_counts_from_when_it_was_made() {
    let shop = Shop::open();
    shop.cut();
    let sale = |minutes_ago: u64| {
        let mut sale = sale_of("A", 1);
        sale["sold_at"] = json!(at(minutes_ago));
        sale
    };
    shop.kiosk.post("/v1/sales", "before", &sale(61)).ok();
    shop.kiosk.post("/v1/sales", "after", &sale(59)).ok();
    let mut count = goods("A", 10);
    count["occurred_at"] = json!(at(60));
    // The opening stock was booked in later than the count, as far as the clocks say.
    shop.till.post("/v1/stock/counts", "count", &count).ok();
    assert_eq!(shop.till.on_hand("A"), Some(30));
    shop.line.mend();
    shop.both_hold(29);
}

#[test]
fn lines_added_to_a_cart_at_two_places_at_once_are_both_there() {
    let shop = Shop::open();
    shop.till.put_product("A", 250);
    let cart = shop.till.cart_of("cart", "A", 1);
    let path = format!("/v1/carts/{cart}");
    eventually("the kiosk has the cart", || lines(&shop.kiosk, &path) == 1);
    eventually("the kiosk has the product", || shop.kiosk.get("/v1/products/A").status == 200);
    shop.cut();
    let line = json!({ "sku": "A", "quantity": 1 });
    shop.till.post(&format!("{path}/lines"), "line", &line).ok();
    shop.kiosk.post(&format!("{path}/lines"), "line", &line).ok();
    shop.line.mend();
    for node in [&shop.till, &shop.kiosk] {
        eventually("both lines are there", || lines(node, &path) == 3);
    }
    let checkout = json!({ "kind": "physical" });
    let order = shop.kiosk.post(&format!("{path}:checkout"), "pay", &checkout).ok();
    assert_eq!(order["total"]["amount"], 750);
    shop.both_hold(17);
    assert_eq!(shop.till.post(&format!("{path}:checkout"), "pay", &checkout).problem(), "cart-checked-out");
}

#[test]
fn a_node_that_vanishes_is_gone_for_its_peers_and_one_that_returns_is_here() {
    let mut shop = Shop::open();
    let here = |shop: &Shop| {
        let peers = shop.till.client().list("/v1/peers").unwrap();
        peers.into_iter().find(|peer| peer["node"] == "kiosk").map(|peer| peer["here"].clone())
    };
    eventually("the kiosk is here", || here(&shop) == Some(json!(true)));
    // The broker says so, by the last will.
    shop.kiosk.kill();
    eventually("the kiosk is gone", || here(&shop) == Some(json!(false)));
    shop.kiosk.restart();
    eventually("the kiosk is here again", || here(&shop) == Some(json!(true)));
}

fn at(minutes_ago: u64) -> String {
    let time = SystemTime::now() - Duration::from_secs(60 * minutes_ago);
    jiff::Timestamp::try_from(time).unwrap().to_string()
}

fn lines(node: &Node, cart: &str) -> usize {
    node.get(cart).json()["lines"].as_array().map_or(0, Vec::len)
}
