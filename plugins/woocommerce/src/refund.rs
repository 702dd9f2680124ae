//! Refunds, as the REST API gives them (`GET /orders/<id>/refunds`): WooCommerce has no webhook with their lines.

use tillmesh_plugin::inbound::{Command, RecordReturn};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, StockLine, quantity};

use crate::article;
use crate::wire::{LineItem, Refund};

/// What came back with each refund. One of money alone brings nothing back.
pub(crate) fn given(
    refunds: &[Refund<'_>],
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    refunds.iter().map(|refund| one(refund, context, catalogue)).filter_map(Result::transpose).collect()
}

fn one(refund: &Refund<'_>, context: &Context, catalogue: &dyn Catalogue) -> Result<Option<Command>, Failure> {
    let id = Field::new("id", refund.id);
    let reference = id.require(id.id()?)?;
    let created = Field::new("date_created_gmt", refund.date_created_gmt);
    let returned_at = created.require(created.utc_time()?)?;
    let items = refund.line_items.as_deref().unwrap_or_default().iter().enumerate();
    let lines = items.map(|(index, item)| line(index, item, context, catalogue));
    let lines = lines.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Ok(None);
    }
    let order = Some(order(refund)?);
    let location = context.setting("location").filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(Some(Command::RecordReturn(RecordReturn { reference, order, lines, returned_at, location })))
}

/// Quantities of a refund are negative; 0 where only money is given back.
fn line(
    index: usize,
    item: &LineItem<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<StockLine>, Failure> {
    let place = format!("line_items[{index}]");
    let name = format!("{place}.quantity");
    let quantity = Field::new(&name, item.quantity);
    if quantity::is_none(quantity)? {
        return Ok(None);
    }
    let LineContent::Sku(sku) = article::of(&place, item, catalogue)? else { return Ok(None) };
    let zeros = quantity::zeros(&LineContent::Sku(sku.clone()), context, catalogue)?;
    let units = quantity.require(quantity::units(quantity, zeros)?)?;
    if units > 0 {
        return Err(quantity.malformed("it must be below 0, or 0, on a refund"));
    }
    Ok(Some(StockLine { sku, quantity: units.unsigned_abs() }))
}

/// The order's id is in no field: it ends the link to the order.
fn order(refund: &Refund<'_>) -> Result<String, Failure> {
    let up = refund.links.as_ref().and_then(|links| links.get("up")?.first());
    let field = Field::new("_links.up[0].href", up.and_then(|link| link.href));
    let href = field.require(field.text()?)?;
    let id = href.rsplit('/').next().filter(|id| id.parse::<u64>().is_ok());
    id.map(str::to_owned).ok_or_else(|| field.malformed("it must end with the number of the order"))
}
