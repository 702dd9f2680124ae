//! The names of the tables in the file. Each ends with the version of what its keys and values are, so that a change of
//! either can be told from damage.

use std::borrow::Cow;

use redb::TableDefinition;
use tillmesh_core::storage::Table;

/// The table that every store has: a database without it is another program's.
pub(super) const META: &str = "meta.v1";

/// What the store keeps about its write-ahead log.
pub(super) const LOG_STATE: &str = "write-ahead.v1";

/// The name of a table.
pub(super) fn name(table: Table) -> Cow<'static, str> {
    match table {
        Table::Meta => META.into(),
        Table::Log => "log.v1".into(),
        Table::Objects => "objects.v1".into(),
        Table::Answers => "answers.v1".into(),
        Table::Kept => "kept.v1".into(),
        Table::Rows(number) => format!("rows-{number}.v1").into(),
    }
}

/// A table as redb wants it described.
pub(super) const fn definition(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}
