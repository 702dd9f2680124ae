//! The data of one call: what its host functions work on, thrown away with its store.

use std::collections::BTreeMap;
use std::sync::Arc;

use tillmesh_core::id::Name;

use super::host::wasi::VirtualWasi;
use super::limits::{Growth, Limit, LimitReached, Limits};
use super::lookup::{Lookup, NoLookup, NoState, StateReader};
use super::report::{LogLevel, LogLine, Report};

/// What surrounds a call: who asks, with which settings, and what the plugin may look up.
#[derive(Clone)]
pub struct CallContext {
    /// The channel that the call is for.
    pub channel: Name,
    /// The node's own location.
    pub location: Name,
    /// The channel's settings.
    pub config: BTreeMap<String, String>,
    /// The catalogue, as one snapshot.
    pub lookup: Arc<dyn Lookup>,
    /// The plugin's state for this channel, as one snapshot.
    pub state: Arc<dyn StateReader>,
}

impl CallContext {
    /// A call without settings that knows nothing and remembers nothing.
    pub fn bare(channel: Name, location: Name) -> Self {
        Self { channel, location, config: BTreeMap::new(), lookup: Arc::new(NoLookup), state: Arc::new(NoState) }
    }
}

/// The data of one call.
pub(super) struct CallData {
    pub(super) context: CallContext,
    pub(super) limits: Limits,
    pub(super) growth: Growth,
    pub(super) report: Report,
    /// What the call wrote: the new value, or none where it took one away.
    pub(super) changes: BTreeMap<String, Option<Vec<u8>>>,
    pub(super) state_bytes: usize,
    pub(super) wasi: VirtualWasi,
    host_calls_left: u32,
    log_bytes_left: usize,
}

/// What a line of the log takes beside its words, in bytes.
const LINE: usize = 8;

/// The most counters of a plugin: each becomes a time series of the node.
const MAX_COUNTERS: usize = 32;

impl CallData {
    pub(super) fn new(context: CallContext, limits: Limits) -> Self {
        Self {
            growth: Growth::new(&limits),
            report: Report::default(),
            changes: BTreeMap::new(),
            state_bytes: context.state.used_bytes(),
            wasi: VirtualWasi::new(),
            host_calls_left: limits.host_calls,
            log_bytes_left: limits.log_bytes,
            context,
            limits,
        }
    }

    /// Makes ready for another call in the same instance: what the guest holds stays, and is all that stays.
    pub(super) fn begin_again(&mut self, context: CallContext) {
        let fresh = Self::new(context, self.limits);
        let Self { growth, mut wasi, .. } = std::mem::replace(self, fresh);
        wasi.begin_again();
        (self.growth, self.wasi) = (growth, wasi);
    }

    /// Lets go of the snapshots that the call looked things up in.
    pub(super) fn let_go(&mut self) {
        (self.context.lookup, self.context.state) = (Arc::new(NoLookup), Arc::new(NoState));
    }

    /// Counts a call from the guest; the one too many ends it.
    pub(super) fn count_host_call(&mut self) -> wasmtime::Result<()> {
        self.host_calls_left = self.host_calls_left.checked_sub(1).ok_or(LimitReached(Limit::HostCalls))?;
        Ok(())
    }

    /// Keeps a line of the log, if there is room; an empty one takes some, too.
    pub(super) fn log(&mut self, level: LogLevel, message: &str) {
        match self.log_bytes_left.checked_sub(message.len() + LINE) {
            Some(left) => {
                self.log_bytes_left = left;
                let message = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                self.report.log.push(LogLine { level, message });
            }
            None => self.report.log_dropped += 1,
        }
    }

    /// Adds to a counter, if its name is one and there is room.
    pub(super) fn count(&mut self, name: String, value: u64) {
        let counters = &mut self.report.counters;
        if Name::new(&name).is_ok() && (counters.contains_key(&name) || counters.len() < MAX_COUNTERS) {
            let counter = counters.entry(name).or_default();
            *counter = counter.saturating_add(value);
        }
    }

    /// The value of a key as this call sees it.
    pub(super) fn read(&self, key: &str) -> Option<Vec<u8>> {
        self.changes.get(key).cloned().unwrap_or_else(|| self.context.state.read(key))
    }

    /// Sets or takes away a value. False when there would be too much.
    pub(super) fn write(&mut self, key: String, value: Option<Vec<u8>>) -> bool {
        let size = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, |value| key.len() + value.len());
        let bytes = (self.state_bytes + size(&value)).saturating_sub(size(&self.read(&key)));
        if value.is_some() && bytes > self.limits.state_bytes {
            return false;
        }
        self.state_bytes = bytes;
        self.changes.insert(key, value);
        true
    }
}
