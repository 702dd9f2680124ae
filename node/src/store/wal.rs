//! The write-ahead log: what was committed since the database was last flushed, in a file beside it.
//!
//! ```text
//! record:  length of the payload (4 bytes)  base (32)  link (32)  payload  zeros up to a multiple of 4096
//! payload: each write: table (1)  length of the key (4)  length of the value (4), all ones: removed  key  value
//! ```
//!
//! Numbers are big-endian. The *base* is what the database says that its log begins with. A record's *link* is a
//! SHA-256 over the link before it, of the first record over the base, and the payload. So a record that was written
//! half, one of another store, and one from before the last checkpoint are told from those that count, and none of
//! them can be made to look valid by what a peer chose to send. What follows a record that was damaged later is told,
//! too: an interrupted write has nothing behind it.
//!
//! Records begin on pages of their own: one that is on the disk is not written again by the next.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use redb::StorageBackend;
use sha2::{Digest as _, Sha256};
use tillmesh_core::storage::{Table, Write};

/// How much a log takes before it is emptied into the database: a thousand sales, one a commit. It is what a start
/// reads.
pub(super) const CAPACITY: u64 = 4 << 20;
/// Where records begin: what a disk writes at once.
const PAGE: usize = 4096;
/// How far the file grows at a time. Its pages are written before they are used, so that a flush need not also record
/// that the file has grown.
const GROWTH: u64 = 256 << 10;
/// What precedes a payload.
const HEADER: usize = 4 + LINK + LINK;
/// How long a link is.
const LINK: usize = 32;
/// A value's length that says that the key is removed.
const REMOVED: u32 = u32::MAX;

/// What a record continues. The first of a store is random; from there on two are the same only where all that was
/// written before is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub [u8; LINK]);

impl Link {
    fn then(self, kind: u8, payload: &[u8]) -> Self {
        Self(Sha256::new().chain_update([kind]).chain_update(self.0).chain_update(payload).finalize().into())
    }

    fn record(self, payload: &[u8]) -> Self {
        self.then(b'r', payload)
    }

    /// What the log after a checkpoint continues: no record of the log before can.
    pub fn checkpoint(self) -> Self {
        self.then(b'c', &[])
    }
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is whole, and continues something else.
    #[error("it belongs to another store, or to another time of this one")]
    Foreign,
    /// Records that count follow one that cannot be read.
    #[error("a record in it is damaged, and others follow")]
    Damaged,
}

/// A log that takes records.
pub(super) struct Wal {
    file: Box<dyn StorageBackend>,
    length: u64,
    end: u64,
    base: Link,
    link: Link,
}

impl Wal {
    /// Begins a log in an empty file.
    pub fn create(file: Box<dyn StorageBackend>, base: Link) -> io::Result<Self> {
        let mut wal = Self { file, length: 0, end: 0, base, link: base };
        wal.grow(1)?;
        wal.file.sync_data()?;
        Ok(wal)
    }

    /// Reads the records of a file that count: those on `base`. Where there are none, the file may still have the
    /// records on `before`, which the database has taken over.
    pub fn read(file: Box<dyn StorageBackend>, base: Link, before: Link) -> Result<(Self, Vec<Write>), LogError> {
        let length = file.len()?;
        let mut bytes = vec![0; usize::try_from(length.min(CAPACITY)).unwrap_or_default()];
        file.read(0, &mut bytes)?;
        let mut wal = Self { file, length, end: 0, base, link: base };
        let (mut writes, mut last, mut rest) = (Vec::new(), &[][..], bytes.as_slice());
        while let Some(record) = Record::read(rest).filter(|record| record.base == base && record.continues(wal.link)) {
            writes.extend(decode(record.payload)?);
            wal.link = record.link;
            wal.end += record.size as u64;
            (last, rest) = rest.split_at_checked(record.size).unwrap_or((rest, &[]));
        }
        let first = Record::read(&bytes).filter(|record| record.continues(record.base));
        if first.is_some_and(|first| first.base != base && first.base != before) {
            return Err(LogError::Foreign);
        }
        if rest.chunks(PAGE).skip(1).any(|page| Record::base_of(page) == Some(base)) {
            return Err(LogError::Damaged);
        }
        wal.make_sure(last)?;
        Ok((wal, writes))
    }

    /// Whether the last record had reached the disk when its process ended is not known, and a flush that failed may
    /// have left it in memory, taken for written. So it is written again before anybody relies on it.
    fn make_sure(&self, last: &[u8]) -> io::Result<()> {
        if last.is_empty() {
            return Ok(());
        }
        self.file.write(self.end - last.len() as u64, last)?;
        self.file.sync_data()
    }

    /// What the records of this log are on.
    pub const fn base(&self) -> Link {
        self.base
    }

    /// What the next record, or checkpoint, continues.
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Whether it has no record.
    pub const fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// Whether a record of these writes fits behind the others.
    pub fn has_room(&self, writes: &[Write]) -> bool {
        let size = (HEADER as u64 + size(writes)).next_multiple_of(PAGE as u64);
        self.end + size <= CAPACITY
    }

    /// Makes writes durable. When it fails, the log must be read again before anything else is written to it; the
    /// record is there then or not.
    pub fn append(&mut self, writes: &[Write]) -> io::Result<()> {
        let mut record = vec![0; HEADER];
        writes.iter().try_for_each(|write| encode(write, &mut record))?;
        let payload = &record[HEADER..];
        let link = self.link.record(payload);
        let length = narrow(payload.len())?;
        record[..4].copy_from_slice(&length.to_be_bytes());
        record[4..4 + LINK].copy_from_slice(&self.base.0);
        record[4 + LINK..HEADER].copy_from_slice(&link.0);
        record.resize(record.len().next_multiple_of(PAGE), 0);
        self.grow(self.end + record.len() as u64)?;
        self.file.write(self.end, &record)?;
        self.file.sync_data()?;
        self.end += record.len() as u64;
        self.link = link;
        Ok(())
    }

    /// Begins again, after a checkpoint that named this base was made durable.
    pub fn begin(&mut self, base: Link) {
        self.end = 0;
        self.base = base;
        self.link = base;
    }

    fn grow(&mut self, to: u64) -> io::Result<()> {
        while self.length < to {
            self.file.write(self.length, &vec![0; GROWTH as usize])?;
            self.length += GROWTH;
        }
        Ok(())
    }
}

/// Whether a file has no record, or one that is on one of these bases, which a database has taken over.
pub(super) fn is_spent(file: &File, bases: [Link; 2]) -> io::Result<bool> {
    let mut first = [0; HEADER];
    if file.metadata()?.len() < HEADER as u64 {
        return Ok(false);
    }
    file.read_exact_at(&mut first, 0)?;
    Ok(first == [0; HEADER] || Record::base_of(&first).is_some_and(|base| bases.contains(&base)))
}

/// What bytes say to be a record.
struct Record<'a> {
    base: Link,
    link: Link,
    payload: &'a [u8],
    size: usize,
}

impl<'a> Record<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let length = u32::from_be_bytes(*bytes.first_chunk()?) as usize;
        let base = Self::base_of(bytes)?;
        let link = Link(*bytes.get(4 + LINK..)?.first_chunk()?);
        let payload = bytes.get(HEADER..)?.get(..length)?;
        Some(Self { base, link, payload, size: (HEADER + length).next_multiple_of(PAGE) })
    }

    fn base_of(bytes: &[u8]) -> Option<Link> {
        bytes.get(4..)?.first_chunk().copied().map(Link)
    }

    fn continues(&self, link: Link) -> bool {
        link.record(self.payload) == self.link
    }
}

/// How many bytes writes take in a log, their record's header aside.
pub(super) fn size(writes: &[Write]) -> u64 {
    writes.iter().map(|write| (9 + write.key.len() + write.value.as_ref().map_or(0, Vec::len)) as u64).sum()
}

fn narrow(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("a record of more than 4 GiB"))
}

fn encode(Write { table, key, value }: &Write, record: &mut Vec<u8>) -> io::Result<()> {
    let length = value.as_ref().map_or(Ok(REMOVED), |value| narrow(value.len()))?;
    record.push(tag(*table));
    record.extend(narrow(key.len())?.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend(key);
    record.extend(value.as_deref().unwrap_or_default());
    Ok(())
}

/// The writes of a payload whose link was right: it is as it was written, so what cannot be read is of another version.
fn decode(payload: &[u8]) -> io::Result<Vec<Write>> {
    let mut writes = Vec::new();
    let mut rest = payload;
    while !rest.is_empty() {
        let (write, behind) = decode_one(rest).ok_or_else(|| io::Error::other("a record of an unknown form"))?;
        writes.push(write);
        rest = behind;
    }
    Ok(writes)
}

fn decode_one(bytes: &[u8]) -> Option<(Write, &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (key_length, bytes) = bytes.split_first_chunk()?;
    let (value_length, bytes) = bytes.split_first_chunk()?;
    let (key, bytes) = bytes.split_at_checked(u32::from_be_bytes(*key_length) as usize)?;
    let (value, bytes) = match u32::from_be_bytes(*value_length) {
        REMOVED => (None, bytes),
        length => bytes.split_at_checked(length as usize).map(|(value, rest)| (Some(value.to_vec()), rest))?,
    };
    Some((Write { table: table(tag)?, key: key.to_vec(), value }, bytes))
}

/// The number that the first projection has.
const FIRST_ROWS: u8 = 16;

const fn tag(table: Table) -> u8 {
    match table {
        Table::Meta => 0,
        Table::Log => 1,
        Table::Objects => 2,
        Table::Answers => 3,
        Table::Kept => 4,
        Table::Rows(number) => FIRST_ROWS + number,
    }
}

const fn table(tag: u8) -> Option<Table> {
    Some(match tag {
        0 => Table::Meta,
        1 => Table::Log,
        2 => Table::Objects,
        3 => Table::Answers,
        4 => Table::Kept,
        FIRST_ROWS.. => Table::Rows(tag - FIRST_ROWS),
        _ => return None,
    })
}
