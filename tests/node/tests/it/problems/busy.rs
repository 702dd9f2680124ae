//! Refusals of a node that is busy with others: their carts, their imports, its own end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::thread;

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::mqtt::mute_broker;
use crate::support::shop::{priced_by, sale_of, usd};
use crate::support::{Node, Setup, eventually};

/// How many clients change a cart at once.
const CHANGERS: i64 = 5;
/// How often each of them does, at most.
const MOST_CHANGES: usize = 1_000;
/// How many imports run at once: each has 128 lines on their way, 1,024 may wait.
const IMPORTS: usize = 14;
/// How often each of them is made, at most.
const MOST_ROUNDS: usize = 50;
/// How many lines an import has.
const LINES: i64 = 500;
/// How many requests are under way when a node is asked to end.
const UNDER_WAY: usize = 12;

#[test]
fn a_cart_that_changes_each_time_it_is_priced_is_not_checked_out() {
    let node = Setup::new("till").settings(&priced_by("dishonest", "closed")).start();
    node.put_product("A", 250);
    let mut round = 0;
    let mut refused = None;
    eventually("a cart changes as often as it is priced", || {
        round += 1;
        let cart = slow_cart(&node, round);
        let answer = check_out_while_others_change(&node, &cart, round);
        let changed = answer.status == 409;
        refused = Some((cart, answer));
        changed
    });
    let (cart, answer) = refused.unwrap();
    assert_eq!((answer.problem().as_str(), &answer.json()["cart"]), ("cart-changed", &json!(cart)));
    assert_eq!(node.get(&format!("/v1/carts/{cart}")).ok()["state"], "open");
    // Nobody changes it any more, and the refusal did not use up the key.
    let order = check_out(&node, &cart, round).ok();
    assert_eq!(order["status"], "completed");
    assert_eq!(node.get(&format!("/v1/carts/{cart}")).ok()["state"], "checked-out");
}

/// A cart whose price takes its time.
fn slow_cart(node: &Node, round: i64) -> String {
    let cart = node.cart_of(&format!("cart-{round}"), "A", 1);
    node.post(&format!("/v1/carts/{cart}/coupons"), &format!("slow-{round}"), &json!({ "code": "SLOW" })).ok();
    cart
}

fn check_out(node: &Node, cart: &str, round: i64) -> Answer {
    node.post(&format!("/v1/carts/{cart}:checkout"), &format!("pay-{round}"), &json!({ "kind": "physical" }))
}

fn check_out_while_others_change(node: &Node, cart: &str, round: i64) -> Answer {
    let over = AtomicBool::new(false);
    let change = |number: i64| {
        let path = format!("/v1/carts/{cart}/lines/A");
        for _ in 0..MOST_CHANGES {
            let answer = node.request("PATCH", &path).json(&json!({ "quantity": number })).send();
            // Once the cart is checked out there is nothing to change.
            if answer.status != 200 || over.load(Relaxed) {
                return;
            }
        }
    };
    thread::scope(|scope| {
        (1..=CHANGERS).for_each(|number| drop(scope.spawn(move || change(number))));
        let answer = check_out(node, cart, round);
        over.store(true, Relaxed);
        answer
    })
}

#[test]
fn a_command_too_many_is_refused_while_imports_are_held_up_and_nothing_is_lost() {
    let node = Setup::new("till").start();
    let (seen, sold) = (AtomicBool::new(false), AtomicI64::new(0));
    let refused = thread::scope(|scope| {
        for number in 0..IMPORTS {
            let (node, seen, sold) = (&node, &seen, &sold);
            scope.spawn(move || {
                for round in 0..MOST_ROUNDS {
                    import(node, &format!("{number}-{round}"));
                    sold.fetch_add(LINES, Relaxed);
                    if seen.load(Relaxed) {
                        return;
                    }
                }
            });
        }
        let refused = first_refused(&node, &sold);
        seen.store(true, Relaxed);
        refused
    });
    let (key, answer) = refused.expect("no command was too many");
    assert_eq!((answer.status, answer.problem().as_str()), (503, "overloaded"));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(node.on_hand("A"), Some(-sold.load(Relaxed)));
    let answer = node.post("/v1/sales", &key, &sale_of("A", 1));
    assert_eq!(answer.header("idempotency-replayed"), Some("false"), "{answer:?}");
}

/// Imports sales of one A each; every line is taken.
fn import(node: &Node, name: &str) {
    let line = |number: i64| {
        let lines = json!([{ "sku": "A", "quantity": 1, "amount": usd(100) }]);
        format!("{}\n", json!({ "idempotency_key": format!("line-{name}-{number}"), "lines": lines }))
    };
    let body: String = (0..LINES).map(line).collect();
    let request = node.request("POST", "/v1/sales:import").header("Content-Type", "application/x-ndjson");
    let answer = request.body(body.as_bytes()).send().text();
    let taken = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|line| line["status"] == 201);
    assert_eq!(answer.lines().filter(|line| taken(line)).count(), usize::try_from(LINES).unwrap(), "{answer}");
}

/// Sells one A after the other until a sale is refused; gives its key. None when that takes too long.
fn first_refused(node: &Node, sold: &AtomicI64) -> Option<(String, Answer)> {
    (0..5_000).find_map(|number| {
        let key = format!("sale-{number}");
        let answer = node.post("/v1/sales", &key, &sale_of("A", 1));
        if answer.status == 201 {
            sold.fetch_add(1, Relaxed);
            return None;
        }
        Some((key, answer))
    })
}

#[test]
fn a_request_that_outlasts_the_node_is_told_that_it_stops_and_was_not_done() {
    // Its link waits for acknowledgements that do not come: that keeps the process there after its engine has ended.
    let mut node = Setup::new("till").linked_to(mute_broker()).start();
    eventually("the link is up", || node.get("/v1/node").ok()["link"]["state"] == "up");
    let requests: Vec<_> = (0..UNDER_WAY).map(|number| Held::begin(&node, format!("sale-{number}"))).collect();
    let from = node.log().len();
    node.ask_to_end();
    eventually("the node stops", || node.log()[from..].contains("stopping"));
    let told: Vec<_> = requests.into_iter().map(Held::end).collect();
    node.wait_for_end();
    node.restart();
    assert!(told.iter().any(|(_, status)| *status == 503), "no request outlasted the node: {told:?}");
    for (key, status) in told {
        let answer = node.post("/v1/sales", &key, &sale_of("A", 1));
        let done = if status == 201 { "true" } else { "false" };
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, Some(done)), "{key}");
    }
}

/// A sale whose body has not been sent.
struct Held {
    key: String,
    stream: BufReader<TcpStream>,
}

impl Held {
    /// Begins a request and waits until the node waits for its body.
    fn begin(node: &Node, key: String) -> Self {
        let length = sale_of("A", 1).to_string().len();
        let mut stream = TcpStream::connect(node.address()).unwrap();
        let head = format!(
            "POST /v1/sales HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Idempotency-Key: {key}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 100"), "{line:?}");
        stream.read_line(&mut line).unwrap();
        Self { key, stream }
    }

    /// Sends the body; gives the key and the status of the answer.
    fn end(mut self) -> (String, u16) {
        self.stream.get_mut().write_all(sale_of("A", 1).to_string().as_bytes()).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.unwrap_or_else(|| panic!("it was left without an answer: {answer:?}"));
        if status == 503 {
            assert!(answer.contains("/problems/stopping") && answer.contains("retry-after: "), "{answer}");
        }
        (self.key, status)
    }
}
