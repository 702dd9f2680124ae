//! What a node may promise and keeps for a channel.

use super::promises::{let_time_pass, numbers, reserve, stocked, store_and_web, talk};
use super::*;
use crate::policy::{Rule, Terms};

fn allocate(node: &mut Node, channel: &str, allocation: i64) {
    let terms = Terms { allocation, ..Terms::default() };
    let channel = Some(Name::new(channel).unwrap());
    node.engine.config.promises.rules.push(Rule { channel, terms, ..Rule::default() });
}

fn promise(node: &mut Node, channel: Option<&str>, quantity: i64, until: Option<Timestamp>) -> Result<(), Refusal> {
    let channel = channel.map(|channel| Name::new(channel).unwrap());
    let promised = node.submit(Request { channel, ..Request::now(reserve(quantity, None, until)) }).map(drop);
    if promised.is_ok() {
        node.commit();
    }
    promised
}

fn available(refused: Result<(), Refusal>) -> i64 {
    match refused {
        Err(Refusal::NotAvailable { missing, .. }) => missing[0].available,
        other => panic!("expected that it is not available, got {other:?}"),
    }
}

#[test]
fn the_last_units_are_promised_to_their_channel_alone() {
    let mut node = stocked("till", 1, 10);
    allocate(&mut node, "web", 4);
    allocate(&mut node, "market", 1);
    assert_eq!(available(promise(&mut node, None, 6, None)), 5);
    promise(&mut node, None, 5, None).unwrap();
    assert_eq!(available(promise(&mut node, None, 1, None)), 0);
    assert_eq!(available(promise(&mut node, Some("market"), 2, None)), 1);
    promise(&mut node, Some("web"), 4, None).unwrap();
    assert_eq!(available(promise(&mut node, Some("web"), 1, None)), 0, "the last one is another channel's");
    promise(&mut node, Some("market"), 1, None).unwrap();
    assert_eq!(numbers(&node), (0, 10, 0));
}

#[test]
fn what_has_left_is_no_part_of_an_allocation_any_more() {
    let mut node = stocked("till", 1, 4);
    allocate(&mut node, "web", 2);
    let web = Request { channel: Some(Name::new("web").unwrap()), ..Request::now(reserve(2, None, None)) };
    let order = event_of(node.submit(web).unwrap()).id;
    node.commit();
    assert_eq!(available(promise(&mut node, None, 3, None)), 2, "all of the allocation is promised");
    node.run(Command::Fulfil { location: None, order, lines: Vec::new(), parcel: None, handover: None });
    assert_eq!(available(promise(&mut node, None, 3, None)), 0, "the channel is to have as much again");
}

#[test]
fn a_sale_over_the_counter_takes_what_is_kept_for_a_channel() {
    let mut node = stocked("till", 1, 3);
    allocate(&mut node, "web", 3);
    node.run(sell("milk", 2));
    assert_eq!(numbers(&node), (1, 0, 0));
}

#[test]
fn a_peer_that_asks_gets_what_is_kept_for_a_channel_for_that_channel_alone() {
    let (mut store, mut web) = store_and_web(5);
    allocate(&mut store, "web", 3);
    let held = |web: &Node| web.stock("milk").rights_of(web.engine.writer().epoch);
    let until = Some(web.now.plus_millis(500));
    available(promise(&mut web, None, 5, until));
    talk(&mut web, &mut store);
    assert_eq!(held(&web), 2);
    assert_eq!(available(promise(&mut web, None, 3, None)), 2);
    web.now = web.now.plus_millis(1_000);
    let until = Some(web.now.plus_millis(500));
    available(promise(&mut web, Some("web"), 5, until));
    talk(&mut web, &mut store);
    assert_eq!(held(&web), 5);
    promise(&mut web, Some("web"), 5, until).unwrap();
}

fn buffer(node: &mut Node, channel: &str, buffer: i64) {
    let terms = Terms { policy: crate::event::PromisePolicy::Buffered, buffer, ..Terms::default() };
    let channel = Some(Name::new(channel).unwrap());
    node.engine.config.promises.rules.push(Rule { channel, terms, ..Rule::default() });
}

#[test]
fn what_is_promised_beyond_rights_leaves_a_channel_what_is_kept_for_it() {
    let mut node = stocked("till", 1, 10);
    allocate(&mut node, "web", 4);
    buffer(&mut node, "market", 5);
    promise(&mut node, Some("market"), 11, None).unwrap();
    let_time_pass(&mut node, 10);
    assert_eq!(numbers(&node), (4, 11, 0), "nobody gives up rights for what took none");
    assert_eq!(available(promise(&mut node, Some("market"), 1, None)), 0, "five beyond the stock are promised");
    promise(&mut node, Some("web"), 4, None).unwrap();
    assert_eq!(available(promise(&mut node, Some("web"), 1, None)), 0);
}

#[test]
fn a_peer_keeps_its_rights_where_others_promise_beyond_theirs() {
    let (mut store, mut web) = store_and_web(5);
    let until = Some(web.now.plus_millis(500));
    available(promise(&mut web, None, 2, until));
    talk(&mut web, &mut store);
    buffer(&mut store, "market", 3);
    let held = web.stock("milk").rights_of(web.engine.writer().epoch);
    promise_and_tell(&mut store, &mut web, 5 - held + 3);
    for node in [&mut store, &mut web] {
        let_time_pass(node, 10);
    }
    assert_eq!(web.stock("milk").rights_of(web.engine.writer().epoch), held);
    promise(&mut web, None, held, None).unwrap();
}

fn promise_and_tell(store: &mut Node, web: &mut Node, quantity: i64) {
    let channel = Some(Name::new("market").unwrap());
    let _outcome = store.submit(Request { channel, ..Request::now(reserve(quantity, None, None)) }).unwrap();
    talk(store, web);
    assert_eq!(web.stock("milk").open(), quantity);
}

#[test]
fn rights_are_given_back_as_far_as_promises_that_took_rights_need_the_goods() {
    let mut node = stocked("store", 1, 10);
    let mut till = Node::new("till", 2);
    buffer(&mut node, "market", 5);
    allocate(&mut node, "web", 4);
    promise(&mut node, Some("market"), 9, None).unwrap();
    let sold = till.run(sell("milk", 2));
    node.hear("till", &sold);
    let_time_pass(&mut node, 10);
    assert_eq!(numbers(&node), (2, 9, 0), "eight are there, six of them are promised by rights");
}
