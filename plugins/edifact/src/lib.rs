//! UN/EDIFACT interchanges: ORDERS, INVRPT and DESADV as commands, INVRPT and DESADV for what happens here, and for
//! each interchange its CONTRL.
//!
//! ```text
//!  body ──► segment: separators, segments ──► envelope: messages, defects ──► order, stock, notice ──► commands
//!                                                  └──► acknowledge ──► write ──► CONTRL
//! ```
//!
//! An interchange may state its own separators. A body is taken as a whole or not at all: what is wrong in one message
//! keeps all of them from being recorded, and each message's UCM says so.

use std::borrow::Cow;

use tillmesh_plugin::acknowledgement::{Acknowledgement, Answer, Outcome};
use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::outbound::{Event, Outbound, OutboundMessage};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, control, failure, limits};

use crate::envelope::Interchange;
use crate::reader::Reader;

mod acknowledge;
mod date;
mod envelope;
mod function;
mod notice;
mod number;
mod order;
mod price;
mod reader;
mod render;
mod segment;
mod stock;
mod write;

/// The plugin.
#[derive(Debug)]
pub struct Edifact;

impl Inbound for Edifact {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let text = segment::text(&message.piece.bytes);
        let interchanges = envelope::read(&text)?;
        if let Some(failure) = interchanges.iter().find_map(Interchange::failure) {
            return Err(failure);
        }
        let (mut commands, mut orders) = (Vec::new(), Orders::default());
        for interchange in &interchanges {
            for message in interchange.distinct() {
                let place = interchange.place_of(message);
                let reader = Reader { message, place: &place, context, catalogue };
                let found = of_message(&reader, &mut orders)?;
                found.iter().try_for_each(|command| limits::check(command, &reader.at("")))?;
                commands.extend(found);
            }
        }
        orders.keep()?;
        Ok(commands)
    }
}

impl Acknowledgement for Edifact {
    fn acknowledge(message: &Message, outcome: &Outcome, _: &Context) -> Result<Option<Answer>, Failure> {
        let text = segment::text(&message.piece.bytes);
        // Without a UNB nobody knows whom to answer.
        let (interchanges, _) = envelope::read_some(&text);
        let (body, next) = acknowledge::answer(&interchanges, outcome, message.received_at, control::next());
        if body.is_empty() {
            return Ok(None);
        }
        control::keep(next)?;
        let (topic, content_type) = ("CONTRL".to_owned(), render::CONTENT_TYPE.to_owned());
        // What it repeats of the interchange is in the character set of that.
        let is_latin_1 = matches!(text, Cow::Owned(_));
        let body = if is_latin_1 { render::latin_1(&body) } else { body.into_bytes() };
        Ok(Some(Answer { topic, content_type, body }))
    }
}

impl Outbound for Edifact {
    fn render(events: &[Event], context: &Context, _: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        let (messages, next) = render::messages(events, context, control::next())?;
        if !messages.is_empty() {
            control::keep(next)?;
        }
        Ok(messages)
    }
}

/// What a message means. Messages that only tell something (ORDRSP, APERAK, CONTRL, RECADV) mean nothing here.
fn of_message(reader: &Reader<'_>, orders: &mut Orders) -> Result<Vec<Command>, Failure> {
    let kind = reader.message.kind();
    let ignored = reader.context.setting("ignore").unwrap_or_default();
    match kind {
        "ORDERS" | "DESADV" if reader.location() == Place::Ignored => Ok(Vec::new()),
        "ORDERS" => order::command(reader, orders).map(|command| vec![command]),
        "INVRPT" => stock::commands(reader),
        "DESADV" => notice::commands(reader),
        "ORDRSP" | "APERAK" | "CONTRL" | "RECADV" => Ok(Vec::new()),
        _ if ignored.split([' ', ',']).any(|message| message == kind) => Ok(Vec::new()),
        _ => {
            let rule = "this plugin handles ORDERS, INVRPT, DESADV, ORDRSP, RECADV, APERAK and CONTRL; the setting \
                `ignore` names messages to pass over";
            Err(failure::unsupported(reader.at("UNH"), kind, rule))
        }
    }
}

tillmesh_plugin::register_inbound!(Edifact);
tillmesh_plugin::register_outbound!(Edifact);
tillmesh_plugin::register_acknowledgement!(Edifact);

#[cfg(test)]
mod tests;
