//! What the log has and the database does not have yet: readers find it in front of the database's rows.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use itertools::{EitherOrBoth, Itertools as _};
use tillmesh_core::storage::{Pair, Table, Write};

/// A key and its value; none where the key was removed.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// The changes of the commits since the last checkpoint, the last of each key.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl Recent {
    /// Adds the writes of a commit.
    pub fn add(&mut self, writes: Vec<Write>) {
        for Write { table, key, value } in writes {
            self.tables.entry(table).or_default().insert(key, value);
        }
    }

    /// Forgets everything: the database has it.
    pub fn clear(&mut self) {
        self.tables.clear();
    }

    /// The changes of each table, in the order of their keys.
    pub fn tables(&self) -> impl Iterator<Item = (Table, impl Iterator<Item = (&Vec<u8>, &Option<Vec<u8>>)>)> {
        self.tables.iter().map(|(table, changes)| (*table, changes.iter()))
    }

    /// What became of a key; none when nothing did.
    pub fn get(&self, table: Table, key: &[u8]) -> Option<Option<Vec<u8>>> {
        self.tables.get(&table)?.get(key).cloned()
    }

    /// The changes of `from <= key < to` in the order of keys, up to the one that puts the `limit`th value: with those,
    /// whatever the database has, the first `limit` pairs are known.
    pub fn range(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Vec<Change> {
        if to.is_some_and(|to| to <= from) {
            return Vec::new();
        }
        let range = (Bound::Included(from), to.map_or(Bound::Unbounded, Bound::Excluded));
        let changes = self.tables.get(&table).into_iter().flat_map(|changes| changes.range::<[u8], _>(range));
        until_put(changes, limit)
    }

    /// The changes of the greatest keys, the greatest first, up to the first that puts a value.
    pub fn last(&self, table: Table) -> Vec<Change> {
        until_put(self.tables.get(&table).into_iter().flat_map(|changes| changes.iter().rev()), 1)
    }
}

fn until_put<'a>(changes: impl Iterator<Item = (&'a Vec<u8>, &'a Option<Vec<u8>>)>, limit: usize) -> Vec<Change> {
    let mut puts = 0;
    let wanted = changes.take_while_inclusive(|(_, value)| {
        puts += usize::from(value.is_some());
        puts < limit
    });
    wanted.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The database's pairs with the changes to them, both in the same order of keys.
pub(super) fn merged<E>(
    stored: impl Iterator<Item = Result<Pair, E>>,
    changes: impl IntoIterator<Item = Change>,
    order: impl Fn(&[u8], &[u8]) -> Ordering,
) -> impl Iterator<Item = Result<Pair, E>> {
    // An error comes as soon as it is met.
    let order = move |stored: &Result<Pair, E>, (key, _): &Change| {
        stored.as_ref().map_or(Ordering::Less, |(stored, _)| order(stored, key))
    };
    stored.merge_join_by(changes, order).filter_map(|pair| match pair {
        EitherOrBoth::Left(stored) => Some(stored),
        EitherOrBoth::Right((key, value)) | EitherOrBoth::Both(_, (key, value)) => value.map(|value| Ok((key, value))),
    })
}
