//! Several counts of one article at one location, in one message.

use super::*;

/// A message with a count of tea for each room, time and number.
fn counted(disposition: &str, rooms: &[(&str, &str, u64)]) -> String {
    let event = |(room, time, number): &(&str, &str, u64)| {
        let class = json!({ "epcClass": "urn:epc:idpat:sgtin:5410000.000001.*", "quantity": number });
        let fields = json!({
            "bizStep": "stock_taking",
            "disposition": disposition,
            "eventTime": format!("2026-11-28T{time}:00Z"),
            "bizLocation": { "id": room },
            "quantityList": [class],
        });
        serde_json::from_str::<Value>(&event(fields)).unwrap()
    };
    let mut document = serde_json::from_str::<Value>(DAY).unwrap();
    document["epcisBody"]["eventList"] = rooms.iter().map(event).collect();
    document.to_string()
}

const ROOM_1: &str = "urn:epc:id:sgln:5410000.00990.room-1";
const ROOM_2: &str = "urn:epc:id:sgln:5410000.00990.room-2";

#[test]
fn rooms_of_one_location_that_are_counted_at_one_time_add_up() {
    let rooms = [(ROOM_1, "09:30", 10), (ROOM_2, "09:30", 5)];
    assert_eq!(told(&counted("sellable_accessible", &rooms), &[HERE]), ["count 15 TEA", "count 15 TEA"]);
    assert_eq!(told(&counted("available", &rooms), &[HERE]), ["available 15 TEA", "available 15 TEA"]);
    assert_eq!(told(include_str!("../../fixtures/rooms.json"), &[HERE]), ["count 15 TEA", "count 15 TEA"]);
    let apart = [(&*format!("location.{ROOM_1}"), "store-1"), (&*format!("location.{ROOM_2}"), "store-2")];
    assert_eq!(told(&counted("sellable_accessible", &rooms), &apart), ["count 10 TEA", "count 5 TEA"]);
    // What one of them came with before does not make the other one less.
    let state = &mut State::new();
    remembering(&counted("sellable_accessible", &rooms[..1]), &[HERE], state).unwrap();
    let later = remembering(&counted("sellable_accessible", &rooms), &[HERE], state).unwrap();
    assert_eq!(later.iter().map(brief).collect::<Vec<_>>(), ["count 15 TEA"]);
}

#[test]
fn a_place_that_is_counted_again_later_has_what_was_counted_last() {
    let again = [(ROOM_1, "09:30", 10), ("https://id.gs1.org/414/5410000009906/254/room-1", "10:30", 8)];
    assert_eq!(told(&counted("sellable_accessible", &again), &[HERE]), ["count 10 TEA", "count 8 TEA"]);
    let twice = [(ROOM_1, "09:30", 10), (ROOM_1, "09:30", 10)];
    assert_eq!(told(&counted("sellable_accessible", &twice), &[HERE]), ["count 10 TEA"]);
}

#[test]
fn counts_of_which_one_would_be_lost_are_refused() {
    for other in [(ROOM_2, "10:30", 5), (ROOM_1, "09:30", 5)] {
        let refused = translate(&counted("sellable_accessible", &[(ROOM_1, "09:30", 10), other]), &[HERE]);
        assert!(
            matches!(&refused, Err(Failure::Rejected(it))
                if it.field == "epcisBody.eventList[1].bizStep" && it.value == "TEA"),
            "{refused:?}"
        );
    }
}
