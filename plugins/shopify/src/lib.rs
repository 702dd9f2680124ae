//! Shopify webhooks as commands: `orders/create`, `orders/cancelled`, `inventory_levels/update`; and levels as Shopify
//! takes them.
//!
//! A body is read by the fields that matter and by no others, so fields that Shopify adds change nothing. [`wire`] says
//! what is read, and the rest what it means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::outbound::{Event, Outbound, OutboundMessage};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod article;
mod inventory;
mod levels;
mod order;
mod wire;

/// The plugin.
#[derive(Debug)]
pub struct Shopify;

impl Inbound for Shopify {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let body = &message.piece.bytes;
        match message.topic.as_str() {
            "orders/create" => order::created(&json::read(body)?, context, catalogue),
            "orders/cancelled" => order::cancelled(&json::read(body)?),
            "inventory_levels/update" => inventory::updated(&json::read(body)?, context, catalogue),
            topic => {
                let rule = "this plugin handles orders/create, orders/cancelled and inventory_levels/update";
                Err(failure::unsupported("topic", topic, rule))
            }
        }
    }
}

impl Outbound for Shopify {
    fn render(events: &[Event], context: &Context, _: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        Ok(levels::messages(events, context))
    }
}

tillmesh_plugin::register_inbound!(Shopify);
tillmesh_plugin::register_outbound!(Shopify);

#[cfg(test)]
mod tests;
