//! How soon a peer sees a sale: from the author's commit to the peer's view, two nodes over the embedded broker,
//! against the same bytes over the same broker by bare clients, and one bare commit.

use std::path::Path;

use anyhow::Context as _;
use tempfile::TempDir;
use tillmesh::runtime::Handle;
use tillmesh_core::command::Request;

use crate::Settings;
use crate::bare::Bare;
use crate::http::millis;
use crate::nodes::{shown, start, wait_for_links};
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, median, quantile};
use crate::shop::{Shop, priced};

/// How many sales and bare messages take turns.
const TURN: usize = 25;
/// How often the bare way may fit into the nodes' way.
const GOAL_P50: f64 = 2.5;
/// How many lines each sale has.
const LINES: usize = 10;

/// Milliseconds of each sale, each bare message, each bare commit.
#[derive(Default)]
struct Times {
    visible: Vec<f64>,
    message: Vec<f64>,
    commit: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 8 } else { 40 };
    let folder = TempDir::new_in(&settings.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let times = runtime.block_on(measure(folder.path(), turns))?;
    Ok(findings(&times))
}

async fn measure(folder: &Path, turns: usize) -> anyhow::Result<Times> {
    let mut shop = Shop::open(&folder.join("drawn.redb"))?;
    let sale = shop.message(LINES)?;
    let requests = shop.draw((turns + 1) * TURN)?;
    let author = start(folder, "till-1", None).await?;
    let broker = author.handle().status().embedded_broker.context("the first node has a broker")?;
    let peer = start(folder, "till-2", Some(broker)).await?;
    wait_for_links(&[author.handle(), peer.handle()]).await?;
    let mut pair = Pair { author: author.handle(), peer: peer.handle(), sold: 0 };
    let mut bare = Bare::connect(broker, vec![None]).await?;
    let mut raw = Raw::create(&folder.join("raw.redb"))?;
    let mut times = Times::default();
    for (turn, requests) in requests.chunks(TURN).enumerate() {
        let mut measured = Times::default();
        for request in requests {
            measured.visible.push(pair.sell(request.clone()).await?);
        }
        for _ in requests {
            measured.message.append(&mut bare.send(&sale.payload).await?);
            measured.commit.push(millis(|| raw.commit(std::slice::from_ref(&sale.record)))?);
        }
        // The first turn warms everything up.
        if turn > 0 {
            times.visible.append(&mut measured.visible);
            times.message.append(&mut measured.message);
            times.commit.append(&mut measured.commit);
        }
    }
    peer.shutdown().await;
    author.shutdown().await;
    Ok(times)
}

fn findings(times: &Times) -> Findings {
    let title = format!(
        "From an author's commit to a peer's view, milliseconds ({} ten-line sales; \
         bare: publish to receive, then one commit)",
        times.visible.len()
    );
    let mut table = Table::new(&title, &["", "p50", "p99"]);
    let mut row = |what: &str, values: &Vec<f64>| {
        let of = |share| format!("{:.2}", quantile(values.clone(), share));
        table.row(vec![what.to_owned(), of(0.5), of(0.99)]);
    };
    row("visible on the peer", &times.visible);
    row("publish to receive", &times.message);
    row("a commit of raw redb", &times.commit);
    let visible = median(times.visible.clone());
    let bare = median(times.message.iter().zip(&times.commit).map(|(message, commit)| message + commit).collect());
    let goals = vec![Goal {
        what: "(c) p50 from commit to a peer's view".to_owned(),
        node: format!("{visible:.2} ms"),
        bare: format!("{bare:.2} ms"),
        value: visible / bare,
        bound: Bound::AtMost(GOAL_P50),
    }];
    Findings { tables: vec![table], goals }
}

/// Two nodes that share a location.
struct Pair {
    author: Handle,
    peer: Handle,
    sold: u64,
}

impl Pair {
    /// Milliseconds from the author's commit until the peer shows the sale.
    async fn sell(&mut self, request: Request) -> anyhow::Result<f64> {
        self.sold += 1;
        let writer = self.author.writer().clone();
        let sold = self.author.submit(priced(request)?);
        let (sold, committed, seen) =
            tokio::join!(sold, shown(&self.author, &writer, self.sold), shown(&self.peer, &writer, self.sold),);
        let _seen_by_both = sold?;
        Ok(seen?.saturating_duration_since(committed?).as_secs_f64() * 1e3)
    }
}
