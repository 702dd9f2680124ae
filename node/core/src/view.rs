//! The view: projections of the log, current in memory, written behind.
//!
//! A row is a fold of events and nothing else. Each row remembers the position of the last commit that touched it
//! (`as_of`), so rows can be written to the store in slices, at any time, in any order: a start loads them, replays the
//! log from the oldest position that was not yet written (`checkpoint`), and skips for each row what it has seen.
//! Reading never touches Automerge.
//!
//! *Resident* tables are all in memory (stock, products, documents). The others keep only unwritten rows in memory and
//! are read from the store otherwise (events, carts).

mod rows;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use minicbor::{Decode, Encode};

pub use rows::{
    BatchKey, BatchRow, CountRow, DecisionRow, DocumentRow, EventRow, FleetRow, JournalChunk, JournalEntry,
    JournalSpan, PutBackRow, Seal, StreamRow, WorkRow, WriterRow,
};

use crate::cart::CartRow;
use crate::catalog::Product;
use crate::codec;
use crate::document::DocumentId;
use crate::id::{Boot, CartId, Epoch, EventId, Name, Sku, StatementId, Writer};
use crate::pricing::Promotion;
use crate::stock::StockRow;
use crate::storage::{Read, StorageError, Table, Write};
use crate::voucher::VoucherRow;
use crate::work::Subject;

/// The place of a commit in the log of one node, from 1.
pub type Position = u64;

/// A row of a projection.
pub trait Record: Clone + Encode<()> + for<'b> Decode<'b, ()> {
    /// Its key.
    type Key: Clone + Ord + Encode<()> + for<'b> Decode<'b, ()>;
    /// The number of its table.
    const TABLE: u8;
    /// Whether every row is in memory.
    const RESIDENT: bool;

    /// The key as the store orders it.
    fn key_bytes(key: &Self::Key) -> Vec<u8> {
        codec::encode(key)
    }

    /// The table in a view.
    fn rows(view: &View) -> &Rows<Self>;
    /// The table in a view, to change.
    fn rows_mut(view: &mut View) -> &mut Rows<Self>;
    /// The rows that a batch changes.
    fn staged(staged: &Staged) -> &BTreeMap<Self::Key, Self>;
    /// The rows that a batch changes, to change.
    fn staged_mut(staged: &mut Staged) -> &mut BTreeMap<Self::Key, Self>;
}

/// The rows of one table that are in memory.
#[derive(Debug)]
pub struct Rows<V: Record> {
    rows: BTreeMap<V::Key, Row<V>>,
    /// Keys of unwritten rows, the longest unwritten first.
    unwritten: VecDeque<V::Key>,
    /// Keys of rows that a commit is writing, with since when they were unwritten.
    writing: Vec<(V::Key, Position)>,
}

impl<V: Record> Default for Rows<V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), unwritten: VecDeque::new(), writing: Vec::new() }
    }
}

#[derive(Debug)]
struct Row<V> {
    value: V,
    as_of: Position,
    unwritten_since: Option<Position>,
}

impl<V: Record> Rows<V> {
    /// A row that is in memory.
    pub fn get(&self, key: &V::Key) -> Option<&V> {
        self.rows.get(key).map(|row| &row.value)
    }

    /// The rows in memory, by key; all there are when the table is resident.
    pub fn iter(&self) -> impl Iterator<Item = (&V::Key, &V)> {
        self.rows.iter().map(|(key, row)| (key, &row.value))
    }

    /// The rows in memory from a key on.
    pub fn range_from(&self, key: std::ops::Bound<V::Key>) -> impl Iterator<Item = (&V::Key, &V)> {
        self.rows.range((key, std::ops::Bound::Unbounded)).map(|(key, row)| (key, &row.value))
    }

    /// How many rows are in memory.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is in memory.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn as_of(&self, key: &V::Key) -> Option<Position> {
        self.rows.get(key).map(|row| row.as_of)
    }

    fn put(&mut self, key: V::Key, value: V, at: Position) {
        match self.rows.entry(key) {
            Entry::Occupied(mut entry) => {
                let since = entry.get().unwritten_since;
                if since.is_none() {
                    self.unwritten.push_back(entry.key().clone());
                }
                entry.insert(Row { value, as_of: at, unwritten_since: since.or(Some(at)) });
            }
            Entry::Vacant(entry) => {
                self.unwritten.push_back(entry.key().clone());
                entry.insert(Row { value, as_of: at, unwritten_since: Some(at) });
            }
        }
    }

    fn checkpoint(&self) -> Option<Position> {
        let row = self.rows.get(self.unwritten.front()?)?;
        row.unwritten_since
    }

    /// Takes at most `limit` of the longest unwritten rows as writes. They stay in memory until [`Self::settle`], so
    /// that a reader finds them while the commit is under way, and after [`Self::restore`] they are unwritten as
    /// before.
    fn drain(&mut self, limit: usize, writes: &mut Vec<Write>) {
        for _ in 0..limit.min(self.unwritten.len()) {
            let Some(key) = self.unwritten.pop_front() else { return };
            if let Some(row) = self.rows.get_mut(&key)
                && let Some(since) = row.unwritten_since.take()
            {
                writes.push(Write::put(Table::Rows(V::TABLE), V::key_bytes(&key), encode_row(&key, row)));
                self.writing.push((key, since));
            }
        }
    }

    /// Lets go of rows that the store has now, but for those that have changed meanwhile.
    fn settle(&mut self) {
        for (key, _) in self.writing.drain(..) {
            if !V::RESIDENT && self.rows.get(&key).is_some_and(|row| row.unwritten_since.is_none()) {
                self.rows.remove(&key);
            }
        }
    }

    /// Takes back a [`Self::drain`] whose commit failed. Whether the store has the rows all the same does not matter.
    fn restore(&mut self) {
        for (key, since) in self.writing.drain(..).rev() {
            if let Some(row) = self.rows.get_mut(&key)
                && row.unwritten_since.is_none()
            {
                row.unwritten_since = Some(since);
                self.unwritten.push_front(key);
            }
        }
    }

    fn load(&mut self, storage: &impl Read) -> Result<(), StorageError> {
        let mut from = Vec::new();
        loop {
            let pairs = storage.scan(Table::Rows(V::TABLE), &from, None, LOAD_SLICE)?;
            let full = pairs.len() == LOAD_SLICE;
            if let Some((key, _)) = pairs.last() {
                from = [key.as_slice(), &[0]].concat();
            }
            for (_, bytes) in pairs {
                let (as_of, key, value) = decode_row::<V>(&bytes)?;
                self.rows.insert(key, Row { value, as_of, unwritten_since: None });
            }
            if !full {
                return Ok(());
            }
        }
    }
}

/// How many rows a start reads at a time.
const LOAD_SLICE: usize = 1_000;

/// A stored row: the position it reflects, its key (the stored key is made for ordering and need not be readable), its
/// value.
fn encode_row<V: Record>(key: &V::Key, row: &Row<V>) -> Vec<u8> {
    codec::encode(&(row.as_of, key, &row.value))
}

fn decode_row<V: Record>(bytes: &[u8]) -> Result<(Position, V::Key, V), StorageError> {
    codec::decode(bytes).map_err(|error| StorageError {
        operation: format!("read a row of projection {}", V::TABLE),
        reason: error.to_string(),
    })
}

/// A stored row without the position that it reflects: two folds of one log may have come to it by different commits,
/// such as when a certificate let in what was heard before.
pub fn without_position(row: &[u8]) -> &[u8] {
    let mut decoder = minicbor::Decoder::new(row);
    match decoder.array().and_then(|_| decoder.skip()) {
        Ok(()) => &row[decoder.position()..],
        Err(_) => row,
    }
}

macro_rules! projections {
    ($(
        $(#[$doc:meta])*
        $field:ident: $key:ty => $value:ty, $number:literal, resident: $resident:literal $(, key: $encode:path)?;
    )*) => {
        /// The projections. See the module's documentation.
        #[derive(Debug, Default)]
        pub struct View {
            $($(#[$doc])* pub $field: Rows<$value>,)*
            /// The position of the last commit.
            pub head: Position,
        }

        /// The rows that a batch has changed so far: nobody sees them before the batch is durable.
        #[derive(Debug, Default)]
        pub struct Staged {
            $($field: BTreeMap<$key, $value>,)*
        }

        impl Staged {
            /// How many rows.
            pub fn len(&self) -> usize {
                0 $(+ self.$field.len())*
            }

            /// Whether there are none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        impl View {
            /// Reads every resident row.
            ///
            /// # Errors
            /// When the store fails or a row cannot be read.
            pub fn load(storage: &impl Read) -> Result<Self, StorageError> {
                let mut view = Self::default();
                $(if $resident { view.$field.load(storage)?; })*
                Ok(view)
            }

            /// Makes a batch's rows visible. `replay`: rows that have seen this position already stay as they are.
            pub fn absorb(&mut self, staged: Staged, at: Position, seen: &AsOf) {
                $(for (key, value) in staged.$field {
                    if !seen.$field.get(&key).is_some_and(|as_of| *as_of >= at) {
                        self.$field.put(key, value, at);
                    }
                })*
                self.head = at;
            }

            /// The last position that every written row reflects: where a replay begins after.
            pub fn checkpoint(&self) -> Position {
                let oldest = [$(self.$field.checkpoint()),*].into_iter().flatten().min();
                oldest.map_or(self.head, |position| position - 1)
            }

            /// How many rows wait to be written.
            pub fn unwritten(&self) -> usize {
                0 $(+ self.$field.unwritten.len())*
            }

            /// After the commit of what [`Self::drain`] gave: rows that need not be in memory leave it.
            pub fn settle(&mut self) {
                $(self.$field.settle();)*
            }

            /// After the commit of what [`Self::drain`] gave has failed: its rows are unwritten as before.
            pub fn restore(&mut self) {
                $(self.$field.restore();)*
            }

            /// Takes about `limit` of the longest unwritten rows as writes.
            pub fn drain(&mut self, limit: usize) -> Vec<Write> {
                let total = self.unwritten().max(1);
                let mut writes = Vec::with_capacity(limit);
                $({
                    let share = (self.$field.unwritten.len() * limit).div_ceil(total);
                    self.$field.drain(share, &mut writes);
                })*
                writes
            }
        }

        /// For a replay: which positions the stored rows have seen.
        #[derive(Debug, Default)]
        pub struct AsOf {
            $($field: BTreeMap<$key, Position>,)*
        }

        impl AsOf {
            /// Looks up what the stored versions of a batch's rows have seen.
            ///
            /// # Errors
            /// When the store fails.
            pub fn of(staged: &Staged, view: &View, storage: &impl Read) -> Result<Self, StorageError> {
                let mut seen = Self::default();
                $(for key in staged.$field.keys() {
                    if let Some(as_of) = as_of(&view.$field, storage, key)? {
                        seen.$field.insert(key.clone(), as_of);
                    }
                })*
                Ok(seen)
            }
        }

        $(impl Record for $value {
            type Key = $key;
            const TABLE: u8 = $number;
            const RESIDENT: bool = $resident;
            $(fn key_bytes(key: &Self::Key) -> Vec<u8> { $encode(key) })?
            fn rows(view: &View) -> &Rows<Self> { &view.$field }
            fn rows_mut(view: &mut View) -> &mut Rows<Self> { &mut view.$field }
            fn staged(staged: &Staged) -> &BTreeMap<Self::Key, Self> { &staged.$field }
            fn staged_mut(staged: &mut Staged) -> &mut BTreeMap<Self::Key, Self> { &mut staged.$field }
        })*
    };
}

projections! {
    /// Stock per location and SKU.
    stock: (Name, Sku) => StockRow, 0, resident: true;
    /// The catalogue's products.
    products: Sku => Product, 1, resident: true;
    /// The catalogue's promotions.
    promotions: Name => Promotion, 2, resident: true;
    /// Which documents there are, and their heads.
    documents: DocumentId => DocumentRow, 3, resident: true;
    /// Which commits hold batches of a document.
    batches: BatchKey => BatchRow, 4, resident: false, key: BatchKey::to_bytes;
    /// Carts.
    carts: CartId => CartRow, 5, resident: false;
    /// Where each event stands, and which events name it.
    events: EventId => EventRow, 6, resident: false;
    /// How far each boot of a writer was heard at a location.
    streams: (Name, Epoch, Boot) => StreamRow, 7, resident: true;
    /// A location's events in the order in which this node heard them, in chunks.
    journal: (Name, u32) => JournalChunk, 8, resident: false;
    /// What each chunk of a location's journal spans.
    journal_spans: (Name, u32) => JournalSpan, 9, resident: true;
    /// What counts had seen.
    counts: EventId => CountRow, 10, resident: true;
    /// What is known of each writer.
    writers: Writer => WriterRow, 11, resident: true;
    /// What keys of fleets said.
    fleet: StatementId => FleetRow, 12, resident: true;
    /// What may need a decision, besides what stock itself shows.
    work: Subject => WorkRow, 13, resident: true;
    /// What was decided on work items.
    decisions: EventId => DecisionRow, 14, resident: true;
    /// What vouchers are good for, by location and SKU; their units are in the stock.
    vouchers: (Name, Sku) => VoucherRow, 15, resident: true;
    /// Promises of which goods were picked and something was given up.
    put_backs: EventId => PutBackRow, 16, resident: true;
}

/// Reads a row: from memory, else, where the table is not resident, from the store.
///
/// # Errors
/// When the store fails or the row cannot be read.
pub fn read<V: Record>(view: &View, storage: &impl Read, key: &V::Key) -> Result<Option<V>, StorageError> {
    match V::rows(view).get(key) {
        Some(value) => Ok(Some(value.clone())),
        None if V::RESIDENT => Ok(None),
        None => Ok(stored::<V>(storage, key)?.map(|(_, value)| value)),
    }
}

/// The rows of the keys from one to another, both included; of those that are only stored at most `limit`. For tables
/// whose keys are bytes of one length: others are stored in another order than in memory.
///
/// # Errors
/// When the store fails or is damaged.
pub fn read_between<V: Record>(
    view: &View,
    storage: &impl Read,
    from: &V::Key,
    to: &V::Key,
    limit: usize,
) -> Result<BTreeMap<V::Key, V>, StorageError> {
    let mut rows = BTreeMap::new();
    if !V::RESIDENT {
        // What follows the last key, as bytes are ordered.
        let end = [V::key_bytes(to), vec![0]].concat();
        for (_, bytes) in storage.scan(Table::Rows(V::TABLE), &V::key_bytes(from), Some(&end), limit)? {
            let (_, key, value) = decode_row::<V>(&bytes)?;
            rows.insert(key, value);
        }
    }
    let shown = V::rows(view).rows.range(from..=to);
    rows.extend(shown.map(|(key, row)| (key.clone(), row.value.clone())));
    Ok(rows)
}

fn as_of<V: Record>(rows: &Rows<V>, storage: &impl Read, key: &V::Key) -> Result<Option<Position>, StorageError> {
    match rows.as_of(key) {
        Some(position) => Ok(Some(position)),
        None if V::RESIDENT => Ok(None),
        None => Ok(stored::<V>(storage, key)?.map(|(position, _)| position)),
    }
}

fn stored<V: Record>(storage: &impl Read, key: &V::Key) -> Result<Option<(Position, V)>, StorageError> {
    match storage.get(Table::Rows(V::TABLE), &V::key_bytes(key))? {
        Some(bytes) => decode_row::<V>(&bytes).map(|(position, _, value)| Some((position, value))),
        None => Ok(None),
    }
}
