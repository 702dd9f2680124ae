//! The hash that identifies an event wherever it is read: the EPCIS event hash of the Core Business Vocabulary 2.0.
//!
//! An event becomes one text, with its fields in a fixed order, its lists sorted, its times in UTC and its keys as
//! Digital Links; the SHA-256 of that text is the id. Where the text of the standard leaves something open, or says
//! another thing than its reference implementation does, ids are those of the reference: they are what others have.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::link::Link;
use crate::namespace::Namespaces;
use crate::tree::{self, Node};
use crate::{urn, vocabulary};

/// A field with the fields below it, in the order of the hash.
struct Field(&'static str, &'static [Field]);

const EPC: &[Field] = &[Field("epc", &[])];
const QUANTITY: &[Field] =
    &[Field("quantityElement", &[Field("epcClass", &[]), Field("quantity", &[]), Field("uom", &[])])];
const ID: &[Field] = &[Field("id", &[])];

const ORDER: &[Field] = &[
    Field("eventTime", &[]),
    Field("eventTimeZoneOffset", &[]),
    Field("certificationInfo", &[]),
    Field("parentID", &[]),
    Field("epcList", EPC),
    Field("inputEPCList", EPC),
    Field("childEPCs", EPC),
    Field("quantityList", QUANTITY),
    Field("childQuantityList", QUANTITY),
    Field("inputQuantityList", QUANTITY),
    Field("outputEPCList", EPC),
    Field("outputQuantityList", QUANTITY),
    Field("action", &[]),
    Field("transformationID", &[]),
    Field("bizStep", &[]),
    Field("disposition", &[]),
    Field("persistentDisposition", &[Field("set", &[]), Field("unset", &[])]),
    Field("readPoint", ID),
    Field("bizLocation", ID),
    // Lists of transactions, sources and destinations come with the extensions.
    Field(
        "sensorElementList",
        &[Field("sensorElement", &[Field("sensorMetadata", SENSOR), Field("sensorReport", REPORT)])],
    ),
];

const SENSOR: &[Field] = &[
    Field("time", &[]),
    Field("startTime", &[]),
    Field("endTime", &[]),
    Field("deviceID", &[]),
    Field("deviceMetadata", &[]),
    Field("rawData", &[]),
    Field("dataProcessingMethod", &[]),
    Field("bizRules", &[]),
];

const REPORT: &[Field] = &[
    Field("type", &[]),
    Field("exception", &[]),
    Field("deviceID", &[]),
    Field("deviceMetadata", &[]),
    Field("rawData", &[]),
    Field("dataProcessingMethod", &[]),
    Field("time", &[]),
    Field("microorganism", &[]),
    Field("chemicalSubstance", &[]),
    Field("value", &[]),
    Field("component", &[]),
    Field("stringValue", &[]),
    Field("booleanValue", &[]),
    Field("hexBinaryValue", &[]),
    Field("uriValue", &[]),
    Field("minValue", &[]),
    Field("maxValue", &[]),
    Field("meanValue", &[]),
    Field("sDev", &[]),
    Field("percRank", &[]),
    Field("percValue", &[]),
    Field("uom", &[]),
    Field("coordinateReferenceSystem", &[]),
];

/// What differs between two records of one event.
const NOT_HASHED: [&str; 4] = ["recordTime", "eventID", "type", "errorDeclaration"];

/// The id of an event, `ni:///sha-256;<64 digits>?ver=CBV2.0`.
pub(crate) fn id(event: &Map<String, Value>, namespaces: &Namespaces, ignored: &[String]) -> String {
    let mut id = "ni:///sha-256;".to_owned();
    for byte in Sha256::digest(text(event, namespaces, ignored)) {
        let _ = write!(id, "{byte:02x}");
    }
    id + "?ver=CBV2.0"
}

/// What is hashed.
pub(crate) fn text(event: &Map<String, Value>, namespaces: &Namespaces, ignored: &[String]) -> String {
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut fields = tree::of(event, namespaces, ignored);
    let ordered = in_order(&mut fields, ORDER);
    fields.retain(|field| !NOT_HASHED.contains(&&*field.name));
    format!("eventType={kind}{ordered}{}", sorted(&fields))
}

/// The fields that have their place, which are taken out as far as nothing is left below them.
fn in_order(fields: &mut Vec<Node<'_>>, order: &[Field]) -> String {
    let mut text = String::new();
    for Field(name, below) in order {
        let named = fields.iter_mut().filter(|field| field.name == *name);
        let mut values: Vec<_> = named.map(|field| value(field, below)).collect();
        fields.retain(|field| field.name != *name || !field.children.is_empty());
        values.sort_unstable();
        values.iter().for_each(|value| text.push_str(value));
    }
    text
}

fn value(field: &mut Node<'_>, order: &[Field]) -> String {
    let below = if order.is_empty() { String::new() } else { in_element(&mut field.children, order) };
    match field.value.trim() {
        "" if below.is_empty() => below,
        "" => [&*field.name, &below].concat(),
        text if is_time(&field.name) => [&*field.name, "=", &in_utc(text), &below].concat(),
        text => [&*field.name, "=", &canonical(text), &below].concat(),
    }
}

/// What stands below a field: its own fields, then the extensions.
fn in_element(fields: &mut Vec<Node<'_>>, order: &[Field]) -> String {
    let mut extensions = Vec::new();
    // An element that is nothing but an extension is no element of the standard.
    if fields.len() > 1 {
        let (taken, left) = std::mem::take(fields).into_iter().partition(|field| is_extension(&field.name));
        (extensions, *fields) = (taken, left);
    }
    in_order(fields, order) + &sorted(&extensions)
}

fn is_extension(name: &str) -> bool {
    name.starts_with('{') && name.contains("/}")
}

/// Fields without a place of their own, by their texts; of a pair, the type before the value.
fn sorted(fields: &[Node<'_>]) -> String {
    let text = |field: &Node<'_>| match field.value.trim() {
        "" => [&*field.name, &sorted(&field.children)].concat(),
        text => [&*field.name, "=", &canonical(text), &sorted(&field.children)].concat(),
    };
    let mut texts: Vec<_> = fields.iter().map(text).collect();
    if !fields.iter().any(|field| matches!(&*field.name, "bizTransaction" | "source" | "destination")) {
        texts.sort_unstable();
    }
    texts.concat()
}

fn is_time(name: &str) -> bool {
    matches!(name, "eventTime" | "time" | "startTime" | "endTime")
}

/// A time in UTC to the millisecond, rounded by its fourth decimal. One that is none stays as it is.
fn in_utc(text: &str) -> String {
    const HALF: i128 = 500_000;
    const MILLISECOND: i128 = 1_000_000;
    let rounded = text.parse::<Timestamp>().ok().and_then(|time| {
        let millis = (time.as_nanosecond() + HALF).div_euclid(MILLISECOND);
        Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
    });
    let Some(time) = rounded else { return text.to_owned() };
    let at = Offset::UTC.to_datetime(time);
    let (date, clock) = ((at.year(), at.month(), at.day()), (at.hour(), at.minute(), at.second()));
    let day = format!("{:04}-{:02}-{:02}", date.0, date.1, date.2);
    format!("{day}T{:02}:{:02}:{:02}.{:03}Z", clock.0, clock.1, clock.2, at.millisecond())
}

/// A value in its one form: standard words as web URIs, numbers without zeros that say nothing, keys as Digital Links.
fn canonical(text: &str) -> Cow<'_, str> {
    let other = vocabulary::web_uri(text)
        .or_else(|| number(text))
        .or_else(|| urn::link(text))
        .or_else(|| Link::of(text)?.canonical());
    other.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A number as the reference writes it: exactly where it is whole, otherwise with the fewest digits that mean it.
fn number(text: &str) -> Option<String> {
    /// Below this, digits come with an exponent.
    const SMALL: f64 = 1e-4;
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    if number.fract() == 0.0 {
        let whole = format!("{number:.0}");
        return Some(if whole == "-0" { "0".to_owned() } else { whole });
    }
    if number.abs() >= SMALL {
        return Some(number.to_string());
    }
    let (digits, exponent) = format!("{number:e}").split_once("e-").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    Some(format!("{digits}e-{exponent:0>2}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for (text, form) in
            [("1.0", "1"), ("0.3434000", "0.3434"), ("+7", "7"), ("-0.0", "0"), ("1e3", "1000"), ("0.00001", "1e-05")]
        {
            assert_eq!(number(text).as_deref(), Some(form), "{text}");
        }
        for text in ["", "KGM", "1_0", "inf", "NaN", "+01:00", "2026-11-28"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_in_utc_and_rounded_by_their_fourth_decimal() {
        for (text, form) in [
            ("2026-11-28T10:30:00+01:00", "2026-11-28T09:30:00.000Z"),
            ("2026-11-28T09:30:00.1415Z", "2026-11-28T09:30:00.142Z"),
            ("2026-11-28T09:30:00.1414999Z", "2026-11-28T09:30:00.141Z"),
            ("2026-12-31T23:59:59.9999Z", "2027-01-01T00:00:00.000Z"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(in_utc(text), form);
        }
    }
}
