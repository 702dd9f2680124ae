//! What a node costs that does nothing, and how soon it is there: resident memory and time to open, with the stock of
//! eight stores. Each value comes from a process of its own: this program started again.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use tempfile::TempDir;

use crate::Settings;
use crate::report::{Table, median};
use crate::shop::{PAIRS, PRODUCTS, STORES, Shop};

/// Tells this program that it is a child and what to do.
const STEP: &str = "TILLMESH_BENCH_STEP";
/// Where its store is.
const STORE: &str = "TILLMESH_BENCH_STORE";

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

/// What a child does. Then it says so and waits: its parent kills it, or lets it end properly by closing its input.
pub enum Step {
    /// Loads the stock and trades: so many sales, so many of them in a commit.
    Fill(usize, usize),
    /// Opens the store and says what that took.
    Open,
}

pub fn run(settings: &Settings) -> anyhow::Result<Table> {
    let title = format!("Idle node with {PAIRS} stocked products of {STORES} stores and {PRODUCTS} products");
    let columns = ["the node before", "open, ms", "resident, MB", "peak, MB", "file, MB"];
    let mut table = Table::new(&title, &columns);
    for ending in &ENDINGS {
        let folder = TempDir::new_in(&settings.folder)?;
        let path = folder.path().join("node.redb");
        child(&format!("fill {} {}", ending.sales, ending.group), &path, ending.killed)?;
        let bytes = std::fs::metadata(&path)?.len();
        let opens = if settings.quick { 3 } else { 9 };
        let said: Vec<_> = (0..opens).map(|_| open(&path, ending.killed)).collect::<Result<_, _>>()?;
        let of = |index: usize| median(said.iter().map(|values| values[index]).collect());
        table.row(vec![
            ending.what.to_owned(),
            format!("{:.0}", of(0)),
            format!("{:.1}", of(1)),
            format!("{:.1}", of(2)),
            format!("{}", bytes >> 20),
        ]);
    }
    Ok(table)
}

/// What a parent process asks for, if one does.
pub fn asked_child_step() -> anyhow::Result<Option<Step>> {
    let Ok(step) = std::env::var(STEP) else { return Ok(None) };
    match step.split(' ').collect::<Vec<_>>()[..] {
        ["fill", sales, group] => Ok(Some(Step::Fill(sales.parse()?, group.parse()?))),
        ["open"] => Ok(Some(Step::Open)),
        _ => bail!("{STEP} says {step:?}"),
    }
}

pub fn run_child(step: &Step) -> anyhow::Result<()> {
    let path = PathBuf::from(std::env::var(STORE)?);
    match step {
        Step::Fill(sales, group) => fill(&path, *sales, *group),
        Step::Open => open_and_say(&path),
    }
}

fn fill(path: &Path, sales: usize, group: usize) -> anyhow::Result<()> {
    let mut shop = Shop::open(path)?;
    shop.stock_up()?;
    for requests in shop.draw(sales)?.chunks(group) {
        for request in requests {
            shop.sell(request.clone())?;
        }
        shop.commit()?;
    }
    say_and_wait("done")?;
    shop.settle()
}

fn open_and_say(path: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    let _shop = Shop::open(path)?;
    let millis = started.elapsed().as_secs_f64() * 1e3;
    say_and_wait(&format!("{millis} {} {}", memory("VmRSS:")?, memory("VmHWM:")?))
}

fn say_and_wait(said: &str) -> anyhow::Result<()> {
    println!("{said}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Opens the store in a child: milliseconds, resident and peak megabytes.
fn open(path: &Path, kill: bool) -> anyhow::Result<[f64; 3]> {
    let said = child("open", path, kill)?;
    let values: Vec<f64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    values.try_into().map_err(|_| anyhow!("a child said {said:?}"))
}

/// Has a child do a step and gives what it said.
fn child(step: &str, path: &Path, kill: bool) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(STEP, step).env(STORE, path).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut said = String::new();
    BufReader::new(child.stdout.take().context("a child has an output")?).read_line(&mut said)?;
    end(child, kill)?;
    if said.is_empty() {
        bail!("the child that should {step} said nothing");
    }
    Ok(said)
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

/// A field of the process's status, in megabytes. Linux only, as is this part.
fn memory(field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("the kernel does not say")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024.0)
}
