//! What every node must hold, and comparing it with what it does.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::AGREE;
use crate::client::{Client, wait_until};
use crate::grocery::Grocery;
use crate::node::Node;
use crate::report::Story;

/// The truth: received and sold per location and product.
pub(super) type Truth = BTreeMap<(String, String), Books>;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Books {
    received: i64,
    sold: i64,
}

pub(super) fn truth(data: &Grocery) -> Result<Truth> {
    let mut truth = Truth::new();
    for line in &data.lines {
        let key = (format!("store-{}", line.store_id), line.product_id.clone());
        truth.entry(key).or_default().received += line.quantity;
    }
    for sold in &data.sold {
        let key = (format!("store-{}", sold.store_id), sold.product_id.clone());
        truth.get_mut(&key).with_context(|| format!("{key:?} was sold and is in no basket"))?.sold = sold.quantity;
    }
    Ok(truth)
}

pub(super) fn compare(nodes: &[Node], truth: &Truth, story: &mut Story) -> Result<()> {
    story.step("Every node is compared with the published truth, product by product");
    for node in nodes {
        let mut found = Truth::new();
        let result = wait_until(&format!("{} holds the truth", node.name()), AGREE, || {
            found = books(&node.client)?;
            Ok(found == *truth)
        });
        if result.is_err() {
            bail!("{}: {}", node.name(), difference(&found, truth));
        }
        let units: i64 = found.values().map(|books| books.sold).sum();
        let text = format!("{:<12} {} store-product pairs, {units} units sold, none differs", node.name(), found.len());
        story.claim(&text, found.values().all(|books| books.received - books.sold == 0))?;
    }
    Ok(())
}

/// What a node's books say: units that came in and left, and that what is on hand is their difference.
fn books(client: &Client) -> Result<Truth> {
    let mut books = Truth::new();
    for row in client.list("/v1/stock?limit=1000")? {
        let number = |key: &str| row[key].as_i64().with_context(|| format!("{key} in {row}"));
        let (received, sold) = (number("entered")?, number("left")?);
        if number("on_hand")? != received - sold {
            bail!("{row}: on hand is not what came in less what left");
        }
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        books.insert((text("location"), text("sku")), Books { received, sold });
    }
    Ok(books)
}

fn difference(found: &Truth, truth: &Truth) -> String {
    let wrong: Vec<_> = truth.iter().filter(|(key, books)| found.get(*key) != Some(*books)).collect();
    let first = wrong.first().map(|(key, books)| format!("{key:?} is {:?}, must be {books:?}", found.get(*key)));
    format!("{} of {} pairs differ; {}", wrong.len(), truth.len(), first.unwrap_or_default())
}

pub(super) fn rebuild(nodes: &mut [Node], truth: &Truth, story: &mut Story) -> Result<()> {
    let last = nodes.len() - 1;
    let name = nodes[last].name().to_owned();
    story.step(&format!("{name}'s store is deleted, once its peers have confirmed that they hold the same"));
    let since: Vec<_> = nodes[..last].iter().map(|peer| digests(&peer.client, &name)).collect::<Result<_>>()?;
    for (peer, since) in nodes[..last].iter().zip(&since) {
        wait_until(&format!("{} confirms {name}", peer.name()), AGREE, || confirmed(&peer.client, &name, since))?;
    }
    story.claim(&format!("{last} peers hold what {name} holds"), true)?;
    nodes[last].kill();
    nodes[last].delete_data()?;
    nodes[last].restart()?;
    compare(&nodes[last..], truth, story)
}

/// What a peer last heard of a node's scopes.
fn digests(peer: &Client, name: &str) -> Result<Vec<Value>> {
    let peers = peer.list("/v1/peers")?;
    let row = peers.iter().find(|row| row["node"] == name);
    Ok(row.and_then(|row| row["scopes"].as_array()).cloned().unwrap_or_default())
}

/// Whether a node has said the digest of every scope anew, and each is the peer's own.
fn confirmed(peer: &Client, name: &str, since: &[Value]) -> Result<bool> {
    let scopes = digests(peer, name)?;
    let anew = |scope: &Value| since.iter().all(|before| before["heard_at"] != scope["heard_at"]);
    Ok(!scopes.is_empty() && scopes.iter().all(|scope| scope["equal"] == true && anew(scope)))
}
