//! Shopify webhooks as commands: `orders/create`, `orders/cancelled`, `inventory_levels/update`.
//!
//! A body is read by the fields that matter and by no others, so fields that Shopify adds change nothing. [`wire`] says
//! what is read, and the rest what it means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod article;
mod inventory;
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

tillmesh_plugin::register_inbound!(Shopify);

#[cfg(test)]
mod tests;
