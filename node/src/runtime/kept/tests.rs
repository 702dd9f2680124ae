use tillmesh_core::storage::{MemoryStorage, Storage as _, Write};

use super::*;

#[test]
fn what_lies_under_a_name_is_not_mixed_with_what_lies_under_a_longer_one() {
    let mut store = MemoryStorage::default();
    let write = |parts: &[&[u8]]| Write::put(Table::Kept, key(STATE, parts), vec![1]);
    let rows = [write(&[b"web", b"p", b"a"]), write(&[b"web", b"p", b"b\0c"]), write(&[b"web", b"plus", b"x"])];
    store.commit(rows.into_iter().chain([write(&[b"web-2", b"p", b"y"])]).collect()).unwrap();
    let found = under(&store, STATE, &[b"web", b"p"], 10).unwrap();
    let names: Vec<_> = found.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, [b"a".to_vec(), b"b\0c".to_vec()]);
    assert_eq!(under(&store, STATE, &[], 3).unwrap().len(), 3, "no more than were asked for");
    assert_eq!(under(&store, CURSOR, &[], 3).unwrap(), []);
}
