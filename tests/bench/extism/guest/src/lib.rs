//! The orders of `plugins/shopify`, read by a plugin of Extism: the same code, given and answering JSON, as plugins of
//! Extism do.

use extism_pdk::{FnResult, plugin_fn};
use serde::Serialize;
use tillmesh_plugin::inbound::{Command, PlaceOrder};
use tillmesh_plugin::{Catalogue, Context, LineContent, Money, json};

#[allow(dead_code, reason = "orders alone are read here")]
#[path = "../../../../../plugins/shopify/src/article.rs"]
mod article;
#[allow(dead_code, reason = "orders alone are read here")]
#[path = "../../../../../plugins/shopify/src/order.rs"]
mod order;
#[allow(dead_code, reason = "orders alone are read here")]
#[path = "../../../../../plugins/shopify/src/routing.rs"]
mod routing;
#[allow(dead_code, reason = "orders alone are read here")]
#[path = "../../../../../plugins/shopify/src/wire.rs"]
mod wire;

/// Orders that name their articles ask it nothing.
struct Nothing;

impl Catalogue for Nothing {}

/// What is answered of an order.
#[derive(Serialize)]
struct Answer<'a> {
    reference: &'a str,
    customer: Option<&'a str>,
    currency: &'a str,
    placed_at: i64,
    total: Option<i64>,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    sku: &'a str,
    quantity: u64,
    unit_price: Option<i64>,
    amount: Option<i64>,
}

/// An order, as JSON, to what it asks of a node.
#[plugin_fn]
pub fn order(body: Vec<u8>) -> FnResult<Vec<u8>> {
    let context = Context { location: "web".to_owned(), config: Vec::new() };
    let refused = |failure: tillmesh_plugin::Failure| extism_pdk::Error::msg(format!("{failure:?}"));
    let order = json::read(&body).map_err(refused)?;
    let commands = order::created(&order, &context, &Nothing).map_err(refused)?;
    match commands.as_slice() {
        [Command::PlaceOrder(order)] => Ok(serde_json::to_vec(&Answer::of(order))?),
        _ => Err(extism_pdk::Error::msg("an order is one command").into()),
    }
}

impl<'a> Answer<'a> {
    fn of(order: &'a PlaceOrder) -> Self {
        let amount = |money: &Option<Money>| money.as_ref().map(|money| money.amount);
        let line = |line: &'a tillmesh_plugin::Line| Line {
            sku: match &line.content {
                LineContent::Sku(id) | LineContent::Charge(id) => id,
            },
            quantity: line.quantity,
            unit_price: line.unit_price.as_ref().map(|price| price.amount),
            amount: amount(&line.amount),
        };
        Self {
            reference: &order.reference,
            customer: order.customer_ref.as_deref(),
            currency: &order.currency,
            placed_at: order.placed_at,
            total: amount(&order.stated.total),
            lines: order.lines.iter().map(line).collect(),
        }
    }
}
