//! How long 5,000 sales take until a peer shows them all, made by as many clients as a node serves at once: durable at
//! the author, durable at the peer. Against the same records committed by bare redb, in commits as large as a node's,
//! and sent to a bare receiver that commits them too.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use tempfile::TempDir;
use tillmesh::runtime::Handle;
use tillmesh_core::command::Request;

use crate::Settings;
use crate::bare::Bare;
use crate::nodes::{shown, start, wait_for_links};
use crate::raw::Raw;
use crate::report::{Bound, Findings, Goal, Table, median};
use crate::shop::{Shop, priced};

/// How many sales are made.
const SALES: usize = 5_000;
/// How many clients make them.
const CLIENTS: usize = 256;
/// How many sales a node commits at once at most, and so the bare way.
const GROUP: usize = 64;
/// Seconds.
const GOAL: f64 = 0.6;

/// Seconds of one round.
struct Round {
    committed: f64,
    shown: f64,
    bare: f64,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let rounds = if settings.quick { 2 } else { 7 };
    let folder = TempDir::new_in(&settings.folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rounds = runtime.block_on(measure(folder.path(), rounds))?;
    let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let (committed, shown, bare) = (of(|round| round.committed), of(|round| round.shown), of(|round| round.bare));
    let title = format!("{SALES} one-line sales by {CLIENTS} clients, seconds (medians of {} rounds)", rounds.len());
    let mut table = Table::new(&title, &["", "seconds"]);
    table.row(vec!["durable at the author".to_owned(), format!("{committed:.2}")]);
    table.row(vec!["shown by the peer".to_owned(), format!("{shown:.2}")]);
    table.row(vec![format!("bare: committed {GROUP} at once, sent, committed"), format!("{bare:.2}")]);
    let goals = vec![Goal {
        what: format!("(h) s until a peer shows {SALES} sales"),
        node: format!("{shown:.2} s"),
        bare: format!("{bare:.2} s"),
        value: shown,
        bound: Bound::AtMost(GOAL),
    }];
    Ok(Findings { tables: vec![table], goals })
}

async fn measure(folder: &Path, count: usize) -> anyhow::Result<Vec<Round>> {
    let mut shop = Shop::open(&folder.join("drawn.redb"))?;
    let records: Vec<_> = (0..GROUP).map(|_| Ok(shop.message(1)?.record)).collect::<anyhow::Result<_>>()?;
    let author = start(folder, "till-1", None).await?;
    let broker = author.handle().status().embedded_broker.context("the first node has a broker")?;
    let peer = start(folder, "till-2", Some(broker)).await?;
    wait_for_links(&[author.handle(), peer.handle()]).await?;
    let mut raw = Raw::create(&folder.join("author.redb"))?;
    let mut bare = Bare::connect(broker, vec![Some(Raw::create(&folder.join("peer.redb"))?)]).await?;
    let mut rounds = Vec::new();
    for round in 0..=count {
        let requests: Vec<_> = shop.draw_lines(SALES, 1)?.into_iter().map(priced).collect::<anyhow::Result<_>>()?;
        let sold = (round + 1) * SALES;
        let (committed, shown) = sell(&author.handle(), &peer.handle(), requests, u64::try_from(sold)?).await?;
        let measured = Round { committed, shown, bare: copy(&mut raw, &mut bare, &records).await? };
        // The first round warms everything up.
        if round > 0 {
            rounds.push(measured);
        }
    }
    peer.shutdown().await;
    author.shutdown().await;
    Ok(rounds)
}

/// Seconds until the author has answered every client, and until the peer shows all its sales.
async fn sell(author: &Handle, peer: &Handle, requests: Vec<Request>, sold: u64) -> anyhow::Result<(f64, f64)> {
    let writer = author.writer().clone();
    let started = Instant::now();
    let share = requests.len().div_ceil(CLIENTS);
    let clients: Vec<_> = requests.chunks(share).map(|requests| client(author.clone(), requests.to_vec())).collect();
    let clients: Vec<_> = clients.into_iter().map(tokio::spawn).collect();
    let (seen, committed) = tokio::join!(shown(peer, &writer, sold), async {
        for client in clients {
            client.await??;
        }
        anyhow::Ok(Instant::now())
    });
    let since = |at: Instant| at.saturating_duration_since(started).as_secs_f64();
    Ok((since(committed?), since(seen?)))
}

/// Makes one sale after the other.
async fn client(author: Handle, requests: Vec<Request>) -> anyhow::Result<()> {
    for request in requests {
        let _outcome = author.submit(request).await?;
    }
    Ok(())
}

/// Seconds until as many records are committed, sent and committed again.
async fn copy(raw: &mut Raw, bare: &mut Bare, records: &[Vec<u8>]) -> anyhow::Result<f64> {
    let started = Instant::now();
    let message = records.concat();
    let groups = SALES.div_ceil(GROUP);
    for _ in 0..groups {
        raw.commit(records)?;
    }
    bare.copy(&vec![message; groups]).await?;
    Ok(started.elapsed().as_secs_f64())
}
