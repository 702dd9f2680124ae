//! Which article Shopify means, and how much of it.

use std::fmt::Display;

use tillmesh_plugin::json::Field;
use tillmesh_plugin::money::parse_units;
use tillmesh_plugin::{Catalogue, Failure, LineContent, StockLine, failure, quantity};

use crate::wire::LineItem;

/// What a product's reference of a variant begins with.
pub(crate) const VARIANT: &str = "gid://shopify/ProductVariant/";
/// What a product's reference of an inventory item begins with.
pub(crate) const INVENTORY_ITEM: &str = "gid://shopify/InventoryItem/";

/// The SKU of the product that has this id of Shopify among its references: as a global id, which begins as `kind`
/// says, or as the bare number.
pub(crate) fn sku(
    place: impl Into<String>,
    kind: &str,
    id: &str,
    catalogue: &dyn Catalogue,
) -> Result<String, Failure> {
    let global = format!("{kind}{id}");
    let product = catalogue.by_reference(&global).or_else(|| catalogue.by_reference(id));
    product.map(|product| product.sku).ok_or_else(|| {
        let rule = format!("no product of the catalogue has the reference {global} or {id}");
        failure::unknown_sku(place, id, rule)
    })
}

/// What a line is: an article by its SKU, else by its variant; a line without either is a charge, such as a tip.
pub(crate) fn of(place: &dyn Display, item: &LineItem<'_>, catalogue: &dyn Catalogue) -> Result<LineContent, Failure> {
    if let Some(sku) = Field::new(format_args!("{place}.sku"), item.sku).sku()? {
        return Ok(LineContent::Sku(sku));
    }
    let variant = format_args!("{place}.variant_id");
    if let Some(id) = Field::new(variant, item.variant_id).id()? {
        return sku(variant.to_string(), VARIANT, &id, catalogue).map(LineContent::Sku);
    }
    // Lines of drafts that are no article have no id; their place among the lines names them.
    let id = Field::new(format_args!("{place}.id"), item.id).id()?;
    Ok(LineContent::Charge(id.unwrap_or_else(|| place.to_string())))
}

/// How much of an article a line moves; nothing where it is a charge.
pub(crate) fn goods(
    place: &dyn Display,
    item: &LineItem<'_>,
    quantity: u64,
    catalogue: &dyn Catalogue,
) -> Result<Option<StockLine>, Failure> {
    Ok(match of(place, item, catalogue)? {
        LineContent::Sku(sku) => Some(StockLine { sku, quantity }),
        LineContent::Charge(_) => None,
    })
}

/// A number of units that must be there.
pub(crate) fn units(field: Field<'_, '_>) -> Result<u64, Failure> {
    let units = field.require(whole(field)?)?;
    let units = u64::try_from(units).ok().filter(|units| *units > 0);
    units.ok_or_else(|| field.malformed("it must be at least 1"))
}

/// A number of units, either way. A whole one may be written with decimals, such as `3.0`.
pub(crate) fn whole(field: Field<'_, '_>) -> Result<Option<i64>, Failure> {
    let is_whole = |text: String| parse_units(text.strip_prefix('-').unwrap_or(&text)).is_ok();
    if field.text()?.is_some_and(is_whole) { quantity::units(field, 0) } else { field.units() }
}
