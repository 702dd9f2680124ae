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

/// What opening says of a log that it does not take.
fn refused(fresh: &mut Fresh) -> String {
    let error = fresh.open().unwrap_err();
    assert!(matches!(&error, OpenError::Log { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn a_last_record_that_was_torn_ends_the_log_before_it() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let (log, store) = (std::fs::read(fresh.log()).unwrap(), std::fs::read(fresh.path()).unwrap());
    // Records of these commits take a page each.
    for at in [2 * 4096, 2 * 4096 + 4, 2 * 4096 + 40, 2 * 4096 + 100] {
        let mut altered = log.clone();
        altered[at] ^= 1;
        std::fs::write(fresh.log(), altered).unwrap();
        std::fs::write(fresh.path(), &store).unwrap();
        fresh.open().unwrap();
        assert_eq!(fresh.rows(), 2, "byte {at}");
        trade(fresh.store(), 4);
        cut(&mut fresh);
        fresh.open().unwrap();
        assert_eq!(fresh.rows(), 4, "byte {at}");
        fresh.close();
    }
}

#[test]
fn a_record_that_was_damaged_before_others_is_no_end() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let log = std::fs::read(fresh.log()).unwrap();
    for at in [0, 40, 100, 4096 + 40, 4096 + 100] {
        let mut altered = log.clone();
        altered[at] ^= 1;
        std::fs::write(fresh.log(), &altered).unwrap();
        assert!(refused(&mut fresh).contains("a record in it is damaged, and others follow"), "byte {at}");
        assert!(std::fs::read(fresh.log()).unwrap() == altered, "it is left as it is");
    }
    std::fs::write(fresh.log(), log).unwrap();
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 3);
}

#[test]
fn the_log_of_another_store_and_one_of_another_time_are_refused() {
    let (mut one, mut other) = (Fresh::new(), Fresh::new());
    trade(one.store(), 3);
    trade(other.store(), 2);
    cut(&mut one);
    cut(&mut other);
    let (own, foreign) = (std::fs::read(one.log()).unwrap(), std::fs::read(other.log()).unwrap());
    let early = std::fs::read(one.path()).unwrap();
    std::fs::write(one.log(), &foreign).unwrap();
    assert!(refused(&mut one).contains("it belongs to another store, or to another time of this one"));
    std::fs::write(one.log(), &own).unwrap();
    one.open().unwrap();
    // Two checkpoints later the log has records that the early file knows nothing of.
    for number in [b"a", b"b"] {
        one.store().commit(vec![put(Table::Objects, number, vec![1; 1 << 20])]).unwrap();
        one.store().commit(vec![put(Table::Log, number, b"")]).unwrap();
    }
    cut(&mut one);
    let late = std::fs::read(one.path()).unwrap();
    std::fs::write(one.path(), early).unwrap();
    assert!(refused(&mut one).contains("another time of this one"));
    std::fs::write(one.path(), late).unwrap();
    one.open().unwrap();
    assert_eq!(one.rows(), 5);
}

#[test]
fn a_log_whose_records_the_database_has_taken_over_is_as_good_as_empty() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    for number in [b"a", b"b"] {
        fresh.store().commit(vec![put(Table::Objects, number, vec![1; 1 << 20])]).unwrap();
    }
    for _ in 0..2 {
        cut(&mut fresh);
        fresh.open().unwrap();
        assert_eq!(fresh.rows(), 3);
    }
}

#[test]
fn a_store_whose_log_is_gone_or_empty_says_so_and_is_not_opened() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let log = std::fs::read(fresh.log()).unwrap();
    std::fs::remove_file(fresh.log()).unwrap();
    assert!(refused(&mut fresh).contains("node.wal, and it is gone: put the two files together"));
    std::fs::write(fresh.log(), b"").unwrap();
    assert!(refused(&mut fresh).contains("it is gone"));
    std::fs::write(fresh.log(), log).unwrap();
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 3);
}

#[test]
fn a_new_store_puts_a_log_aside_that_lies_where_its_own_will_be() {
    let (mut old, mut fresh) = (Fresh::new(), Fresh::new());
    trade(old.store(), 3);
    cut(&mut old);
    let log = std::fs::read(old.log()).unwrap();
    fresh.close();
    for number in 1..3 {
        std::fs::remove_file(fresh.path()).unwrap();
        std::fs::write(fresh.log(), &log).unwrap();
        fresh.open().unwrap();
        assert_eq!(fresh.rows(), 0);
        fresh.close();
        let aside = fresh.folder.path().join(format!("node.wal.unclaimed-{number}"));
        assert!(std::fs::read(aside).unwrap() == log);
    }
}

#[test]
fn a_log_that_a_cut_left_behind_though_its_store_needs_it_no_more_goes_without_a_word() {
    let mut fresh = Fresh::new();
    // Before the first checkpoint there is a log of zeros.
    cut(&mut fresh);
    std::fs::remove_file(fresh.path()).unwrap();
    fresh.open().unwrap();
    trade(fresh.store(), 3);
    let log = std::fs::read(fresh.log()).unwrap();
    fresh.close();
    // After the last one there is a log that the store has taken over.
    std::fs::write(fresh.log(), log).unwrap();
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 3);
    fresh.close();
    assert_eq!(std::fs::read_dir(fresh.folder.path()).unwrap().count(), 1, "the store alone");
}

#[test]
fn a_log_that_another_process_has_is_not_touched() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    let moved = fresh.folder.path().join("moved.redb");
    std::fs::rename(fresh.path(), &moved).unwrap();
    let error = Store::open(&fresh.path()).err().unwrap();
    assert!(matches!(&error, OpenError::InUse { .. }), "{error:?}");
    trade(fresh.store(), 4);
}

#[test]
fn looking_into_a_store_leaves_its_log() {
    let mut fresh = Fresh::new();
    trade(fresh.store(), 3);
    cut(&mut fresh);
    let log = std::fs::read(fresh.log()).unwrap();
    for _ in 0..2 {
        let mut store = Store::look_into(&fresh.path()).unwrap();
        assert_eq!(all(&store, Table::Log).len(), 3);
        assert!(store.commit(vec![put(Table::Log, b"a", b"")]).is_err());
    }
    assert!(std::fs::read(fresh.log()).unwrap() == log);
    fresh.open().unwrap();
    assert_eq!(fresh.rows(), 3);
    fresh.close();
    assert_eq!(all(&Store::look_into(&fresh.path()).unwrap(), Table::Log).len(), 3);
    assert!(!fresh.log().exists());
}
