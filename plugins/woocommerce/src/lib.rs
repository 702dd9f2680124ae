//! WooCommerce's webhooks as commands: orders, products, and refunds as its REST API gives them.
//!
//! [`wire`] says what is read of a body, and the rest what it means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod article;
mod order;
mod product;
mod refund;
mod wire;

/// The plugin.
#[derive(Debug)]
pub struct WooCommerce;

impl Inbound for WooCommerce {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let body = &message.piece.bytes;
        match message.topic.as_str() {
            "order.created" | "order.updated" | "order.restored" => {
                order::stands(&json::read(body)?, context, catalogue)
            }
            // What is deleted is no cancellation: WooCommerce gives no goods back either.
            "order.deleted" => Ok(Vec::new()),
            "refund" => refund::given(&wire::refunds(body)?, context, catalogue),
            "product.created" | "product.updated" | "product.restored" => {
                product::stands(&json::read(body)?, message.received_at, context, catalogue)
            }
            topic => {
                let rule = "this plugin handles order.created, order.updated, order.restored, order.deleted, refund, \
                            product.created, product.updated and product.restored";
                Err(failure::unsupported("topic", topic, rule))
            }
        }
    }
}

tillmesh_plugin::register_inbound!(WooCommerce);

#[cfg(test)]
mod tests;
