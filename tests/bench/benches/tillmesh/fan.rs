//! How soon a sale is seen at 1, 10 and 50 nodes of one broker, against a bare publish of the same bytes to as many
//! receivers, each with one bare commit.

use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;
use tillmesh::runtime::{Handle, Node};
use tillmesh_core::command::Request;

use crate::Settings;
use crate::bare::Bare;
use crate::nodes::{shown, start, wait_for_links};
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, quantile};
use crate::shop::{Shop, priced};

/// How many nodes hear the author.
const NODES: [usize; 3] = [1, 10, 50];
/// How many sales and bare messages take turns.
const TURN: usize = 10;
/// How many lines each sale has.
const LINES: usize = 1;
/// How often the bare way may fit into the nodes' way.
const GOAL_P50: f64 = 2.0;

/// Milliseconds until each of the nodes shows each of the sales, and each receiver has committed each message.
#[derive(Default)]
struct Times {
    nodes: Vec<f64>,
    bare: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 2 } else { 20 };
    let title = format!(
        "From an author's commit to the view of every node, milliseconds ({} one-line sales; \
         bare: publish to every receiver's commit)",
        turns * TURN
    );
    let columns = ["nodes", "p50", "p99", "bare p50", "bare p99", "ratio p50", "ratio p99"];
    let (mut table, mut goals) = (Table::new(&title, &columns), Vec::new());
    for nodes in NODES {
        let folder = TempDir::new_in(&settings.folder)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let times = runtime.block_on(measure(folder.path(), nodes, turns))?;
        let of = |share| (quantile(times.nodes.clone(), share), quantile(times.bare.clone(), share));
        let ((p50, bare50), (p99, bare99)) = (of(0.5), of(0.99));
        let numbers = [p50, p99, bare50, bare99, p50 / bare50, p99 / bare99].map(|number| format!("{number:.2}"));
        table.row([vec![nodes.to_string()], numbers.to_vec()].concat());
        goals.push(Goal {
            what: format!("(g) p50 from commit to the view of {nodes} nodes"),
            node: format!("{p50:.2} ms"),
            bare: format!("{bare50:.2} ms"),
            value: p50 / bare50,
            bound: Bound::AtMost(GOAL_P50),
        });
    }
    Ok(Findings { tables: vec![table], goals })
}

async fn measure(folder: &Path, count: usize, turns: usize) -> anyhow::Result<Times> {
    let mut shop = Shop::open(&folder.join("drawn.redb"))?;
    let sale = shop.message(LINES)?;
    let requests = shop.draw_lines((turns + 1) * TURN, LINES)?;
    let author = start(folder, "till-0", None).await?;
    let broker = author.handle().status().embedded_broker.context("the first node has a broker")?;
    let mut fleet = Fleet { author, nodes: Vec::new(), sold: 0 };
    for number in 1..=count {
        fleet.nodes.push(start(folder, &format!("till-{number}"), Some(broker)).await?);
    }
    wait_for_links(&fleet.handles()).await?;
    let databases = (0..count).map(|number| Raw::create(&folder.join(format!("raw-{number}.redb"))).map(Some));
    let mut bare = Bare::connect(broker, databases.collect::<Result<_, _>>()?).await?;
    let mut times = Times::default();
    for (turn, requests) in requests.chunks(TURN).enumerate() {
        let mut measured = Times::default();
        for request in requests {
            measured.nodes.append(&mut fleet.sell(request.clone()).await?);
        }
        for _ in requests {
            measured.bare.append(&mut bare.send(&sale.payload).await?);
        }
        // The first turn warms everything up.
        if turn > 0 {
            times.nodes.append(&mut measured.nodes);
            times.bare.append(&mut measured.bare);
        }
    }
    fleet.shutdown().await;
    Ok(times)
}

/// A node that sells, and those that hear of it.
struct Fleet {
    author: Node,
    nodes: Vec<Node>,
    sold: u64,
}

impl Fleet {
    fn handles(&self) -> Vec<Handle> {
        self.nodes.iter().map(Node::handle).collect()
    }

    /// Milliseconds from the author's commit until each node shows the sale.
    async fn sell(&mut self, request: Request) -> anyhow::Result<Vec<f64>> {
        self.sold += 1;
        let (author, sold) = (self.author.handle(), self.sold);
        let watched = [vec![author.clone()], self.handles()].concat().into_iter().map(|node| {
            let writer = author.writer().clone();
            tokio::spawn(async move { shown(&node, &writer, sold).await })
        });
        let watched: Vec<_> = watched.collect();
        let _outcome = author.submit(priced(request)?).await?;
        let mut seen = Vec::with_capacity(watched.len());
        for watched in watched {
            seen.push(watched.await??);
        }
        let committed = seen.remove(0);
        Ok(seen.into_iter().map(|at| at.saturating_duration_since(committed).as_secs_f64() * 1e3).collect())
    }

    async fn shutdown(self) {
        for node in &self.nodes {
            node.shutdown().await;
        }
        self.author.shutdown().await;
    }
}
