//! Backups: a store as one commit left it, as a stream of bytes.
//!
//! ```text
//! "tillmesh backup\n"  version  format of the store  position of the last commit (8 bytes)
//! each row:  length of the table's name (1 byte)  name  length of the key (4)  length of the value (4)  key  value
//! end:       0 (1 byte)  number of rows (8)  SHA-256 of everything before (32)
//! ```
//!
//! Numbers are big-endian. A stream that was cut off or changed is told by its end.

use std::io::{self, Read, Write};
use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _};
use sha2::{Digest as _, Sha256};
use tillmesh_core::storage::{StorageError, Table};

use super::error::{BackupError, RestoreError};
use super::open::{self, open_table};
use super::recent::{Recent, merged};
use super::tables::{definition, name};
use super::{Reader, Store, file};

const MAGIC: &[u8; 16] = b"tillmesh backup\n";
const VERSION: u8 = 1;

/// How many bytes of rows one transaction of a restore takes: what it holds in memory until they are on the disk.
const SLICE_BYTES: u64 = 4 << 20;

const CUT_OFF: &str = "it ends too early";
const CHANGED: &str = "its content is not what was written";

/// What a backup holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backup {
    /// The last commit in it.
    pub position: u64,
    /// How many rows.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A store as one commit left it. The writer goes on meanwhile; what it replaces stays in the file until this is
/// dropped.
pub struct Snapshot {
    transaction: ReadTransaction,
    recent: Recent,
}

impl Reader {
    /// The store as the last commit left it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn snapshot(&self) -> Result<Snapshot, StorageError> {
        let state = self.shared.state();
        let open = self.shared.open(&state, "back up")?;
        let recent = open.recent();
        let transaction = open.database.begin_read().map_err(|error| self.shared.failed("back up", error))?;
        Ok(Snapshot { transaction, recent: recent.clone() })
    }
}

impl Snapshot {
    /// Writes a backup, but for the rows that `without` names.
    ///
    /// # Errors
    /// When the store cannot be read (also when its writer closes or reopens it meanwhile), or the backup not be
    /// written. What was written is no backup then.
    pub fn write_to(
        &self,
        to: impl Write,
        format: u8,
        without: impl Fn(Table, &[u8]) -> bool,
    ) -> Result<Backup, BackupError> {
        let position = self.position().map_err(|error| BackupError::Read(error.to_string()))?;
        let mut out = Hashed { inner: to, hash: Sha256::new(), bytes: 0 };
        out.put(&[MAGIC.as_slice(), &[VERSION, format], &position.to_be_bytes()])?;
        let mut rows = 0;
        for table in Table::every() {
            rows += self.write_table(table, &mut out, &without)?;
        }
        out.put(&[&[0], &u64::to_be_bytes(rows)])?;
        let hash = out.hash.clone().finalize();
        out.put(&[&hash])?;
        out.inner.flush()?;
        Ok(Backup { position, rows, bytes: out.bytes })
    }

    fn position(&self) -> Result<u64, redb::Error> {
        let rows = open_table(&self.transaction, Table::Log)?;
        let last = open::last(self.recent.last(Table::Log), rows.as_ref())?;
        Ok(last.and_then(|(key, _)| key.try_into().ok()).map_or(0, u64::from_be_bytes))
    }

    fn write_table(
        &self,
        table: Table,
        out: &mut Hashed<impl Write>,
        without: &impl Fn(Table, &[u8]) -> bool,
    ) -> Result<u64, BackupError> {
        let read = |error: redb::Error| BackupError::Read(error.to_string());
        let name = name(table);
        let rows = open_table(&self.transaction, table).map_err(read)?;
        let range = rows.as_ref().map(|rows| rows.iter()).transpose().map_err(|error| read(error.into()))?;
        let stored = range.into_iter().flatten();
        let stored = stored.map(|row| row.map(|(key, value)| open::owned(key.value(), value.value())));
        let mut written = 0;
        for row in merged(stored, self.recent.range(table, &[], None, usize::MAX), Ord::cmp) {
            let (key, value) = row.map_err(|error| read(error.into()))?;
            if without(table, &key) {
                continue;
            }
            let [key_length, value_length] = [&key, &value].map(|part| part.len() as u32).map(u32::to_be_bytes);
            out.put(&[&[name.len() as u8], name.as_bytes(), &key_length, &value_length, &key, &value])?;
            written += 1;
        }
        Ok(written)
    }
}

impl Store {
    /// Makes a store from a backup, under its name when all of it is there and on the disk.
    ///
    /// # Errors
    /// When there is a file of that name, what comes is no backup of a store of that format or damaged, or the file
    /// system refuses. Then no file of that name is left.
    pub fn restore(path: &Path, from: impl Read, format: u8) -> Result<(Self, Backup), RestoreError> {
        let exists = || RestoreError::Exists { path: path.to_owned() };
        if file::exists(path)? {
            return Err(exists());
        }
        let medium = Box::new(file::FileSystem);
        let filled = file::create(path, medium.as_ref(), |database| fill(database, from, format))?;
        let (database, backup) = filled.ok_or_else(exists)?;
        Ok((Self::with(path, medium, database)?, backup))
    }
}

/// Reads a backup to its end and tells what it holds.
///
/// # Errors
/// When it is none, of another format, or damaged.
pub fn check(from: impl Read, format: u8) -> Result<Backup, RestoreError> {
    let mut source = Source::open(from, format)?;
    while source.next()?.is_some() {}
    Ok(source.backup)
}

fn fill(database: &Database, from: impl Read, format: u8) -> Result<Backup, RestoreError> {
    let mut source = Source::open(from, format)?;
    let failed = |error: redb::Error| RestoreError::Write(error.to_string());
    loop {
        let until = source.input.bytes + SLICE_BYTES;
        let transaction = database.begin_write().map_err(|error| failed(error.into()))?;
        // The table that every store has, also where no row of it is in the backup.
        transaction.open_table(definition(&name(Table::Meta))).map_err(|error| failed(error.into()))?;
        let mut more = true;
        while more && source.input.bytes < until {
            more = match source.next()? {
                None => false,
                Some(row) => insert(&transaction, &row).map(|()| true).map_err(failed)?,
            };
        }
        transaction.commit().map_err(|error| failed(error.into()))?;
        if !more {
            return Ok(source.backup);
        }
    }
}

fn insert(transaction: &redb::WriteTransaction, row: &Row) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(definition(&name(row.table)))?;
    table.insert(row.key.as_slice(), row.value.as_slice())?;
    Ok(())
}

/// What goes through it is counted and hashed.
struct Hashed<T> {
    inner: T,
    hash: Sha256,
    bytes: u64,
}

impl<T: Write> Hashed<T> {
    fn put(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        parts.iter().try_for_each(|part| {
            self.hash.update(part);
            self.bytes += part.len() as u64;
            self.inner.write_all(part)
        })
    }
}

impl<T: Read> Hashed<T> {
    fn take(&mut self, length: usize) -> Result<Vec<u8>, RestoreError> {
        let mut bytes = Vec::new();
        // A damaged length may be any: no more memory is taken than bytes come.
        let read = (&mut self.inner).take(length as u64).read_to_end(&mut bytes).map_err(RestoreError::Read)?;
        if read < length {
            return Err(RestoreError::Damaged(CUT_OFF));
        }
        self.hash.update(&bytes);
        self.bytes += length as u64;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RestoreError> {
        self.take(N)?.try_into().map_err(|_| RestoreError::Damaged(CUT_OFF))
    }
}

struct Row {
    table: Table,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// A backup that is being read.
struct Source<T> {
    input: Hashed<T>,
    backup: Backup,
}

impl<T: Read> Source<T> {
    fn open(from: T, known: u8) -> Result<Self, RestoreError> {
        let mut input = Hashed { inner: from, hash: Sha256::new(), bytes: 0 };
        let magic = input.array::<16>().map_err(|error| match error {
            RestoreError::Damaged(_) => RestoreError::NotABackup,
            other => other,
        })?;
        let [version, found] = if magic == *MAGIC { input.array()? } else { return Err(RestoreError::NotABackup) };
        if (version, found) != (VERSION, known) {
            return Err(RestoreError::Format { found, known });
        }
        let position = u64::from_be_bytes(input.array()?);
        Ok(Self { input, backup: Backup { position, ..Backup::default() } })
    }

    /// The next row; none at the end of a whole backup.
    fn next(&mut self) -> Result<Option<Row>, RestoreError> {
        let [length] = self.input.array()?;
        if length == 0 {
            return self.end().map(|()| None);
        }
        let found = self.input.take(usize::from(length))?;
        let table = Table::every().find(|table| name(*table).as_bytes() == found);
        let table = table.ok_or(RestoreError::Damaged(CHANGED))?;
        let lengths = [self.input.array()?, self.input.array()?].map(|length| u32::from_be_bytes(length) as usize);
        let (key, value) = (self.input.take(lengths[0])?, self.input.take(lengths[1])?);
        self.backup.rows += 1;
        Ok(Some(Row { table, key, value }))
    }

    fn end(&mut self) -> Result<(), RestoreError> {
        let rows = u64::from_be_bytes(self.input.array()?);
        let hash = self.input.hash.clone().finalize();
        let stated = self.input.array::<32>()?;
        let behind = self.input.inner.read(&mut [0]).map_err(RestoreError::Read)?;
        if rows != self.backup.rows || stated != hash.as_slice() || behind != 0 {
            return Err(RestoreError::Damaged(CHANGED));
        }
        self.backup.bytes = self.input.bytes;
        Ok(())
    }
}
