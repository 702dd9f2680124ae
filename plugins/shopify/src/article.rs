//! Shopify's ids of articles as SKUs, by look-up.

use tillmesh_plugin::{Catalogue, Failure, failure};

/// The SKU of the product that has this id of Shopify among its references: as a global id
/// (`gid://shopify/<kind>/<id>`) or as the bare number.
pub(crate) fn sku(field: &str, kind: &str, id: &str, catalogue: &dyn Catalogue) -> Result<String, Failure> {
    let global = format!("gid://shopify/{kind}/{id}");
    let product = catalogue.by_reference(&global).or_else(|| catalogue.by_reference(id));
    product.map(|product| product.sku).ok_or_else(|| {
        let rule = format!("no product of the catalogue has the reference {global} or {id}");
        failure::unknown_sku(field, id, rule)
    })
}
