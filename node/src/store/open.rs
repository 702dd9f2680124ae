//! An open store: the database, and in front of it what only the log has.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableError};
use tillmesh_core::storage::{Pair, Table};

use super::recent::{Change, Recent, merged};
use super::tables::{definition, name};

/// A table as redb reads it.
pub(super) type Rows = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// What is open.
pub(super) struct Open {
    pub database: Database,
    recent: RwLock<Recent>,
}

impl Open {
    pub fn new(database: Database, recent: Recent) -> Self {
        Self { database, recent: RwLock::new(recent) }
    }

    /// What the log has. A checkpoint empties it once the database has the same, so a table that is opened while this
    /// is held belongs to it.
    pub fn recent(&self) -> RwLockReadGuard<'_, Recent> {
        self.recent.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Self::recent`], to change it; readers wait.
    pub fn recent_mut(&self) -> RwLockWriteGuard<'_, Recent> {
        self.recent.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// A table of the database; none when nothing was ever flushed to it.
    pub fn table(&self, table: Table) -> Result<Option<Rows>, redb::Error> {
        open_table(&self.database.begin_read()?, table)
    }
}

/// A table as a transaction sees it; none when it is not there.
pub(super) fn open_table(transaction: &ReadTransaction, table: Table) -> Result<Option<Rows>, redb::Error> {
    match transaction.open_table(definition(&name(table))) {
        Ok(rows) => Ok(Some(rows)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A key's value, by what became of it since the last checkpoint.
pub(super) fn get(
    change: Option<Option<Vec<u8>>>,
    rows: Option<&Rows>,
    key: &[u8],
) -> Result<Option<Vec<u8>>, redb::StorageError> {
    match (change, rows) {
        (Some(value), _) => Ok(value),
        (None, Some(rows)) => Ok(rows.get(key)?.map(|value| value.value().to_vec())),
        (None, None) => Ok(None),
    }
}

/// The first pairs of a range, by the changes of it.
pub(super) fn scan(
    changes: Vec<Change>,
    rows: Option<&Rows>,
    (from, to): (&[u8], Option<&[u8]>),
    limit: usize,
) -> Result<Vec<Pair>, redb::StorageError> {
    let range = match (rows, to) {
        (_, Some(to)) if to <= from => return Ok(Vec::new()),
        (None, _) => None,
        (Some(rows), Some(to)) => Some(rows.range(from..to)?),
        (Some(rows), None) => Some(rows.range(from..)?),
    };
    let stored = range.into_iter().flatten().map(|pair| pair.map(|(key, value)| owned(key.value(), value.value())));
    merged(stored, changes, Ord::cmp).take(limit).collect()
}

/// The pair with the greatest key, by the changes of the greatest keys, these first.
pub(super) fn last(changes: Vec<Change>, rows: Option<&Rows>) -> Result<Option<Pair>, redb::StorageError> {
    let range = rows.map(Rows::iter).transpose()?;
    let stored = range.into_iter().flat_map(Iterator::rev);
    let stored = stored.map(|pair| pair.map(|(key, value)| owned(key.value(), value.value())));
    merged(stored, changes, |one, other| other.cmp(one)).next().transpose()
}

/// A pair that is kept.
pub(super) fn owned(key: &[u8], value: &[u8]) -> Pair {
    (key.to_vec(), value.to_vec())
}
