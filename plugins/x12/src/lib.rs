//! ASC X12 interchanges: 850 (purchase order), 846 (inventory advice) and 856 (ship notice) as commands, 846, 856 and
//! 865 for what happens here, and for each interchange its 997, for each order its 855.
//!
//! ```text
//!  body ──► segment: delimiters, segments ──► envelope: groups, sets, defects ──► order, stock, notice ──► commands
//!                                                   └──► acknowledge, respond ──► write ──► 997, TA1, 855
//! ```
//!
//! Every interchange states its own delimiters. A body is taken as a whole or not at all: what is wrong in one set
//! keeps all of them from being recorded, and each set's AK5 says so.

use tillmesh_plugin::acknowledgement::{Acknowledgement, Answer, Outcome};
use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::outbound::{Event, Outbound, OutboundMessage};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, Node, control, failure, limits};

use crate::acknowledge::Given;
use crate::envelope::Interchange;
use crate::set::Reader;
use crate::write::Clock;

mod acknowledge;
mod envelope;
mod notice;
mod number;
mod order;
mod price;
mod render;
mod respond;
mod segment;
mod set;
mod stock;
mod write;

/// The plugin.
#[derive(Debug)]
pub struct X12;

impl Inbound for X12 {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let mut orders = Orders::default();
        let commands = translate(message, context, catalogue, &mut orders)?;
        orders.keep()?;
        Ok(commands)
    }
}

impl Acknowledgement for X12 {
    fn acknowledge(message: &Message, outcome: &Outcome, context: &Context) -> Result<Option<Answer>, Failure> {
        let given = Given { outcome, context, catalogue: &Node, clock: Clock::at(message.received_at) };
        answer(message, &given, &mut Orders::default())
    }
}

impl Outbound for X12 {
    fn render(events: &[Event], context: &Context, _: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        let (messages, next) = render::messages(events, context, control::next())?;
        if !messages.is_empty() {
            control::keep(next)?;
        }
        Ok(messages)
    }
}

/// What a message means, and in `orders` what it places.
fn translate(
    message: &Message,
    context: &Context,
    catalogue: &dyn Catalogue,
    orders: &mut Orders,
) -> Result<Vec<Command>, Failure> {
    let text = segment::text(&message.piece.bytes);
    let interchanges = envelope::read(&text)?;
    if let Some(failure) = interchanges.iter().find_map(Interchange::failure) {
        return Err(failure);
    }
    let mut commands = Vec::new();
    for interchange in &interchanges {
        for group in &interchange.groups {
            for set in &group.sets {
                let place = interchange.place_of(group, set);
                let reader = Reader { set, place: &place, context, catalogue };
                let of_set = of_set(&reader, orders)?;
                let at = format!("{place} ");
                of_set.iter().try_for_each(|command| limits::check(command, &at))?;
                commands.extend(of_set);
            }
        }
    }
    Ok(commands)
}

/// What a message is answered, where `orders` are those that are placed once it is taken.
fn answer(message: &Message, given: &Given<'_>, orders: &mut Orders) -> Result<Option<Answer>, Failure> {
    let text = segment::text(&message.piece.bytes);
    // Without an ISA nobody knows whom to answer.
    let (interchanges, _) = envelope::read_some(&text);
    let (body, next) = acknowledge::answer(&interchanges, given, orders, control::next());
    if body.is_empty() {
        return Ok(None);
    }
    control::keep(next)?;
    let (topic, content_type) = ("997".to_owned(), render::CONTENT_TYPE.to_owned());
    Ok(Some(Answer { topic, content_type, body: segment::encoded(body, &message.piece.bytes) }))
}

/// What a transaction set means. Sets that only tell something (855, 997) mean nothing here: a node holds no orders of
/// its own at a partner.
fn of_set(reader: &Reader<'_>, orders: &mut Orders) -> Result<Vec<Command>, Failure> {
    let code = reader.set.code();
    let ignored = reader.context.setting("ignore").unwrap_or_default();
    match code {
        "850" if reader.location() == Place::Ignored => Ok(Vec::new()),
        "850" => order::command(reader, orders).map(|command| vec![command]),
        "846" => stock::commands(reader),
        "856" => notice::commands(reader),
        "855" | "865" | "997" | "999" => Ok(Vec::new()),
        _ if ignored.split([' ', ',']).any(|set| set == code) => Ok(Vec::new()),
        _ => {
            let rule =
                "this plugin handles 846, 850, 855, 856, 865 and 997; the setting `ignore` names sets to pass over";
            Err(failure::unsupported(reader.at("ST01"), code, rule))
        }
    }
}

tillmesh_plugin::register_inbound!(X12);
tillmesh_plugin::register_outbound!(X12);
tillmesh_plugin::register_acknowledgement!(X12);

#[cfg(test)]
mod tests;
