//! How long it takes to get a cart's token from the node that holds it, over the embedded broker, asked for in the
//! process and over HTTP, against what it is made of: one round trip of bare MQTT messages of the same size and two
//! bare commits.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;
use tillmesh::http;
use tillmesh::runtime::{Handle, now};
use tillmesh_core::cart::CartRow;
use tillmesh_core::command::{Command, Request};
use tillmesh_core::view::read;
use tokio::net::TcpListener;

use crate::Settings;
use crate::bare::Bare;
use crate::http::{Connection, millis};
use crate::nodes::{STEP_LIMIT, start, wait_for_links};
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, median, quantile};
use crate::shop::Shop;

/// How many hand-overs of both kinds and bare round trips take turns.
const TURN: usize = 10;
/// How often the bare way may fit into the nodes' way.
const GOAL_P50: f64 = 1.5;

/// How long a claim waits for the token, in milliseconds.
const PATIENCE_MILLIS: i64 = 500;

/// Milliseconds of each hand-over, and of a bare round trip with two commits.
#[derive(Default)]
struct Times {
    claim: Vec<f64>,
    http: Vec<f64>,
    bare: Vec<f64>,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let turns = if settings.quick { 4 } else { 30 };
    let folder = TempDir::new_in(&settings.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let times = runtime.block_on(measure(folder.path(), turns))?;
    Ok(findings(&times))
}

async fn measure(folder: &Path, turns: usize) -> anyhow::Result<Times> {
    let message = Shop::open(&folder.join("drawn.redb"))?.message(1)?;
    let holder = start(folder, "till-1", None).await?;
    let broker = holder.handle().status().embedded_broker.context("the first node has a broker")?;
    let other = start(folder, "till-2", Some(broker)).await?;
    wait_for_links(&[holder.handle(), other.handle()]).await?;
    let (from, to) = (serve(holder.handle()).await?, serve(other.handle()).await?);
    let (mut from, mut to) = (Connection::open(from)?, Connection::open(to)?);
    let mut bare = Bare::connect(broker, vec![None]).await?;
    let mut raw = Raw::create(&folder.join("raw.redb"))?;
    let mut times = Times::default();
    for turn in 0..=turns {
        let mut measured = Times::default();
        for _ in 0..TURN {
            let cart = begin(&mut from, &other.handle()).await?;
            measured.claim.push(claim(&other.handle(), &cart).await?);
        }
        for _ in 0..TURN {
            let cart = begin(&mut from, &other.handle()).await?;
            // A claim changes nothing the second time, so it needs no key.
            let claim = || to.post(&format!("/v1/carts/{cart}:claim"), None, "{}").map(drop);
            measured.http.push(tokio::task::block_in_place(|| millis(claim))?);
        }
        for _ in 0..TURN {
            let there = bare.send(&message.payload).await?[0];
            let commits = (0..2).map(|_| millis(|| raw.commit(std::slice::from_ref(&message.record))));
            let commits: f64 = commits.sum::<anyhow::Result<f64>>()?;
            measured.bare.push(there + bare.send(&message.payload).await?[0] + commits);
        }
        // The first turn warms everything up.
        if turn > 0 {
            times.claim.append(&mut measured.claim);
            times.http.append(&mut measured.http);
            times.bare.append(&mut measured.bare);
        }
    }
    other.shutdown().await;
    holder.shutdown().await;
    Ok(times)
}

/// Serves a node's API until this process ends.
async fn serve(handle: Handle) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = http::serve(handle, listener, std::future::pending()).await {
            eprintln!("a node's API ended: {error}");
        }
    });
    Ok(address)
}

/// Begins a cart at its first holder, and waits until the other node shows it.
async fn begin(from: &mut Connection, other: &Handle) -> anyhow::Result<String> {
    let cart = tokio::task::block_in_place(|| from.post("/v1/carts", None, "{}"))?;
    let cart = cart["id"].as_str().context("a cart has an id")?.to_owned();
    wait_for_cart(other, &cart).await?;
    Ok(cart)
}

/// Milliseconds until a node holds a cart's token.
async fn claim(node: &Handle, cart: &str) -> anyhow::Result<f64> {
    let request = Request::now(Command::ClaimCart { cart: cart.parse()? });
    let request = Request { until: Some(now().plus_millis(PATIENCE_MILLIS)), ..request };
    let started = Instant::now();
    let _held = node.submit(request).await?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

async fn wait_for_cart(node: &Handle, cart: &str) -> anyhow::Result<()> {
    let cart = cart.parse()?;
    let mut head = node.head();
    while !read::<CartRow>(&node.view(), node.reader(), &cart)?.is_some_and(|row| row.is_begun()) {
        tokio::time::timeout(STEP_LIMIT, head.changed()).await??;
    }
    // What else a new cart makes nodes say is not part of the hand-over.
    tokio::time::sleep(Duration::from_millis(2)).await;
    Ok(())
}

fn findings(times: &Times) -> Findings {
    let title = format!(
        "A cart's token from another node, milliseconds (twice {} hand-overs; bare: two messages and two commits)",
        times.claim.len()
    );
    let mut table = Table::new(&title, &["", "p50", "p99"]);
    let rows = [("hand-over", &times.claim), ("hand-over over HTTP", &times.http), ("bare", &times.bare)];
    for (what, values) in rows {
        let of = |share| format!("{:.2}", quantile(values.clone(), share));
        table.row(vec![what.to_owned(), of(0.5), of(0.99)]);
    }
    let (claim, bare) = (median(times.claim.clone()), median(times.bare.clone()));
    let goal = Goal {
        what: "(k) p50 of a cart's hand-over".to_owned(),
        node: format!("{claim:.2} ms"),
        bare: format!("{bare:.2} ms"),
        value: claim / bare,
        bound: Bound::AtMost(GOAL_P50),
    };
    Findings { tables: vec![table], goals: vec![goal] }
}
