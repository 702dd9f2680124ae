//! How order lines are dealt to nodes: by country, an invoice a movement.
//!
//! ```text
//! invoice C...            a return without its order      units enter
//! quantity below zero     a write-off                     units enter, as the published sums count them
//! everything else         a sale                          units leave; a price of 0 and a code such as POST too
//! ```
//!
//! The published net units of a code are the plain sum of its quantities. So what is written off counts like what comes
//! back, and is booked as a correction upwards: opening stock less what is on hand is then the published number.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::row::Row;

/// The nodes, each with its own location. The first has nine lines of ten.
pub const NODES: [&str; 5] = ["united-kingdom", "germany", "ireland", "france", "elsewhere"];
/// What each location has of each code before the first sale: more than ever leaves, so that nothing hinges on it.
pub const OPENING: i64 = 1_000_000;
/// The most lines of one event.
const MAX_LINES: usize = 500;

/// What lines of an invoice are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Goods that left.
    Sale,
    /// Goods that came back.
    Return,
    /// Goods that were written off.
    WriteOff,
}

/// Lines of one invoice that are recorded as one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// What they are.
    pub kind: Kind,
    /// The idempotency key: the invoice, its kind and the part, since an invoice may have more lines than an event
    /// holds.
    pub key: String,
    /// The lines in their order.
    pub lines: Vec<Row>,
}

/// The node that sells to a country.
pub fn node_of(country: &str) -> usize {
    match country {
        "United Kingdom" => 0,
        "Germany" => 1,
        "EIRE" => 2,
        "France" => 3,
        _ => 4,
    }
}

/// The movements of a node, in the order of their first lines.
pub fn movements(rows: &[Row], node: usize) -> Vec<Movement> {
    let mut order = Vec::new();
    let mut groups: BTreeMap<(&str, Kind), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| node_of(&row.country) == node) {
        let group = groups.entry((&row.invoice, Kind::of(row))).or_default();
        if group.is_empty() {
            order.push((row.invoice.as_str(), Kind::of(row)));
        }
        group.push(row);
    }
    order.iter().flat_map(|group| parts(group.0, group.1, &groups[group])).collect()
}

/// The receipts of a node's opening stock: every code that it ever trades.
pub fn openings<'r>(rows: impl Iterator<Item = &'r Row>, node: usize) -> Vec<Value> {
    let codes: BTreeSet<&str> = rows.filter(|row| node_of(&row.country) == node).map(|row| row.code.as_str()).collect();
    let lines: Vec<Value> = codes.iter().map(|code| json!({ "sku": code, "quantity": OPENING })).collect();
    let receipt = |(part, lines): (usize, &[Value])| {
        let key = format!("opening-{part}");
        json!({ "idempotency_key": key, "kind": "receipt", "lines": lines })
    };
    lines.chunks(MAX_LINES).enumerate().map(receipt).collect()
}

fn parts(invoice: &str, kind: Kind, rows: &[&Row]) -> Vec<Movement> {
    let movement = |(part, rows): (usize, &[&Row])| Movement {
        kind,
        key: format!("{invoice}-{}-{part}", kind.word()),
        lines: rows.iter().map(|row| (*row).clone()).collect(),
    };
    rows.chunks(MAX_LINES).enumerate().map(movement).collect()
}

impl Kind {
    /// What a line is.
    pub fn of(row: &Row) -> Self {
        match (row.quantity < 0, row.invoice.starts_with('C')) {
            (false, _) => Self::Sale,
            (true, true) => Self::Return,
            (true, false) => Self::WriteOff,
        }
    }

    /// The word by which the API knows it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Return => "return",
            Self::WriteOff => "adjustment",
        }
    }
}

impl Movement {
    /// The movement as `POST /v1/sales:import` takes it.
    pub fn to_json(&self) -> Value {
        let mut record = json!({
            "idempotency_key": self.key,
            "kind": self.kind.word(),
            "lines": self.lines.iter().map(|row| self.kind.line(row)).collect::<Vec<_>>(),
        });
        if let Some(first) = self.lines.first() {
            record["reference"] = json!(first.invoice);
            record[self.kind.time()] = json!(first.sold_at);
            if let (Kind::Sale, Some(customer)) = (self.kind, &first.customer) {
                record["customer_ref"] = json!(customer);
            }
        }
        if self.kind == Kind::WriteOff {
            record["reason"] = json!("written-off");
        }
        record
    }
}

impl Kind {
    /// The member that says when it happened.
    const fn time(self) -> &'static str {
        match self {
            Self::Sale => "sold_at",
            Self::Return => "returned_at",
            Self::WriteOff => "occurred_at",
        }
    }

    fn line(self, row: &Row) -> Value {
        let mut line = json!({ "sku": row.code, "quantity": row.quantity.abs() });
        if self == Self::Sale {
            line["unit_price"] = json!({ "amount": row.tenths, "scale": 3, "currency": "GBP" });
        }
        line
    }
}

#[cfg(test)]
mod tests;
