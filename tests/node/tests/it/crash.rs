//! Crashes in the middle of trade.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::support::http::Request;
use crate::support::shop::sale_of;
use crate::support::{Setup, eventually};

/// How many tills sell at once.
const TILLS: usize = 4;
/// How many sales each has.
const SALES: usize = 60;
/// How many sales are acknowledged between two crashes.
const BETWEEN: usize = 60;

#[test]
fn everything_acknowledged_survives_crashes_and_repeated_requests_count_once() {
    let mut node = Setup::new("till").start();
    node.receive("opening", "A", 1_000);
    let acknowledged = AtomicUsize::new(0);
    let receipts = thread::scope(|scope| {
        let url = format!("{}/v1/sales", node.url());
        let tills: Vec<_> = (0..TILLS)
            .map(|till| {
                let (url, acknowledged) = (url.clone(), &acknowledged);
                scope.spawn(move || (0..SALES).map(|sale| sell(&url, till, sale, acknowledged)).collect::<Vec<_>>())
            })
            .collect();
        for crash in 1..=3 {
            eventually("tills sell", || acknowledged.load(Ordering::SeqCst) >= crash * BETWEEN);
            node.kill();
            node.restart();
        }
        tills.into_iter().flat_map(|till| till.join().unwrap()).collect::<BTreeMap<_, _>>()
    });
    node.kill();
    node.restart();
    assert_eq!(receipts.len(), TILLS * SALES);
    assert_eq!(node.on_hand("A"), Some(1_000 - i64::try_from(TILLS * SALES).unwrap()));
    for (id, receipt) in &receipts {
        assert_eq!(node.get(&format!("/v1/orders/{id}")).ok()["receipt_number"], *receipt.as_str());
    }
    let numbers: BTreeSet<usize> =
        receipts.values().map(|receipt| receipt.rsplit_once('-').unwrap().1.parse().unwrap()).collect();
    assert_eq!(numbers, (1..=TILLS * SALES).collect(), "receipt numbers have no gap and none is there twice");
}

/// Sells, and asks again until there is an answer, as a till does. Gives the order's id and its receipt number.
fn sell(url: &str, till: usize, sale: usize, acknowledged: &AtomicUsize) -> (String, String) {
    let mut order = Value::Null;
    eventually("the sale is answered", || {
        let request = Request::new("POST", url.to_owned()).key(&format!("sale-{till}-{sale}")).json(&sale_of("A", 1));
        order = request.try_send().map_or(Value::Null, |answer| answer.ok());
        !order.is_null()
    });
    acknowledged.fetch_add(1, Ordering::SeqCst);
    let text = |name: &str| order[name].as_str().unwrap().to_owned();
    (text("id"), text("receipt_number"))
}
