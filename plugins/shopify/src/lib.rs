//! Shopify's webhooks as commands: orders, what left and came back of them, products, inventory levels. And levels and
//! fulfilments as Shopify takes them.
//!
//! A body is read by the fields that matter and by no others, so fields that Shopify adds change nothing. [`wire`] says
//! what is read, and the rest what it means.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::outbound::{Event, Outbound, OutboundMessage};
use tillmesh_plugin::state::{NodeState, Store};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod article;
mod fulfilment;
mod inventory;
mod levels;
mod order;
mod product;
mod refund;
mod routing;
mod shipped;
mod wire;

/// The plugin.
#[derive(Debug)]
pub struct Shopify;

impl Inbound for Shopify {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        translate(message, context, catalogue, &mut NodeState)
    }
}

impl Outbound for Shopify {
    fn render(events: &[Event], context: &Context, _: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure> {
        render(events, context, &mut NodeState)
    }
}

tillmesh_plugin::register_inbound!(Shopify);
tillmesh_plugin::register_outbound!(Shopify);

fn translate(
    message: &Message,
    context: &Context,
    catalogue: &dyn Catalogue,
    store: &mut dyn Store,
) -> Result<Vec<Command>, Failure> {
    let body = &message.piece.bytes;
    match message.topic.as_str() {
        "orders/create" => order::created(&json::read(body)?, context, catalogue),
        "orders/cancelled" => order::cancelled(&json::read(body)?, store),
        topic @ ("orders/fulfilled" | "orders/partially_fulfilled") => {
            let is_whole = topic == "orders/fulfilled";
            fulfilment::of_order(&json::read(body)?, is_whole, context, catalogue, store)
        }
        "fulfillments/create" | "fulfillments/update" => fulfilment::changed(&json::read(body)?, context, catalogue),
        "fulfillment_orders" => routing::learn(&json::read(body)?, catalogue, store),
        "refunds/create" => refund::created(&json::read(body)?, context, catalogue),
        "products/create" | "products/update" => product::stands(&json::read(body)?, context, catalogue),
        "inventory_levels/update" => inventory::updated(&json::read(body)?, context, catalogue),
        topic if topic.starts_with("fulfillment_orders/") => {
            let rule = "it has the fulfilment order's id alone: fetch the fulfilment orders of the order, and post \
                        them as the topic fulfillment_orders";
            Err(failure::unsupported("topic", topic, rule))
        }
        topic => {
            let rule = "this plugin handles orders/create, orders/cancelled, orders/fulfilled, \
                        orders/partially_fulfilled, fulfillments/create, fulfillments/update, fulfillment_orders, \
                        refunds/create, products/create, products/update and inventory_levels/update";
            Err(failure::unsupported("topic", topic, rule))
        }
    }
}

fn render(events: &[Event], context: &Context, store: &mut dyn Store) -> Result<Vec<OutboundMessage>, Failure> {
    let mut messages = Vec::new();
    for event in events {
        match event {
            Event::AvailabilityChanged(level) => messages.extend(levels::message(level, context)),
            Event::OrderFulfilled(left) => messages.extend(shipped::messages(left, context, store)?),
            Event::OrderCancelled(order) => routing::forget(&order.order, store),
            Event::ProductChanged(_) => {}
        }
    }
    Ok(messages)
}

#[cfg(test)]
mod tests;
