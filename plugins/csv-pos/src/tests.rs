//! A till's file. The samples of this folder are written by hand.

use tillmesh_plugin::testing::{Nothing, context};
use tillmesh_plugin::{LineContent, Piece};

use super::*;

mod wide;

const SAMPLE: &str = include_str!("../fixtures/receipts.csv");
const SETTINGS: &[(&str, &str)] = &[("currency", "EUR"), ("utc-offset", "+01:00"), ("charges", "DEPOSIT")];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [SETTINGS, more].concat()
}

fn call(
    bytes: &[u8],
    last: bool,
    offset: usize,
    carry: Vec<u8>,
    settings: &[(&str, &str)],
) -> Result<Translation, Failure> {
    let message = Message {
        channel: "till-7".to_owned(),
        id: "2026-11-27".to_owned(),
        topic: "receipts".to_owned(),
        content_type: "text/csv".to_owned(),
        received_at: 0,
        piece: Piece { offset: offset as u64, last, bytes: bytes.to_vec(), carry },
    };
    CsvPos::translate_piece(&message, &context(settings), &Nothing)
}

fn translate(body: &str, settings: &[(&str, &str)]) -> Result<Vec<Command>, Failure> {
    call(body.as_bytes(), true, 0, vec![], settings).map(|translation| translation.commands)
}

/// The commands of a body that comes in pieces of so many bytes.
fn in_pieces(body: &[u8], bytes: usize, settings: &[(&str, &str)]) -> Vec<Command> {
    let (mut commands, mut carry) = (Vec::new(), Vec::new());
    let count = body.len().div_ceil(bytes);
    for (index, piece) in body.chunks(bytes).enumerate() {
        let translation = call(piece, index + 1 == count, index * bytes, carry, settings).unwrap();
        commands.extend(translation.commands);
        carry = translation.carry;
    }
    commands
}

fn detail(failure: Failure) -> (String, String, String) {
    match failure {
        Failure::Malformed(detail) | Failure::Rejected(detail) => (detail.field, detail.value, detail.rule),
        other => panic!("{other:?}"),
    }
}

/// A file of one row.
fn row(fields: &str) -> String {
    format!("receipt,sku,quantity,unit_price,sold_at\n{fields}\n")
}

fn refused(body: &str) -> (String, String, String) {
    detail(translate(body, SETTINGS).unwrap_err())
}

#[test]
fn rows_of_one_receipt_are_one_sale() {
    let commands = translate(SAMPLE, SETTINGS).unwrap();
    let [Command::RecordSale(first), Command::RecordSale(second), Command::RecordReturn(back)] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!(
        (first.reference.as_str(), first.lines.len(), first.currency.as_str()),
        ("1001@20261127T143002Z", 3, "EUR")
    );
    assert_eq!(first.sold_at, 1_795_789_802_000_000, "half past three and two seconds, an hour east of Greenwich");
    assert_eq!(first.lines[0].content, LineContent::Sku("APPLE, RED".to_owned()));
    assert_eq!(first.lines[2].content, LineContent::Charge("DEPOSIT".to_owned()));
    assert_eq!((second.reference.as_str(), second.lines[0].quantity), ("1002@20261127T143140Z", 2));
    assert_eq!((back.reference.as_str(), back.lines[0].quantity, &back.order), ("1003@20261127T144011Z", 1, &None));
}

#[test]
fn pieces_of_any_length_come_to_what_the_whole_does() {
    let whole = translate(SAMPLE, SETTINGS).unwrap();
    for bytes in 60..=SAMPLE.len() {
        assert_eq!(in_pieces(SAMPLE.as_bytes(), bytes, SETTINGS), whole, "in pieces of {bytes} bytes");
    }
    let crlf = SAMPLE.replace('\n', "\r\n");
    for bytes in 60..=crlf.len() {
        assert_eq!(in_pieces(crlf.as_bytes(), bytes, SETTINGS), whole, "in pieces of {bytes} bytes, with CR LF");
    }
}

#[test]
fn a_receipt_of_more_rows_than_a_command_takes_is_several_however_it_comes() {
    let rows: String = (0..1_250).map(|n| format!("9,SKU-{n},1,0.50,2026-11-27 15:30:02\n")).collect();
    let body = format!("receipt,sku,quantity,unit_price,sold_at\n{rows}");
    let whole = translate(&body, SETTINGS).unwrap();
    let lines = whole.iter().map(|command| match command {
        Command::RecordSale(sale) => (sale.reference.as_str(), sale.lines.len()),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [("9@20261127T143002Z", 500), ("9@20261127T143002Z#2", 500), ("9@20261127T143002Z#3", 250)]
    );
    assert_eq!(in_pieces(body.as_bytes(), 7_919, SETTINGS), whole);
}

#[test]
fn a_receipt_that_comes_back_after_others_is_a_sale_of_its_own_so_that_nothing_of_it_is_lost() {
    let rows = ["1,TEA", "2,TEA", "1,POT", "1,CUP"].map(|row| format!("{row},1,1.00,2026-11-27 15:30:02\n")).concat();
    let body = format!("receipt,sku,quantity,unit_price,sold_at\n{rows}");
    let whole = translate(&body, SETTINGS).unwrap();
    let sales = whole.iter().map(|command| match command {
        Command::RecordSale(sale) => (sale.reference.as_str(), sale.lines.len()),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        sales.collect::<Vec<_>>(),
        [("1@20261127T143002Z", 1), ("2@20261127T143002Z", 1), ("1@20261127T143002Z#2", 2)]
    );
    for bytes in 60..=body.len() {
        assert_eq!(in_pieces(body.as_bytes(), bytes, SETTINGS), whole, "in pieces of {bytes} bytes");
    }
}

#[test]
fn with_a_prefix_for_returns_what_is_negative_elsewhere_is_written_off() {
    let settings = with(&[("return-prefix", "C")]);
    let commands = translate(&row("C7,TEA,-2,1.00,2026-11-27 15:30:02\n8,TEA,-3,0,2026-11-27 15:31:00"), &settings);
    let commands = commands.unwrap();
    let [Command::RecordReturn(back), Command::AdjustStock(off)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((back.lines[0].quantity, off.change), (2, -3));
    let (_, _, rule) = detail(translate(&row("C7,TEA,2,1.00,2026-11-27 15:30:02"), &settings).unwrap_err());
    assert_eq!(rule, "it was sold, and its receipt takes goods back");
}

#[test]
fn locations_customers_delimiters_and_decimal_commas_are_read_as_the_settings_say() {
    let settings = with(&[
        ("delimiter", ";"),
        ("decimal-comma", "yes"),
        ("column.location", "filiale"),
        ("column.customer", "karte"),
        ("location.12", "berlin"),
    ]);
    let body =
        "\u{feff}receipt;sku;quantity;unit_price;sold_at;filiale;karte\n1;TEA;1,;2,50;2026-11-27T15:30:02Z;12;K9\n";
    let (_, value, rule) = detail(translate(body, &settings).unwrap_err());
    assert_eq!((value.as_str(), rule.as_str()), ("1,", "it must be a whole number of base units"));
    let commands = translate(&body.replace(";1,;", ";1;"), &settings).unwrap();
    let [Command::RecordSale(sale)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((sale.location.as_deref(), sale.customer_ref.as_deref()), (Some("berlin"), Some("K9")));
    assert_eq!(sale.reference, "berlin/1@20261127T153002Z", "two stores may have one number");
    for (before, after) in [(";1,;", ";1,000;"), (";1,;2,50", ";1,0;2,50")] {
        assert_eq!(translate(&body.replace(before, after), &settings).unwrap().len(), 1, "{after}");
    }
    for (before, after, field) in [(";1,;2,50", ";1;1.000", "unit_price"), (";1,;", ";1.000;", "quantity")] {
        let (found, _, _) = detail(translate(&body.replace(before, after), &settings).unwrap_err());
        assert_eq!(found, format!("row 1, {field}"), "{after}");
    }
    assert_eq!(sale.lines[0].unit_price.as_ref().map(|price| (price.amount, price.scale)), Some((250, Some(2))));
    let (field, value, rule) =
        detail(translate(&body.replace(";1,;", ";1;").replace(";12;", ";13;"), &settings).unwrap_err());
    assert_eq!((field.as_str(), value.as_str()), ("row 1, location", ""));
    assert_eq!(rule, "the channel's settings have no location.13");
}

#[test]
fn a_row_that_cannot_be_read_names_its_field_value_and_rule_and_nothing_is_recorded() {
    let of = |fields: &str| refused(&row(&format!("1,TEA,1,1.00,2026-11-27 15:30:02\n{fields}")));
    assert_eq!(of("1,TEA,0,1.00,2026-11-27 15:30:02").0, "row 2, quantity");
    assert_eq!(of("1,TEA,1.5,1.00,2026-11-27 15:30:02").2, "it must be a whole number of base units");
    assert_eq!(of("1,TEA,1,1e2,2026-11-27 15:30:02").0, "row 2, unit_price");
    assert_eq!(of("1,TEA,1,-1.00,2026-11-27 15:30:02").2, "it must not be negative");
    assert_eq!(of("1,TEA,1,1000000000000000.1,2026-11-27 15:30:02").2, "it is too large");
    let no_times = ["27.11.2026", "1969-12-31 12:00:00", "9999-06-01 12:00:00", "+002026-11-27T15:30:02Z"];
    for time in no_times.into_iter().chain(["2026-11-27T15:30:02+01:00:30", "2026-11-27T15:30:02+01:00[Europe/Berlin]"])
    {
        assert_eq!(of(&format!("1,TEA,1,1.00,{time}")).0, "row 2, sold_at", "{time}");
    }
    assert_eq!(of(",TEA,1,1.00,2026-11-27 15:30:02").2, "it must not be empty");
    assert_eq!(of("1,TEA,1,1.00").2, "it has 4 fields, the line of names has 5");
    assert_eq!(of("1,TEA,2000000000,1.00,2026-11-27 15:30:02").2, "it must be at most 1000000000");
    assert_eq!(of(&format!("1,{},1,1.00,2026-11-27 15:30:02", "x".repeat(65))).0, "row 2, sku");
    assert_eq!(of(&format!("{},TEA,1,1.00,2026-11-27 15:30:02", "1".repeat(57))).0, "row 2, receipt");
    assert_eq!(refused("receipt,sku\n1,TEA\n").1, "quantity");
    assert_eq!(refused("").2, "it must begin with a line of column names");
    assert_eq!(refused("a,sku,sku,quantity\n").1, "receipt");
    let twice = "receipt,sku,sku,quantity,unit_price,sold_at\n";
    assert_eq!(refused(twice).2, "the line of names has it twice");
}

#[test]
fn rows_that_cannot_be_read_are_passed_over_where_the_settings_say_so() {
    let body = row(
        "1,TEA,1,1.00,2026-11-27 15:30:02\n1,TEA,0,1.00,2026-11-27 15:30:02\nx,y\n1,POT,1,9.00,2026-11-27 15:30:02",
    );
    let commands = translate(&body, &with(&[("bad-rows", "skip")])).unwrap();
    let [Command::RecordSale(sale)] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!(sale.lines.len(), 2);
}

const OPEN: &str = "a quote is opened and not closed";
const SKIPPED: [(&str, &str); 1] = [("bad-rows", "skip")];

/// Rows of receipts of their own, with a note.
fn noted(notes: &[&str]) -> String {
    let row = |(index, note): (usize, &&str)| format!("{},TEA,1,1.00,2026-11-27 15:30:02,{note}\n", index + 1);
    let rows: String = notes.iter().enumerate().map(row).collect();
    format!("receipt,sku,quantity,unit_price,sold_at,note\n{rows}")
}

#[test]
fn a_quote_that_is_not_closed_is_refused_with_the_row_that_opens_it() {
    let open = noted(&["", "\"12 inch", "", ""]);
    assert_eq!((refused(&open).0.as_str(), refused(&open).2.as_str()), ("row 2, fields", OPEN));
    let behind = noted(&["", "\"14\" tray\"", ""]);
    assert_eq!(refused(&behind).2, "there is text behind a closing quote");
    assert_eq!(refused(&noted(&["\"12 inch", "", "\"TEA\""])).0, "row 1, fields", "another quote closes it");
    let names = "receipt,sku,quantity,unit_price,sold_at,\"note\n1,TEA,1,1.00,2026-11-27 15:30:02,\n";
    assert_eq!(refused(names).2, "it must begin with a line of column names");
}

#[test]
fn where_a_row_with_a_broken_quote_is_passed_over_the_rows_behind_it_are_not() {
    for note in ["\"12 inch", "\"14\" tray\"", "\"a\" "] {
        for last in ["", "\"TEA\""] {
            let body = noted(&["\"two\nlines\"", note, "", last]);
            let commands = translate(&body, &with(&SKIPPED)).unwrap();
            let references: Vec<_> = commands.iter().filter_map(wide::reference).collect();
            assert_eq!(references, ["1", "3", "4"].map(|it| format!("{it}@20261127T143002Z")), "{note} {last}");
            for bytes in 60..=body.len() {
                assert_eq!(in_pieces(body.as_bytes(), bytes, &with(&SKIPPED)), commands, "{note}: pieces of {bytes}");
            }
        }
    }
}

#[test]
fn the_sample_of_broken_quotes_comes_to_what_its_case_expects() {
    let sample = include_str!("../fixtures/broken-quotes.csv");
    let commands = translate(sample, &with(&SKIPPED)).unwrap();
    let references: Vec<_> = commands.iter().filter_map(wide::reference).collect();
    assert_eq!(references, ["1", "2", "3"].map(|it| format!("{it}@20261127T143002Z")));
    assert_eq!(in_pieces(sample.as_bytes(), 64, &with(&SKIPPED)), commands);
    assert_eq!(refused(sample).0, "row 2, fields");
}

#[test]
fn tills_that_begin_their_numbers_anew_are_understood() {
    let rows = "1,TEA,1,1.00,2026-11-27 15:30:02\n2,TEA,1,1.00,2026-11-27 15:31:02\n1,TEA,1,1.00,2026-11-28 15:30:02";
    let commands = translate(&row(rows), SETTINGS).unwrap();
    let [Command::RecordSale(first), _, Command::RecordSale(again)] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    assert_eq!((first.reference.as_str(), again.reference.as_str()), ("1@20261127T143002Z", "1@20261128T143002Z"));
}

#[test]
fn settings_that_say_nothing_sensible_are_rejected_by_name() {
    let of = |key: &str, value: &str| {
        let settings: Vec<_> = with(&[]).into_iter().filter(|(own, _)| *own != key).chain([(key, value)]).collect();
        detail(translate(SAMPLE, &settings).unwrap_err()).0
    };
    for (key, value) in
        [("delimiter", "||"), ("currency", "euro"), ("utc-offset", "1"), ("utc-offset", "+25:00"), ("bad-rows", "x")]
    {
        assert_eq!(of(key, value), key);
    }
    let without: Vec<_> = SETTINGS.iter().copied().filter(|(key, _)| *key != "utc-offset").collect();
    assert!(detail(translate(SAMPLE, &without).unwrap_err()).2.contains("no utc-offset"));
}

#[test]
fn what_is_carried_over_by_somebody_else_is_refused() {
    for carry in ["x", "1 2", "1 99 0 0\nab", "-1 0 0 0\n", "1 0 9 0\n", "1 0 0 11\n12345678901"] {
        let failure = call(b"", true, 10, carry.as_bytes().to_vec(), SETTINGS).unwrap_err();
        assert_eq!(detail(failure).0, "carry", "{carry:?}");
    }
}

#[test]
fn a_row_without_end_is_refused_before_it_fills_the_memory() {
    let body = format!("receipt,sku,quantity,unit_price,sold_at\n1,\"{}", "x".repeat(200 * 1024));
    let failure = call(body.as_bytes(), false, 0, vec![], SETTINGS).unwrap_err();
    assert!(detail(failure).2.contains("is longer than"));
}

#[test]
fn nothing_that_strangers_send_makes_it_panic() {
    for body in tillmesh_plugin::testing::mutants(SAMPLE.as_bytes(), 10_000) {
        let half = body.len() / 2;
        // What it comes to is not the question.
        if let Ok(first) = call(&body[..half], false, 0, vec![], SETTINGS) {
            let _ = call(&body[half..], true, half, first.carry, SETTINGS);
        }
    }
}
