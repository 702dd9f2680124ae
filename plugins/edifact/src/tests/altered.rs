//! Sound messages that are altered in one place: each is what it says, or is refused.

use tillmesh_plugin::Line;

use super::*;

const PRICED: &str = include_str!("../../fixtures/orders-priced.edi");
const COPY: &str = include_str!("../../fixtures/orders-copy.edi");
const KINDS: &str = include_str!("../../fixtures/invrpt-kinds.edi");

/// The lines of the order with something in it replaced, and of it alone.
fn lines(sound: &str, altered: &str) -> Result<Vec<Line>, Failure> {
    let body = altered_by(ORDER, sound, altered);
    match translate(&body, &[("unit.KGM", "1000"), ("unit.CS", "6")])?.remove(0) {
        Command::PlaceOrder(order) => Ok(order.lines),
        other => panic!("{other:?}"),
    }
}

/// A message with something in it replaced, and the number of its segments made right.
fn altered_by(body: &str, sound: &str, altered: &str) -> String {
    assert!(body.contains(sound), "{sound}");
    let body = body.replacen(sound, altered, 1);
    let (begin, end) = (body.find("UNH+").unwrap(), body.find("UNT+").unwrap());
    let count = body[begin..end].matches("'\n").count() + 1;
    let behind = body[end..].split_once('+').and_then(|(_, rest)| rest.split_once('+')).unwrap().1;
    format!("{}UNT+{count}+{behind}", &body[..end])
}

/// A unit price with its scale, and an amount.
type Priced = (Option<(i64, Option<u8>)>, Option<i64>);

fn money(line: &Line) -> Priced {
    let price = line.unit_price.as_ref().map(|price| (price.amount, price.scale));
    (price, line.amount.as_ref().map(|amount| amount.amount))
}

/// The amount of the second line of the order, whose price is this, and its unit price.
fn of_price(price: &str) -> Result<Priced, Failure> {
    let stated = "MOA+203:6.3'\nPRI+AAA:210.00:::100'\n";
    lines(stated, &format!("PRI+AAA:{price}'\n")).map(|lines| money(&lines[1]))
}

fn levels(body: &str) -> Result<Vec<(String, i64, Option<String>)>, Failure> {
    let settings = [("location.S1", "depot"), ("location.DE", "abroad"), ("unit.KGM", "1000")];
    let level = |command| match command {
        Command::SetAvailable(SetAvailable { sku, available, location, .. }) => (sku, available, location),
        other => panic!("{other:?}"),
    };
    translate(body, &settings).map(|commands| commands.into_iter().map(level).collect())
}

/// The level of the first line of a report, of which these are the quantities and places.
fn first_level(stated: &str) -> Result<(i64, Option<String>), Failure> {
    let found = levels(&altered_by(REPORT, "QTY+145:100'\n", stated))?;
    Ok((found[0].1, found[0].2.clone()))
}

#[test]
fn an_order_of_many_lines_is_read_line_by_line() {
    let many: String =
        (0..500).map(|at| format!("LIN+{at}'\nPIA+5+S{at}:SA'\nIMD+F++:::x'\nQTY+21:1'\nPRI+AAA:1.25'\n")).collect();
    let found = lines("UNS+S'\n", &format!("{many}UNS+S'\n"));
    assert!(matches!(&found, Err(Failure::Malformed(detail)) if detail.field.ends_with("UNH 1 lines")), "{found:?}");
    let body = ORDER[..ORDER.find("LIN+1").unwrap()].to_owned() + &many + &ORDER[ORDER.find("UNS+S").unwrap()..];
    let placed = translate(&altered_by(&body, "CNT+2:3", "CNT+2:500"), &[]).unwrap();
    let [Command::PlaceOrder(order)] = placed.as_slice() else { panic!("{placed:?}") };
    assert_eq!(order.lines.len(), 500);
}

#[test]
fn only_what_orders_places_an_order() {
    let with = |function: &str| translate(&altered_by(ORDER, "PO-4711+9", &format!("PO-4711+{function}")), &[]);
    for function in ["", "6", "7", "9", "18", "22", "35", "42", "43", "46", "47", "5"] {
        assert_eq!(with(function), with("9"), "{function}");
    }
    for function in ["1", "3", "17"] {
        assert!(matches!(with(function).unwrap()[0], Command::CancelOrder(_)), "{function}");
    }
    for function in ["2", "4", "16", "20", "21", "25", "27", "31", "33", "36", "39", "40", "53", "X", "700101"] {
        let taken = with(function);
        assert!(matches!(&taken, Err(Failure::Unsupported(detail)) if detail.value == function), "{taken:?}");
    }
    let (taken, answer) = exchanged(COPY);
    assert_eq!(taken, with("31"));
    assert!(answer.contains(&"UCM+1+ORDERS:D:96A:UN:EAN008+4+17".to_owned()), "{answer:?}");
}

#[test]
fn a_number_of_another_article_is_none_of_the_line() {
    let sku = |numbers: &str| match lines("PIA+5+AB?+3542:SA'", numbers)?.remove(1).content {
        LineContent::Sku(sku) => Ok(sku),
        other @ LineContent::Charge(_) => panic!("{other:?}"),
    };
    for other in ["2", "3", "4"] {
        assert_eq!(sku(&format!("PIA+{other}+TEA:SA'\nPIA+5+POT:SA'")), Ok("POT".to_owned()), "{other}");
        let nameless: Result<String, Failure> = sku(&format!("PIA+{other}+TEA:SA'"));
        assert!(matches!(nameless, Err(Failure::Malformed(_))), "{other}: {nameless:?}");
    }
    for own in ["", "1", "5"] {
        assert_eq!(sku(&format!("PIA+{own}+POT:SA'")), Ok("POT".to_owned()), "{own}");
    }
}

#[test]
fn a_price_for_any_number_of_units_is_the_lines_price_or_is_refused() {
    assert_eq!(of_price("210.00:::12"), Ok((Some((17_500, Some(3))), Some(5_250))));
    assert_eq!(of_price("210.00:::1.5"), Ok((Some((14_000, Some(2))), Some(42_000))));
    let placed = translate(PRICED, &[]).unwrap();
    assert!(matches!(&placed[0], Command::PlaceOrder(order) if money(&order.lines[1]).1 == Some(5_250)), "{placed:?}");
    assert_eq!(of_price("210.00:::1,5"), of_price("210.00:::1.5"));
    assert_eq!(of_price("1.00:::7"), Ok((None, Some(43))), "three sevenths of a euro");
    assert_eq!(of_price("0.1234"), Ok((Some((1_234, Some(4))), None)), "the node rounds what it has a price of");
    for basis in ["0", "x", "-1", "0.0000000001"] {
        let refused = of_price(&format!("210.00:::{basis}"));
        let at = "UNB 4711 UNH 1 LIN[1] PRI";
        assert!(matches!(&refused, Err(Failure::Malformed(it)) if it.field == at && it.value == basis), "{refused:?}");
    }
}

#[test]
fn what_is_a_fraction_of_the_partners_unit_may_be_whole_in_base_units() {
    let weighed = lines("QTY+21:12:PCE'", "QTY+21:2.5:KGM'").unwrap();
    assert_eq!((weighed[0].quantity, money(&weighed[0])), (2_500, (None, Some(2_313))), "9.25 a kilogram");
    let in_parts = lines("QTY+21:12:PCE'", "QTY+21:0.5'\nQTY+21:1.5'").unwrap();
    assert_eq!(in_parts[0].quantity, 2);
    let too_fine = lines("QTY+21:12:PCE'", "QTY+21:2.5001:KGM'");
    assert!(matches!(&too_fine, Err(Failure::Rejected(detail)) if detail.value == "2.5001"), "{too_fine:?}");
    assert_eq!(first_level("QTY+145:2.5:KGM'\n"), Ok((2_500, Some("depot".to_owned()))));
    let huge = lines("QTY+21:12:PCE'", "QTY+21:18446744073709551615:KGM'");
    assert!(matches!(huge, Err(Failure::Malformed(_))), "{huge:?}");
}

#[test]
fn a_level_is_what_is_there_and_not_what_may_be_delivered_or_is_on_its_way() {
    let depot = || Some("depot".to_owned());
    assert_eq!(first_level("QTY+33:500'\nQTY+145:100'\n"), Ok((100, depot())));
    assert_eq!(first_level("QTY+17:9'\nQTY+145:8'\nQTY+60:7'\n"), Ok((7, depot())));
    for other in ["33", "198"] {
        let refused = first_level(&format!("QTY+{other}:70'\n"));
        assert!(matches!(&refused, Err(Failure::Malformed(it)) if it.value == "60 or 145 or 17"), "{refused:?}");
    }
}

#[test]
fn a_country_of_origin_is_no_place_of_stock() {
    let found = first_level("QTY+145:100'\nLOC+27+DE'\nLOC+18+S1'\n");
    assert_eq!(found, Ok((100, Some("depot".to_owned()))));
    assert_eq!(levels(KINDS).unwrap()[0], ("TEA".to_owned(), 95, Some("depot".to_owned())));
    for place in ["14", "19"] {
        let found = first_level(&format!("QTY+145:100'\nLOC+{place}+DE'\n"));
        assert_eq!(found, Ok((100, Some("abroad".to_owned()))), "{place}");
    }
}

#[test]
fn a_report_that_is_taken_back_or_has_no_beginning_or_no_line_sets_no_level() {
    let with = |function: &str| levels(&altered_by(REPORT, "R-1+9", &format!("R-1+{function}")));
    for function in ["1", "3", "17", "16", "53"] {
        let taken = with(function);
        let at = "UNB 8 UNH 1 BGM 1225";
        assert!(matches!(&taken, Err(Failure::Unsupported(detail)) if detail.field == at), "{function}: {taken:?}");
    }
    for function in ["", "2", "4", "5", "7", "31"] {
        assert_eq!(with(function), with("9"), "{function}");
    }
    assert_eq!(malformed(&altered_by(REPORT, "BGM+35+R-1+9'\n", "")), "UNB 8 UNH 1 BGM");
    let end = REPORT.find("CNT").unwrap();
    let of_lines = &REPORT[REPORT.find("LIN").unwrap()..end];
    assert_eq!(malformed(&altered_by(REPORT, of_lines, "")), "UNB 8 UNH 1 LIN");
}

#[test]
fn a_message_that_stands_twice_in_an_interchange_counts_once_and_another_of_its_reference_counts_too() {
    let (begin, end) = (ADVICE.find("UNH").unwrap(), ADVICE.find("UNZ").unwrap());
    let twice = |second: &str| format!("{}{second}UNZ+2+9'\n", &ADVICE[..end]);
    let (taken, answer) = exchanged(&twice(&ADVICE[begin..end]));
    assert_eq!(taken, translate(ADVICE, &[]));
    assert_eq!(answer.iter().filter(|segment| segment.starts_with("UCM+1+DESADV")).count(), 2);
    let other = translate(&twice(&ADVICE[begin..end].replace("SHIP-9", "SHIP-10")), &[]).unwrap();
    assert_eq!(other.len(), 2);
}

#[test]
fn dates_of_any_usual_format_are_read() {
    let placed_at = |date: &str| match translate(&altered_by(ORDER, "137:20261128:102", date), &[])?.remove(0) {
        Command::PlaceOrder(order) => Ok(order.placed_at),
        other => panic!("{other:?}"),
    };
    for date in ["137:202611280930:203", "137:2611280930:201", "137:202611280930UTC:303", "137:202611281030?+01:303"] {
        assert_eq!(placed_at(date), Ok(RECEIVED), "{date}");
    }
    let unknown = placed_at("137:202648:616");
    assert!(matches!(&unknown, Err(Failure::Malformed(it)) if it.field == "UNB 4711 UNH 1 DTM 137"), "{unknown:?}");
}

#[test]
fn a_decimal_mark_that_is_a_digit_is_refused() {
    let refused = translate(&ORDER.replace("UNA:+.? '", "UNA:+2? '"), &[]);
    assert!(matches!(&refused, Err(Failure::Malformed(detail)) if detail.value == "2"), "{refused:?}");
}

#[test]
fn what_goes_beyond_what_a_node_takes_is_refused_and_its_message_named() {
    let long = "x".repeat(70);
    for (sound, altered, field) in [
        ("CUX+2:EUR", "CUX+2:EURO", "currency"),
        ("137:20261128:102", "137:19691231:102", "placed-at"),
        ("QTY+21:12:PCE", "QTY+21:9999999999999:PCE", "lines[0].quantity"),
        ("PRI+AAA:9.25", "PRI+AAA:99999999999999.99", "lines[0].unit-price"),
        ("PRI+AAA:9.25", "PRI+AAA:99999999999999999", "LIN[0] PRI"),
        ("AB?+3542", long.as_str(), "lines[1].sku"),
    ] {
        let (taken, answer) = exchanged(&altered_by(ORDER, sound, altered));
        let at = format!("UNB 4711 UNH 1 {field}");
        assert!(matches!(&taken, Err(Failure::Malformed(detail)) if detail.field == at), "{altered}: {taken:?}");
        assert!(answer.contains(&"UCM+1+ORDERS:D:96A:UN:EAN008+4+12".to_owned()), "{answer:?}");
    }
}

#[test]
fn an_interchange_is_answered_in_its_character_set() {
    let body = ORDER.replace("BUYER", "CAF\u{c9}");
    let latin_1: Vec<u8> = body.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap()).collect();
    for (body, name) in [(latin_1.as_slice(), &b"+CAF\xc9:14+"[..]), (body.as_bytes(), "+CAF\u{c9}:14+".as_bytes())] {
        let answer = Edifact::acknowledge(&message(body), &Outcome::Taken, &context(&[])).unwrap().unwrap();
        assert!(answer.body.windows(name.len()).any(|part| part == name), "{answer:?}");
    }
}
