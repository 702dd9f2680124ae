//! What is told, and that it is read again as what it was.

use tillmesh_plugin::outbound::{AvailabilityChanged, OrderCancelled, OrderFulfilled, ProductChanged};
use tillmesh_plugin::testing::RECEIVED;

use super::*;

fn level(sku: &str, available: i64) -> Event {
    Event::AvailabilityChanged(AvailabilityChanged {
        sku: sku.to_owned(),
        available,
        location: "store-1".to_owned(),
        as_of: RECEIVED,
        references: vec![],
    })
}

fn left(order: &str, goods: &[(&str, u64)]) -> Event {
    let line = |(sku, quantity): &(&str, u64)| StockLine { sku: (*sku).to_owned(), quantity: *quantity };
    Event::OrderFulfilled(OrderFulfilled {
        order: order.to_owned(),
        fulfilment: "P-1".to_owned(),
        lines: goods.iter().map(line).collect(),
        location: "store-1".to_owned(),
        fulfilled_at: RECEIVED + 1_500_000,
    })
}

fn rendered(events: &[Event], settings: &[(&str, &str)]) -> Option<String> {
    let messages = Epcis::render(events, &context(settings), &Known).unwrap();
    assert!(messages.len() <= 1, "one document for all");
    messages.into_iter().next().map(|message| String::from_utf8(message.body).unwrap())
}

#[test]
fn what_is_told_is_read_again_as_the_same_goods() {
    let settings = [HERE, ("own-gln", "5410000009906"), ("shipping", "fulfil")];
    let events = [level("TEA", 5), left("PO 4711/a", &[("COFFEE", 250), ("TEA", 3)]), level("COFFEE", -2)];
    let body = rendered(&events, &settings).unwrap();
    let commands = translate(&body, &settings).unwrap();
    let brief: Vec<_> = commands.iter().map(brief).collect();
    assert_eq!(brief, ["available 5 TEA", "fulfil PO 4711/a 250 COFFEE 3 TEA", "available 0 COFFEE"]);
    let Command::FulfilOrder(order) = &commands[1] else { panic!("{commands:?}") };
    assert_eq!((order.location.as_deref(), order.fulfilled_at), (Some("store-1"), RECEIVED + 1_500_000));
    let adjusted = told(&body, &[HERE]);
    assert_eq!(adjusted, ["available 5 TEA", "adjust -250 COFFEE", "adjust -3 TEA", "available 0 COFFEE"]);
}

#[test]
fn of_levels_of_one_time_the_last_one_is_told() {
    let body = rendered(&[level("TEA", 5), level("COFFEE", 1), level("TEA", 4)], &[HERE]).unwrap();
    assert_eq!(told(&body, &[HERE]), ["available 1 COFFEE", "available 4 TEA"]);
}

#[test]
fn an_event_has_its_hash_as_its_id_and_the_context_as_text() {
    let body = rendered(&[level("TEA", 5)], &[HERE]).unwrap();
    let json = document::json(body.as_bytes()).unwrap();
    assert_eq!(json["@context"], json!(["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]));
    assert_eq!((&json["type"], &json["creationDate"]), (&json!("EPCISDocument"), &json!("2026-11-28T09:30:00Z")));
    let found = document::events(&json).unwrap().remove(0);
    let event = event::Event::read(found).unwrap();
    assert_eq!(event.found.fields.map["eventID"], event.hash());
    assert_eq!(event.found.fields.map["quantityList"][0]["epcClass"], "https://id.gs1.org/01/05410000000019");
    assert_eq!(event.found.fields.map["bizLocation"]["id"], "https://id.gs1.org/414/5410000009906");
    let text = hash::text(event.found.fields.map, &event.found.namespaces, &[]);
    let expected = "eventType=ObjectEventeventTime=2026-11-28T09:30:00.000ZeventTimeZoneOffset=+00:00\
        quantityListquantityElementepcClass=https://id.gs1.org/01/05410000000019quantity=5action=OBSERVE\
        bizStep=https://ref.gs1.org/cbv/BizStep-stock_takingdisposition=https://ref.gs1.org/cbv/Disp-available\
        bizLocationid=https://id.gs1.org/414/5410000009906";
    assert_eq!(text, expected);
}

#[test]
fn what_has_no_gtin_is_no_level_and_no_shipment() {
    assert_eq!(rendered(&[level("VASE", 5)], &[]), None);
    let refused = Epcis::render(&[left("1", &[("TEA", 1), ("VASE", 1)])], &context(&[]), &Known);
    assert!(matches!(refused, Err(Failure::Rejected(it)) if it.field == "sku" && it.value == "VASE"));
}

#[test]
fn orders_that_are_cancelled_and_products_are_no_events_of_goods() {
    let cancelled = OrderCancelled { order: "1".to_owned(), cancelled_at: RECEIVED, reason: None };
    let changed = ProductChanged { product: product("TEA"), effective_at: RECEIVED };
    assert_eq!(rendered(&[Event::OrderCancelled(cancelled), Event::ProductChanged(changed)], &[]), None);
}

#[test]
fn an_order_without_a_number_that_others_know_is_not_named() {
    let named = |order: &str, settings: &[(&str, &str)]| {
        let body: Value = serde_json::from_str(&rendered(&[left(order, &[("TEA", 1)])], settings).unwrap()).unwrap();
        body["epcisBody"]["eventList"][0]["bizTransactionList"][0]["bizTransaction"].as_str().map(str::to_owned)
    };
    assert_eq!(named("4711", &[]), None);
    assert_eq!(named("https://example.com/orders/1", &[]).as_deref(), Some("https://example.com/orders/1"));
    let own = [("own-gln", "5410000009906")];
    assert_eq!(named("a/1", &own).as_deref(), Some("urn:epcglobal:cbv:bt:5410000009906:a%2F1"));
}
