//! The bare engine: redb, one row a sale.

use std::fmt;
use std::path::Path;

use redb::{Database, TableDefinition};

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sales");

/// How a bare commit is made.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    /// As redb does by default: one phase, one flush of the disk.
    Default,
    /// As the node's store does: two phases and the allocator's state.
    AsStore,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "to redb's default",
            Self::AsStore => "to redb as the store commits",
        })
    }
}

/// A database with one table.
pub struct Raw {
    database: Database,
    mode: Mode,
    rows: u64,
}

impl Raw {
    pub fn create(path: &Path, mode: Mode) -> anyhow::Result<Self> {
        Ok(Self { database: Database::create(path)?, mode, rows: 0 })
    }

    /// Commits these values, each as a row of its own.
    pub fn commit(&mut self, values: &[Vec<u8>]) -> anyhow::Result<()> {
        let mut transaction = self.database.begin_write()?;
        if let Mode::AsStore = self.mode {
            transaction.set_two_phase_commit(true);
            transaction.set_quick_repair(true);
        }
        let mut rows = transaction.open_table(ROWS)?;
        for value in values {
            rows.insert(self.rows, value.as_slice())?;
            self.rows += 1;
        }
        drop(rows);
        transaction.commit()?;
        Ok(())
    }
}
