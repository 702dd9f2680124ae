//! Orders 2026-01-01: getOrder and searchOrders.

use serde::Deserialize;
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::money::extended;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, Money, StatedTotals};

use crate::money::{self, Amount};
use crate::sale::{Sale, Standing, article, kept_by, text, time, units};

/// One order, or several.
#[derive(Debug, Deserialize)]
pub(crate) struct Orders<'a> {
    #[serde(borrow)]
    order: Option<Order<'a>>,
    orders: Option<Vec<Order<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order<'a> {
    #[serde(borrow)]
    order_id: Raw<'a>,
    created_time: Raw<'a>,
    last_updated_time: Raw<'a>,
    fulfillment: Option<Fulfillment<'a>>,
    proceeds: Option<Proceeds<'a>>,
    order_items: Option<Vec<Item<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fulfillment<'a> {
    #[serde(borrow)]
    fulfillment_status: Raw<'a>,
    fulfilled_by: Raw<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proceeds<'a> {
    #[serde(borrow)]
    grand_total: Option<Amount<'a>>,
    proceeds_total: Option<Amount<'a>>,
    breakdowns: Option<Vec<Breakdown<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Breakdown<'a> {
    #[serde(rename = "type", borrow)]
    kind: Raw<'a>,
    subtotal: Option<Amount<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    quantity_ordered: Raw<'a>,
    product: Option<Product<'a>>,
    proceeds: Option<Proceeds<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Product<'a> {
    #[serde(borrow)]
    asin: Raw<'a>,
    seller_sku: Raw<'a>,
    price: Option<Price<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Price<'a> {
    #[serde(borrow)]
    unit_price: Option<Amount<'a>>,
}

pub(crate) fn commands(
    body: &Orders<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    if body.order.is_none() && body.orders.is_none() {
        return Err(Field::new("orders", None).malformed("it must be there, or order"));
    }
    let mut commands = Vec::new();
    for order in body.order.iter().chain(body.orders.iter().flatten()) {
        commands.extend(sale(order, catalogue)?.commands(context)?);
    }
    Ok(commands)
}

fn sale(order: &Order<'_>, catalogue: &dyn Catalogue) -> Result<Sale, Failure> {
    let fulfillment = order.fulfillment.as_ref();
    let standing = standing(fulfillment.and_then(|it| it.fulfillment_status))?;
    // What nothing is asked for of, or no more, need not say what it costs.
    let is_wanted = matches!(standing, Standing::Open | Standing::Shipped);
    let items = order.order_items.as_deref().filter(|_| is_wanted).unwrap_or_default();
    let currency = if is_wanted { currency(order, items)? } else { String::new() };
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, catalogue));
    let lines = lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let by = Field::new("fulfillment.fulfilledBy", fulfillment.and_then(|it| it.fulfilled_by)).text()?;
    let placed_at = time("createdTime", order.created_time)?;
    Ok(Sale {
        id: text("orderId", order.order_id)?,
        standing,
        kept_by: kept_by(by, "AMAZON"),
        placed_at,
        changed_at: Field::new("lastUpdatedTime", order.last_updated_time).time()?.unwrap_or(placed_at),
        stated: stated(order.proceeds.as_ref().filter(|_| is_wanted), &currency)?,
        currency,
        lines,
    })
}

fn standing(raw: Raw<'_>) -> Result<Standing, Failure> {
    let field = Field::new("fulfillment.fulfillmentStatus", raw);
    match field.require(field.text()?)?.as_str() {
        "PENDING" | "PENDING_AVAILABILITY" | "UNFULFILLABLE" => Ok(Standing::Pending),
        "UNSHIPPED" | "PARTIALLY_SHIPPED" => Ok(Standing::Open),
        "SHIPPED" => Ok(Standing::Shipped),
        "CANCELLED" | "CANCELED" => Ok(Standing::Cancelled),
        _ => Err(field.malformed("it must be a status of Orders 2026-01-01")),
    }
}

/// The currency of the order: of its total, or else of the first price.
fn currency(order: &Order<'_>, items: &[Item<'_>]) -> Result<String, Failure> {
    let total = order.proceeds.as_ref().and_then(|proceeds| proceeds.grand_total.as_ref());
    if let Some(total) = total {
        return total.currency("proceeds.grandTotal");
    }
    let price = items.iter().find_map(|item| item.product.as_ref()?.price.as_ref()?.unit_price.as_ref());
    let nobody = || Field::new("proceeds.grandTotal", None).malformed("nothing says the order's currency");
    price.ok_or_else(nobody)?.currency("orderItems.product.price.unitPrice")
}

/// None: nothing of it is wanted.
fn line(index: usize, item: &Item<'_>, currency: &str, catalogue: &dyn Catalogue) -> Result<Option<Line>, Failure> {
    let name = |field: &str| format!("orderItems[{index}].{field}");
    let quantity = units(&name("quantityOrdered"), item.quantity_ordered)?;
    if quantity == 0 {
        return Ok(None);
    }
    let product = item.product.as_ref();
    let (sku_name, asin_name) = (name("product.sellerSku"), name("product.asin"));
    let sku = Field::new(&sku_name, product.and_then(|product| product.seller_sku));
    let asin = Field::new(&asin_name, product.and_then(|product| product.asin));
    let content = article(sku, asin, catalogue)?;
    let price = product.and_then(|product| product.price.as_ref()?.unit_price.as_ref());
    let price = price.map_or(Ok(None), |price| price.price(&name("product.price.unitPrice"), currency))?;
    let proceeds = item.proceeds.as_ref();
    let goods = breakdown(&name("proceeds.breakdowns"), proceeds, "ITEM", currency)?;
    let total = proceeds.and_then(|proceeds| proceeds.proceeds_total.as_ref());
    // The total of a line holds its taxes: what the goods cost is their part of it, or else quantity times price.
    let amount = match (goods, &price) {
        (Some(goods), _) => Some(goods),
        (None, Some(price)) => extended(price, quantity),
        (None, None) => money::of(&name("proceeds.proceedsTotal"), total, currency)?,
    };
    Ok(Some(Line { content, quantity, unit_price: price, amount }))
}

fn breakdown(
    name: &str,
    proceeds: Option<&Proceeds<'_>>,
    kind: &str,
    currency: &str,
) -> Result<Option<Money>, Failure> {
    let breakdowns = proceeds.and_then(|proceeds| proceeds.breakdowns.as_deref()).unwrap_or_default();
    for breakdown in breakdowns {
        if Field::new(name, breakdown.kind).text()?.as_deref() == Some(kind) {
            return money::of(name, breakdown.subtotal.as_ref(), currency);
        }
    }
    Ok(None)
}

fn stated(proceeds: Option<&Proceeds<'_>>, currency: &str) -> Result<StatedTotals, Failure> {
    let of = |kind| breakdown("proceeds.breakdowns", proceeds, kind, currency);
    let total = proceeds.and_then(|proceeds| proceeds.grand_total.as_ref());
    Ok(StatedTotals {
        subtotal: of("ITEM")?,
        discount: of("DISCOUNT")?.map(|discount| Money { amount: discount.amount.saturating_abs(), ..discount }),
        tax: of("TAX")?,
        tax_included: false,
        shipping: of("SHIPPING")?,
        total: money::of("proceeds.grandTotal", total, currency)?,
    })
}
