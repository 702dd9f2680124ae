//! Orders.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::json::{self, Field, Raw};
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::product::shortened;
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, Money, StatedTotals, failure};

use crate::article;
use crate::routing;
use crate::wire::{LineItem, Order, ShippingLine};

/// `orders/create`.
pub(crate) fn created(
    order: &Order<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let (reference, currency) = (id(order)?, currency(order)?);
    let created_at = Field::new("created_at", order.created_at);
    let placed_at = created_at.require(created_at.time()?)?;
    let from = Field::new("location_id", order.location_id);
    let location = match location::of(from.path, from.id()?.as_deref(), context)? {
        Place::Ignored => return Ok(Vec::new()),
        Place::Unsaid => None,
        Place::Here(name) => Some(name),
    };
    let customer = order.customer.as_ref().and_then(|customer| customer.id);
    let customer_ref = Field::new("customer.id", customer).id()?;
    let items = order.line_items.as_deref().unwrap_or_default();
    if items.is_empty() {
        return Err(failure::malformed("line_items", "", "an order must have at least one line"));
    }
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, catalogue));
    let lines = lines.collect::<Result<_, _>>()?;
    let stated = stated(order, &currency)?;
    Ok(vec![Command::PlaceOrder(PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location })])
}

/// `orders/cancelled`. What was known of the order's fulfilment is of no use any more.
pub(crate) fn cancelled(order: &Order<'_>, store: &mut dyn Store) -> Result<Vec<Command>, Failure> {
    let reference = id(order)?;
    let at = Field::new("cancelled_at", order.cancelled_at);
    let cancelled_at = at.require(at.time()?)?;
    let reason = Field::new("cancel_reason", order.cancel_reason).text()?.map(|reason| shortened(&reason));
    routing::forget(&reference, store);
    Ok(vec![Command::CancelOrder(CancelOrder { reference, cancelled_at, reason })])
}

pub(crate) fn id(order: &Order<'_>) -> Result<String, Failure> {
    let id = Field::new("id", order.id);
    id.require(id.id()?)
}

fn currency(order: &Order<'_>) -> Result<String, Failure> {
    let field = Field::new("currency", order.currency);
    let code = field.require(field.text()?)?;
    if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(field.malformed("it must be a currency of ISO 4217, three capital letters"))
}

fn line(index: usize, item: &LineItem<'_>, currency: &str, catalogue: &dyn Catalogue) -> Result<Line, Failure> {
    let place = format_args!("line_items[{index}]");
    let quantity = article::units(Field::new(format_args!("{place}.quantity"), item.quantity))?;
    let price_path = format_args!("{place}.price");
    let price = Field::new(price_path, item.price);
    let unit_price = price.unit_price(currency)?;
    let amount = match price.minor_units(currency)? {
        Some(of_one) => Some(line_amount(of_one, quantity, line_discount(index, item, currency)?, price.path)?),
        None => None,
    };
    let amount = amount.map(|amount| Money { amount, currency: currency.to_owned() });
    Ok(Line { content: article::of(&place, item, catalogue)?, quantity, unit_price, amount })
}

fn line_amount(of_one: i64, count: u64, discount: i64, place: json::Path<'_>) -> Result<i64, Failure> {
    let exact = i128::from(of_one) * i128::from(count) - i128::from(discount);
    i64::try_from(exact).map_err(|_| failure::malformed(place, of_one, "the line's amount is too large"))
}

/// What is taken off a line: the parts of all discounts that fall on it, or, where Shopify does not send those, its
/// own.
fn line_discount(index: usize, item: &LineItem<'_>, currency: &str) -> Result<i64, Failure> {
    let Some(allocations) = &item.discount_allocations else {
        let path = format_args!("line_items[{index}].total_discount");
        return Ok(Field::new(path, item.total_discount).minor_units(currency)?.unwrap_or_default());
    };
    let parts = allocations.iter().map(|allocation| allocation.amount);
    let place = format_args!("line_items[{index}].discount_allocations[].amount");
    sum(place.into(), parts, currency).map(Option::unwrap_or_default)
}

/// The totals as Shopify states them.
fn stated(order: &Order<'_>, currency: &str) -> Result<StatedTotals, Failure> {
    let amount = |name, raw| Field::new(name, raw).amount(currency);
    Ok(StatedTotals {
        subtotal: amount("subtotal_price", order.subtotal_price)?,
        discount: amount("total_discounts", order.total_discounts)?,
        tax: amount("total_tax", order.total_tax)?,
        tax_included: Field::new("taxes_included", order.taxes_included).flag()?,
        shipping: shipping(order.shipping_lines.as_deref().unwrap_or_default(), currency)?,
        total: amount("total_price", order.total_price)?,
    })
}

/// What the ways of shipping cost after discounts; none where there are none.
fn shipping(lines: &[ShippingLine<'_>], currency: &str) -> Result<Option<Money>, Failure> {
    let mut sum = None;
    for line in lines {
        let cost = shipping_cost(line, currency)?;
        let field = Field::new("shipping_lines[].price", line.price);
        let so_far: i64 = sum.unwrap_or_default();
        sum = Some(so_far.checked_add(cost).ok_or_else(|| field.malformed("the sum is too large"))?);
    }
    Ok(sum.map(|amount| Money { amount, currency: currency.to_owned() }))
}

/// Whether the discounts of the whole order are in `discounted_price` depends on the version of Shopify's API: where
/// they are not, the parts of them say what is taken off.
fn shipping_cost(line: &ShippingLine<'_>, currency: &str) -> Result<i64, Failure> {
    let amount = |name, raw| Field::new(name, raw).minor_units(currency);
    let parts = line.discount_allocations.iter().flatten().map(|part| part.amount);
    let off = sum("shipping_lines[].discount_allocations[].amount".into(), parts, currency)?.unwrap_or_default();
    let listed = amount("shipping_lines[].price", line.price)?.map(|price| price.saturating_sub(off));
    let discounted = amount("shipping_lines[].discounted_price", line.discounted_price)?;
    Ok([listed, discounted].into_iter().flatten().min().unwrap_or_default())
}

/// The sum of amounts; none when there are none.
fn sum<'a>(
    place: json::Path<'_>,
    amounts: impl Iterator<Item = Raw<'a>>,
    currency: &str,
) -> Result<Option<i64>, Failure> {
    let mut sum: Option<i64> = None;
    for raw in amounts {
        let field = Field::new(place, raw);
        let amount = field.minor_units(currency)?.unwrap_or_default();
        sum = Some(sum.unwrap_or(0).checked_add(amount).ok_or_else(|| field.malformed("the sum is too large"))?);
    }
    Ok(sum)
}
