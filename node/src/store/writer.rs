//! Commits: into the write-ahead log at once, into the database now and then.
//!
//! ```text
//! commit ──► log: one write, one flush ──► memory: readers see it
//!              │ full, or a large commit
//!              ▼
//! checkpoint ──► database: all of it, in two phases and with the allocator's state ──► log and memory begin again
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
use super::open::Open;
use super::recent::Recent;
use super::tables::{LOG_STATE, definition, name};
use super::wal::{self, Link, LogError, Wal};

/// From which size a commit goes into the database straight: it would fill a good part of the log, only to be written
/// again soon after. 5,000 sales in commits of up to 64 were durable after 0.44 s with this, 0.60 s with an eighth.
pub(super) const LARGE_BYTES: u64 = 1 << 20;

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
    /// Opens a database with its log; begins a log where it has none.
    pub fn open(store: &Path, database: Database, medium: &dyn Medium) -> Result<(Self, Open), OpenError> {
        let path = file::log_of(store);
        let state = state_of(store, &database)?;
        if let Some(state) = state.filter(|state| state.used) {
            let (writer, recent) = Self::take_over(path, store, medium, state)?;
            return Ok((writer, Open::new(database, recent)));
        }
        let writer = Self::begin(path, store, &database, medium, state)?;
        Ok((writer, Open::new(database, Recent::default())))
    }

    /// What the log of a database has.
    pub fn look(store: &Path, database: &Database, medium: &dyn Medium) -> Result<Recent, OpenError> {
        match state_of(store, database)?.filter(|state| state.used) {
            Some(state) => Self::take_over(file::log_of(store), store, medium, state).map(|(_, recent)| recent),
            None => Ok(Recent::default()),
        }
    }

    fn take_over(
        path: PathBuf,
        store: &Path,
        medium: &dyn Medium,
        LogState { base, before, .. }: LogState,
    ) -> Result<(Self, Recent), OpenError> {
        let unfit = |reason: String| OpenError::Log { store: store.to_owned(), log: path.clone(), reason };
        let file = file::open_log(&path)?.ok_or_else(|| unfit("it is gone".to_owned()))?;
        let log = medium.log(file).map_err(|error| OpenError::of(&path, error))?;
        let (wal, writes) = Wal::read(log, base, before).map_err(|error| match error {
            LogError::Io(source) => OpenError::io("read", &path)(source),
            other => unfit(other.to_string()),
        })?;
        let mut recent = Recent::default();
        recent.add(writes);
        Ok((Self { path, wal, before }, recent))
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
        writer.flush(database, &Recent::default(), true).map_err(|error| refused(store, &error))?;
        Ok(writer)
    }

    /// Whether a commit of these writes makes a checkpoint.
    pub fn checkpoints(&self, writes: &[Write]) -> bool {
        wal::size(writes) >= LARGE_BYTES || !self.wal.has_room(writes)
    }

    /// Makes writes durable and visible, all or none.
    pub fn commit(&mut self, open: &Open, writes: Vec<Write>) -> Result<(), CommitError> {
        if self.checkpoints(&writes) && !self.wal.is_empty() {
            self.checkpoint(open, true)?;
        }
        if wal::size(&writes) >= LARGE_BYTES {
            let mut large = Recent::default();
            large.add(writes);
            // Nothing is in front of the database now that could hide any of it.
            return Ok(self.flush(&open.database, &large, true)?);
        }
        self.wal.append(&writes)?;
        open.recent_mut().add(writes);
        Ok(())
    }

    /// Leaves everything in the database alone, and no log.
    pub fn close(mut self, open: &Open) -> Result<(), CommitError> {
        self.checkpoint(open, false)?;
        std::fs::remove_file(&self.path)?;
        Ok(())
    }

    /// Moves what the log has into the database.
    fn checkpoint(&mut self, open: &Open, used: bool) -> Result<(), redb::Error> {
        self.flush(&open.database, &open.recent(), used)?;
        open.recent_mut().clear();
        Ok(())
    }

    /// Makes rows durable in the database, which has all of the log then.
    fn flush(&mut self, database: &Database, rows: &Recent, used: bool) -> Result<(), redb::Error> {
        let base = self.wal.link().checkpoint();
        let before = if self.wal.is_empty() { self.before } else { self.wal.base() };
        let mut transaction = database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        write(&transaction, rows)?;
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

fn write(transaction: &WriteTransaction, rows: &Recent) -> Result<(), redb::Error> {
    for (table, changes) in rows.tables() {
        let mut rows = transaction.open_table(definition(&name(table)))?;
        for (key, value) in changes {
            match value {
                Some(value) => rows.insert(key.as_slice(), value.as_slice())?,
                None => rows.remove(key.as_slice())?,
            };
        }
    }
    Ok(())
}
