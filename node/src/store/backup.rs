//! Copying a store while it is written to.

use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableHandle as _};

use super::error::BackupError;
use super::tables::definition;
use super::{Reader, file};

/// How many bytes of rows one transaction of the copy takes: what it holds in memory until they are on the disk.
const SLICE_BYTES: u64 = 4 << 20;

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backup {
    /// How many rows.
    pub rows: u64,
    /// How many bytes their keys and values have.
    pub bytes: u64,
}

impl Reader {
    /// Copies the store as the last commit left it to a new file, readable by its owner only: it holds the node's key.
    /// The writer goes on meanwhile; what it replaces stays in the store's file until the copy is done.
    ///
    /// # Errors
    /// When there is a file of that name, the store cannot be read (also when its writer closes or reopens it
    /// meanwhile), or the copy cannot be written. Then no file of that name is left.
    pub fn backup(&self, to: &Path) -> Result<Backup, BackupError> {
        let exists = || BackupError::Exists { path: to.to_owned() };
        if file::exists(to)? {
            return Err(exists());
        }
        let failed = |reason: String| BackupError::Copy { from: self.shared.path.clone(), to: to.to_owned(), reason };
        let source = self.snapshot().map_err(failed)?;
        let copied = file::create(to, &file::opener(), |copy| {
            copy_all(&source, copy).map_err(|error| failed(error.to_string()))
        })?;
        let (database, backup) = copied.ok_or_else(exists)?;
        database.close().map_err(|error| failed(error.to_string()))?;
        Ok(backup)
    }

    fn snapshot(&self) -> Result<ReadTransaction, String> {
        let state = self.shared.state();
        let database = self.shared.database(&state, "back up").map_err(|error| error.to_string())?;
        database.begin_read().map_err(|error| error.to_string())
    }
}

fn copy_all(source: &ReadTransaction, copy: &Database) -> Result<Backup, redb::Error> {
    let mut done = Backup::default();
    for table in source.list_tables()? {
        copy_table(source, table.name(), copy, &mut done)?;
    }
    Ok(done)
}

fn copy_table(source: &ReadTransaction, name: &str, copy: &Database, done: &mut Backup) -> Result<(), redb::Error> {
    let rows = source.open_table(definition(name))?;
    let mut rest = rows.iter()?;
    loop {
        let (transaction, until) = (copy.begin_write()?, done.bytes + SLICE_BYTES);
        let mut target = transaction.open_table(definition(name))?;
        while done.bytes < until
            && let Some(row) = rest.next()
        {
            let (key, value) = row?;
            target.insert(key.value(), value.value())?;
            done.rows += 1;
            done.bytes += (key.value().len() + value.value().len()) as u64;
        }
        drop(target);
        transaction.commit()?;
        if done.bytes < until {
            return Ok(());
        }
    }
}
