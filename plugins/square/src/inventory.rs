//! Inventory: how much there is, and what was counted.

use std::collections::BTreeMap;

use tillmesh_plugin::inbound::{Command, CountStock, SetAvailable};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, LineContent, StockLine, failure, quantity};

use crate::article;
use crate::wire::{Changes, Count, CountUpdated, Counts};

/// What can be sold; the others are on their way, set aside or gone.
const SELLABLE: &str = "IN_STOCK";

/// `inventory.count.updated`.
pub(crate) fn updated(
    event: &CountUpdated<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let object = event.data.as_ref().and_then(|data| data.object.as_ref());
    let counts = object.and_then(|object| object.inventory_counts.as_deref());
    available("data.object.inventory_counts", counts, None, context, catalogue)
}

/// Counts as the API gives them now: each says when it changed last, which may be long ago.
pub(crate) fn counts(
    counts: &Counts<'_>,
    now: i64,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    available("counts", counts.counts.as_deref(), Some(now), context, catalogue)
}

/// What was counted by hand. Other changes are Square's own sales and transfers, which orders and counts say.
pub(crate) fn changes(
    changes: &Changes<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let (mut commands, mut said) = (Vec::new(), Said::default());
    if changes.count.is_none() && changes.changes.is_none() {
        return Err(Field::new("changes", None).malformed("it must be there"));
    }
    if let Some(count) = &changes.count {
        commands.extend(counted("count", count, &mut said, context, catalogue)?);
    }
    for (index, change) in changes.changes.iter().flatten().enumerate() {
        let kind = format!("changes[{index}].type");
        let kind = Field::new(&kind, change.kind);
        if kind.require(kind.text()?)? != "PHYSICAL_COUNT" {
            continue;
        }
        let place = format!("changes[{index}].physical_count");
        let count = Field::new(&place, None).require(change.physical_count.as_ref())?;
        commands.extend(counted(&place, count, &mut said, context, catalogue)?);
    }
    Ok(commands)
}

fn available(
    name: &str,
    counts: Option<&[Count<'_>]>,
    now: Option<i64>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let counts = Field::new(name, None).require(counts)?;
    let (mut commands, mut said) = (Vec::new(), Said::default());
    for (index, count) in counts.iter().enumerate() {
        let place = format!("{name}[{index}]");
        let at = format!("{place}.calculated_at");
        let at = Field::new(&at, count.calculated_at);
        let calculated_at = at.require(at.time()?)?;
        let as_of = now.unwrap_or(calculated_at);
        let Some(stock) = stock(&place, count, context, catalogue)? else { continue };
        match said.of(&stock) {
            Some(known) if known.units == stock.units && known.of == stock.of => continue,
            Some(known) => return Err(twice(&place, &known, &stock)),
            None => {}
        }
        let Stock { sku, units: available, location, .. } = stock;
        commands.push(Command::SetAvailable(SetAvailable { sku, available, as_of, location: Some(location) }));
    }
    Ok(commands)
}

fn counted(
    place: &str,
    count: &Count<'_>,
    said: &mut Said,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<Command>, Failure> {
    let (id, at, quantity) = (format!("{place}.id"), format!("{place}.occurred_at"), format!("{place}.quantity"));
    let (id, at) = (Field::new(&id, count.id), Field::new(&at, count.occurred_at));
    let (reference, counted_at) = (id.require(id.text()?)?, at.require(at.time()?)?);
    let Some(stock) = stock(place, count, context, catalogue)? else { return Ok(None) };
    // What was counted again at one place counts again.
    if let Some(known) = said.of(&stock).filter(|known| known.of != stock.of) {
        return Err(twice(place, &known, &stock));
    }
    let Stock { sku, units, location, .. } = stock;
    let counted = u64::try_from(units);
    let quantity = counted.map_err(|_| Field::new(&quantity, count.quantity).malformed("it must be at least 0"))?;
    let (lines, location) = (vec![StockLine { sku, quantity }], Some(location));
    Ok(Some(Command::CountStock(CountStock { reference, lines, counted_at, location })))
}

/// How much of what there is where.
#[derive(Debug, Clone)]
struct Stock {
    sku: String,
    units: i64,
    /// The node's name of the location, and Square's.
    location: String,
    of: String,
}

/// What a message said so far, by location of the node's and SKU.
#[derive(Debug, Default)]
struct Said(BTreeMap<(String, String), Stock>);

impl Said {
    /// What was said before of the same article at the same location. This is what was said from now on.
    fn of(&mut self, stock: &Stock) -> Option<Stock> {
        self.0.insert((stock.location.clone(), stock.sku.clone()), stock.clone())
    }
}

/// Of two of Square's locations for one of the node's, one would be lost.
fn twice(place: &str, known: &Stock, stock: &Stock) -> Failure {
    let rule = if known.of == stock.of {
        "the message says twice how much there is of it at one location".to_owned()
    } else {
        format!("the settings say that it is the same location as {}, and both have the article", known.of)
    };
    failure::rejected(format!("{place}.location_id"), &stock.of, rule)
}

/// How much of what there is where; nothing where it cannot be sold, or where nobody wants to hear of the location.
fn stock(
    place: &str,
    count: &Count<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Option<Stock>, Failure> {
    let name = |field: &str| format!("{place}.{field}");
    let (state, id, at, amount) = (name("state"), name("catalog_object_id"), name("location_id"), name("quantity"));
    let state = Field::new(&state, count.state);
    if state.require(state.text()?)? != SELLABLE {
        return Ok(None);
    }
    let at = Field::new(&at, count.location_id);
    let of = at.require(at.text()?)?;
    let Place::Here(location) = location::of(at.path, Some(&of), context)? else { return Ok(None) };
    let sku = article::sku(Field::new(&id, count.catalog_object_id), catalogue)?;
    let zeros = quantity::zeros(&LineContent::Sku(sku.clone()), context, catalogue)?;
    let amount = Field::new(&amount, count.quantity);
    let units = amount.require(quantity::units(amount, zeros)?)?;
    Ok(Some(Stock { sku, units, location, of }))
}
