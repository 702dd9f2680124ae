use super::*;
use crate::channel::{ChannelCommand, CommandLine, CommandProduct, LineContent, StockLine};
use crate::command::Kept;
use crate::id::Reference;
use crate::money::Currency;
use crate::storage::{Read as _, Table};

const YEAR_MILLIS: i64 = 366 * 24 * 3_600 * 1_000;

fn counted(quantity: u64, counted_at: Timestamp) -> ChannelCommand {
    let lines = vec![StockLine { sku: sku("milk"), quantity }];
    ChannelCommand::CountStock { reference: Reference::new("count 1").unwrap(), lines, counted_at, location: None }
}

fn message(id: &str, body: &[u8], command: ChannelCommand) -> Request {
    Request {
        channel: Some(name("web")),
        digest: crate::command::digest_of(body),
        ..Request::now(Command::of_channel(id, vec![command]))
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
fn what_a_message_is_answered_is_kept_each_time_that_it_comes_unless_it_is_refused() {
    let mut node = Node::new("till", 1);
    let keys = [b"kept".as_slice(), b"answered"];
    let coming = |body: &[u8], value: &str| {
        let mut request = message("m1", body, counted(7, NOON));
        let Command::Channel { kept, answered, .. } = &mut request.command else { panic!() };
        let both = keys.map(|key| vec![Kept { key: key.to_vec(), value: Some(value.as_bytes().to_vec()) }]);
        [*kept, *answered] = both;
        request
    };
    let held = |node: &Node| {
        keys.map(|key| String::from_utf8(node.engine.reader().get(Table::Kept, key).unwrap().unwrap()).unwrap())
    };
    take(&mut node, coming(b"seven", "first"));
    assert_eq!(held(&node), ["first", "first"]);
    take(&mut node, coming(b"seven", "second"));
    assert_eq!(held(&node), ["first", "second"]);
    assert!(node.submit(coming(b"eight", "third")).is_err());
    node.commit();
    assert_eq!(held(&node), ["first", "second"]);
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

fn article(sku_of_it: &str, called: &[&str]) -> ChannelCommand {
    let text = |text: &str| Box::from(text);
    ChannelCommand::UpsertProduct {
        product: CommandProduct {
            sku: sku(sku_of_it),
            name: text("Milk"),
            price: None,
            gtin: None,
            department: None,
            category: None,
            unit: None,
            tax_class: None,
            references: called.iter().map(|it| Reference::new(it).unwrap()).collect(),
        },
    }
}

fn called(node: &Node, what: &str) -> Vec<String> {
    let view = node.engine.committed();
    view.products.get(&sku(what)).unwrap().references.iter().map(|(name, it)| format!("{name} {it}")).collect()
}

#[test]
fn what_a_channel_calls_an_article_it_calls_no_other_one() {
    let mut node = Node::new("till", 1);
    let mut other = message("m0", b"0", article("milk", &["X"]));
    other.channel = Some(name("web-b2b"));
    take(&mut node, other);
    take(&mut node, message("m1", b"1", article("milk", &["X", "Y"])));
    assert_eq!(called(&node, "milk"), ["web X", "web-1 Y", "web-b2b X"]);
    take(&mut node, message("m2", b"2", article("milk-1l", &["X"])));
    assert_eq!(called(&node, "milk-1l"), ["web X"]);
    assert_eq!(called(&node, "milk"), ["web-1 Y", "web-b2b X"], "another channel's name stays");
    take(&mut node, message("m3", b"3", article("milk", &["Z"])));
    assert_eq!(called(&node, "milk"), ["web Z", "web-b2b X"], "a name that it is not called any more is gone");
}

#[test]
fn of_a_message_that_is_refused_at_its_last_command_nothing_is_recorded() {
    let mut node = Node::new("till", 1);
    let voucher = written_off("w1", &format!("voucher-{}-uses", "0".repeat(32)));
    let mut request = message("m1", b"1", counted(7, NOON));
    let Command::Channel { commands, .. } = &mut request.command else { panic!() };
    commands.push(voucher);
    let refused = node.submit(request);
    assert!(matches!(&refused, Err(Refusal::Invalid { rule, .. }) if rule.contains("voucher")), "{refused:?}");
    node.commit();
    assert_eq!(node.stock("milk").on_hand(), 0);
}

#[test]
fn a_level_that_comes_before_the_order_it_knows_of_is_what_can_be_sold_behind_it() {
    let order = |id: &str| {
        let line = CommandLine { content: LineContent::Sku(sku("milk")), quantity: 2, unit_price: None, amount: None };
        let command = ChannelCommand::PlaceOrder {
            reference: Reference::new("order 1").unwrap(),
            lines: vec![line],
            customer_ref: None,
            currency: Currency::new("EUR").unwrap(),
            stated: crate::channel::StatedTotals::default(),
            placed_at: NOON,
            location: None,
        };
        message(id, id.as_bytes(), command)
    };
    let level = |id: &str, available: i64, as_of: Timestamp| {
        let command = ChannelCommand::SetAvailable { sku: sku("milk"), available, as_of, location: None };
        message(id, id.as_bytes(), command)
    };
    let stock = |requests: [Request; 3]| {
        let mut node = Node::new("till", 1);
        requests.into_iter().for_each(|request| take(&mut node, request));
        (node.stock("milk").on_hand(), node.stock("milk").available())
    };
    let (before, behind) = (level("l1", 10, NOON.plus_millis(-1)), level("l2", 8, NOON.plus_millis(1)));
    for requests in [
        [before.clone(), order("o"), behind.clone()],
        [before.clone(), behind.clone(), order("o")],
        [order("o"), before.clone(), behind.clone()],
        [behind, order("o"), before],
    ] {
        assert_eq!(stock(requests), (10, 8));
    }
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
