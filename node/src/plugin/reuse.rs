//! Instances that serve more than one call, of plugins that say that they keep nothing between calls.
//!
//! A fresh instance a call costs its making, and whatever an interpreter does in it before it begins. Who writes a
//! plugin may say that it keeps nothing between calls (`reuse = true`); then its instances are kept. That it is so is
//! not taken on trust:
//!
//! - A kept instance is thrown away by whatever is no answer: a crash, a limit, an answer that breaks the rules. The
//!   call is then made again in a fresh one, so that nobody is worse off for what an earlier call left behind. A plugin
//!   of which that is seen [`MAX_FAILURES`] times has fresh instances from then on.
//! - The first call in a used instance and every [`CHECK_EVERY`]th is made in a fresh instance, too. Where the two
//!   answers differ, the fresh one counts, and from then on every call of the plugin has a fresh one.
//! - After [`CALLS`] calls an instance is thrown away: what it leaks stays small.
//!
//! A price never comes from a kept instance: whoever proves it later asks a fresh one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use wasmtime::Store;
use wasmtime::component::Instance;

use super::call::CallData;

/// Instances that are kept, of all plugins: as many as the machines of stores have cores, so as many as can be at work.
pub(super) const MAX_KEPT: usize = 4;

/// One of so many calls in used instances is made in a fresh one as well: it costs the others 2 % of a fresh instance
/// each.
const CHECK_EVERY: u64 = 50;

/// How often a used instance may give no answer where a fresh one does: a leak that runs into the limit of memory now
/// and then is borne, a plugin that cannot be called twice is not.
const MAX_FAILURES: u64 = 5;

/// How many calls an instance serves. Its making, shared by so many, is nothing anyone could measure.
const CALLS: u32 = 1_000;

/// An instance between two calls.
pub(super) struct Kept {
    pub store: Store<CallData>,
    pub instance: Instance,
    /// How many calls it has served.
    pub calls: u32,
}

/// The instances that are kept.
#[derive(Default)]
pub(super) struct Shelf(Mutex<VecDeque<(u64, Kept)>>);

/// How the calls of a plugin whose instances are kept are made.
pub(super) struct Reuse {
    /// Tells the plugins of an engine apart: one component may be installed twice, with other limits.
    owner: u64,
    /// Calls in used instances until one is made in a fresh one as well.
    until_check: AtomicU64,
    failures: AtomicU64,
    is_refuted: AtomicBool,
}

impl Kept {
    /// Whether another call may be made in it.
    const fn is_good(&self) -> bool {
        self.calls < CALLS
    }
}

impl Shelf {
    /// The instance of a plugin that served last: its memory is warm.
    pub(super) fn take(&self, reuse: &Reuse) -> Option<Kept> {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = shelf.iter().rposition(|(owner, _)| *owner == reuse.owner)?;
        shelf.remove(place).map(|(_, kept)| kept)
    }

    /// Keeps an instance; the one that nobody needed for longest makes room.
    pub(super) fn put(&self, reuse: &Reuse, kept: Kept) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: whoever refutes a plugin clears the shelf behind it.
        if !kept.is_good() || reuse.is_refuted() {
            drop(shelf);
            return;
        }
        let oldest = if shelf.len() < MAX_KEPT { None } else { shelf.pop_front() };
        shelf.push_back((reuse.owner, kept));
        drop(shelf);
        // Giving memory back takes a while, and others wait for the shelf.
        drop(oldest);
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Throws the instances of a plugin away.
    pub(super) fn clear(&self, reuse: &Reuse) {
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, others) = std::mem::take(&mut *shelf).into_iter().partition(|(owner, _)| *owner == reuse.owner);
        *shelf = others;
        drop(shelf);
        drop::<VecDeque<_>>(own);
    }
}

impl Reuse {
    pub(super) fn new() -> Self {
        static OWNERS: AtomicU64 = AtomicU64::new(0);
        Self {
            owner: OWNERS.fetch_add(1, Ordering::Relaxed),
            until_check: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            is_refuted: AtomicBool::new(false),
        }
    }

    /// Whether the next call in a used instance is made in a fresh one as well.
    pub(super) fn is_check_due(&self) -> bool {
        let next = |left: u64| Some(left.checked_sub(1).unwrap_or(CHECK_EVERY - 1));
        self.until_check.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) == Ok(0)
    }

    /// Notes that a used instance gave no answer where a fresh one did. True: that was once too often.
    pub(super) fn note_failure(&self) -> bool {
        self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_FAILURES
    }

    /// From now on, every call has a fresh instance.
    pub(super) fn refute(&self) {
        self.is_refuted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_refuted(&self) -> bool {
        self.is_refuted.load(Ordering::Relaxed)
    }
}
