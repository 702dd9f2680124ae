//! The month of trade as it is played: eight stores, a node each, over one broker.

mod books;
mod replay;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::client::{Client, wait_until};
use crate::grocery::Grocery;
use crate::node::{Node, NodeOptions, executable, free_address};
use crate::report::Story;

use self::books::{Truth, compare, rebuild, truth};
use self::replay::{Crashes, replay};

/// Products of one import request.
const PRODUCTS_A_REQUEST: usize = 1_000;
/// How long nodes may take to agree once everything was sent.
const AGREE: Duration = Duration::from_secs(120);

/// How the month is played.
pub struct Month<'a> {
    /// The broker's URL; none: the first node embeds it.
    pub broker: Option<String>,
    /// How many times a node is killed in the middle of the replay and started again.
    pub crashes: u32,
    /// Whether one node's store is deleted at the end and rebuilt from its peers.
    pub rebuild: bool,
    /// Whether everything is sent a second time.
    pub twice: bool,
    /// Decides when crashes happen.
    pub seed: u64,
    /// Told how far the replay is, after every basket and by the store that sold it: the others go on meanwhile.
    pub watch: &'a Watch<'a>,
}

/// What is told how far the replay is. Its error ends the month.
pub type Watch<'a> = dyn Fn(&Progress<'_>) -> Result<()> + Sync + 'a;

/// How far the replay is.
pub struct Progress<'a> {
    /// Lines sold so far.
    pub sold: u64,
    /// Lines there are.
    pub lines: u64,
    /// A client of each node.
    pub nodes: &'a [Client],
}

impl Default for Month<'_> {
    fn default() -> Self {
        Self { broker: None, crashes: 0, rebuild: false, twice: false, seed: 1, watch: &|_| Ok(()) }
    }
}

impl Month<'_> {
    /// Plays it, telling a person what happens.
    ///
    /// # Errors
    /// At the first thing that does not hold. The nodes' logs and stores are kept then, and their folder is named.
    pub fn play(&self) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let result = self.play_in(folder.path());
        if result.is_err() {
            eprintln!("the nodes' logs and stores stay in {}", folder.keep().display());
        }
        result
    }

    fn play_in(&self, folder: &Path) -> Result<()> {
        let data = Grocery::read()?;
        let mut story = Story::default();
        let mut nodes = self.start_nodes(&data, folder, &mut story)?;
        load_products(&data, &nodes, &mut story)?;
        let truth = truth(&data)?;
        let crashes = Crashes::plan(self.crashes, self.seed, data.lines.len());
        replay(&data, &mut nodes, &crashes, self.watch, &mut story)?;
        compare(&nodes, &truth, &mut story)?;
        if self.twice {
            send_again(&data, &mut nodes, &truth, &mut story)?;
        }
        if self.rebuild {
            rebuild(&mut nodes, &truth, &mut story)?;
        }
        if self.rebuild && self.twice {
            send_again(&data, &mut nodes, &truth, &mut story)?;
        }
        println!("\nAll {} claims hold.", story.claims());
        Ok(())
    }

    fn start_nodes(&self, data: &Grocery, folder: &Path, story: &mut Story) -> Result<Vec<Node>> {
        let executable: PathBuf = executable()?;
        let embedded = free_address()?;
        let mut nodes = Vec::new();
        for store in data.stores() {
            let broker = match &self.broker {
                Some(url) => ["--broker".to_owned(), url.clone()],
                None if nodes.is_empty() => ["--embedded-broker".to_owned(), embedded.to_string()],
                None => ["--broker".to_owned(), format!("mqtt://{embedded}")],
            };
            nodes.push(Node::start(NodeOptions {
                executable: executable.clone(),
                name: format!("store-{store}"),
                location: format!("store-{store}"),
                folder: folder.to_path_buf(),
                listen: free_address()?,
                broker,
                promotions: None,
            })?);
        }
        story.step(&format!("{} stores, a node each, one MQTT broker", nodes.len()));
        for node in &nodes {
            story.tell(&format!("{:<12} {}", node.name(), node.client.url()));
        }
        Ok(nodes)
    }
}

fn load_products(data: &Grocery, nodes: &[Node], story: &mut Story) -> Result<()> {
    let products = data.catalogue(|_| true);
    story.step(&format!("{} products go into the catalogue at {}", products.len(), nodes[0].name()));
    for part in products.chunks(PRODUCTS_A_REQUEST) {
        nodes[0].client.import("/v1/products:import", part, |answer| report_problem(&answer))?;
    }
    for node in nodes {
        wait_until(&format!("{} has every product", node.name()), AGREE, || {
            Ok(node.client.list("/v1/products?limit=1000")?.len() == products.len())
        })?;
    }
    story.claim("every node has every product", true)
}

/// Everything under the keys that were used before: nothing may change, whoever had the event first.
fn send_again(data: &Grocery, nodes: &mut [Node], truth: &Truth, story: &mut Story) -> Result<()> {
    story.step("Everything is sent again, under the same idempotency keys");
    replay(data, nodes, &Crashes::default(), &|_| Ok(()), story)?;
    compare(nodes, truth, story)
}

fn report_problem(answer: &Value) {
    if let Some(detail) = answer.get("detail") {
        eprintln!("refused: {detail}");
    }
}
