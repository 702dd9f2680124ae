//! `tillmesh day`.

mod text;

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use tillmesh_core::money::Currency;
use tillmesh_core::time::Zone;

use super::Target;
use super::client::{Client, WriteKey, encode};
use super::show::{self, money, text};
use crate::runtime::now;

/// Show and close a day of trade
#[derive(Debug, Args)]
pub(super) struct Day {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what a day came to: 42 columns, as receipt printers have
    ///
    /// Of a day that is open it is what printers call an X-report, of a closed one a Z-report.
    Report(Report),
    /// Close the open day: what is recorded afterwards belongs to the next
    Close(Close),
    /// Put money into the drawer or take it out, without a sale
    Cash(Cash),
}

#[derive(Debug, Args)]
struct Report {
    /// The day, YYYY-MM-DD [default: the open one]
    date: Option<String>,
    /// Where [default: the node's location]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
    /// Only what this node recorded [default: every node of the location]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
}

#[derive(Debug, Args)]
struct Close {
    /// The day, YYYY-MM-DD [default: the open one]
    date: Option<String>,
    /// The cash in the drawer, such as 489.50
    #[arg(long, value_name = "AMOUNT")]
    counted: Option<String>,
    /// The day that begins, where the clock cannot say
    #[arg(long, value_name = "DATE")]
    next: Option<String>,
    /// Who closes, opaque
    #[arg(long, value_name = "TEXT")]
    clerk: Option<String>,
    #[command(flatten)]
    currency: InCurrency,
    #[command(flatten)]
    key: WriteKey,
}

#[derive(Debug, Args)]
struct Cash {
    /// Which way
    kind: Kind,
    /// How much, such as 100 or 12.50
    amount: String,
    /// Why, opaque
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who does it, opaque
    #[arg(long, value_name = "TEXT")]
    clerk: Option<String>,
    #[command(flatten)]
    currency: InCurrency,
    #[command(flatten)]
    key: WriteKey,
}

#[derive(Debug, Args)]
struct InCurrency {
    /// The currency of the amount [default: the one that the day has]
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Change to begin the day with
    Float,
    /// Put in
    PaidIn,
    /// Taken out
    PaidOut,
}

impl Day {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::Report(report) => report.show(&self.target)?,
            Action::Close(close) => close.run(&self.target)?,
            Action::Cash(cash) => cash.record(&self.target)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    fn show(self, target: &Target) -> Result<()> {
        let client = target.client();
        let date = self.date.map_or_else(|| open_day(&client), Ok)?;
        let filters = [("location", self.location), ("node", self.node)];
        let given = filters.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_ref()?))));
        let query = given.collect::<Vec<_>>().join("&");
        let report = client.get(&format!("/v1/days/{}/report?{query}", encode(&date)))?;
        if target.json {
            return show::json(&report);
        }
        print!("{}", text::report(&report));
        Ok(())
    }
}

impl Close {
    fn run(self, target: &Target) -> Result<()> {
        let client = target.client();
        let date = self.date.map_or_else(|| day_that_has_begun(&client), Ok)?;
        let counted = self.counted.map(|amount| self.currency.amount(&client, &date, &amount)).transpose()?;
        let body = json!({ "counted": counted, "next": self.next, "clerk": self.clerk });
        let closed = client.post(&format!("/v1/days/{}:close", encode(&date)), &self.key, &body)?;
        if target.json {
            return show::json(&closed);
        }
        println!("{} is closed at {}", text(&closed["business_date"]), text(&closed["location"]));
        for (name, value) in [("counted", &closed["close"]["counted"]), ("difference", &closed["close"]["difference"])]
        {
            if !value.is_null() {
                println!("{name} {}", money(value));
            }
        }
        Ok(())
    }
}

impl Cash {
    fn record(self, target: &Target) -> Result<()> {
        let client = target.client();
        let amount = self.currency.amount(&client, &open_day(&client)?, &self.amount)?;
        let kind = self.kind.to_possible_value().map(|value| value.get_name().to_owned());
        let body = json!({ "kind": kind, "amount": amount, "reason": self.reason, "clerk": self.clerk });
        let answer = client.post("/v1/cash/movements", &self.key, &body)?;
        if target.json {
            return show::json(&answer);
        }
        let event = &answer["events"][0];
        println!("{} {}", text(&event["movement"]), money(&event["amount"]));
        Ok(())
    }
}

impl InCurrency {
    /// An amount in major units with its currency, as the API takes it.
    fn amount(&self, client: &Client, date: &str, amount: &str) -> Result<Value> {
        let code = match &self.currency {
            Some(code) => code.clone(),
            None => currency_of(client, date)?,
        };
        let currency = Currency::new(&code)?;
        Ok(json!({ "amount": minor_units(amount, currency.exponent())?, "currency": currency.code() }))
    }
}

fn open_day(client: &Client) -> Result<String> {
    Ok(text(&client.get("/v1/node")?["business_date"]))
}

/// The open day, to be closed without being named. One that has not begun is open since the day before it was closed
/// early: who closes again would close it by mistake.
fn day_that_has_begun(client: &Client) -> Result<String> {
    let node = client.get("/v1/node")?;
    let (open, zone) = (text(&node["business_date"]), Zone::named(&text(&node["time_zone"]))?);
    let today = zone.business_date(now()).to_string();
    if open > today {
        bail!(
            "the open day is {open}, and it is {today}: the day before it is closed already. If {open} is to be closed \
             all the same, name it: tillmesh day close {open}"
        );
    }
    Ok(open)
}

/// The currency of a day that has one only.
fn currency_of(client: &Client, date: &str) -> Result<String> {
    let report = client.get(&format!("/v1/days/{}/report", encode(date)))?;
    match report["totals"]["money"].as_array().map(Vec::as_slice) {
        Some([only]) => Ok(text(&only["currency"])),
        _ => bail!("name the currency with --currency: the day has none yet, or several"),
    }
}

/// Reads a means of payment and what it paid, such as `cash=12.50` or `card:REFERENCE=12.50`.
pub(super) fn tender(text: &str, currency: Currency) -> Result<Value> {
    let (kind, amount) = text.rsplit_once('=').with_context(|| format!("{text:?}: it must be KIND=AMOUNT"))?;
    let (kind, reference) = kind.split_once(':').map_or((kind, None), |(kind, reference)| (kind, Some(reference)));
    let amount = json!({ "amount": minor_units(amount, currency.exponent())?, "currency": currency.code() });
    Ok(json!({ "kind": kind, "amount": amount, "reference": reference }))
}

/// Reads an amount in major units, such as `12.5`.
pub(super) fn minor_units(amount: &str, exponent: u8) -> Result<i64> {
    let (whole, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    let places = usize::from(exponent);
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(decimals) || decimals.len() > places || amount.ends_with('.') {
        bail!("{amount:?} is no amount: it must be a number with at most {exponent} decimals, such as 12");
    }
    format!("{whole}{decimals:0<places$}").parse().with_context(|| format!("{amount:?} is too much"))
}

#[cfg(test)]
mod tests;
