//! Goods that came back with an order.

use tillmesh_plugin::inbound::{Command, RecordReturn};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, StockLine, quantity};

use crate::wire::{LineItem, Order};
use crate::{article, order};

/// What came back. It moves stock: the money is part of the order in which it was given back.
pub(crate) fn of(
    order: &Order<'_>,
    id: &str,
    location: &str,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let mut commands = Vec::new();
    for (index, returned) in order.returns.iter().flatten().enumerate() {
        let items = returned.return_line_items.as_deref().unwrap_or_default().iter().enumerate();
        let place = |line: usize| format!("returns[{index}].return_line_items[{line}]");
        let lines = items.map(|(line, item)| one(&place(line), item, context, catalogue));
        let lines = lines.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        if lines.is_empty() {
            continue;
        }
        commands.push(Command::RecordReturn(RecordReturn {
            reference: format!("{id}/{}", index + 1),
            order: None,
            lines,
            returned_at: order::ended_at(order)?,
            location: Some(location.to_owned()),
        }));
    }
    Ok(commands)
}

fn one(
    place: &str,
    item: &LineItem<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<StockLine>, Failure> {
    let name = format!("{place}.quantity");
    let quantity = Field::new(&name, item.quantity);
    if quantity::is_none(quantity)? {
        return Ok(None);
    }
    let LineContent::Sku(sku) = article::of(place, item, catalogue)? else { return Ok(None) };
    let zeros = quantity::zeros(&LineContent::Sku(sku.clone()), context, catalogue)?;
    let units = quantity.require(quantity::units(quantity, zeros)?)?;
    let quantity = u64::try_from(units).map_err(|_| quantity.malformed("it must not be below 0"))?;
    Ok(Some(StockLine { sku, quantity }))
}
