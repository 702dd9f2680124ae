//! Which article a line is of, how much of it, and what it costs.

use tillmesh_plugin::Line;

use super::*;

fn lines(body: &str, settings: &[(&str, &str)]) -> Vec<Line> {
    match translate(body, settings).unwrap().remove(0) {
        Command::PlaceOrder(order) => order.lines,
        other => panic!("{other:?}"),
    }
}

/// The first line of the order with other elements: quantity, unit, price, basis.
fn line(elements: &str, settings: &[(&str, &str)]) -> Line {
    lines(&ORDER.replace("12*EA*9.25*TE", elements), settings).remove(0)
}

fn price(line: &Line) -> (Option<(i64, Option<u8>)>, Option<i64>) {
    let unit_price = line.unit_price.as_ref().map(|price| (price.amount, price.scale));
    (unit_price, line.amount.as_ref().map(|amount| amount.amount))
}

#[test]
fn a_price_per_hundred_or_thousand_is_that_part_of_it_for_one() {
    assert_eq!(price(&line("12*EA*9.25*HP", &[])), (Some((925, Some(4))), Some(111)));
    assert_eq!(price(&line("12000*EA*9.25*TP", &[])), (Some((925, Some(5))), Some(11_100)));
    assert_eq!(price(&line("24*EA*9.25*PD", &[])), (None, Some(1_850)));
    assert_eq!(price(&line("12*EA*9.25*NC", &[])), (Some((0, Some(0))), Some(0)));
    assert_eq!(price(&line("12*EA*9.25*PK", &[])), (None, None), "a price of a weight is none of a piece");
}

#[test]
fn a_line_of_cases_keeps_its_price() {
    let line = line("3*CA*0.3335*TE", &[("unit.CA", "12")]);
    assert_eq!((line.quantity, price(&line)), (36, (None, Some(100))));
}

#[test]
fn lines_of_one_order_have_prices_of_several_bases() {
    let bases = include_str!("../../fixtures/850-bases.x12");
    let lines = lines(bases, &[("unit.CA", "12"), ("unit.KG", "1000")]);
    let found: Vec<_> = lines.iter().map(|line| (line.quantity, price(line))).collect();
    let (per_gram, hundred) = (Some((4, Some(3))), Some((925, Some(4))));
    assert_eq!(found, [(12, (hundred, Some(111))), (36, (None, Some(100))), (2_500, (per_gram, Some(1_000)))]);
    assert_eq!(lines[1].content, LineContent::Sku("TEA".to_owned()));
}

#[test]
fn a_fraction_of_a_unit_of_measure_may_be_whole_in_base_units() {
    let weighed = line("2.5*KG*4.00*PK", &[("unit.KG", "1000")]);
    assert_eq!((weighed.quantity, price(&weighed)), (2_500, (Some((4, Some(3))), Some(1_000))));
    assert_eq!(line("0.5*CA*6*TE", &[("unit.CA", "12")]).quantity, 6);
    let refused = translate(&ORDER.replace("12*EA*", "0.3*CA*"), &[("unit.CA", "12")]);
    assert!(matches!(refused, Err(Failure::Rejected(detail)) if detail.field.ends_with("PO1[0].02")));
    let levels = translate(&ADVICE.replace("QTY*33*100*EA", "QTY*33*2.5*KG"), &[("unit.KG", "1000")]).unwrap();
    assert!(matches!(&levels[0], Command::SetAvailable(level) if level.available == 2_500));
}

#[test]
fn a_point_may_stand_first_or_last_in_prices_and_totals() {
    assert_eq!(price(&line("12*EA*.75*TE", &[])), (Some((75, Some(2))), Some(900)));
    assert_eq!(price(&line("12*EA*9.*TE", &[])), (Some((9, Some(0))), Some(10_800)));
    for (total, cents) in [(".75", 75), ("134.", 13_400), ("134.25", 13_425)] {
        let commands = translate(&ORDER.replace("*134.25~", &format!("*{total}~")), &[]).unwrap();
        let Command::PlaceOrder(order) = &commands[0] else { panic!("{commands:?}") };
        assert_eq!(order.stated.subtotal.as_ref().map(|total| total.amount), Some(cents), "{total}");
    }
    assert!(malformed(&ORDER.replace("*134.25~", "*.~")).ends_with(" AMT02"));
}

#[test]
fn a_number_without_check_digit_is_a_gtin_with_it() {
    // All of TEA, whose GTIN is 036000291452, and of a case of it.
    struct Numbered;

    impl Catalogue for Numbered {
        fn by_gtin(&self, gtin: &str) -> Option<Product> {
            let sku = match gtin {
                "036000291452" | "0036000291452" => "TEA",
                "10036000291459" => "CASE",
                _ => return None,
            };
            Some(product(sku))
        }
    }

    let of = |numbers: &str| {
        let body = ORDER.replace("UP*036000291452", numbers);
        X12::translate(&message(body.as_bytes()), &context(&[]), &Numbered)
    };
    let cases = [
        ("UI*03600029145", "TEA"),
        ("UI*036000291452", "TEA"),
        ("UD*003600029145", "TEA"),
        ("UA*003600029145", "TEA"),
        ("UA*0036000291452", "TEA"),
        ("UN*103600029145", "CASE"),
        ("UN*10036000291459", "CASE"),
    ];
    for (numbers, sku) in cases {
        let commands = of(numbers).unwrap();
        let Command::PlaceOrder(order) = &commands[0] else { panic!("{commands:?}") };
        assert_eq!(order.lines[1].content, LineContent::Sku(sku.to_owned()), "{numbers}");
    }
    for unknown in ["UI*03600029146", "UP*03600029145", "UA*036000291452", "UI*0360002914X"] {
        let refused = of(unknown);
        assert!(matches!(&refused, Err(Failure::UnknownSku(it)) if unknown.ends_with(&it.value)), "{refused:?}");
    }
}

#[test]
fn a_size_or_a_colour_is_no_article() {
    struct Twelve;

    impl Catalogue for Twelve {
        fn by_sku(&self, sku: &str) -> Option<Product> {
            (sku == "12").then(|| product("12"))
        }
    }

    let of = |numbers: &str| {
        let body = ORDER.replace("UP*036000291452", numbers);
        X12::translate(&message(body.as_bytes()), &context(&[]), &Twelve)
    };
    for qualifier in ["IZ", "BO", "SZ", "CL", "VE", "SM", "LT", "PL"] {
        let refused = of(&format!("UP*036000291469*{qualifier}*12"));
        let is_named = matches!(&refused, Err(Failure::UnknownSku(detail)) if detail.value == "036000291469");
        assert!(is_named, "{qualifier}: {refused:?}");
    }
    assert!(matches!(of("IZ*12"), Err(Failure::Malformed(detail)) if detail.field.ends_with("PO1[1].06")));
    assert!(of("IZ*XL*BP*12").is_ok());
}
