//! Orders v0: getOrder and getOrders, with what getOrderItems says put into each order as `OrderItems`.

use serde::Deserialize;
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::{Catalogue, Context, Failure, Line, Money, StatedTotals, failure};

use crate::money::{self, Amount};
use crate::sale::{Answer, Sale, Standing, article, currency, kept_by, text, time, units};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Order<'a> {
    #[serde(borrow)]
    amazon_order_id: Raw<'a>,
    purchase_date: Raw<'a>,
    last_update_date: Raw<'a>,
    order_status: Raw<'a>,
    fulfillment_channel: Raw<'a>,
    order_total: Option<Amount<'a>>,
    order_items: Option<Vec<Item<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item<'a> {
    #[serde(rename = "ASIN", borrow)]
    asin: Raw<'a>,
    #[serde(rename = "SellerSKU", borrow)]
    seller_sku: Raw<'a>,
    quantity_ordered: Raw<'a>,
    item_price: Option<Amount<'a>>,
    promotion_discount: Option<Amount<'a>>,
}

/// The payload is an order, or has several.
pub(crate) fn commands(
    body: &Answer<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let mut commands = Vec::new();
    for order in &body.orders::<Order<'_>>()? {
        commands.extend(of_order(order, context, catalogue)?);
    }
    Ok(commands)
}

/// An order whose goods are not asked for yet has no items either.
fn of_order(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
    let id = text("AmazonOrderId", order.amazon_order_id)?;
    let standing = standing(order.order_status)?;
    if standing == Standing::Pending {
        return Ok(Vec::new());
    }
    // A cancellation needs neither items nor a total.
    let is_wanted = standing != Standing::Cancelled;
    let (items, total) = if is_wanted { (items(order, &id)?, order.order_total.as_ref()) } else { (&[][..], None) };
    let prices = items.iter().map(|item| ("OrderItems.ItemPrice", item.item_price.as_ref()));
    let currency = currency(std::iter::once(("OrderTotal", total)).chain(prices), context)?;
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, catalogue));
    let lines = lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let placed_at = time("PurchaseDate", order.purchase_date)?;
    let by = Field::new("FulfillmentChannel", order.fulfillment_channel).text()?;
    let none =
        StatedTotals { subtotal: None, discount: None, tax: None, tax_included: false, shipping: None, total: None };
    let stated = StatedTotals { total: money::of("OrderTotal", total, &currency)?, ..none };
    let changed_at = Field::new("LastUpdateDate", order.last_update_date).time()?.unwrap_or(placed_at);
    Sale { id, standing, kept_by: kept_by(by, "AFN"), placed_at, changed_at, currency, lines, stated }.commands(context)
}

fn items<'o, 'a>(order: &'o Order<'a>, id: &str) -> Result<&'o [Item<'a>], Failure> {
    let rule = "put what getOrderItems says into each order, as OrderItems";
    order.order_items.as_deref().ok_or_else(|| failure::rejected("OrderItems", id, rule))
}

fn standing(raw: Raw<'_>) -> Result<Standing, Failure> {
    let field = Field::new("OrderStatus", raw);
    match field.require(field.text()?)?.as_str() {
        "Pending" | "PendingAvailability" | "Unfulfillable" => Ok(Standing::Pending),
        "Unshipped" | "PartiallyShipped" => Ok(Standing::Open),
        // An invoice that Amazon waits for is one of goods that left.
        "Shipped" | "InvoiceUnconfirmed" => Ok(Standing::Shipped),
        "Canceled" => Ok(Standing::Cancelled),
        _ => Err(field.malformed("it must be a status of Orders v0")),
    }
}

/// `ItemPrice` is what all units of a line cost. None: nothing of it is wanted.
fn line(index: usize, item: &Item<'_>, currency: &str, catalogue: &dyn Catalogue) -> Result<Option<Line>, Failure> {
    let name = |field: &str| format!("OrderItems[{index}].{field}");
    let quantity = units(&name("QuantityOrdered"), item.quantity_ordered)?;
    if quantity == 0 {
        return Ok(None);
    }
    let (sku_name, asin_name) = (name("SellerSKU"), name("ASIN"));
    let content = article(Field::new(&sku_name, item.seller_sku), Field::new(&asin_name, item.asin), catalogue)?;
    let price = money::of(&name("ItemPrice"), item.item_price.as_ref(), currency)?;
    let discount = money::of(&name("PromotionDiscount"), item.promotion_discount.as_ref(), currency)?;
    let off = discount.map_or(0, |discount| discount.amount);
    let amount = price.map(|price| Money { amount: price.amount.saturating_sub(off), ..price });
    Ok(Some(Line { content, quantity, unit_price: None, amount }))
}
