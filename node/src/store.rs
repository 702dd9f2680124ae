//! The store on disk: the only home of redb.
//!
//! ```text
//! Store (the writer, owned by the engine) ──┐
//! Reader (cloned, on any thread) ───────────┼── Arc<Shared> ── RwLock<State> ── redb::Database ── a file, a log
//! Reader ───────────────────────────────────┘
//! ```
//!
//! One redb table per [`Table`], keys and values opaque bytes that carry their own version. The database stands behind
//! a lock because redb's handle is unusable after an I/O error and must be replaced while readers hold on to it;
//! reading and committing take the lock shared, opening and closing take it alone.
//!
//! # Durability
//!
//! A commit is one record in a write-ahead log ([`wal`]), flushed once before it returns, and a transaction of redb
//! that is not flushed: a sale costs one write and one flush instead of a durable transaction's two flushes and all the
//! pages that it touched. Every few megabytes, with a large commit and on closing, a
//! checkpoint flushes the database ([`writer`]): in two phases, because a peer chooses bytes that are stored here and
//! redb's checksums alone do not hold against chosen content, and with the allocator's state, so that a start after a
//! power cut need not walk the file.

mod backup;
mod error;
mod file;
mod tables;
mod wal;
mod writer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use redb::{Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, TableError};
use tillmesh_core::storage::{Pair, Read, Storage, StorageError, Table, Write};

pub use backup::{Backup, Snapshot, check};
pub use error::{BackupError, OpenError, RestoreError};

use file::Medium;
use tables::{definition, name};
use writer::Writer;

/// How many bytes of the file redb keeps in memory. Every projection that a request needs is in the node's own memory,
/// so the cache serves commits, which touch the inner pages of a few trees, and rare reads of old events; a node with a
/// kiosk's 1 GB of memory must stay small.
const CACHE_BYTES: usize = 8 << 20;

/// The writer of a store. There is one per file, in one process; dropping it closes the file, also for its readers.
pub struct Store {
    shared: Arc<Shared>,
    /// The tables that were read since the last commit, as it left them: finding a table costs more than a look into
    /// it. A commit lets go of them, or the pages that it replaces could not be used again.
    tables: RefCell<BTreeMap<Table, Option<Rows>>>,
    /// None after a failure, until the store was opened again, and in a store that is only looked into.
    writer: Option<Writer>,
}

/// Reads a store beside its writer, and backs it up.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    medium: Box<dyn Medium>,
    state: RwLock<State>,
}

enum State {
    Open(Database),
    /// With the reason.
    Closed(String),
}

impl Store {
    /// Opens the store in a file, or makes an empty one, readable by its owner only, when the file is not there. A
    /// folder that is not there is made, too.
    ///
    /// # Errors
    /// When another process has it open, it is no store or damaged, or the file system refuses.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_on(path, Box::new(file::FileSystem))
    }

    /// Opens a store that is there to look into it: it takes no commits, and leaves its log when it is closed.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn look_into(path: &Path) -> Result<Self, OpenError> {
        let medium = Box::new(file::FileSystem);
        let database = file::open(path, medium.as_ref())?;
        Writer::look(path, &database, medium.as_ref())?;
        let state = RwLock::new(State::Open(database));
        let shared = Arc::new(Shared { path: path.to_owned(), medium, state });
        Ok(Self { shared, tables: RefCell::default(), writer: None })
    }

    fn open_on(path: &Path, medium: Box<dyn Medium>) -> Result<Self, OpenError> {
        let database = file::open_or_create(path, medium.as_ref())?;
        Self::with(path, medium, database)
    }

    fn with(path: &Path, medium: Box<dyn Medium>, database: Database) -> Result<Self, OpenError> {
        let writer = Some(Writer::open(path, &database, medium.as_ref())?);
        let state = RwLock::new(State::Open(database));
        let shared = Arc::new(Shared { path: path.to_owned(), medium, state });
        Ok(Self { shared, tables: RefCell::default(), writer })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    fn read<T>(
        &self,
        operation: &str,
        table: Table,
        read: impl FnOnce(&Rows) -> Result<T, redb::StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let mut tables = self.tables.borrow_mut();
        let rows = match tables.entry(table) {
            Entry::Occupied(rows) => rows.into_mut(),
            Entry::Vacant(place) => place.insert(self.shared.open(&self.shared.state(), operation, table)?),
        };
        let result = rows.as_ref().map(read).transpose();
        result.map_err(|error| self.shared.failed_at(operation, table, error))
    }
}

impl Store {
    fn commit_to_both(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        let state = self.shared.state();
        let database = self.shared.database(&state, "commit to")?;
        match &mut self.writer {
            Some(writer) => writer.commit(database, writes).map_err(|error| self.shared.failed("commit to", error)),
            None => Err(self.shared.failed("commit to", "it must be opened again first")),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.tables.get_mut().clear();
        if let Some(writer) = self.writer.take()
            && let State::Open(database) = &*self.shared.state()
            && let Err(error) = writer.close(database)
        {
            // Nothing is lost: the log is read at the next start.
            tracing::warn!(path = %self.shared.path.display(), %error, "the store's log could not be emptied");
        }
        self.shared.close("its writer has closed it");
    }
}

impl Read for Store {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.read("get from", table, |rows| get(rows, key))?.flatten())
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        Ok(self.read("scan", table, |rows| scan(rows, from, to, limit))?.unwrap_or_default())
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        Ok(self.read("find the last of", table, last)?.flatten())
    }
}

impl Storage for Store {
    type Reader = Reader;

    fn reader(&self) -> Reader {
        Reader { shared: Arc::clone(&self.shared) }
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        self.tables.get_mut().clear();
        if writes.is_empty() {
            return Ok(());
        }
        let committed = self.commit_to_both(writes);
        if let Err(error) = &committed {
            // What is unknown must not be read, nor written behind.
            self.writer = None;
            self.shared.close(&error.reason);
        }
        committed
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        self.tables.get_mut().clear();
        self.writer = None;
        self.writer = Some(self.shared.reopen()?);
        Ok(())
    }
}

impl Read for Reader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.shared.read("get from", table, |rows| get(rows, key))?.flatten())
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        Ok(self.shared.read("scan", table, |rows| scan(rows, from, to, limit))?.unwrap_or_default())
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        Ok(self.shared.read("find the last of", table, last)?.flatten())
    }
}

/// A table as redb reads it.
type Rows = ReadOnlyTable<&'static [u8], &'static [u8]>;

impl Shared {
    /// Reads a table as the last commit left it; none when nothing was ever written to it.
    fn read<T>(
        &self,
        operation: &str,
        table: Table,
        read: impl FnOnce(&Rows) -> Result<T, redb::StorageError>,
    ) -> Result<Option<T>, StorageError> {
        let state = self.state();
        let rows = self.open(&state, operation, table)?;
        rows.as_ref().map(read).transpose().map_err(|error| self.failed_at(operation, table, error))
    }

    fn open(&self, state: &State, operation: &str, table: Table) -> Result<Option<Rows>, StorageError> {
        let database = self.database(state, operation)?;
        open_table(database, table).map_err(|error| self.failed_at(operation, table, error))
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn database<'a>(&self, state: &'a State, operation: &str) -> Result<&'a Database, StorageError> {
        match state {
            State::Open(database) => Ok(database),
            State::Closed(reason) => Err(self.failed(operation, format!("the store is closed: {reason}"))),
        }
    }

    fn failed(&self, operation: &str, reason: impl ToString) -> StorageError {
        StorageError { operation: format!("{operation} {}", self.path.display()), reason: reason.to_string() }
    }

    fn failed_at(&self, operation: &str, table: Table, reason: impl ToString) -> StorageError {
        self.failed(&format!("{operation} table {} of", name(table)), reason)
    }

    fn close(&self, reason: &str) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State::Closed(reason.to_owned());
    }

    /// Closes the file before opening it again: its lock is exclusive.
    fn reopen(&self) -> Result<Writer, StorageError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State::Closed("it is being opened again".to_owned());
        let medium = self.medium.as_ref();
        let opened = file::open(&self.path, medium)
            .and_then(|database| Writer::open(&self.path, &database, medium).map(|writer| (database, writer)));
        match opened {
            Ok((database, writer)) => {
                *state = State::Open(database);
                Ok(writer)
            }
            Err(error) => {
                *state = State::Closed(error.to_string());
                Err(self.failed("open again", error))
            }
        }
    }
}

fn open_table(database: &Database, table: Table) -> Result<Option<Rows>, redb::Error> {
    match database.begin_read()?.open_table(definition(&name(table))) {
        Ok(rows) => Ok(Some(rows)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn get(rows: &Rows, key: &[u8]) -> Result<Option<Vec<u8>>, redb::StorageError> {
    Ok(rows.get(key)?.map(|value| value.value().to_vec()))
}

fn scan(rows: &Rows, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, redb::StorageError> {
    match to {
        Some(to) if to <= from => Ok(Vec::new()),
        Some(to) => collect(rows.range(from..to)?, limit),
        None => collect(rows.range(from..)?, limit),
    }
}

fn last(rows: &Rows) -> Result<Option<Pair>, redb::StorageError> {
    Ok(rows.last()?.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
}

fn collect(
    range: redb::Range<'_, &'static [u8], &'static [u8]>,
    limit: usize,
) -> Result<Vec<Pair>, redb::StorageError> {
    range.take(limit).map(|pair| pair.map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))).collect()
}

#[cfg(test)]
mod tests;
