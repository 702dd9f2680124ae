//! The bare engine: redb as it commits by default, one row a sale.

use std::path::Path;

use redb::{Database, TableDefinition};

const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("sales");

/// A database with one table.
pub struct Raw {
    database: Database,
    rows: u64,
}

impl Raw {
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { database: Database::create(path)?, rows: 0 })
    }

    /// Commits these values durably, each as a row of its own.
    pub fn commit(&mut self, values: &[Vec<u8>]) -> anyhow::Result<()> {
        let transaction = self.database.begin_write()?;
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
