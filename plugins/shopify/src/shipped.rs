//! What Shopify is told of goods that left: fulfilments, as its `POST /fulfillments.json` takes them.

use serde::Serialize;
use tillmesh_plugin::outbound::{OrderFulfilled, OutboundMessage};
use tillmesh_plugin::state::Store;
use tillmesh_plugin::{Context, Failure, StockLine, failure, json};

use crate::levels;
use crate::routing::{self, Part};

/// What the setting `tell-fulfilments` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    Nothing,
    /// Shopify hears of it.
    Shop,
    /// And Shopify writes to the customer.
    ShopAndCustomer,
}

/// The body of `POST /admin/api/<version>/fulfillments.json`.
#[derive(Serialize)]
struct Create {
    fulfillment: Fulfilment,
}

#[derive(Serialize)]
struct Fulfilment {
    notify_customer: bool,
    line_items_by_fulfillment_order: [Of; 1],
}

#[derive(Serialize)]
struct Of {
    fulfillment_order_id: u64,
    fulfillment_order_line_items: Vec<Units>,
}

#[derive(Serialize)]
struct Units {
    id: u64,
    quantity: u64,
}

/// A message for each fulfilment order that goods left by, those of the location that they left first.
///
/// # Errors
/// `rejected` where the order's fulfilment orders are not known, or have less open than left: post them, and replay
/// what was to be told.
pub(crate) fn messages(
    left: &OrderFulfilled,
    context: &Context,
    store: &mut dyn Store,
) -> Result<Vec<OutboundMessage>, Failure> {
    let telling = telling(context)?;
    if telling == Telling::Nothing {
        return Ok(Vec::new());
    }
    let mut parts = routing::of(&left.order, store);
    if parts.is_empty() {
        let rule = "Shopify's fulfilment orders of it are not known: post them as the topic fulfillment_orders";
        return Err(failure::rejected("order", &left.order, rule));
    }
    let here = levels::location_id(&left.location, context);
    parts.sort_by_key(|part| part.location != here);
    let mut taken: Vec<Vec<Units>> = parts.iter().map(|_| Vec::new()).collect();
    for line in &left.lines {
        take(line, &left.order, &mut parts, &mut taken)?;
    }
    let mut messages = Vec::new();
    for (part, mut units) in parts.iter_mut().zip(taken).filter(|(_, units)| !units.is_empty()) {
        units.extend(last_charges(part));
        messages.push(message(&left.order, part.id, units, telling));
    }
    routing::keep(&left.order, parts, store)?;
    Ok(messages)
}

fn telling(context: &Context) -> Result<Telling, Failure> {
    match context.setting("tell-fulfilments").unwrap_or("no") {
        "no" => Ok(Telling::Nothing),
        "yes" => Ok(Telling::Shop),
        "notify" => Ok(Telling::ShopAndCustomer),
        other => Err(failure::rejected("tell-fulfilments", other, "it must be no, yes or notify")),
    }
}

/// Takes a line's units from the parts, the first ones first.
fn take(line: &StockLine, order: &str, parts: &mut [Part], taken: &mut [Vec<Units>]) -> Result<(), Failure> {
    let mut missing = line.quantity;
    for (part, taken) in parts.iter_mut().zip(taken) {
        for open in part.lines.iter_mut().filter(|open| open.sku.as_ref() == Some(&line.sku)) {
            let quantity = open.quantity.min(missing);
            if quantity > 0 {
                taken.push(Units { id: open.id, quantity });
            }
            open.quantity -= quantity;
            missing -= quantity;
        }
        part.lines.retain(|open| open.quantity > 0);
    }
    if missing == 0 {
        return Ok(());
    }
    let (sku, quantity) = (&line.sku, line.quantity);
    let rule = format!(
        "{quantity} of {sku} left, and Shopify's fulfilment orders of it, as they were posted, lack {missing} of them"
    );
    Err(failure::rejected("order", order, rule))
}

/// Charges, such as gift wrapping, leave with the last goods.
fn last_charges(part: &mut Part) -> Vec<Units> {
    if part.lines.iter().any(|open| open.sku.is_some()) {
        return Vec::new();
    }
    part.lines.drain(..).map(|open| Units { id: open.id, quantity: open.quantity }).collect()
}

fn message(order: &str, fulfillment_order_id: u64, units: Vec<Units>, telling: Telling) -> OutboundMessage {
    let of = Of { fulfillment_order_id, fulfillment_order_line_items: units };
    let notify_customer = telling == Telling::ShopAndCustomer;
    let fulfillment = Fulfilment { notify_customer, line_items_by_fulfillment_order: [of] };
    OutboundMessage {
        topic: "fulfillments".to_owned(),
        content_type: "application/json".to_owned(),
        ordering_key: Some(order.to_owned()),
        body: json::write(&Create { fulfillment }),
    }
}
