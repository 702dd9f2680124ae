//! Work items that come back, and decisions on them.

use super::promises::{product, promised, stocked};
use super::*;
use crate::command::{PromiseTerms, Reservation};
use crate::view::View;
use crate::work::{self, WorkItem};

pub(super) fn open_items(node: &Node) -> Vec<WorkItem> {
    let view = node.engine.view();
    let mut look = |see: &mut dyn FnMut(&View)| see(&view.read().unwrap());
    let items = work::items(&mut look, &node.engine.reader()).unwrap();
    items.into_iter().filter(|item| item.decision.is_none()).collect()
}

fn decide(node: &mut Node, choice: &str) {
    let item = open_items(node).remove(0).id;
    node.run(Command::Resolve { item, choice: choice.to_owned(), reason: None });
}

#[test]
fn a_shortfall_that_was_settled_is_raised_again_when_goods_are_short_again() {
    let mut node = stocked("till", 1, 2);
    promised(&mut node, 2, None);
    node.run(sell("milk", 1));
    decide(&mut node, "release-newest");
    assert_eq!((node.stock("milk").shortfall(), open_items(&node).len()), (0, 0));
    node.run(receive("milk", 1));
    promised(&mut node, 1, None);
    node.run(sell("milk", 1));
    let items = open_items(&node);
    assert_eq!((items.len(), items[0].extent), (1, 1));
}

#[test]
fn a_shortfall_that_was_accepted_is_raised_again_for_a_promise_that_was_made_since() {
    let mut node = stocked("till", 1, 2);
    promised(&mut node, 2, None);
    node.run(sell("milk", 1));
    decide(&mut node, "accept");
    assert_eq!(open_items(&node).len(), 0);
    node.now = node.now.plus_millis(1_000);
    node.run(receive("milk", 2));
    promised(&mut node, 1, None);
    node.run(sell("milk", 1));
    let items = open_items(&node);
    assert_eq!((items.len(), items[0].extent), (1, 1));
    decide(&mut node, "accept");
    assert_eq!(open_items(&node).len(), 0);
}

#[test]
fn shortfalls_of_two_skus_of_one_promise_are_each_settled() {
    let mut node = stocked("till", 1, 2);
    node.run(product("tea"));
    node.run(receive("tea", 2));
    let line = |what| LineRequest { sku: sku(what), quantity: 2, unit_price: None, amount: None };
    let (lines, terms) = (vec![line("milk"), line("tea")], PromiseTerms { ttl_seconds: None, until: None });
    node.run(Command::Reserve(Box::new(Reservation { location: None, lines, customer: None, terms })));
    node.run(sell("milk", 1));
    node.run(sell("tea", 1));
    decide(&mut node, "release-newest");
    decide(&mut node, "release-newest");
    assert!(open_items(&node).is_empty());
    assert_eq!((node.stock("milk").shortfall(), node.stock("tea").shortfall()), (0, 0));
}
