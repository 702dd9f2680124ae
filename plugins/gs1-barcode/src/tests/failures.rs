//! What is refused, and with which field, value and rule.

use super::*;

/// The kind of a failure, its field, value and rule.
fn told(failure: Failure) -> (&'static str, String, String, String) {
    let (kind, detail) = match failure {
        Failure::Malformed(detail) => ("malformed", detail),
        Failure::Unsupported(detail) => ("unsupported", detail),
        Failure::UnknownSku(detail) => ("unknown-sku", detail),
        Failure::Rejected(detail) => ("rejected", detail),
        Failure::Retry(detail) => ("retry", detail),
    };
    (kind, detail.field, detail.value, detail.rule)
}

/// The kind, field and value of what one scan is refused with.
fn refused(scan: &str, settings: &[(&str, &str)]) -> (&'static str, String, String) {
    let (kind, field, value, _) = told(counted(scan, settings).unwrap_err());
    (kind, field, value)
}

fn is(kind: &'static str, field: &str, value: &str) -> (&'static str, String, String) {
    (kind, field.to_owned(), value.to_owned())
}

#[test]
fn a_number_with_a_wrong_check_digit_is_named_with_the_right_one() {
    let (kind, field, value, rule) = told(counted("9520123456788\n9520123456789", &[]).unwrap_err());
    assert_eq!((kind, field.as_str(), value.as_str()), ("malformed", "line 2", "9520123456789"));
    assert_eq!(rule, "its check digit is wrong: it would be 8");
    let (_, field, _, rule) = told(counted("(01)09520123456789", &[]).unwrap_err());
    assert_eq!((field.as_str(), rule.as_str()), ("line 1 (01)", "its check digit is wrong"));
}

#[test]
fn an_article_that_nobody_knows_is_named_by_its_gtin() {
    let (kind, field, value, rule) = told(counted("9520123456788\n9520000000035", &[]).unwrap_err());
    assert_eq!((kind, field.as_str(), value.as_str()), ("unknown-sku", "line 2", "09520000000035"));
    assert!(rule.contains("the GTIN 09520000000035"), "{rule}");
}

#[test]
fn data_that_is_none_of_gs1_is_malformed() {
    for (scan, field, value) in [
        ("hello", "line 1", "hello"),
        ("]Q1hello", "line 1", "hello"),
        ("]E0952012345678", "line 1", "952012345678"),
        ("]C1", "line 1", ""),
        ("(01)09520123456788(17)271301", "line 1 (17)", "271301"),
        ("(01)09520123456788(10)A(10)B", "line 1 (10)", "B"),
        ("(01)09520123456788(37)4", "line 1 (01)", "09520123456788"),
        ("(02)09520123456788", "line 1 (37)", ""),
        ("https://a.example/p/09520123456788", "line 1", "https://a.example/p/09520123456788"),
        ("https://a.example/01/09520123456788?21=A", "line 1 (21)", "A"),
        ("(01)09520123456788(10)\u{20ac}", "line 1", "(01)09520123456788(10)\u{20ac}"),
    ] {
        assert_eq!(refused(scan, &[]), is("malformed", field, value), "{scan}");
    }
}

#[test]
fn a_label_of_no_article_is_unsupported() {
    for (scan, field, value) in [
        ("(00)000952000000000011", "line 1", "(00)000952000000000011"),
        ("(414)9520123456788", "line 1", "(414)9520123456788"),
        ("(8006)095201234567880102", "line 1 (8006)", "095201234567880102"),
        ("(03)09520123456788", "line 1 (03)", "09520123456788"),
        ("]A0952", "line 1", "]A0952"),
        ("0501234567890", "line 1", "00501234567890"),
    ] {
        assert_eq!(refused(scan, &[]), is("unsupported", field, value), "{scan}");
    }
}

#[test]
fn what_is_weighed_must_have_its_weight_in_whole_grams() {
    for scan in [
        "99520123456781",
        "(01)99520123456781(3205)000125",
        "(01)99520123456781(3105)012501",
        "(02)99520123456781(37)4(3103)000500",
    ] {
        let (kind, field, _) = refused(scan, &[]);
        assert_eq!((kind, field.as_str()), ("rejected", "line 1"), "{scan}");
    }
}

#[test]
fn a_number_for_use_within_a_store_is_refused_until_a_setting_says_what_it_means() {
    let number = "2001234002509";
    let (kind, field, value, rule) = told(counted(number, &[]).unwrap_err());
    assert_eq!((kind, field.as_str(), value.as_str()), ("rejected", "line 1", number));
    assert!(rule.contains("in-store.20"), "{rule}");
    assert_eq!(refused("20123451", &[]), is("rejected", "line 1", "20123451"));
    assert_eq!(refused(number, &[("in-store.20", "20999iiixxxxc")]), is("rejected", "line 1", number));
    assert_eq!(refused(number, &[("in-store.20", "20iiiiiyyyyyc")]).1, "in-store.20");
    assert_eq!(refused(number, &[("in-store.20", "20iiiiixxxxc")]).1, "in-store.20");
    let unknown = refused(number, &[("in-store.20", "20xxiiixxxxxc")]);
    assert_eq!(unknown, is("unknown-sku", "line 1", "234"));
}

#[test]
fn what_expired_is_received_unless_a_setting_refuses_it() {
    let lines = "(01)09520123456788(17)261127";
    assert_eq!(text("receive", lines, &[]).unwrap().len(), 1);
    let strict = [("expired", "refuse")];
    let (kind, field, value, _) = told(text("receive", lines, &strict).unwrap_err());
    assert_eq!((kind, field.as_str(), value.as_str()), ("rejected", "line 1 (17)", "261127"));
    assert_eq!(text("receive", "(01)09520123456788(17)261128", &strict).unwrap().len(), 1, "today is not too late");
    assert_eq!(text("return", lines, &strict).unwrap().len(), 1, "what comes back may have expired");
}

#[test]
fn identifiers_that_stand_alone_or_are_unknown_are_as_the_settings_say() {
    let alone = "(02)09520123456788(37)48";
    assert_eq!(counted(alone, &[]).unwrap(), of(&[("TEA", 48)]), "the SSCC is on another label");
    assert_eq!(refused(alone, &[("needed-identifiers", "check")]), is("malformed", "line 1 (37)", "48"));
    let unknown = "(01)09520123456788(89)X";
    assert_eq!(refused(unknown, &[]), is("malformed", "line 1", "89"));
    assert_eq!(counted(unknown, &[("unknown-identifiers", "pass-over")]).unwrap(), of(&[("TEA", 1)]));
}

#[test]
fn quantities_and_ids_that_make_no_sense_are_named() {
    let one = |quantity: &str, data: &str| {
        let body = format!(r#"{{"scans": [{{"data": "{data}", "quantity": {quantity}}}]}}"#);
        told(json("receive", &body, &[]).unwrap_err())
    };
    for (quantity, data, field, value) in [
        ("-1", "9520123456788", "scans[0].quantity", "-1"),
        ("1.5", "9520123456788", "scans[0].quantity", "1.5"),
        ("0", "9520123456788", "scans[0].data", "0"),
        ("2", "(01)09520123456788(21)A", "scans[0].data", "2"),
        ("1000000000", "(01)09520123456788(30)2", "scans[0].data", "2000000000"),
        ("1", "", "scans[0].data", ""),
    ] {
        let (kind, found, shown, _) = one(quantity, data);
        assert_eq!((kind, found.as_str(), shown.as_str()), ("malformed", field, value), "{quantity} {data}");
    }
    let long = "R".repeat(127);
    let body = format!(r#"{{"reference": "{long}", "scans": [{{"data": "9520123456788"}}]}}"#);
    assert_eq!(json("receive", &body, &[]).unwrap().len(), 1);
    let (kind, field, _, _) = told(json("write-off", &body, &[]).unwrap_err());
    assert_eq!((kind, field.as_str()), ("malformed", "reference"), "there is no room for the SKU");
    let (_, field, _, _) = told(json("receive", r#"{"reference": " x", "scans": []}"#, &[]).unwrap_err());
    assert_eq!(field, "reference");
}

#[test]
fn bodies_topics_and_settings_that_say_nothing_sensible_are_named() {
    for (failure, expected) in [
        (json("receive", "{}", &[]), ("malformed", "scans")),
        (json("receive", "[", &[]), ("malformed", "body")),
        (json("sell", r#"{"scans": []}"#, &[]), ("unsupported", "topic")),
        (json("x", r#"{"purpose": "sell", "scans": []}"#, &[]), ("unsupported", "purpose")),
        (json("x", r#"{"purpose": "burn", "scans": []}"#, &[]), ("rejected", "purpose")),
        (json("receive", DELIVERY, &[]), ("rejected", "location")),
        (text("receive", "", &[("purpose", "burn")]), ("rejected", "purpose")),
        (text("receive", "", &[("older-links", "maybe")]), ("rejected", "older-links")),
        (text("receive", "", &[("expired", "")]), ("rejected", "expired")),
        (text("receive", "(01)19520123456785", &[("units.19520123456785", "0")]), ("rejected", "units.19520123456785")),
        (text("receive", &"9520123456788\n".repeat(2_001), &[]), ("unsupported", "scans")),
    ] {
        let (kind, field, _, _) = told(failure.unwrap_err());
        assert_eq!((kind, field.as_str()), expected);
    }
    let message = testing::message("receive", "image/png", b"");
    let (kind, field, _, _) = told(Gs1Barcode::translate(&message, &context(&[]), &Shop).unwrap_err());
    assert_eq!((kind, field.as_str()), ("unsupported", "content-type"));
    let message = testing::message("receive", "text/plain", b"\xff");
    let (kind, field, _, _) = told(Gs1Barcode::translate(&message, &context(&[]), &Shop).unwrap_err());
    assert_eq!((kind, field.as_str()), ("malformed", "body"));
}
