//! The benchmark. Each part measures the node and, in turn with it, the bare engine under it with the same bytes on the
//! same disk, and prints medians and their ratio. Times are printed and judged by people; nothing here fails for being
//! slow.
//!
//! ```text
//! cargo bench -p tillmesh-bench                     every part
//! cargo bench -p tillmesh-bench -- engine --quick   one part, fewer rounds
//! ```
//!
//! A part is a module with `run(&Settings) -> anyhow::Result<Table>` and a line in [`Part`].

mod engine;
mod idle;
mod raw;
mod report;
mod shop;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use report::Table;

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Durable ten-line sales per second through the engine, against bare redb commits of the same event records.
    Engine,
    /// Resident memory and time to start with the stock of eight stores.
    Idle,
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
    if let Some(step) = idle::asked_child_step()? {
        return idle::run_child(&step);
    }
    let settings = Settings::parse();
    for part in Part::value_variants() {
        if settings.parts.is_empty() || settings.parts.contains(part) {
            println!("{}", run(*part, &settings)?);
        }
    }
    Ok(())
}

fn run(part: Part, settings: &Settings) -> anyhow::Result<Table> {
    match part {
        Part::Engine => engine::run(settings),
        Part::Idle => idle::run(settings),
    }
}
