//! What a call may use. A plugin's limits may be set lower or higher than the defaults, up to [`Limits::MAX`].

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What one call of a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instructions, about one unit of fuel each: the same call uses the same fuel on every machine.
    pub fuel: u64,
    /// Fuel on top for each byte of input, so that a large cart or message has as much as a small one.
    pub fuel_per_input_byte: u64,
    /// Fuel on top for each pair of a line and a promotion of a cart.
    pub fuel_per_pair: u64,
    /// Time on the wall clock, for what fuel does not measure: host calls, a machine that stands still.
    pub deadline: Duration,
    /// Linear memory in bytes.
    pub memory_bytes: usize,
    /// Elements of all tables together.
    pub table_elements: usize,
    /// Bytes of input: the body and what goes with it, or the encoded cart.
    pub input_bytes: usize,
    /// Bytes that the host copies out of the guest at once: the answer, or the arguments of one host call.
    pub output_bytes: usize,
    /// Bytes of log lines that are kept; more are dropped and counted.
    pub log_bytes: usize,
    /// Bytes of keys and values that the plugin's state may hold.
    pub state_bytes: usize,
    /// Calls from the guest to the host.
    pub host_calls: u32,
}

impl Limits {
    /// The defaults, each with its reason.
    pub const DEFAULT: Self = Self {
        // What Shopify allows a function: a promotion over a cart of 20 lines uses a tenth of it.
        fuel: 11_000_000,
        // Reading JSON takes 10 to 40 instructions a byte; a plugin that asks for more than 200 reads everything over
        // and over.
        fuel_per_input_byte: 200,
        // The promotions that ship use 700 to look at a pair and 2,700 to discount it, once.
        fuel_per_pair: 2_000,
        // The default fuel is used up in 10 to 50 ms; a second bears a machine that is busy twenty times over.
        deadline: Duration::from_secs(1),
        // An order of a megabyte, its tree in memory and the answer, four times over.
        memory_bytes: 16 << 20,
        // The tables of a plugin in Rust have a few hundred elements, those of an embedded interpreter some thousand.
        table_elements: 10_000,
        // An order of 500 lines with everything that Shopify sends along.
        input_bytes: 1 << 20,
        // The adjustments that a price may have at most, 5,000, or an order of 1,000 lines, each twice over.
        output_bytes: 2 << 20,
        // A hundred lines: enough to see what happened, too little to fill a disk.
        log_bytes: 8 << 10,
        // Cursors and counters, not data: the catalogue is asked for by look-up.
        state_bytes: 64 << 10,
        // A look-up for each of 1,000 lines, ten times over.
        host_calls: 10_000,
    };

    /// The most that any plugin may have: on a machine with 1 GB, [`super::engine::MAX_CALLS`] calls at once leave room
    /// for the node.
    pub const MAX: Self = Self {
        fuel: 1_000_000_000,
        fuel_per_input_byte: 10_000,
        fuel_per_pair: 20_000,
        deadline: Duration::from_secs(30),
        memory_bytes: 64 << 20,
        table_elements: 20_000,
        input_bytes: 8 << 20,
        output_bytes: 8 << 20,
        log_bytes: 64 << 10,
        state_bytes: 4 << 20,
        host_calls: 1_000_000,
    };

    /// These limits, none above [`Limits::MAX`].
    #[must_use]
    pub fn capped(self) -> Self {
        let max = Self::MAX;
        Self {
            fuel: self.fuel.min(max.fuel),
            fuel_per_input_byte: self.fuel_per_input_byte.min(max.fuel_per_input_byte),
            fuel_per_pair: self.fuel_per_pair.min(max.fuel_per_pair),
            deadline: self.deadline.min(max.deadline),
            memory_bytes: self.memory_bytes.min(max.memory_bytes),
            table_elements: self.table_elements.min(max.table_elements),
            input_bytes: self.input_bytes.min(max.input_bytes),
            output_bytes: self.output_bytes.min(max.output_bytes),
            log_bytes: self.log_bytes.min(max.log_bytes),
            state_bytes: self.state_bytes.min(max.state_bytes),
            host_calls: self.host_calls.min(max.host_calls),
        }
    }

    /// The fuel of a call with so much input.
    pub(super) fn fuel_for(&self, input: InputSize) -> u64 {
        let for_bytes = self.fuel_per_input_byte.saturating_mul(input.bytes as u64);
        let for_pairs = self.fuel_per_pair.saturating_mul(input.pairs as u64);
        self.fuel.saturating_add(for_bytes).saturating_add(for_pairs)
    }
}

/// How much a call is given to work on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct InputSize {
    /// Bytes.
    pub bytes: usize,
    /// Pairs of a line and a promotion.
    pub pairs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The limit that a call ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::fuel`].
    #[error("it used up its fuel")]
    Fuel,
    /// [`Limits::deadline`].
    #[error("it took too long")]
    Deadline,
    /// The call stack, [`super::engine::MAX_STACK`].
    #[error("its calls are nested too deeply")]
    Stack,
    /// [`Limits::memory_bytes`].
    #[error("it asked for too much memory")]
    Memory,
    /// [`Limits::table_elements`].
    #[error("it asked for too large a table")]
    Table,
    /// [`Limits::input_bytes`].
    #[error("its input is too large")]
    Input,
    /// [`Limits::output_bytes`].
    #[error("its output is too large")]
    Output,
    /// [`Limits::host_calls`].
    #[error("it called the host too often")]
    HostCalls,
}

impl Limit {
    /// One word, for logs and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::Deadline => "deadline",
            Self::Stack => "stack",
            Self::Memory => "memory",
            Self::Table => "table",
            Self::Input => "input",
            Self::Output => "output",
            Self::HostCalls => "host-calls",
        }
    }
}

/// The error that ends a call which ran into a limit of the host's own counting.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct LimitReached(pub Limit);

/// Counts what an instance asks for as it grows. An instance that asks for too much is ended rather than told: the
/// limit is then named, and a guest has no use for memory that it cannot have.
#[derive(Debug)]
pub(super) struct Growth {
    memory_left: usize,
    table_left: usize,
}

impl Growth {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self { memory_left: limits.memory_bytes, table_left: limits.table_elements }
    }

    /// Bytes of linear memory, of what the limits allow.
    pub(super) const fn memory_taken(&self, limits: &Limits) -> usize {
        limits.memory_bytes - self.memory_left
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.memory_left, desired.saturating_sub(current), Limit::Memory)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        take(&mut self.table_left, desired.saturating_sub(current), Limit::Table)
    }

    fn instances(&self) -> usize {
        super::engine::MAX_CORE_INSTANCES
    }

    fn memories(&self) -> usize {
        super::engine::MAX_MEMORIES
    }

    fn tables(&self) -> usize {
        super::engine::MAX_TABLES
    }
}

fn take(left: &mut usize, wanted: usize, limit: Limit) -> wasmtime::Result<bool> {
    *left = left.checked_sub(wanted).ok_or(LimitReached(limit))?;
    Ok(true)
}
