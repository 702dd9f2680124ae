//! What a line is.

use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Catalogue, Failure, LineContent, failure};

use crate::wire::LineItem;

/// What a line is: an article by its SKU, else by its variation or product, looked up; a line of a product that
/// WooCommerce no longer has is a charge.
pub(crate) fn of(place: &str, item: &LineItem<'_>, catalogue: &dyn Catalogue) -> Result<LineContent, Failure> {
    if let Some(sku) = Field::new(format_args!("{place}.sku"), item.sku).sku()? {
        return Ok(LineContent::Sku(sku));
    }
    for (part, id) in [("variation_id", item.variation_id), ("product_id", item.product_id)] {
        let name = format!("{place}.{part}");
        let Some(id) = Field::new(&name, id).integer()?.filter(|id| *id != 0) else { continue };
        let product = catalogue.by_reference(&id.to_string());
        let rule = || format!("no product of the catalogue has the reference {id}");
        return product
            .map(|product| LineContent::Sku(product.sku))
            .ok_or_else(|| failure::unknown_sku(&name, id, rule()));
    }
    let id = Field::new(format_args!("{place}.id"), item.id).text()?;
    Ok(LineContent::Charge(id.unwrap_or_else(|| place.to_owned())))
}
