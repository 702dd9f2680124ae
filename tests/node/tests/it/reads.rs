//! What was acknowledged can be read, at once and from then on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::http::Request;
use crate::support::{Setup, eventually};

/// So many that writing them behind takes several commits.
const SALES: usize = 300;

#[test]
fn orders_and_carts_stay_readable_while_their_rows_move_from_memory_to_the_store() {
    let node = Setup::new("till").start();
    node.put_product("A", 250);
    let paths: Vec<String> = (0..SALES)
        .map(|number| match number % 2 {
            0 => format!("/v1/orders/{}", node.sell(&format!("sale-{number}"), "A", 1)["id"].as_str().unwrap()),
            _ => format!("/v1/carts/{}", node.cart_of(&format!("cart-{number}"), "A", 1)),
        })
        .collect();
    let url = node.url();
    let written = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !written.load(Ordering::SeqCst) {
                for path in &paths {
                    let answer = Request::new("GET", format!("{url}{path}")).send();
                    assert_eq!(answer.status, 200, "{path}: {answer:?}");
                }
            }
        });
        eventually("every row is written", || {
            reader.is_finished() || node.get("/v1/node").ok()["unwritten_rows"].as_u64() == Some(0)
        });
        written.store(true, Ordering::SeqCst);
        reader.join().unwrap();
    });
}
