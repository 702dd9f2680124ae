//! Square's messages as commands: counts of its inventory, and orders as its API gives them.
//!
//! [`wire`] says what is read of a body, and the rest what it means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod article;
mod inventory;
mod money;
mod order;
mod returned;
mod wire;

/// The plugin.
#[derive(Debug)]
pub struct Square;

impl Inbound for Square {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let body = &message.piece.bytes;
        match message.topic.as_str() {
            "inventory.count.updated" => inventory::updated(&json::read(body)?, context, catalogue),
            "inventory.counts" => inventory::counts(&json::read(body)?, message.received_at, context, catalogue),
            "inventory.changes" => inventory::changes(&json::read(body)?, context, catalogue),
            "order" => order::stand(&json::read(body)?, context, catalogue),
            topic @ ("order.created" | "order.updated" | "order.fulfillment.updated") => {
                let rule = "it has the order's id alone: fetch the order, and post it as the topic order";
                Err(failure::unsupported("topic", topic, rule))
            }
            topic => {
                let rule = "this plugin handles inventory.count.updated, inventory.counts, inventory.changes and order";
                Err(failure::unsupported("topic", topic, rule))
            }
        }
    }
}

tillmesh_plugin::register_inbound!(Square);

#[cfg(test)]
mod tests;
