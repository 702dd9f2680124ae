//! The same event again, and events that were declared wrong.

use super::*;

const ID: &str = "urn:uuid:0b0cbd3c-6d2a-4a5c-9a1c-3f2f0f3c1d01";

/// An event about tea with an id, and the same declared wrong.
fn pair(mut fields: Value) -> [String; 2] {
    fields["eventID"] = ID.into();
    let right = of_tea(fields.clone());
    fields["errorDeclaration"] =
        json!({ "declarationTime": "2026-11-28T10:00:00Z", "reason": "urn:epcglobal:cbv:er:did_not_occur" });
    [right, of_tea(fields)]
}

fn both(bodies: &[String; 2], state: &mut State) -> Vec<String> {
    let commands = bodies.iter().flat_map(|body| remembering(body, &[], state).unwrap());
    commands.map(|command| brief(&command)).collect()
}

#[test]
fn an_event_counts_once_whatever_message_brings_it() {
    let state = &mut State::new();
    assert_eq!(remembering(RECEIPT, &[HERE, GRAMS], state).unwrap().len(), 1);
    let alone = serde_json::from_str::<Value>(RECEIPT).unwrap();
    let mut alone = alone["epcisBody"]["eventList"][0].clone();
    alone["@context"] = json!({ "example": "https://shop.example.com/epcis/" });
    assert_eq!(remembering(&alone.to_string(), &[HERE, GRAMS], state).unwrap(), [], "a receipt is remembered");
    // Sales, returns and adjustments have the same reference, under which a node takes them once.
    let sold = json!({ "bizStep": "retail_selling", "readPoint": { "id": "urn:epc:id:sgln:5410000.00990.0" } });
    let first = translate(&of_tea(sold), &[HERE]).unwrap();
    let again = of_tea(json!({
        "bizStep": "urn:epcglobal:cbv:bizstep:retail_selling",
        "eventTime": "2026-11-28T10:30:00.000+01:00",
        "epcList": ["https://tea.example.com/gtin/5410000000019/ser/101?lang=en"],
        "readPoint": { "id": "https://id.gs1.org/414/5410000009906" },
        "recordTime": "2026-11-28T12:00:00Z",
    }));
    assert_eq!(translate(&again, &[HERE]).unwrap(), first, "one event in two forms");
}

#[test]
fn an_event_that_a_message_brings_twice_counts_once_and_two_under_one_id_are_refused() {
    let document = |events: &[&Value]| {
        let mut document = serde_json::from_str::<Value>(DAY).unwrap();
        document["epcisBody"]["eventList"] = json!(events);
        document.to_string()
    };
    let [right, wrong] =
        pair(json!({ "bizStep": "destroying" })).map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(told(&document(&[&right, &right]), &[]), ["adjust -1 TEA"]);
    let all = document(&[&wrong, &right, &wrong, &right]);
    assert_eq!(told(&all, &[]), ["adjust -1 TEA", "adjust 1 TEA"], "and is undone once");
    let mut other = right.clone();
    other["epcList"] = json!(["urn:epc:id:sgtin:5410000.000001.102"]);
    let refused = translate(&document(&[&right, &other]), &[]);
    assert!(matches!(refused, Err(Failure::Rejected(it)) if it.field == "epcisBody.eventList[1].eventID"));
}

#[test]
fn what_was_declared_wrong_is_undone() {
    for (fields, expected) in [
        (json!({ "bizStep": "receiving" }), vec!["receive 1 TEA", "adjust -1 TEA"]),
        // Of these a node knows by their reference that it has them already: they come again, and once.
        (json!({ "bizStep": "retail_selling" }), vec!["sale 1 TEA", "sale 1 TEA", "return ID 1 TEA"]),
        (json!({ "bizStep": "destroying" }), vec!["adjust -1 TEA", "adjust -1 TEA", "adjust 1 TEA"]),
        (
            json!({ "bizStep": "receiving", "disposition": "returned" }),
            vec!["return - 1 TEA", "return - 1 TEA", "adjust -1 TEA"],
        ),
        // What was there before a count nobody knows.
        (json!({ "bizStep": "cycle_counting" }), vec!["count 1 TEA"]),
        (json!({ "bizStep": "inspecting" }), vec![]),
    ] {
        let done = both(&pair(fields.clone()), &mut State::new());
        assert_eq!(done, expected.iter().map(|it| it.replace("ID", ID)).collect::<Vec<_>>(), "{fields}");
    }
}

#[test]
fn what_undoes_has_a_reference_a_time_and_a_reason_of_its_own() {
    let state = &mut State::new();
    let [right, wrong] = pair(json!({ "bizStep": "receiving" }));
    remembering(&right, &[], state).unwrap();
    let undone = remembering(&wrong, &[], state).unwrap();
    let [Command::AdjustStock(AdjustStock { reference, change, reason, adjusted_at, .. })] = undone.as_slice() else {
        panic!("{undone:?}")
    };
    assert_eq!((reference.as_str(), *change), (&*format!("undo/{ID}"), -1));
    assert_eq!((reason.as_deref(), *adjusted_at), (Some("did_not_occur"), testing::RECEIVED + 1_800_000_000));
    assert_eq!(remembering(&wrong, &[], state).unwrap(), [], "a receipt is undone once");
    let [_, wrong] = pair(json!({ "bizStep": "destroying" }));
    let undone = remembering(&wrong, &[], state).unwrap();
    assert_eq!(remembering(&wrong, &[], state).unwrap(), undone, "again under the same reference: it counts once");
    let long = of_tea(json!({ "eventID": format!("urn:x:{}", "a".repeat(200)), "bizStep": "destroying",
        "errorDeclaration": { "declarationTime": "2026-11-28T10:00:00Z" } }));
    let references = translate(&long, &[]).unwrap().into_iter().map(|command| match command {
        Command::AdjustStock(it) => it.reference,
        other => panic!("{other:?}"),
    });
    assert!(references.into_iter().all(|it| it.len() <= 128 && it.contains("ni:///sha-256;")));
}

#[test]
fn a_reason_of_ones_own_is_as_long_as_a_node_takes_one() {
    let reason = format!("https://example.com/{}", "a".repeat(300));
    let wrong = of_tea(json!({ "eventID": ID, "bizStep": "destroying",
        "errorDeclaration": { "declarationTime": "2026-11-28T10:00:00Z", "reason": reason } }));
    let undone = translate(&wrong, &[]).unwrap();
    assert!(matches!(&undone[1], Command::AdjustStock(it)
        if it.reason.as_ref().is_some_and(|short| short.len() <= 255 && reason.starts_with(short))));
}

#[test]
fn what_was_declared_wrong_before_it_came_leaves_stock_as_it_was() {
    for (fields, expected) in [
        (json!({ "bizStep": "receiving" }), vec![]),
        (json!({ "bizStep": "destroying" }), vec!["adjust -1 TEA", "adjust 1 TEA", "adjust -1 TEA"]),
    ] {
        let [right, wrong] = pair(fields.clone());
        let done = both(&[wrong, right], &mut State::new());
        assert_eq!(done, expected, "{fields}: the last one has the reference of the first, and counts once");
    }
    let [_, wrong] = pair(json!({ "bizStep": "receiving" }));
    assert_eq!(both(&[wrong.clone(), wrong], &mut State::new()), Vec::<String>::new(), "however often it is said");
}

#[test]
fn an_order_that_did_not_leave_comes_back() {
    let transactions = json!([{ "type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:5410000009913:PO-1" }]);
    let [_, wrong] = pair(json!({ "bizStep": "shipping", "bizTransactionList": transactions }));
    let commands = translate(&wrong, &[("shipping", "fulfil")]).unwrap();
    let [Command::FulfilOrder(_), Command::RecordReturn(RecordReturn { order, lines, .. })] = commands.as_slice()
    else {
        panic!("{commands:?}")
    };
    assert_eq!((order.as_deref(), lines.len()), (Some("PO-1"), 1));
    let nameless = of_tea(json!({ "bizStep": "shipping" }));
    let refused = translate(&nameless, &[("shipping", "fulfil")]);
    assert!(matches!(refused, Err(Failure::Malformed(it)) if it.field == "bizTransactionList"));
}
