//! Instances that serve more than one call, of plugins that say that they keep nothing between calls.
//!
//! A fresh instance a call costs its making, and whatever an interpreter does in it before it begins. Who writes a
//! plugin may say that it keeps nothing between calls (`reuse = true`); then its instances are kept. That it is so is
//! not taken on trust:
//!
//! - A kept instance is thrown away by whatever is no answer: a crash, a limit, an answer that breaks the rules. The
//!   call is then made again in a fresh one, so that nobody is worse off for what an earlier call left behind.
//! - The second call of a plugin and one of [`CHECK_EVERY`] is made in a fresh instance, too. Where the two differ, the
//!   fresh one counts, and from then on every call of the plugin has a fresh one.
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

/// One of so many calls is made in a fresh instance as well: it costs the others 2 % of a fresh instance each.
const CHECK_EVERY: u64 = 50;

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
    calls: AtomicU64,
    is_refuted: AtomicBool,
}

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// In a fresh instance, which is thrown away.
    Fresh,
    /// In a kept one.
    Kept,
    /// In both.
    Both,
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
        if !kept.is_good() || reuse.is_refuted() {
            return;
        }
        let mut shelf = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let owner = OWNERS.fetch_add(1, Ordering::Relaxed);
        Self { owner, calls: AtomicU64::new(0), is_refuted: AtomicBool::new(false) }
    }

    /// How the next call is made.
    pub(super) fn turn(&self) -> Turn {
        if self.is_refuted() {
            return Turn::Fresh;
        }
        match self.calls.fetch_add(1, Ordering::Relaxed) % CHECK_EVERY {
            1 => Turn::Both,
            _ => Turn::Kept,
        }
    }

    /// From now on, every call has a fresh instance.
    pub(super) fn refute(&self) {
        self.is_refuted.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_refuted(&self) -> bool {
        self.is_refuted.load(Ordering::Relaxed)
    }
}
