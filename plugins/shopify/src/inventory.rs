//! Inventory levels.

use tillmesh_plugin::inbound::{Command, SetAvailable};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure};

use crate::article;
use crate::wire::InventoryLevel;

/// `inventory_levels/update`: an absolute level. An item that Shopify does not track has none, and nothing follows.
pub(crate) fn updated(
    level: &InventoryLevel<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let item = Field::new("inventory_item_id", level.inventory_item_id);
    let item = item.require(item.id()?)?;
    let at = Field::new("location_id", level.location_id);
    let place = location::of(at.path, Some(&at.require(at.id()?)?), context)?;
    let updated_at = Field::new("updated_at", level.updated_at);
    let as_of = updated_at.require(updated_at.time()?)?;
    let available = article::whole(Field::new("available", level.available))?;
    let (Place::Here(location), Some(available)) = (place, available) else { return Ok(Vec::new()) };
    let sku = article::sku("inventory_item_id", article::INVENTORY_ITEM, &item, catalogue)?;
    Ok(vec![Command::SetAvailable(SetAvailable { sku, available, as_of, location: Some(location) })])
}
