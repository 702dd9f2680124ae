//! Purchase orders of vendors: Amazon buys, for its own shelves (Retail Procurement) or for a customer of its
//! (Direct Fulfillment).

use serde::Deserialize;
use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::money::extended;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, StatedTotals, UnitPrice, failure};

use crate::money::Amount;
use crate::sale::{Answer, Sale, Standing, currency, text, units};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    #[serde(borrow)]
    purchase_order_number: Raw<'a>,
    /// Of Retail Procurement.
    purchase_order_state: Raw<'a>,
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
    purchase_order_changed_date: Raw<'a>,
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

/// The payload is an order, or has several.
pub(crate) fn commands(
    body: &Answer<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let mut commands = Vec::new();
    for order in &body.orders::<Order<'_>>()? {
        if !is_closed(order)? {
            commands.extend(sale(order, context, catalogue)?.commands(context)?);
        }
    }
    Ok(commands)
}

/// Of one that is closed nothing more is asked: it was received, cancelled or refused, and Amazon does not say which.
fn is_closed(order: &Order<'_>) -> Result<bool, Failure> {
    let state = Field::new("purchaseOrderState", order.purchase_order_state);
    match state.text()?.as_deref() {
        None | Some("New" | "Acknowledged") => Ok(false),
        Some("Closed") => Ok(true),
        Some(_) => Err(state.malformed("it must be New, Acknowledged or Closed")),
    }
}

fn sale(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Sale, Failure> {
    let id = text("purchaseOrderNumber", order.purchase_order_number)?;
    let missing = || Field::new("orderDetails", None).malformed("it is missing");
    let details = order.order_details.as_ref().ok_or_else(missing)?;
    let standing = standing(details)?;
    // What is wanted no more need be no article that anybody knows.
    let items = details.items.as_deref().filter(|_| standing != Standing::Cancelled).unwrap_or_default();
    let prices = items.iter().map(|item| ("items.netPrice", item.net_price.as_ref().or(item.net_cost.as_ref())));
    let currency = currency(prices, context)?;
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, catalogue));
    let lines: Vec<_> = lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    // Amazon cancels an item by ordering none of it.
    let none_is_left = lines.is_empty() && !items.is_empty();
    let standing = if none_is_left { Standing::Cancelled } else { standing };
    let placed_at = match details.purchase_order_date {
        None => moment("orderDate", details.order_date)?,
        date => moment("purchaseOrderDate", date)?,
    };
    let changed = Field::new("purchaseOrderChangedDate", details.purchase_order_changed_date);
    let changed_at = changed.utc_time()?.unwrap_or(placed_at);
    let stated =
        StatedTotals { subtotal: None, discount: None, tax: None, tax_included: false, shipping: None, total: None };
    Ok(Sale { id, standing, kept_by: None, placed_at, changed_at, currency, lines, stated })
}

/// Of Direct Fulfillment; what Retail Procurement has not closed is open.
fn standing(details: &Details<'_>) -> Result<Standing, Failure> {
    let status = Field::new("orderStatus", details.order_status);
    match status.text()?.as_deref() {
        None | Some("NEW" | "ACCEPTED") => Ok(Standing::Open),
        Some("SHIPPED") => Ok(Standing::Shipped),
        Some("CANCELLED") => Ok(Standing::Cancelled),
        Some(_) => Err(status.malformed("it must be NEW, ACCEPTED, SHIPPED or CANCELLED")),
    }
}

/// A time that must be there; in UTC where it has no offset, as Amazon documents it.
fn moment(name: &str, raw: Raw<'_>) -> Result<i64, Failure> {
    let field = Field::new(name, raw);
    field.require(field.utc_time()?)
}

/// None: nothing of it is wanted.
fn line(index: usize, item: &Item<'_>, currency: &str, catalogue: &dyn Catalogue) -> Result<Option<Line>, Failure> {
    let name = |field: &str| format!("items[{index}].{field}");
    let ordered = item.ordered_quantity.as_ref();
    let amount = units(&name("orderedQuantity.amount"), ordered.and_then(|it| it.amount))?;
    if amount == 0 {
        return Ok(None);
    }
    let too_large = || failure::malformed(name("orderedQuantity"), amount, "it is too large");
    let quantity = amount.checked_mul(size(&name("orderedQuantity"), ordered)?).ok_or_else(too_large)?;
    let content = LineContent::Sku(sku(index, item, catalogue)?);
    let (price_name, price) = match &item.net_price {
        None => ("netCost", item.net_cost.as_ref()),
        price => ("netPrice", price.as_ref()),
    };
    let price = price.map_or(Ok(None), |price| each(&name(price_name), price, currency))?;
    let amount = price.as_ref().and_then(|price| extended(price, quantity));
    Ok(Some(Line { content, quantity, unit_price: price, amount }))
}

/// How many a unit of what is ordered is.
fn size(place: &str, ordered: Option<&Quantity<'_>>) -> Result<u64, Failure> {
    let name = format!("{place}.unitOfMeasure");
    let unit = Field::new(&name, ordered.and_then(|it| it.unit_of_measure));
    match unit.text()?.map(|unit| unit.to_ascii_lowercase()).as_deref() {
        None | Some("each" | "eaches") => Ok(1),
        Some("cases") => {
            let (name, raw) = (format!("{place}.unitSize"), ordered.and_then(|it| it.unit_size));
            let size = units(&name, raw)?;
            let nothing = || Field::new(&name, raw).malformed("a case must have something in it");
            Some(size).filter(|size| *size > 0).ok_or_else(nothing)
        }
        Some(_) => Err(unit.malformed("it must be Each, Eaches or Cases")),
    }
}

/// What a single one costs, also where cases of them are ordered. None: the price is one of a weight.
fn each(name: &str, price: &Amount<'_>, currency: &str) -> Result<Option<UnitPrice>, Failure> {
    if price.is_by_weight(name)? { Ok(None) } else { price.price(name, currency) }
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
