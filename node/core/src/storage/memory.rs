//! Storage in memory: for the simulation and for tests.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Pair, Read, Storage, StorageError, Table, Write};

type Tables = BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Storage in memory. Clones share the content, as processes share a disk: a simulated crash drops the engine and opens
/// another on a clone.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    tables: Arc<RwLock<Tables>>,
    failing: bool,
}

impl MemoryStorage {
    /// Makes every commit fail until [`Storage::reopen`], as a full or broken disk does.
    pub fn fail(&mut self) {
        self.failing = true;
    }

    /// A copy that shares nothing: a cloned disk, a backup.
    pub fn snapshot(&self) -> Self {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { tables: Arc::new(RwLock::new(tables)), failing: false }
    }

    fn read<T>(&self, table: Table, read: impl FnOnce(&BTreeMap<Vec<u8>, Vec<u8>>) -> T) -> Option<T> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&table).map(read)
    }
}

impl Read for MemoryStorage {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.read(table, |rows| rows.get(key).cloned()).flatten())
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        let within = |key: &[u8]| to.is_none_or(|to| key < to);
        let pairs = self.read(table, |rows| {
            let range = rows.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
            range.take_while(|(key, _)| within(key)).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect()
        });
        Ok(pairs.unwrap_or_default())
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        Ok(self.read(table, |rows| rows.last_key_value().map(|(k, v)| (k.clone(), v.clone()))).flatten())
    }
}

impl Storage for MemoryStorage {
    type Reader = Self;

    fn reader(&self) -> Self {
        self.clone()
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        if self.failing {
            return Err(StorageError { operation: "commit".to_owned(), reason: "the disk is failing".to_owned() });
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for Write { table, key, value } in writes {
            let rows = tables.entry(table).or_default();
            match value {
                Some(value) => rows.insert(key, value),
                None => rows.remove(&key),
            };
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        self.failing = false;
        Ok(())
    }
}
