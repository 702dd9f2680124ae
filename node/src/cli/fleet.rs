//! `tillmesh fleet`: who belongs to the fleet.
//!
//! The fleet's secret key is a file that only these commands read. What it says is signed here and handed to a node,
//! from where every other node hears it.

mod key;
mod retire;

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tillmesh_core::fleet::{Certificate, Enrolment, EnrolmentRequest, Role, Statement};
use tillmesh_core::id::Name;

use super::Target;
use super::client::{self, Client, WriteKey};
use super::show::{self, Table, text};
use crate::runtime::{now, offline};
use key::{Authority, Held};

/// How much of standard input is read: more than any text of an enrolment has.
const MAX_INPUT: u64 = 1024 * 1024;

/// Say which nodes belong to the fleet, and what each may write
///
/// Without this a fleet is open: a node takes what anybody at the broker signs. `tillmesh fleet init` makes the
/// fleet's key and the first member; each further node shows a request, is given an enrolment for it, and takes that.
/// Request and enrolment are text, to be sent in any way: no line between the two is needed.
#[derive(Debug, Args)]
pub(super) struct Fleet {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the fleet's key, and its first member: the node at --url
    Init {
        #[command(flatten)]
        authority: Authority,
        #[command(flatten)]
        papers: Papers,
    },
    /// Enrol a node, in three steps: show its request, make an enrolment of it, take that
    ///
    /// Without a text, shows the request of the node at --url. With a request, makes an enrolment of it, with the
    /// fleet's key. With an enrolment, lets the node at --url take it.
    Enrol {
        /// A request or an enrolment; - reads it from standard input
        text: Option<String>,
        #[command(flatten)]
        authority: Authority,
        #[command(flatten)]
        papers: Papers,
    },
    /// List the nodes of the fleet
    Nodes,
    /// Let a node belong to the fleet no more
    ///
    /// Says first what is at stake: units that it may have promised since it was last heard, and what it had promised,
    /// in units and money. Those units are others' to promise from then on; what it did promise of them is a work item.
    ///
    /// What it wrote happened and counts, whenever it is heard. Of a node that was stolen, and of one that never had a
    /// certificate, counts what the node at --url knows of it, for everybody and for ever; nothing else does. Said
    /// again at another node, what that one knows counts as well.
    Retire {
        /// The node's name, or its key where several had that name; NAME:KEY for one that never had a certificate
        node: String,
        /// Its key may be in other hands
        #[arg(long)]
        stolen: bool,
        /// Say what is at stake, and change nothing
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        authority: Authority,
    },
    /// Replace the fleet's key by a new one; every node goes on
    Rotate {
        #[command(flatten)]
        authority: Authority,
    },
}

/// What a certificate says.
#[derive(Debug, Args)]
struct Papers {
    /// What the node may write: headquarters, store, kiosk or channel [default: headquarters for init, else store]
    #[arg(long)]
    role: Option<Role>,
    /// A location of the node; several may be given [default: the one that it is configured for]
    #[arg(long = "location", value_name = "NAME")]
    locations: Vec<Name>,
    /// It keeps its locations' openings
    #[arg(long)]
    keeper: bool,
    /// Enrol it although a node of this name belongs to the fleet already
    #[arg(long)]
    again: bool,
}

impl Fleet {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Self { action, target } = self;
        match action {
            Action::Init { authority, papers } => init(&target, &authority, papers),
            Action::Enrol { text, authority, papers } => enrol(&target, text, &authority, papers),
            Action::Nodes => nodes(&target),
            Action::Retire { node, stolen, dry_run, authority } => {
                retire::retire(&target, &node, stolen, dry_run, &authority)
            }
            Action::Rotate { authority } => rotate(&target, &authority),
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

fn init(target: &Target, authority: &Authority, papers: Papers) -> Result<()> {
    let client = target.client();
    let fleet = client.get("/v1/fleet")?;
    if let Some(key) = fleet["key"].as_str() {
        bail!("the node belongs to a fleet already, of the key {key}: enrol others into it");
    }
    let request = EnrolmentRequest::open(&EnrolmentRequest::from_text(&text(&fleet["request"]))?)?;
    let key = offline::new_fleet_key()?;
    authority.create(&request.fleet, &key)?;
    let papers = Papers { role: papers.role.or(Some(Role::Headquarters)), ..papers };
    let enrolment = authority.read()?.enrolment(&certificate(&request, papers));
    if let Err(error) = hand_over(&client, &enrolment) {
        if !client::is_unreachable(&error) {
            authority.discard()?;
        }
        return Err(error);
    }
    let file = authority.path.display();
    if target.json {
        return show::json(
            &json!({ "fleet": request.fleet, "key": key.public(), "node": request.node, "file": file.to_string() }),
        );
    }
    println!("The fleet {} has the key {}.", request.fleet, key.public());
    println!("Its secret half is in {file}: whoever has that file says who belongs to the fleet. Keep a copy where no");
    println!("node is.");
    println!("The node {} is its first member. To enrol another one:", request.node);
    println!("  tillmesh fleet enrol --url http://ITS-ADDRESS            shows its request");
    println!("  tillmesh fleet enrol REQUEST --role store                makes an enrolment of it, here");
    println!("  tillmesh fleet enrol ENROLMENT --url http://ITS-ADDRESS  lets it in");
    Ok(())
}

fn enrol(target: &Target, given: Option<String>, authority: &Authority, papers: Papers) -> Result<()> {
    let Some(given) = given else { return show_request(target) };
    let given = if given == "-" { read_input()? } else { given };
    if EnrolmentRequest::is_text(&given) {
        return answer_request(target, &given, authority, papers);
    }
    let taken = hand_over(&target.client(), &Enrolment::from_text(&given)?)?;
    if target.json {
        return show::json(&taken);
    }
    println!("The node took it; in the fleet it is now: {}.", text(&taken["standing"]));
    Ok(())
}

fn show_request(target: &Target) -> Result<()> {
    let fleet = target.client().get("/v1/fleet")?;
    if target.json {
        return show::json(&json!({ "request": fleet["request"], "standing": fleet["standing"] }));
    }
    println!("{}", text(&fleet["request"]));
    Ok(())
}

fn answer_request(target: &Target, given: &str, authority: &Authority, papers: Papers) -> Result<()> {
    let held = authority.read()?;
    let fleet = &held.fleet;
    let request = EnrolmentRequest::open(&EnrolmentRequest::from_text(given)?)?;
    ensure!(
        request.fleet == *fleet,
        "node {} is configured for the fleet {}, this key is of the fleet {fleet}: change its setting node.fleet",
        request.node,
        request.fleet
    );
    let client = target.client();
    let told = match known_nodes(&client) {
        Ok(nodes) => {
            check_name(&nodes, &request, papers.again)?;
            true
        }
        // The enrolment holds all the same.
        Err(error) if client::is_unreachable(&error) => {
            eprintln!("note: {error:#}, so no node was told; the others learn of it from the node itself");
            false
        }
        Err(error) => return Err(error),
    };
    let mut enrolment = held.enrolment(&certificate(&request, papers));
    if told {
        hand_over(&client, &enrolment)?;
        enrolment = introducing(&client, enrolment, &target.url)?;
    }
    match target.json {
        true => show::json(&json!({ "node": request.node, "enrolment": enrolment.to_text(), "told": told })),
        false => {
            println!("{}", enrolment.to_text());
            Ok(())
        }
    }
}

/// With the certificate of the node that was told, so that the two hear each other at once.
fn introducing(client: &Client, enrolment: Enrolment, url: &str) -> Result<Enrolment> {
    let fleet = client.get("/v1/fleet")?;
    if let Some(introduction) = fleet["introduction"].as_str() {
        return Ok(enrolment.introducing(&Enrolment::from_text(introduction)?));
    }
    let standing = text(&fleet["standing"]);
    eprintln!("note: the node at {url} is no member itself ({standing}), so the new one is introduced to nobody:");
    eprintln!("      made beside a member (--url), an enrolment lets it in sooner");
    Ok(enrolment)
}

fn known_nodes(client: &Client) -> Result<Vec<Value>> {
    client.list("/v1/fleet/nodes", &[])
}

/// A node that knows the fleet knows its names, and whose key must not come back.
fn check_name(nodes: &[Value], request: &EnrolmentRequest, again: bool) -> Result<()> {
    let own = nodes.iter().find(|node| node["key"] == request.key.to_string());
    if let Some(at) = own.and_then(|node| node["retired_at"].as_str()) {
        bail!("the key of {} was retired {at}: begin with an empty data folder, or restore a backup", request.node);
    }
    let is_other = |node: &&Value| node["node"] == request.node.as_str() && node["key"] != request.key.to_string();
    let other = nodes.iter().filter(is_other).find(|node| node["retired_at"].is_null());
    match other {
        Some(other) if !again => {
            let (name, key) = (&request.node, text(&other["key"]));
            bail!("the fleet has a node {name} already, with the key {key}: retire that one first, or give --again")
        }
        _ => Ok(()),
    }
}

fn certificate(request: &EnrolmentRequest, papers: Papers) -> Statement {
    let locations = if papers.locations.is_empty() { vec![request.location.clone()] } else { papers.locations };
    Statement::Certificate(Certificate {
        node: request.node.clone(),
        key: request.key,
        role: papers.role.unwrap_or(Role::Store),
        locations,
        keeper: papers.keeper.then_some(0),
        issued_at: now(),
    })
}

fn nodes(target: &Target) -> Result<()> {
    let client = target.client();
    let (fleet, mut nodes) = (client.get("/v1/fleet")?, client.list("/v1/fleet/nodes", &[])?);
    if target.json {
        return show::json(&json!({ "fleet": fleet, "nodes": nodes }));
    }
    let Some(key) = fleet["key"].as_str() else {
        println!("The fleet {} is open: this node takes what anybody signs.", text(&fleet["fleet"]));
        println!("`tillmesh fleet init` gives it a key.");
        return Ok(());
    };
    println!("fleet {} of the key {key}; this node: {}\n", text(&fleet["fleet"]), text(&fleet["standing"]));
    let mut table = Table::new(&["node", "role", "locations", "keeper", "key", "since", "last heard", "state"]);
    nodes.sort_by_key(|node| (text(&node["node"]), text(&node["issued_at"])));
    for node in &nodes {
        let state = match (node["retired_at"].as_str(), node["stolen"] == true) {
            (None, _) => "member".to_owned(),
            (Some(at), false) => format!("retired {at}"),
            (Some(at), true) => format!("stolen {at}"),
        };
        let heard = if node["key"] == fleet["node_key"] { "this node".to_owned() } else { text(&node["last_heard"]) };
        let locations: Vec<_> = node["locations"].as_array().into_iter().flatten().map(text).collect();
        let keeper = if node["keeper"].is_null() { "" } else { "yes" };
        let short: String = text(&node["key"]).chars().take(12).collect();
        table.row([
            text(&node["node"]),
            text(&node["role"]),
            locations.join(", "),
            keeper.to_owned(),
            short,
            text(&node["issued_at"]),
            heard,
            state,
        ]);
    }
    table.print();
    Ok(())
}

fn rotate(target: &Target, authority: &Authority) -> Result<()> {
    let Held { fleet, key, earlier } = authority.read()?;
    let client = target.client();
    let known = client.get("/v1/fleet")?;
    ensure!(
        known["key"] == key.public().to_string(),
        "the node at {} does not go by this key: give the file of the key {}",
        target.url,
        text(&known["key"])
    );
    let ids = known["statements"].as_array().into_iter().flatten();
    let valid = ids.map(|id| text(id).parse()).collect::<Result<Vec<_>, _>>()?;
    let next = offline::new_fleet_key()?;
    let rotation = key.rotate(&fleet, &next, valid, now())?;
    let statements = earlier.into_iter().chain([rotation.into()]).collect();
    let enrolment = Enrolment { fleet: fleet.clone(), anchor: next.public(), statements }.within_a_chain();
    let old = authority.replace(&next, &enrolment, || hand_over(&client, &enrolment).map(drop))?;
    if target.json {
        return show::json(&json!({ "fleet": fleet, "key": next.public(), "file": authority.path, "old": old }));
    }
    println!("The fleet {fleet} has the key {} from now on, in {}.", next.public(), authority.path.display());
    println!("Keep a copy of that file where no node is, instead of the one before.");
    let names: Vec<_> = known_nodes(&client)?.iter().map(|node| text(&node["node"])).collect();
    println!("What the node at {} knew goes on: {}. Enrol again who is missing.", target.url, names.join(", "));
    println!("The old one is in {}: it signs nothing that anybody believes once they have heard.", old.display());
    Ok(())
}

fn hand_over(client: &Client, enrolment: &Enrolment) -> Result<Value> {
    client.post("/v1/fleet:enrol", &WriteKey::default(), &json!({ "enrolment": enrolment.to_text() }))
}

fn read_input() -> Result<String> {
    let mut given = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut given).context("cannot read standard input")?;
    Ok(given)
}
