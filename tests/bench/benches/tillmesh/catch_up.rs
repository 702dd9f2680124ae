//! What it costs a node that missed 10,000 sales to hear of them: bytes against the missing batches, seconds against a
//! copy of the same bytes through the same broker.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tillmesh::runtime::Node;
use tillmesh_core::sync::pack;
use tokio::sync::mpsc;

use crate::Settings;
use crate::bare::{Arrival, Bare, listen};
use crate::nodes::{STEP_LIMIT, shown, start, wait_for_links};
use crate::process::STORE_FILE;
use crate::report::{Bound, Findings, Goal, Table, bytes, median};
use crate::shop::{Shop, priced};

/// How many sales are missed.
const SALES: usize = 10_000;
/// How many of them share a commit: made one by one, or by many clients.
const GROUPS: [usize; 2] = [1, 64];
/// How large the messages of the copy are: as large as a piece of an answer.
const MESSAGE_BYTES: usize = 48 * 1024;
/// How often the missing batches may fit into what is sent.
const GOAL_BYTES: f64 = 1.3;
/// How long nothing may be said after the last sale is shown before everything is counted.
const SILENCE: Duration = Duration::from_millis(50);

/// What one catching up took.
struct Round {
    sent: f64,
    seconds: f64,
    copied: f64,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let rounds = if settings.quick { 1 } else { 5 };
    let title = format!("A node that missed {SALES} one-line sales (medians of {rounds} rounds)");
    let columns = ["a commit", "batches, KB", "sent, KB", "ratio", "seconds", "copied in"];
    let (mut table, mut goals) = (Table::new(&title, &columns), Vec::new());
    for group in GROUPS {
        let folder = TempDir::new_in(&settings.folder)?;
        let envelopes = trade(folder.path(), group)?;
        let missing = bytes(envelopes.iter().map(Vec::len).sum());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let rounds: Vec<_> = runtime.block_on(async {
            let mut measured = Vec::new();
            for round in 0..rounds {
                measured.push(measure(folder.path(), round, &envelopes).await?);
            }
            anyhow::Ok(measured)
        })?;
        let of = |value: fn(&Round) -> f64| median(rounds.iter().map(value).collect());
        let (sent, seconds, copied) = (of(|round| round.sent), of(|round| round.seconds), of(|round| round.copied));
        let numbers = [missing / 1e3, sent / 1e3].map(|number| format!("{number:.0}"));
        let times = [format!("{:.2}", sent / missing), format!("{seconds:.2}"), format!("{copied:.3}")];
        table.row([vec![group.to_string()], numbers.to_vec(), times.to_vec()].concat());
        goals.push(Goal {
            what: format!("(i) bytes of catching up, {group} a commit"),
            node: format!("{:.0} KB", sent / 1e3),
            bare: format!("{:.0} KB", missing / 1e3),
            value: sent / missing,
            bound: Bound::AtMost(GOAL_BYTES),
        });
    }
    Ok(Findings { tables: vec![table], goals })
}

/// The author trades while nobody hears; gives its batches.
fn trade(folder: &Path, group: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    std::fs::create_dir_all(folder.join("till-1"))?;
    let mut shop = Shop::open(&folder.join("till-1").join(STORE_FILE))?;
    let mut envelopes = Vec::new();
    for requests in shop.draw_lines(SALES, 1)?.chunks(group) {
        for request in requests {
            shop.sell(priced(request.clone())?)?;
        }
        envelopes.append(&mut shop.commit_batches()?);
    }
    shop.settle()?;
    Ok(envelopes)
}

/// A new peer hears of everything.
async fn measure(folder: &Path, round: usize, envelopes: &[Vec<u8>]) -> anyhow::Result<Round> {
    let author = start(folder, "till-1", None).await?;
    let broker = author.handle().status().embedded_broker.context("the first node has a broker")?;
    wait_for_links(&[author.handle()]).await?;
    let heard = listen(broker, "bench").await?;
    let started = Instant::now();
    let peer = start(folder, &format!("late-{round}"), Some(broker)).await?;
    let sold = u64::try_from(SALES)?;
    let seen = tokio::spawn({
        let (peer, writer) = (peer.handle(), author.handle().writer().clone());
        async move { shown(&peer, &writer, sold).await }
    });
    let sent = count(heard, seen).await?;
    let mut bare = Bare::connect(broker, vec![None]).await?;
    let copied = bare.copy(&messages(envelopes)).await?;
    shut_down(&[peer, author]).await;
    Ok(Round { sent: bytes(sent.1), seconds: sent.0.saturating_duration_since(started).as_secs_f64(), copied })
}

/// When everything was shown, and the bytes of what was said until then and just after.
async fn count(
    mut heard: mpsc::Receiver<Arrival>,
    mut seen: tokio::task::JoinHandle<anyhow::Result<Instant>>,
) -> anyhow::Result<(Instant, usize)> {
    let mut total = 0;
    let shown = loop {
        tokio::select! {
            arrival = heard.recv() => total += arrival.context("the listener lost its broker")?.bytes,
            shown = &mut seen => break shown??,
            () = tokio::time::sleep(STEP_LIMIT) => bail!("nothing is said and not everything shown"),
        }
    };
    while let Ok(Some(arrival)) = tokio::time::timeout(SILENCE, heard.recv()).await {
        total += arrival.bytes;
    }
    Ok((shown, total))
}

/// The same batches in as few messages as pieces of an answer are.
fn messages(envelopes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut messages, mut waiting, mut length) = (Vec::new(), Vec::new(), 0);
    for envelope in envelopes {
        if length + envelope.len() > MESSAGE_BYTES {
            messages.push(pack(&std::mem::take(&mut waiting)));
            length = 0;
        }
        length += envelope.len();
        waiting.push(envelope.clone());
    }
    messages.push(pack(&waiting));
    messages
}

async fn shut_down(nodes: &[Node]) {
    for node in nodes {
        node.shutdown().await;
    }
}
