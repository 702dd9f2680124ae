//! Commits: into the write-ahead log at once, into the database's file now and then.
//!
//! ```text
//! commit ──► log: one write, one flush ──► database, in memory ──► readers see it
//!                      │ full, or a large commit
//!                      ▼
//! checkpoint ──► database: two phases and the allocator's state, on the disk ──► the log begins again
//! ```
//!
//! The database names the link that its log continues, in the transaction that empties the log: whichever of the two a
//! cut interrupts, the records that count are those that the database does not have yet.

use std::io;
use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase as _, TableError, WriteTransaction};
use tillmesh_core::storage::Write;

use super::error::OpenError;
use super::file::{self, Medium};
use super::tables::{LOG_STATE, definition, name};
use super::wal::{self, Link, Wal};

/// From which size a commit goes into the database straight: it would fill much of the log, and its pages dwarf what a
/// checkpoint adds.
const LARGE_BYTES: u64 = 128 << 10;

/// The one key of the table of the log's state.
const STATE: &[u8] = b"state";

/// What a database says of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LogState {
    /// What its first record continues.
    link: Link,
    /// Whether there may be records: false after the store was closed.
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
}

impl Writer {
    /// Brings a database up to its log, which is made when it is not there.
    pub fn open(store: &Path, database: &Database, medium: &dyn Medium) -> Result<Self, OpenError> {
        let damaged = |reason: String| OpenError::Damaged { path: store.to_owned(), reason };
        let path = file::log_of(store);
        let state = read_state(database).map_err(|error| damaged(error.to_string()))?;
        let used = state.is_some_and(|state| state.used);
        if used && !file::exists(&path)? {
            let reason = format!(
                "its last commits are in {}, which is gone: put it back beside the store, or restore a backup",
                path.display()
            );
            return Err(damaged(reason));
        }
        let log = medium.log(file::open_log(&path, used)?).map_err(|error| OpenError::of(&path, error))?;
        let link = state.map_or(Link::FIRST, |state| state.link);
        let (wal, writes) = Wal::read(log, link).map_err(OpenError::io("read", &path))?;
        let mut writer = Self { path, wal };
        writer.checkpoint(database, &writes, true).map_err(|error| OpenError::Refused {
            path: store.to_owned(),
            reason: format!("its log cannot be taken over: {error}"),
        })?;
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
        let mut transaction = database.begin_write().map_err(redb::Error::from)?;
        transaction.set_durability(Durability::None).map_err(redb::Error::from)?;
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
        let link = self.wal.link().checkpoint();
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        write(&transaction, writes)?;
        let state = [&link.0[..], &[u8::from(used)]].concat();
        transaction.open_table(definition(LOG_STATE))?.insert(STATE, state.as_slice())?;
        transaction.commit()?;
        self.wal.begin(link);
        Ok(())
    }
}

fn read_state(database: &Database) -> Result<Option<LogState>, redb::Error> {
    let table = match database.begin_read()?.open_table(definition(LOG_STATE)) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        table => table?,
    };
    let Some(state) = table.get(STATE)? else { return Ok(None) };
    match state.value().split_first_chunk() {
        Some((link, [used])) => Ok(Some(LogState { link: Link(*link), used: *used != 0 })),
        _ => Err(redb::Error::Corrupted("the state of its log has another form".to_owned())),
    }
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
