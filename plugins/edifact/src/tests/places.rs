//! Levels at several places, quantities in parts, and orders that come again.

use super::*;

const REPLACES: &str = include_str!("../../fixtures/orders-replaces.edi");
const BOTH: [(&str, &str); 2] = [("location.S1", "depot"), ("location.S2", "store-2")];

fn levels(body: &str, settings: &[(&str, &str)]) -> Vec<(String, i64, Option<String>)> {
    let level = |command: Command| match command {
        Command::SetAvailable(level) => (level.sku, level.available, level.location),
        other => panic!("{other:?}"),
    };
    translate(body, settings).unwrap().into_iter().map(level).collect()
}

fn level(sku: &str, available: i64, location: &str) -> (String, i64, Option<String>) {
    (sku.to_owned(), available, Some(location.to_owned()))
}

#[test]
fn each_place_of_a_line_has_its_own_level_wherever_it_stands() {
    let expected = [level("TEA", 100, "depot"), level("TEA", 40, "store-2"), level("AB3542", 7, "store-2")];
    assert_eq!(levels(PLACES, &BOTH), expected);
    let of_line = "QTY+145:100'\nQTY+156:9'\nLOC+18+S1'\nQTY+145:40'\nLOC+18+S2'";
    let leads = "LOC+18+S1'\nQTY+145:100'\nQTY+156:9'\nLOC+18+S2'\nQTY+145:40'";
    assert!(PLACES.contains(of_line));
    assert_eq!(levels(&PLACES.replace(of_line, leads), &BOTH), expected);
}

#[test]
fn a_message_about_a_location_of_which_the_operator_wants_nothing_is_passed_over() {
    let ignored = [("location.5412345000020", "")];
    let unknown = ORDER.replace("5410000000016:EN", "5410000000023:EN");
    for body in [ORDER, &ORDER.replace("PO-4711+9", "PO-4711+1"), &unknown] {
        assert_eq!(translate(body, &ignored), Ok(Vec::new()));
    }
    for notice in ["receive", "fulfil"] {
        assert_eq!(translate(ADVICE, &[("location.S2", ""), ("ship-notice", notice)]), Ok(Vec::new()));
    }
    let unknown = REPORT.replace("5410000000016:EN", "5410000000023:EN");
    assert_eq!(translate(&unknown, &[("location.S1", "")]), Ok(Vec::new()));
    let at_others = PLACES.replacen("LIN+1", "NAD+WH+S9::92'\nLIN+1", 1);
    let at_others = at_others.replace("UNT+15", "UNT+16");
    let settings = [("location.S9", ""), ("location.S1", "depot")];
    assert_eq!(levels(&at_others, &settings), [level("TEA", 100, "depot")], "a line may be about another one");
}

#[test]
fn two_levels_of_an_article_for_one_location_are_refused_and_neither_is_lost() {
    let refused = translate(PLACES, &[("location.S1", "depot"), ("location.S2", "depot")]);
    assert!(
        matches!(&refused, Err(Failure::Rejected(it)) if it.value == "TEA" && it.rule.contains("location.S2")),
        "{refused:?}"
    );
    let twice = REPORT.replace("QTY+145:100'\n", "QTY+145:100'\nQTY+145:90'\n").replace("UNT+11", "UNT+12");
    let refused = translate(&twice, &[]);
    assert!(matches!(&refused, Err(Failure::Rejected(detail)) if detail.value == "100 90"), "{refused:?}");
    let same = REPORT.replace("QTY+145:100'\n", "QTY+145:100'\nQTY+145:100'\n").replace("UNT+11", "UNT+12");
    assert_eq!(translate(&same, &[]), translate(REPORT, &[]));
}

#[test]
fn what_is_sent_is_read_as_the_same_levels() {
    let event = |sku: &str, available, location: &str| {
        Event::AvailabilityChanged(AvailabilityChanged {
            sku: sku.to_owned(),
            available,
            location: location.to_owned(),
            as_of: RECEIVED,
            references: vec![],
        })
    };
    let settings = [("own-id", "A"), ("partner-id", "B"), ("location.depot", "depot"), ("location.shop", "shop")];
    let events = [event("TEA", 5, "depot"), event("TEA", 3, "shop"), event("P'T", 2, "shop")];
    let sent = Edifact::render(&events, &context(&settings), &Known).unwrap();
    let read = levels(str::from_utf8(&sent[0].body).unwrap(), &settings);
    assert_eq!(read, [level("TEA", 5, "depot"), level("TEA", 3, "shop"), level("P'T", 2, "shop")]);
}

/// How much of TEA an advice says is on its way, with other quantities of the line.
fn received(quantities: &str) -> Result<u64, Failure> {
    let lines = quantities.matches('\'').count();
    let body = ADVICE.replace("QTY+12:12'\n", quantities).replace("UNT+14", &format!("UNT+{}", 13 + lines));
    match translate(&body, &[("unit.CS", "6")])?.remove(0) {
        Command::ReceiveStock(received) => Ok(received.lines.iter().find(|line| line.sku == "TEA").unwrap().quantity),
        other => panic!("{other:?}"),
    }
}

#[test]
fn several_quantities_of_a_kind_are_parts_of_the_line_and_those_of_its_packages_are_not_added_to_its_own() {
    assert_eq!(received("QTY+12:5'QTY+12:7'QTY+21:99'"), Ok(12));
    assert_eq!(received("QTY+12:1:CS'QTY+12:2:CS'"), Ok(18));
    assert_eq!(received("QTY+12:12'LOC+7+S2'QTY+12:5'LOC+7+S3'QTY+12:7'"), Ok(12));
    assert_eq!(received("PCI+33E'QTY+12:5'PCI+33E'QTY+12:6'"), Ok(11));
    let mixed = received("QTY+12:12:PCE'QTY+12:2:CS'");
    assert!(matches!(&mixed, Err(Failure::Rejected(detail)) if detail.value == "PCE CS"), "{mixed:?}");
    let huge = received("QTY+12:18446744073709551615'QTY+12:1'");
    assert!(matches!(huge, Err(Failure::Malformed(_))), "{huge:?}");
}

#[test]
fn an_order_that_replaces_one_is_placed_where_there_is_none_and_refused_where_there_is() {
    let placed = translate(REPLACES, &[]).unwrap();
    assert!(matches!(&placed[0], Command::PlaceOrder(order) if order.lines[0].quantity == 24));
    let (taken, answer) = exchanged(&format!("{ORDER}{}", REPLACES.replace("4711'", "4712'")));
    let at = "UNB 4712 UNH 1 BGM 1004";
    assert!(matches!(&taken, Err(Failure::Rejected(detail)) if detail.field == at), "{taken:?}");
    assert!(answer.contains(&"UCM+1+ORDERS:D:96A:UN:EAN008+4+12".to_owned()), "{answer:?}");
    let same = format!("{ORDER}{}", ORDER.replace("PO-4711+9", "PO-4711+5"));
    assert_eq!(translate(&same, &[]).map(|commands| commands.len()), Ok(2), "what says the same loses nothing");
}
