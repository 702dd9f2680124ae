//! One raw change: checked before Automerge may act on it, and read without asking the document.

mod columns;

use std::panic::catch_unwind;

use automerge::legacy::{Key, ObjectId, OpType};
use automerge::{ActorId, ObjType, ScalarValue};

use super::DocumentId;
use crate::id::{Boot, ChangeHash, Epoch};

/// The longest change: an event at its limit and what Automerge adds.
pub const MAX_CHANGE: usize = 56 * 1024;
/// The most operations in one change: a batch of products.
const MAX_OPERATIONS: usize = 512;
/// How far from 1970 a change may say that it was made, in seconds: farther than any clock shows. Automerge takes the
/// difference of two such times unchecked.
pub(super) const MOST_SECONDS: i64 = 1 << 40;
/// What every chunk begins with, and the type of an uncompressed change (Automerge binary format, "chunk header").
/// Compressed changes and documents are refused: they can expand a thousandfold.
const CHUNK_MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHUNK_TYPE_CHANGE: u8 = 1;
const CHUNK_TYPE_OFFSET: usize = 8;
/// Where the chunk's checksum is: the first bytes of the change's hash.
const CHUNK_CHECKSUM: std::ops::Range<usize> = 4..8;

/// A change that passed its checks.
#[derive(Debug, Clone)]
pub struct Change {
    inner: automerge::Change,
    epoch: Epoch,
    boot: Boot,
    entries: Vec<Entry>,
}

/// A value that a change puts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The block, where the document has blocks from its genesis; empty in ledgers, where blocks mean nothing.
    pub block: &'static str,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
}

impl Change {
    /// Reads a change of a document and checks what must hold before anything is done with it: one uncompressed change
    /// chunk of bounded size; written by an epoch and boot that may write here; only adding what this kind of document
    /// takes.
    ///
    /// # Errors
    /// When it breaks one of these rules.
    pub(super) fn read(document: &DocumentId, blocks: &[&'static str], bytes: &[u8]) -> Result<Self, ChangeError> {
        check_chunk(bytes)?;
        columns::check(bytes)?;
        let inner = catch_unwind(|| automerge::Change::try_from(bytes))
            .map_err(|_| ChangeError::Malformed("its reader panicked".to_owned()))?
            .map_err(|error| ChangeError::Malformed(error.to_string()))?;
        // Automerge reads a change whose checksum is wrong, and could not load a document with it.
        if inner.raw_bytes() != bytes || bytes.get(CHUNK_CHECKSUM) != Some(&inner.hash().0[..CHUNK_CHECKSUM.len()]) {
            return Err(ChangeError::Malformed("it is not in canonical form".to_owned()));
        }
        check_rest(&inner)?;
        let (epoch, boot) = author_of(inner.actor_id()).ok_or(ChangeError::Author)?;
        if document.owner().is_some_and(|owner| owner.epoch != epoch) {
            return Err(ChangeError::Author);
        }
        let entries = read_entries(document, blocks, &inner, epoch, boot)?;
        Ok(Self { inner, epoch, boot, entries })
    }

    /// Its hash.
    pub fn hash(&self) -> ChangeHash {
        hash_of(&self.inner.hash())
    }

    /// The epoch that wrote it.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The boot that wrote it.
    pub const fn boot(&self) -> Boot {
        self.boot
    }

    /// What it puts.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Its direct ancestors.
    pub fn dependencies(&self) -> Vec<ChangeHash> {
        self.inner.deps().iter().map(hash_of).collect()
    }

    /// The number of its first operation.
    pub(super) fn first_operation(&self) -> u64 {
        self.inner.start_op().get()
    }

    /// How many operations it holds.
    pub(super) fn operations(&self) -> u64 {
        self.inner.len() as u64
    }

    pub(super) const fn as_automerge(&self) -> &automerge::Change {
        &self.inner
    }

    pub(super) fn into_automerge(self) -> automerge::Change {
        self.inner
    }
}

fn check_chunk(bytes: &[u8]) -> Result<(), ChangeError> {
    if bytes.len() > MAX_CHANGE {
        return Err(ChangeError::TooLong { bytes: bytes.len() });
    }
    let magic = bytes.get(..CHUNK_MAGIC.len()) == Some(&CHUNK_MAGIC);
    if !magic || bytes.get(CHUNK_TYPE_OFFSET) != Some(&CHUNK_TYPE_CHANGE) {
        return Err(ChangeError::Malformed("it is not one uncompressed change".to_owned()));
    }
    Ok(())
}

/// What a change says besides its operations. Automerge would read an author into bytes behind it, and fail on some.
fn check_rest(change: &automerge::Change) -> Result<(), ChangeError> {
    if !(-MOST_SECONDS..=MOST_SECONDS).contains(&change.timestamp()) {
        return Err(ChangeError::Shape("it was made at no time that a clock shows"));
    }
    if change.message().is_some() || !change.extra_bytes().is_empty() {
        return Err(ChangeError::Shape("it says more than what it puts"));
    }
    Ok(())
}

fn read_entries(
    document: &DocumentId,
    blocks: &[&'static str],
    change: &automerge::Change,
    epoch: Epoch,
    boot: Boot,
) -> Result<Vec<Entry>, ChangeError> {
    if change.len() > MAX_OPERATIONS {
        return Err(ChangeError::Shape("it has too many operations"));
    }
    let expanded = catch_unwind(std::panic::AssertUnwindSafe(|| change.decode()))
        .map_err(|_| ChangeError::Malformed("its reader panicked".to_owned()))?;
    let mut entries = Vec::with_capacity(expanded.operations.len());
    for operation in expanded.operations {
        let Key::Map(key) = operation.key else { return Err(ChangeError::Shape("it writes to a list")) };
        if operation.insert {
            return Err(ChangeError::Shape("it inserts into a list"));
        }
        let fresh = operation.pred.is_empty();
        match operation.action {
            OpType::Make(ObjType::Map) if operation.obj == ObjectId::Root && fresh && blocks.is_empty() => {
                check_block(&key, boot)?;
            }
            OpType::Put(ScalarValue::Bytes(value)) => {
                let block = block_of(blocks, &operation.obj)?;
                check_entry(document, &key, fresh, epoch, boot)?;
                entries.push(Entry { block, key: key.to_string(), value });
            }
            _ => return Err(ChangeError::Shape("it does more than put values")),
        }
    }
    check_count(document, entries.len())?;
    Ok(entries)
}

/// A single writer's block carries the boot that made it, so that two clones never write under the same key.
fn check_block(key: &str, boot: Boot) -> Result<(), ChangeError> {
    match key.split_once('-') {
        Some((made_by, _)) if made_by == boot.to_string() => Ok(()),
        _ => Err(ChangeError::Shape("its block does not carry its boot")),
    }
}

/// The genesis makes the blocks with its operations 1, 2, ... under the actor of zeros.
fn block_of(blocks: &[&'static str], object: &ObjectId) -> Result<&'static str, ChangeError> {
    let ObjectId::Id(id) = object else { return Err(ChangeError::Shape("it puts a value outside every block")) };
    if blocks.is_empty() {
        return Ok("");
    }
    let index = usize::try_from(id.counter().saturating_sub(1)).unwrap_or(usize::MAX);
    match blocks.get(index) {
        Some(block) if *id.actor() == actor_zero() => Ok(block),
        _ => Err(ChangeError::Shape("it writes into a block that the genesis does not make")),
    }
}

fn check_entry(document: &DocumentId, key: &str, fresh: bool, epoch: Epoch, boot: Boot) -> Result<(), ChangeError> {
    match document {
        DocumentId::Catalog { .. } => Ok(()),
        _ if !fresh => Err(ChangeError::Shape("it overwrites a value")),
        DocumentId::Cart { .. } if !key.starts_with(&format!("{epoch}-{boot}-")) => {
            Err(ChangeError::Shape("its entry does not carry its author"))
        }
        _ => Ok(()),
    }
}

/// One business event is one change with one value.
fn check_count(document: &DocumentId, count: usize) -> Result<(), ChangeError> {
    match document {
        DocumentId::Ledger { .. } | DocumentId::Opening { .. } | DocumentId::Fleet { .. } if count != 1 => {
            Err(ChangeError::Shape("it must put exactly one value"))
        }
        _ if count == 0 => Err(ChangeError::Shape("it puts nothing")),
        _ => Ok(()),
    }
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Longer than [`MAX_CHANGE`].
    #[error("a change of {bytes} bytes is too long: at most {MAX_CHANGE}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not a change as Automerge writes it.
    #[error("it is no well-formed change: {0}")]
    Malformed(String),
    /// Its actor may not write to this document.
    #[error("its author may not write to this document")]
    Author,
    /// It does what this kind of document does not take.
    #[error("{0}")]
    Shape(&'static str),
}

pub(super) fn actor_of(epoch: Epoch, boot: Boot) -> ActorId {
    ActorId::from([epoch.as_bytes().as_slice(), boot.as_bytes()].concat().as_slice())
}

pub(super) fn actor_zero() -> ActorId {
    ActorId::from([0; 16].as_slice())
}

fn author_of(actor: &ActorId) -> Option<(Epoch, Boot)> {
    let bytes = actor.to_bytes();
    let (epoch, boot) = bytes.split_at_checked(Epoch::LEN)?;
    Some((Epoch::from_slice(epoch)?, Boot::from_slice(boot)?))
}

pub(super) const fn hash_of(hash: &automerge::ChangeHash) -> ChangeHash {
    ChangeHash::from_bytes(hash.0)
}

pub(super) const fn to_automerge(hash: &ChangeHash) -> automerge::ChangeHash {
    automerge::ChangeHash(*hash.as_bytes())
}
