//! Square's variations as SKUs, by look-up.

use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Catalogue, Failure, LineContent, failure};

use crate::wire::LineItem;

/// The SKU of the product that has this id of a variation among its references.
pub(crate) fn sku(field: Field<'_, '_>, catalogue: &dyn Catalogue) -> Result<String, Failure> {
    let id = field.require(field.text()?)?;
    let product = catalogue.by_reference(&id);
    let rule = || format!("no product of the catalogue has the reference {id}");
    product.map(|product| product.sku).ok_or_else(|| failure::unknown_sku(field.path, &id, rule()))
}

/// What a line is. One that was typed in at the till has no variation: a charge.
pub(crate) fn of(place: &str, item: &LineItem<'_>, catalogue: &dyn Catalogue) -> Result<LineContent, Failure> {
    let name = format!("{place}.catalog_object_id");
    let id = Field::new(&name, item.catalog_object_id);
    if id.text()?.is_some() {
        return sku(id, catalogue).map(LineContent::Sku);
    }
    let uid = Field::new(format_args!("{place}.uid"), item.uid).text()?;
    Ok(LineContent::Charge(uid.unwrap_or_else(|| place.to_owned())))
}
