//! Purchase orders of vendors: Amazon buys, for its own shelves (Retail Procurement) or for a customer of its
//! (Direct Fulfillment).

use serde::Deserialize;
use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::money::extended;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, StatedTotals, failure};

use crate::money::Amount;
use crate::sale::{Answer, Sale, Standing, text, time, units};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    #[serde(borrow)]
    purchase_order_number: Raw<'a>,
    order_details: Option<Details<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    /// Of Direct Fulfillment.
    #[serde(borrow)]
    order_date: Raw<'a>,
    order_status: Raw<'a>,
    /// Of Retail Procurement.
    purchase_order_date: Raw<'a>,
    items: Option<Vec<Item<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    vendor_product_identifier: Raw<'a>,
    buyer_product_identifier: Raw<'a>,
    amazon_product_identifier: Raw<'a>,
    ordered_quantity: Option<Quantity<'a>>,
    net_price: Option<Amount<'a>>,
    net_cost: Option<Amount<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quantity<'a> {
    #[serde(borrow)]
    amount: Raw<'a>,
    unit_of_measure: Raw<'a>,
    unit_size: Raw<'a>,
}

/// The currency of orders that state no price.
const CURRENCY: &str = "USD";

/// The payload is an order, or has several.
pub(crate) fn commands(
    body: &Answer<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let mut commands = Vec::new();
    for order in &body.orders::<Order<'_>>()? {
        commands.extend(sale(order, context, catalogue)?.commands(context)?);
    }
    Ok(commands)
}

fn sale(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Sale, Failure> {
    let id = text("purchaseOrderNumber", order.purchase_order_number)?;
    let missing = || Field::new("orderDetails", None).malformed("it is missing");
    let details = order.order_details.as_ref().ok_or_else(missing)?;
    let items = details.items.as_deref().unwrap_or_default();
    let price = items.iter().find_map(|item| item.net_price.as_ref().or(item.net_cost.as_ref()));
    let currency = match price {
        Some(price) => price.currency("items.netPrice")?,
        None => context.setting("currency").unwrap_or(CURRENCY).to_owned(),
    };
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, catalogue));
    let lines = lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let placed_at = match details.purchase_order_date {
        None => time("orderDate", details.order_date)?,
        date => time("purchaseOrderDate", date)?,
    };
    let status = Field::new("orderStatus", details.order_status);
    let standing = match status.text()?.as_deref() {
        None | Some("NEW" | "ACCEPTED") => Standing::Open,
        Some("SHIPPED") => Standing::Shipped,
        Some("CANCELLED") => Standing::Cancelled,
        Some(_) => return Err(status.malformed("it must be NEW, ACCEPTED, SHIPPED or CANCELLED")),
    };
    let stated =
        StatedTotals { subtotal: None, discount: None, tax: None, tax_included: false, shipping: None, total: None };
    Ok(Sale { id, standing, kept_by: None, placed_at, changed_at: placed_at, currency, lines, stated })
}

/// None: nothing of it is wanted.
fn line(index: usize, item: &Item<'_>, currency: &str, catalogue: &dyn Catalogue) -> Result<Option<Line>, Failure> {
    let name = |field: &str| format!("items[{index}].{field}");
    let ordered = item.ordered_quantity.as_ref();
    let unit = Field::new(&name("orderedQuantity.unitOfMeasure"), ordered.and_then(|it| it.unit_of_measure)).text()?;
    let amount = units(&name("orderedQuantity.amount"), ordered.and_then(|it| it.amount))?;
    let size = match unit.as_deref() {
        Some(unit) if unit.eq_ignore_ascii_case("cases") => {
            units(&name("orderedQuantity.unitSize"), ordered.and_then(|it| it.unit_size))?
        }
        _ => 1,
    };
    let too_large = || failure::malformed(name("orderedQuantity"), amount, "it is too large");
    let quantity = amount.checked_mul(size).ok_or_else(too_large)?;
    if quantity == 0 {
        return Ok(None);
    }
    let content = LineContent::Sku(sku(index, item, catalogue)?);
    let (price_name, price) = match &item.net_price {
        None => ("netCost", item.net_cost.as_ref()),
        price => ("netPrice", price.as_ref()),
    };
    let price = price.map_or(Ok(None), |price| price.price(&name(price_name), currency))?;
    // The price of a case is that of all its units.
    let amount = price.as_ref().and_then(|price| extended(price, amount));
    let unit_price = price.filter(|_| size == 1);
    Ok(Some(Line { content, quantity, unit_price, amount }))
}

/// The vendor's number may be a GTIN or his own; Amazon's is its ASIN.
fn sku(index: usize, item: &Item<'_>, catalogue: &dyn Catalogue) -> Result<String, Failure> {
    let name = |field: &str| format!("items[{index}].{field}");
    let vendor_name = name("vendorProductIdentifier");
    let vendor = Field::new(&vendor_name, item.vendor_product_identifier).sku()?;
    let amazon = Field::new(&name("buyerProductIdentifier"), item.buyer_product_identifier).text()?;
    let asin = Field::new(&name("amazonProductIdentifier"), item.amazon_product_identifier).text()?;
    let of_vendor = vendor.iter().flat_map(|it| [(Kind::Gtin, it.as_str()), (Kind::Seller, it.as_str())]);
    let of_amazon = amazon.iter().chain(&asin).map(|it| (Kind::Other, it.as_str()));
    let numbers: Vec<_> = of_vendor.chain(of_amazon).collect();
    let Some((_, first)) = numbers.first() else {
        return Err(failure::malformed(vendor_name, "", "the line names no article"));
    };
    let unknown = || failure::unknown_sku(&vendor_name, first, "no product has this GTIN, SKU or reference");
    article::sku(&numbers, catalogue).ok_or_else(unknown)
}
