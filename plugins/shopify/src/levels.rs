//! What Shopify is told: levels, as its `inventory_levels/set` takes them.

use serde::Serialize;
use tillmesh_plugin::outbound::{AvailabilityChanged, OutboundMessage};
use tillmesh_plugin::{Context, json};

use crate::article::INVENTORY_ITEM;

/// The body of `POST /admin/api/<version>/inventory_levels/set.json`.
#[derive(Serialize)]
struct SetLevel {
    location_id: u64,
    inventory_item_id: u64,
    available: i64,
}

/// The message for the level of an item and a location that Shopify knows; other levels are not Shopify's.
pub(crate) fn message(level: &AvailabilityChanged, context: &Context) -> Option<OutboundMessage> {
    let inventory_item_id = level.references.iter().find_map(|id| id.strip_prefix(INVENTORY_ITEM)?.parse().ok())?;
    let location_id = location_id(&level.location, context)?;
    let body = json::write(&SetLevel { location_id, inventory_item_id, available: level.available });
    Some(OutboundMessage {
        topic: "inventory_levels/set".to_owned(),
        content_type: "application/json".to_owned(),
        ordering_key: Some(inventory_item_id.to_string()),
        body,
    })
}

/// The id of the location that the settings say is this one of the node's.
pub(crate) fn location_id(location: &str, context: &Context) -> Option<u64> {
    let is_it = |(key, name): &&(String, String)| key.starts_with("location.") && name == location;
    let (key, _) = context.config.iter().find(is_it)?;
    key.strip_prefix("location.")?.parse().ok()
}
