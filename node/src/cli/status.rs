//! `tillmesh status`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::Target;
use super::show::{self, Table, text};

/// How many peers are shown of which nothing but the name is known: a fleet's newcomers.
const MOST_UNPROVED: usize = 20;

/// Show how a node does and whom it hears
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    target: Target,
}

impl Status {
    pub(super) fn run(self) -> Result<ExitCode> {
        let client = self.target.client();
        let (node, peers) = (client.get("/v1/node")?, client.list("/v1/peers", &[])?);
        if self.target.json {
            show::json(&json!({ "node": node, "peers": peers }))?;
        } else {
            print_node(&node);
            print_peers(&peers);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_node(node: &Value) {
    let state = if node["ready"] == true { "ready" } else { "stopping" };
    let place = format!("{} (region {})", text(&node["location"]), text(&node["region"]));
    for (name, value) in [
        ("node", text(&node["node"])),
        ("epoch", text(&node["epoch"])),
        ("location", place),
        ("fleet", fleet_line(node)),
        ("open day", open_day(node)),
        ("version", text(&node["version"])),
        ("state", format!("{state}, since {}", text(&node["started_at"]))),
        ("scopes", node["scopes"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>().join(" ")),
        ("broker", link(&node["link"])),
        ("bridge", link(&node["bridge"])),
        ("commits", text(&node["position"])),
        ("waiting", format!("{} commands, {} rows", node["waiting_commands"], node["unwritten_rows"])),
    ] {
        println!("{name:<10}{value}");
    }
    node["clones"].as_array().into_iter().flatten().for_each(print_clone);
    print_fleet_troubles(node);
}

fn link(link: &Value) -> String {
    match (text(&link["state"]).as_str(), text(&link["reason"])) {
        ("up", _) => format!("up since {}", text(&link["since"])),
        ("down", reason) => format!("down since {}: {reason}", text(&link["since"])),
        _ => "none".to_owned(),
    }
}

fn fleet_line(node: &Value) -> String {
    let fleet = text(&node["fleet"]);
    match text(&node["standing"]).as_str() {
        "open" => format!("{fleet}, open: this node takes what anybody signs (tillmesh fleet init)"),
        "unknown" => format!("{fleet}, NOT ENROLLED: others do not hear this node (tillmesh fleet enrol)"),
        standing @ ("retired" | "stolen") => format!("{fleet}, {}", standing.to_uppercase()),
        standing => format!("{fleet}, {standing}"),
    }
}

fn open_day(node: &Value) -> String {
    let date = text(&node["business_date"]);
    match node["clock"].as_str() {
        Some("ahead") => format!("{date}, CLOCK AHEAD: set it, or say `tillmesh day close --next DATE`"),
        // Closing would open a day that is further ahead still.
        Some("behind") => {
            format!("{date}, CLOCK BEHIND: set it; if it is right, sales belong to that day until it comes")
        }
        _ => date,
    }
}

fn print_fleet_troubles(node: &Value) {
    if let Some(write) = node["uncovered"].as_str() {
        println!("{:<10}others refuse what this node wrote before it was enrolled, such as {write}:", "UNHEARD");
        println!("{:<10}enrol it again in a wider role", "");
    }
    if node["keeper"] == "not-certified" {
        println!("{:<10}its settings make it the location's keeper and its certificate does not:", "NO KEEPER");
        println!("{:<10}enrol it again with --keeper", "");
    }
    for key in node["rival_keys"].as_array().into_iter().flatten() {
        println!("{:<10}a key of the fleet was handed over twice, also to {}: nodes that follow", "SPLIT", text(key));
        println!("{:<10}that one are apart until they begin anew and are enrolled here", "");
    }
}

fn print_clone(alarm: &Value) {
    let (epoch, heard, changes) = (text(&alarm["epoch"]), text(&alarm["heard_at"]), text(&alarm["changes"]));
    let what = format!("{changes} changes of another store in epoch {epoch}, first heard {heard}");
    match text(&alarm["fenced_at"]).as_str() {
        "" => println!("{:<10}{what}: left as soon as the disk takes writes", "CLONE"),
        fenced => println!("{:<10}{what}; in a new epoch since {fenced}", "clone"),
    }
}

/// Peers first that more is known of than a name, and few others: somebody at the broker can make names up by the
/// thousand.
fn print_peers(peers: &[Value]) {
    let (proved, others): (Vec<_>, Vec<_>) = peers.iter().partition(|peer| peer["proved"] == true);
    let (shown, left) = others.split_at(others.len().min(MOST_UNPROVED));
    if peers.is_empty() {
        return println!("\nNo other node was heard yet.");
    }
    println!();
    print_table(proved.iter().chain(shown));
    if !left.is_empty() {
        println!("and {} more names in which nothing was signed (--json shows them)", left.len());
    }
}

fn print_table<'a>(peers: impl Iterator<Item = &'a &'a Value>) {
    let titles = ["peer", "here", "last heard", "scope", "same", ">behind", ">ahead", "for", ">documents", ">refused"];
    let mut table = Table::new(&titles);
    for peer in peers {
        let refused: u64 = peer["refused"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_u64()).sum();
        let here = if peer["here"] == true { "yes" } else { "no" };
        let scopes = peer["scopes"].as_array().cloned().unwrap_or_default();
        let start = [text(&peer["node"]), here.to_owned(), text(&peer["last_heard"])];
        if scopes.is_empty() {
            let nothing = std::iter::repeat_n(String::new(), 6);
            table.row(start.clone().into_iter().chain(nothing).chain([refused.to_string()]));
        }
        for scope in scopes {
            let end = scope_row(&scope).into_iter().chain([refused.to_string()]);
            table.row(start.clone().into_iter().chain(end));
        }
    }
    table.print();
}

/// How this node stands to a peer in a scope, in changes that it lacks or has more, and since how long.
fn scope_row(scope: &Value) -> [String; 6] {
    let equal = scope["equal"] == true;
    let same = if equal { "yes" } else { "no" };
    let lag = if equal { String::new() } else { format!("{} s", scope["lag_seconds"]) };
    let number = |field: &str| text(&scope[field]);
    [number("scope"), same.to_owned(), number("behind"), number("ahead"), lag, number("documents")]
}
