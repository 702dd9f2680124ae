//! What happens here, for the partner: levels as 846, goods that left as 856, orders that are cancelled as 865.

use tillmesh_plugin::outbound::{AvailabilityChanged, Event, OrderCancelled, OrderFulfilled, OutboundMessage};
use tillmesh_plugin::{Context, Failure, failure};

use crate::segment::Delimiters;
use crate::set::takes;
use crate::write::{Address, Clock, Writer};

/// The media type of an interchange (RFC 1767).
pub(crate) const CONTENT_TYPE: &str = "application/EDI-X12";
/// The version of the sets that are written.
const VERSION: &str = "004010";
/// What parts that are written are parted by.
const DELIMITERS: Delimiters = Delimiters { element: '*', component: '>', segment: '~' };

/// One interchange for all levels, one for each fulfilment, and one for each cancellation where the partner takes it,
/// with control numbers from `control` on.
pub(crate) fn messages(
    events: &[Event],
    context: &Context,
    mut control: u32,
) -> Result<(Vec<OutboundMessage>, u32), Failure> {
    let mut messages = Vec::new();
    let mut send = |topic: &str, (body, next): (String, u32)| {
        let (topic, content_type) = (topic.to_owned(), CONTENT_TYPE.to_owned());
        messages.push(OutboundMessage { topic, content_type, ordering_key: None, body: body.into_bytes() });
        next
    };
    let levels: Vec<_> = events.iter().filter_map(|event| level(event)).collect();
    if let Some(first) = levels.first() {
        control = send("846", advice(&levels, context, first.as_of, control)?);
    }
    for event in events {
        match event {
            Event::OrderFulfilled(left) => control = send("856", notice(left, context, control)?),
            Event::OrderCancelled(cancelled) if takes(context, "865") => {
                control = send("865", cancellation(cancelled, context, control)?);
            }
            _ => {}
        }
    }
    Ok((messages, control))
}

fn level(event: &Event) -> Option<&AvailabilityChanged> {
    if let Event::AvailabilityChanged(level) = event { Some(level) } else { None }
}

fn advice(levels: &[&AvailabilityChanged], context: &Context, at: i64, control: u32) -> Result<(String, u32), Failure> {
    let clock = Clock::at(at);
    let mut writer = begin(context, &clock, control, "IB")?;
    writer.begin_set("846");
    writer.segment(&["BIA", "00", "SI", &control.to_string(), &clock.date, &clock.time]);
    for (number, level) in (1..).zip(levels) {
        let number: u32 = number;
        writer.segment(&["LIN", &number.to_string(), "SK", writable("sku", &level.sku)?]);
        // Less than nothing cannot be stated.
        writer.segment(&["QTY", "33", &level.available.max(0).to_string(), "EA"]);
        writer.segment(&["LS", "REF"]);
        writer.segment(&["REF", "LU", writable("location", &level.location)?]);
        writer.segment(&["LE", "REF"]);
    }
    Ok(end(writer, levels.len()))
}

fn notice(left: &OrderFulfilled, context: &Context, control: u32) -> Result<(String, u32), Failure> {
    let clock = Clock::at(left.fulfilled_at);
    let mut writer = begin(context, &clock, control, "SH")?;
    writer.begin_set("856");
    writer.segment(&["BSN", "00", writable("fulfilment", &left.fulfilment)?, &clock.date, &clock.time]);
    writer.segment(&["HL", "1", "", "S"]);
    writer.segment(&["N1", "SF", "", "92", writable("location", &left.location)?]);
    writer.segment(&["HL", "2", "1", "O"]);
    writer.segment(&["PRF", writable("order", &left.order)?]);
    for (number, line) in (3..).zip(&left.lines) {
        let number: u32 = number;
        writer.segment(&["HL", &number.to_string(), "2", "I"]);
        writer.segment(&["LIN", &(number - 2).to_string(), "SK", writable("sku", &line.sku)?]);
        writer.segment(&["SN1", &(number - 2).to_string(), &line.quantity.to_string(), "EA"]);
    }
    Ok(end(writer, left.lines.len()))
}

/// That the seller takes an order back. BCA06 is to be the date of the order, which a node does not keep: it is that of
/// the cancellation.
fn cancellation(cancelled: &OrderCancelled, context: &Context, control: u32) -> Result<(String, u32), Failure> {
    let clock = Clock::at(cancelled.cancelled_at);
    let mut writer = begin(context, &clock, control, "CA")?;
    writer.begin_set("865");
    writer.segment(&["BCA", "01", "RJ", writable("order", &cancelled.order)?, "", "", &clock.date]);
    writer.end_set();
    writer.end_group();
    Ok(writer.finish())
}

/// A value that can be sent: X12 has no way to write a delimiter within one, and another value would name something
/// else.
fn writable<'a>(field: &str, value: &'a str) -> Result<&'a str, Failure> {
    let Delimiters { element, component, segment } = DELIMITERS;
    if value.contains([element, component, segment]) {
        let rule = format!("X12 cannot carry it: it has one of {element} {component} {segment}, which part its values");
        return Err(failure::rejected(field, value, rule));
    }
    Ok(value)
}

fn begin(context: &Context, clock: &Clock, control: u32, group: &str) -> Result<Writer, Failure> {
    let setting = |name: &str| {
        let rule = "the channel's settings must have it: what is sent carries both parties' ids";
        context.setting(name).ok_or_else(|| failure::rejected(name, "", rule))
    };
    let (sender, receiver) = (setting("own-id")?, setting("partner-id")?);
    let (sender, receiver) = (writable("own-id", sender)?, writable("partner-id", receiver)?);
    let qualifier = |name: &str| context.setting(name).unwrap_or("ZZ").to_owned();
    let address = Address {
        delimiters: DELIMITERS,
        sender: (qualifier("own-qualifier"), sender.to_owned()),
        receiver: (qualifier("partner-qualifier"), receiver.to_owned()),
        repetition: "U".to_owned(),
        version: "00401".to_owned(),
        control,
        usage: context.setting("usage").unwrap_or("P").to_owned(),
    };
    let mut writer = Writer::begin(&address, clock);
    writer.begin_group(group, sender, receiver, clock, VERSION);
    Ok(writer)
}

fn end(mut writer: Writer, lines: usize) -> (String, u32) {
    writer.segment(&["CTT", &lines.to_string()]);
    writer.end_set();
    writer.end_group();
    writer.finish()
}
