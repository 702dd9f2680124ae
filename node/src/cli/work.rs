//! `tillmesh work`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::Target;
use super::client::{WriteKey, encode};
use super::show::{self, Table, text};

/// Show what waits for a decision, and decide
///
/// `tillmesh work` lists what is open.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Work {
    #[command(subcommand)]
    action: Option<Action>,
    /// Also what was decided
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show an item with its evidence and what may be decided
    Show {
        /// The item
        item: String,
    },
    /// Decide on an item: the choice is carried out and recorded
    Resolve {
        /// The item
        item: String,
        /// One of its choices, as `tillmesh work show` lists them
        choice: String,
        /// Why, opaque
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Who decides, opaque
        #[arg(long, value_name = "REFERENCE")]
        clerk: Option<String>,
        #[command(flatten)]
        key: WriteKey,
    },
}

impl Work {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.action {
            None => list(&self.target, if self.all { "all" } else { "open" })?,
            Some(Action::Show { item }) => {
                let item = self.target.client().get(&path(&item))?;
                if self.target.json {
                    show::json(&item)?;
                } else {
                    print_item(&item);
                }
            }
            Some(Action::Resolve { item, choice, reason, clerk, key }) => {
                let body = json!({ "choice": choice, "reason": reason, "clerk": clerk });
                let answer = self.target.client().post(&format!("{}:resolve", path(&item)), &key, &body)?;
                if self.target.json {
                    show::json(&answer)?;
                } else {
                    for event in answer["events"].as_array().into_iter().flatten() {
                        println!("{} {} at {}", text(&event["kind"]), text(&event["id"]), text(&event["location"]));
                    }
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn path(item: &str) -> String {
    format!("/v1/work-items/{}", encode(item))
}

fn list(target: &Target, state: &str) -> Result<()> {
    let items = target.client().list("/v1/work-items", &[("state", Some(state))])?;
    if target.json {
        return show::json(&json!(items));
    }
    if items.is_empty() {
        println!("nothing waits for a decision");
        return Ok(());
    }
    let mut table = Table::new(&["item", "kind", "state", "what happened", "proposed"]);
    for item in &items {
        let proposed = format!("{}{}", text(&item["choices"][0]["choice"]), at_nodes(&item["choices"][0]));
        let [id, kind, state, detail] = ["id", "kind", "state", "detail"].map(|name| text(&item[name]));
        table.row([id, kind, state, detail, proposed]);
    }
    table.print();
    Ok(())
}

fn print_item(item: &Value) {
    println!("{} ({}, {})", text(&item["detail"]), text(&item["kind"]), text(&item["state"]));
    for event in item["evidence"].as_array().into_iter().flatten() {
        println!("  event {}", text(event));
    }
    for choice in item["choices"].as_array().into_iter().flatten() {
        println!("  {}{}: {}", text(&choice["choice"]), at_nodes(choice), text(&choice["effect"]));
    }
    if item["decision"].is_object() {
        let decision = &item["decision"];
        println!("decided at {}: {}", text(&decision["node"]), text(&decision["choice"]));
    } else {
        println!("decide with: tillmesh work resolve {} {}", text(&item["id"]), text(&item["choices"][0]["choice"]));
    }
}

/// Where alone something can be decided.
fn at_nodes(choice: &Value) -> String {
    let nodes: Vec<_> = choice["nodes"].as_array().into_iter().flatten().map(text).collect();
    if nodes.is_empty() { String::new() } else { format!(" (at {})", nodes.join(", ")) }
}
