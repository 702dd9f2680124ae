//! Messages of scanners. The fixtures of this folder are written by hand; their numbers begin with 952, which GS1 keeps
//! for examples.

use tillmesh_plugin::testing::{self, RECEIVED, context, product};
use tillmesh_plugin::{Product, StockLine};

use super::*;

mod failures;
mod vectors;

const DELIVERY: &str = include_str!("../fixtures/delivery.json");
const COUNT: &str = include_str!("../fixtures/count.txt");
const WASTE: &str = include_str!("../fixtures/waste.json");
const SETTINGS: &[(&str, &str)] =
    &[("location.dock", "store-1"), ("units.19520123456785", "12"), ("in-store.28", "28iiiiiwwwwwc")];

/// Tea, which comes in cases too, cake, cheese and mince by weight, and rolls by their own number.
struct Shop;

impl Catalogue for Shop {
    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        match gtin {
            "09520123456788" => Some(product("TEA")),
            "09520000000028" => Some(product("CAKE")),
            "99520123456781" => Some(weighed("CHEESE")),
            "02001234002509" => Some(product("NATIONAL")),
            "00000020123451" => Some(product("SHORT")),
            _ => None,
        }
    }

    fn by_reference(&self, reference: &str) -> Option<Product> {
        match reference {
            "19520123456785" => Some(product("TEA")),
            "12345" => Some(weighed("MINCE")),
            _ => None,
        }
    }

    fn by_sku(&self, sku: &str) -> Option<Product> {
        (sku == "01234").then(|| product(sku))
    }
}

fn weighed(sku: &str) -> Product {
    Product { unit: Some("g".to_owned()), ..product(sku) }
}

fn json(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    let message = testing::message(topic, "application/json", body.as_bytes());
    Gs1Barcode::translate(&message, &context(settings), &Shop)
}

fn text(topic: &str, body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    let message = testing::message(topic, "text/plain; charset=utf-8", body.as_bytes());
    Gs1Barcode::translate(&message, &context(settings), &Shop)
}

/// What lines of scans come to, where they are counted.
fn counted(lines: &str, settings: &[(&str, &str)]) -> Result<Vec<(String, u64)>, Failure> {
    match text("count", lines, settings)?.as_slice() {
        [] => Ok(Vec::new()),
        [Command::CountStock(count)] => Ok(pairs(&count.lines)),
        other => panic!("{other:?}"),
    }
}

fn pairs(lines: &[StockLine]) -> Vec<(String, u64)> {
    lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect()
}

fn of(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
    pairs.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

#[test]
fn a_delivery_is_received_with_its_cases_contents_and_weights() {
    let commands = json("scans", DELIVERY, SETTINGS).unwrap();
    let [Command::ReceiveStock(received)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(pairs(&received.lines), of(&[("TEA", 25), ("CAKE", 25), ("CHEESE", 1_250), ("MINCE", 199)]));
    assert_eq!((received.reference.as_str(), received.location.as_deref()), ("DN-2026-1187", Some("store-1")));
    assert_eq!(received.received_at, 1_795_857_309_000_000, "the last scan's time");
}

#[test]
fn lines_of_text_are_counted_under_the_id_of_their_message() {
    let commands = text("scans/count", COUNT, &[]).unwrap();
    let [Command::CountStock(count)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(pairs(&count.lines), of(&[("TEA", 2), ("CAKE", 1), ("CHEESE", 500)]));
    assert_eq!((count.reference.as_str(), count.counted_at, &count.location), ("1", RECEIVED, &None));
}

#[test]
fn what_some_programs_write_before_a_text_belongs_to_no_scan() {
    let lines = counted("\u{feff}9520123456788\r\n09520123456788\r\n", &[]);
    assert_eq!(lines.unwrap(), of(&[("TEA", 2)]));
    assert!(counted("9520123456788\n\u{feff}9520123456788", &[]).is_err());
    let cr = counted("9520123456788\r\u{1d}0109520123456788\r", &[]);
    assert_eq!(cr.unwrap(), of(&[("TEA", 2)]), "CR alone ends a line too");
}

#[test]
fn what_is_written_off_is_one_command_an_article() {
    let commands = json("scans", WASTE, &[]).unwrap();
    let [Command::AdjustStock(tea), Command::AdjustStock(cheese)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((tea.reference.as_str(), tea.sku.as_str(), tea.change), ("W-31/TEA", "TEA", -3));
    assert_eq!((cheese.reference.as_str(), cheese.change), ("W-31/CHEESE", -310));
    assert_eq!(cheese.reason.as_deref(), Some("past its date"));
    assert_eq!(cheese.adjusted_at, 1_795_892_700_000_000, "five past eight, an hour east of Greenwich");
}

#[test]
fn what_comes_back_names_its_receipt() {
    let body = r#"{"purpose": "return", "order": "R-7", "scans": [{"data": "9520123456788"}]}"#;
    let commands = json("scans", body, &[]).unwrap();
    let [Command::RecordReturn(back)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((back.reference.as_str(), back.order.as_deref(), back.returned_at), ("1", Some("R-7"), RECEIVED));
    assert_eq!(pairs(&back.lines), of(&[("TEA", 1)]));
}

#[test]
fn one_article_is_understood_however_it_is_written() {
    let ways = [
        "9520123456788",
        " 9520123456788\t",
        "09520123456788",
        "]E09520123456788",
        "]I009520123456788",
        "]I109520123456788",
        "]C10109520123456788",
        "]e00109520123456788",
        "]d20109520123456788",
        "]Q30109520123456788",
        "]J10109520123456788",
        "]Q19520123456788",
        "]d1(01)09520123456788",
        "]Q1https://id.gs1.org/01/09520123456788",
        "https://shop.example/p/01/09520123456788?17=270331&colour=red#x",
        "(01)09520123456788(10)A\\(7",
        "0109520123456788",
        "^0109520123456788",
        "\u{1d}0109520123456788",
        "010952012345678810A7^17270331",
        "010952012345678810A7\u{1d}17270331",
        "]E09520123456788|]e01727033110A7",
    ];
    for way in ways {
        assert_eq!(counted(way, &[]).unwrap(), of(&[("TEA", 1)]), "{way:?}");
    }
    let older = [("older-links", "yes")];
    for way in ["https://a.example/gtin/9520123456788", "https://a.example/01/9520123456788/lot/A7"] {
        assert_eq!(counted(way, &older).unwrap(), of(&[("TEA", 1)]), "{way:?}");
        assert!(counted(way, &[]).is_err(), "{way:?}");
    }
}

#[test]
fn counts_and_weights_of_a_label_are_quantities() {
    for (label, expected) in [
        ("(01)09520123456788(30)6", ("TEA", 6)),
        ("(02)09520123456788(37)48(00)000952000000000011", ("TEA", 48)),
        ("(01)19520123456785", ("TEA", 12)),
        ("(01)09520123456788(3103)000250", ("TEA", 1)),
        ("(01)99520123456781(3100)000002", ("CHEESE", 2_000)),
        ("(01)99520123456781(3102)000125", ("CHEESE", 1_250)),
        ("(01)99520123456781(3105)012500", ("CHEESE", 125)),
        ("2812345001998", ("MINCE", 199)),
    ] {
        assert_eq!(counted(label, SETTINGS).unwrap(), of(&[expected]), "{label}");
    }
    let times = r#"{"scans": [{"data": "(01)99520123456781(3103)000500", "quantity": 3},
        {"data": "9520123456788", "quantity": 0}, {"data": "(01)99520123456781", "quantity": 40}]}"#;
    let commands = json("count", times, &[]).unwrap();
    let [Command::CountStock(count)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(pairs(&count.lines), of(&[("CHEESE", 1_540), ("TEA", 0)]), "40 without a weight are grams");
}

#[test]
fn a_serial_number_or_a_pallet_counts_once_in_a_message() {
    let serial = "(01)09520123456788(21)A\n]d2010952012345678821A\nhttps://id.gs1.org/01/09520123456788/21/A";
    assert_eq!(counted(serial, &[]).unwrap(), of(&[("TEA", 1)]));
    let others = "(01)09520123456788(21)A\n(01)09520000000028(21)A\n(01)09520123456788(21)B\n9520123456788";
    assert_eq!(counted(others, &[]).unwrap(), of(&[("TEA", 3), ("CAKE", 1)]));
    let pallet = "(00)000952000000000011(02)09520123456788(37)48\n";
    assert_eq!(counted(&pallet.repeat(2), &[]).unwrap(), of(&[("TEA", 48)]));
}

#[test]
fn numbers_for_use_within_a_store_mean_what_the_settings_say() {
    let number = "2001234002509";
    for (pattern, expected) in
        [("gtin", ("NATIONAL", 1)), ("20iiiiixxxxxc", ("01234", 1)), ("20iiiiixqqxxc", ("01234", 2))]
    {
        assert_eq!(counted(number, &[("in-store.20", pattern)]).unwrap(), of(&[expected]), "{pattern}");
    }
    assert_eq!(counted("20123451", &[("in-store.ean-8", "gtin")]).unwrap(), of(&[("SHORT", 1)]));
}

#[test]
fn a_message_of_nothing_or_of_a_place_that_nobody_wants_to_hear_of_asks_for_nothing() {
    assert_eq!(text("count", "\n \r\n", &[]).unwrap(), []);
    assert_eq!(json("count", r#"{"scans": []}"#, &[]).unwrap(), []);
    assert_eq!(json("scans", DELIVERY, &[("location.dock", "")]).unwrap(), []);
}

#[test]
fn more_articles_than_a_command_takes_are_several_commands() {
    let lines = (0..1_100).map(|number| StockLine { sku: format!("SKU-{number}"), quantity: 1 }).collect();
    let message = testing::message("receive", "text/plain", b"");
    let settings = context(&[]);
    let body = body::read(&message, &settings, &Settings::of(&settings).unwrap()).unwrap();
    let commands = commands::of(body, lines).unwrap();
    let parts = commands.iter().map(|command| match command {
        Command::ReceiveStock(part) => (part.reference.as_str(), part.lines.len()),
        other => panic!("{other:?}"),
    });
    assert_eq!(parts.collect::<Vec<_>>(), [("1", 500), ("1#2", 500), ("1#3", 100)]);
}

#[test]
fn the_message_says_what_scans_are_for_before_its_topic_and_the_settings() {
    let kind = |topic: &str, body: &str, settings: &[(&str, &str)]| match json(topic, body, settings)?.as_slice() {
        [Command::ReceiveStock(_)] => Ok("receive"),
        [Command::CountStock(_)] => Ok("count"),
        [Command::RecordReturn(_)] => Ok("return"),
        other => panic!("{other:?}"),
    };
    let unsaid = r#"{"scans": [{"data": "9520123456788"}]}"#;
    let stated = r#"{"purpose": "return", "scans": [{"data": "9520123456788"}]}"#;
    let setting = [("purpose", "receive")];
    assert_eq!(kind("shop/count", stated, &setting).unwrap(), "return");
    assert_eq!(kind("shop/count", unsaid, &setting).unwrap(), "count");
    assert_eq!(kind("shop/scans", unsaid, &setting).unwrap(), "receive");
    assert!(matches!(kind("shop/scans", unsaid, &[]), Err(Failure::Rejected(_))));
}

#[test]
fn no_scan_that_strangers_send_makes_it_panic() {
    let settings = context(SETTINGS);
    let settings = Settings::of(&settings).unwrap();
    for sound in [
        "(01)09520123456788(10)A\\(7(21)S1",
        "]C1010952012345678810A7\u{1d}17270331",
        "]E09520123456788|]e01727033110A7",
        "https://a.example/p/01/09520123456788/22/A/10/B%2B?17=270331&99=%41#x",
        "]d1^(01)09520123456788",
        "42312345678",
    ] {
        for body in testing::mutants(sound.as_bytes(), 5_000) {
            let data = String::from_utf8_lossy(&body);
            // What it comes to is not the question.
            let _ = label::read(&body::Entry { place: body::Place::Line(1), data, quantity: None }, &settings);
        }
    }
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    let lines = format!("{COUNT}{}", "(01)09520123456788(10)A\\(7\n]E09520123456788|]e01727033110A7\n]Q1\\^x\n");
    for (media_type, sound) in [("application/json", DELIVERY), ("application/json", WASTE), ("text/plain", &lines)] {
        for body in testing::mutants(sound.as_bytes(), 10_000) {
            let message = testing::message("count", media_type, &body);
            // What it comes to is not the question.
            let _ = Gs1Barcode::translate(&message, &context(SETTINGS), &Shop);
        }
    }
}
