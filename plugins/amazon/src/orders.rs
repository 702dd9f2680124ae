//! Orders 2026-01-01: getOrder and searchOrders.

use serde::Deserialize;
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::money::extended;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, Money, StatedTotals};

use crate::money::{self, Amount};
use crate::sale::{Sale, Standing, article, currency, kept_by, text, time, units};

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
#[serde(rename_all = "camelCase")]
struct Breakdown<'a> {
    #[serde(rename = "type", borrow)]
    kind: Raw<'a>,
    subtotal: Option<Amount<'a>>,
    detailed_breakdowns: Option<Vec<Detail<'a>>>,
}

/// What of a part is for the goods, for shipping, or for something else.
#[derive(Debug, Deserialize)]
struct Detail<'a> {
    #[serde(borrow)]
    subtype: Raw<'a>,
    value: Option<Amount<'a>>,
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
        commands.extend(sale(order, context, catalogue)?.commands(context)?);
    }
    Ok(commands)
}

fn sale(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Sale, Failure> {
    let fulfillment = order.fulfillment.as_ref();
    let standing = standing(fulfillment.and_then(|it| it.fulfillment_status))?;
    // What nothing is asked for of, or no more, need not say what it costs.
    let is_wanted = matches!(standing, Standing::Open | Standing::Shipped);
    let items = order.order_items.as_deref().filter(|_| is_wanted).unwrap_or_default();
    let proceeds = order.proceeds.as_ref().filter(|_| is_wanted);
    let total = proceeds.and_then(|proceeds| proceeds.grand_total.as_ref());
    let prices = items.iter().map(|item| ("orderItems.product.price.unitPrice", unit_price(item)));
    let currency = currency(std::iter::once(("proceeds.grandTotal", total)).chain(prices), context)?;
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
        stated: stated(proceeds, items, &currency)?,
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
    let price = unit_price(item).map_or(Ok(None), |price| price.price(&name("product.price.unitPrice"), currency))?;
    let proceeds = item.proceeds.as_ref();
    let goods = breakdown(&name("proceeds.breakdowns"), proceeds, "ITEM", currency)?;
    let total = proceeds.and_then(|proceeds| proceeds.proceeds_total.as_ref());
    // The total of a line holds its taxes: what the goods cost is their part of it, or else quantity times price.
    let listed = match (goods, &price) {
        (Some(goods), _) => Some(goods),
        (None, Some(price)) => extended(price, quantity),
        (None, None) => None,
    };
    let off = discount(&name("proceeds.breakdowns"), proceeds, currency)?.goods;
    let amount = match listed {
        Some(listed) => Some(less(listed, off)),
        None => money::of(&name("proceeds.proceedsTotal"), total, currency)?,
    };
    Ok(Some(Line { content, quantity, unit_price: price, amount }))
}

fn unit_price<'o, 'a>(item: &'o Item<'a>) -> Option<&'o Amount<'a>> {
    item.product.as_ref()?.price.as_ref()?.unit_price.as_ref()
}

fn less(money: Money, off: i64) -> Money {
    Money { amount: money.amount.saturating_sub(off), ..money }
}

/// The part of one kind.
fn part<'o, 'a>(
    name: &str,
    proceeds: Option<&'o Proceeds<'a>>,
    kind: &str,
) -> Result<Option<&'o Breakdown<'a>>, Failure> {
    for breakdown in proceeds.and_then(|proceeds| proceeds.breakdowns.as_deref()).unwrap_or_default() {
        if Field::new(name, breakdown.kind).text()?.as_deref() == Some(kind) {
            return Ok(Some(breakdown));
        }
    }
    Ok(None)
}

fn breakdown(
    name: &str,
    proceeds: Option<&Proceeds<'_>>,
    kind: &str,
    currency: &str,
) -> Result<Option<Money>, Failure> {
    let part = part(name, proceeds, kind)?;
    money::of(name, part.and_then(|part| part.subtotal.as_ref()), currency)
}

/// What is taken off, never below 0.
#[derive(Debug, Clone, Copy, Default)]
struct Discount {
    goods: i64,
    shipping: i64,
    /// Off whatever it is.
    all: i64,
}

/// What is taken off a line. Where Amazon does not say off what, it is off the goods.
fn discount(name: &str, proceeds: Option<&Proceeds<'_>>, currency: &str) -> Result<Discount, Failure> {
    let Some(part) = part(name, proceeds, "DISCOUNT")? else { return Ok(Discount::default()) };
    let all = off(name, part.subtotal.as_ref(), currency)?;
    let Some(details) = part.detailed_breakdowns.as_ref().filter(|details| !details.is_empty()) else {
        return Ok(Discount { goods: all, shipping: 0, all });
    };
    let mut found = Discount { all, ..Discount::default() };
    for detail in details {
        let value = off(name, detail.value.as_ref(), currency)?;
        match Field::new(name, detail.subtype).text()?.as_deref() {
            Some("ITEM") => found.goods = found.goods.saturating_add(value),
            Some("SHIPPING") => found.shipping = found.shipping.saturating_add(value),
            _ => {}
        }
    }
    Ok(found)
}

/// Amazon writes what is taken off below 0.
fn off(name: &str, amount: Option<&Amount<'_>>, currency: &str) -> Result<i64, Failure> {
    Ok(money::of(name, amount, currency)?.map_or(0, |money| money.amount.saturating_abs()))
}

/// The totals after discounts. What a discount is off, Amazon says of lines alone.
fn stated(proceeds: Option<&Proceeds<'_>>, items: &[Item<'_>], currency: &str) -> Result<StatedTotals, Failure> {
    let name = "proceeds.breakdowns";
    let of = |kind| breakdown(name, proceeds, kind, currency);
    let (mut goods, mut shipping) = (discount(name, proceeds, currency)?.all, 0_i64);
    for item in items {
        let of_line = discount("orderItems.proceeds.breakdowns", item.proceeds.as_ref(), currency)?;
        goods = goods.saturating_sub(of_line.all.saturating_sub(of_line.goods));
        shipping = shipping.saturating_add(of_line.shipping);
    }
    let goods = goods.max(0);
    let total = proceeds.and_then(|proceeds| proceeds.grand_total.as_ref());
    let taken_off = Money { amount: goods, currency: currency.to_owned() };
    Ok(StatedTotals {
        subtotal: of("ITEM")?.map(|listed| less(listed, goods)),
        discount: Some(taken_off).filter(|taken_off| taken_off.amount > 0),
        tax: of("TAX")?,
        tax_included: false,
        shipping: of("SHIPPING")?.map(|shipping_price| less(shipping_price, shipping)),
        total: money::of("proceeds.grandTotal", total, currency)?,
    })
}
