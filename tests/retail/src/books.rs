//! What came in and what left, per location and code.

use std::collections::{BTreeMap, BTreeSet};

use crate::collection::Collection;
use crate::deal::{NODES, OPENING, node_of};
use anyhow::{Context as _, Result, ensure};
use tillmesh_examples::client::Client;

/// Units that came in and left, per location and code.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Books(BTreeMap<(String, String), Sides>);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sides {
    entered: i64,
    left: i64,
}

impl Books {
    /// What the lines say; its net units are the published ones.
    ///
    /// # Errors
    /// When they are not: the lines were dealt wrongly.
    pub fn of(collection: &Collection) -> Result<Self> {
        let mut books = Self::default();
        for row in collection.rows() {
            let key = (NODES[node_of(&row.country)].to_owned(), row.code.clone());
            let sides = books.0.entry(key).or_insert(Sides { entered: OPENING, left: 0 });
            sides.entered += (-row.quantity).max(0);
            sides.left += row.quantity.max(0);
        }
        let published: BTreeMap<&str, i64> =
            collection.totals.iter().map(|(code, total)| (code.as_str(), total.units)).collect();
        ensure!(books.net_units() == published, "the lines were dealt wrongly");
        Ok(books)
    }

    /// What a node says. Its units on hand are what came in less what left.
    ///
    /// # Errors
    /// When it does not answer, or its own numbers do not fit together.
    pub fn at(node: &Client) -> Result<Self> {
        let mut books = Self::default();
        for row in node.list("/v1/stock?limit=1000")? {
            let number = |name: &str| row[name].as_i64().with_context(|| format!("{name} in {row}"));
            let text = |name: &str| row[name].as_str().map(str::to_owned).with_context(|| format!("{name} in {row}"));
            let sides = Sides { entered: number("entered")?, left: number("left")? };
            ensure!(number("on_hand")? == sides.entered - sides.left, "{row}: on hand is not in less out");
            books.0.insert((text("location")?, text("sku")?), sides);
        }
        Ok(books)
    }

    /// How many codes there are.
    pub fn codes(&self) -> usize {
        self.0.keys().map(|(_, code)| code).collect::<BTreeSet<_>>().len()
    }

    /// Opening stock less what is on hand, per code over all locations.
    pub fn net_units(&self) -> BTreeMap<&str, i64> {
        let mut net = BTreeMap::new();
        for ((_, code), sides) in &self.0 {
            *net.entry(code.as_str()).or_default() += OPENING - (sides.entered - sides.left);
        }
        net
    }

    /// The first difference in words; none when both say the same.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let keys: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differing: Vec<_> = keys.iter().filter(|key| self.0.get(**key) != other.0.get(**key)).collect();
        let first = differing.first()?;
        let (here, there) = (self.0.get(**first), other.0.get(**first));
        Some(format!("{} of {} rows differ; {first:?} is {here:?}, must be {there:?}", differing.len(), keys.len()))
    }
}
