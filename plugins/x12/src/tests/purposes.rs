//! What a set is for (X12 data element 353): what only proposes, takes back or repeats is no new order and no goods.

use super::*;

/// All codes of the element that are not handled as those in a list, and one that is none.
fn others(handled: &[&str]) -> Vec<&'static str> {
    let all = [
        "", "00", "01", "02", "03", "04", "05", "06", "07", "08", "10", "11", "12", "13", "14", "15", "16", "17", "18",
        "19", "20", "21", "22", "24", "25", "26", "27", "28", "30", "38", "44", "48", "49", "53", "ZZ", "XX",
    ];
    all.into_iter().filter(|code| !handled.contains(code)).collect()
}

fn unsupported(body: &str, field: &str) {
    let (taken, answer) = exchanged(body);
    assert!(matches!(&taken, Err(Failure::Unsupported(detail)) if detail.field.ends_with(field)), "{taken:?}");
    assert!(answer.contains(&"AK5*R*1".to_owned()), "{answer:?}");
}

#[test]
fn an_order_is_placed_cancelled_or_not_handled_as_its_purpose_says() {
    let of = |code: &str| ORDER.replace("BEG*00", &format!("BEG*{code}"));
    let (placed, cancelled) = (["00", "05", "06", "07", "15", "18", "20", "49"], ["01", "03", "17"]);
    for code in placed {
        assert!(matches!(translate(&of(code), &[]).as_deref(), Ok([Command::PlaceOrder(_)])), "{code}");
    }
    for code in cancelled {
        let commands = translate(&of(code), &[]).unwrap();
        let [Command::CancelOrder(CancelOrder { reference, .. })] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!(reference, "PO-4711", "{code}");
    }
    for code in others(&[&placed[..], &cancelled].concat()) {
        unsupported(&of(code), " BEG01");
    }
}

#[test]
fn a_notice_that_repeats_takes_back_or_proposes_is_not_booked_in() {
    let of = |code: &str| NOTICE.replace("BSN*00", &format!("BSN*{code}"));
    let received = ["00", "06", "14", "15", "20", "49"];
    for code in received {
        assert!(matches!(translate(&of(code), &[]).as_deref(), Ok([Command::ReceiveStock(_)])), "{code}");
    }
    for code in others(&received) {
        unsupported(&of(code), " BSN01");
    }
    assert_eq!(translate(&of("01"), &[("location.S2", "")]), Ok(Vec::new()), "of what is passed over nobody asks");
}

#[test]
fn an_advice_that_cancels_adds_or_proposes_sets_no_levels() {
    let of = |code: &str| ADVICE.replace("BIA*00", &format!("BIA*{code}"));
    let stated = ["00", "04", "05", "06", "07", "08", "11", "15", "18", "20", "49"];
    for code in stated {
        assert_eq!(translate(&of(code), &[]).map(|commands| commands.len()), Ok(2), "{code}");
    }
    for code in others(&stated) {
        unsupported(&of(code), " BIA01");
    }
    assert_eq!(translate(&of("01"), &[("location.S1", "")]), Ok(Vec::new()), "of what is passed over nobody asks");
}

#[test]
fn an_advice_has_one_line_at_least() {
    let (head, rest) = ADVICE.split_once("LIN*1").unwrap();
    let trailer = &rest[rest.find("CTT").unwrap()..];
    let body = format!("{head}{trailer}").replace("SE*10", "SE*5").replace("CTT*2", "CTT*0");
    assert_eq!(malformed(&body), "ISA 000000007 GS 7 ST 0001 LIN");
}
