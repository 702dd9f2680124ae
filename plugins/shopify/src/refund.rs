//! Refunds: what came back with them. The money that they pay back is Shopify's to account for.

use tillmesh_plugin::inbound::{Command, RecordReturn};
use tillmesh_plugin::json::Field;
use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Catalogue, Context, Failure, StockLine, log};

use crate::article;
use crate::wire::{LineItem, Refund, RefundLine};

/// What a line of a refund says of its goods (`RefundLineItemRestockType` of Shopify's documentation).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goods {
    /// They had left, and are back in stock.
    Back,
    /// They had not left, and are taken off the order.
    TakenOff,
    /// They are not back in stock: money alone, or goods that cannot be sold.
    Elsewhere,
}

/// Goods that came back to one location, by Shopify's number of it; none where Shopify does not say.
struct Parcel {
    location: Option<String>,
    lines: Vec<StockLine>,
}

/// `refunds/create`: a return for each location that goods came back to. One of money alone gives none.
pub(crate) fn created(
    refund: &Refund<'_>,
    context: &Context,
    catalogue: &dyn Catalogue,
) -> Result<Vec<Command>, Failure> {
    let [id, order, at] = [("id", refund.id), ("order_id", refund.order_id), ("created_at", refund.created_at)]
        .map(|(name, raw)| Field::new(name, raw));
    let (id, order, returned_at) = (id.require(id.id()?)?, order.require(order.id()?)?, at.require(at.time()?)?);
    let (parcels, taken_off) = parcels(refund, catalogue)?;
    if taken_off > 0 {
        let what = format!("refund {id} takes goods off order {order} that had not left, units: {taken_off}");
        log::warn(&format!("{what}; the node keeps them for it until it is cancelled or fulfilled"));
    }
    let is_one = parcels.len() == 1;
    let mut commands = Vec::with_capacity(parcels.len());
    for Parcel { location: number, lines } in parcels {
        let location = match location::of("refund_line_items[].location_id", number.as_deref(), context)? {
            Place::Ignored => continue,
            Place::Unsaid => None,
            Place::Here(name) => Some(name),
        };
        // A reference counts once: what came back elsewhere needs its own, whatever the settings say of the others.
        let reference = number.filter(|_| !is_one).map_or_else(|| id.clone(), |number| format!("{id}/{number}"));
        let order = Some(order.clone());
        commands.push(Command::RecordReturn(RecordReturn { reference, order, lines, returned_at, location }));
    }
    Ok(commands)
}

/// What came back, by location, in the order of the lines; and how many units were taken off the order.
fn parcels(refund: &Refund<'_>, catalogue: &dyn Catalogue) -> Result<(Vec<Parcel>, u64), Failure> {
    let (mut parcels, mut taken_off) = (Vec::<Parcel>::new(), 0_u64);
    for (index, line) in refund.refund_line_items.iter().flatten().enumerate() {
        let place = format!("refund_line_items[{index}]");
        let item_name = format!("{place}.line_item");
        let goods = goods(&place, line)?;
        if goods == Goods::Elsewhere {
            continue;
        }
        let item = Field::new(&item_name, None).require(line.line_item.as_ref())?;
        let quantity = article::units(Field::new(format_args!("{place}.quantity"), line.quantity))?;
        let Some(moved) = article::goods(&item_name, item, quantity, catalogue)? else { continue };
        if goods == Goods::TakenOff {
            taken_off = taken_off.saturating_add(quantity);
            continue;
        }
        let location = Field::new(format_args!("{place}.location_id"), line.location_id).id()?;
        match parcels.iter_mut().find(|parcel| parcel.location == location) {
            Some(parcel) => parcel.lines.push(moved),
            None => parcels.push(Parcel { location, lines: vec![moved] }),
        }
    }
    Ok((parcels, taken_off))
}

fn goods(place: &str, line: &RefundLine<'_>) -> Result<Goods, Failure> {
    let name = format!("{place}.restock_type");
    let kind = Field::new(&name, line.restock_type);
    match kind.require(kind.text()?)?.as_str() {
        "return" => Ok(Goods::Back),
        "cancel" => Ok(Goods::TakenOff),
        "no_restock" => Ok(Goods::Elsewhere),
        // Of old refunds, which say neither of the first two: only what had left can be back.
        "legacy_restock" => Ok(if has_left(place, line.line_item.as_ref())? { Goods::Back } else { Goods::TakenOff }),
        _ => Err(kind.malformed("it must be return, cancel, no_restock or legacy_restock")),
    }
}

/// Whether some of a line's goods had left.
fn has_left(place: &str, item: Option<&LineItem<'_>>) -> Result<bool, Failure> {
    let name = format!("{place}.line_item.fulfillment_status");
    let status = Field::new(&name, item.and_then(|item| item.fulfillment_status)).text()?;
    Ok(status.is_some_and(|status| ["fulfilled", "partial"].contains(&status.as_str())))
}
