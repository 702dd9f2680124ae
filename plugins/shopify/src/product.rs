//! Products: each variant is an article.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::Field;
use tillmesh_plugin::product::{is_gtin, shortened};
use tillmesh_plugin::{Catalogue, Context, Failure, Product, UnitPrice, failure, log};

use crate::article::{INVENTORY_ITEM, VARIANT};
use crate::wire;

/// What Shopify calls the variant of a product that has no options.
const ONLY_VARIANT: &str = "Default Title";

/// `products/create` and `products/update`: the product as it stands. A variant without SKU is no article: nothing
/// follows of it.
pub(crate) fn stands(
    product: &wire::Product<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let id = Field::new("id", product.id);
    let id = id.require(id.id()?)?;
    let variants = Field::new("variants", None).require(product.variants.as_deref())?;
    let all = product.variant_gids.as_ref().map_or(0, Vec::len);
    if all > variants.len() {
        log::warn(&format!("product {id} has {all} variants, and the message has {} of them", variants.len()));
    }
    let mut commands = Vec::with_capacity(variants.len());
    for (index, variant) in variants.iter().enumerate() {
        let place = format!("variants[{index}]");
        let Some(sku) = Field::new(format_args!("{place}.sku"), variant.sku).sku()? else {
            log::info(&format!("{place} of product {id} has no SKU: it is no article"));
            continue;
        };
        commands.push(Command::UpsertProduct(article(&place, sku, product, variant, context, catalogue)?));
    }
    Ok(commands)
}

/// What Shopify does not know of an article, its department and base unit, stays as the catalogue has it, and so does a
/// GTIN that it does not state: a product is replaced as a whole.
fn article(
    place: &str,
    sku: String,
    product: &wire::Product<'_>,
    variant: &wire::Variant<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Product, Failure> {
    let known = catalogue.by_sku(&sku);
    let known = known.as_ref();
    let barcode = Field::new(format_args!("{place}.barcode"), variant.barcode).text()?;
    let kind = Field::new("product_type", product.product_type).text()?.map(|kind| shortened(&kind));
    Ok(Product {
        name: name(place, product, variant)?.unwrap_or_else(|| sku.clone()),
        price: price(place, variant, context)?,
        gtin: barcode.filter(|barcode| is_gtin(barcode)).or_else(|| known.and_then(|known| known.gtin.clone())),
        department: known.and_then(|known| known.department.clone()),
        category: kind.or_else(|| known.and_then(|known| known.category.clone())),
        unit: known.and_then(|known| known.unit.clone()),
        tax_class: tax_class(place, variant, known, context)?,
        references: references(place, variant)?,
        sku,
    })
}

/// Such as `Green tea - 100 g`, as Shopify writes it on an order.
fn name(place: &str, product: &wire::Product<'_>, variant: &wire::Variant<'_>) -> Result<Option<String>, Failure> {
    let title = Field::new("title", product.title).text()?;
    let option = Field::new(format_args!("{place}.title"), variant.title).text()?;
    let parts = [title, option.filter(|option| option != ONLY_VARIANT)];
    let name = parts.into_iter().flatten().collect::<Vec<_>>().join(" - ");
    Ok(Some(shortened(&name)).filter(|name| !name.is_empty()))
}

/// The body names no currency: the shop has one, and the channel's settings say which.
fn price(place: &str, variant: &wire::Variant<'_>, context: &Context) -> Result<Option<UnitPrice>, Failure> {
    let name = format!("{place}.price");
    let price = Field::new(&name, variant.price);
    if price.text()?.is_none() {
        return Ok(None);
    }
    let rule = "the channel's settings must name the currency of the shop's prices";
    let currency = context.setting("currency").ok_or_else(|| failure::rejected("currency", "", rule))?;
    price.unit_price(currency)
}

/// Shopify says whether a variant is taxed, not how: where it is not, its class is the one that the setting `untaxed`
/// names.
fn tax_class(
    place: &str,
    variant: &wire::Variant<'_>,
    known: Option<&Product>,
    context: &Context,
) -> Result<Option<String>, Failure> {
    let taxable = format!("{place}.taxable");
    let taxable = Field::new(&taxable, variant.taxable);
    let is_taxed = taxable.flag()?;
    let is_untaxed = taxable.raw.is_some_and(|raw| raw.get() == "false");
    let untaxed = context.setting("untaxed").filter(|class| !class.is_empty());
    let known = known.and_then(|known| known.tax_class.clone());
    Ok(match untaxed {
        Some(class) if is_untaxed => Some(class.to_owned()),
        // The catalogue has the class of what was untaxed until now.
        Some(class) if is_taxed => known.filter(|known| known != class),
        _ => known,
    })
}

/// What Shopify calls the article: the variant, and what its inventory levels are of.
fn references(place: &str, variant: &wire::Variant<'_>) -> Result<Vec<String>, Failure> {
    let (id, item) = (format!("{place}.id"), format!("{place}.inventory_item_id"));
    let id = Field::new(&id, variant.id);
    let item = Field::new(&item, variant.inventory_item_id).id()?;
    let id = format!("{VARIANT}{}", id.require(id.id()?)?);
    Ok(std::iter::once(id).chain(item.map(|item| format!("{INVENTORY_ITEM}{item}"))).collect())
}
