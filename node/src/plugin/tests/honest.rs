//! What a guest is given and what of it is kept: context, look-ups, state, logs, counters, parts, events; and the
//! channel that ships, end to end.

use std::collections::BTreeMap;

use tillmesh_core::channel::{CommandProduct, LineContent};
use tillmesh_core::id::Reference;
use tillmesh_core::money::UnitPrice;

use super::*;

/// A catalogue of one product.
struct One;

impl One {
    fn product() -> CommandProduct {
        CommandProduct {
            sku: sku("IPOD-8"),
            name: "player".into(),
            price: None,
            gtin: None,
            department: None,
            category: None,
            unit: None,
            tax_class: None,
            references: vec![Reference::new("1").unwrap()],
        }
    }
}

impl Lookup for One {
    fn by_sku(&self, _: &Sku) -> Option<CommandProduct> {
        None
    }

    fn by_gtin(&self, _: &str) -> Option<CommandProduct> {
        None
    }

    fn by_reference(&self, channel: &Name, reference: &Reference) -> Option<CommandProduct> {
        (channel.as_str() == "shopify" && ["1", "39072856"].contains(&reference.as_str())).then(Self::product)
    }

    fn availability(&self, sku: &Sku, location: &Name) -> Option<Stock> {
        let known = sku.as_str() == "IPOD-8" && location.as_str() == "store-1";
        known.then_some(Stock { on_hand: 9, promised: 2, available: 7 })
    }

    fn price(&self, _: &Sku) -> Option<UnitPrice> {
        None
    }
}

struct Kept(BTreeMap<String, Vec<u8>>);

impl StateReader for Kept {
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn used_bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}

fn level(command: &ChannelCommand) -> (&str, i64) {
    match command {
        ChannelCommand::SetAvailable { sku, available, .. } => (sku.as_str(), *available),
        other => panic!("{other:?}"),
    }
}

fn translate(topic: &str, context: &CallContext) -> Translation {
    installed("misbehaving", Limits { fuel: 100_000_000, ..Limits::DEFAULT })
        .translate(&message(topic, b""), context)
        .unwrap()
}

#[test]
fn settings_and_look_ups_reach_the_plugin() {
    let config = BTreeMap::from([("sku".to_owned(), "B".to_owned())]);
    let context = CallContext { config, lookup: Arc::new(One), ..context() };
    assert_eq!(level(&translate("context", &context).commands[0]), ("B", 1));
    assert_eq!(level(&translate("lookup", &context).commands[0]), ("IPOD-8", 7));
    let elsewhere = CallContext { channel: name("other"), ..context };
    assert_eq!(level(&translate("lookup", &elsewhere).commands[0]), ("none", -1));
}

#[test]
fn what_a_call_writes_is_handed_back_and_takes_no_effect_by_itself() {
    let state = Arc::new(Kept(BTreeMap::from([("count".to_owned(), vec![4]), ("old".to_owned(), vec![1])])));
    let context = CallContext { state, ..context() };
    for _ in 0..2 {
        let answer = translate("remember", &context);
        assert_eq!(level(&answer.commands[0]), ("A", 5));
        assert_eq!(answer.state, BTreeMap::from([("count".to_owned(), Some(vec![5])), ("old".to_owned(), None)]));
    }
}

#[test]
fn state_ends_at_its_quota() {
    let answer = translate("state", &context());
    let (_, kilobytes) = level(&answer.commands[0]);
    assert!((60..64).contains(&kilobytes), "{kilobytes} KB were taken of 64");
    let written: usize = answer.state.iter().map(|(key, value)| key.len() + value.as_ref().unwrap().len()).sum();
    assert!(written <= Limits::DEFAULT.state_bytes);
}

#[test]
fn logs_and_counters_are_kept_within_bounds() {
    let answer = translate("log", &context());
    let bytes: usize = answer.report.log.iter().map(|line| line.message.len()).sum();
    assert!(bytes <= Limits::DEFAULT.log_bytes);
    assert_eq!(answer.report.log.len() as u64 + answer.report.log_dropped, 1_000);
    let counters = translate("metrics", &context()).report.counters;
    assert_eq!(counters["rows"], 5);
    assert_eq!(counters.len(), 32);
}

#[test]
fn a_body_in_parts_gives_the_same_commands_as_the_whole() {
    let plugin = installed("misbehaving", Limits::DEFAULT);
    let body = b"A\nBC\nDEF\nG";
    let whole = plugin.translate(&message("lines", body), &context()).unwrap().commands;
    assert_eq!(whole.iter().map(|command| level(command).0).collect::<Vec<_>>(), ["A", "BC", "DEF", "G"]);
    for size in 1..body.len() {
        let (mut commands, mut part) = (Vec::new(), Part::whole());
        for bytes in body.chunks(size) {
            part.last = part.offset as usize + bytes.len() == body.len();
            let answer = plugin.translate_part(&message("lines", bytes), &part, &context()).unwrap();
            commands.extend(answer.commands);
            part = Part { offset: part.offset + bytes.len() as u64, last: false, carry: answer.carry };
        }
        assert_eq!(commands, whole, "in parts of {size}");
    }
    let first = Part { last: false, ..Part::whole() };
    let error =
        installed("shopify", Limits::DEFAULT).translate_part(&message("orders/create", b"{"), &first, &context());
    assert!(matches!(error.unwrap_err().fault, CallFault::Failure(failure) if failure.cause() == "unsupported"));
}

#[test]
fn events_become_messages() {
    let plugin = installed("misbehaving", Limits::DEFAULT);
    let location = name("store-1");
    let event = ChannelEvent::AvailabilityChanged {
        sku: sku("A"),
        available: 3,
        location,
        as_of: Timestamp(0),
        references: vec![],
    };
    let rendering = plugin.render(&[event], &context()).unwrap();
    assert_eq!(rendering.messages[0].body, b"A 3");
    assert_eq!(rendering.messages[0].ordering_key.as_deref(), Some("A"));
}

#[test]
fn a_shopify_order_becomes_one_command() {
    let plugin = installed("shopify", Limits::DEFAULT);
    let body = include_bytes!("../../../../plugins/shopify/fixtures/orders-create.json");
    let context = CallContext { lookup: Arc::new(One), ..context() };
    let answer = plugin.translate(&message("orders/create", body), &context).unwrap();
    let [ChannelCommand::PlaceOrder { reference, lines, stated, customer_ref, .. }] = answer.commands.as_slice() else {
        panic!("{:?}", answer.commands)
    };
    assert_eq!(reference.as_str(), "5830118211");
    assert_eq!(customer_ref.as_ref().map(Reference::as_str), Some("7412300981"));
    assert_eq!(lines[0].content, LineContent::Sku(sku("TEA-GREEN-100")));
    assert_eq!(lines[1].content, LineContent::Sku(sku("IPOD-8")));
    assert_eq!(stated.adds_up(), Some(true));
    assert_eq!(answer, plugin.translate(&message("orders/create", body), &context).unwrap());
    let text = format!("{answer:?}");
    assert!(!text.contains("Lovelace") && !text.contains('@'), "something personal passed: {text}");
}

#[test]
fn a_shopify_message_that_cannot_be_understood_fails_by_cause() {
    let plugin = installed("shopify", Limits::DEFAULT);
    let cause = |topic, body: &[u8]| match plugin.translate(&message(topic, body), &context()).unwrap_err().fault {
        CallFault::Failure(failure) => failure.cause(),
        other => panic!("{other:?}"),
    };
    assert_eq!(cause("orders/create", b"<html>"), "malformed");
    assert_eq!(cause("themes/create", b"{}"), "unsupported");
    let level =
        br#"{"inventory_item_id": 5, "location_id": 7, "available": 1, "updated_at": "2026-05-07T15:51:26-04:00"}"#;
    assert_eq!(cause("inventory_levels/update", level), "rejected");
    let body = include_bytes!("../../../../plugins/shopify/fixtures/orders-create.json");
    assert_eq!(cause("orders/create", body), "unknown-sku");
}
