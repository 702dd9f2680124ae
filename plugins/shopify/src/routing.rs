//! From where the goods of an order are to leave, as Shopify has it: its fulfilment orders. A fulfilment names them,
//! and no webhook says of which order they are. So whoever fetches them posts them here, and the plugin's state keeps
//! them until the goods have left.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::json::{self, Field};
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Catalogue, Failure, failure};

use crate::article;
use crate::wire::{FulfilmentOrder, FulfilmentOrderLine, FulfilmentOrders};

/// Of which nothing leaves any more.
const OVER: [&str; 3] = ["cancelled", "closed", "incomplete"];

/// What of an order is to leave from one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Shopify's number of the fulfilment order.
    pub id: u64,
    /// Shopify's number of the location.
    pub location: Option<u64>,
    /// What has not left yet.
    pub lines: Vec<Open>,
}

/// Units of a line that have not left yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Open {
    /// Shopify's number of the line of the fulfilment order.
    pub id: u64,
    /// What; none where it is a charge, which leaves with the last goods of its part.
    pub sku: Option<String>,
    /// How many units; at least 1.
    pub quantity: u64,
}

/// `fulfillment_orders`, the answer of `GET /orders/<id>/fulfillment_orders.json`: it takes the place of what was known
/// of the order.
pub(crate) fn learn(
    fetched: &FulfilmentOrders<'_>,
    catalogue: &dyn Catalogue,
    store: &mut dyn Store,
) -> Result<Vec<Command>, Failure> {
    let parts = Field::new("fulfillment_orders", None).require(fetched.fulfillment_orders.as_deref())?;
    let mut orders: BTreeMap<String, Vec<Part>> = BTreeMap::new();
    for (index, fetched) in parts.iter().enumerate() {
        let place = format!("fulfillment_orders[{index}]");
        let order = format!("{place}.order_id");
        let order = Field::new(&order, fetched.order_id);
        let parts = orders.entry(order.require(order.id()?)?).or_default();
        parts.extend(part(&place, fetched, catalogue)?);
    }
    for (order, parts) in orders {
        keep(&order, parts, store)?;
    }
    Ok(Vec::new())
}

/// What is known of an order.
pub(crate) fn of(order: &str, store: &dyn Store) -> Vec<Part> {
    store.read(&key(order)).and_then(|kept| json::read(&kept).ok()).unwrap_or_default()
}

/// Keeps what of an order has not left yet.
///
/// # Errors
/// `retry` where the plugin's state has no room for it.
pub(crate) fn keep(order: &str, mut parts: Vec<Part>, store: &mut dyn Store) -> Result<(), Failure> {
    parts.retain(|part| !part.lines.is_empty());
    if parts.is_empty() {
        forget(order, store);
        return Ok(());
    }
    if store.write(&key(order), &json::write(&parts)) {
        return Ok(());
    }
    let rule = "the plugin's state has no room for what is to leave for another order: raise its state_kilobytes";
    Err(failure::retry("order_id", order, rule))
}

/// Nothing of an order is to leave any more.
pub(crate) fn forget(order: &str, store: &mut dyn Store) {
    store.remove(&key(order));
}

fn key(order: &str) -> String {
    format!("order-{order}")
}

fn part(place: &str, fetched: &FulfilmentOrder<'_>, catalogue: &dyn Catalogue) -> Result<Option<Part>, Failure> {
    let (id, status) = (format!("{place}.id"), format!("{place}.status"));
    let (location, items) = (format!("{place}.assigned_location_id"), format!("{place}.line_items"));
    let status = Field::new(&status, fetched.status);
    if OVER.contains(&status.require(status.text()?)?.as_str()) {
        return Ok(None);
    }
    let id = Field::new(&id, fetched.id);
    let items_of = Field::new(&items, None).require(fetched.line_items.as_deref())?.iter().enumerate();
    let lines = items_of.map(|(index, item)| open(&format!("{items}[{index}]"), item, catalogue));
    Ok(Some(Part {
        id: id.require(number(id)?)?,
        location: number(Field::new(&location, fetched.assigned_location_id))?,
        lines: lines.filter_map(Result::transpose).collect::<Result<_, _>>()?,
    }))
}

/// What has not left of a line.
fn open(place: &str, line: &FulfilmentOrderLine<'_>, catalogue: &dyn Catalogue) -> Result<Option<Open>, Failure> {
    let (id, quantity) = (format!("{place}.id"), format!("{place}.fulfillable_quantity"));
    let (id, quantity) = (Field::new(&id, line.id), Field::new(&quantity, line.fulfillable_quantity));
    if quantity.require(article::whole(quantity)?)? == 0 {
        return Ok(None);
    }
    let sku = sku(place, line, catalogue)?;
    Ok(Some(Open { id: id.require(number(id)?)?, sku, quantity: article::units(quantity)? }))
}

/// A line names no SKU: its article is looked up by its variant, else by its inventory item. A charge has neither.
fn sku(place: &str, line: &FulfilmentOrderLine<'_>, catalogue: &dyn Catalogue) -> Result<Option<String>, Failure> {
    for (field, kind, raw) in [
        ("variant_id", article::VARIANT, line.variant_id),
        ("inventory_item_id", article::INVENTORY_ITEM, line.inventory_item_id),
    ] {
        let name = format!("{place}.{field}");
        if let Some(id) = Field::new(&name, raw).id()? {
            return article::sku(&name, kind, &id, catalogue).map(Some);
        }
    }
    Ok(None)
}

fn number(field: Field<'_, '_>) -> Result<Option<u64>, Failure> {
    Ok(field.id()?.and_then(|id| id.parse().ok()))
}
