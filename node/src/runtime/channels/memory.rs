//! What a plugin remembers of a channel: read before a call, committed with what the call means.

use std::collections::BTreeMap;
use std::sync::Arc;

use tillmesh_core::command::Kept;
use tillmesh_core::id::Name;
use tillmesh_core::storage::StorageError;
use tokio::sync::MutexGuard;

use crate::plugin::StateReader;
use crate::runtime::kept::{self, STATE};
use crate::store;

/// The most keys of one plugin and channel: each has a byte at least, and its bytes are bounded.
const MAX_KEYS: usize = 100_000;

/// What a plugin remembers of a channel, and the turn to change it: of a plugin that imports `state`, one message at a
/// time is on its way, so that what a call writes rests on what it read.
pub(in crate::runtime) struct Memory<'a> {
    channel: Name,
    plugin: Name,
    values: Arc<Remembered>,
    _turn: Option<MutexGuard<'a, ()>>,
}

/// The values at the start of a call.
#[derive(Debug, Clone, Default)]
struct Remembered(BTreeMap<String, Vec<u8>>);

impl<'a> Memory<'a> {
    /// What is remembered, for whoever has the turn; nothing, for a plugin that imports no `state`.
    pub(in crate::runtime) fn read(
        reader: &store::Reader,
        channel: &Name,
        plugin: &Name,
        turn: Option<MutexGuard<'a, ()>>,
    ) -> Result<Self, StorageError> {
        let mut values = BTreeMap::new();
        if turn.is_some() {
            let parts = [channel.as_str().as_bytes(), plugin.as_str().as_bytes()];
            for (key, value) in kept::under(reader, STATE, &parts, MAX_KEYS)? {
                values.insert(String::from_utf8_lossy(&key).into_owned(), value);
            }
        }
        let values = Arc::new(Remembered(values));
        Ok(Self { channel: channel.clone(), plugin: plugin.clone(), values, _turn: turn })
    }

    /// What the next call reads.
    pub(in crate::runtime) fn reader(&self) -> Arc<dyn StateReader> {
        Arc::clone(&self.values) as Arc<dyn StateReader>
    }

    /// Takes what a call wrote, for the calls that follow, and says what is to be committed of it.
    pub(in crate::runtime) fn take(&mut self, changes: BTreeMap<String, Option<Vec<u8>>>) -> Vec<Kept> {
        if changes.is_empty() {
            return Vec::new();
        }
        let mut values = self.values.as_ref().clone();
        let mut kept = Vec::with_capacity(changes.len());
        for (name, value) in changes {
            let parts = [self.channel.as_str().as_bytes(), self.plugin.as_str().as_bytes(), name.as_bytes()];
            kept.push(Kept { key: kept::key(STATE, &parts), value: value.clone() });
            match value {
                Some(value) => values.0.insert(name, value),
                None => values.0.remove(&name),
            };
        }
        self.values = Arc::new(values);
        kept
    }
}

impl StateReader for Remembered {
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        self.0.get(key).cloned()
    }

    fn used_bytes(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.len()).sum()
    }
}
