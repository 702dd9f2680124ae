//! Whether the disk fails: who is told, and when rows that could not be written are tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tillmesh_core::storage::StorageError;

/// How often a disk that goes on failing is written of: a full one fails with every sale.
const SAY_EVERY: Duration = Duration::from_secs(10);
/// How long rows wait after they could not be written. They are in memory and in the log, so nothing presses; a disk
/// that is full stays full for a while.
const ROWS_AGAIN: Duration = Duration::from_secs(10);

/// What the engine's thread knows of its disk.
#[derive(Default)]
pub(super) struct Disk {
    failing: Arc<AtomicBool>,
    said: Option<Instant>,
    unsaid: u64,
    rows_failed: Option<Instant>,
}

impl Disk {
    pub fn new(failing: Arc<AtomicBool>) -> Self {
        Self { failing, ..Self::default() }
    }

    /// Something was written.
    pub fn works(&mut self) {
        self.rows_failed = None;
        if self.failing.swap(false, Relaxed) {
            self.said = None;
            tracing::info!("the disk takes writes again");
        }
    }

    /// A commit failed.
    pub fn fails(&mut self, error: &StorageError) {
        self.failing.store(true, Relaxed);
        if self.said.is_some_and(|said| said.elapsed() < SAY_EVERY) {
            self.unsaid += 1;
            return;
        }
        let unsaid = std::mem::take(&mut self.unsaid);
        tracing::error!(%error, unsaid, "the disk takes no writes; what was not acknowledged may be done or not");
        self.said = Some(Instant::now());
    }

    /// Rows could not be written.
    pub fn fails_rows(&mut self, error: &StorageError) {
        self.rows_failed = Some(Instant::now());
        self.fails(error);
    }

    /// Whether it is time to write rows.
    pub fn takes_rows(&self) -> bool {
        self.rows_failed.is_none_or(|failed| failed.elapsed() >= ROWS_AGAIN)
    }
}
