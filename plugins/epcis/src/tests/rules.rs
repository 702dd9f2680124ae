//! What breaks a rule of the standard is refused whole, with its place.

use super::*;

fn refused(body: &str) -> String {
    match translate(body, &[HERE, GRAMS]) {
        Err(Failure::Malformed(detail)) => detail.field,
        other => panic!("{body}: {other:?}"),
    }
}

/// An event with one field otherwise.
fn with(key: &str, value: Value) -> String {
    of_tea(json!({ "bizStep": "receiving", key: value }))
}

#[test]
fn an_event_that_breaks_a_rule_is_refused_with_its_field() {
    for (key, value, field) in [
        ("action", json!("CREATE"), "action"),
        ("action", json!(null), "action"),
        ("eventTime", json!("2026-11-28T09:30:00"), "eventTime"),
        ("eventTime", json!(7), "eventTime"),
        ("eventTimeZoneOffset", json!("+15:00"), "eventTimeZoneOffset"),
        ("eventTimeZoneOffset", json!("Z"), "eventTimeZoneOffset"),
        ("eventTimeZoneOffset", json!("++1:00"), "eventTimeZoneOffset"),
        ("eventTimeZoneOffset", json!("+01:+1"), "eventTimeZoneOffset"),
        ("recordTime", json!("now"), "recordTime"),
        ("recordTime", json!("2026-11-28T09:30:00+00:00[UTC]"), "recordTime"),
        ("recordTime", json!("2026-11-28 09:30:00Z"), "recordTime"),
        ("recordTime", json!("+002026-11-28T09:30:00Z"), "recordTime"),
        ("recordTime", json!("2026-11-28T09:30:00+01"), "recordTime"),
        ("recordTime", json!("2026-11-28T09:30:00.Z"), "recordTime"),
        ("eventID", json!("7"), "eventID"),
        ("bizStep", json!("transforming"), "bizStep"),
        ("bizStep", json!("https://ref.gs1.org/cbv/BizStep-transforming"), "bizStep"),
        ("disposition", json!("in_transport"), "disposition"),
        ("persistentDisposition", json!({ "set": ["lost"] }), "persistentDisposition.set[0]"),
        ("epcList", json!(["TEA"]), "epcList[0]"),
        ("epcList", json!("urn:epc:id:sgtin:5410000.000001.1"), "epcList"),
        ("epcList", json!([]), "epcList"),
        ("quantityList", json!([{ "epcClass": "urn:x:y", "quantity": "twenty" }]), "quantityList[0].quantity"),
        ("quantityList", json!([{ "epcClass": "urn:x:y", "quantity": -1 }]), "quantityList[0].quantity"),
        ("quantityList", json!([{ "epcClass": "urn:x:y", "weight": 5 }]), "quantityList[0].weight"),
        ("quantityList", json!([{ "epcClass": "urn:x:y", "quantity": 1, "uom": "kilos" }]), "quantityList[0].uom"),
        ("quantityList", json!([{ "quantity": 1 }]), "quantityList[0].epcClass"),
        ("readPoint", json!({ "name": "door" }), "readPoint.id"),
        ("bizLocation", json!("door"), "bizLocation"),
        ("bizTransactionList", json!([{ "type": "po" }]), "bizTransactionList[0].bizTransaction"),
        ("bizTransactionList", json!([{ "type": "x", "bizTransaction": "urn:x:y" }]), "bizTransactionList[0].type"),
        ("sourceList", json!([{ "source": "urn:x:y" }]), "sourceList[0].type"),
        ("destinationList", json!([{ "type": "owner", "destination": "urn:x:y" }]), "destinationList[0].type"),
        ("certificationInfo", json!([{ "agency": "x" }]), "certificationInfo[0]"),
        ("sensorElementList", json!([{}]), "sensorElementList[0].sensorReport"),
        ("sensorElementList", json!([{ "sensorReport": [{ "value": "1" }] }]), SENSED),
        ("errorDeclaration", json!({ "reason": "incorrect_data" }), "errorDeclaration.declarationTime"),
        ("errorDeclaration", json!({ "declarationTime": "2026-11-28T09:30:00Z", "reason": "x" }), DECLARED),
        ("colour", json!("red"), "colour"),
        ("type", json!("ObservationEvent"), "type"),
    ] {
        assert_eq!(refused(&with(key, value.clone())), field, "{key}: {value}");
    }
}

#[test]
fn a_key_that_breaks_its_syntax_is_refused_in_an_event_that_moves_nothing_too() {
    for (key, value, field) in [
        ("epcList", json!(["urn:epc:id:sgtin:bad"]), "epcList[0]"),
        ("epcList", json!(["urn:epc:id:sscc:5410000.1000000001", "urn:epc:id:sscc:5410000.1"]), "epcList[1]"),
        ("epcList", json!(["https://id.gs1.org/01/05410000000018/21/1"]), "epcList[0]"),
        ("epcList", json!(["urn:epc:class:lgtin:5410000.000001.L1"]), "epcList[0]"),
        ("epcList", json!(["https://id.gs1.org/01/05410000000019/10/L1"]), "epcList[0]"),
        ("epcList", json!(["https://id.gs1.org/00/354100000000000018"]), "epcList[0]"),
        ("quantityList", json!([{ "epcClass": "urn:epc:class:lgtin:5410000.1.L" }]), "quantityList[0].epcClass"),
        ("parentID", json!("urn:epc:id:sscc:1"), "parentID"),
        ("readPoint", json!({ "id": "https://id.gs1.org/414/5410000009907" }), "readPoint.id"),
        ("bizLocation", json!({ "id": "urn:epc:id:sgln:5410000.1.0" }), "bizLocation.id"),
    ] {
        assert_eq!(refused(&of_tea(json!({ "bizStep": "inspecting", key: value }))), field, "{value}");
    }
    // Numbers that are none of GS1's, and dates in the path of a page, are somebody's own.
    for thing in ["urn:epc:id:bic:CSQU3054383", "urn:epc:id:gid:1.2.3", "https://example.com/2026/01/28112/7"] {
        assert_eq!(told(&event(json!({ "bizStep": "inspecting", "epcList": [thing] })), &[]).concat(), "", "{thing}");
    }
    let container = json!({ "bizStep": "receiving", "epcList": ["urn:epc:id:bic:CSQU3054383"] });
    assert_eq!(told(&event(container), &[]).concat(), "");
}

const SENSED: &str = "sensorElementList[0].sensorReport[0].value";
const DECLARED: &str = "errorDeclaration.reason";

#[test]
fn each_type_of_event_names_what_it_must() {
    let held = json!(["urn:epc:id:sgtin:5410000.000001.1"]);
    for (fields, field) in [
        (json!({}), "epcList"),
        (json!({ "type": "AggregationEvent", "action": "ADD", "childEPCs": held }), "parentID"),
        (json!({ "type": "AggregationEvent", "action": "ADD", "parentID": "urn:x:y" }), "childEPCs"),
        (json!({ "type": "AssociationEvent", "childEPCs": held }), "parentID"),
        (json!({ "type": "AssociationEvent", "parentID": "urn:x:y" }), "childEPCs"),
        (json!({ "type": "TransactionEvent", "epcList": held }), "bizTransactionList"),
        (json!({ "type": "TransactionEvent", "bizTransactionList": [{ "bizTransaction": "urn:x:y" }] }), "epcList"),
        (json!({ "type": "TransformationEvent" }), "action"),
        (json!({ "type": "TransformationEvent", "action": null, "outputEPCList": held }), "inputEPCList"),
        (json!({ "type": "TransformationEvent", "action": null, "inputEPCList": held }), "outputEPCList"),
    ] {
        assert_eq!(refused(&event(fields.clone())), field, "{fields}");
    }
}

#[test]
fn a_document_has_what_documents_must_have() {
    let document: Value = serde_json::from_str(RECEIPT).unwrap();
    for key in ["@context", "type", "schemaVersion", "creationDate", "epcisBody"] {
        let mut without = document.clone();
        without.as_object_mut().unwrap().remove(key);
        assert_eq!(refused(&without.to_string()), key);
    }
    let mut empty = document.clone();
    empty["epcisBody"] = json!({});
    assert_eq!(refused(&empty.to_string()), "epcisBody.eventList");
    empty["epcisBody"] = json!({ "eventList": [] });
    assert_eq!(translate(&empty.to_string(), &[]).unwrap(), []);
    let mut wrong = document;
    wrong["epcisBody"]["eventList"][1]["action"] = "OPEN".into();
    assert_eq!(refused(&wrong.to_string()), "epcisBody.eventList[1].action", "nothing of it is taken");
    for body in ["", "[]", "7", "{", "\u{feff}{}"] {
        assert_eq!(refused(body), "body", "{body}");
    }
}

#[test]
fn what_is_another_thing_is_not_handled() {
    let unsupported = |body: &str| match translate(body, &[]) {
        Err(Failure::Unsupported(detail)) => detail.field,
        other => panic!("{body}: {other:?}"),
    };
    assert_eq!(unsupported("<epcis:EPCISDocument/>"), "body");
    assert_eq!(unsupported(r#"{ "@context": "x", "eventType": ["ObjectEvent"], "EQ_action": ["ADD"] }"#), "eventType");
    assert_eq!(unsupported(&with("type", json!("example:PriceEvent"))), "type");
    assert_eq!(unsupported(&RECEIPT.replace("\"2.0\"", "\"1.2\"")), "schemaVersion");
}
