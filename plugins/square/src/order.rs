//! Orders as they stand: the state decides.

use tillmesh_plugin::inbound::{CancelOrder, Command, PlaceOrder};
use tillmesh_plugin::json::{Field, Raw};
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, Line, LineContent, StatedTotals, fulfilment, quantity};

use crate::wire::{LineItem, Order, Orders};
use crate::{article, money, returned};

/// One order, or several.
pub(crate) fn stand(
    orders: &Orders<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let several = orders.orders.as_deref().unwrap_or_default();
    if orders.order.is_none() && orders.orders.is_none() {
        return Err(Field::new("order", None).malformed("it must be there"));
    }
    let mut commands = Vec::new();
    for order in orders.order.iter().chain(several) {
        commands.extend(one(order, context, catalogue)?);
    }
    Ok(commands)
}

/// What is open waits for its buyer; what was completed without anything to fulfil left over the counter. The node
/// takes each order and each fulfilment once, however often it comes.
fn one(order: &Order<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure> {
    let (id, state) = (field("id", order.id)?, field("state", order.state)?);
    let place = field("location_id", order.location_id)?;
    let Place::Here(location) = location::of("location_id", Some(&place), context)? else { return Ok(Vec::new()) };
    let mut commands = match state.as_str() {
        "DRAFT" => Vec::new(),
        "CANCELED" => vec![cancelled(order, id.clone())?],
        "OPEN" | "COMPLETED" => placed(order, &id, &location, state == "COMPLETED", context, catalogue)?,
        _ => {
            let rule = "it must be OPEN, COMPLETED, CANCELED or DRAFT";
            return Err(Field::new("state", order.state).malformed(rule));
        }
    };
    // Goods come back when the order is closed by which they do.
    if state == "COMPLETED" {
        commands.extend(returned::of(order, &id, &location, context, catalogue)?);
    }
    Ok(commands)
}

/// The order, and, once it was completed, what left: over the counter, or where the channel fulfils its orders. One
/// without lines means nothing: nothing was added to it yet, or it is one of returns alone.
fn placed(
    order: &Order<'_>,
    id: &str,
    location: &str,
    completed: bool,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let items = order.line_items.as_deref().unwrap_or_default();
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let currency = money::currency("total_money", order.total_money.as_ref())?;
    let lines = items.iter().enumerate().map(|(index, item)| line(index, item, &currency, context, catalogue));
    let mut lines = lines.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    lines.extend(tip(order, &currency)?);
    let stated = stated(order, &lines, &currency)?;
    let created = Field::new("created_at", order.created_at);
    let (placed_at, location) = (created.require(created.time()?)?, Some(location.to_owned()));
    let customer_ref = Field::new("customer_id", order.customer_id).text()?;
    let over_the_counter = order.fulfillments.as_ref().is_none_or(Vec::is_empty);
    let mut left = None;
    if completed && (over_the_counter || fulfilment::is_of_channel(context)?) {
        left = fulfilment::of(id, &lines, ended_at(order)?, location.clone());
    }
    let reference = id.to_owned();
    let placed = PlaceOrder { reference, lines, customer_ref, currency, stated, placed_at, location };
    Ok(std::iter::once(Command::PlaceOrder(placed)).chain(left).collect())
}

fn cancelled(order: &Order<'_>, reference: String) -> Result<Command, Failure> {
    let (cancelled_at, reason) = (ended_at(order)?, Some("canceled".to_owned()));
    Ok(Command::CancelOrder(CancelOrder { reference, cancelled_at, reason }))
}

/// When an order was closed, or else changed last.
pub(crate) fn ended_at(order: &Order<'_>) -> Result<i64, Failure> {
    let closed = Field::new("closed_at", order.closed_at).time()?;
    let updated = Field::new("updated_at", order.updated_at);
    let ended = closed.map_or_else(|| updated.time(), |closed| Ok(Some(closed)))?;
    updated.require(ended)
}

fn field(name: &str, raw: Raw<'_>) -> Result<String, Failure> {
    let field = Field::new(name, raw);
    field.require(field.text()?)
}

/// The tip is money without stock.
fn tip(order: &Order<'_>, currency: &str) -> Result<Option<Line>, Failure> {
    let tip = money::of("total_tip_money", order.total_tip_money.as_ref(), currency)?.filter(|tip| tip.amount != 0);
    let content = LineContent::Charge("tip".to_owned());
    Ok(tip.map(|tip| Line { content, quantity: 1, unit_price: None, amount: Some(tip) }))
}

/// None: nothing of it is wanted any more. Square takes such a line away once the order is completed.
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
    let money = |field: &str, money| money::of(&format!("{place}.{field}"), money, currency);
    let total = money("total_money", item.total_money.as_ref())?;
    // Taxes and service charges stand beside, also those that the price includes.
    let beside = [
        money("total_tax_money", item.total_tax_money.as_ref())?,
        money("total_service_charge_money", item.total_service_charge_money.as_ref())?,
    ];
    let beside = beside.into_iter().flatten().fold(0_i64, |sum, money| sum.saturating_add(money.amount));
    let amount = total.map(|total| tillmesh_plugin::Money { amount: total.amount.saturating_sub(beside), ..total });
    let price = money("base_price_money", item.base_price_money.as_ref())?;
    let unit_price = price.and_then(|price| quantity::minor_price(&price, zeros));
    Ok(Some(Line { content, quantity: units, unit_price, amount }))
}

/// The totals. Square states no subtotal: it is what the lines come to after their discounts, without
/// taxes.
fn stated(order: &Order<'_>, lines: &[Line], currency: &str) -> Result<StatedTotals, Failure> {
    let goods = lines.iter().filter_map(|line| line.amount.as_ref());
    let subtotal = goods.map(|money| money.amount).try_fold(0_i64, i64::checked_add);
    let subtotal = subtotal.ok_or_else(|| Field::new("line_items", None).malformed("the sum is too large"))?;
    let of = |name, money| money::of(name, money, currency);
    Ok(StatedTotals {
        subtotal: Some(tillmesh_plugin::Money { amount: subtotal, currency: currency.to_owned() }),
        discount: of("total_discount_money", order.total_discount_money.as_ref())?,
        tax: of("total_tax_money", order.total_tax_money.as_ref())?,
        tax_included: false,
        shipping: of("total_service_charge_money", order.total_service_charge_money.as_ref())?,
        total: of("total_money", order.total_money.as_ref())?,
    })
}
