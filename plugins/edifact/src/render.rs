//! What happens here, for the partner: levels as INVRPT, goods that left as DESADV, both D.96A.

use tillmesh_plugin::outbound::{AvailabilityChanged, Event, OrderFulfilled, OutboundMessage};
use tillmesh_plugin::{Context, Failure, control, dates, failure};

use crate::segment::DEFAULT;
use crate::write::Writer;

/// The media type of an interchange (RFC 1767).
pub(crate) const CONTENT_TYPE: &str = "application/EDIFACT";

/// One interchange for all levels, and one for each fulfilment, with references from `next` on.
pub(crate) fn messages(
    events: &[Event],
    context: &Context,
    mut next: u32,
) -> Result<(Vec<OutboundMessage>, u32), Failure> {
    let mut messages = Vec::new();
    let wrap = |topic: &str, body: String| OutboundMessage {
        topic: topic.to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        ordering_key: None,
        body: latin_1(&body),
    };
    let levels: Vec<_> = events.iter().filter_map(level).collect();
    if let Some(first) = levels.first() {
        messages.push(wrap("INVRPT", report(&levels, context, first.as_of, next)?));
        next = control::after(next);
    }
    for event in events {
        if let Event::OrderFulfilled(left) = event {
            messages.push(wrap("DESADV", advice(left, context, next)?));
            next = control::after(next);
        }
    }
    Ok((messages, next))
}

fn level(event: &Event) -> Option<&AvailabilityChanged> {
    if let Event::AvailabilityChanged(level) = event { Some(level) } else { None }
}

fn report(levels: &[&AvailabilityChanged], context: &Context, at: i64, control: u32) -> Result<String, Failure> {
    let mut writer = begin(context, at, control)?;
    writer.begin_message("INVRPT", "D", "96A");
    writer.segment("BGM", &[one("35"), one(&control.to_string()), one("9")]);
    writer.segment("DTM", &[parts(&["137", &moment(at), "203"])]);
    for (number, level) in (1_u32..).zip(levels) {
        line(&mut writer, number, &level.sku);
        // Less than nothing cannot be stated.
        writer.segment("QTY", &[parts(&["145", &level.available.max(0).to_string()])]);
        writer.segment("LOC", &[one("18"), one(&level.location)]);
    }
    Ok(end(writer, levels.len()))
}

fn advice(left: &OrderFulfilled, context: &Context, control: u32) -> Result<String, Failure> {
    let mut writer = begin(context, left.fulfilled_at, control)?;
    writer.begin_message("DESADV", "D", "96A");
    writer.segment("BGM", &[one("351"), one(&left.fulfilment), one("9")]);
    writer.segment("DTM", &[parts(&["137", &moment(left.fulfilled_at), "203"])]);
    writer.segment("RFF", &[parts(&["ON", &left.order])]);
    writer.segment("NAD", &[one("SF"), parts(&[&left.location, "", "92"])]);
    writer.segment("CPS", &[one("1")]);
    for (number, goods) in (1_u32..).zip(&left.lines) {
        line(&mut writer, number, &goods.sku);
        writer.segment("QTY", &[parts(&["12", &goods.quantity.to_string()])]);
    }
    Ok(end(writer, left.lines.len()))
}

fn line(writer: &mut Writer, number: u32, sku: &str) {
    writer.segment("LIN", &[one(&number.to_string())]);
    writer.segment("PIA", &[one("5"), parts(&[sku, "SA"])]);
}

fn begin(context: &Context, at: i64, control: u32) -> Result<Writer, Failure> {
    let party = |name: &str, qualifier: &str| {
        let rule = "the channel's settings must have it: what is sent carries both parties' ids";
        let id = context.setting(name).ok_or_else(|| failure::rejected(name, "", rule))?;
        Ok(context.setting(qualifier).map_or_else(|| one(id), |qualifier| parts(&[id, qualifier])))
    };
    let (sender, receiver) = (party("own-id", "own-qualifier")?, party("partner-id", "partner-qualifier")?);
    Ok(Writer::begin(DEFAULT, &parts(&["UNOC", "3"]), [&sender, &receiver], &control.to_string(), at))
}

fn end(mut writer: Writer, lines: usize) -> String {
    writer.segment("CNT", &[parts(&["2", &lines.to_string()])]);
    writer.end_message();
    writer.finish()
}

fn moment(at: i64) -> String {
    let (date, time) = dates::digits(at);
    date + &time
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn parts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The text in the character set UNOC, Latin-1; what it does not have becomes a question mark behind its release.
pub(crate) fn latin_1(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for sign in text.chars() {
        match u8::try_from(u32::from(sign)) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(b"??"),
        }
    }
    bytes
}
