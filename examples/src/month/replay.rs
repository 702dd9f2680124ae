//! Selling the month's baskets, at all stores at once, with nodes that are killed in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{Progress, Watch, report_problem};
use crate::client::Client;
use crate::grocery::{BasketLine, Grocery, sales, week_of};
use crate::node::Node;
use crate::report::Story;

/// Lines of one receipt: what an event may hold.
const RECEIPT_LINES: usize = 500;

/// Before each week a receipt of exactly that week's units, then the week's baskets, at all stores at once.
pub(super) fn replay(
    data: &Grocery,
    nodes: &mut [Node],
    crashes: &Crashes,
    watch: &Watch<'_>,
    story: &mut Story,
) -> Result<()> {
    let weeks = data.lines.iter().map(|line| week_of(&line.sold_at)).max().unwrap_or_default() + 1;
    let baskets: usize = sales(&data.lines.iter().collect::<Vec<_>>()).len();
    story.step(&format!("{baskets} baskets with {} lines in {weeks} weeks are sold", data.lines.len()));
    let bar = ProgressBar::new(data.lines.len() as u64).with_style(
        ProgressStyle::with_template("   {bar:40} {pos}/{len} lines  {elapsed}").context("the bar's template")?,
    );
    let started = Instant::now();
    let clients: Vec<Client> = nodes.iter().map(|node| node.client.clone()).collect();
    let (unknown, failed) = (AtomicUsize::new(0), Mutex::new(None));
    let replay = Replay { data, crashes, watch, clients: &clients, bar: &bar, unknown, failed };
    for week in 0..weeks {
        replay.sell_week(week, nodes)?;
    }
    bar.finish_and_clear();
    story.tell(&format!(
        "{} lines in {:.1} s; {} lines named a product that the catalogue lacks: sold all the same, as a till must",
        data.lines.len(),
        started.elapsed().as_secs_f64(),
        replay.unknown.load(Ordering::Relaxed),
    ));
    let done = crashes.done.load(Ordering::Relaxed);
    if crashes.planned > 0 {
        story.claim(&format!("{done} nodes were killed and resumed"), done == crashes.planned)?;
    }
    Ok(())
}

/// One pass over the month.
struct Replay<'a> {
    data: &'a Grocery,
    crashes: &'a Crashes,
    watch: &'a Watch<'a>,
    clients: &'a [Client],
    bar: &'a ProgressBar,
    unknown: AtomicUsize,
    /// The first thing that went wrong at any store.
    failed: Mutex<Option<anyhow::Error>>,
}

impl Replay<'_> {
    fn sell_week(&self, week: usize, nodes: &mut [Node]) -> Result<()> {
        std::thread::scope(|scope| {
            for node in nodes.iter_mut() {
                scope.spawn(move || self.note(self.sell_week_at(week, node)));
            }
        });
        self.failed().take().map_or(Ok(()), Err)
    }

    fn note(&self, result: Result<()>) {
        if let Err(error) = result {
            self.failed().get_or_insert(error);
        }
    }

    fn failed(&self) -> MutexGuard<'_, Option<anyhow::Error>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sell_week_at(&self, week: usize, node: &mut Node) -> Result<()> {
        let store = node.name().trim_start_matches("store-").to_owned();
        let data = self.data;
        let lines: Vec<&BasketLine> =
            data.lines.iter().filter(|line| line.store_id == store && week_of(&line.sold_at) == week).collect();
        for (number, receipt) in receipts(&lines).iter().enumerate() {
            let key = format!("receipt-{store}-{week}-{number}");
            node.client.post("/v1/stock/receipts", &key, receipt)?;
        }
        let known: BTreeSet<&str> = data.products.iter().map(|product| product.product_id.as_str()).collect();
        let unknown = lines.iter().filter(|line| !known.contains(line.product_id.as_str())).count();
        self.unknown.fetch_add(unknown, Ordering::Relaxed);
        self.import_with_crashes(node, &sales(&lines))
    }

    /// Imports baskets; a crash that was planned for now kills the node in the middle. Then it is started and
    /// everything is sent again: what was taken is taken once.
    fn import_with_crashes(&self, node: &mut Node, baskets: &[Value]) -> Result<()> {
        let mut counted = BTreeSet::new();
        loop {
            let due = self.crashes.due(self.bar.position());
            let client = node.client.clone();
            let result = std::thread::scope(|scope| {
                if let Some(after) = due {
                    let node = &mut *node;
                    scope.spawn(move || {
                        std::thread::sleep(after);
                        node.kill();
                    });
                }
                self.import(&client, baskets, &mut counted)
            });
            if due.is_none() {
                return result;
            }
            node.restart()?;
            self.crashes.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Imports baskets; those that were counted before are not counted again.
    fn import(&self, client: &Client, baskets: &[Value], counted: &mut BTreeSet<usize>) -> Result<()> {
        let mut place = 0;
        client.import("/v1/sales:import", baskets, |answer| {
            report_problem(&answer);
            if counted.insert(place) {
                self.bar.inc(baskets[place]["lines"].as_array().map_or(0, Vec::len) as u64);
                self.note((self.watch)(&self.progress()));
            }
            place += 1;
        })
    }

    fn progress(&self) -> Progress<'_> {
        Progress { sold: self.bar.position(), lines: self.data.lines.len() as u64, nodes: self.clients }
    }
}

/// When nodes are killed.
#[derive(Default)]
pub(super) struct Crashes {
    planned: usize,
    at: Mutex<Vec<(u64, Duration)>>,
    done: AtomicUsize,
}

impl Crashes {
    pub(super) fn plan(crashes: u32, seed: u64, lines: usize) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut at: Vec<_> = (0..crashes)
            .map(|_| (rng.next_u64() % (lines as u64 / 2), Duration::from_millis(5 + rng.next_u64() % 150)))
            .collect();
        at.sort_unstable_by_key(|(line, _)| std::cmp::Reverse(*line));
        Self { planned: at.len(), at: Mutex::new(at), done: AtomicUsize::new(0) }
    }

    /// How long after the begin of the import that starts now its node is killed, if one is due.
    fn due(&self, line: u64) -> Option<Duration> {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        match at.last() {
            Some((due, _)) if *due <= line => at.pop().map(|(_, after)| after),
            _ => None,
        }
    }
}

/// Exactly the units of these lines, in receipts of a size that an event holds.
fn receipts(lines: &[&BasketLine]) -> Vec<Value> {
    let mut units: BTreeMap<&str, i64> = BTreeMap::new();
    for line in lines {
        *units.entry(&line.product_id).or_default() += line.quantity;
    }
    let lines: Vec<Value> = units
        .into_iter()
        .filter(|(_, quantity)| *quantity > 0)
        .map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity }))
        .collect();
    lines.chunks(RECEIPT_LINES).map(|lines| json!({ "lines": lines })).collect()
}
