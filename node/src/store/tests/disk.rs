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
use redb::{BackendError, StorageBackend};

/// A file that cannot be reached while a flag is set.
#[derive(Debug)]
pub struct Failing {
    inner: FileBackend,
    failing: Arc<AtomicBool>,
}

impl Failing {
    pub fn new(file: File, failing: Arc<AtomicBool>) -> Self {
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

/// A disk with a cache that a power cut loses: only what was synced is sure to be there, of the rest any part may be.
#[derive(Debug, Clone, Default)]
pub struct Volatile {
    state: Arc<Mutex<VolatileState>>,
}

#[derive(Debug, Default)]
struct VolatileState {
    durable: Vec<u8>,
    cached: Vec<u8>,
    unsynced: VecDeque<Change>,
    /// How many more changes the power lasts for.
    power: Option<usize>,
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
    /// The power fails after so many changes.
    pub fn cut_after(&self, changes: usize) {
        self.state.lock().unwrap().power = Some(changes);
    }

    /// What the disk holds when the power is back: all that was synced, and of the rest each sector or not.
    pub fn after_the_cut(&self, rng: &mut ChaCha20Rng) -> Self {
        let mut state = self.state.lock().unwrap();
        let mut durable = state.durable.clone();
        for change in state.unsynced.drain(..).flat_map(Change::sectors) {
            if matches!(change, Change::Resize(_)) || rng.next_u32() & 1 == 0 {
                change.apply(&mut durable);
            }
        }
        let state = VolatileState { cached: durable.clone(), durable, ..VolatileState::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn change(&self, change: Change) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        state.spend()?;
        change.apply(&mut state.cached);
        state.unsynced.push_back(change);
        Ok(())
    }
}

impl VolatileState {
    fn spend(&mut self) -> Result<()> {
        match &mut self.power {
            Some(0) => Err(Error::other("the power is gone")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
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
        let mut state = self.state.lock().unwrap();
        state.spend()?;
        state.durable = state.cached.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        self.change(Change::Write(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}
