//! Amazon's Selling Partner API: answers that were fetched, and notifications, as commands.
//!
//! | topic | body | module |
//! |---|---|---|
//! | `orders` | getOrder and searchOrders of Orders 2026-01-01 | [`orders`] |
//! | `orders-v0` | orders of Orders v0, with their items | [`orders_v0`] |
//! | `vendor-orders` | purchase orders of vendors, retail and direct fulfilment | [`vendor`] |
//! | `inventory` | batchInventory of External Fulfillment | [`inventory`] |
//! | `ORDER_CHANGE` and other types | a notification | [`notification`] |
//!
//! Each module puts its API's order into a [`sale::Sale`]; what that means is the same for all of them.

use tillmesh_plugin::inbound::{Command, Inbound};
use tillmesh_plugin::{Catalogue, Context, Failure, Message, failure, json};

mod inventory;
mod money;
mod notification;
mod orders;
mod orders_v0;
mod sale;
mod vendor;

/// The plugin.
#[derive(Debug)]
pub struct Amazon;

impl Inbound for Amazon {
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
        let body = &message.piece.bytes;
        json::read::<Answer<'_>>(body)?.check()?;
        match message.topic.as_str() {
            "orders" => orders::commands(&json::read(body)?, context, catalogue),
            "orders-v0" => orders_v0::commands(&json::read(body)?, context, catalogue),
            "vendor-orders" => vendor::commands(&json::read(body)?, context, catalogue),
            "inventory" => inventory::commands(&json::read(body)?, message.received_at, context, catalogue),
            topic if is_notification(topic) => notification::commands(&json::read(body)?),
            topic => {
                let rule =
                    "this plugin handles orders, orders-v0, vendor-orders, inventory and the types of notifications";
                Err(failure::unsupported("topic", topic, rule))
            }
        }
    }
}

/// Whether a topic is the type of a notification, such as `ORDER_CHANGE`.
fn is_notification(topic: &str) -> bool {
    !topic.is_empty() && topic.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

/// What every answer of the API may hold instead of what was asked for.
#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    errors: Option<Vec<ApiError<'a>>>,
}

/// An error of the API.
#[derive(serde::Deserialize)]
struct ApiError<'a> {
    #[serde(borrow)]
    code: json::Raw<'a>,
}

impl Answer<'_> {
    /// An error that the API answered with is no order.
    fn check(&self) -> Result<(), Failure> {
        let Some(error) = self.errors.as_ref().and_then(|errors| errors.first()) else { return Ok(()) };
        let code = json::Field::new("errors[0].code", error.code);
        Err(code.malformed("the API answered with an error"))
    }
}

tillmesh_plugin::register_inbound!(Amazon);

#[cfg(test)]
mod tests;
