//! What every storage must do, as checks over a factory of fresh stores.
//! [`storage_conformance!`](crate::storage_conformance) makes one test of each.
//!
//! Each check states first that what it looks for could fail: a row that must be gone was there before, a limit is
//! smaller than what it limits.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Pair, Read, Storage, Table, Write};

/// Makes a test of each check. Takes a function that gives a fresh, empty store.
#[macro_export]
macro_rules! storage_conformance {
    ($fresh:expr) => {
        $crate::storage_conformance! { @each $fresh;
            a_fresh_store_is_empty
            a_commit_puts_and_replaces_values
            tables_do_not_see_each_other
            a_removal_removes_one_key_and_needs_none
            the_last_write_of_a_key_in_a_commit_counts
            a_scan_gives_keys_in_the_order_of_their_bytes
            a_scan_begins_at_its_first_key_and_ends_before_its_last
            a_scan_gives_no_more_than_its_limit
            a_scan_of_no_range_gives_nothing
            the_last_pair_has_the_greatest_key
            empty_keys_and_values_are_kept
            large_values_come_back_whole
            a_reader_from_before_a_commit_sees_it
            readers_on_other_threads_see_commits_whole
            reopening_shows_what_was_committed
            a_reader_from_before_reopening_sees_what_comes_after
        }
    };
    (@each $fresh:expr; $($check:ident)*) => {
        $(#[test]
        fn $check() {
            $crate::storage::conformance::$check($fresh());
        })*
    };
}

/// Every table is empty at first.
pub fn a_fresh_store_is_empty<S: Storage>(store: S) {
    for table in Table::every() {
        assert_eq!(get(&store, table, b""), None, "{table:?}");
        assert_eq!(all(&store, table), [], "{table:?}");
        assert_eq!(store.last(table).unwrap(), None, "{table:?}");
    }
}

/// A value can be read after its commit, and replaced.
pub fn a_commit_puts_and_replaces_values<S: Storage>(mut store: S) {
    commit(&mut store, vec![put(Table::Meta, b"key", b"first"), put(Table::Meta, b"other", b"kept")]);
    assert_eq!(get(&store, Table::Meta, b"key").as_deref(), Some(b"first".as_slice()));
    commit(&mut store, vec![put(Table::Meta, b"key", b"second")]);
    assert_eq!(get(&store, Table::Meta, b"key").as_deref(), Some(b"second".as_slice()));
    assert_eq!(get(&store, Table::Meta, b"other").as_deref(), Some(b"kept".as_slice()));
    assert_eq!(get(&store, Table::Meta, b"ke"), None, "the beginning of a key is another key");
}

/// The same key stands in every table with a value of its own.
pub fn tables_do_not_see_each_other<S: Storage>(mut store: S) {
    let value = |index: usize| vec![u8::try_from(index).unwrap(); 3];
    let tables: Vec<_> = Table::every().collect();
    let writes = tables.iter().enumerate().map(|(index, table)| put(*table, b"key", &value(index))).collect();
    commit(&mut store, writes);
    for (index, table) in tables.iter().enumerate() {
        assert_eq!(all(&store, *table), [(b"key".to_vec(), value(index))], "{table:?}");
    }
}

/// A removed key is gone, its neighbours stay, and removing what is not there does nothing.
pub fn a_removal_removes_one_key_and_needs_none<S: Storage>(mut store: S) {
    commit(&mut store, [1, 2, 3].map(|key| put(Table::Log, &[key], b"value")).to_vec());
    assert!(get(&store, Table::Log, &[2]).is_some(), "what is removed must have been there");
    commit(&mut store, vec![remove(Table::Log, &[2]), remove(Table::Log, &[9]), remove(Table::Objects, &[2])]);
    assert_eq!(keys(&all(&store, Table::Log)), [[1], [3]]);
    assert_eq!(get(&store, Table::Log, &[2]), None);
}

/// Writes of one commit happen in their order.
pub fn the_last_write_of_a_key_in_a_commit_counts<S: Storage>(mut store: S) {
    commit(
        &mut store,
        vec![
            put(Table::Meta, b"replaced", b"first"),
            put(Table::Meta, b"removed", b"first"),
            remove(Table::Meta, b"put again"),
            put(Table::Log, b"between", b"another table"),
            put(Table::Meta, b"put again", b"last"),
            remove(Table::Meta, b"removed"),
            put(Table::Meta, b"replaced", b"last"),
        ],
    );
    let expected = [(b"put again".to_vec(), b"last".to_vec()), (b"replaced".to_vec(), b"last".to_vec())];
    assert_eq!(all(&store, Table::Meta), expected);
}

/// Keys are ordered as unsigned bytes, a key before those that it begins.
pub fn a_scan_gives_keys_in_the_order_of_their_bytes<S: Storage>(mut store: S) {
    let sorted: [&[u8]; 6] = [&[0], &[1], &[1, 0], &[1, 255], &[127], &[128]];
    commit(&mut store, sorted.iter().rev().map(|key| put(Table::Log, key, b"")).collect());
    assert_eq!(keys(&all(&store, Table::Log)), sorted);
}

/// A range holds its first key and not its last; neither need be there.
pub fn a_scan_begins_at_its_first_key_and_ends_before_its_last<S: Storage>(mut store: S) {
    fill(&mut store, 10);
    let scan = |from: u8, to: Option<u8>| {
        let to = to.map(|to| [to]);
        keys(&store.scan(Table::Log, &[from], to.as_ref().map(<[u8; 1]>::as_slice), 100).unwrap())
    };
    assert_eq!(scan(3, Some(6)), [[3], [4], [5]]);
    assert_eq!(scan(7, None), [[7], [8], [9]]);
    commit(&mut store, vec![remove(Table::Log, &[3]), remove(Table::Log, &[6])]);
    let between = store.scan(Table::Log, &[3], Some(&[6]), 100).unwrap();
    assert_eq!(keys(&between), [[4], [5]]);
}

/// A limit cuts the end off, and a scan that goes on behind its last key reaches everything once.
pub fn a_scan_gives_no_more_than_its_limit<S: Storage>(mut store: S) {
    fill(&mut store, 10);
    assert_eq!(all(&store, Table::Log).len(), 10, "there must be more than the limit");
    assert_eq!(keys(&store.scan(Table::Log, &[], None, 3).unwrap()), [[0], [1], [2]]);
    assert_eq!(store.scan(Table::Log, &[], None, 0).unwrap(), []);
    let (mut from, mut seen) = (Vec::new(), Vec::new());
    loop {
        let slice = store.scan(Table::Log, &from, None, 3).unwrap();
        let Some((last, _)) = slice.last() else { break };
        from = [last.as_slice(), &[0]].concat();
        seen.extend(slice);
    }
    assert_eq!(seen, all(&store, Table::Log));
}

/// An empty or inverted range is no error.
pub fn a_scan_of_no_range_gives_nothing<S: Storage>(mut store: S) {
    fill(&mut store, 10);
    assert_eq!(store.scan(Table::Log, &[5], Some(&[5]), 100).unwrap(), []);
    assert_eq!(store.scan(Table::Log, &[6], Some(&[2]), 100).unwrap(), []);
    assert_eq!(store.scan(Table::Log, &[200], None, 100).unwrap(), []);
}

/// The last pair follows what is put and removed at the end.
pub fn the_last_pair_has_the_greatest_key<S: Storage>(mut store: S) {
    let last = |store: &S| store.last(Table::Log).unwrap().map(|(key, value)| (key[0], value[0]));
    commit(
        &mut store,
        vec![put(Table::Log, &[7], &[70]), put(Table::Log, &[200], &[20]), put(Table::Log, &[3], &[30])],
    );
    assert_eq!(last(&store), Some((200, 20)));
    commit(&mut store, vec![remove(Table::Log, &[200])]);
    assert_eq!(last(&store), Some((7, 70)));
    commit(&mut store, vec![remove(Table::Log, &[7]), remove(Table::Log, &[3])]);
    assert_eq!(last(&store), None);
}

/// No bytes are a key, and a value, and not the same as nothing.
pub fn empty_keys_and_values_are_kept<S: Storage>(mut store: S) {
    assert_eq!(get(&store, Table::Meta, b""), None, "nothing must not look like no bytes");
    commit(&mut store, vec![put(Table::Meta, b"", b"of no key"), put(Table::Meta, b"key", b"")]);
    let expected = [(Vec::new(), b"of no key".to_vec()), (b"key".to_vec(), Vec::new())];
    assert_eq!(all(&store, Table::Meta), expected);
    assert_eq!(get(&store, Table::Meta, b"key"), Some(Vec::new()));
}

/// Values of a component's size come back byte by byte, beside small ones.
pub fn large_values_come_back_whole<S: Storage>(mut store: S) {
    const MEGABYTE: usize = 1 << 20;
    let large = |seed: u8| -> Vec<u8> { (0..MEGABYTE).map(|index| (index % 251) as u8 ^ seed).collect() };
    commit(&mut store, vec![put(Table::Objects, b"a", &large(1)), put(Table::Objects, b"b", b"small")]);
    commit(&mut store, vec![put(Table::Objects, b"c", &large(2))]);
    assert_ne!(large(1), large(2));
    assert!(get(&store, Table::Objects, b"a").is_some_and(|value| value == large(1)));
    assert!(get(&store, Table::Objects, b"c").is_some_and(|value| value == large(2)));
    assert_eq!(get(&store, Table::Objects, b"b").as_deref(), Some(b"small".as_slice()));
}

/// A reader is no snapshot: it sees every commit that returned.
pub fn a_reader_from_before_a_commit_sees_it<S: Storage>(mut store: S) {
    let reader = store.reader();
    let copy = reader.clone();
    assert_eq!(get(&reader, Table::Log, &[0]), None, "the reader must be older than the commit");
    fill(&mut store, 3);
    for reader in [&reader, &copy] {
        assert_eq!(get(reader, Table::Log, &[0]).as_deref(), Some([0].as_slice()));
        assert_eq!(all(reader, Table::Log), all(&store, Table::Log));
        assert_eq!(reader.last(Table::Log).unwrap(), Some((vec![2], vec![2])));
    }
}

/// Rows that are always written together are never seen apart, and a reader catches up with every commit that returned.
pub fn readers_on_other_threads_see_commits_whole<S: Storage>(mut store: S) {
    /// How many different commits the reader must have met: fewer would show nothing.
    const MET: usize = 5;
    let reader = store.reader();
    let returned = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut seen = BTreeSet::new();
            while seen.len() < MET {
                let before = returned.load(Ordering::SeqCst);
                let number = number_of_pair(&all(&reader, Table::Log));
                assert!(number >= before, "commit {before} had returned, the reader saw {number}");
                seen.insert(number);
            }
        });
        for number in 1_u64.. {
            let value = number.to_be_bytes();
            commit(&mut store, vec![put(Table::Log, b"left", &value), put(Table::Log, b"right", &value)]);
            returned.store(number, Ordering::SeqCst);
            std::thread::yield_now();
            if reading.is_finished() {
                return;
            }
        }
    });
}

/// What was committed is there after opening again, and more can be committed.
pub fn reopening_shows_what_was_committed<S: Storage>(mut store: S) {
    fill(&mut store, 200);
    commit(&mut store, vec![remove(Table::Log, &[7]), put(Table::Rows(0), b"row", b"value")]);
    let before: Vec<_> = Table::every().map(|table| all(&store, table)).collect();
    assert!(before.iter().any(|rows| rows.len() == 199), "there must be something to lose");
    store.reopen().unwrap();
    let after: Vec<_> = Table::every().map(|table| all(&store, table)).collect();
    assert_eq!(after, before);
    commit(&mut store, vec![put(Table::Log, &[7], b"again")]);
    assert_eq!(all(&store, Table::Log).len(), 200);
}

/// Readers outlive a failure that the writer recovers from.
pub fn a_reader_from_before_reopening_sees_what_comes_after<S: Storage>(mut store: S) {
    let reader = store.reader();
    fill(&mut store, 3);
    store.reopen().unwrap();
    assert_eq!(all(&reader, Table::Log).len(), 3);
    commit(&mut store, vec![put(Table::Log, b"later", b"")]);
    assert_eq!(get(&reader, Table::Log, b"later"), Some(Vec::new()));
}

fn fill(store: &mut impl Storage, count: u8) {
    commit(store, (0..count).map(|number| put(Table::Log, &[number], &[number])).collect());
}

fn put(table: Table, key: &[u8], value: &[u8]) -> Write {
    Write::put(table, key, value.to_vec())
}

fn remove(table: Table, key: &[u8]) -> Write {
    Write { table, key: key.to_vec(), value: None }
}

fn commit(store: &mut impl Storage, writes: Vec<Write>) {
    store.commit(writes).unwrap();
}

fn get(store: &impl Read, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    store.get(table, key).unwrap()
}

fn all(store: &impl Read, table: Table) -> Vec<Pair> {
    store.scan(table, &[], None, usize::MAX).unwrap()
}

fn keys(pairs: &[Pair]) -> Vec<Vec<u8>> {
    pairs.iter().map(|(key, _)| key.clone()).collect()
}

/// The number that both rows of a pair hold; 0 when neither is there.
fn number_of_pair(rows: &[Pair]) -> u64 {
    match rows {
        [] => 0,
        [(_, left), (_, right)] => {
            assert_eq!(left, right, "a commit was seen half");
            u64::from_be_bytes(left.as_slice().try_into().unwrap())
        }
        other => panic!("a commit was seen half: {other:?}"),
    }
}
