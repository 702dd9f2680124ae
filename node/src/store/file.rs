//! The file of a store: made whole or not at all, private, and locked.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase as _, StorageBackend, TableHandle as _};

use super::CACHE_BYTES;
use super::error::OpenError;
use super::tables::{META, definition};

/// The file holds the node's secret key: nobody but its owner may read it.
const FILE_MODE: u32 = 0o600;
/// As the file's, for a folder.
const FOLDER_MODE: u32 = 0o700;

/// What the files of a store are on. Tests pass one that fails.
pub(super) trait Medium: Send + Sync {
    /// Opens the database in a file, or begins one in an empty file.
    fn database(&self, file: File) -> Result<Database, DatabaseError>;

    /// Opens the file of a log.
    fn log(&self, file: File) -> Result<Box<dyn StorageBackend>, DatabaseError>;
}

/// The file system.
pub(super) struct FileSystem;

impl Medium for FileSystem {
    fn database(&self, file: File) -> Result<Database, DatabaseError> {
        builder().create_with_backend(FileBackend::new(file)?)
    }

    fn log(&self, file: File) -> Result<Box<dyn StorageBackend>, DatabaseError> {
        Ok(Box::new(FileBackend::new(file)?))
    }
}

/// How every database of a node is set.
pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Opens a store, or makes an empty one.
pub(super) fn open_or_create(path: &Path, medium: &dyn Medium) -> Result<Database, OpenError> {
    if exists(path)? {
        return open(path, medium);
    }
    match create(path, medium, |database| mark(path, database))? {
        Some((database, ())) => Ok(database),
        None => open(path, medium),
    }
}

/// Opens a store that is there.
pub(super) fn open(path: &Path, medium: &dyn Medium) -> Result<Database, OpenError> {
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(OpenError::io("open", path))?;
    let bytes = file.metadata().map_err(OpenError::io("open", path))?.len();
    if bytes == 0 {
        // redb would begin a new database here, and nobody would notice that the old one is gone.
        return Err(OpenError::NotAStore { path: path.to_owned(), reason: "it is empty".to_owned() });
    }
    let database = open_database(path, medium, file)?;
    check_owner(path, &database)?;
    Ok(database)
}

/// Makes a database under another name, fills it, and gives it its name when all of it is on the disk: a crash never
/// leaves half a store. None when somebody else made a file of that name in the meantime.
pub(super) fn create<T, E: From<OpenError>>(
    path: &Path,
    medium: &dyn Medium,
    fill: impl FnOnce(&Database) -> Result<T, E>,
) -> Result<Option<(Database, T)>, E> {
    let folder = folder_of(path);
    make_folder(folder)?;
    let unfinished = unfinished(path);
    let file = lock(&unfinished)?;
    // The lock may be that of a file which its maker has meanwhile given the name: it must not be touched.
    if exists(path)? {
        return Ok(None);
    }
    file.set_len(0).map_err(OpenError::io("empty", &unfinished))?;
    let database = open_database(&unfinished, medium, file)?;
    let filled = fill(&database).inspect_err(|_| remove(&unfinished))?;
    std::fs::rename(&unfinished, path).map_err(OpenError::io("create", path))?;
    sync_folder(folder)?;
    Ok(Some((database, filled)))
}

/// The write-ahead log of a store.
pub(super) fn log_of(store: &Path) -> PathBuf {
    store.with_extension("wal")
}

/// Opens a log; none when there is no file, or nothing in it.
pub(super) fn open_log(path: &Path) -> Result<Option<File>, OpenError> {
    if !exists(path)? {
        return Ok(None);
    }
    let file = lock(path)?;
    let bytes = file.metadata().map_err(OpenError::io("open", path))?.len();
    Ok(Some(file).filter(|_| bytes > 0))
}

/// Makes an empty log. One that is there and not `spent` belongs to a store that is not: it is put aside, for it may
/// hold all that there is of somebody's sales.
pub(super) fn create_log(path: &Path, spent: impl FnOnce(&File) -> io::Result<bool>) -> Result<File, OpenError> {
    if let Some(locked) = open_log(path)?
        && !spent(&locked).map_err(OpenError::io("read", path))?
    {
        put_aside(path)?;
    }
    let file = lock(path)?;
    file.set_len(0).map_err(OpenError::io("empty", path))?;
    sync_folder(folder_of(path))?;
    Ok(file)
}

fn put_aside(path: &Path) -> Result<(), OpenError> {
    let name = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".unclaimed-{number}"));
        PathBuf::from(name)
    };
    for aside in (1..).map(name) {
        if !exists(&aside)? {
            std::fs::rename(path, &aside).map_err(OpenError::io("put aside", path))?;
            tracing::warn!(aside = %aside.display(), "a write-ahead log without its store was there; it was put aside");
            return Ok(());
        }
    }
    Ok(())
}

/// Whether there is anything of that name.
pub(super) fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(OpenError::io("look for", path))
}

fn open_database(path: &Path, medium: &dyn Medium, file: File) -> Result<Database, OpenError> {
    // redb trusts a file that was closed properly and may panic on one that was changed since.
    match catch_unwind(AssertUnwindSafe(|| medium.database(file))) {
        Ok(result) => result.map_err(|error| OpenError::of(path, error)),
        Err(_) => Err(OpenError::Damaged { path: path.to_owned(), reason: "its reader panicked".to_owned() }),
    }
}

/// Makes the table that tells a store from another program's database.
fn mark(path: &Path, database: &Database) -> Result<(), OpenError> {
    let make = || -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction.open_table(definition(META))?;
        transaction.commit()?;
        Ok(())
    };
    make().map_err(|error| OpenError::Refused { path: path.to_owned(), reason: error.to_string() })
}

/// A database without the table that every store has is not ours to write to.
fn check_owner(path: &Path, database: &Database) -> Result<(), OpenError> {
    let damaged = |error: redb::Error| OpenError::Damaged { path: path.to_owned(), reason: error.to_string() };
    let transaction = database.begin_read().map_err(|error| damaged(error.into()))?;
    let tables = transaction.list_tables().map_err(|error| damaged(error.into()))?;
    let names: Vec<_> = tables.map(|table| table.name().to_owned()).collect();
    if names.iter().any(|name| name == META) {
        return Ok(());
    }
    let reason = format!("it is a redb database with the tables [{}]", names.join(", "));
    Err(OpenError::NotAStore { path: path.to_owned(), reason })
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = options.open(path).map_err(OpenError::io("create", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(OpenError::io("lock", path)(error)),
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn make_folder(folder: &Path) -> Result<(), OpenError> {
    if exists(folder)? {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.and_then(|()| sync(folder_of(folder))).map_err(OpenError::io("create", folder))
}

/// A new name is durable when its folder is.
fn sync_folder(folder: &Path) -> Result<(), OpenError> {
    sync(folder).map_err(OpenError::io("write", folder))
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What could not be finished is removed as far as possible: the next attempt empties it anyway.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "an unfinished file stays behind");
    }
}
