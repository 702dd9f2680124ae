use super::*;
use crate::channel::{ChannelCommand, CommandLine, LineContent, StockLine};
use crate::id::Reference;
use crate::money::Currency;

const YEAR_MILLIS: i64 = 366 * 24 * 3_600 * 1_000;

fn counted(quantity: u64, counted_at: Timestamp) -> ChannelCommand {
    let lines = vec![StockLine { sku: sku("milk"), quantity }];
    ChannelCommand::CountStock { reference: Reference::new("count 1").unwrap(), lines, counted_at, location: None }
}

fn message(id: &str, body: &[u8], command: ChannelCommand) -> Request {
    Request {
        channel: Some(name("web")),
        digest: crate::command::digest_of(body),
        ..Request::now(Command::Channel { message: id.to_owned(), commands: vec![command], kept: Vec::new() })
    }
}

fn take(node: &mut Node, request: Request) {
    let _outcome = node.submit(request).unwrap();
    node.commit();
}

#[test]
fn a_count_from_next_year_is_refused_and_later_counts_still_hold() {
    let mut node = Node::new("till", 1);
    let refused = node.submit(message("m1", b"1", counted(50, NOON.plus_millis(YEAR_MILLIS))));
    let Err(Refusal::Invalid { field, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(field, "counted-at");
    let now = node.now;
    take(&mut node, message("m2", b"2", counted(7, now)));
    node.run(sell("milk", 2));
    assert_eq!(node.stock("milk").on_hand(), 5);
}

#[test]
fn a_count_from_last_year_is_refused() {
    let mut node = Node::new("till", 1);
    let refused = node.submit(message("m1", b"1", counted(50, NOON.plus_millis(-YEAR_MILLIS))));
    let Err(Refusal::Invalid { field, rule, .. }) = refused else { panic!("{refused:?}") };
    assert!(field == "counted-at" && rule.contains("31 days"), "{field}: {rule}");
}

#[test]
fn another_message_under_the_same_id_is_refused_also_after_a_restart() {
    let mut node = Node::new("till", 1);
    take(&mut node, message("m1", b"seven", counted(7, NOON)));
    let mut node = node.restart(2);
    let other = node.submit(message("m1", b"eight", counted(8, NOON)));
    assert!(matches!(other, Err(Refusal::KeyReused { .. })), "{other:?}");
    assert_eq!(node.stock("milk").on_hand(), 7);
}

#[test]
fn a_message_that_comes_again_changes_nothing_and_writes_nothing() {
    let mut node = Node::new("till", 1);
    take(&mut node, message("m1", b"seven", counted(7, NOON)));
    let outcome = node.submit(message("m1", b"seven", counted(7, NOON))).unwrap();
    assert!(matches!(outcome, Outcome::Recorded { repeated: true, .. }), "{outcome:?}");
    let now = node.now;
    assert_eq!(node.engine.commit(now).unwrap().position, None);
}

fn returned(reference: &str) -> ChannelCommand {
    let lines = vec![StockLine { sku: sku("milk"), quantity: 1 }];
    let reference = Reference::new(reference).unwrap();
    ChannelCommand::RecordReturn { reference, order: None, lines, returned_at: NOON, location: None }
}

fn written_off(reference: &str, product: &str) -> ChannelCommand {
    ChannelCommand::AdjustStock {
        reference: Reference::new(reference).unwrap(),
        sku: sku(product),
        change: -1,
        reason: None,
        adjusted_at: NOON,
        location: None,
    }
}

#[test]
fn what_a_channel_numbers_counts_once_whichever_message_brings_it() {
    let mut node = Node::new("till", 1);
    for (id, reference) in [("m1", "r1"), ("m2", "r1"), ("m3", "r2")] {
        take(&mut node, message(id, id.as_bytes(), returned(reference)));
    }
    assert_eq!(node.stock("milk").on_hand(), 2);
    for id in ["m4", "m5"] {
        take(&mut node, message(id, id.as_bytes(), written_off("w1", "milk")));
    }
    assert_eq!(node.stock("milk").on_hand(), 1);
}

#[test]
fn rows_of_one_number_in_one_message_are_told_apart() {
    let mut node = Node::new("till", 1);
    let rows = [written_off("w1", "milk"), written_off("w1", "bread"), written_off("w1", "milk")];
    for id in ["m1", "m2"] {
        let mut request = message(id, id.as_bytes(), rows[0].clone());
        let Command::Channel { commands, .. } = &mut request.command else { panic!() };
        *commands = rows.to_vec();
        take(&mut node, request);
    }
    assert_eq!((node.stock("milk").on_hand(), node.stock("bread").on_hand()), (-2, -1));
}

#[test]
fn of_charges_alone_nothing_is_recorded_and_nothing_refused() {
    let mut node = Node::new("till", 1);
    let content = LineContent::Charge(Reference::new("tip").unwrap());
    let sale = ChannelCommand::RecordSale {
        reference: Reference::new("1").unwrap(),
        lines: vec![CommandLine { content, quantity: 1, unit_price: None, amount: None }],
        customer_ref: None,
        currency: Currency::new("EUR").unwrap(),
        sold_at: NOON,
        location: None,
    };
    let outcome = node.submit(message("m1", b"1", sale)).unwrap();
    assert!(matches!(&outcome, Outcome::Recorded { events, .. } if events.is_empty()), "{outcome:?}");
}
