//! Appending to a document that one actor only adds to, without asking Automerge each time.
//!
//! What Automerge would write follows from the end of the history alone: who writes, how many changes and operations
//! there were, what the heads are, where the block is. So the change is encoded from that, with Automerge's own
//! encoder, and the document hears of it later, together with others: a transaction for each costs several times as
//! much. The bytes are the same either way, which a test holds.

use std::num::NonZeroU64;

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Change, ChangeHash, ExpandedChange, ObjType, ScalarValue};

use super::Put;

/// The end of a history, as far as the next change depends on it.
pub(super) struct Tail {
    actor: ActorId,
    /// How many changes the actor has made, and the last of them.
    made: u64,
    last: Option<ChangeHash>,
    /// The highest number of an operation by anybody.
    operations: u64,
    /// Sorted.
    heads: Vec<ChangeHash>,
    /// The block that was written to last, and the operation that made it.
    block: Option<(String, OpId)>,
}

impl Tail {
    /// The end of an empty history, to which an actor will write.
    pub(super) const fn new(actor: ActorId) -> Self {
        Self { actor, made: 0, last: None, operations: 0, heads: Vec::new(), block: None }
    }

    /// The heads, sorted.
    pub(super) fn heads(&self) -> &[ChangeHash] {
        &self.heads
    }

    /// The highest number of an operation by anybody.
    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }

    /// Takes in changes that were applied, after which the document has these heads.
    pub(super) fn hear(&mut self, changes: &[Change], heads: Vec<ChangeHash>) {
        for change in changes {
            self.operations = self.operations.max(change.max_op());
            if *change.actor_id() == self.actor && change.seq() > self.made {
                self.made = change.seq();
                self.last = Some(change.hash());
            }
        }
        self.heads = heads;
    }

    /// Whether it is known where this block is.
    pub(super) fn is_at(&self, block: &str) -> bool {
        self.block.as_ref().is_some_and(|(name, _)| name == block)
    }

    /// Learns which operation made the block that comes next; none: the next change makes it.
    pub(super) fn go_to(&mut self, block: &str, made_by: Option<OpId>) {
        self.block = made_by.map(|operation| (block.to_owned(), operation));
    }

    /// The change that puts a value under a new key of a block; `time` in seconds since 1970.
    pub(super) fn append(&mut self, put: &Put, time: i64) -> Change {
        let start = NonZeroU64::MIN.saturating_add(self.operations);
        let mut operations = Vec::with_capacity(2);
        let block = match self.block.take() {
            Some((name, operation)) if name == put.block => operation,
            _ => {
                operations.push(operation(ObjectId::Root, &put.block, OpType::Make(ObjType::Map)));
                OpId(start.get(), self.actor.clone())
            }
        };
        let value = OpType::Put(ScalarValue::Bytes(put.value.clone()));
        operations.push(operation(ObjectId::Id(block.clone()), &put.key, value));
        let change = Change::from(ExpandedChange {
            operations,
            actor_id: self.actor.clone(),
            hash: None,
            seq: self.made + 1,
            start_op: start,
            time,
            message: None,
            deps: self.dependencies(),
            extra_bytes: Vec::new(),
            author: None,
        });
        self.hear(std::slice::from_ref(&change), vec![change.hash()]);
        self.block = Some((put.block.clone(), block));
        change
    }

    /// All heads, and the actor's last change where somebody else has built on it.
    fn dependencies(&self) -> Vec<ChangeHash> {
        let last = self.last.filter(|last| !self.heads.contains(last));
        self.heads.iter().copied().chain(last).collect()
    }
}

fn operation(obj: ObjectId, key: &str, action: OpType) -> Op {
    Op { action, obj, key: Key::Map(key.into()), pred: SortedVec::new(), insert: false }
}

#[cfg(test)]
mod tests;
