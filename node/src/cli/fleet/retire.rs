//! `tillmesh fleet retire`: a node is not heard any more, and what it wrote goes on counting.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tillmesh_core::fleet::{Counted, MAX_COUNTED, Retirement, Statement};
use tillmesh_core::id::{Name, PublicKey};

use super::super::Target;
use super::super::client::Client;
use super::super::show::{self, text};
use super::key::{Authority, Held};
use super::{hand_over, known_nodes};
use crate::runtime::now;

/// How many statements one retirement may take: a node of 20,000 carts or fifty years of ledgers needs less, and other
/// statements must find room beside them.
const MAX_PARTS: usize = 32;

/// Who is to be retired.
struct Meant {
    node: Name,
    key: PublicKey,
    /// Whether it ever had a certificate: else nothing of it counts but what the retirement names.
    certified: bool,
    /// Whether it was retired before: this one adds to what counts.
    again: bool,
}

pub(super) fn retire(target: &Target, named: &str, stolen: bool, dry_run: bool, authority: &Authority) -> Result<()> {
    let held = if dry_run { None } else { Some(authority.read()?) };
    let client = target.client();
    let meant = meant(&client, named, stolen)?;
    let written = written(&client, &meant.node, &meant.key)?;
    let names_all = stolen || !meant.certified;
    let counted = if names_all { counted(&written)? } else { Vec::new() };
    ensure!(
        meant.certified || !counted.is_empty(),
        "the node at {} has heard nothing that {named} signed with the key {}",
        target.url,
        meant.key
    );
    let parts = parts(counted);
    ensure!(
        parts.len() <= MAX_PARTS,
        "{named} wrote to more documents than {MAX_PARTS} statements can name: retire it without --stolen"
    );
    if !target.json {
        print!("{}", at_stake(&meant.node, &written));
    }
    let new = held.map(|held| announce(&client, &held, &meant, stolen, parts)).transpose()?;
    if target.json {
        let (node, key) = (&meant.node, &meant.key);
        return show::json(&json!({
            "node": node, "key": key, "stolen": stolen, "new": new, "named": names_all,
            "events": written["events"], "carts": written["carts"], "exposure": written["exposure"],
        }));
    }
    match new {
        Some(_) => report(&meant, stolen, &target.url, &written),
        None => println!("Nothing was changed: leave --dry-run out to retire it."),
    }
    Ok(())
}

/// What a node may have done since it was heard that nobody else may do meanwhile, and what it had promised, in
/// sentences.
fn at_stake(node: &Name, written: &Value) -> String {
    let exposure = written["exposure"].as_array().into_iter().flatten();
    let lines: Vec<_> = exposure.flat_map(|at| at_location(node, at)).collect();
    match lines.as_slice() {
        [] => format!("As far as was heard, {node} holds no rights, and none of its promises is open.\n"),
        lines => lines.iter().map(|line| format!("{line}\n")).collect(),
    }
}

fn at_location(node: &Name, at: &Value) -> Vec<String> {
    let location = text(&at["location"]);
    let [rights, promises, cards, coupons, refunds] =
        ["rights", "promises", "gift_cards", "coupons", "refunds"].map(|of| &at[of]);
    let (taken, of_cards) = (money_of(cards), number_of(&cards["cards"], "gift card"));
    let (uses, of_coupons) = (number_of(&coupons["uses"], "use"), number_of(&coupons["coupons"], "coupon"));
    let (owed, orders) = (money_of(refunds), number_of(&refunds["orders"], "order"));
    let unheard = |did, what: &str, of: &str| format!("{node} may have {did} {what} of {of} that nobody has heard of.");
    let lines = [
        (&rights["units"], unheard("promised", &worth_of(rights), &location)),
        (&promises["units"], format!("Open of its promises at {location}: {}.", worth_of(promises))),
        (&cards["cards"], unheard("taken", &taken, &of_cards)),
        (&coupons["coupons"], unheard("redeemed", &uses, &of_coupons)),
        (
            &refunds["orders"],
            format!("{node} alone may pay back {owed} for {orders} of {location}, and once it is retired its keeper."),
        ),
    ];
    lines.into_iter().filter(|(count, _)| count.as_i64() > Some(0)).map(|(_, line)| line).collect()
}

fn worth_of(of: &Value) -> String {
    let mut worth = money_of(of);
    if of["unpriced"] != 0 {
        let unpriced = format!("{} without a price", text(&of["unpriced"]));
        worth = if worth.is_empty() { unpriced } else { format!("{worth}, {unpriced}") };
    }
    format!("{} ({worth})", number_of(&of["units"], "unit"))
}

fn money_of(of: &Value) -> String {
    let worth = of["worth"].as_array().into_iter().flatten().map(show::money);
    worth.collect::<Vec<_>>().join(", ")
}

fn number_of(number: &Value, what: &str) -> String {
    format!("{} {what}{}", text(number), if *number == 1 { "" } else { "s" })
}

/// Hands the statements over, one after the other; gives how many were new to the node.
fn announce(client: &Client, held: &Held, meant: &Meant, stolen: bool, parts: Vec<Vec<Counted>>) -> Result<u64> {
    let mut new = 0;
    for counted in parts {
        let (node, key) = (meant.node.clone(), meant.key);
        let counted = (!counted.is_empty()).then_some(counted);
        let retirement = Retirement { node, key, at: now(), stolen, counted };
        let taken = hand_over(client, &held.enrolment(&Statement::Retirement(retirement)))?;
        new += taken["new"].as_u64().unwrap_or_default();
    }
    Ok(new)
}

fn report(meant: &Meant, stolen: bool, url: &str, written: &Value) {
    let name = &meant.node;
    let known = known_of(written);
    match (stolen, meant.certified) {
        (false, true) => {
            println!("{name} is retired. What it sold counts, also what is heard of it later.");
            println!("The node at {url} has heard {known}.");
            return;
        }
        (false, false) => {
            println!("{name} is retired. It never had a certificate, so this counts for everybody, and no more:")
        }
        (true, _) if meant.again => println!("{name} stays retired as stolen. This counts as well, for everybody:"),
        (true, _) => {
            println!("{name} is retired as stolen. This counts for everybody, and nothing that it says later:")
        }
    }
    println!("  {known}");
    println!("That is what the node at {url} knows. Say it again at a node that knows more.");
}

/// How far something counts, in words.
fn known_of(written: &Value) -> String {
    let location = |of: &Value| {
        format!("{} events at {}, the last of {}", text(&of["count"]), text(&of["location"]), text(&of["latest"]))
    };
    let mut known: Vec<_> = written["events"].as_array().into_iter().flatten().map(location).collect();
    if let Some(carts) = written["carts"].as_u64().filter(|carts| *carts > 0) {
        known.push(format!("what it did to {carts} carts"));
    }
    if known.is_empty() { "no event of it".to_owned() } else { known.join("; ") }
}

/// Cuts what counts into what each statement has room for.
fn parts(counted: Vec<Counted>) -> Vec<Vec<Counted>> {
    let (mut parts, mut room) = (vec![Vec::new()], MAX_COUNTED);
    for Counted { document, changes } in counted {
        for changes in changes.chunks(MAX_COUNTED) {
            if changes.len() > room {
                parts.push(Vec::new());
                room = MAX_COUNTED;
            }
            room -= changes.len();
            if let Some(part) = parts.last_mut() {
                part.push(Counted { document, changes: changes.to_vec() });
            }
        }
    }
    parts
}

fn counted(written: &Value) -> Result<Vec<Counted>> {
    let documents = written["documents"].as_array().into_iter().flatten();
    let read = |of: &Value| {
        let changes = of["changes"].as_array().into_iter().flatten();
        let changes = changes.map(|hash| Ok(text(hash).parse()?)).collect::<Result<_>>()?;
        Ok(Counted { document: text(&of["document"]).parse()?, changes })
    };
    documents.map(read).collect()
}

/// What a key wrote under a name, as the node knows it.
fn written(client: &Client, node: &Name, key: &PublicKey) -> Result<Value> {
    let written = client.get(&format!("/v1/fleet/nodes/{node}/written"))?;
    let mut keys = written["keys"].as_array().into_iter().flatten();
    Ok(keys.find(|of| of["key"] == key.to_string()).cloned().unwrap_or_default())
}

fn meant(client: &Client, named: &str, stolen: bool) -> Result<Meant> {
    let nodes = known_nodes(client)?;
    match member(&nodes, named, stolen)? {
        Some(node) => Ok(Meant {
            node: text(&node["node"]).parse()?,
            key: text(&node["key"]).parse()?,
            certified: !node["role"].is_null(),
            again: !node["retired_at"].is_null(),
        }),
        None => stranger(client, named),
    }
}

/// The node of the fleet that is meant. One that was retired can still turn out to be stolen, and more of one that is
/// not heard any more may turn up.
fn member<'a>(nodes: &'a [Value], named: &str, stolen: bool) -> Result<Option<&'a Value>> {
    let is_named = |node: &&Value| node["node"] == named || node["key"] == named;
    let may_be_retired = |node: &&Value| node["retired_at"].is_null() || stolen || node["role"].is_null();
    let named_so: Vec<_> = nodes.iter().filter(is_named).collect();
    let open: Vec<_> = named_so.iter().copied().filter(may_be_retired).collect();
    let unretired: Vec<_> = open.iter().copied().filter(|node| node["retired_at"].is_null()).collect();
    match (unretired.as_slice(), open.as_slice(), named_so.as_slice()) {
        ([node], ..) | ([], [node], _) => Ok(Some(node)),
        (.., []) => Ok(None),
        (_, [], [node, ..]) => bail!("{named} was retired {} already", text(&node["retired_at"])),
        _ => {
            bail!("several nodes have the name {named}: give the key of one, `tillmesh fleet nodes --json` lists them")
        }
    }
}

/// A node that wrote while the fleet was open, and never had a certificate.
fn stranger(client: &Client, named: &str) -> Result<Meant> {
    let unknown = || format!("the fleet has no node {named}: `tillmesh fleet nodes` lists them");
    let (name, key) = match named.split_once(':') {
        Some((name, key)) => (name, Some(key)),
        None => (named, None),
    };
    let Ok(node) = name.parse::<Name>() else { bail!(unknown()) };
    let written = client.get(&format!("/v1/fleet/nodes/{node}/written"))?;
    let keys = written["keys"].as_array().into_iter().flatten().map(|of| text(&of["key"]));
    let keys: Vec<_> = keys.filter(|of| key.is_none_or(|key| of == key)).collect();
    match keys.as_slice() {
        [key] => Ok(Meant { node, key: key.parse()?, certified: false, again: false }),
        [] => bail!("{}, and the one at hand has heard nothing of it", unknown()),
        _ => bail!("several keys wrote under the name {name}: give one as {name}:KEY, of {}", keys.join(", ")),
    }
}

#[cfg(test)]
mod tests;
