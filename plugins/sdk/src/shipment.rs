//! Goods that somebody says are on their way: a ship notice of X12, a despatch advice of EDIFACT.

use std::collections::BTreeMap;

use crate::inbound::{Command, FulfilOrder, ReceiveStock};
use crate::limits::MAX_LINES;
use crate::{Context, Failure, StockLine, failure};

/// A shipment: which goods, and for which orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// The shipment's number.
    pub number: String,
    /// When it was sent, in microseconds since 1970.
    pub shipped_at: i64,
    /// The node's location that it is about.
    pub location: Option<String>,
    /// How much of what, by SKU, by the order's number; the empty one where none is named.
    goods: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Shipment {
    /// A shipment of nothing.
    pub const fn new(number: String, shipped_at: i64, location: Option<String>) -> Self {
        Self { number, shipped_at, location, goods: BTreeMap::new() }
    }

    /// Adds goods, for an order where one is named.
    pub fn add(&mut self, order: &str, sku: String, quantity: u64) {
        let total = self.goods.entry(order.to_owned()).or_default().entry(sku).or_default();
        *total = total.saturating_add(quantity);
    }

    /// What it means, by the setting `ship-notice`: `receive` (the default) books the goods in under the shipment's
    /// number, `fulfil` says that the orders that it names have left, `ignore` does nothing.
    ///
    /// # Errors
    /// `rejected` where the setting is none of these; `malformed` where goods are to leave for an order and none is
    /// named: `order` says where it would stand.
    pub fn commands(self, order: &str, context: &Context) -> Result<Vec<Command>, Failure> {
        match context.setting("ship-notice").unwrap_or("receive") {
            "ignore" => Ok(Vec::new()),
            "receive" => Ok(self.received()),
            "fulfil" if self.goods.contains_key("") => {
                Err(failure::malformed(order, "", "goods that leave for a customer name their order"))
            }
            "fulfil" => Ok(self.fulfilled()),
            other => Err(failure::rejected("ship-notice", other, "it must be receive, fulfil or ignore")),
        }
    }

    fn received(self) -> Vec<Command> {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for (sku, quantity) in self.goods.into_values().flatten() {
            let total = all.entry(sku).or_default();
            *total = total.saturating_add(quantity);
        }
        let received = |lines: &[StockLine]| ReceiveStock {
            reference: self.number.clone(),
            lines: lines.to_vec(),
            received_at: self.shipped_at,
            location: self.location.clone(),
        };
        lines(all).chunks(MAX_LINES).map(received).map(Command::ReceiveStock).collect()
    }

    fn fulfilled(self) -> Vec<Command> {
        let Self { number, shipped_at, location, goods } = self;
        let of_order = |(order, goods): (String, BTreeMap<String, u64>)| {
            let fulfilled = |lines: &[StockLine]| FulfilOrder {
                reference: format!("{number}-{order}"),
                order: order.clone(),
                lines: lines.to_vec(),
                fulfilled_at: shipped_at,
                location: location.clone(),
            };
            lines(goods).chunks(MAX_LINES).map(fulfilled).map(Command::FulfilOrder).collect::<Vec<_>>()
        };
        goods.into_iter().flat_map(of_order).collect()
    }
}

fn lines(goods: BTreeMap<String, u64>) -> Vec<StockLine> {
    let goods = goods.into_iter().filter(|(_, quantity)| *quantity > 0);
    goods.map(|(sku, quantity)| StockLine { sku, quantity }).collect()
}
