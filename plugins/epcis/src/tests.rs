//! Documents written by hand after the public EPCIS 2.0 and Core Business Vocabulary standards.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tillmesh_plugin::inbound::{AdjustStock, RecordReturn};
use tillmesh_plugin::testing::{self, context, product};
use tillmesh_plugin::{LineContent, Product, StockLine};

use super::*;

mod counts;
mod outbound;
mod rules;
mod undone;
mod wide;

const RECEIPT: &str = include_str!("../fixtures/receipt.json");
const COUNT: &str = include_str!("../fixtures/count.json");
const DAY: &str = include_str!("../fixtures/day.json");
const CORRECTED: &str = include_str!("../fixtures/corrected.json");

const HERE: (&str, &str) = ("location.5410000009906", "store-1");
const GRAMS: (&str, &str) = ("unit.KGM", "1000");

/// Knows two articles by their GTINs, and one by a reference.
struct Known;

impl Catalogue for Known {
    fn by_sku(&self, sku: &str) -> Option<Product> {
        let gtin = match sku {
            "TEA" => Some("5410000000019"),
            "COFFEE" => Some("5410000000026"),
            _ => None,
        };
        Some(Product { gtin: gtin.map(str::to_owned), ..product(sku) })
    }

    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        match gtin {
            "05410000000019" => Some(product("TEA")),
            "05410000000026" => Some(product("COFFEE")),
            _ => None,
        }
    }

    fn by_reference(&self, reference: &str) -> Option<Product> {
        (reference == "https://example.com/objects/7").then(|| product("VASE"))
    }
}

/// What a plugin's state holds.
type State = BTreeMap<String, Vec<u8>>;

fn translate(body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    remembering(body, settings, &mut State::new())
}

fn remembering(body: &str, settings: &[(&str, &str)], state: &mut State) -> Result<Vec<Command>, Failure> {
    translate::commands(body.as_bytes(), &context(settings), &Known, state)
}

/// One event in the shape of a message.
fn event(fields: Value) -> String {
    let mut event = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventTime": "2026-11-28T09:30:00Z",
        "eventTimeZoneOffset": "+00:00",
    });
    let Value::Object(fields) = fields else { panic!() };
    event.as_object_mut().unwrap().extend(fields);
    event.to_string()
}

/// One event about one unit of tea.
fn of_tea(fields: Value) -> String {
    let mut event: Value = serde_json::from_str(&event(fields)).unwrap();
    let things = json!(["urn:epc:id:sgtin:5410000.000001.101"]);
    event.as_object_mut().unwrap().entry("epcList").or_insert(things);
    event.to_string()
}

/// What a command does to stock, in short.
fn brief(command: &Command) -> String {
    let lines = |lines: &[StockLine]| {
        lines.iter().map(|line| format!(" {} {}", line.quantity, line.sku)).collect::<Vec<_>>().concat()
    };
    match command {
        Command::ReceiveStock(it) => format!("receive{}", lines(&it.lines)),
        Command::CountStock(it) => format!("count{}", lines(&it.lines)),
        Command::RecordReturn(it) => format!("return {}{}", it.order.as_deref().unwrap_or("-"), lines(&it.lines)),
        Command::FulfilOrder(it) => format!("fulfil {}{}", it.order, lines(&it.lines)),
        Command::AdjustStock(it) => format!("adjust {} {}", it.change, it.sku),
        Command::SetAvailable(it) => format!("available {} {}", it.available, it.sku),
        Command::RecordSale(it) => {
            let line = |line: &tillmesh_plugin::Line| match &line.content {
                LineContent::Sku(sku) => format!(" {} {sku}", line.quantity),
                LineContent::Charge(charge) => panic!("{charge}"),
            };
            format!("sale{}", it.lines.iter().map(line).collect::<Vec<_>>().concat())
        }
        other => panic!("{other:?}"),
    }
}

fn told(body: &str, settings: &[(&str, &str)]) -> Vec<String> {
    translate(body, settings).unwrap().iter().map(brief).collect()
}

#[test]
fn what_came_in_on_a_pallet_is_received_once_under_the_id_of_its_event() {
    let commands = translate(RECEIPT, &[HERE, GRAMS]).unwrap();
    let [Command::ReceiveStock(receipt)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(receipt.reference, "urn:uuid:0b0cbd3c-6d2a-4a5c-9a1c-3f2f0f3c1a01");
    assert_eq!(receipt.location.as_deref(), Some("store-1"));
    assert_eq!(receipt.received_at, testing::RECEIVED - 1_800_000_000);
    let line = |sku: &str, quantity| StockLine { sku: sku.to_owned(), quantity };
    assert_eq!(receipt.lines, [line("COFFEE", 2_500), line("TEA", 12)], "two things, ten of a lot, and 2.5 kg");
}

#[test]
fn a_count_says_how_many_there_are_and_that_there_are_none() {
    let commands = translate(COUNT, &[HERE]).unwrap();
    let [Command::CountStock(count)] = commands.as_slice() else { panic!("{commands:?}") };
    let line = |sku: &str, quantity| StockLine { sku: sku.to_owned(), quantity };
    assert_eq!(count.lines, [line("COFFEE", 0), line("TEA", 2)], "a thing that is named twice is there once");
    assert!(count.reference.starts_with("ni:///sha-256;") && count.reference.len() <= 128, "{}", count.reference);
}

#[test]
fn each_step_of_a_day_does_what_it_means() {
    let sale = "sale 1 TEA";
    let told_first = ["return - 1 TEA", "adjust -3 TEA", "adjust -500 COFFEE", "adjust 2 TEA"];
    let expected = |last: Option<&str>| -> Vec<String> {
        [sale].into_iter().chain(told_first).chain(last).map(str::to_owned).collect()
    };
    assert_eq!(told(DAY, &[HERE]), expected(Some("adjust -1 TEA")));
    assert_eq!(told(DAY, &[HERE, ("shipping", "fulfil")]), expected(Some("fulfil PO/4711 1 TEA")));
    assert_eq!(told(DAY, &[HERE, ("shipping", "ignore")]), expected(None));
}

#[test]
fn steps_actions_types_and_dispositions_decide_together() {
    for (fields, expected) in [
        (json!({ "bizStep": "receiving" }), "receive 1 TEA"),
        (json!({ "bizStep": "receiving", "disposition": "returned" }), "return - 1 TEA"),
        (json!({ "bizStep": "retail_selling" }), "sale 1 TEA"),
        (json!({ "bizStep": "dispensing" }), "sale 1 TEA"),
        (json!({ "bizStep": "dispensing", "disposition": "partially_dispensed" }), ""),
        (json!({ "bizStep": "shipping" }), "adjust -1 TEA"),
        (json!({ "bizStep": "void_shipping" }), "adjust 1 TEA"),
        (json!({ "bizStep": "stock_taking" }), "count 1 TEA"),
        (json!({ "bizStep": "cycle_counting", "disposition": "sellable_accessible" }), "count 1 TEA"),
        (json!({ "bizStep": "stock_taking", "disposition": "available" }), "available 1 TEA"),
        (json!({ "bizStep": "commissioning", "action": "ADD" }), "adjust 1 TEA"),
        (json!({ "bizStep": "commissioning" }), ""),
        (json!({ "bizStep": "decommissioning", "action": "DELETE" }), "adjust -1 TEA"),
        (json!({ "bizStep": "destroying" }), "adjust -1 TEA"),
        (json!({ "bizStep": "killing", "action": "DELETE" }), ""),
        (json!({ "action": "ADD", "bizStep": "https://example.com/steps/baking" }), "adjust 1 TEA"),
        (json!({ "action": "DELETE" }), "adjust -1 TEA"),
        (json!({ "disposition": "stolen" }), "adjust -1 TEA"),
        (json!({ "bizStep": "inspecting", "disposition": "damaged" }), ""),
        (json!({}), ""),
    ] {
        assert_eq!(told(&of_tea(fields.clone()), &[]).concat(), expected, "{fields}");
    }
}

#[test]
fn papers_move_goods_where_they_begin_and_parts_of_assets_never_do() {
    let papers = |action: &str| {
        let transactions = json!([{ "type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:5410000009913:1" }]);
        let fields = json!({ "type": "TransactionEvent", "action": action, "bizStep": "receiving" });
        let mut event: Value = serde_json::from_str(&of_tea(fields)).unwrap();
        event["bizTransactionList"] = transactions;
        told(&event.to_string(), &[]).concat()
    };
    assert_eq!(["ADD", "OBSERVE", "DELETE"].map(papers), ["receive 1 TEA", "", ""]);
    let part = json!({
        "type": "AssociationEvent", "action": "ADD", "bizStep": "receiving", "parentID": "urn:epc:id:giai:5410000.7",
        "childEPCs": ["urn:epc:id:sgtin:5410000.000001.101"],
    });
    assert_eq!(told(&event(part), &[]).concat(), "");
}

#[test]
fn what_is_not_sold_is_passed_over_and_what_nobody_knows_is_refused() {
    let received = |things: Value| translate(&event(json!({ "bizStep": "receiving", "epcList": things })), &[]);
    assert_eq!(received(json!(["urn:epc:id:sscc:5410000.1000000001"])).unwrap(), []);
    let own = received(json!(["https://example.com/objects/7"])).unwrap();
    assert_eq!(own.iter().map(brief).collect::<String>(), "receive 1 VASE");
    for unknown in ["urn:epc:id:sgtin:5410000.000009.1", "https://example.com/objects/8"] {
        let refused = received(json!(["urn:epc:id:sgtin:5410000.000001.1", unknown]));
        assert!(matches!(refused, Err(Failure::UnknownSku(it)) if it.field == "epcList[1]" && it.value == unknown));
    }
    for wrong in ["urn:epc:id:sgtin:5410000.00001.1", "https://id.gs1.org/01/05410000000018/21/1"] {
        assert!(matches!(received(json!([wrong])), Err(Failure::Malformed(it)) if it.field == "epcList[0]"), "{wrong}");
    }
}

#[test]
fn each_thing_is_one_unit_however_its_serial_number_is_written() {
    let received = |things: &[String]| told(&event(json!({ "bizStep": "receiving", "epcList": things })), &[]).concat();
    let five = |before: &str| (0..5).map(|serial| format!("{before}{serial}")).collect::<Vec<_>>();
    for before in [
        "urn:epc:id:upui:5410000.000001.A",
        "https://id.gs1.org/01/05410000000019/235/A",
        "https://id.gs1.org/01/05410000000019/10/21/21/",
        "https://id.gs1.org/01/05410000000019/21/A&",
        "https://shop.example/21/gtin/5410000000019/ser/",
    ] {
        assert_eq!(received(&five(before)), "receive 5 TEA", "{before}");
    }
    let path = ["01/05410000000019/21/1", "01/05410000000019/21/2", "01/05410000000026/21/1"];
    assert_eq!(received(&path.map(|path| format!("https://shop.example/21/{path}"))), "receive 1 COFFEE 2 TEA");
    let one = [
        "urn:epc:id:sgtin:5410000.000001.a%2Fb",
        "https://id.gs1.org/01/05410000000019/21/a%2Fb",
        "https://shop.example/gtin/5410000000019/lot/L1/ser/a%2fb?17=271231",
    ];
    assert_eq!(received(&one.map(str::to_owned)), "receive 1 TEA");
    assert_eq!(told(include_str!("../fixtures/things.json"), &[HERE]), ["sale 1 COFFEE 6 TEA"]);
}

/// Knows every GTIN, by itself.
struct Every;

impl Catalogue for Every {
    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        Some(product(gtin))
    }
}

#[test]
fn an_event_of_more_articles_than_a_command_takes_is_several_and_is_undone_as_such() {
    let classes: Vec<_> = (0..1_001)
        .map(|item| json!({ "epcClass": format!("urn:epc:idpat:sgtin:5410000.{item:06}.*"), "quantity": 2 }))
        .collect();
    let of = |step: &str, declared: Value| {
        let fields = json!({ "eventID": "urn:x:1", "bizStep": step, "quantityList": classes,
            "errorDeclaration": declared });
        translate::commands(event(fields).as_bytes(), &context(&[]), &Every, &mut State::new()).unwrap()
    };
    let parts = |commands: &[Command]| -> Vec<(String, usize)> {
        let part = |command: &Command| match command {
            Command::ReceiveStock(it) => (it.reference.clone(), it.lines.len()),
            Command::CountStock(it) => (it.reference.clone(), it.lines.len()),
            Command::RecordSale(it) => (it.reference.clone(), it.lines.len()),
            Command::RecordReturn(it) => (it.reference.clone(), it.lines.len()),
            other => panic!("{other:?}"),
        };
        commands.iter().map(part).collect()
    };
    let expected = [("urn:x:1", 500), ("urn:x:1#2", 500), ("urn:x:1#3", 1)].map(|(it, lines)| (it.to_owned(), lines));
    for step in ["receiving", "stock_taking", "retail_selling"] {
        assert_eq!(parts(&of(step, Value::Null)), expected, "{step}");
    }
    let undone = of("retail_selling", json!({ "declarationTime": "2026-11-28T10:00:00Z" }));
    let expected = [("undo/urn:x:1", 500), ("undo/urn:x:1#2", 500), ("undo/urn:x:1#3", 1)];
    assert_eq!(parts(&undone[3..]), expected.map(|(it, lines)| (it.to_owned(), lines)));
}

#[test]
fn a_quantity_is_whole_in_base_units_or_refused() {
    let of = |quantity: Value, settings: &[(&str, &str)]| {
        let mut class = json!({ "epcClass": "https://id.gs1.org/01/05410000000026" });
        class.as_object_mut().unwrap().extend(quantity.as_object().unwrap().clone());
        translate(&event(json!({ "bizStep": "receiving", "quantityList": [class] })), settings)
    };
    let units = |taken: Result<Vec<Command>, Failure>| taken.unwrap().iter().map(brief).collect::<String>();
    assert_eq!(units(of(json!({ "quantity": 12.0 }), &[])), "receive 12 COFFEE");
    assert_eq!(units(of(json!({ "quantity": 1.005, "uom": "KGM" }), &[GRAMS])), "receive 1005 COFFEE");
    assert_eq!(units(of(json!({ "quantity": 2, "uom": "C62" }), &[])), "receive 2 COFFEE");
    assert_eq!(of(json!({ "quantity": 0 }), &[]).unwrap(), []);
    for (quantity, field) in [
        (json!({ "quantity": 1.5 }), "quantityList[0].quantity"),
        (json!({ "quantity": 1.0005, "uom": "KGM" }), "quantityList[0].quantity"),
        (json!({ "quantity": 1e12 }), "quantityList[0].quantity"),
        (json!({}), "quantityList[0].quantity"),
        (json!({ "quantity": 1, "uom": "LTR" }), "quantityList[0].uom"),
    ] {
        let refused = of(quantity.clone(), &[GRAMS]);
        assert!(matches!(&refused, Err(Failure::Rejected(it)) if it.field == field), "{quantity}: {refused:?}");
    }
}

#[test]
fn places_are_named_by_settings_in_any_of_their_forms() {
    let at = |settings: &[(&str, &str)], fields: Value| translate(&of_tea(fields), settings);
    let received = json!({
        "bizStep": "receiving",
        "readPoint": { "id": "urn:epc:id:sgln:5410000.00990.gate-2" },
        "bizLocation": { "id": "urn:epc:id:sgln:5410000.00990.room-1" },
    });
    for name in
        ["urn:epc:id:sgln:5410000.00990.room-1", "https://id.gs1.org/414/5410000009906/254/room-1", "5410000009906"]
    {
        let commands = at(&[(&format!("location.{name}"), "depot")], received.clone()).unwrap();
        assert!(matches!(&commands[0], Command::ReceiveStock(it) if it.location.as_deref() == Some("depot")), "{name}");
    }
    let refused = at(&[], received.clone());
    assert!(matches!(refused, Err(Failure::Rejected(it)) if it.field == "bizLocation.id"));
    assert_eq!(at(&[("other-places", "ignore")], received.clone()).unwrap(), []);
    assert_eq!(at(&[("location.5410000009906", "")], received).unwrap(), []);
    let moved = json!({
        "bizStep": "shipping",
        "readPoint": { "id": "https://id.gs1.org/414/5410000009906" },
        "bizLocation": { "id": "https://id.gs1.org/414/5410000009913" },
    });
    let left = at(&[HERE, ("location.5410000009913", "depot")], moved).unwrap();
    assert!(matches!(&left[0], Command::AdjustStock(it) if it.location.as_deref() == Some("store-1")), "{left:?}");
    assert!(matches!(at(&[("other-places", "hide")], json!({ "bizStep": "receiving",
        "readPoint": { "id": "geo:50.9,6.9" } })), Err(Failure::Rejected(it)) if it.field == "other-places"));
}

#[test]
fn settings_that_are_none_are_refused() {
    for (key, value) in [("shipping", "sell"), ("currency", "euro"), ("currency", "")] {
        let refused = translate(COUNT, &[HERE, (key, value)]);
        assert!(matches!(refused, Err(Failure::Rejected(it)) if it.field == key), "{key}");
    }
    let sold = translate(&of_tea(json!({ "bizStep": "retail_selling" })), &[("currency", "GBP")]).unwrap();
    assert!(matches!(&sold[0], Command::RecordSale(it) if it.currency == "GBP" && it.lines[0].unit_price.is_none()));
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let settings = [HERE, GRAMS, ("shipping", "fulfil")];
    let (mut taken, mut refused) = (0, 0);
    for sound in [RECEIPT, COUNT, DAY, CORRECTED] {
        for body in testing::mutants(sound.as_bytes(), 5_000) {
            let message = testing::message("EPCISDocument", render::CONTENT_TYPE, &body);
            match Epcis::translate(&message, &context(&settings), &Known) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
            // Whatever JSON it is, it can be hashed.
            if let Ok(Value::Object(any)) = serde_json::from_slice(&body) {
                assert_eq!(hash::id(&any, &namespace::Namespaces::default(), &[]).len(), 89);
            }
        }
    }
    println!("epcis: of 80,000 bodies with errors {taken} were taken and {refused} refused");
    assert!(taken > 0 && refused > taken, "{taken} {refused}");
}
