//! Goods of orders that come back, and money that is paid back.

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use tillmesh_core::money::Currency;

use super::serve::record;
use crate::cli::Target;
use crate::cli::client::{Client, WriteKey, encode};
use crate::cli::day::tender;
use crate::cli::show::{self, text};
use crate::cli::stock::line;

/// What surrounds each of these.
#[derive(Debug, Args)]
struct Around {
    /// Where [default: the node's own location]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Its own document, such as the number of a return authorisation
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Who does it, opaque
    #[arg(long, value_name = "TEXT")]
    clerk: Option<String>,
    #[command(flatten)]
    key: WriteKey,
    #[command(flatten)]
    target: Target,
}

/// Goods that may come back.
#[derive(Debug, Args)]
pub(super) struct Authorise {
    /// The order
    order: String,
    /// What and how much, in the SKU's base unit [default: all that can]
    #[arg(value_name = "SKU=QUANTITY", value_parser = line)]
    lines: Vec<(String, i64)>,
    /// The first moment at which nothing may come back any more, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    #[command(flatten)]
    around: Around,
}

/// Goods that come back.
#[derive(Debug, Args)]
pub(super) struct TakeBack {
    /// The order
    order: String,
    /// What and how much, in the SKU's base unit
    #[arg(value_name = "SKU=QUANTITY", value_parser = line, required = true)]
    lines: Vec<(String, i64)>,
    /// Keep them aside until somebody decides what becomes of them [default: they enter the stock]
    #[arg(long, conflicts_with = "discard")]
    undecided: bool,
    /// Dispose of them: they do not enter the stock
    #[arg(long)]
    discard: bool,
    /// The return authorisation that they come back by
    #[arg(long, value_name = "ID")]
    authorisation: Option<String>,
    /// Pay back as well, such as cash=12.50; may be given several times
    #[arg(long, value_name = "KIND[:REFERENCE]=AMOUNT")]
    refund: Vec<String>,
    #[command(flatten)]
    around: Around,
}

/// What becomes of goods that came back.
#[derive(Debug, Args)]
pub(super) struct Dispose {
    /// The return
    back: String,
    /// What enters the stock; may be given several times
    #[arg(long, value_name = "SKU=QUANTITY", value_parser = line, required_unless_present = "discard")]
    restock: Vec<(String, i64)>,
    /// What is disposed of; may be given several times
    #[arg(long, value_name = "SKU=QUANTITY", value_parser = line)]
    discard: Vec<(String, i64)>,
    /// The decision's own document
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Who decides, opaque
    #[arg(long, value_name = "TEXT")]
    clerk: Option<String>,
    #[command(flatten)]
    key: WriteKey,
    #[command(flatten)]
    target: Target,
}

/// Money that is paid back.
#[derive(Debug, Args)]
pub(super) struct Refund {
    /// The order
    order: String,
    /// How and how much, such as cash=12.50
    #[arg(value_name = "KIND[:REFERENCE]=AMOUNT", required = true)]
    refund: Vec<String>,
    #[command(flatten)]
    around: Around,
}

impl Around {
    fn record(self, order: &str, what: &str, mut body: Value) -> Result<()> {
        for (member, value) in [("location", self.location), ("reference", self.reference), ("clerk", self.clerk)] {
            body[member] = json!(value);
        }
        record(&self.target, order, what, &self.key, &body)
    }
}

impl Authorise {
    pub(super) fn record(self) -> Result<()> {
        let lines: Vec<_> = self.lines.iter().map(|line| goods(line, &json!({}))).collect();
        let body = json!({ "lines": lines, "until": self.until });
        self.around.record(&self.order, "return-authorisations", body)
    }
}

impl TakeBack {
    pub(super) fn record(self) -> Result<()> {
        let fate = if self.undecided { json!({ "undecided": true }) } else { json!({ "restock": !self.discard }) };
        let lines: Vec<_> = self.lines.iter().map(|line| goods(line, &fate)).collect();
        let refund = tenders(&self.around.target.client(), &self.order, &self.refund)?;
        let body = json!({ "lines": lines, "authorisation": self.authorisation, "refund": refund });
        self.around.record(&self.order, "returns", body)
    }
}

impl Dispose {
    pub(super) fn record(self) -> Result<()> {
        let lines = |lines: &[(String, i64)], restock: bool| -> Vec<Value> {
            lines.iter().map(|line| goods(line, &json!({ "restock": restock }))).collect()
        };
        let lines = [lines(&self.restock, true), lines(&self.discard, false)].concat();
        let body = json!({ "lines": lines, "reference": self.reference, "clerk": self.clerk });
        let (client, path) = (self.target.client(), format!("/v1/returns/{}", encode(&self.back)));
        let answer = client.post(&format!("{path}/dispositions"), &self.key, &body)?;
        if self.target.json {
            return show::json(&answer);
        }
        for event in answer["events"].as_array().into_iter().flatten() {
            println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
        }
        let left = client.get(&path)?["undecided"].as_array().map_or(0, Vec::len);
        println!("return {} has {left} SKUs left to decide on", self.back);
        Ok(())
    }
}

impl Refund {
    pub(super) fn record(self) -> Result<()> {
        let refund = tenders(&self.around.target.client(), &self.order, &self.refund)?;
        self.around.record(&self.order, "refunds", json!({ "refund": refund }))
    }
}

fn goods((sku, quantity): &(String, i64), fate: &Value) -> Value {
    let mut line = fate.clone();
    line["sku"] = json!(sku);
    line["quantity"] = json!(quantity);
    line
}

/// Means of payment in the currency of the order.
fn tenders(client: &Client, order: &str, given: &[String]) -> Result<Vec<Value>> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let total = client.get(&format!("/v1/orders/{}", encode(order)))?["total"].clone();
    let code = total["currency"].as_str().context("the order has no price, so nothing can be paid back")?;
    let currency = Currency::new(code)?;
    given.iter().map(|text| tender(text, currency)).collect()
}
