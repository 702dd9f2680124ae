//! Orders. Each webhook has the order as it stands, so a status decides, not the topic.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, Money, StatedTotals, fulfilment, quantity};

use crate::article;
use crate::wire::{Extra, LineItem, Order};

/// An order that is not placed yet, or is no more: nothing follows. One whose payment failed may be paid the next time.
const NOT_PLACED: [&str; 5] = ["auto-draft", "checkout-draft", "draft", "failed", "trash"];
/// An order that gives its goods back: nothing more is to be done for one that is refunded as a whole.
const GIVEN_UP: [&str; 2] = ["cancelled", "refunded"];
/// An order that was handed over or shipped.
const COMPLETED: &str = "completed";

/// An order as it stands. The node takes each order once, however often it comes.
pub(crate) fn stands(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
    let status = Field::new("status", order.status);
    let status = status.require(status.text()?)?;
    if NOT_PLACED.contains(&status.as_str()) {
        return Ok(Vec::new());
    }
    if GIVEN_UP.contains(&status.as_str()) {
        let modified = Field::new("date_modified_gmt", order.date_modified_gmt);
        let cancelled_at = modified.require(modified.utc_time()?)?;
        return Ok(vec![Command::CancelOrder(CancelOrder {
            reference: id(order)?,
            cancelled_at,
            reason: Some(status),
        })]);
    }
    let Some(placed) = placed(order, context, catalogue)? else { return Ok(Vec::new()) };
    let mut left = None;
    if status == COMPLETED && fulfilment::is_of_channel(context)? {
        let modified = Field::new("date_modified_gmt", order.date_modified_gmt);
        let fulfilled_at = modified.require(modified.utc_time()?)?;
        left = fulfilment::of(&placed.reference, &placed.lines, fulfilled_at, placed.location.clone());
    }
    Ok(std::iter::once(Command::PlaceOrder(placed)).chain(left).collect())
}

/// None: nothing was added to it yet.
fn placed(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Option<PlaceOrder>, Failure> {
    let (reference, currency) = (id(order)?, currency(order)?);
    let created = Field::new("date_created_gmt", order.date_created_gmt);
    let placed_at = created.require(created.utc_time()?)?;
    let items = Field::new("line_items", None).require(order.line_items.as_deref())?.iter().enumerate();
    let items = items.map(|(index, it)| line(index, it, &currency, context, catalogue));
    let mut lines = items.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Ok(None);
    }
    for (index, it) in order.fee_lines.iter().flatten().enumerate() {
        lines.push(fee(index, it, &currency)?);
    }
    let customer_ref = Field::new("customer_id", order.customer_id).text()?.filter(|id| id != "0");
    let location = context.setting("location").filter(|name| !name.is_empty()).map(str::to_owned);
    let stated = stated(order, &lines, &currency)?;
    Ok(Some(PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location }))
}

fn id(order: &Order<'_>) -> Result<String, Failure> {
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

/// None: nothing of it is wanted.
fn line(
    index: usize,
    item: &LineItem<'_>,
    currency: &str,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<Line>, Failure> {
    let place = format!("line_items[{index}]");
    let path = format_args!("{place}.quantity");
    let quantity = Field::new(path, item.quantity);
    if quantity::is_none(quantity)? {
        return Ok(None);
    }
    let content = article::of(&place, item, catalogue)?;
    let zeros = quantity::zeros(&content, context, catalogue)?;
    let units = quantity.require(quantity::units(quantity, zeros)?)?;
    let units = u64::try_from(units).map_err(|_| quantity.malformed("it must not be below 0"))?;
    let unit_price = quantity::unit_price(Field::new(format_args!("{place}.price"), item.price), currency, zeros)?;
    let amount = Field::new(format_args!("{place}.total"), item.total).amount(currency)?;
    Ok(Some(Line { content, quantity: units, unit_price, amount }))
}

/// A fee is money without stock.
fn fee(index: usize, fee: &Extra<'_>, currency: &str) -> Result<Line, Failure> {
    let (id, total) = (format!("fee_lines[{index}].id"), format!("fee_lines[{index}].total"));
    let id = Field::new(&id, fee.id);
    let content = LineContent::Charge(format!("fee-{}", id.require(id.text()?)?));
    Ok(Line { content, quantity: 1, unit_price: None, amount: Field::new(&total, fee.total).amount(currency)? })
}

/// The totals. WooCommerce states no subtotal after discounts: it is what its lines and fees come to. Taxes always
/// stand beside.
fn stated(order: &Order<'_>, lines: &[Line], currency: &str) -> Result<StatedTotals, Failure> {
    let amount = |name, raw| Field::new(name, raw).amount(currency);
    let goods = lines.iter().filter_map(|line| line.amount.as_ref()).map(|money| money.amount);
    let shipping = order.shipping_lines.as_deref().unwrap_or_default().iter();
    let shipping =
        shipping.map(|line| amount("shipping_lines[].total", line.total).map(|money| money.map_or(0, |it| it.amount)));
    let shipping = shipping.collect::<Result<Vec<_>, _>>()?;
    let money = |amount| Money { amount, currency: currency.to_owned() };
    Ok(StatedTotals {
        subtotal: Some(money(sum("line_items[].total", goods)?)),
        discount: amount("discount_total", order.discount_total)?,
        tax: amount("total_tax", order.total_tax)?,
        tax_included: false,
        shipping: Some(money(sum("shipping_lines[].total", shipping.into_iter())?)),
        total: amount("total", order.total)?,
    })
}

fn sum(name: &str, mut amounts: impl Iterator<Item = i64>) -> Result<i64, Failure> {
    let sum = amounts.try_fold(0_i64, i64::checked_add);
    sum.ok_or_else(|| Field::new(name, None).malformed("the sum is too large"))
}
