//! Documents: the only home of Automerge.
//!
//! A document is a map of *blocks*, each a map of keys to byte values:
//!
//! ```text
//! ledger, opening   "<boot>-<n>"   "0" .. "63"            one event or part per change, nothing is ever overwritten
//! fleet             "<boot>-0"     the statement's id       a statement of the fleet's key
//! cart              "lines"        "<epoch>-<boot>-<n>"   an added line
//!                   "removals"     same                   the add-ids that somebody removed
//!                   "checkouts"    same                   what was checked out, as which order
//! catalog           "products"     the SKU                the newest record wins
//!                   "promotions"   the promotion's id     the same
//! ```
//!
//! Blocks of documents that two nodes may create come from a *genesis* change that is the same everywhere (fixed actor,
//! time 0, same operations) and therefore never travels. Values are read from the changes themselves as they arrive;
//! only where writers overwrite each other (the catalogue) is the merged document asked who won.

mod append;
mod change;
mod follow;
mod id;
mod interest;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::OpId;
use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{ActorId, Automerge, ObjId, ROOT, ReadDoc as _, ScalarValue, Value};

use append::Tail;
use change::MOST_SECONDS;
pub use change::{Change, ChangeError, Entry, MAX_CHANGE};
use follow::Followed;
pub use id::{CATALOG_SHARDS, DocumentId, Scope, Term, shard_of};
pub use interest::{Interest, ScopePattern};

use crate::id::{Boot, ChangeHash, Epoch};

/// The block of a cart's lines.
pub const LINES: &str = "lines";
/// The block of a cart's removals.
pub const REMOVALS: &str = "removals";
/// The block of a cart's checkouts.
pub const CHECKOUTS: &str = "checkouts";
/// The block of a catalogue shard's products.
pub const PRODUCTS: &str = "products";
/// The block of a catalogue shard's promotions.
pub const PROMOTIONS: &str = "promotions";

/// The blocks that a kind of document has from its genesis, in the order in which the genesis makes them.
fn genesis_blocks(document: &DocumentId) -> &'static [&'static str] {
    match document {
        DocumentId::Cart { .. } => &[LINES, REMOVALS, CHECKOUTS],
        DocumentId::Catalog { .. } => &[PRODUCTS, PROMOTIONS],
        DocumentId::Ledger { .. } | DocumentId::Opening { .. } | DocumentId::Fleet { .. } => &[],
    }
}

/// How many changes of a document Automerge may not have heard of yet: it takes many at once for little more than one.
const MAX_UNSETTLED: usize = 64;
/// How many bytes of them: 64 sales are 20 KB, and the 48 documents that are kept in memory put off 12 MB at most.
const MAX_UNSETTLED_BYTES: usize = 256 * 1024;

/// A document in memory.
pub struct Document {
    id: DocumentId,
    automerge: Automerge,
    changes: usize,
    tail: Tail,
    /// Changes appended here, or followed, that `automerge` has not heard of yet. Each builds on everything before it.
    unsettled: Vec<automerge::Change>,
    followed: Followed,
}

/// A value to write.
#[derive(Debug, Clone)]
pub struct Put {
    /// The block.
    pub block: String,
    /// The key in it.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
}

impl Document {
    /// A document without changes, written to by one boot of an epoch.
    ///
    /// # Errors
    /// When Automerge refuses the genesis, which would be a defect.
    pub fn new(id: DocumentId, epoch: Epoch, boot: Boot) -> Result<Self, DocumentError> {
        let mut automerge = Automerge::new();
        let blocks = genesis_blocks(&id);
        if !blocks.is_empty() {
            automerge.set_actor(ActorId::from([0; 16].as_slice()));
            let mut transaction = automerge.transaction();
            for block in blocks {
                transaction.put_object(ROOT, *block, automerge::ObjType::Map)?;
            }
            transaction.commit_with(CommitOptions::default().with_time(0));
        }
        let actor = change::actor_of(epoch, boot);
        automerge.set_actor(actor.clone());
        Ok(Self {
            id,
            automerge,
            changes: 0,
            tail: Tail::new(actor),
            unsettled: Vec::new(),
            followed: Followed::default(),
        })
    }

    /// Which document this is.
    pub const fn id(&self) -> &DocumentId {
        &self.id
    }

    /// How many changes it holds besides its genesis.
    pub const fn len(&self) -> usize {
        self.changes
    }

    /// Whether it holds nothing but its genesis.
    pub const fn is_empty(&self) -> bool {
        self.changes == 0
    }

    /// Writes values as one change and gives its bytes and hash; `time` is in seconds since 1970, for people only. A
    /// ledger takes one value, under a key that is new.
    ///
    /// # Errors
    /// When Automerge refuses, which would be a defect; the document must be thrown away.
    pub fn put(&mut self, puts: &[Put], time: i64) -> Result<(Vec<u8>, ChangeHash), DocumentError> {
        let time = time.clamp(-MOST_SECONDS, MOST_SECONDS);
        let change = match (&self.id, puts) {
            (DocumentId::Ledger { .. } | DocumentId::Opening { .. } | DocumentId::Fleet { .. }, [put]) => {
                self.append(put, time)?
            }
            _ => self.transact(puts, time)?,
        };
        self.changes += 1;
        Ok((change.raw_bytes().to_vec(), change::hash_of(&change.hash())))
    }

    /// Writes a value under a new key of a block that only this document's owner writes to.
    fn append(&mut self, put: &Put, time: i64) -> Result<automerge::Change, DocumentError> {
        self.make_room()?;
        if !self.tail.is_at(&put.block) {
            let made_by = self.maker_of(&put.block)?;
            self.tail.go_to(&put.block, made_by);
        }
        let change = self.tail.append(put, time);
        self.unsettled.push(change.clone());
        Ok(change)
    }

    /// Tells Automerge what was put off once that is enough.
    fn make_room(&mut self) -> Result<(), DocumentError> {
        let bytes = || self.unsettled.iter().map(|change| change.raw_bytes().len()).sum::<usize>();
        let is_full = self.unsettled.len() >= MAX_UNSETTLED || bytes() >= MAX_UNSETTLED_BYTES;
        if is_full { self.settle(Vec::new()) } else { Ok(()) }
    }

    /// The operation that made a block, if there is such a block.
    fn maker_of(&mut self, block: &str) -> Result<Option<OpId>, DocumentError> {
        self.settle(Vec::new())?;
        Ok(match self.automerge.get(ROOT, block)? {
            Some((Value::Object(automerge::ObjType::Map), ObjId::Id(number, actor, _))) => Some(OpId(number, actor)),
            _ => None,
        })
    }

    fn transact(&mut self, puts: &[Put], time: i64) -> Result<automerge::Change, DocumentError> {
        self.settle(Vec::new())?;
        let automerge = &mut self.automerge;
        let change = catch_unwind(AssertUnwindSafe(|| write(automerge, puts, time)));
        let change = change.map_err(|_| DocumentError::Panicked)??;
        self.tail.hear(std::slice::from_ref(&change), self.automerge.get_heads());
        Ok(change)
    }

    /// Tells Automerge what was appended, and then these changes.
    fn settle(&mut self, changes: Vec<automerge::Change>) -> Result<(), DocumentError> {
        if self.unsettled.is_empty() && changes.is_empty() {
            return Ok(());
        }
        let all: Vec<_> = self.unsettled.drain(..).chain(changes.iter().cloned()).collect();
        let automerge = &mut self.automerge;
        match catch_unwind(AssertUnwindSafe(|| automerge.apply_changes(all))) {
            Ok(result) => result?,
            Err(_) => return Err(DocumentError::Panicked),
        }
        self.tail.hear(&changes, self.automerge.get_heads());
        Ok(())
    }

    /// The heads, sorted. Empty for a document without changes.
    pub fn heads(&self) -> Vec<ChangeHash> {
        if self.is_empty() {
            return Vec::new();
        }
        self.tail.heads().iter().map(change::hash_of).collect()
    }

    /// Whether it holds a change.
    pub fn knows(&self, hash: &ChangeHash) -> bool {
        let hash = change::to_automerge(hash);
        self.tail.heads().contains(&hash)
            || self.unsettled.iter().any(|change| change.hash() == hash)
            || self.automerge.get_change_meta_by_hash(&hash).is_some()
    }

    /// Whether every ancestor of a change is here, so that it can be applied.
    pub fn can_apply(&self, change: &Change) -> bool {
        change.dependencies().iter().all(|hash| self.knows(hash))
    }

    /// Applies changes whose ancestors are here or among them. Known ones do nothing.
    ///
    /// # Errors
    /// When Automerge refuses one or panics. After that the document is unusable and must be thrown away; a panic in
    /// the middle of an update leaves it in an unknown state.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<(), DocumentError> {
        self.check_numbers(&changes)?;
        self.check_order(&changes)?;
        let new = changes.iter().filter(|change| !self.knows(&change.hash())).count();
        let inner: Vec<_> = changes.into_iter().map(Change::into_automerge).collect();
        self.settle(inner)?;
        self.changes += new;
        Ok(())
    }

    /// Applies what a peer sent in one batch, as [`Self::apply`] does. Of a single change that is what its ledger's
    /// author appends next Automerge hears later.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn hear(&mut self, changes: &[Change]) -> Result<(), DocumentError> {
        match (&self.id, changes) {
            (DocumentId::Ledger { .. }, [change]) => self.hear_one(change),
            _ => self.apply(changes.to_vec()),
        }
    }

    fn hear_one(&mut self, change: &Change) -> Result<(), DocumentError> {
        self.check_order(std::slice::from_ref(change))?;
        if self.followed.expects(change, &self.tail) {
            self.make_room()?;
            let inner = change.as_automerge().clone();
            self.tail.hear(std::slice::from_ref(&inner), vec![inner.hash()]);
            self.unsettled.push(inner);
            self.changes += 1;
        } else {
            self.apply(vec![change.clone()])?;
        }
        self.followed.note(change);
        Ok(())
    }

    /// Operations are numbered on from the highest number that their author had seen. One that is numbered ahead of
    /// everything here would use up the numbers, 32 bits of them, and nobody could write to the document again.
    fn check_numbers(&self, changes: &[Change]) -> Result<(), DocumentError> {
        let here = self.tail.operations().max(genesis_blocks(&self.id).len() as u64);
        let most = changes.iter().fold(here, |most, change| most + change.operations());
        match changes.iter().find(|change| change.first_operation() > most + 1) {
            Some(change) => Err(DocumentError::Ahead { number: change.first_operation(), most: most + 1 }),
            None => Ok(()),
        }
    }

    /// Automerge counts an author's changes as they come, and panics on one that is not the next. So each names the one
    /// before it among its ancestors, as honest ones do: then there is one order in which an author's changes come, at
    /// every node and whenever the document is made again.
    fn check_order(&self, changes: &[Change]) -> Result<(), DocumentError> {
        let mut before = BTreeMap::new();
        for change in changes {
            let inner = change.as_automerge();
            let (author, number) = (inner.actor_id(), inner.seq());
            let precedes = |hash: &automerge::ChangeHash| match before.get(hash) {
                Some(found) => *found == (author, number - 1),
                None => self.is_by(hash, author, number - 1),
            };
            if number == 0 || (number > 1 && !inner.deps().iter().any(precedes)) {
                return Err(DocumentError::OutOfOrder { number });
            }
            before.insert(inner.hash(), (author, number));
        }
        Ok(())
    }

    /// Whether a change here is an author's change of this number.
    fn is_by(&self, hash: &automerge::ChangeHash, author: &ActorId, number: u64) -> bool {
        if let Some(change) = self.unsettled.iter().find(|change| change.hash() == *hash) {
            return change.actor_id() == author && change.seq() == number;
        }
        let found = self.automerge.get_change_meta_by_hash(hash);
        found.is_some_and(|change| *change.actor == *author && change.seq == number)
    }

    /// Checks and reads a change against this document's rules: see [`Change::read`].
    ///
    /// # Errors
    /// When it breaks one.
    pub fn read_change(&self, bytes: &[u8]) -> Result<Change, ChangeError> {
        read_change(&self.id, bytes)
    }

    /// The hashes of the changes that somebody with these heads lacks. Heads that are unknown here do not count.
    pub fn missing_at(&self, heads: &[ChangeHash]) -> Vec<ChangeHash> {
        let hash_of = |change: &automerge::Change| change::hash_of(&change.hash());
        if let Some(place) = self.unsettled.iter().rposition(|change| heads.contains(&hash_of(change))) {
            return self.unsettled[place + 1..].iter().map(hash_of).collect();
        }
        let have: Vec<_> = heads.iter().filter(|hash| self.knows(hash)).map(change::to_automerge).collect();
        let genesis = change::actor_zero();
        // The changes themselves Automerge would encode anew, and of one that was not encoded as it does it gets
        // another hash.
        let changes = self.automerge.get_changes_meta(&have).into_iter();
        let settled = changes.filter(|change| *change.actor != genesis).map(|change| change::hash_of(&change.hash));
        settled.chain(self.unsettled.iter().map(hash_of)).collect()
    }

    /// The value that won at a key of a document that several nodes write; what a ledger holds is read from its
    /// changes.
    pub fn value(&self, block: &str, key: &str) -> Option<Vec<u8>> {
        let (_, block) = self.automerge.get(ROOT, block).ok().flatten()?;
        match self.automerge.get(block, key).ok().flatten()? {
            (Value::Scalar(value), _) => value.as_bytes().map(<[u8]>::to_vec),
            (Value::Object(_), _) => None,
        }
    }
}

fn write(automerge: &mut Automerge, puts: &[Put], time: i64) -> Result<automerge::Change, DocumentError> {
    let mut transaction = automerge.transaction();
    for put in puts {
        let block = match transaction.get(ROOT, put.block.as_str())? {
            Some((Value::Object(automerge::ObjType::Map), block)) => block,
            _ => transaction.put_object(ROOT, put.block.as_str(), automerge::ObjType::Map)?,
        };
        transaction.put(block, put.key.as_str(), ScalarValue::Bytes(put.value.clone()))?;
    }
    transaction.commit_with(CommitOptions::default().with_time(time));
    automerge.get_last_local_change().ok_or(DocumentError::NoChange)
}

/// Checks and reads a change of a document that need not be in memory.
///
/// # Errors
/// When it breaks a rule of this kind of document.
pub fn read_change(document: &DocumentId, bytes: &[u8]) -> Result<Change, ChangeError> {
    Change::read(document, genesis_blocks(document), bytes)
}

/// Why a document could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Automerge refused.
    #[error("automerge: {0}")]
    Automerge(#[from] automerge::AutomergeError),
    /// Automerge panicked on a change.
    #[error("automerge panicked while applying a change")]
    Panicked,
    /// A change numbers its operations ahead of those that it builds on.
    #[error("its operations begin at {number}, at most {most} can come next")]
    Ahead {
        /// Its first number.
        number: u64,
        /// The highest that can come next.
        most: u64,
    },
    /// A change does not build on the one before it of the same author.
    #[error("it is its author's change number {number}, and does not name the one before it")]
    OutOfOrder {
        /// Its number.
        number: u64,
    },
    /// A write made no change.
    #[error("a write made no change")]
    NoChange,
}

#[cfg(test)]
mod tests;
