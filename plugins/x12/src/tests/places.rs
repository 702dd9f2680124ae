//! Levels at several places, and orders that come again.

use super::*;

const REPLACES: &str = include_str!("../../fixtures/850-replaces.x12");
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
fn each_place_of_a_line_has_its_own_level() {
    let expected = [level("ABC123", 100, "depot"), level("ABC123", 40, "store-2"), level("TEA", 7, "store-2")];
    assert_eq!(levels(PLACES, &BOTH), expected);
    let by_party = PLACES.replace("REF*LU*S1", "N1*WH**92*S1").replace("REF*LU*S2", "N1*ST**92*S2");
    assert_eq!(levels(&by_party, &BOTH), expected);
}

#[test]
fn a_place_of_which_the_operator_wants_nothing_is_passed_over() {
    let settings = [("location.S1", ""), ("location.S2", "store-2")];
    assert_eq!(levels(PLACES, &settings), [level("ABC123", 40, "store-2"), level("TEA", 7, "store-2")]);
}

#[test]
fn a_set_about_a_location_of_which_the_operator_wants_nothing_is_passed_over() {
    let ignored = [("location.0003947268292", "")];
    for body in [ORDER.to_owned(), ORDER.replace("BEG*00", "BEG*01"), ORDER.replace("*VN*AB3542", "*BP*NOBODY")] {
        assert_eq!(translate(&body, &ignored), Ok(Vec::new()));
    }
    for more in ["receive", "fulfil"] {
        assert_eq!(translate(NOTICE, &[("location.S2", ""), ("ship-notice", more)]), Ok(Vec::new()));
    }
    let unknown = ADVICE.replace("*VN*ABC123", "*BP*NOBODY");
    assert_eq!(translate(&unknown, &[("location.S1", "")]), Ok(Vec::new()));
    let at_others = PLACES.replace("LIN*1*", "N1*WH*A WAREHOUSE*92*S9~\nLIN*1*").replace("SE*19", "SE*20");
    let settings = [("location.S9", ""), ("location.S1", "depot")];
    assert_eq!(levels(&at_others, &settings), [level("ABC123", 100, "depot")], "a line may be about another one");
}

#[test]
fn two_levels_of_an_article_for_one_location_are_refused_and_neither_is_lost() {
    let refused = translate(PLACES, &[("location.S1", "depot"), ("location.S2", "depot")]);
    assert!(
        matches!(&refused, Err(Failure::Rejected(it)) if it.value == "ABC123" && it.rule.contains("location.S2")),
        "{refused:?}"
    );
    assert!(matches!(translate(PLACES, &[]), Err(Failure::Rejected(_))));
    let twice = ADVICE.replace("QTY*17*120*EA", "QTY*33*90*EA");
    let refused = translate(&twice, &[]);
    assert!(matches!(&refused, Err(Failure::Rejected(detail)) if detail.value == "90 100"), "{refused:?}");
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
    let events = [event("TEA", 5, "depot"), event("TEA", 3, "shop"), event("POT", 2, "shop")];
    let sent = X12::render(&events, &context(&settings), &Known).unwrap();
    let read = levels(str::from_utf8(&sent[0].body).unwrap(), &settings);
    assert_eq!(read, [level("TEA", 5, "depot"), level("TEA", 3, "shop"), level("POT", 2, "shop")]);
}

#[test]
fn an_order_that_replaces_one_is_placed_where_there_is_none_and_refused_where_there_is() {
    let placed = translate(REPLACES, &[]).unwrap();
    assert!(matches!(&placed[0], Command::PlaceOrder(order) if order.lines[0].quantity == 24));
    let after = format!("{ORDER}{}", REPLACES.replace("000000224", "000000225"));
    let (taken, answer) = exchanged(&after);
    let at = "ISA 000000225 GS 77 ST 0001 BEG03";
    assert!(matches!(&taken, Err(Failure::Rejected(detail)) if detail.field == at), "{taken:?}");
    assert!(answer.contains(&"AK5*R*5".to_owned()), "{answer:?}");
    let same = format!("{ORDER}{}", ORDER.replace("BEG*00", "BEG*05"));
    assert_eq!(translate(&same, &[]).map(|commands| commands.len()), Ok(2), "what says the same loses nothing");
}

#[test]
fn an_order_of_a_shipment_is_not_that_of_the_one_before() {
    let nameless = NOTICE.replace("PRF*PO-4712~\n", "").replace("SE*19", "SE*18");
    let refused = translate(&nameless, &[("ship-notice", "fulfil")]);
    assert!(matches!(&refused, Err(Failure::Malformed(detail)) if detail.field.ends_with("PRF01")), "{refused:?}");
}

#[test]
fn what_is_wrong_with_the_header_of_a_set_has_its_code() {
    for (broken, code) in [("ST**0001", "AK5*R*6"), ("ST*850*", "AK5*R*7*3")] {
        let (taken, answer) = exchanged(&ORDER.replace("ST*850*0001", broken));
        assert!(matches!(taken, Err(Failure::Malformed(_))), "{broken}");
        assert!(answer.contains(&code.to_owned()), "{broken}: {answer:?}");
    }
}

/// A notice whose orders go to stores of their own.
const STORES: &str = include_str!("../../fixtures/856-stores.x12");

/// Where goods were booked in, and how much of what.
type Receipt = (Option<String>, Vec<(String, u64)>);

fn received(settings: &[(&str, &str)]) -> Vec<Receipt> {
    let receipt = |command: Command| match command {
        Command::ReceiveStock(ReceiveStock { reference, lines, location, .. }) => {
            assert_eq!(reference, "SHIP-9");
            (location, lines.into_iter().map(|line| (line.sku, line.quantity)).collect())
        }
        other => panic!("{other:?}"),
    };
    translate(STORES, settings).unwrap().into_iter().map(receipt).collect()
}

#[test]
fn goods_of_a_notice_are_booked_in_where_their_orders_say() {
    let goods = |goods: &[(&str, u64)]| {
        let goods = goods.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity));
        goods.collect::<Vec<_>>()
    };
    let at = |name: &str| Some(name.to_owned());
    let (first, second, third) = (goods(&[("AB3542", 12), ("TEA", 3)]), goods(&[("TEA", 2)]), goods(&[("TEA", 1)]));
    let each = [("location.S2", "depot"), ("location.S3", "store-3"), ("location.S4", "store-4")];
    let expected = [(at("depot"), third.clone()), (at("store-3"), first), (at("store-4"), second.clone())];
    assert_eq!(received(&each), expected, "an order that names none goes where the shipment does");
    let all = goods(&[("AB3542", 12), ("TEA", 6)]);
    assert_eq!(
        received(&[("location.S2", "depot")]),
        [(at("depot"), all.clone())],
        "a store without a setting is none"
    );
    assert_eq!(received(&[]), [(None, all)]);
    let some = [("location.S2", "depot"), ("location.S3", ""), ("location.S4", "store-4")];
    assert_eq!(received(&some), [(at("depot"), third), (at("store-4"), second.clone())]);
    assert_eq!(
        received(&[("location.S2", ""), ("location.S3", ""), ("location.S4", "store-4")]),
        [(at("store-4"), second)]
    );
}
