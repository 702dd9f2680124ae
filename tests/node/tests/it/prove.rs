//! `tillmesh order prove`: what one node priced, another can work out again, and a byte that differs shows.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use serde_json::json;

use crate::support::http::{Answer, Request};
use crate::support::shop::priced_by;
use crate::support::{Node, Setup, eventually, stdout, tillmesh};

/// A till that prices with promotions, a back office that hears of its orders, and an order.
struct Shop {
    till: Node,
    office: Node,
    order: String,
}

impl Shop {
    fn open() -> Self {
        let till =
            Setup::new("till").location("shop").with_broker().settings(&priced_by("promotions", "closed")).start();
        let office = Setup::new("office").location("shop").linked_to(till.broker()).start();
        till.put_product("A", 250);
        till.put_product("B", 1_000);
        let percentage = json!({ "kind": { "type": "percentage", "basis_points": 1000 } });
        till.put("/v1/promotions/ten", "ten", &percentage).ok();
        let cart = till.cart_of("cart", "A", 3);
        till.post(&format!("/v1/carts/{cart}/lines"), "line", &json!({ "sku": "B", "quantity": 1 })).ok();
        let order = till.post(&format!("/v1/carts/{cart}:checkout"), "pay", &json!({ "kind": "physical" })).ok();
        assert_eq!(
            (order["subtotal"]["amount"].as_i64(), order["total"]["amount"].as_i64()),
            (Some(1_750), Some(1_575))
        );
        let order = order["id"].as_str().unwrap().to_owned();
        eventually("the office knows the order", || office.get(&format!("/v1/orders/{order}")).status == 200);
        Self { till, office, order }
    }

    /// Proves the order that one address states with what another has: the exit code and what was said.
    fn prove(&self, node: &str, from: &str) -> (Option<i32>, String) {
        let output = tillmesh(&["order", "prove", &self.order, "--node", node, "--from", from]);
        (output.status.code(), stdout(&output))
    }
}

#[test]
fn another_node_s_order_is_proved_with_the_plugin_and_inputs_of_the_one_that_priced_it() {
    let shop = Shop::open();
    let (code, said) = shop.prove(&shop.office.url(), &shop.till.url());
    assert_eq!(code, Some(0), "{said}");
    for piece in [
        "same     component",
        "same     inputs",
        "same     output",
        "adjustments: ten -",
        "15.75",
        "The price is proved.",
    ] {
        assert!(said.contains(piece), "{piece:?} is not in {said}");
    }
}

#[test]
fn a_byte_that_differs_in_inputs_component_or_order_is_found() {
    let shop = Shop::open();
    let proof = shop.till.get(&format!("/v1/orders/{}", shop.order)).ok()["pricing"].clone();
    for what in ["inputs", "component"] {
        let path = format!("/v1/objects/{}", proof[what].as_str().unwrap());
        let liar = liar(&shop.till, move |asked, body| {
            if asked == path {
                let middle = body.len() / 2;
                body[middle] ^= 1;
            }
        });
        let (code, said) = shop.prove(&shop.office.url(), &format!("http://{liar}"));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&format!("DIFFERS  {what}")) && said.contains("The price is NOT proved."), "{said}");
    }
    let liar = liar(&shop.office, |asked, body| {
        if asked.starts_with("/v1/orders/") {
            let text = String::from_utf8(body.clone()).unwrap();
            *body = text.replace("\"total\":{\"amount\":1575", "\"total\":{\"amount\":1574").into_bytes();
        }
    });
    let (code, said) = shop.prove(&format!("http://{liar}"), &shop.till.url());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("DIFFERS  total: the order says 15.74 USD, found 15.75 USD"), "{said}");
}

#[test]
fn an_order_that_no_plugin_priced_or_whose_inputs_are_elsewhere_says_so() {
    let shop = Shop::open();
    let plain = shop.office.sell("sale", "A", 1)["id"].as_str().unwrap().to_owned();
    let output = tillmesh(&["order", "prove", &plain, "--node", &shop.office.url()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::support::stderr(&output).contains("was not priced by a plugin"));
    let output = tillmesh(&["order", "prove", &shop.order, "--node", &shop.office.url()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(crate::support::stderr(&output).contains("--from names the node that has it"));
}

/// Stands before a node and changes what it answers.
fn liar(node: &Node, change: impl Fn(&str, &mut Vec<u8>) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, url) = (listener.local_addr().unwrap(), node.url());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            answer(&client, &url, &change);
        }
    });
    address
}

fn answer(mut client: &TcpStream, url: &str, change: &impl Fn(&str, &mut Vec<u8>)) {
    let lines: Vec<String> =
        BufReader::new(client).lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
    let Some(path) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
    let Answer { status, mut body, .. } = Request::new("GET", format!("{url}{path}")).send();
    change(path, &mut body);
    let head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).and_then(|()| client.write_all(&body)).unwrap();
}
