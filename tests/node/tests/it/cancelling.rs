//! Giving a confirmed order up while a store may be handing it over.

use serde_json::{Value, json};
use tillmesh_examples::proxy::Proxy;

use crate::support::http::Answer;
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// A store with five pieces, and a web front behind a line that can be cut.
struct Shop {
    store: Node,
    web: Node,
    line: Proxy,
}

impl Shop {
    fn open() -> Self {
        let store = Setup::new("store").with_broker().start();
        let line = Proxy::start(store.broker()).unwrap();
        let web = Setup::new("web").linked_to(line.address()).start();
        store.put_product("A", 250);
        store.receive("goods", "A", 5);
        eventually("the web front has heard", || web.on_hand("A") == Some(5));
        Self { store, web, line }
    }

    /// An order of so many pieces at the web front that the store knows: click and collect.
    fn ordered(&self, quantity: i64) -> String {
        let id = ordered(&self.web, quantity);
        eventually("the store knows the order", || self.store.get(&format!("/v1/orders/{id}")).status == 200);
        id
    }

    fn cut(&self) {
        self.line.cut();
        eventually("the web front has noticed", || self.web.get("/v1/node").ok()["link"]["state"] == "down");
    }
}

fn ordered(web: &Node, quantity: i64) -> String {
    let lines = json!([{ "sku": "A", "quantity": quantity }]);
    let body = json!({ "location": "store", "lines": lines, "confirmed": true });
    web.post("/v1/reservations", "order", &body).ok()["id"].as_str().unwrap().to_owned()
}

fn give_up(node: &Node, order: &str, key: &str, body: &Value) -> Answer {
    node.post(&format!("/v1/reservations/{order}:release"), key, body)
}

fn hand_over(node: &Node, order: &str, key: &str) -> Answer {
    node.post(&format!("/v1/orders/{order}/fulfilments"), key, &json!({ "handover": "collected" }))
}

/// Where an order stands, and the requests to give it up.
fn stands(node: &Node, order: &str) -> (Value, Vec<Value>) {
    let order = node.get(&format!("/v1/orders/{order}")).ok();
    let requests = order["cancellation_requests"].as_array().unwrap().iter();
    (order["status"].clone(), requests.map(|request| request["state"].clone()).collect())
}

fn promised(node: &Node) -> Value {
    node.get("/v1/stock/A").ok()["promised"].clone()
}

fn kinds(answer: &Value) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[test]
fn an_order_is_given_up_at_once_where_the_store_can_be_asked() {
    let shop = Shop::open();
    let order = shop.ordered(2);
    let answer = give_up(&shop.web, &order, "cancel", &json!({ "reason": "changed-mind" }));
    assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("given-up")), "{answer:?}");
    assert_eq!(kinds(&answer.json()), ["cancellation-request", "release"]);
    assert_eq!(give_up(&shop.web, &order, "cancel", &json!({ "reason": "changed-mind" })).json(), answer.json());
    assert_eq!(give_up(&shop.web, &order, "again", &json!({})).status, 201, "again changes nothing");
    for node in [&shop.web, &shop.store] {
        eventually("both know", || stands(node, &order) == (json!("cancelled"), vec![json!("given-up")]));
        assert_eq!(promised(node), 0);
    }
    let request = &shop.store.get(&format!("/v1/orders/{order}")).ok()["cancellation_requests"][0];
    assert_eq!((&request["asked"], &request["reason"]), (&json!("store"), &json!("changed-mind")));
    let lines = json!([{ "sku": "A", "quantity": 2, "consented": 2, "given_up": 2 }]);
    assert_eq!(request["lines"], lines);
    assert_eq!(hand_over(&shop.store, &order, "late").problem(), "reservation-over", "nothing is left");
}

#[test]
fn what_a_store_that_is_cut_off_hands_over_is_not_given_up() {
    let shop = Shop::open();
    let order = shop.ordered(2);
    shop.cut();
    let answer = give_up(&shop.web, &order, "cancel", &json!({}));
    assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("cancellation-requested")), "{answer:?}");
    let again = give_up(&shop.web, &order, "again", &json!({}));
    assert_eq!((again.status, again.json()), (202, answer.json()), "it is asked once");
    assert_eq!(
        (stands(&shop.web, &order), promised(&shop.web)),
        ((json!("placed"), vec![json!("requested")]), json!(2))
    );
    let told = tillmesh(&["order", "cancel", &order, "--url", &shop.web.url()]);
    assert!(told.status.success() && stdout(&told).contains("once node store consents"), "{}", stderr(&told));
    hand_over(&shop.store, &order, "collected").ok();
    shop.line.mend();
    for node in [&shop.web, &shop.store] {
        eventually("both know", || stands(node, &order) == (json!("completed"), vec![json!("without-effect")]));
        assert_eq!((node.on_hand("A"), promised(node)), (Some(3), json!(0)));
        assert_eq!(node.client().list("/v1/work-items").unwrap(), Vec::<Value>::new());
    }
    assert_eq!(give_up(&shop.web, &order, "late", &json!({})).problem(), "reservation-over");
}

#[test]
fn a_store_that_is_back_consents_by_itself_and_the_order_is_given_up() {
    let shop = Shop::open();
    let order = shop.ordered(2);
    shop.cut();
    assert_eq!(give_up(&shop.web, &order, "cancel", &json!({})).status, 202);
    shop.line.mend();
    for node in [&shop.web, &shop.store] {
        eventually("both know", || stands(node, &order) == (json!("cancelled"), vec![json!("given-up")]));
    }
    assert_eq!((promised(&shop.web), shop.web.on_hand("A")), (json!(0), Some(5)));
}

#[test]
fn what_was_consented_to_is_not_handed_over_though_who_asked_is_gone() {
    let hub = Setup::new("hub").with_broker().start();
    let line = Proxy::start(hub.broker()).unwrap();
    let store = Setup::new("store").linked_to(line.address()).start();
    let mut web = Setup::new("web").linked_to(hub.broker()).start();
    store.put_product("A", 250);
    store.receive("goods", "A", 5);
    eventually("the web front has heard", || web.on_hand("A") == Some(5));
    let order = ordered(&web, 2);
    eventually("the store knows the order", || store.get(&format!("/v1/orders/{order}")).status == 200);
    line.cut();
    eventually("the store has noticed", || store.get("/v1/node").ok()["link"]["state"] == "down");
    assert_eq!(give_up(&web, &order, "cancel", &json!({})).status, 202);
    eventually("the hub knows of it", || {
        let known = hub.get(&format!("/v1/orders/{order}"));
        known.status == 200 && stands(&hub, &order).1 == [json!("requested")]
    });
    web.terminate();
    line.mend();
    eventually("the store has consented", || stands(&store, &order).1 == [json!("consented")]);
    let refused = hand_over(&store, &order, "collect");
    assert_eq!((refused.status, refused.problem().as_str()), (409, "being-cancelled"), "{refused:?}");
    assert_eq!((&refused.json()["left"], &refused.json()["value"]), (&json!(0), &json!(2)));
    web.restart();
    eventually("it is given up", || stands(&store, &order) == (json!("cancelled"), vec![json!("given-up")]));
}

#[test]
fn whoever_does_not_want_to_wait_gives_up_at_once_and_a_late_hand_over_is_a_work_item() {
    let shop = Shop::open();
    let order = shop.ordered(2);
    shop.cut();
    let forced = tillmesh(&["order", "cancel", &order, "--force", "--url", &shop.web.url()]);
    assert!(forced.status.success() && stdout(&forced).contains("is cancelled"), "{}", stderr(&forced));
    hand_over(&shop.store, &order, "collected").ok();
    shop.line.mend();
    for node in [&shop.web, &shop.store] {
        eventually("both raise it", || {
            let items = node.client().list("/v1/work-items").unwrap();
            items.iter().any(|item| item["kind"] == "settled-twice" && item["order"] == json!(order))
        });
    }
    take_back(&shop, &order);
}

/// The goods are back at the store, which says so by a decision.
fn take_back(shop: &Shop, order: &str) {
    let items = shop.web.client().list("/v1/work-items").unwrap();
    let item = items.iter().find(|item| item["order"] == json!(order)).unwrap();
    let offers: Vec<_> = item["choices"].as_array().unwrap().iter().map(|it| (&it["choice"], &it["nodes"])).collect();
    assert_eq!(offers, [(&json!("accept"), &Value::Null), (&json!("take-back"), &json!(["store"]))]);
    assert_eq!(item["goods"], json!([{ "location": "store", "sku": "A", "quantity": 2 }]));
    let path = format!("/v1/work-items/{}:resolve", item["id"].as_str().unwrap());
    let refused = shop.web.post(&path, "elsewhere", &json!({ "choice": "take-back" }));
    assert_eq!((refused.problem().as_str(), &refused.json()["nodes"]), ("decided-elsewhere", &json!(["store"])));
    let decided = shop.store.post(&path, "back", &json!({ "choice": "take-back" })).ok();
    assert_eq!(kinds(&decided), ["resolution", "return"]);
    for node in [&shop.web, &shop.store] {
        eventually("the goods are back", || node.on_hand("A") == Some(5));
        eventually("it is decided", || node.client().list("/v1/work-items").unwrap().is_empty());
    }
}

#[test]
fn a_part_of_an_order_is_given_up_and_the_rest_handed_over() {
    let shop = Shop::open();
    let order = shop.ordered(3);
    let part = json!({ "lines": [{ "sku": "A", "quantity": 1 }] });
    assert_eq!(give_up(&shop.web, &order, "part", &part).json()["state"], "given-up");
    eventually("the store knows", || promised(&shop.store) == 2);
    hand_over(&shop.store, &order, "collected").ok();
    assert_eq!((stands(&shop.store, &order).0, shop.store.on_hand("A")), (json!("completed"), Some(3)));
}
