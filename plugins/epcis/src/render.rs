//! What happens here as an EPCIS document: goods that left for an order, and how much of something can be sold.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tillmesh_plugin::outbound::{AvailabilityChanged, Event, OrderFulfilled, OutboundMessage};
use tillmesh_plugin::{Catalogue, Context, Failure, failure, log};

use crate::link::{ROOT, is_checked, is_digits};
use crate::namespace::Namespaces;
use crate::{hash, order, place};

/// The standard context, as text: nobody here fetches it.
pub(crate) const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld";
/// JSON-LD's media type, which the standard names for EPCIS.
pub(crate) const CONTENT_TYPE: &str = "application/ld+json";

/// One document for all events that mean something to goods; none, where none does.
///
/// # Errors
/// `rejected` where goods left that have no GTIN: without one nobody else knows what they are.
pub(crate) fn messages(
    events: &[Event],
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<OutboundMessage>, Failure> {
    let mut rendered = Vec::new();
    let mut latest = i64::MIN;
    for (number, event) in events.iter().enumerate() {
        let (fields, at) = match event {
            Event::AvailabilityChanged(level) if is_said_anew(level, &events[number + 1..]) => continue,
            Event::AvailabilityChanged(level) => (stocked(level, context, catalogue), level.as_of),
            Event::OrderFulfilled(left) => (Some(shipped(left, context, catalogue)?), left.fulfilled_at),
            Event::OrderCancelled(_) | Event::ProductChanged(_) => continue,
        };
        let Some(fields) = fields else { continue };
        rendered.push(identified(fields, at));
        latest = latest.max(at);
    }
    if rendered.is_empty() {
        return Ok(Vec::new());
    }
    let document = json!({
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": time(latest),
        "epcisBody": { "eventList": rendered },
    });
    Ok(vec![OutboundMessage {
        topic: "EPCISDocument".to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        ordering_key: None,
        body: document.to_string().into_bytes(),
    }])
}

/// An event with what every event has, and its hash as its id.
fn identified(mut fields: Map<String, Value>, at: i64) -> Map<String, Value> {
    let common = [
        ("type", "ObjectEvent".into()),
        ("action", "OBSERVE".into()),
        ("eventTime", time(at)),
        ("eventTimeZoneOffset", "+00:00".into()),
    ];
    fields.extend(common.map(|(key, value): (_, Value)| (key.to_owned(), value)));
    let id = hash::id(&fields, &Namespaces::default(), &[]);
    fields.insert("eventID".to_owned(), id.into());
    fields
}

/// Whether a later event states a level of the same time: of two nobody could tell which one holds.
fn is_said_anew(level: &AvailabilityChanged, later: &[Event]) -> bool {
    let is_same = |event: &Event| match event {
        Event::AvailabilityChanged(it) => {
            (it.as_of, &it.sku, &it.location) == (level.as_of, &level.sku, &level.location)
        }
        _ => false,
    };
    later.iter().any(is_same)
}

/// How much can be sold of something that has a GTIN. Less than nothing cannot be stated.
fn stocked(level: &AvailabilityChanged, context: &Context, catalogue: &dyn Catalogue) -> Option<Map<String, Value>> {
    let Some(class) = class(&level.sku, catalogue) else {
        log::info(&format!("{} has no GTIN: EPCIS has no name for it", level.sku));
        return None;
    };
    let mut fields = Map::new();
    let quantity = json!({ "epcClass": class, "quantity": level.available.max(0) });
    fields.insert("bizStep".to_owned(), "stock_taking".into());
    fields.insert("disposition".to_owned(), "available".into());
    fields.insert("quantityList".to_owned(), json!([quantity]));
    if let Some(uri) = place::uri(&level.location, context) {
        fields.insert("bizLocation".to_owned(), json!({ "id": uri }));
    }
    Some(fields)
}

fn shipped(left: &OrderFulfilled, context: &Context, catalogue: &dyn Catalogue) -> Result<Map<String, Value>, Failure> {
    let quantity = |line: &tillmesh_plugin::StockLine| {
        let rule = "it has no GTIN, and EPCIS has no other name for it";
        let class = class(&line.sku, catalogue).ok_or_else(|| failure::rejected("sku", &line.sku, rule))?;
        Ok(json!({ "epcClass": class, "quantity": line.quantity }))
    };
    let quantities = left.lines.iter().map(quantity).collect::<Result<Vec<_>, Failure>>()?;
    let mut fields = Map::new();
    fields.insert("bizStep".to_owned(), "shipping".into());
    fields.insert("disposition".to_owned(), "in_transit".into());
    fields.insert("quantityList".to_owned(), quantities.into());
    if let Some(uri) = place::uri(&left.location, context) {
        fields.insert("readPoint".to_owned(), json!({ "id": uri }));
    }
    if let Some(uri) = order::uri(&left.order, context) {
        fields.insert("bizTransactionList".to_owned(), json!([{ "type": "po", "bizTransaction": uri }]));
    }
    Ok(fields)
}

/// The class of an article: the Digital Link of its GTIN.
fn class(sku: &str, catalogue: &dyn Catalogue) -> Option<String> {
    let gtin = catalogue.by_sku(sku)?.gtin?;
    let is_one = matches!(gtin.len(), 8 | 12 | 13 | 14) && is_digits(&gtin) && is_checked(&gtin);
    is_one.then(|| format!("{ROOT}/01/{gtin:0>14}"))
}

/// A moment in UTC. The node has times from 1970 to 9999 only.
fn time(micros: i64) -> Value {
    Timestamp::from_microsecond(micros).unwrap_or_default().to_string().into()
}
