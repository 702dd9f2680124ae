//! The write-ahead log: when it is there, what it brings back, and what it does not take for its own.

use super::super::wal::CAPACITY;
use super::*;

/// Closes a store as a power cut does: what is in its files is all there is of it.
fn cut(fresh: &mut Fresh) {
    let files = [fresh.path(), fresh.log()].map(|path| (std::fs::read(&path).unwrap(), path));
    fresh.close();
    files.into_iter().for_each(|(bytes, path)| std::fs::write(path, bytes).unwrap());
}

impl Fresh {
    fn log(&self) -> PathBuf {
        self.path().with_extension("wal")
    }

    fn rows(&mut self) -> usize {
        all(self.store(), Table::Log).len()
    }
}

#[test]
fn commits_that_only_the_log_has_are_there_after_a_cut_and_removed_rows_stay_removed() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 5);
    let gone = Write { table: Table::Log, key: 2_u64.to_be_bytes().to_vec(), value: None };
    fresh.store().commit(vec![gone, put(Table::Answers, b"", b"")]).unwrap();
    cut(&mut fresh);
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 4);
    assert_eq!(fresh.store().get(Table::Answers, b"").unwrap(), Some(Vec::new()));
}

#[test]
fn a_store_that_was_closed_is_one_file() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 5);
    assert!(fresh.log().exists());
    fresh.close();
    assert!(!fresh.log().exists());
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 5);
}

#[test]
fn a_log_that_is_full_begins_again_and_loses_nothing() {
    let mut fresh = Fresh::new();
    let enough = CAPACITY / 4096 * 2 + 10;
    trade(fresh.store(), enough);
    assert!(std::fs::metadata(fresh.log()).unwrap().len() <= CAPACITY);
    cut(&mut fresh);
    fresh.open().unwrap();
    assert_eq!(fresh.rows() as u64, enough);
}

#[test]
fn a_record_that_was_torn_or_altered_ends_the_log_before_it() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let (log, store) = (std::fs::read(fresh.log()).unwrap(), std::fs::read(fresh.path()).unwrap());
    // Records of these commits take a page each.
    for (at, left) in [(0, 0), (5, 0), (40, 0), (4096, 1), (4096 + 60, 1), (2 * 4096 + 4, 2), (3 * 4096, 3)] {
        let mut altered = log.clone();
        altered[at] ^= 1;
        std::fs::write(fresh.log(), altered).unwrap();
        std::fs::write(fresh.path(), &store).unwrap();
        fresh.open().unwrap();
        assert_eq!(fresh.rows(), left, "byte {at}");
        fresh.close();
    }
}

#[test]
fn the_log_of_another_store_and_one_of_an_earlier_time_bring_nothing_in() {
    let (mut one, mut other) = (Fresh::new(), Fresh::new());
    trade(one.store(), 3);
    other.store().commit(vec![put(Table::Log, b"other", b"")]).unwrap();
    other.store().commit(vec![put(Table::Objects, b"large", vec![1; 1 << 20])]).unwrap();
    other.store().commit(vec![put(Table::Log, b"another", b"")]).unwrap();
    cut(&mut other);
    let log = std::fs::read(other.log()).unwrap();
    cut(&mut one);
    std::fs::write(one.log(), &log).unwrap();
    one.open().unwrap();
    assert_eq!(one.rows(), 0, "the commits of its own log are gone with it");
    // The store is opened, its log emptied, and the log that it had before put back.
    other.open().unwrap();
    cut(&mut other);
    std::fs::write(other.log(), &log).unwrap();
    other.store = None;
    other.open().unwrap();
    assert_eq!(other.rows(), 2);
}

#[test]
fn a_store_whose_log_is_gone_says_so_and_is_not_opened() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let log = std::fs::read(fresh.log()).unwrap();
    std::fs::remove_file(fresh.log()).unwrap();
    let error = fresh.open().err().unwrap();
    assert!(matches!(&error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("node.wal, which is gone: put it back beside the store"), "{error}");
    std::fs::write(fresh.log(), log).unwrap();
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 3);
}

#[test]
fn a_store_without_a_log_of_its_own_takes_nothing_from_one_that_lies_beside_it() {
    let (mut old, mut fresh) = (Fresh::new(), Fresh::new());
    trade(old.store(), 3);
    cut(&mut old);
    fresh.close();
    std::fs::remove_file(fresh.path()).unwrap();
    std::fs::copy(old.log(), fresh.log()).unwrap();
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 0);
}
