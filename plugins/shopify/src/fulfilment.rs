//! Goods that Shopify says have left.

use tillmesh_plugin::inbound::{Command, FulfilOrder};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Catalogue, Context, Failure, StockLine, failure, fulfilment};

use crate::routing;
use crate::wire::{Fulfilment, LineItem, Order};
use crate::{article, order};

/// Where goods of a fulfilment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// They left.
    Gone,
    /// Whoever ships them has not done so, or could not.
    Here,
    /// They left, or were about to, and somebody said that they have not.
    Cancelled,
}

/// `fulfillments/create` and `fulfillments/update`. Where nodes fulfil the orders, Shopify says what they told it.
pub(crate) fn changed(
    fulfilment: &Fulfilment<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    if !fulfilment::is_of_channel(context)? {
        return Ok(Vec::new());
    }
    match standing("status", fulfilment)? {
        Standing::Gone => Ok(gone("", fulfilment, context, catalogue)?.into_iter().collect()),
        Standing::Here => Ok(Vec::new()),
        Standing::Cancelled => {
            let rule = "a fulfilment that was recorded is not undone: see that what is in stock is counted";
            Err(failure::unsupported("status", "cancelled", rule))
        }
    }
}

/// `orders/fulfilled` and `orders/partially_fulfilled`: the same fulfilments, which the node takes once.
pub(crate) fn of_order(
    order: &Order<'_>,
    is_whole: bool,
    context: &Context,
    catalogue: &dyn Catalogue,
    store: &mut dyn Store,
) -> Result<Vec<Command>, Failure> {
    let id = order::id(order)?;
    let mut commands = Vec::new();
    if fulfilment::is_of_channel(context)? {
        for (index, fulfilment) in order.fulfillments.iter().flatten().enumerate() {
            let place = format!("fulfillments[{index}].");
            if standing(&format!("{place}status"), fulfilment)? == Standing::Gone {
                commands.extend(gone(&place, fulfilment, context, catalogue)?);
            }
        }
    }
    if is_whole {
        routing::forget(&id, store);
    }
    Ok(commands)
}

fn standing(name: &str, fulfilment: &Fulfilment<'_>) -> Result<Standing, Failure> {
    let status = Field::new(name, fulfilment.status);
    match status.require(status.text()?)?.as_str() {
        "success" => Ok(Standing::Gone),
        "pending" | "open" | "error" | "failure" => Ok(Standing::Here),
        "cancelled" => Ok(Standing::Cancelled),
        _ => Err(status.malformed("it must be pending, open, success, cancelled, error or failure")),
    }
}

/// The goods that left; nothing where they are charges alone, or where nobody wants to hear of the location.
fn gone(
    place: &str,
    fulfilment: &Fulfilment<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<Command>, Failure> {
    let name = |field: &str| format!("{place}{field}");
    let (id, order, at, from) = (name("id"), name("order_id"), name("created_at"), name("location_id"));
    let (id, order) = (Field::new(&id, fulfilment.id), Field::new(&order, fulfilment.order_id));
    let (reference, order) = (id.require(id.id()?)?, order.require(order.id()?)?);
    let at = Field::new(&at, fulfilment.created_at);
    let fulfilled_at = at.require(at.time()?)?;
    let from = Field::new(&from, fulfilment.location_id);
    let location = match location::of(from.path, from.id()?.as_deref(), context)? {
        Place::Ignored => return Ok(None),
        Place::Unsaid => None,
        Place::Here(name) => Some(name),
    };
    let items = name("line_items");
    let lines = lines(&items, fulfilment.line_items.as_deref(), catalogue)?;
    let left = FulfilOrder { reference, order, lines, fulfilled_at, location };
    Ok(Some(left).filter(|left| !left.lines.is_empty()).map(Command::FulfilOrder))
}

fn lines(name: &str, items: Option<&[LineItem<'_>]>, catalogue: &dyn Catalogue) -> Result<Vec<StockLine>, Failure> {
    let items = Field::new(name, None).require(items)?.iter().enumerate();
    let line = |(index, item): (usize, &LineItem<'_>)| {
        let place = format!("{name}[{index}]");
        let quantity = article::units(Field::new(format_args!("{place}.quantity"), item.quantity))?;
        article::goods(&place, item, quantity, catalogue)
    };
    items.map(line).filter_map(Result::transpose).collect()
}
