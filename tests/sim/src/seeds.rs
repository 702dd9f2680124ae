//! Playing many courses of events, each from its seed, on all cores.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

/// Plays each seed once, or what `TILLMESH_SIM_SEED` and `TILLMESH_SIM_SEEDS` say; the first that fails prints itself,
/// and ends the thread that played it.
pub fn play_all(seeds: u64, play: impl Fn(u64) + Sync) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("TILLMESH_SIM_SEED") {
        return play(seed);
    }
    let seeds = number("TILLMESH_SIM_SEEDS").unwrap_or(seeds);
    let next = AtomicU64::new(0);
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Relaxed)).filter(|seed| *seed < seeds) {
                    play(seed);
                }
            });
        }
    });
}
