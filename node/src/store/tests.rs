mod crash;
mod disk;
mod power;
mod recent;
mod wal;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::tables::definition;
use super::*;

/// A store in a folder that goes with it.
struct Fresh {
    store: Option<Store>,
    folder: TempDir,
}

impl Fresh {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(&folder.path().join("node.redb")).unwrap();
        Self { store: Some(store), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("node.redb")
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn close(&mut self) {
        drop(self.store.take());
    }

    fn open(&mut self) -> Result<(), OpenError> {
        self.store = Some(Store::open(&self.path())?);
        Ok(())
    }
}

/// The suite takes stores by value; their folders are removed by the last of them.
struct InFolder {
    store: Store,
    _folder: TempDir,
}

impl Read for InFolder {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.store.get(table, key)
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError> {
        self.store.scan(table, from, to, limit)
    }

    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError> {
        self.store.last(table)
    }
}

impl Storage for InFolder {
    type Reader = Reader;

    fn reader(&self) -> Reader {
        self.store.reader()
    }

    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError> {
        self.store.commit(writes)
    }

    fn reopen(&mut self) -> Result<(), StorageError> {
        self.store.reopen()
    }
}

fn in_folder() -> InFolder {
    let mut fresh = Fresh::new();
    InFolder { store: fresh.store.take().unwrap(), _folder: fresh.folder }
}

tillmesh_core::storage_conformance!(in_folder);

fn put(table: Table, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Write {
    Write::put(table, key.as_ref(), value.as_ref().to_vec())
}

fn all(store: &impl Read, table: Table) -> Vec<Pair> {
    store.scan(table, &[], None, usize::MAX).unwrap()
}

/// Writes rows of several tables.
fn trade(store: &mut Store, commits: u64) {
    for number in 1..=commits {
        let key = number.to_be_bytes();
        store.commit(vec![put(Table::Log, key, [7; 200]), put(Table::Rows(3), key, key)]).unwrap();
    }
}

#[test]
fn what_was_committed_is_there_after_closing_and_opening_the_file() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 50);
    let before = (all(fresh.store(), Table::Log), all(fresh.store(), Table::Rows(3)));
    assert_eq!(before.0.len(), 50);
    fresh.close();
    fresh.open().unwrap();
    assert_eq!((all(fresh.store(), Table::Log), all(fresh.store(), Table::Rows(3))), before);
}

#[test]
fn a_second_opening_is_refused_by_name_until_the_first_is_closed() {
    let mut fresh = Fresh::new();
    let reader = fresh.store().reader();
    let second = Store::open(&fresh.path()).err().unwrap();
    assert!(matches!(&second, OpenError::InUse { path } if *path == fresh.path()), "{second:?}");
    assert!(second.to_string().contains("another process has this store open"), "{second}");
    fresh.close();
    fresh.open().unwrap();
    let left = reader.get(Table::Meta, b"key").unwrap_err();
    assert!(left.reason.contains("the store is closed"), "{left}");
}

#[test]
fn the_file_and_its_new_folder_are_their_owners_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/data/node.redb");
    let store = Store::open(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.with_extension("wal"))), (0o600, 0o600));
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    drop(store);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left there");
}

#[test]
fn a_file_that_a_crash_left_unfinished_does_not_prevent_a_new_store() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("node.redb");
    std::fs::write(folder.path().join("node.redb.unfinished"), [0; 4096]).unwrap();
    trade(&mut Store::open(&path).unwrap(), 1);
    assert_eq!(all(&Store::open(&path).unwrap(), Table::Log).len(), 1);
}

#[test]
fn files_that_are_no_store_are_refused_and_left_as_they_are() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("node.redb");
    for content in [b"".as_slice(), b"x", &b"some other file\n".repeat(1000), &[0; 8192]] {
        std::fs::write(&path, content).unwrap();
        let error = Store::open(&path).err().unwrap();
        assert!(matches!(&error, OpenError::NotAStore { .. }), "{error:?}");
        assert!(error.to_string().contains("node.redb is not a Tillmesh store"), "{error}");
        assert!(std::fs::read(&path).unwrap() == content);
    }
}

#[test]
fn another_programs_database_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("node.redb");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(definition("songs")).unwrap().insert(b"a".as_slice(), b"b".as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = Store::open(&path).err().unwrap();
    assert!(matches!(&error, OpenError::NotAStore { reason, .. } if reason.contains("songs")), "{error:?}");
}

#[test]
fn a_store_that_was_cut_off_or_overwritten_is_refused_as_damaged() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 200);
    fresh.close();
    let whole = std::fs::read(fresh.path()).unwrap();
    let mut overwritten = whole.clone();
    overwritten[64..512].fill(0xa5);
    for content in [&whole[..whole.len() / 3], &whole[..100], &overwritten] {
        std::fs::write(fresh.path(), content).unwrap();
        let error = fresh.open().err().unwrap();
        assert!(matches!(&error, OpenError::Damaged { .. }), "{} bytes: {error:?}", content.len());
        assert!(error.to_string().contains("node.redb is damaged"), "{error}");
    }
    std::fs::write(fresh.path(), &whole).unwrap();
    fresh.open().unwrap();
}

#[test]
fn after_a_disk_error_the_store_refuses_until_it_is_opened_again_and_readers_go_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("node.redb");
    let fail = Arc::new(AtomicBool::new(false));
    let mut store = Store::open_on(&path, Box::new(disk::FailingDisk(Arc::clone(&fail)))).unwrap();
    let reader = store.reader();
    trade(&mut store, 3);
    fail.store(true, Ordering::SeqCst);
    let error = store.commit(vec![put(Table::Log, b"lost", b"")]).unwrap_err();
    assert!(error.operation.contains("commit to") && error.operation.contains("node.redb"), "{error}");
    let still = store.reopen().unwrap_err();
    assert!(still.operation.contains("open again"), "{still}");
    assert!(reader.get(Table::Log, b"lost").is_err(), "what is unknown must not be read");
    fail.store(false, Ordering::SeqCst);
    assert!(store.commit(vec![put(Table::Log, b"early", b"")]).is_err(), "only opening again helps");
    store.reopen().unwrap();
    assert_eq!(all(&reader, Table::Log).len(), 3);
    store.commit(vec![put(Table::Log, b"later", b"")]).unwrap();
    assert_eq!(reader.get(Table::Log, b"later").unwrap(), Some(Vec::new()));
}

/// Whether the backup leaves a row out.
fn is_secret(table: Table, key: &[u8]) -> bool {
    table == Table::Meta && key == b"secret"
}

fn backup_of(store: &Store) -> Vec<u8> {
    let mut backup = Vec::new();
    store.reader().snapshot().unwrap().write_to(&mut backup, 1, is_secret).unwrap();
    backup
}

#[test]
fn a_backup_made_while_the_store_is_written_to_is_one_moment_of_it_without_the_secret() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 200);
    let meta = [put(Table::Meta, b"node", b"a"), put(Table::Meta, b"secret", b"hush")];
    fresh.store().commit(meta.into_iter().chain([put(Table::Objects, b"c", vec![9; 6 << 20])]).collect()).unwrap();
    let (reader, to) = (fresh.store().reader(), fresh.folder.path().join("restored.redb"));
    let mut number = 200_u64;
    let (backup, made) = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut bytes = Vec::new();
            let made = reader.snapshot().unwrap().write_to(&mut bytes, 1, is_secret).unwrap();
            (bytes, made)
        });
        while !copying.is_finished() {
            number += 1;
            let key = number.to_be_bytes();
            fresh.store().commit(vec![put(Table::Log, key, [7; 200]), put(Table::Rows(3), key, key)]).unwrap();
        }
        copying.join().unwrap()
    });
    assert!(number > 200, "it must have been written to meanwhile");
    let (restored, read) = Store::restore(&to, backup.as_slice(), 1).unwrap();
    assert_eq!((read, check(backup.as_slice(), 1).unwrap()), (made, made));
    let (log, rows) = (all(&restored, Table::Log), all(&restored, Table::Rows(3)));
    assert_eq!(log.len(), rows.len(), "both rows of a commit or none");
    assert!(log.len() >= 200);
    assert_eq!(made.position, log.len() as u64);
    let source = fresh.store();
    assert!(source.scan(Table::Log, &[], None, log.len()).unwrap() == log);
    assert!(all(&restored, Table::Objects) == all(source, Table::Objects));
    assert_eq!(all(&restored, Table::Meta), [(b"node".to_vec(), b"a".to_vec())]);
    assert_eq!(made.rows, (log.len() + rows.len() + 2) as u64);
    assert_eq!((made.bytes, backup.windows(4).filter(|piece| piece == b"hush").count()), (backup.len() as u64, 0));
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_backup_that_was_cut_off_or_changed_makes_no_store() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    let backup = backup_of(fresh.store());
    let to = fresh.folder.path().join("restored.redb");
    let refused = |bytes: &[u8]| {
        let result = Store::restore(&to, bytes, 1).map(|(_, backup)| backup);
        assert!(!to.exists());
        assert_eq!(check(bytes, 1).unwrap_err().to_string(), result.as_ref().unwrap_err().to_string());
        result.unwrap_err()
    };
    for at in (0..backup.len()).step_by(7) {
        refused(&backup[..at]);
        let mut changed = backup.clone();
        changed[at] ^= 1;
        refused(&changed);
    }
    assert!(matches!(refused(&[backup.as_slice(), b"x"].concat()), RestoreError::Damaged(_)));
    assert!(matches!(refused(b"a letter, not a backup"), RestoreError::NotABackup));
    let result = Store::restore(&to, backup.as_slice(), 2).map(|(_, backup)| backup);
    assert!(matches!(result, Err(RestoreError::Format { found: 1, known: 2 })), "{result:?}");
    fresh.close();
    assert_eq!(std::fs::read_dir(fresh.folder.path()).unwrap().count(), 1, "the store alone");
}

#[test]
fn a_restore_overwrites_nothing_and_a_closed_store_makes_no_backup() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    // So large that it is in the database at once.
    fresh.store().commit(vec![put(Table::Objects, b"c", vec![9; 1 << 20])]).unwrap();
    let backup = backup_of(fresh.store());
    let to = fresh.folder.path().join("restored.redb");
    std::fs::write(&to, b"precious").unwrap();
    let result = Store::restore(&to, backup.as_slice(), 1).map(|(_, backup)| backup);
    assert!(matches!(result, Err(RestoreError::Exists { .. })), "{result:?}");
    assert_eq!(std::fs::read(&to).unwrap(), b"precious");
    let (reader, snapshot) = (fresh.store().reader(), fresh.store().reader().snapshot().unwrap());
    fresh.close();
    assert!(reader.snapshot().is_err());
    let result = snapshot.write_to(std::io::sink(), 1, is_secret);
    assert!(matches!(result, Err(BackupError::Read(_))), "{result:?}");
}
