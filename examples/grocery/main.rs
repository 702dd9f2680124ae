//! A month of trade: eight stores, eight nodes, one broker; at the end every node holds the published truth.

use anyhow::Result;
use clap::Parser;
use tillmesh_examples::month::Month;

/// Replays four weeks of eight stores on eight nodes and compares every node with the published truth.
#[derive(Parser)]
struct Arguments {
    /// Kill a node (SIGKILL) at a random moment of the replay, this many times, start it again and resume.
    #[arg(long, default_value_t = 0)]
    crashes: u32,
    /// Delete one node's store at the end, once its peers have confirmed its digest, and let it be rebuilt from them.
    #[arg(long)]
    rebuild: bool,
    /// Send everything a second time: nothing may change.
    #[arg(long)]
    twice: bool,
    /// Decides when crashes happen.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Use this broker instead of an embedded one, such as mqtt://127.0.0.1:1883.
    #[arg(long)]
    broker: Option<String>,
}

fn main() -> Result<()> {
    let Arguments { crashes, rebuild, twice, seed, broker } = Arguments::parse();
    Month { crashes, rebuild, twice, seed, broker, ..Month::default() }.play()
}
