//! A disk that fails: storage in memory whose commits can be lost, or kept although they reported a failure.

use std::sync::{Arc, Mutex, PoisonError};

use tillmesh_core::engine::is_of_epoch;
use tillmesh_core::storage::{MemoryStorage, Pair, ROW_TABLES, Read, Storage, StorageError, Table, Write};

/// How a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Nothing of it is kept.
    Lost,
    /// All of it is kept, and the failure is reported all the same: a power cut after the write.
    Kept,
}

/// A disk. Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    storage: MemoryStorage,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    next: Option<Failure>,
    broken: bool,
    /// How many attempts to open it again fail.
    reopens_that_fail: u32,
}

impl Disk {
    /// Makes the next commit fail, and every one after it until the disk is opened again, which fails a number of times
    /// first.
    pub fn fail(&self, failure: Failure, reopens_that_fail: u32) {
        let mut state = self.state();
        state.next = Some(failure);
        state.reopens_that_fail = reopens_that_fail;
    }

    /// Whether commits fail, now or with the next one.
    pub fn is_failing(&self) -> bool {
        let state = self.state();
        state.broken || state.next.is_some()
    }

    /// Makes it work again: a new process opens it after a crash.
    pub fn repair(&self) {
        *self.state() = State::default();
    }

    /// A copy that shares nothing.
    pub fn copy(&self) -> Self {
        Self { storage: self.storage.snapshot(), state: Arc::default() }
    }

    /// A copy with nothing but the log: every projection is to be made again.
    pub fn copy_without_rows(&self) -> Self {
        let mut copy = self.copy();
        let mut writes = Vec::new();
        for table in (0..ROW_TABLES).map(Table::Rows) {
            let rows = copy.storage.scan(table, &[], None, usize::MAX).unwrap_or_default();
            writes.extend(rows.into_iter().map(|(key, _)| Write { table, key, value: None }));
        }
        writes.push(Write { table: Table::Meta, key: b"checkpoint".to_vec(), value: None });
        let result = copy.storage.commit(writes);
        assert!(result.is_ok(), "a copy in memory does not fail");
        copy
    }

    /// A copy as a backup restores it: everything but what makes it the store of one node in one epoch.
    pub fn restored(&self) -> Self {
        let mut copy = self.copy();
        let rows = copy.storage.scan(Table::Meta, &[], None, usize::MAX).unwrap_or_default();
        let keys = rows.into_iter().map(|(key, _)| key).filter(|key| is_of_epoch(Table::Meta, key));
        let result = copy.storage.commit(keys.map(|key| Write { table: Table::Meta, key, value: None }).collect());
        assert!(result.is_ok(), "a copy in memory does not fail");
        copy
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Disk {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.storage.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        self.storage.scan(table, from, to, limit)
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        self.storage.last(table)
    }
}

impl Storage for Disk {
    type Reader = Self;

    fn reader(&self) -> Self {
        self.clone()
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        let failed = Err(StorageError { operation: "commit".to_owned(), reason: "the disk is failing".to_owned() });
        let next = {
            let mut state = self.state();
            if state.broken {
                return failed;
            }
            let next = state.next.take();
            state.broken = next.is_some();
            next
        };
        match next {
            None => self.storage.commit(writes),
            Some(Failure::Lost) => failed,
            Some(Failure::Kept) => self.storage.commit(writes).and(failed),
        }
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        let mut state = self.state();
        if state.reopens_that_fail > 0 {
            state.reopens_that_fail -= 1;
            return Err(StorageError {
                operation: "reopen".to_owned(),
                reason: "the disk is still failing".to_owned(),
            });
        }
        state.broken = false;
        Ok(())
    }
}
