//! A fleet with a key: nodes are let in by text that people carry, and what nobody let in does not count.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::shop::usd;
use crate::support::{Node, Setup, eventually, stderr, stdout, tillmesh};

/// The fleet's key and who holds it.
struct Office {
    folder: TempDir,
}

impl Office {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("fleet.key")
    }

    /// Runs `tillmesh fleet` towards a node, with the key; gives what it says as JSON.
    #[track_caller]
    fn fleet(&self, node: &Node, arguments: &[&str]) -> Value {
        let output = self.try_fleet(node, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        serde_json::from_str(&stdout(&output)).unwrap()
    }

    fn try_fleet(&self, node: &Node, arguments: &[&str]) -> std::process::Output {
        let (key, url) = (self.key(), node.url());
        let with_key = arguments[0] != "nodes";
        let key = if with_key { vec!["--authority", key.to_str().unwrap()] } else { Vec::new() };
        let all: Vec<&str> =
            ["fleet"].iter().chain(arguments).chain(&key).chain(&["--json", "--url", &url]).copied().collect();
        tillmesh(&all)
    }

    /// Lets a node in, over three commands and no line but the text.
    #[track_caller]
    fn enrol(&self, authority: &Node, node: &Node, role: &str) {
        let request = self.fleet(node, &["enrol"])["request"].as_str().unwrap().to_owned();
        let enrolment = self.fleet(authority, &["enrol", &request, "--role", role]);
        assert_eq!(enrolment["told"], true);
        let taken = self.fleet(node, &["enrol", enrolment["enrolment"].as_str().unwrap()]);
        assert_eq!(taken["standing"], "member", "{taken}");
    }
}

fn refused(node: &Node, peer: &str, kind: &str) -> u64 {
    let peers = node.client().list("/v1/peers").unwrap();
    let peer = peers.iter().find(|known| known["node"] == peer);
    peer.map_or(0, |peer| peer["refused"][kind].as_u64().unwrap_or(0))
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_newcomer_knows_the_node_that_let_it_in_before_it_hears_anybody() {
    let office = Office::new();
    let (head, shop) = (Setup::new("head").start(), Setup::new("shop").start());
    office.fleet(&head, &["init"]);
    office.enrol(&head, &shop, "store");
    let nodes = office.fleet(&shop, &["nodes"])["nodes"].clone();
    let names: Vec<_> = nodes.as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap()).collect();
    assert!(names.len() == 2 && names.contains(&"head") && names.contains(&"shop"), "{nodes}");
}

#[test]
fn an_enrolment_made_beside_a_retired_node_says_that_it_introduces_nobody() {
    let office = Office::new();
    let [head, till] = ["head", "till"].map(|name| Setup::new(name).start());
    office.fleet(&head, &["init"]);
    let request = office.fleet(&till, &["enrol"])["request"].as_str().unwrap().to_owned();
    let note = || stderr(&office.try_fleet(&head, &["enrol", &request]));
    assert_eq!(note(), "");
    office.fleet(&head, &["retire", "head"]);
    assert!(note().contains("is no member itself (retired)"), "{}", note());
}

#[test]
fn what_a_node_sells_counts_once_it_is_enrolled_and_a_stranger_is_refused_and_shown() {
    let office = Office::new();
    let head = Setup::new("head").with_broker().start();
    let shop = Setup::new("shop").linked_to(head.broker()).start();
    office.fleet(&head, &["init"]);
    assert_eq!(mode(&office.key()), 0o600);

    shop.receive("opening", "A", 10);
    eventually("the stranger is refused", || refused(&head, "shop", "unknown-signer") > 0);
    assert_eq!(head.on_hand("A"), None);
    assert!(head.log().contains("unknown-signer"), "{}", head.log());

    office.enrol(&head, &shop, "store");
    eventually("its stock counts", || head.on_hand("A") == Some(10));
    shop.sell("sale", "A", 1);
    eventually("its sales count", || head.on_hand("A") == Some(9) && head.state() == shop.state());

    for node in [&head, &shop] {
        let known = office.fleet(node, &["nodes"]);
        let names: Vec<_> = known["nodes"].as_array().unwrap().iter().map(|node| node["node"].clone()).collect();
        assert_eq!((names.len(), names.contains(&json!("shop"))), (2, true), "{known}");
    }
}

#[test]
fn a_kiosk_sells_and_books_nothing_in() {
    let office = Office::new();
    let kiosk = Setup::new("kiosk").start();
    office.fleet(&kiosk, &["init", "--role", "kiosk"]);
    let lines = json!({ "lines": [{ "sku": "A", "quantity": 5 }] });
    let problem = kiosk.post("/v1/stock/receipts", "r", &lines).refused(403);
    assert_eq!((&problem["type"], &problem["role"]), (&json!("/problems/outside-role"), &json!("kiosk")), "{problem}");
    assert_eq!(problem["what"], "a receipt at kiosk");
    kiosk.put("/v1/products/A", "p", &json!({ "name": "A" })).refused(403);
    kiosk.sell("sale", "A", 1);
}

#[test]
fn a_fleet_goes_on_under_a_new_key_and_a_node_that_comes_later_joins_it() {
    let office = Office::new();
    let mut head = Setup::new("head").with_broker().start();
    let shop = Setup::new("shop").linked_to(head.broker()).start();
    office.fleet(&head, &["init"]);
    office.enrol(&head, &shop, "store");
    let old = head.get("/v1/fleet").ok()["key"].clone();
    let new = office.fleet(&head, &["rotate"])["key"].clone();
    assert_ne!(old, new);
    eventually("the shop follows", || shop.get("/v1/fleet").ok()["key"] == new);

    let late = Setup::new("late").linked_to(head.broker()).start();
    office.enrol(&head, &late, "store");
    shop.receive("opening", "A", 10);
    eventually("all hear each other", || late.on_hand("A") == Some(10) && head.on_hand("A") == Some(10));
    head.terminate();
    head.restart();
    assert_eq!(head.get("/v1/fleet").ok()["key"], new);
    let standing: Vec<_> = [&head, &shop, &late].map(|node| node.get("/v1/fleet").ok()["standing"].clone()).into();
    assert_eq!(standing, ["member", "member", "member"]);
}

#[test]
fn a_node_that_nobody_could_tell_of_two_new_keys_follows_its_enrolment() {
    let office = Office::new();
    let (head, away) = (Setup::new("head").start(), Setup::new("away").start());
    office.fleet(&head, &["init"]);
    office.enrol(&head, &away, "store");
    office.fleet(&head, &["rotate"]);
    std::fs::remove_file(office.folder.path().join("fleet.key.old")).unwrap();
    let key = office.fleet(&head, &["rotate"])["key"].clone();
    assert_ne!(away.get("/v1/fleet").ok()["key"], key);
    office.enrol(&head, &away, "store");
    assert_eq!(away.get("/v1/fleet").ok()["key"], key);
    assert_eq!(away.get("/v1/node").ok()["rival_keys"], json!([]));
}

#[test]
fn what_a_retired_node_sold_counts_and_what_a_stolen_one_says_does_not() {
    let office = Office::new();
    let head = Setup::new("head").with_broker().start();
    let (lost, stolen) =
        (Setup::new("lost").linked_to(head.broker()).start(), Setup::new("stolen").linked_to(head.broker()).start());
    office.fleet(&head, &["init"]);
    for node in [&lost, &stolen] {
        office.enrol(&head, node, "store");
        node.receive("opening", node.name(), 10);
        eventually("it is heard", || head.on_hand(node.name()) == Some(10));
    }
    office.fleet(&head, &["retire", "lost"]);
    office.fleet(&head, &["retire", "stolen", "--stolen"]);
    eventually("both know", || {
        [(&lost, "retired"), (&stolen, "stolen")]
            .iter()
            .all(|(node, word)| node.get("/v1/fleet").ok()["standing"] == *word)
    });
    lost.sell("late", "lost", 1);
    stolen.sell("late", "stolen", 1);
    eventually("one counts, one is refused", || {
        head.on_hand("lost") == Some(9) && refused(&head, "stolen", "retired") > 0
    });
    assert_eq!(head.on_hand("stolen"), Some(10));
    let mut late = Setup::new("newcomer").start();
    office.enrol(&head, &late, "store");
    late.link_to(head.broker());
    eventually("a newcomer holds what the others hold", || late.state() == head.state());
    assert_eq!((late.on_hand("lost"), late.on_hand("stolen")), (Some(9), Some(10)));
    let again = office.try_fleet(&head, &["retire", "nobody"]);
    assert!(stderr(&again).contains("the fleet has no node nobody"), "{}", stderr(&again));
}

#[test]
fn the_store_of_a_node_that_was_enrolled_is_sound() {
    let office = Office::new();
    let head = Setup::new("head").location("shop").with_broker().start();
    let mut till = Setup::new("till").location("shop").linked_to(head.broker()).start();
    office.fleet(&head, &["init"]);
    head.put_product("A", 250);
    head.receive("goods", "A", 5);
    office.enrol(&head, &till, "store");
    eventually("it has the goods", || till.on_hand("A") == Some(5));
    till.sell("sale", "A", 1);
    till.terminate();
    let data = till.data();
    let output = tillmesh(&["verify", "--node", "till", "--fleet", "tests", "--data", data.to_str().unwrap()]);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_keeper_by_its_settings_alone_says_that_it_keeps_nothing() {
    let office = Office::new();
    let head = Setup::new("head").location("shop").settings("[node]\nkeeper = true\n").start();
    assert_eq!(head.get("/v1/node").ok()["keeper"], "yes");
    office.fleet(&head, &["init"]);
    assert_eq!(head.get("/v1/node").ok()["keeper"], "not-certified");
    let status = tillmesh(&["status", "--url", &head.url()]);
    assert!(stdout(&status).contains("enrol it again with --keeper"), "{}", stdout(&status));
}

#[test]
fn a_lost_node_is_retired_with_what_is_at_stake_and_its_goods_are_promised_by_others() {
    let office = Office::new();
    let head = Setup::new("head").location("shop").settings("[node]\nkeeper = true\n").with_broker().start();
    let mut lost = Setup::new("lost").location("shop").linked_to(head.broker()).start();
    office.fleet(&head, &["init", "--keeper"]);
    head.put_product("A", 250);
    office.enrol(&head, &lost, "store");
    eventually("it has the catalogue", || lost.get("/v1/products/A").status == 200);
    lost.receive("goods", "A", 10);
    let line = |quantity: u64| json!({ "lines": [{ "sku": "A", "quantity": quantity }] });
    let promise = lost.post("/v1/reservations", "promise", &line(3)).ok();
    eventually("it is heard", || head.get("/v1/stock/A").ok()["promised"] == 3);
    lost.kill();
    head.post("/v1/reservations", "too-early", &line(1)).refused(409);

    let at_stake = office.fleet(&head, &["retire", "lost", "--dry-run"])["exposure"].clone();
    let money = |amount: u64| json!([{ "amount": amount, "currency": "USD" }]);
    assert_eq!((&at_stake[0]["rights"]["units"], &at_stake[0]["rights"]["worth"]), (&json!(7), &money(1_750)));
    assert_eq!((&at_stake[0]["promises"]["units"], &at_stake[0]["promises"]["worth"]), (&json!(3), &money(750)));
    assert_eq!(office.fleet(&head, &["nodes"])["nodes"][1].get("retired_at"), None);
    office.fleet(&head, &["retire", "lost"]);
    eventually("its goods are free", || head.post("/v1/reservations", "all", &line(7)).status == 201);

    lost.restart();
    eventually("it hears of it", || lost.get("/v1/fleet").ok()["standing"] == "retired");
    let refused = lost.post("/v1/reservations", "after", &line(1)).refused(403);
    assert_eq!(refused["type"], "/problems/retired", "{refused}");
    lost.sell("after", "A", 1);
    lost.post(&format!("/v1/orders/{}/fulfilments", promise["id"].as_str().unwrap()), "gone", &json!({})).ok();
    eventually("both hold the same", || head.state() == lost.state() && head.on_hand("A") == Some(6));
    let items = head.client().list("/v1/work-items").unwrap();
    assert_eq!(items[0]["kind"], "shortfall", "{items:?}");
}

#[test]
fn what_a_lost_node_may_have_taken_of_vouchers_and_may_pay_back_is_told_as_money_uses_and_orders() {
    let office = Office::new();
    let head = Setup::new("head").location("shop").with_broker().start();
    let mut lost = Setup::new("lost").location("shop").linked_to(head.broker()).start();
    lost.post("/v1/vouchers", "card", &json!({ "kind": "gift-card", "amount": usd(5_000) })).ok();
    lost.post("/v1/vouchers", "coupon", &json!({ "kind": "coupon", "uses": 3, "code": "SPRING" })).ok();
    lost.sell("sale", "A", 2);
    eventually("it is heard", || head.on_hand("A") == Some(-2) && head.get("/v1/vouchers/SPRING").status == 200);
    lost.kill();
    office.fleet(&head, &["init"]);
    let told = office.fleet(&head, &["retire", "lost", "--dry-run"])["exposure"].clone();
    let of_shop = told.as_array().unwrap().iter().find(|at| at["location"] == "shop").unwrap();
    assert_eq!(of_shop["refunds"], json!({ "orders": 1, "worth": [usd(200)] }), "{told}");
    let of_vouchers = told.as_array().unwrap().iter().find(|at| at["location"] == "vouchers").unwrap();
    assert_eq!(of_vouchers["gift_cards"], json!({ "cards": 1, "worth": [usd(5_000)] }), "{told}");
    assert_eq!(of_vouchers["coupons"], json!({ "coupons": 1, "uses": 3 }), "{told}");
    assert_eq!(of_vouchers["rights"], json!({ "units": 0, "worth": [], "unpriced": 0 }), "{told}");
    let said = stdout(&tillmesh(&["fleet", "retire", "lost", "--dry-run", "--url", &head.url()]));
    for sentence in [
        "lost may have taken 50.00 USD of 1 gift card that nobody has heard of.",
        "lost may have redeemed 3 uses of 1 coupon that nobody has heard of.",
        "lost alone may pay back 2.00 USD for 1 order of shop, and once it is retired its keeper.",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
    assert!(!said.contains("units"), "{said}");
}

#[test]
fn a_node_that_died_before_the_fleet_had_a_key_is_retired_by_name_and_counts_for_newcomers() {
    let office = Office::new();
    let head = Setup::new("head").with_broker().start();
    let mut dead = Setup::new("dead").linked_to(head.broker()).start();
    dead.receive("opening", "A", 10);
    dead.sell("sale", "A", 3);
    eventually("it is heard", || head.on_hand("A") == Some(7));
    dead.kill();
    office.fleet(&head, &["init"]);
    // Enrolled before it hears anybody: while it is open it takes what anybody signed.
    let mut newcomer = Setup::new("newcomer").start();
    office.enrol(&head, &newcomer, "store");
    newcomer.link_to(head.broker());
    eventually("it is refused", || refused(&newcomer, "head", "unknown-signer") > 0);
    assert_eq!(newcomer.on_hand("A"), None);

    let retired = office.fleet(&head, &["retire", "dead"]);
    assert_eq!((&retired["node"], &retired["events"][0]["count"]), (&json!("dead"), &json!(2)), "{retired}");
    eventually("what it wrote counts", || newcomer.on_hand("A") == Some(7) && newcomer.state() == head.state());
    let nodes = office.fleet(&head, &["nodes"]);
    let node = nodes["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "dead").unwrap().clone();
    assert!(node["retired_at"].is_string() && node["role"].is_null(), "{node}");
}

#[test]
fn a_name_that_is_taken_a_text_that_is_damaged_and_another_fleets_key_are_refused_in_words() {
    let office = Office::new();
    let head = Setup::new("head").start();
    office.fleet(&head, &["init"]);
    let twin = Setup::new("head").start();
    let request = office.fleet(&twin, &["enrol"])["request"].as_str().unwrap().to_owned();
    let taken = stderr(&office.try_fleet(&head, &["enrol", &request]));
    assert!(taken.contains("has a node head already"), "{taken}");
    let damaged = stderr(&office.try_fleet(&head, &["enrol", &request[..request.len() - 7]]));
    assert!(damaged.contains("damaged") || damaged.contains("signature") || damaged.contains("COSE"), "{damaged}");
    let second = stderr(&office.try_fleet(&twin, &["init"]));
    assert!(second.contains("a key is never overwritten"), "{second}");

    let other = Office::new();
    other.fleet(&twin, &["init"]);
    let enrolment = other.fleet(&twin, &["enrol", &request, "--again"])["enrolment"].as_str().unwrap().to_owned();
    let foreign = head.post("/v1/fleet:enrol", "e", &json!({ "enrolment": enrolment })).refused(422);
    assert_eq!(foreign["field"], "enrolment.anchor", "{foreign}");
    let nonsense = head.post("/v1/fleet:enrol", "n", &json!({ "enrolment": "hello" })).refused(422);
    assert_eq!((&nonsense["field"], &nonsense["value"]), (&json!("enrolment"), &json!("hello")), "{nonsense}");
}
