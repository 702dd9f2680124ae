//! Reads across the log and the database, against a map that has everything.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use tillmesh_core::storage::{Pair, Read as _, Storage as _, Table, Write};

use super::super::writer::LARGE_BYTES;
use super::{Fresh, Store};

const TABLES: [Table; 2] = [Table::Log, Table::Rows(3)];
/// A value of this many bytes makes a commit pass the log by.
const LARGE: usize = LARGE_BYTES as usize;

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<Write>),
    /// Closes the store and opens it: the database has everything then.
    Open,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![8 => (0_usize..40).prop_map(Some), 1 => Just(Some(LARGE)), 6 => Just(None)];
    let write = (0..TABLES.len(), vec(0_u8..4, 0..3), value).prop_map(|(table, key, length)| Write {
        table: TABLES[table],
        key,
        value: length.map(|length| vec![7; length]),
    });
    prop_oneof![6 => vec(write, 1..6).prop_map(Step::Commit), 1 => Just(Step::Open)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn readers_see_the_last_of_every_key_wherever_it_lies(
        steps in vec(step(), 1..30),
        from in vec(0_u8..4, 0..3),
        to in proptest::option::of(vec(0_u8..4, 0..3)),
        limit in 0_usize..8,
    ) {
        let (mut fresh, mut model) = (Fresh::new(), Model::new());
        for step in steps {
            match step {
                Step::Open => {
                    fresh.close();
                    fresh.open().unwrap();
                }
                Step::Commit(writes) => {
                    apply(&mut model, &writes);
                    fresh.store().commit(writes).unwrap();
                }
            }
            for table in TABLES {
                check(fresh.store(), &model, table, (&from, to.as_deref()), limit);
            }
        }
    }
}

fn apply(model: &mut Model, writes: &[Write]) {
    for Write { table, key, value } in writes.iter().cloned() {
        match value {
            Some(value) => model.insert((table, key), value),
            None => model.remove(&(table, key)),
        };
    }
}

fn check(store: &Store, model: &Model, table: Table, (from, to): (&[u8], Option<&[u8]>), limit: usize) {
    let all: Vec<Pair> = model
        .iter()
        .filter(|((of, _), _)| *of == table)
        .map(|((_, key), value)| (key.clone(), value.clone()))
        .collect();
    let wanted = |key: &[u8]| key >= from && to.is_none_or(|to| key < to);
    let range: Vec<_> = all.iter().filter(|(key, _)| wanted(key)).take(limit).cloned().collect();
    let reader = store.reader();
    assert_eq!(store.scan(table, from, to, limit).unwrap(), range);
    assert_eq!(reader.scan(table, from, to, limit).unwrap(), range);
    assert_eq!(store.last(table).unwrap().as_ref(), all.last());
    assert_eq!(reader.last(table).unwrap().as_ref(), all.last());
    let value = model.get(&(table, from.to_vec()));
    assert_eq!(store.get(table, from).unwrap().as_ref(), value);
    assert_eq!(reader.get(table, from).unwrap().as_ref(), value);
    let mut backup = Vec::new();
    let made = reader.snapshot().unwrap().write_to(&mut backup, 1, |_, _| false).unwrap();
    assert_eq!(made.rows, model.len() as u64);
}
