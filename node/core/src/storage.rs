//! What the core asks of its storage: an ordered key-value store with atomic, durable commits. In memory for the
//! simulation, redb in the node; both pass the same conformance suite.
//!
//! | table | key | value |
//! |---|---|---|
//! | `Meta` | a name | what must be known before anything else: secret, boot, versions |
//! | `Log` | position, 8 bytes | a commit: envelopes as received, and what is local to this node; never changed |
//! | `Objects` | SHA-256 | content: a plugin's component, the inputs of a price |
//! | `Answers` | idempotency key, hashed | what a client that repeats its request gets |
//! | `Kept` | the driver's | what the driver keeps beside the ledgers, committed with what it belongs to |
//! | `Rows(_)` | see [`crate::view`] | projections: folds of the log, written behind, can be made again |

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod memory;

pub use memory::MemoryStorage;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// What must be known first.
    Meta,
    /// Commits.
    Log,
    /// Content by its hash.
    Objects,
    /// Answers to repeat.
    Answers,
    /// What the driver keeps for itself ([`crate::command::Kept`]).
    Kept,
    /// A projection, by its number.
    Rows(u8),
}

/// How many projections there are: [`Table::Rows`] goes from 0 to this, exclusive.
pub const ROW_TABLES: u8 = 17;

impl Table {
    /// All tables.
    pub fn every() -> impl Iterator<Item = Self> {
        [Self::Meta, Self::Log, Self::Objects, Self::Answers, Self::Kept]
            .into_iter()
            .chain((0..ROW_TABLES).map(Self::Rows))
    }
}

/// One change of a commit: a value to put, or `None` to remove the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: Vec<u8>,
    /// The value; none removes the key, which need not exist.
    pub value: Option<Vec<u8>>,
}

impl Write {
    /// Puts a value.
    pub fn put(table: Table, key: impl Into<Vec<u8>>, value: Vec<u8>) -> Self {
        Self { table, key: key.into(), value: Some(value) }
    }
}

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Reading. Sees every commit that returned.
pub trait Read {
    /// The value of a key.
    ///
    /// # Errors
    /// When the medium fails.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;

    /// At most `limit` pairs with `from <= key < to`, in the order of keys; without `to`, to the end.
    ///
    /// # Errors
    /// When the medium fails.
    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>, StorageError>;

    /// The pair with the greatest key.
    ///
    /// # Errors
    /// When the medium fails.
    fn last(&self, table: Table) -> Result<Option<Pair>, StorageError>;
}

/// Writing. There is one writer.
pub trait Storage: Read + Send {
    /// Reads beside the writer, from any thread.
    type Reader: Read + Clone + Send + Sync + 'static;

    /// A reader.
    fn reader(&self) -> Self::Reader;

    /// Makes all writes durable, or none. When it returns, they survive a power cut.
    ///
    /// # Errors
    /// When the medium fails. Nothing is known about the writes then until the store was opened again.
    fn commit(&mut self, writes: Vec<Write>) -> Result<(), StorageError>;

    /// Opens the medium again after a failure.
    ///
    /// # Errors
    /// When it still fails.
    fn reopen(&mut self) -> Result<(), StorageError>;
}

/// The medium failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {reason}")]
pub struct StorageError {
    /// What was tried: `commit`, `get stock`.
    pub operation: String,
    /// What the medium said.
    pub reason: String,
}

#[cfg(test)]
mod tests;
