//! What a node's change stream tells: how many events of each kind, and what was sold of each code at which price.

use std::collections::BTreeMap;

use crate::collection::Collection;
use crate::deal::{Kind, NODES, movements, openings};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tillmesh_examples::client::Client;

/// The events of a log.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Journal {
    kinds: BTreeMap<String, u64>,
    sold: BTreeMap<String, Sold>,
}

/// What was sold of a code.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sold {
    lines: u64,
    units: i64,
    /// Quantity times price, in tenths of a penny.
    tenths: i64,
}

impl Journal {
    /// What the dealt lines come to.
    pub fn of(collection: &Collection) -> Self {
        let mut journal = Self::default();
        for node in 0..NODES.len() {
            journal.add("receipt", openings(collection.rows(), node).len());
            for movement in collection.months.iter().flat_map(|month| movements(&month.rows, node)) {
                journal.add(movement.kind.word(), 1);
                for row in movement.lines.iter().filter(|_| movement.kind == Kind::Sale) {
                    journal.sell(&row.code, row.quantity, row.value());
                }
            }
        }
        journal
    }

    /// What a node's log holds, up to now: a cart that is begun marks the place.
    ///
    /// # Errors
    /// When it does not answer, or an event is not as it must be.
    pub fn at(node: &Client) -> Result<Self> {
        let mark = node.post("/v1/carts", "end-of-the-log", &json!({}))?["id"].clone();
        let (mut journal, mut result) = (Self::default(), Ok(()));
        node.events(|kind, data| {
            result = journal.read(kind, &data);
            result.is_err() || (kind == "cart" && data["cart"] == mark)
        })?;
        result.map(|()| journal)
    }

    fn read(&mut self, kind: &str, data: &Value) -> Result<()> {
        // A day of trade may have ended while the test ran; carts are the marks.
        if matches!(kind, "day-close" | "cart") {
            return Ok(());
        }
        self.add(kind, 1);
        for line in data["lines"].as_array().into_iter().flatten().filter(|_| kind == "sale") {
            let number = |value: &Value| value.as_i64().with_context(|| format!("a number in {line}"));
            let (price, quantity) = (&line["unit_price"], number(&line["quantity"])?);
            let scale = u32::try_from(number(&price["scale"])?)?;
            let tenths = number(&price["amount"])? * 10_i64.pow(3_u32.checked_sub(scale).context("tenths of a penny")?);
            self.sell(line["sku"].as_str().context("a SKU")?, quantity, quantity * tenths);
        }
        Ok(())
    }

    fn add(&mut self, kind: &str, events: usize) {
        *self.kinds.entry(kind.to_owned()).or_default() += events as u64;
    }

    fn sell(&mut self, code: &str, units: i64, tenths: i64) {
        let sold = self.sold.entry(code.to_owned()).or_default();
        sold.lines += 1;
        sold.units += units;
        sold.tenths += tenths;
    }
}
