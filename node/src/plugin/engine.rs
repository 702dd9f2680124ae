//! The engine: one compiler and one pool of memory for all plugins of a node, and the thread that counts its epochs.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::Limits;
use super::reuse::{MAX_KEPT, Shelf};

/// Calls at once. Machines in stores have two to four cores; a call waits for its turn rather than for memory.
pub const MAX_CALLS: usize = 8;

/// The guest's call stack in bytes. Parsers that recurse need some tens of kilobytes; the host's own stack must hold it
/// too.
pub const MAX_STACK: usize = 512 << 10;

/// Core instances of one component: a plugin in Rust has three, one of Python that brings its libraries and stubs for
/// all of WASI 40.
pub const MAX_CORE_INSTANCES: usize = 48;

/// Linear memories of one component: of JavaScript, jco makes one for the interpreter and small ones beside it.
pub const MAX_MEMORIES: usize = 4;

/// Tables of one component: one for functions, one for what its adapters link, some for libraries.
pub const MAX_TABLES: usize = 16;

/// How often the epoch advances: deadlines are kept to this.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Memory of a slot that stays resident between calls where the system says which pages were written (Linux 6.7 and
/// later): those alone are put back as they were, and the next call does not fault them in. A plugin in Rust writes
/// some 100 KiB, an interpreter of JavaScript less than this.
const KEEP_WRITTEN: usize = 1 << 20;

/// Memory of a slot that stays resident elsewhere, where all of it is put back. Zeroing this much costs less than
/// giving it back and faulting it in.
const KEEP_RESIDENT: usize = 128 << 10;

/// The engine of a node.
pub(super) struct PluginEngine {
    // Before the engine, whose memory it holds.
    shelf: Shelf,
    engine: Engine,
    slots: Slots,
    _ticker: Ticker,
}

impl PluginEngine {
    /// Starts the engine and its ticker.
    pub(super) fn start() -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
        let ticker = Ticker::start(engine.clone())?;
        Ok(Self { shelf: Shelf::default(), engine, slots: Slots::new(MAX_CALLS), _ticker: ticker })
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The instances that are kept between calls.
    pub(super) const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Waits for one of the [`MAX_CALLS`] slots. Each is given back within the deadline of the call that has it.
    pub(super) fn slot(&self) -> Slot<'_> {
        self.slots.take()
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .consume_fuel(true)
        .epoch_interruption(true)
        .max_wasm_stack(MAX_STACK)
        // The same call gives the same bytes on every machine, also where it computes with floats.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_max_frames(None)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool()));
    config
}

fn pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let times = |count: usize| u32::try_from((MAX_CALLS + MAX_KEPT) * count).unwrap_or(u32::MAX);
    pool.total_component_instances(times(1))
        .total_core_instances(times(MAX_CORE_INSTANCES))
        .total_memories(times(MAX_MEMORIES))
        .total_tables(times(MAX_TABLES))
        .max_memory_size(Limits::MAX.memory_bytes)
        .table_elements(Limits::MAX.table_elements)
        .max_unused_warm_slots(times(1))
        .table_keep_resident(KEEP_RESIDENT / 8);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes).linear_memory_keep_resident(KEEP_WRITTEN);
    } else {
        pool.linear_memory_keep_resident(KEEP_RESIDENT);
    }
    pool
}

/// Ticks of a deadline, at least one; one more since the first may come at once.
pub(super) fn ticks(deadline: Duration) -> u64 {
    let ticks = deadline.as_nanos().div_ceil(TICK.as_nanos());
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
}

/// The thread that advances the epoch, until it is dropped.
struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: Engine) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel::<()>(0);
        let tick = move || {
            while matches!(stopped.recv_timeout(TICK), Err(RecvTimeoutError::Timeout)) {
                engine.increment_epoch();
            }
        };
        let thread = std::thread::Builder::new().name("plugin-epoch".to_owned()).spawn(tick)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread does nothing that could panic, and there is nobody to tell.
            let _ = thread.join();
        }
    }
}

/// A counting semaphore.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

/// One of the slots, until it is dropped.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    const fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), freed: Condvar::new() }
    }

    fn take(&self) -> Slot<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
