//! Disks that fail.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Error, Result};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use redb::backends::FileBackend;
use redb::{BackendError, Database, DatabaseError, StorageBackend};

use super::super::file::{self, Medium};

/// A disk that cannot be reached while a flag is set.
pub struct FailingDisk(pub Arc<AtomicBool>);

impl Medium for FailingDisk {
    fn database(&self, file: File) -> std::result::Result<Database, DatabaseError> {
        file::builder().create_with_backend(Failing::new(file, Arc::clone(&self.0)))
    }

    fn log(&self, file: File) -> std::result::Result<Box<dyn StorageBackend>, DatabaseError> {
        Ok(Box::new(Failing::new(file, Arc::clone(&self.0))))
    }
}

/// A file that cannot be reached while a flag is set.
#[derive(Debug)]
struct Failing {
    inner: FileBackend,
    failing: Arc<AtomicBool>,
}

impl Failing {
    fn new(file: File, failing: Arc<AtomicBool>) -> Self {
        Self { inner: FileBackend::new(file).unwrap(), failing }
    }

    fn works(&self) -> Result<&FileBackend> {
        match self.failing.load(Ordering::SeqCst) {
            true => Err(Error::other("the disk is gone")),
            false => Ok(&self.inner),
        }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> Result<u64> {
        self.works()?.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.works()?.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.works()?.set_len(len)
    }

    fn sync_data(&self) -> Result<()> {
        self.works()?.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.works()?.write(offset, data)
    }

    fn close(&self) -> Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }
}

/// What disks run on: how many more changes it lasts for; without end when there is no number.
pub type Power = Arc<Mutex<Option<usize>>>;

/// A machine with a disk for the database and one for its log: a power cut takes both at the same moment.
#[derive(Default)]
pub struct Machine {
    power: Power,
    pub database: Volatile,
    pub log: Volatile,
}

impl Machine {
    fn with(database: Vec<u8>, log: Vec<u8>) -> Self {
        let power = Power::default();
        let disk = |bytes: Vec<u8>| Volatile {
            power: Arc::clone(&power),
            state: Arc::new(Mutex::new(VolatileState { cached: bytes.clone(), durable: bytes, ..Default::default() })),
        };
        Self { database: disk(database), log: disk(log), power }
    }

    pub fn new() -> Self {
        Self::with(Vec::new(), Vec::new())
    }

    /// The power fails after so many changes.
    pub fn cut_after(&self, changes: usize) {
        *self.power.lock().unwrap() = Some(changes);
    }

    /// What the disks hold when the power is back: all that was synced, and of the rest each sector or not.
    pub fn after_the_cut(&self, rng: &mut ChaCha20Rng) -> Self {
        Self::with(self.database.after_the_cut(rng), self.log.after_the_cut(rng))
    }
}

impl Medium for Machine {
    fn database(&self, _: File) -> std::result::Result<Database, DatabaseError> {
        file::builder().create_with_backend(self.database.clone())
    }

    fn log(&self, _: File) -> std::result::Result<Box<dyn StorageBackend>, DatabaseError> {
        Ok(Box::new(self.log.clone()))
    }
}

/// A disk with a cache that a power cut loses: only what was synced is sure to be there, of the rest any part may be.
#[derive(Debug, Clone, Default)]
pub struct Volatile {
    power: Power,
    state: Arc<Mutex<VolatileState>>,
}

#[derive(Debug, Default)]
struct VolatileState {
    durable: Vec<u8>,
    cached: Vec<u8>,
    unsynced: VecDeque<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

impl Change {
    fn apply(&self, disk: &mut Vec<u8>) {
        match self {
            Self::Resize(len) => disk.resize(*len, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                disk.resize(disk.len().max(end), 0);
                disk[*offset..end].copy_from_slice(data);
            }
        }
    }

    fn sectors(self) -> Vec<Self> {
        match self {
            Self::Write(offset, data) => data
                .chunks(SECTOR)
                .enumerate()
                .map(|(n, part)| Self::Write(offset + n * SECTOR, part.to_vec()))
                .collect(),
            resize @ Self::Resize(_) => vec![resize],
        }
    }
}

impl Volatile {
    fn after_the_cut(&self, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mut state = self.state.lock().unwrap();
        let mut durable = state.durable.clone();
        for change in state.unsynced.drain(..).flat_map(Change::sectors) {
            if matches!(change, Change::Resize(_)) || rng.next_u32() & 1 == 0 {
                change.apply(&mut durable);
            }
        }
        durable
    }

    fn spend(&self) -> Result<()> {
        match &mut *self.power.lock().unwrap() {
            Some(0) => Err(Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&self, change: Change) -> Result<()> {
        self.spend()?;
        let mut state = self.state.lock().unwrap();
        change.apply(&mut state.cached);
        state.unsynced.push_back(change);
        Ok(())
    }
}

impl StorageBackend for Volatile {
    fn len(&self) -> Result<u64> {
        Ok(self.state.lock().unwrap().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let state = self.state.lock().unwrap();
        let offset = usize::try_from(offset).unwrap();
        let bytes = state.cached.get(offset..offset + out.len());
        out.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.change(Change::Resize(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> Result<()> {
        self.spend()?;
        let mut state = self.state.lock().unwrap();
        state.durable = state.cached.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
