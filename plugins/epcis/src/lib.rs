//! GS1 EPCIS 2.0 as JSON or JSON-LD: what happened to goods elsewhere as commands, and what happens here as events.
//!
//! ```text
//!  body -> document: context, events -> event, lists: the rules of the standard
//!       -> movement: what it means -> goods, place -> counts, translate, undo -> commands
//!
//!  events of the node -> render -> document
//!
//!  tree -> hash: the id of an event, by urn, link, namespace, vocabulary
//! ```
//!
//! A body is taken as a whole or not at all. An event counts once, whatever message brings it: its reference is its id,
//! or its hash where it has none.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::outbound::{Event, Outbound, OutboundMessage};
use tillmesh_plugin::state::NodeState;
use tillmesh_plugin::{Catalogue, Context, Failure, Message};

mod counts;
mod document;
mod event;
mod fields;
mod goods;
mod hash;
mod link;
mod lists;
mod memory;
mod movement;
mod namespace;
mod order;
mod place;
mod render;
mod settings;
mod translate;
mod tree;
mod undo;
mod urn;
mod vocabulary;

/// The plugin.
#[derive(Debug)]
pub struct Epcis;

impl Inbound for Epcis {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        translate::commands(&message.piece.bytes, context, catalogue, &mut NodeState)
    }
}

impl Outbound for Epcis {
    fn render(events: &[Event], context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        render::messages(events, context, catalogue)
    }
}

tillmesh_plugin::register_inbound!(Epcis);
tillmesh_plugin::register_outbound!(Epcis);

#[cfg(test)]
mod tests;
