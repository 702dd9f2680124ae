//! The benchmark. Each part measures the node and, in turn with it, the bare engine under it with the same bytes on the
//! same disk, and prints medians and their ratio. Times are printed and judged by people; nothing here fails for being
//! slow.
//!
//! ```text
//! cargo bench -p tillmesh-bench                     every part
//! cargo bench -p tillmesh-bench -- engine --quick   one part, fewer rounds
//! ```
//!
//! A part is a module with `run(&Settings) -> anyhow::Result<Findings>` and a line in [`Part`]. At the end stands each
//! goal of the design with what was measured.

mod bare;
mod burst;
mod bytes;
mod catch_up;
mod engine;
mod fan;
mod hand_over;
mod http;
mod idle;
mod nodes;
mod peer;
mod plugin_peers;
mod plugins;
mod process;
mod promises;
mod raw;
mod reads;
mod report;
mod shop;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use report::{Findings, summary};

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Durable ten-line sales per second through the engine, against bare redb commits of the same event records.
    Engine,
    /// The time of one sale over HTTP, against one bare commit.
    Http,
    /// The time from an author's commit to a peer's view, against bare clients of the same broker.
    Peer,
    /// The bytes of a sale on its way, against its record.
    Bytes,
    /// The time from an author's commit to the views of 1, 10 and 50 nodes, against bare clients of the same broker.
    Fan,
    /// The time until a peer shows 5,000 sales, against bare commits and messages.
    Burst,
    /// Bytes and seconds of a node that missed 10,000 sales, against a bare copy.
    CatchUp,
    /// Resident memory and time to start with the stock of eight stores, of the node's executable.
    Idle,
    /// Durable reservations per second, against sales in the same store.
    Promises,
    /// The time of a cart's hand-over to another node, against two bare messages and two bare commits.
    HandOver,
    /// The time in which a plugin reads an order, against the same code compiled natively, and against Extism.
    Plugins,
    /// The time of a question about stock while the node sells, against a constant answer.
    Reads,
}

/// What the command line says.
#[derive(Debug, Parser)]
#[command(about = "Measures a node against the bare engines under it")]
struct Settings {
    /// The parts to run; all when none is named.
    parts: Vec<Part>,
    /// Fewer and shorter rounds: to see whether it runs, not how fast.
    #[arg(long)]
    quick: bool,
    /// How many sales share a commit in the part `engine`.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    groups: Vec<usize>,
    /// The folder to work in: decides which disk is measured. A file system in memory makes durability free.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// Cargo says this to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    if idle::ran_as_child()? {
        return Ok(());
    }
    let settings = Settings::parse();
    let mut goals = Vec::new();
    for part in Part::value_variants() {
        if settings.parts.is_empty() || settings.parts.contains(part) {
            let mut findings = run(*part, &settings)?;
            findings.tables.iter().for_each(|table| println!("{table}"));
            goals.append(&mut findings.goals);
        }
    }
    println!("{}", summary(&goals));
    Ok(())
}

fn run(part: Part, settings: &Settings) -> anyhow::Result<Findings> {
    match part {
        Part::Engine => engine::run(settings),
        Part::Http => http::run(settings),
        Part::Peer => peer::run(settings),
        Part::Bytes => bytes::run(settings),
        Part::Fan => fan::run(settings),
        Part::Burst => burst::run(settings),
        Part::CatchUp => catch_up::run(settings),
        Part::Idle => idle::run(settings),
        Part::Promises => promises::run(settings),
        Part::HandOver => hand_over::run(settings),
        Part::Plugins => plugins::run(settings),
        Part::Reads => reads::run(settings),
    }
}
