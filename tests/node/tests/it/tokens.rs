//! Carts that travel: their tokens, forks, continuations and merges, between a till and a kiosk of one shop.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use serde_json::{Value, json};
use tillmesh_core::cart::{self, Added, Begun, HandOver};
use tillmesh_core::document::{Document, DocumentId, LINES, Put, Scope};
use tillmesh_core::envelope;
use tillmesh_core::id::{CartId, ChangeHash, Name, Writer};
use tillmesh_core::identity::{Identity, Secret, new_boot};
use tillmesh_core::sync::pack;
use tillmesh_core::time::Timestamp;
use tillmesh_examples::proxy::Proxy;

use crate::support::http::Answer;
use crate::support::mqtt::Stranger;
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
        till.put_product("A", 250);
        till.receive("opening", "A", 20);
        eventually("the kiosk knows the goods", || kiosk.on_hand("A") == Some(20));
        eventually("the kiosk knows the product", || kiosk.get("/v1/products/A").status == 200);
        Self { till, kiosk, line }
    }

    /// A cart that was begun at the till with one line, and is known at the kiosk.
    fn cart(&self) -> String {
        let cart = self.till.cart_of("cart", "A", 1);
        eventually("the kiosk knows the cart", || skus(&self.kiosk, &cart).len() == 1);
        cart
    }

    fn cut(&self) {
        self.line.cut();
        eventually("the kiosk has noticed", || self.kiosk.get("/v1/node").ok()["link"]["state"] == "down");
    }

    fn agree(&self) {
        eventually("both say the same", || self.till.state() == self.kiosk.state());
    }
}

fn cart_of(node: &Node, cart: &str) -> Value {
    node.get(&format!("/v1/carts/{cart}")).json()
}

fn skus(node: &Node, cart: &str) -> Vec<String> {
    let cart = cart_of(node, cart);
    cart["lines"].as_array().into_iter().flatten().map(|line| line["sku"].as_str().unwrap().to_owned()).collect()
}

fn act(node: &Node, cart: &str, action: &str, key: &str) -> Answer {
    node.request("POST", &format!("/v1/carts/{cart}:{action}")).key(key).send()
}

fn check_out(node: &Node, cart: &str, kind: &str, key: &str) -> Answer {
    node.post(&format!("/v1/carts/{cart}:checkout"), key, &json!({ "kind": kind }))
}

fn add(node: &Node, cart: &str, sku: &str, key: &str) -> Answer {
    let price = json!({ "amount": 100, "currency": "USD" });
    node.post(&format!("/v1/carts/{cart}/lines"), key, &json!({ "sku": sku, "quantity": 1, "unit_price": price }))
}

#[track_caller]
fn refused(answer: &Answer, kind: &str) -> Value {
    assert_eq!((answer.status, answer.problem().as_str()), (409, kind), "{answer:?}");
    answer.json()
}

#[test]
fn a_claim_brings_the_token_from_the_node_that_holds_it() {
    let shop = Shop::open();
    let cart = shop.cart();
    assert_eq!(cart_of(&shop.kiosk, &cart)["holder"]["node"], "till");
    let claimed = act(&shop.kiosk, &cart, "claim", "claim").ok();
    assert_eq!(claimed["holder"]["epoch"], shop.kiosk.get("/v1/node").ok()["epoch"]);
    eventually("the till knows", || cart_of(&shop.till, &cart)["holder"]["node"] == "kiosk");
    assert_eq!(check_out(&shop.kiosk, &cart, "physical", "pay").status, 201);
    shop.agree();
}

#[test]
fn a_checkout_at_a_node_without_the_token_fetches_it_and_a_second_one_is_refused() {
    let shop = Shop::open();
    let cart = shop.cart();
    let order = check_out(&shop.kiosk, &cart, "physical", "pay").ok();
    assert_eq!(
        check_out(&shop.kiosk, &cart, "physical", "pay").ok()["id"],
        order["id"],
        "the same key, the same order"
    );
    eventually("the till knows", || cart_of(&shop.till, &cart)["state"] == "checked-out");
    let twice = refused(&check_out(&shop.till, &cart, "physical", "pay"), "cart-checked-out");
    assert_eq!(twice["order"], order["id"]);
}

#[test]
fn while_the_holder_is_away_a_fork_sells_the_goods_and_both_orders_stand() {
    let shop = Shop::open();
    let cart = shop.cart();
    shop.cut();
    for answer in [act(&shop.kiosk, &cart, "claim", "claim"), check_out(&shop.kiosk, &cart, "physical", "pay")] {
        let problem = refused(&answer, "cart-held-elsewhere");
        assert_eq!((&problem["holder"], &problem["cart"]), (&json!("till"), &json!(cart)));
        assert_eq!(problem["fork"], json!(format!("/v1/carts/{cart}:fork")));
        assert!(problem["heard_lately"].is_boolean(), "{problem}");
    }
    let forked = act(&shop.kiosk, &cart, "fork", "fork").ok();
    let fork = forked["id"].as_str().unwrap().to_owned();
    assert_eq!((&forked["forked_from"], skus(&shop.kiosk, &fork)), (&json!(cart), vec!["A".to_owned()]));
    let promised = refused(&check_out(&shop.kiosk, &fork, "promise", "promise"), "fork-not-promised");
    assert_eq!(promised["from"], json!(cart));
    let orders =
        [check_out(&shop.kiosk, &fork, "physical", "pay").ok(), check_out(&shop.till, &cart, "physical", "pay").ok()];
    shop.line.mend();
    shop.agree();
    for node in [&shop.till, &shop.kiosk] {
        for order in &orders {
            let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
            assert_eq!(node.get(&path).ok()["status"], "completed");
        }
        let shown = cart_of(node, &cart);
        assert_eq!((&shown["forks"], &shown["sold_by_forks"][0]["sku"]), (&json!([fork]), &json!("A")));
        assert_eq!(node.on_hand("A"), Some(18));
    }
}

#[test]
fn lines_that_come_after_a_checkout_are_sold_with_the_cart_that_continues_it() {
    let shop = Shop::open();
    let cart = shop.cart();
    shop.cut();
    add(&shop.kiosk, &cart, "LATE", "line").ok();
    check_out(&shop.till, &cart, "physical", "pay").ok();
    shop.line.mend();
    eventually("the till has the late line", || cart_of(&shop.till, &cart)["continued_in"].is_string());
    let next = cart_of(&shop.till, &cart)["continued_in"].as_str().unwrap().to_owned();
    for node in [&shop.till, &shop.kiosk] {
        eventually("the continuation is there", || skus(node, &next) == ["LATE"]);
        assert_eq!(cart_of(node, &next)["continued_from"], json!(cart));
    }
    let order = check_out(&shop.kiosk, &next, "physical", "pay").ok();
    assert_eq!(order["total"]["amount"], 100);
    shop.agree();
    let listed = shop.till.client().list("/v1/carts?state=checked-out").unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");
}

#[test]
fn a_guests_cart_goes_on_in_the_customers_own() {
    let shop = Shop::open();
    let guest = shop.cart();
    let own = shop.kiosk.post("/v1/carts", "own", &json!({ "customer_ref": "c-7" })).ok()["id"].clone();
    let own = own.as_str().unwrap();
    add(&shop.kiosk, own, "B", "line").ok();
    let merge = |key: &str| {
        let body = json!({ "from": guest, "policy": "max" });
        shop.kiosk.post(&format!("/v1/carts/{own}:merge"), key, &body)
    };
    assert_eq!(merge("merge").ok()["lines"].as_array().map(Vec::len), Some(2));
    assert_eq!(merge("merge").ok()["id"], own, "the same key, the same answer");
    assert_eq!(skus(&shop.kiosk, own).len(), 2);
    assert_eq!(refused(&merge("again"), "cart-merged")["into"], own);
    shop.agree();
    assert_eq!(cart_of(&shop.till, &guest)["merged_into"], own);
    assert_eq!(refused(&add(&shop.till, &guest, "C", "line"), "cart-merged")["into"], own);
}

#[test]
fn the_command_line_claims_forks_and_merges() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    let (one, two) = (node.cart_of("one", "A", 1), node.cart_of("two", "A", 2));
    let url = node.url();
    let run = |arguments: &[&str]| {
        let output = crate::support::tillmesh(&[arguments, &["--url", &url]].concat());
        (output.status.success(), crate::support::stdout(&output), crate::support::stderr(&output))
    };
    let (done, said, error) = run(&["cart", "claim", &one]);
    assert!(done && said.contains(&one), "{said}{error}");
    let (done, _, error) = run(&["cart", "fork", &one]);
    assert!(!done && error.contains("needs no fork"), "{error}");
    let (done, said, error) = run(&["cart", "merge", &one, &two, "--policy", "sum"]);
    assert!(done && said.contains(&one), "{said}{error}");
    assert_eq!(skus(&node, &one).len(), 2);
    let (done, said, error) = run(&["cart", "checkout", &one, "--tender", "cash"]);
    assert!(done && said.contains("7.50"), "{said}{error}");
}

/// A node that is no process: it signs what it is told to.
struct Signer {
    identity: Identity,
    stranger: Stranger,
}

impl Signer {
    fn at(node: &Node) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let identity = Identity::new(name("signer"), &Secret::generate(&mut rng), new_boot(&mut rng));
        Self { identity, stranger: Stranger::connect(node.broker(), "signer") }
    }

    /// Tells a cart that was begun at some time, and what else is in it.
    fn tell(&mut self, cart: CartId, begun_at: Timestamp, more: &[Added]) {
        let writer = self.identity.writer();
        let begun = Added::Begun(Begun { channel: name("web"), node: writer.node.clone(), at: begun_at });
        let document = DocumentId::Cart { id: cart };
        let mut tale = Document::new(document.clone(), writer.epoch, self.identity.boot()).unwrap();
        let put = |(number, added): (usize, &Added)| {
            let key = format!("{}-{}-{number}", writer.epoch, self.identity.boot());
            Put { block: LINES.to_owned(), key, value: cart::write(added) }
        };
        let puts: Vec<Put> = std::iter::once(&begun).chain(more).enumerate().map(put).collect();
        let (change, _) = tale.put(&puts, 0).unwrap();
        let scope = Scope::Carts(name("main"));
        let envelope = envelope::seal(&self.identity, &name("tests"), &scope, &document, &[change]);
        self.stranger.publish("tm/1/tests/carts-main/changes/signer", &pack(&[envelope]));
        self.stranger.flush();
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn days_ago(days: u64) -> Timestamp {
    let time = SystemTime::now() - Duration::from_secs(days * 86_400);
    Timestamp::from_millis(i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap())
}

#[test]
fn a_cart_that_nobody_added_to_for_long_takes_no_more_and_is_not_listed() {
    let till = Setup::new("till").with_broker().settings("[carts]\nexpire_days = 7\n").start();
    let mut signer = Signer::at(&till);
    let (old, recent) = (CartId::from_bytes([1; 10]), CartId::from_bytes([2; 10]));
    signer.tell(old, days_ago(8), &[]);
    signer.tell(recent, days_ago(6), &[]);
    for cart in [old, recent] {
        eventually("the till knows it", || till.get(&format!("/v1/carts/{cart}")).status == 200);
    }
    let old = old.to_string();
    assert_eq!(cart_of(&till, &old)["state"], "expired");
    let listed = till.client().list("/v1/carts").unwrap();
    assert_eq!(listed.iter().map(|cart| &cart["id"]).collect::<Vec<_>>(), [&json!(recent)]);
    assert!(refused(&add(&till, &old, "B", "line"), "cart-expired")["expired_at"].is_string());
    refused(&act(&till, &old, "claim", "claim"), "cart-expired");
    add(&till, &recent.to_string(), "B", "recent").ok();
}

#[test]
fn a_node_that_lacks_what_the_tokens_last_holder_knew_does_not_check_out() {
    let till = Setup::new("till").with_broker().start();
    let mut signer = Signer::at(&till);
    let epoch = till.get("/v1/node").ok()["epoch"].as_str().unwrap().parse().unwrap();
    let (cart, heads) = (CartId::from_bytes([1; 10]), vec![ChangeHash::from_bytes([9; 32])]);
    let to = Writer { node: name("till"), epoch };
    let given = HandOver { after: None, to, heads, at: days_ago(0) };
    signer.tell(cart, days_ago(0), &[Added::HandOver(given)]);
    let cart = cart.to_string();
    eventually("the till holds the token", || cart_of(&till, &cart)["holder"]["node"] == "till");
    add(&till, &cart, "B", "line").ok();
    for answer in [act(&till, &cart, "claim", "claim"), check_out(&till, &cart, "physical", "pay")] {
        assert_eq!(refused(&answer, "cart-behind")["missing_changes"], 1);
    }
    assert_eq!(cart_of(&till, &cart)["state"], "open");
}

#[test]
fn a_cart_that_is_promised_keeps_its_goods_for_the_customer() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    node.receive("receipt", "A", 5);
    let cart = node.cart_of("cart", "A", 2);
    let paid =
        json!({ "kind": "promise", "tenders": [{ "kind": "cash", "amount": { "amount": 1, "currency": "USD" } }] });
    let answer = node.post(&format!("/v1/carts/{cart}:checkout"), "paid", &paid);
    assert_eq!((answer.status, answer.problem().as_str()), (422, "invalid-field"));
    let order = check_out(&node, &cart, "promise", "promise").ok();
    assert_eq!((&order["status"], &order["total"]["amount"]), (&json!("reserved"), &json!(500)));
    assert_eq!(check_out(&node, &cart, "promise", "promise").ok()["id"], order["id"]);
    let shown = cart_of(&node, &cart);
    assert_eq!((&shown["state"], &shown["checkouts"][0]["order"]), (&json!("checked-out"), &order["id"]));
    let stock = node.get("/v1/stock/A").ok();
    assert_eq!((&stock["on_hand"], &stock["promised"]), (&json!(5), &json!(2)));
    let greedy = node.cart_of("greedy", "A", 9);
    assert_eq!(check_out(&node, &greedy, "promise", "too-much").problem(), "not-available");
    assert_eq!(cart_of(&node, &greedy)["state"], "open");
}
