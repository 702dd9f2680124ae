//! The store on disk: the only home of redb.
//!
//! ```text
//! Store (the writer, owned by the engine) ──┐                                  ┌── what only the log has, in memory
//! Reader (cloned, on any thread) ───────────┼── Arc<Shared> ── RwLock<State> ──┤
//! Reader ───────────────────────────────────┘                                  └── redb::Database, a file
//! ```
//!
//! One redb table per [`Table`], keys and values opaque bytes that carry their own version. The database stands behind
//! a lock because redb's handle is unusable after an I/O error and must be replaced while readers hold on to it;
//! reading and committing take the lock shared, opening and closing take it alone.
//!
//! # Durability
//!
//! A commit is one record in a write-ahead log ([`wal`]), flushed once before it returns, and stays in memory
//! ([`recent`]): a sale costs one write and one flush instead of a durable transaction's two flushes and all the pages
//! that it touched. Every few megabytes, with a large commit and on closing, a checkpoint moves what is in the log into
//! the database ([`writer`]): in two phases, because a peer chooses bytes that are stored here and redb's checksums
//! alone do not hold against chosen content, and with the allocator's state, so that a start after a power cut need not
//! walk the file.

mod backup;
mod error;
mod file;
mod open;
mod recent;
mod tables;
mod wal;
mod writer;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use redb::Database;
use tillmesh_core::storage::{Pair, Read, Storage, StorageError, Table, Write};

pub use backup::{Backup, Snapshot, check};
pub use error::{BackupError, OpenError, RestoreError};

use file::Medium;
use open::{Open, Rows};
use recent::Recent;
use tables::name;
use writer::Writer;

/// How many bytes of the file redb keeps in memory. Every projection that a request needs is in the node's own memory,
/// so the cache serves commits, which touch the inner pages of a few trees, and rare reads of old events; a node with a
/// kiosk's 1 GB of memory must stay small.
const CACHE_BYTES: usize = 8 << 20;

/// The writer of a store. There is one per file, in one process; dropping it closes the file, also for its readers.
pub struct Store {
    shared: Arc<Shared>,
    /// The database's tables that were read since the last checkpoint: finding a table costs more than a look into it.
    /// A checkpoint lets go of them, or the pages that it replaces could not be used again.
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
    Open(Open),
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
        let recent = Writer::look(path, &database, medium.as_ref())?;
        let state = RwLock::new(State::Open(Open::new(database, recent)));
        let shared = Arc::new(Shared { path: path.to_owned(), medium, state });
        Ok(Self { shared, tables: RefCell::default(), writer: None })
    }

    fn open_on(path: &Path, medium: Box<dyn Medium>) -> Result<Self, OpenError> {
        let database = file::open_or_create(path, medium.as_ref())?;
        Self::with(path, medium, database)
    }

    fn with(path: &Path, medium: Box<dyn Medium>, database: Database) -> Result<Self, OpenError> {
        let (writer, open) = Writer::open(path, database, medium.as_ref())?;
        let state = RwLock::new(State::Open(open));
        let shared = Arc::new(Shared { path: path.to_owned(), medium, state });
        Ok(Self { shared, tables: RefCell::default(), writer: Some(writer) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Reads a table: first what the log has of it, then the database.
    fn read<C, T>(
        &self,
        operation: &str,
        table: Table,
        look: impl FnOnce(&Recent) -> C,
        read: impl FnOnce(C, Option<&Rows>) -> Result<T, redb::StorageError>,
    ) -> Result<T, StorageError> {
        let state = self.shared.state();
        let open = self.shared.open(&state, operation)?;
        let changes = look(&open.recent());
        let mut tables = self.tables.borrow_mut();
        // Nothing checkpoints between the two: whoever commits is this one.
        let rows = match tables.entry(table) {
            Entry::Occupied(rows) => rows.into_mut(),
            Entry::Vacant(place) => {
                place.insert(open.table(table).map_err(|error| self.shared.failed_at(operation, table, error))?)
            }
        };
        read(changes, rows.as_ref()).map_err(|error| self.shared.failed_at(operation, table, error))
    }
}

impl Store {
    fn commit_to_log(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        let state = self.shared.state();
        let open = self.shared.open(&state, "commit to")?;
        let failed = |reason: String| self.shared.failed("commit to", reason);
        let Some(writer) = &mut self.writer else { return Err(failed("it must be opened again first".to_owned())) };
        if writer.checkpoints(&writes) {
            self.tables.get_mut().clear();
        }
        writer.commit(open, writes).map_err(|error| failed(error.to_string()))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.tables.get_mut().clear();
        if let Some(writer) = self.writer.take()
            && let State::Open(open) = &*self.shared.state()
            && let Err(error) = writer.close(open)
        {
            // Nothing is lost: the log is read at the next start.
            tracing::warn!(path = %self.shared.path.display(), %error, "the store's log could not be emptied");
        }
        self.shared.close("its writer has closed it");
    }
}

impl Read for Store {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.read("get from", table, |recent| recent.get(table, key), |change, rows| open::get(change, rows, key))
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        let changes = |recent: &Recent| recent.range(table, from, to, limit);
        self.read("scan", table, changes, |changes, rows| open::scan(changes, rows, (from, to), limit))
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        self.read("find the last of", table, |recent| recent.last(table), open::last)
    }
}

impl Storage for Store {
    type Reader = Reader;

    fn reader(&self) -> Reader {
        Reader { shared: Arc::clone(&self.shared) }
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        if writes.is_empty() {
            return Ok(());
        }
        let committed = self.commit_to_log(writes);
        if let Err(error) = &committed {
            // What is unknown must not be read, nor written behind.
            self.tables.get_mut().clear();
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
        self.shared.read(
            "get from",
            table,
            |recent| recent.get(table, key),
            |change, rows| open::get(change, rows, key),
        )
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        let changes = |recent: &Recent| recent.range(table, from, to, limit);
        self.shared.read("scan", table, changes, |changes, rows| open::scan(changes, rows, (from, to), limit))
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        self.shared.read("find the last of", table, |recent| recent.last(table), open::last)
    }
}

impl Shared {
    /// Reads a table as the last commit left it.
    fn read<C, T>(
        &self,
        operation: &str,
        table: Table,
        look: impl FnOnce(&Recent) -> C,
        read: impl FnOnce(C, Option<&Rows>) -> Result<T, redb::StorageError>,
    ) -> Result<T, StorageError> {
        let state = self.state();
        let open = self.open(&state, operation)?;
        let recent = open.recent();
        let (changes, rows) = (look(&recent), open.table(table));
        drop(recent);
        let rows = rows.map_err(|error| self.failed_at(operation, table, error))?;
        read(changes, rows.as_ref()).map_err(|error| self.failed_at(operation, table, error))
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn open<'a>(&self, state: &'a State, operation: &str) -> Result<&'a Open, StorageError> {
        match state {
            State::Open(open) => Ok(open),
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
        let opened = file::open(&self.path, medium).and_then(|database| Writer::open(&self.path, database, medium));
        match opened {
            Ok((writer, open)) => {
                *state = State::Open(open);
                Ok(writer)
            }
            Err(error) => {
                *state = State::Closed(error.to_string());
                Err(self.failed("open again", error))
            }
        }
    }
}

#[cfg(test)]
mod tests;
