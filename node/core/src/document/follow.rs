//! Following a ledger that somebody else appends to, without asking Automerge about each change.
//!
//! A change that is, byte for byte, what its author appends next (see [`super::append`]) does to a document what one
//! that is appended here does, and Automerge hears of it later, together with others: one by one costs several times as
//! much. Automerge is asked about every other change before anything is believed of it.

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType};
use automerge::{ExpandedChange, ObjType};

use super::append::Tail;
use super::change::Change;

/// Where the author that was heard last puts its values.
#[derive(Default)]
pub(super) struct Followed {
    /// The operation that made the block.
    block: Option<OpId>,
}

impl Followed {
    /// Whether a change is what its author appends next to a history that ends so. It must name its author's last
    /// change, and all heads are known to be its ancestors then. What it says besides was checked when it was read.
    pub(super) fn expects(&self, change: &Change, tail: &Tail) -> bool {
        let inner = change.as_automerge();
        // Of a first change nothing before it shows that its author has made none.
        if inner.seq() < 2 || inner.deps() != tail.heads() || inner.start_op().get() != tail.operations() + 1 {
            return false;
        }
        // Automerge numbers operations with 32 bits.
        if inner.max_op() > u64::from(u32::MAX) {
            return false;
        }
        let expanded = inner.decode();
        self.goes_on(&expanded) && automerge::Change::from(expanded).raw_bytes() == inner.raw_bytes()
    }

    /// Whether a change puts one value where the last one was put, or into a block that it makes.
    fn goes_on(&self, change: &ExpandedChange) -> bool {
        match change.operations.as_slice() {
            [put] => puts_into(put, self.block.as_ref()),
            [make, put] => {
                let made_by = OpId(change.start_op.get(), change.actor_id.clone());
                makes_block(make) && puts_into(put, Some(&made_by))
            }
            _ => false,
        }
    }

    /// Remembers where a change put its value, which its document has taken.
    pub(super) fn note(&mut self, change: &Change) {
        self.block = change.as_automerge().decode().operations.pop().and_then(|put| match put.obj {
            ObjectId::Id(made_by) => Some(made_by),
            ObjectId::Root => None,
        });
    }
}

fn puts_into(put: &Op, block: Option<&OpId>) -> bool {
    let is_there = matches!(&put.obj, ObjectId::Id(made_by) if Some(made_by) == block);
    is_there && !put.insert && put.pred.is_empty() && matches!((&put.key, &put.action), (Key::Map(_), OpType::Put(_)))
}

fn makes_block(make: &Op) -> bool {
    let makes = matches!((&make.key, &make.action), (Key::Map(_), OpType::Make(ObjType::Map)));
    makes && make.obj == ObjectId::Root && !make.insert && make.pred.is_empty()
}

#[cfg(test)]
mod tests;
