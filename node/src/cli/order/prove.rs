//! `tillmesh order prove`: what one node says an order cost, worked out again from what another node kept, in this
//! process.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use tillmesh_core::id::ObjectHash;
use tillmesh_core::pricing::{PriceResult, PricingInput, Totals};

use crate::cli::client::{Client, HERE, encode};
use crate::cli::show;
use crate::plugin::{HostOptions, Limits, PluginHost};

/// Work an order's price out again in this process, and say whether it is the same
///
/// Takes the order from one node, and the plugin and its inputs, by the order's hashes, from another. Fails when a byte
/// of either differs from what the order says.
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// The order
    order: String,
    /// Node that says what the order is
    #[arg(long, env = "TILLMESH_URL", default_value = HERE, value_name = "URL")]
    node: String,
    /// Node to fetch plugin and inputs from [default: the same]
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was checked.
#[derive(Debug)]
struct Check {
    what: &'static str,
    /// What the order says.
    stated: String,
    /// What was found.
    found: String,
}

impl Check {
    fn holds(&self) -> bool {
        self.stated == self.found
    }
}

impl Prove {
    pub(super) fn run(self) -> Result<ExitCode> {
        let order = Client::new(&self.node).get(&format!("/v1/orders/{}", encode(&self.order)))?;
        let proof = &order["pricing"];
        if proof.is_null() {
            bail!("order {} was not priced by a plugin: its lines are its price", self.order);
        }
        let from = Client::new(self.from.as_deref().unwrap_or(&self.node));
        let (component, inputs) = (fetch(&from, proof, "component")?, fetch(&from, proof, "inputs")?);
        let mut checks = vec![component.check, inputs.check];
        if checks.iter().all(Check::holds) {
            let (result, totals, input) = price(&component.bytes, &inputs.bytes)?;
            checks.extend(compare(&order, &result, &totals, &input));
        }
        self.tell(&checks)
    }

    fn tell(&self, checks: &[Check]) -> Result<ExitCode> {
        let proved = checks.iter().all(Check::holds);
        if self.json {
            let check =
                |it: &Check| json!({ "check": it.what, "stated": it.stated, "found": it.found, "holds": it.holds() });
            show::json(&json!({ "proved": proved, "checks": checks.iter().map(check).collect::<Vec<_>>() }))?;
        } else {
            for check in checks {
                match check.holds() {
                    true => println!("same     {}: {}", check.what, check.found),
                    false => {
                        println!("DIFFERS  {}: the order says {}, found {}", check.what, check.stated, check.found)
                    }
                }
            }
            println!("{}", if proved { "The price is proved." } else { "The price is NOT proved." });
        }
        Ok(if proved { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

struct Fetched {
    bytes: Vec<u8>,
    check: Check,
}

/// Fetches content by the hash that the order states. Whoever serves it is not believed.
fn fetch(from: &Client, proof: &Value, what: &'static str) -> Result<Fetched> {
    let stated = show::text(&proof[what]);
    let bytes = from.get_bytes(&format!("/v1/objects/{}", encode(&stated)));
    let bytes = bytes.with_context(|| format!("cannot fetch the {what} (--from names the node that has it)"))?;
    let found = ObjectHash::of(&bytes).to_string();
    Ok(Fetched { bytes, check: Check { what, stated, found } })
}

fn price(component: &[u8], inputs: &[u8]) -> Result<(PriceResult, Totals, PricingInput)> {
    let input = PricingInput::from_cbor(inputs).context("the inputs are no pricing input")?;
    let host = PluginHost::new(HostOptions::default()).context("start the plugin host")?;
    let plugin = host.install(component, Limits::default()).context("install the component")?;
    let priced = plugin.price(&input).context("run the component")?;
    Ok((priced.result, priced.totals, input))
}

/// The output's hash, the lines that were priced, what was taken off, and the total.
fn compare(order: &Value, result: &PriceResult, totals: &Totals, input: &PricingInput) -> Vec<Check> {
    let stated_lines = lines(order["lines"].as_array().map_or(&[], Vec::as_slice));
    let found_lines: Vec<String> = input
        .lines
        .iter()
        .map(|line| format!("{} {} x {} = {}", line.number, line.quantity, line.sku, line.amount.amount))
        .collect();
    let stated_off = order["adjustments"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| format!("{} {}", show::text(&it["promotion"]), show::text(&it["amount"]["amount"])));
    let found_off = result.adjustments.iter().map(|it| format!("{} {}", it.promotion, it.amount.amount));
    vec![
        Check { what: "output", stated: show::text(&order["pricing"]["output"]), found: result.hash().to_string() },
        Check { what: "lines", stated: stated_lines.join("; "), found: found_lines.join("; ") },
        Check {
            what: "adjustments",
            stated: stated_off.collect::<Vec<_>>().join("; "),
            found: found_off.collect::<Vec<_>>().join("; "),
        },
        Check { what: "total", stated: show::money(&order["total"]), found: show::money(&json!(totals.total)) },
    ]
}

/// The order's lines that have a price, by place: those that the plugin was given.
fn lines(lines: &[Value]) -> Vec<String> {
    let line = |(place, line): (usize, &Value)| {
        let amount = line["amount"]["amount"].as_i64()?;
        Some(format!("{place} {} x {} = {amount}", show::text(&line["quantity"]), show::text(&line["sku"])))
    };
    lines.iter().enumerate().filter_map(line).collect()
}
