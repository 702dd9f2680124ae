//! The check of a store that no node runs on: every signature and every change of its log, its objects, and its
//! projections against the log folded anew.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use tillmesh_core::engine::{Engine, OpenError, is_of_projections};
use tillmesh_core::envelope;
use tillmesh_core::history::{read_change, read_commit};
use tillmesh_core::id::{Name, ObjectHash};
use tillmesh_core::storage::{MemoryStorage, Pair, ROW_TABLES, Read, Storage, StorageError, Table, Write};
use tillmesh_core::view::without_position;

use super::{STORE_FILE, StartError, clock, engine_config, now};
use crate::config::Settings;
use crate::store::{self, Reader, Store};

/// How many faults are told one by one.
const TOLD: usize = 20;
/// How many rows are read or written at a time.
const SLICE: usize = 1_000;

/// What was checked, and what is wrong.
#[derive(Debug, Default)]
pub struct Report {
    /// Commits of the log.
    pub commits: u64,
    /// Signed envelopes in them.
    pub envelopes: u64,
    /// Changes in these.
    pub changes: u64,
    /// Objects.
    pub objects: u64,
    /// Rows of projections.
    pub rows: u64,
    /// How many faults there are.
    pub faults: u64,
    /// The first of them.
    pub told: Vec<String>,
}

/// Why a store was not checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is none.
    #[error("{} holds no store", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// It cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// It is another node's, or of another version.
    #[error(transparent)]
    Other(OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] StorageError),
    /// The operating system refused something.
    #[error(transparent)]
    System(#[from] StartError),
}

/// What is told of how far the check is: done, of how much.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Checks the store of a node that does not run. Its files are left with what they say, the log among them.
///
/// # Errors
/// When it cannot be checked. What is wrong with it stands in the report.
pub fn verify(settings: &Settings, progress: &Progress) -> Result<Report, VerifyError> {
    let path = settings.data.join(STORE_FILE);
    let there = path.try_exists();
    if !there.map_err(|reason| StartError::System { operation: "look for the store", reason })? {
        return Err(VerifyError::Missing { folder: settings.data.clone() });
    }
    let store = Store::look_into(&path)?;
    let mut report = Report::default();
    // The database trusts its file and may panic where it was changed.
    let checked = catch_unwind(AssertUnwindSafe(|| check(&store.reader(), settings, progress, &mut report)));
    checked.unwrap_or_else(|_| {
        report.fault("the database cannot read its file: its reader panicked".to_owned());
        Ok(())
    })?;
    Ok(report)
}

fn check(reader: &Reader, settings: &Settings, progress: &Progress, report: &mut Report) -> Result<(), VerifyError> {
    let last = reader.last(Table::Log)?.and_then(|(key, _)| key.try_into().ok()).map_or(0, u64::from_be_bytes);
    for position in 1..=last {
        report.check_commit(reader, &settings.fleet, position);
        progress(position, 2 * last);
    }
    report.check_objects(reader)?;
    report.check_rows(reader, settings, last, progress)
}

impl Report {
    fn fault(&mut self, text: String) {
        self.faults += 1;
        if self.told.len() < TOLD {
            self.told.push(text);
        }
    }

    fn check_commit(&mut self, reader: &Reader, fleet: &Name, position: u64) {
        self.commits += 1;
        let record = match read_commit(reader, position) {
            Ok(record) => record,
            Err(error) => return self.fault(format!("commit {position}: {}", error.reason)),
        };
        for (slot, bytes) in record.envelopes.iter().enumerate() {
            self.envelopes += 1;
            let batch = match envelope::open(fleet, bytes) {
                Ok(batch) => batch,
                Err(error) => {
                    self.fault(format!("commit {position}, envelope {slot}: {error}"));
                    continue;
                }
            };
            for (index, bytes) in batch.changes.iter().enumerate() {
                self.changes += 1;
                if let Err(error) = read_change(&batch.document, bytes) {
                    self.fault(format!("commit {position}, envelope {slot}, change {index}: {}", error.reason));
                }
            }
        }
    }

    fn check_objects(&mut self, reader: &Reader) -> Result<(), StorageError> {
        let mut from = Vec::new();
        // One at a time: a component has megabytes.
        while let Some((key, content)) = reader.scan(Table::Objects, &from, None, 1)?.pop() {
            self.objects += 1;
            let hash = ObjectHash::of(&content);
            if hash.as_bytes().as_slice() != key {
                self.fault(format!("an object whose content is {hash} stands under another hash"));
            }
            from = [key.as_slice(), &[0]].concat();
        }
        Ok(())
    }

    /// What is written lags behind the log, so both are compared as a start of the node makes them.
    fn check_rows(
        &mut self,
        reader: &Reader,
        settings: &Settings,
        last: u64,
        progress: &Progress,
    ) -> Result<(), VerifyError> {
        let tell = Arc::clone(progress);
        let written = Replay::new(reader, Arc::new(|_| {}), true)?;
        let anew = Replay::new(reader, Arc::new(move |position| tell(last + position, 2 * last)), false)?;
        for (what, replay) in [("the rows as written", &written), ("the log folded anew", &anew)] {
            match replay.clone().fold(settings)? {
                Ok(()) => {}
                Err(error) => {
                    self.fault(format!("{what}: {error}"));
                    return Ok(());
                }
            }
        }
        for number in 0..ROW_TABLES {
            self.compare(number, written.pairs(number)?, anew.pairs(number)?);
        }
        Ok(())
    }

    fn compare(&mut self, number: u8, written: BTreeMap<Vec<u8>, Vec<u8>>, mut anew: BTreeMap<Vec<u8>, Vec<u8>>) {
        self.rows += written.len() as u64;
        let same = |one: &[u8], other: &[u8]| without_position(one) == without_position(other);
        let differ = written.into_iter().filter(|(key, value)| anew.remove(key).is_none_or(|anew| !same(&anew, value)));
        let differ = differ.count();
        if differ + anew.len() > 0 {
            let missing = anew.len();
            self.fault(format!("projection {number}: {differ} rows are not what the log says, {missing} are missing"));
        }
    }
}

/// A store whose log is that on the disk, and whose other rows are in memory: a node can be started on it, and the disk
/// stays as it is.
#[derive(Clone)]
struct Replay {
    log: Reader,
    rows: MemoryStorage,
    /// Is told each commit that is read.
    read: Arc<dyn Fn(u64) + Send + Sync>,
}

impl Replay {
    /// With the projections as they are written, or with none.
    fn new(log: &Reader, read: Arc<dyn Fn(u64) + Send + Sync>, projections: bool) -> Result<Self, StorageError> {
        let mut rows = MemoryStorage::default();
        let tables = (0..ROW_TABLES).map(Table::Rows).filter(|_| projections);
        for table in std::iter::once(Table::Meta).chain(tables) {
            let mut from = Vec::new();
            loop {
                let mut pairs = log.scan(table, &from, None, SLICE)?;
                let Some((key, _)) = pairs.last() else { break };
                from = [key.as_slice(), &[0]].concat();
                pairs.retain(|(key, _)| projections || !is_of_projections(table, key));
                rows.commit(pairs.into_iter().map(|(key, value)| Write::put(table, key, value)).collect())?;
            }
        }
        Ok(Self { log: log.clone(), rows, read })
    }

    fn pairs(&self, number: u8) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StorageError> {
        Ok(self.rows.scan(Table::Rows(number), &[], None, usize::MAX)?.into_iter().collect())
    }

    /// Starts a node on it and writes all of its rows. What is wrong with the store is the inner error.
    fn fold(self, settings: &Settings) -> Result<Result<(), String>, VerifyError> {
        let mut engine = match Engine::open(self, engine_config(settings), now(), &mut clock::entropy()?) {
            Ok(engine) => engine,
            Err(error @ (OpenError::Node { .. } | OpenError::Format { .. })) => return Err(VerifyError::Other(error)),
            Err(error) => return Ok(Err(error.to_string())),
        };
        loop {
            match engine.write_behind(SLICE) {
                Ok(0) => return Ok(Ok(())),
                Ok(_) => {}
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    }
}

impl Read for Replay {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        if let (Table::Log, Ok(position)) = (table, key.try_into()) {
            (self.read)(u64::from_be_bytes(position));
        }
        match in_memory(table) {
            true => self.rows.get(table, key),
            false => self.log.get(table, key),
        }
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        match in_memory(table) {
            true => self.rows.scan(table, from, to, limit),
            false => self.log.scan(table, from, to, limit),
        }
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        match in_memory(table) {
            true => self.rows.last(table),
            false => self.log.last(table),
        }
    }
}

impl Storage for Replay {
    type Reader = Self;

    fn reader(&self) -> Self {
        self.clone()
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        if writes.iter().all(|write| in_memory(write.table)) {
            return self.rows.commit(writes);
        }
        Err(StorageError { operation: "commit".to_owned(), reason: "a check writes nothing".to_owned() })
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
}

const fn in_memory(table: Table) -> bool {
    matches!(table, Table::Meta | Table::Rows(_))
}
