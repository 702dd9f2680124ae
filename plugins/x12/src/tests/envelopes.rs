//! Control numbers, groups and what surrounds them; how interchanges are written.

use super::*;

/// A part of a body, from one name of a segment up to another.
fn part<'a>(body: &'a str, from: &str, to: &str) -> &'a str {
    &body[body.find(from).unwrap()..body.find(to).unwrap()]
}

fn refused(body: &str, field: &str, segment: &str) {
    let (_, answer) = exchanged(body);
    assert!(malformed(body).ends_with(field), "{}", malformed(body));
    assert!(answer.iter().any(|it| it == segment), "{answer:?}");
}

#[test]
fn a_control_number_is_used_once() {
    let set = part(ORDER, "ST*", "GE*");
    let twice = ORDER.replace("GE*1*77", &format!("{}GE*2*77", set.replace("PO-4711", "PO-4712")));
    refused(&twice, "GS 77 ST 0001 ST02", "AK5*R*23");
    let set = part(NOTICE, "ST*", "GE*");
    refused(&NOTICE.replace("GE*1*8", &format!("{set}GE*2*8")), "GS 8 ST 0001 ST02", "AK5*R*23");
    let group = part(ORDER, "GS*", "IEA*").replace("PO-4711", "PO-4712");
    refused(&ORDER.replace("IEA*1", &format!("{group}IEA*2")), "GS 77 GS06", "AK9*R*1*1*0*19");
    let group = part(NOTICE, "GS*", "IEA*");
    refused(&NOTICE.replace("IEA*1", &format!("{group}IEA*2")), "GS 8 GS06", "AK9*R*1*1*0*19");
}

#[test]
fn an_order_that_stands_there_twice_word_for_word_is_one_order() {
    let set = part(ORDER, "ST*", "GE*");
    let twice = ORDER.replace("GE*1*77", &format!("{set}GE*2*77"));
    let group = part(&twice, "GS*", "IEA*");
    let four = twice.replace("IEA*1", &format!("{group}IEA*2"));
    let commands = translate(&four, &[]).unwrap();
    assert_eq!(commands.len(), 4);
    assert!(commands.iter().all(|command| *command == commands[0]), "the node counts it once");
}

#[test]
fn a_set_stands_in_a_group_of_its_kind() {
    refused(&ORDER.replace("GS*PO", "GS*IN"), "ST 0001 ST01", "AK5*R*6");
    refused(&NOTICE.replace("GS*SH", "GS*PO"), "ST 0001 ST01", "AK5*R*6");
}

#[test]
fn a_group_has_a_set_and_a_count_has_digits_alone() {
    let empty = ORDER.replace(part(ORDER, "ST*", "GE*"), "").replace("GE*1", "GE*0");
    refused(&empty, "GS 77 GS", "AK9*R*0*0*0*5");
    refused(&ORDER.replace("SE*16", "SE*+16"), " SE01", "AK5*R*4");
    refused(&ORDER.replace("GE*1", "GE*+1"), " GE01", "AK9*R*1*1*0*5");
    refused(&ORDER.replace("IEA*1", "IEA*+1"), " IEA01", "TA1*000000224*261128*0930*R*021");
}

#[test]
fn a_body_that_is_wrapped_into_lines_of_one_length_is_read() {
    let text = ORDER.replace('\n', "");
    let lines = |length: usize, end: &str| {
        let lines = text.as_bytes().chunks(length).map(|line| str::from_utf8(line).unwrap());
        lines.collect::<Vec<_>>().join(end)
    };
    let behind_isa = format!("{}\n{}", &text[..106], text[106..].replace("PO1", "P\r\nO1"));
    for body in [lines(80, "\r\n"), lines(80, "\n"), lines(72, "\n"), behind_isa] {
        assert_eq!(translate(&body, &[]), translate(ORDER, &[]), "{body}");
    }
}

#[test]
fn an_interchange_that_asks_for_it_has_an_acknowledgement_of_its_own() {
    let accepted = "TA1*000000224*261128*0930*A*000".to_owned();
    let asks = ORDER.replace("*0*P*>", "*1*P*>");
    assert_eq!(answered(&asks, &Outcome::Taken)[1], accepted);
    let (taken, answer) = exchanged(&asks.replace("*VN*AB3542", "*BP*NOBODY"));
    assert!(taken.is_err() && answer[1] == accepted, "its envelope is sound: {answer:?}");
    let (_, answer) = exchanged(&asks.replace("IEA*1", "IEA*2"));
    assert_eq!(of_name("TA1", &answer), ["TA1*000000224*261128*0930*R*021"]);
    assert_eq!(of_name("TA1", &answered(ORDER, &Outcome::Taken)), Vec::<String>::new());
    let sent: String = answered(ORDER, &Outcome::Taken).iter().map(|segment| format!("{segment}~")).collect();
    let answer = answered(&sent.replace("*0*P*>", "*1*P*>"), &Outcome::Taken);
    assert_eq!(answer.len(), 3, "a 997 has none, its interchange has one: {answer:?}");
    let alone = format!("{}{accepted}~IEA*0*000000224~", &asks[..107]);
    assert_eq!(answered(&alone, &Outcome::Taken), Vec::<String>::new(), "what is one has none");
}

fn of_name(name: &str, segments: &[String]) -> Vec<String> {
    segments.iter().filter(|segment| segment.starts_with(name)).cloned().collect()
}

#[test]
fn a_group_of_an_early_version_is_answered_with_a_date_of_six_digits() {
    for (version, date) in [("003040", "261128"), ("004000", "261128"), ("004010VICS", "20261128"), ("T", "20261128")] {
        let answer = answered(&ORDER.replace("X*004010", &format!("X*{version}")), &Outcome::Taken);
        assert_eq!(answer[1], format!("GS*FA*9251750000*ABYZ000*{date}*0930*1*X*{version}"));
    }
}

#[test]
fn an_answer_has_the_character_set_of_what_it_answers() {
    let cafe = ORDER.replace("GS*PO*ABYZ000", "GS*PO*CAF\u{c9}");
    let latin: Vec<u8> = cafe.chars().map(|sign| sign as u8).collect();
    for (body, name) in [(cafe.as_bytes(), "CAF\u{c9}".as_bytes()), (&latin, b"CAF\xc9")] {
        let answer = X12::acknowledge(&message(body), &Outcome::Taken, &context(&[])).unwrap().unwrap();
        assert!(answer.body.windows(name.len()).any(|part| part == name), "{:?}", answer.body);
    }
}

#[test]
fn what_a_node_does_not_take_is_refused_with_the_place_of_its_set() {
    let sku = format!("VN*{}", "A".repeat(70));
    for (sound, broken, field) in [
        ("REF*DP*038", "CUR*BY*EURO", "currency"),
        ("**20261128~", "**19691231~", "placed-at"),
        ("PO1*1*12*", "PO1*1*9999999999999*", "lines[0].quantity"),
        ("*9.25*", "*99999999999999999*", "PO1[0].04"),
        ("*9.25*", "*1000000000000000*", "lines[0].amount"),
        ("VN*AB3542", &sku, "lines[0].sku"),
        ("PO-4711", &"P".repeat(130), "reference"),
    ] {
        let field = format!("ISA 000000224 GS 77 ST 0001 {field}");
        refused(&ORDER.replace(sound, broken), &field, "AK5*R*5");
    }
    let level = ADVICE.replace("QTY*33*100", "QTY*33*18446744073709551615");
    refused(&level, "ISA 000000007 GS 7 ST 0001 available", "AK5*R*5");
}
