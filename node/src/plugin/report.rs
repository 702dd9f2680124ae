//! What a call used and left behind beside its answer.

use std::collections::BTreeMap;

/// What a call used and left behind beside its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Fuel used: the same for the same call, on every machine.
    pub fuel: u64,
    /// Fuel that it was given.
    pub fuel_allowed: u64,
    /// Linear memory that the instance had when it ended.
    pub memory_bytes: usize,
    /// What the plugin logged, up to its limit.
    pub log: Vec<LogLine>,
    /// How many lines were dropped since they were too many.
    pub log_dropped: u64,
    /// The plugin's own counters: how much each grew.
    pub counters: BTreeMap<String, u64>,
}

/// One line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How urgent.
    pub level: LogLevel,
    /// The words, control characters replaced.
    pub message: String,
}

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// For who writes the plugin.
    Debug,
    /// Worth knowing.
    Info,
    /// Odd, and dealt with.
    Warn,
    /// Wrong.
    Error,
}
