//! What becomes of orders, as a partner is told it: 855 and 865.

use tillmesh_plugin::outbound::OrderCancelled;

use super::*;

/// What a partner who takes an 855 is answered, from its group on, a segment a line.
fn told(body: &str) -> Vec<String> {
    told_after(&mut Orders::default(), body, &[])
}

/// The same of a message that comes when these orders are placed, with more settings.
fn told_after(orders: &mut Orders, body: &str, more: &[(&str, &str)]) -> Vec<String> {
    let settings = context(&[&[("order-acknowledgement", "855 865")], more].concat());
    let message = message(body.as_bytes());
    let taken = crate::translate(&message, &settings, &Known, orders);
    let outcome = taken.map_or_else(Outcome::Refused, |_| Outcome::Taken);
    let answer = answer(&message, &given(&outcome, &settings), orders).unwrap().unwrap();
    let text = String::from_utf8(answer.body).unwrap();
    assert!(envelope::read(&text).unwrap().iter().all(|interchange| interchange.failure().is_none()), "{text}");
    assert_eq!(translate(&text, &[]), Ok(Vec::new()), "what it is told means nothing here");
    let segments: Vec<_> = text.split_terminator('~').map(str::to_owned).collect();
    let begin = segments.iter().position(|segment| segment.starts_with("GS*PR")).unwrap_or(segments.len());
    segments[begin..].to_vec()
}

#[test]
fn an_order_that_is_taken_is_acknowledged_line_by_line_in_a_group_of_its_own() {
    assert_eq!(
        told(&ORDER.replace("PO1*2*3*", "PO1*2*0*")),
        [
            "GS*PR*9251750000*ABYZ000*20261128*0930*2*X*004010",
            "ST*855*0001",
            "BAK*00*AD*PO-4711*20261128",
            "PO1*1*12*EA*9.25*TE*CB*RO-1*VN*AB3542",
            "ACK*IA*12*EA",
            "PO1*3*1*EA*23.25*TE*SK*066850-116*BP*XY",
            "ACK*IA*1*EA",
            "CTT*2",
            "SE*8*0001",
            "GE*1*2",
            "IEA*2*000000001",
        ],
        "a line of nothing is no part of an order"
    );
    let released = told(&ORDER.replace("*PO-4711**", "*PO-4711*R-7*").replace("*12*EA*", "*12**"));
    assert!(released.contains(&"BAK*00*AD*PO-4711*20261128*R-7".to_owned()), "{released:?}");
    assert!(released.contains(&"ACK*IA".to_owned()), "{released:?}");
}

fn of(name: &str, segments: &[String]) -> Vec<String> {
    segments.iter().filter(|segment| segment.starts_with(name)).cloned().collect()
}

/// The same number for other goods, in the next interchange.
fn used_again() -> String {
    ORDER.replace("000000224", "000000225").replace("PO1*1*12*", "PO1*1*13*")
}

#[test]
fn an_order_that_uses_a_number_again_for_other_goods_is_not_confirmed_in_one_message() {
    let again = ORDER.replace("PO1*1*12*", "PO1*1*13*").replace("0001~", "0002~");
    let set = &again[again.find("ST*").unwrap()..again.find("GE*").unwrap()];
    let both = ORDER.replace("GE*1*77~", &format!("{set}GE*2*77~"));
    assert_eq!(translate(&both, &[]).map(|commands| commands.len()), Ok(2), "translating goes on");
    for body in [both, format!("{ORDER}{}", used_again())] {
        let segments = told(&body);
        assert_eq!(of("BAK", &segments), ["BAK*00*AD*PO-4711*20261128", "BAK*00*RD*PO-4711*20261128"]);
        let lines = ["ACK*IA*12*EA", "ACK*IA*3*EA", "ACK*IA*1*EA", "ACK*IR*13*EA", "ACK*IR*3*EA", "ACK*IR*1*EA"];
        assert_eq!(of("ACK", &segments), lines);
    }
}

#[test]
fn an_order_that_uses_a_number_again_for_other_goods_is_not_confirmed_in_a_later_message() {
    let mut orders = Orders::default();
    let confirmed = told_after(&mut orders, ORDER, &[]);
    assert_eq!(of("BAK", &confirmed), ["BAK*00*AD*PO-4711*20261128"]);
    let segments = told_after(&mut orders, &used_again(), &[]);
    assert_eq!(of("BAK", &segments), ["BAK*00*RD*PO-4711*20261128"]);
    assert_eq!(of("ACK", &segments), ["ACK*IR*13*EA", "ACK*IR*3*EA", "ACK*IR*1*EA"]);
    let of_nothing = ORDER.replace("AMT*TT", "PO1*4*0*EA**TE*SK*POT~\nAMT*TT").replace("SE*16", "SE*17");
    for same in [ORDER, &of_nothing] {
        let segments = told_after(&mut orders, same, &[]);
        assert_eq!(of("BAK", &segments), ["BAK*00*AD*PO-4711*20261128"], "it comes again as it was");
    }
}

#[test]
fn an_order_that_is_passed_over_is_neither_confirmed_nor_rejected() {
    let ignored = [("location.0003947268292", "")];
    assert_eq!(told_after(&mut Orders::default(), ORDER, &ignored), Vec::<String>::new());
}

#[test]
fn each_order_of_a_body_has_an_acknowledgement_and_the_next_interchange_a_number_of_its_own() {
    let second = ORDER.replace("000000224", "000000225").replace("PO-4711", "PO-4712");
    let segments = told(&format!("{ORDER}{second}"));
    assert_eq!(of("BAK", &segments), ["BAK*00*AD*PO-4711*20261128", "BAK*00*AD*PO-4712*20261128"]);
    assert_eq!(of("IEA", &segments), ["IEA*2*000000001", "IEA*2*000000003"]);
    assert_eq!(of("GE", &segments), ["GE*1*2", "GE*1*3", "GE*1*4"]);
}

#[test]
fn of_a_body_that_is_refused_only_the_order_that_is_to_blame_is_rejected() {
    let unknown = ORDER.replace("*VN*AB3542", "*BP*NOBODY");
    let segments = told(&format!("{}{unknown}", ORDER.replace("000000224", "000000223")));
    assert_eq!(of("BAK", &segments), ["BAK*00*RD*PO-4711*20261128"]);
    assert_eq!(of("ACK", &segments), ["ACK*R2*12*EA", "ACK*IR*3*EA", "ACK*IR*1*EA"]);
    let half = told(&ORDER.replace("PO1*1*12*", "PO1*1*12.5*"));
    assert!(half.contains(&"ACK*IR*12.5*EA".to_owned()), "{half:?}");
}

#[test]
fn what_could_not_be_read_and_what_places_nothing_has_no_acknowledgement_but_the_997() {
    for (sound, other) in [
        ("SE*16*0001", "SE*17*0001"),
        ("IEA*1*000000224", "IEA*1*000000225"),
        ("PO1*1*12*", "PO1*1*x*"),
        ("BEG*00", "BEG*01"),
        ("BEG*00", "BEG*04"),
        ("BEG*00", "BEG*17"),
        ("BEG*00", "BEG*22"),
        ("BEG*00", "BEG*24"),
        ("*PO-4711*", "**"),
    ] {
        assert_eq!(told(&ORDER.replace(sound, other)), Vec::<String>::new(), "{other}");
    }
    assert_eq!(told(ADVICE), Vec::<String>::new());
    assert!(!answered(ORDER, &Outcome::Taken).iter().any(|segment| segment.starts_with("BAK")), "nobody asked for it");
}

#[test]
fn the_setting_names_sets_that_are_written_or_the_order_is_refused() {
    let refused = translate(ORDER, &[("order-acknowledgement", "865 860")]);
    assert!(matches!(refused, Err(Failure::Rejected(detail)) if detail.field == "order-acknowledgement"));
    assert!(translate(ORDER, &[("order-acknowledgement", "865, 855")]).is_ok());
}

#[test]
fn a_cancellation_is_told_where_the_partner_takes_it() {
    let cancelled = |order: &str| {
        let cancelled = OrderCancelled { order: order.to_owned(), cancelled_at: RECEIVED, reason: None };
        [Event::OrderCancelled(cancelled)]
    };
    let mut settings = vec![("own-id", "SHOP"), ("partner-id", "BUYER"), ("order-acknowledgement", "865")];
    let sent = X12::render(&cancelled("PO-4711"), &context(&settings), &Known).unwrap();
    let text = str::from_utf8(&sent[0].body).unwrap();
    assert_eq!(sent[0].topic, "865");
    assert!(text.contains("~GS*CA*SHOP*BUYER*") && text.contains("~BCA*01*RJ*PO-4711***20261128~"), "{text}");
    assert_eq!(translate(text, &[]), Ok(Vec::new()), "it is sound, and means nothing here");
    let refused = X12::render(&cancelled("PO*4711"), &context(&settings), &Known);
    assert!(matches!(refused, Err(Failure::Rejected(detail)) if detail.field == "order"));
    settings[2].1 = "855";
    assert_eq!(X12::render(&cancelled("PO-4711"), &context(&settings), &Known).unwrap().len(), 0);
}
