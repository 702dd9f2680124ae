//! What a node costs that does nothing, and how soon it is there: resident memory and time to ready of the node's own
//! executable, with HTTP, a broker, its plugins and the stock of eight stores. Each value comes from a process of its
//! own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::Settings;
use crate::process::{Process, STORE_FILE, components};
use crate::report::{Bound, Findings, Goal, Table, median};
use crate::shop::{PAIRS, PRODUCTS, STORES, Shop};

/// Tells this program that it is a child that fills a store: how many sales, how many of them in a commit.
const STEP: &str = "TILLMESH_BENCH_STEP";
/// Where its store is.
const STORE: &str = "TILLMESH_BENCH_STORE";
/// How often the memory of a node is looked at, until it stays the same.
const LOOK: Duration = Duration::from_millis(250);
/// How long memory may change before it is taken as it is.
const LOOK_LIMIT: Duration = Duration::from_secs(20);
/// Megabytes, and seconds.
const GOAL_MEMORY: f64 = 60.0;
const GOAL_START: f64 = 1.0;

/// A way a node ended before it is started again.
struct Ending {
    what: &'static str,
    /// How many sales were made, how many of them shared a commit.
    sales: usize,
    group: usize,
    killed: bool,
}

const ENDINGS: [Ending; 3] = [
    Ending { what: "ended properly", sales: 2_000, group: 1, killed: false },
    Ending { what: "killed after 2,000 sales, one by one", sales: 2_000, group: 1, killed: true },
    Ending { what: "killed after 20,000 sales, 64 a commit", sales: 20_000, group: 64, killed: true },
];

/// What one start showed: milliseconds to ready; megabytes resident when idle, of these not backed by a file, and at
/// most.
struct Start {
    ready: f64,
    resident: f64,
    anonymous: f64,
    peak: f64,
}

pub fn run(settings: &Settings) -> anyhow::Result<Findings> {
    let mut table =
        Table::new(&title(), &["the node before", "ready, ms", "resident, MB", "own, MB", "peak, MB", "file, MB"]);
    let mut goals = Vec::new();
    for ending in &ENDINGS {
        let (starts, bytes) = measure(settings, ending)?;
        let of = |value: fn(&Start) -> f64| median(starts.iter().map(value).collect());
        let (ready, resident) = (of(|start| start.ready), of(|start| start.resident));
        table.row(vec![
            ending.what.to_owned(),
            format!("{ready:.0}"),
            format!("{resident:.1}"),
            format!("{:.1}", of(|start| start.anonymous)),
            format!("{:.1}", of(|start| start.peak)),
            format!("{}", bytes >> 20),
        ]);
        let goal = |what: &str, node: String, value, most| Goal {
            what: format!("{what}, {}", ending.what),
            node,
            bare: "-".to_owned(),
            value,
            bound: Bound::AtMost(most),
        };
        goals.push(goal("(d) MB resident", format!("{resident:.1} MB"), resident, GOAL_MEMORY));
        goals.push(goal("(e) s to ready", format!("{ready:.0} ms"), ready / 1e3, GOAL_START));
    }
    Ok(Findings { tables: vec![table], goals })
}

fn title() -> String {
    let names: Vec<_> = components().into_iter().map(|(name, _)| name).collect();
    let plugins = if names.is_empty() { "no plugins: run plugins/build".to_owned() } else { names.join(" and ") };
    format!(
        "Idle node with {PAIRS} stocked products of {STORES} stores and {PRODUCTS} products \
         (HTTP, embedded broker, {plugins})"
    )
}

/// Starts a node several times, each time on the same store; gives its size as well.
fn measure(settings: &Settings, ending: &Ending) -> anyhow::Result<(Vec<Start>, u64)> {
    let folder = TempDir::new_in(&settings.folder)?;
    let (filled, store) = (folder.path().join("filled.redb"), folder.path().join(STORE_FILE));
    fill_in_child(&filled, ending)?;
    let bytes = std::fs::metadata(&filled)?.len();
    copy_store(&filled, &store)?;
    // The first start compiles the plugins; the code is kept beside the store.
    drop(Process::start(folder.path())?);
    let count = if settings.quick { 3 } else { 9 };
    let starts = (0..count).map(|_| {
        copy_store(&filled, &store)?;
        start(folder.path())
    });
    Ok((starts.collect::<anyhow::Result<_>>()?, bytes))
}

/// A store that was killed has its log beside it.
fn copy_store(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::copy(from, to)?;
    let (from, to) = (from.with_extension("wal"), to.with_extension("wal"));
    if to.exists() {
        std::fs::remove_file(&to)?;
    }
    if from.exists() {
        std::fs::copy(from, to)?;
    }
    Ok(())
}

fn start(folder: &Path) -> anyhow::Result<Start> {
    let process = Process::start(folder)?;
    let since = Instant::now();
    let mut resident = process.memory("VmRSS:")?;
    loop {
        std::thread::sleep(LOOK);
        let now = process.memory("VmRSS:")?;
        if now.to_bits() == resident.to_bits() || since.elapsed() > LOOK_LIMIT {
            break;
        }
        resident = now;
    }
    Ok(Start {
        ready: process.took().as_secs_f64() * 1e3,
        resident,
        anonymous: process.memory("RssAnon:")?,
        peak: process.memory("VmHWM:")?,
    })
}

/// Does what a parent process asks for; gives whether one did.
pub fn ran_as_child() -> anyhow::Result<bool> {
    let Ok(step) = std::env::var(STEP) else { return Ok(false) };
    let path = PathBuf::from(std::env::var(STORE)?);
    match step.split_once(' ') {
        Some((sales, group)) => fill(&path, sales.parse()?, group.parse()?).map(|()| true),
        None => bail!("{STEP} says {step:?}"),
    }
}

/// Loads the stock and trades, says so and waits: the parent kills it, or lets it end properly by closing its input.
fn fill(path: &Path, sales: usize, group: usize) -> anyhow::Result<()> {
    let mut shop = Shop::open(path)?;
    shop.stock_up()?;
    for requests in shop.draw(sales)?.chunks(group) {
        for request in requests {
            shop.sell(request.clone())?;
        }
        shop.commit()?;
    }
    println!("done");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    shop.settle()
}

fn fill_in_child(path: &Path, ending: &Ending) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(STEP, format!("{} {}", ending.sales, ending.group)).env(STORE, path);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    BufReader::new(child.stdout.take().context("a child has an output")?).read_line(&mut said)?;
    end(child, ending.killed)?;
    if said.is_empty() {
        bail!("the child that should trade said nothing");
    }
    Ok(())
}

fn end(mut child: Child, kill: bool) -> anyhow::Result<()> {
    if kill {
        child.kill()?;
        child.wait()?;
        return Ok(());
    }
    drop(child.stdin.take());
    match child.wait()? {
        status if status.success() => Ok(()),
        status => bail!("a child failed: {status}"),
    }
}
