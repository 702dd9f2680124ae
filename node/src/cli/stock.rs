//! `tillmesh stock`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Target;
use super::client::{WriteKey, encode};
use super::past::AsOf;
use super::show::{self, Table, text};

/// Show and change stock
///
/// `tillmesh stock SKU` shows a SKU at every location.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Stock {
    /// SKU to show at every location
    #[arg(required = true)]
    sku: Option<String>,
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    moment: AsOf,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List stock by location and SKU
    List {
        /// Only this location
        #[arg(long, value_name = "NAME")]
        location: Option<String>,
    },
    /// Book goods in
    ///
    /// Goods of one reference are booked in once for each SKU: give the number of the delivery note or dispatch advice,
    /// one for each delivery, and not that of a purchase order, which may come in several.
    Receipt(Movement),
    /// Record a stock-take: what was found on the shelves
    Count(Movement),
    /// Move goods to another location
    Transfer {
        /// Where to
        #[arg(long, value_name = "NAME")]
        to: String,
        /// Where from [default: the node's location]
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
        #[command(flatten)]
        goods: Goods,
    },
}

#[derive(Debug, Args)]
struct Movement {
    /// Where [default: the node's location]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    #[command(flatten)]
    goods: Goods,
}

#[derive(Debug, Args)]
struct Goods {
    /// What and how much, in the SKU's base unit
    #[arg(required = true, value_name = "SKU=QUANTITY", value_parser = line)]
    lines: Vec<(String, i64)>,
    /// The other side's document; of goods that come in, their delivery note or dispatch advice
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    #[command(flatten)]
    key: WriteKey,
}

impl Stock {
    pub(super) fn run(self) -> Result<ExitCode> {
        match (self.action, self.sku) {
            (Some(Action::List { location }), _) => list(&self.target, location.as_deref())?,
            (Some(Action::Receipt(movement)), _) => movement.record(&self.target, "/v1/stock/receipts")?,
            (Some(Action::Count(movement)), _) => movement.record(&self.target, "/v1/stock/counts")?,
            (Some(Action::Transfer { to, from, goods }), _) => {
                goods.record(&self.target, "/v1/stock/transfers", json!({ "to": to, "from": from }))?;
            }
            (None, Some(sku)) => one(&self.target, &sku, &self.moment)?,
            (None, None) => bail!("name a SKU, or say `tillmesh stock list`"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Movement {
    fn record(self, target: &Target, path: &str) -> Result<()> {
        self.goods.record(target, path, json!({ "location": self.location }))
    }
}

impl Goods {
    fn record(self, target: &Target, path: &str, mut body: Value) -> Result<()> {
        let line = |(sku, quantity): &(String, i64)| json!({ "sku": sku, "quantity": quantity });
        body["lines"] = self.lines.iter().map(line).collect();
        body["reference"] = json!(self.reference);
        let answer = target.client().post(path, &self.key, &body)?;
        if target.json {
            return show::json(&answer);
        }
        for event in answer["events"].as_array().into_iter().flatten() {
            println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
        }
        Ok(())
    }
}

fn one(target: &Target, sku: &str, moment: &AsOf) -> Result<()> {
    let stock = target.client().get(&moment.ask(format!("/v1/stock/{}", encode(sku))))?;
    if target.json {
        return show::json(&stock);
    }
    let mut table = Table::new(&["location", ">on hand", ">promised", ">available", ">shortfall"]);
    for row in stock["by_location"].as_array().into_iter().flatten() {
        table.row(numbers(text(&row["location"]), row));
    }
    if table.len() != 1 {
        table.row(numbers("everywhere".to_owned(), &stock));
    }
    table.print();
    Ok(())
}

fn list(target: &Target, location: Option<&str>) -> Result<()> {
    let rows = target.client().list("/v1/stock", &[("location", location)])?;
    if target.json {
        return show::json(&json!(rows));
    }
    let mut table = Table::new(&["location", "sku", ">on hand", ">promised", ">available", ">shortfall"]);
    for row in &rows {
        let place = text(&row["location"]);
        let rest = numbers(text(&row["sku"]), row);
        table.row(std::iter::once(place).chain(rest));
    }
    table.print();
    Ok(())
}

fn numbers(first: String, row: &Value) -> [String; 5] {
    let [on_hand, promised, available, shortfall] =
        ["on_hand", "promised", "available", "shortfall"].map(|name| text(&row[name]));
    [first, on_hand, promised, available, shortfall]
}

/// Reads goods and how many.
pub(super) fn line(text: &str) -> Result<(String, i64)> {
    let (sku, quantity) = text.rsplit_once('=').context("it must be SKU=QUANTITY")?;
    let quantity = quantity.parse().with_context(|| format!("{quantity:?} is no integer"))?;
    Ok((sku.to_owned(), quantity))
}
