//! Products and variations.

use tillmesh_plugin::inbound::{Command, SetAvailable};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::product::{is_gtin, shortened};
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, Product, UnitPrice, failure, quantity};

use crate::wire;

/// What is not in the shop.
const NOT_THERE: [&str; 2] = ["auto-draft", "trash"];

/// A product as it stands. One without SKU, such as the parent of variations, cannot be stocked: nothing follows.
pub(crate) fn stands(
    product: &wire::Product<'_>,
    now: i64,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let id = Field::new("id", product.id);
    let id = id.require(id.id()?)?;
    let status = Field::new("status", product.status).text()?;
    let Some(sku) = Field::new("sku", product.sku).sku()? else { return Ok(Vec::new()) };
    if status.is_some_and(|status| NOT_THERE.contains(&status.as_str())) {
        return Ok(Vec::new());
    }
    let known = catalogue.by_sku(&sku);
    let zeros = quantity::zeros(&LineContent::Sku(sku.clone()), context, catalogue)?;
    let price = price(product, context, zeros)?;
    let mut commands = vec![Command::UpsertProduct(article(id, sku.clone(), product, known, price)?)];
    commands.extend(stock(product, sku, now, context, zeros)?.map(Command::SetAvailable));
    Ok(commands)
}

/// What WooCommerce does not know or state of an article stays as the catalogue has it: a product is replaced as a
/// whole.
fn article(
    id: String,
    sku: String,
    product: &wire::Product<'_>,
    known: Option<Product>,
    price: Option<UnitPrice>,
) -> Result<Product, Failure> {
    let text = |name, raw| Ok::<_, Failure>(Field::new(name, raw).text()?.map(|text| shortened(&text)));
    let category = product.categories.as_deref().and_then(|categories| categories.first());
    let category = text("categories[0].name", category.and_then(|category| category.name))?;
    let (name, class) = (text("name", product.name)?, text("tax_class", product.tax_class)?);
    // WooCommerce takes it with dashes, as an ISBN is written.
    let gtin = Field::new("global_unique_id", product.global_unique_id).text()?.map(|gtin| gtin.replace('-', ""));
    let gtin = gtin.filter(|gtin| is_gtin(gtin));
    let known = known.as_ref();
    Ok(Product {
        // A variation has none of its own.
        name: name.or_else(|| known.map(|known| known.name.clone())).unwrap_or_else(|| sku.clone()),
        price,
        gtin: gtin.or_else(|| known.and_then(|known| known.gtin.clone())),
        department: known.and_then(|known| known.department.clone()),
        category: category.or_else(|| known.and_then(|known| known.category.clone())),
        unit: known.and_then(|known| known.unit.clone()),
        // The standard class is an empty text.
        tax_class: match product.tax_class {
            Some(_) => class,
            None => known.and_then(|known| known.tax_class.clone()),
        },
        references: vec![id],
        sku,
    })
}

/// The body names no currency: the shop has one, and the channel's settings say which.
fn price(product: &wire::Product<'_>, context: &Context, zeros: u32) -> Result<Option<UnitPrice>, Failure> {
    let price = Field::new("price", product.price);
    if price.text()?.is_none() {
        return Ok(None);
    }
    let Some(currency) = context.setting("currency") else {
        return Err(failure::rejected(
            "currency",
            "",
            "the channel's settings must name the currency of the shop's prices",
        ));
    };
    quantity::unit_price(price, currency, zeros)
}

/// What WooCommerce says that there is, where the settings say that it knows best.
fn stock(
    product: &wire::Product<'_>,
    sku: String,
    now: i64,
    context: &Context,
    zeros: u32,
) -> Result<Option<SetAvailable>, Failure> {
    match context.setting("stock").unwrap_or("node") {
        "node" => return Ok(None),
        "channel" => {}
        other => return Err(failure::rejected("stock", other, "it must be node or channel: who knows best")),
    }
    // A variation whose parent is counted says `parent`.
    if !Field::new("manage_stock", product.manage_stock).is_true() {
        return Ok(None);
    }
    let stock = Field::new("stock_quantity", product.stock_quantity);
    let Some(available) = quantity::units(stock, zeros)? else { return Ok(None) };
    let location = context.setting("location").filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(Some(SetAvailable { sku, available, as_of: now, location }))
}
