//! Commits: into the write-ahead log at once, into the database's file now and then.
//!
//! ```text
//! commit ──► database, in memory ──► log: one write, one flush ──► readers see it
//!                                      │ full, or a large commit
//!                                      ▼
//! checkpoint ──► database: two phases and the allocator's state, on the disk ──► the log begins again
//! ```
//!
//! The database names the base of its log, in the transaction that empties the log: whichever of the two a cut
//! interrupts, the records that count are those that the database does not have yet. A log that is neither the
//! database's nor the one before it is refused: somebody has put together what does not belong together, and to go on
//! would lose what either has.

use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase as _, TableError, WriteTransaction};
use tillmesh_core::storage::Write;

use super::error::OpenError;
use super::file::{self, Medium};
use super::tables::{LOG_STATE, definition, name};
use super::wal::{self, Link, LogError, Wal};

/// From which size a commit goes into the database straight: it would fill a good part of the log, only to be written
/// again soon after.
const LARGE_BYTES: u64 = 128 << 10;

/// The one key of the table of the log's state.
const STATE: &[u8] = b"state";

/// What a database says of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LogState {
    /// What its records are on.
    base: Link,
    /// What the records were on that the file may still have: those of the last log that was not empty.
    before: Link,
    /// Whether there is a log: false after the store was closed.
    used: bool,
}

/// Why a commit failed. Nothing is known of it until the store was opened again.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommitError {
    #[error("its write-ahead log takes no record: {0}")]
    Log(#[from] io::Error),
    #[error(transparent)]
    Database(#[from] redb::Error),
}

/// What commits to a store.
pub(super) struct Writer {
    path: PathBuf,
    wal: Wal,
    before: Link,
}

impl Writer {
    /// Brings a database up to its log; begins a log where it has none.
    pub fn open(store: &Path, database: &Database, medium: &dyn Medium) -> Result<Self, OpenError> {
        let path = file::log_of(store);
        match state_of(store, database)? {
            Some(state) if state.used => Self::take_over(path, store, database, medium, state),
            state => Self::begin(path, store, database, medium, state),
        }
    }

    /// Shows readers of a database what its log has.
    pub fn look(store: &Path, database: &Database, medium: &dyn Medium) -> Result<(), OpenError> {
        match state_of(store, database)?.filter(|state| state.used) {
            Some(state) => Self::take_over(file::log_of(store), store, database, medium, state).map(|_| ()),
            None => Ok(()),
        }
    }

    fn take_over(
        path: PathBuf,
        store: &Path,
        database: &Database,
        medium: &dyn Medium,
        LogState { base, before, .. }: LogState,
    ) -> Result<Self, OpenError> {
        let unfit = |reason: String| OpenError::Log { store: store.to_owned(), log: path.clone(), reason };
        let file = file::open_log(&path)?.ok_or_else(|| unfit("it is gone".to_owned()))?;
        let log = medium.log(file).map_err(|error| OpenError::of(&path, error))?;
        let (wal, writes) = Wal::read(log, base, before).map_err(|error| match error {
            LogError::Io(source) => OpenError::io("read", &path)(source),
            other => unfit(other.to_string()),
        })?;
        show(database, &writes).map_err(|error| refused(store, &error))?;
        Ok(Self { path, wal, before })
    }

    fn begin(
        path: PathBuf,
        store: &Path,
        database: &Database,
        medium: &dyn Medium,
        known: Option<LogState>,
    ) -> Result<Self, OpenError> {
        let base = match known {
            Some(state) => state.base,
            None => random().map_err(OpenError::io("find entropy for", &path))?,
        };
        // One is there after a cut between the last checkpoint and its removal, or before the first.
        let own = known.map_or([base; 2], |state| [state.base, state.before]);
        let file = file::create_log(&path, |file| wal::is_spent(file, own))?;
        let log = medium.log(file).map_err(|error| OpenError::of(&path, error))?;
        let wal = Wal::create(log, base).map_err(OpenError::io("create", &path))?;
        let mut writer = Self { path, wal, before: base };
        writer.checkpoint(database, &[], true).map_err(|error| refused(store, &error))?;
        Ok(writer)
    }

    /// Makes writes durable and visible, all or none.
    pub fn commit(&mut self, database: &Database, writes: Vec<Write>) -> Result<(), CommitError> {
        if wal::size(&writes) >= LARGE_BYTES {
            return Ok(self.checkpoint(database, &writes, true)?);
        }
        if !self.wal.has_room(&writes) {
            self.checkpoint(database, &[], true)?;
        }
        let transaction = begin_in_memory(database)?;
        // The database first, but for the last step, which writes nothing: it may find no room for its pages, and
        // what the log has taken is there.
        write(&transaction, &writes)?;
        self.wal.append(&writes)?;
        transaction.commit().map_err(redb::Error::from)?;
        Ok(())
    }

    /// Leaves everything in the database alone, and no log.
    pub fn close(mut self, database: &Database) -> Result<(), CommitError> {
        self.checkpoint(database, &[], false)?;
        std::fs::remove_file(&self.path)?;
        Ok(())
    }

    /// Makes durable in the database what the log holds, and these writes.
    fn checkpoint(&mut self, database: &Database, writes: &[Write], used: bool) -> Result<(), redb::Error> {
        let base = self.wal.link().checkpoint();
        let before = if self.wal.is_empty() { self.before } else { self.wal.base() };
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        write(&transaction, writes)?;
        let state = [&base.0[..], &before.0, &[u8::from(used)]].concat();
        transaction.open_table(definition(LOG_STATE))?.insert(STATE, state.as_slice())?;
        transaction.commit()?;
        self.wal.begin(base);
        self.before = before;
        Ok(())
    }
}

fn random() -> io::Result<Link> {
    let mut link = [0; 32];
    getrandom::fill(&mut link)?;
    Ok(Link(link))
}

fn refused(store: &Path, error: &redb::Error) -> OpenError {
    OpenError::Refused { path: store.to_owned(), reason: format!("its log cannot be taken over: {error}") }
}

fn state_of(store: &Path, database: &Database) -> Result<Option<LogState>, OpenError> {
    read_state(database).map_err(|error| OpenError::Damaged { path: store.to_owned(), reason: error.to_string() })
}

fn read_state(database: &Database) -> Result<Option<LogState>, redb::Error> {
    let table = match database.begin_read()?.open_table(definition(LOG_STATE)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table?,
    };
    let Some(state) = table.get(STATE)? else { return Ok(None) };
    let parts = state.value().split_first_chunk().and_then(|(base, rest)| Some((base, rest.split_first_chunk()?)));
    match parts {
        Some((base, (before, [used]))) => {
            Ok(Some(LogState { base: Link(*base), before: Link(*before), used: *used != 0 }))
        }
        _ => Err(redb::Error::Corrupted("the state of its log has another form".to_owned())),
    }
}

/// A transaction that nobody waits for the disk of.
fn begin_in_memory(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::None)?;
    Ok(transaction)
}

/// Shows readers what the log has.
fn show(database: &Database, writes: &[Write]) -> Result<(), redb::Error> {
    if writes.is_empty() {
        return Ok(());
    }
    let transaction = begin_in_memory(database)?;
    write(&transaction, writes)?;
    transaction.commit()?;
    Ok(())
}

fn write(transaction: &WriteTransaction, writes: &[Write]) -> Result<(), redb::Error> {
    let mut writes: Vec<_> = writes.iter().collect();
    // Stable, so that writes of one key keep their order; neighbours share the pages that they touch.
    writes.sort_by(|one, other| (one.table, &one.key).cmp(&(other.table, &other.key)));
    writes.chunk_by(|one, other| one.table == other.table).try_for_each(|writes| write_table(transaction, writes))
}

/// Writes to the one table that all of these name.
fn write_table(transaction: &WriteTransaction, writes: &[&Write]) -> Result<(), redb::Error> {
    let Some(first) = writes.first() else { return Ok(()) };
    let mut rows = transaction.open_table(definition(&name(first.table)))?;
    for Write { key, value, .. } in writes {
        match value {
            Some(value) => rows.insert(key.as_slice(), value.as_slice())?,
            None => rows.remove(key.as_slice())?,
        };
    }
    Ok(())
}
