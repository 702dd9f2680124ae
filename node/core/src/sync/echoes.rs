//! Batches that this node sent lately: a broker sends them back to it.

use std::collections::{BTreeSet, VecDeque};

/// How many are remembered: what a till sells while a slow broker takes minutes to send something back.
const MAX_REMEMBERED: usize = 4_096;
/// How many bytes of the end of a batch, where its signature is, tell it from others.
const MARK_BYTES: usize = 16;

type Mark = [u8; MARK_BYTES];

/// Batches that were sent, the last ones of them.
#[derive(Default)]
pub(crate) struct Echoes {
    marks: BTreeSet<Mark>,
    order: VecDeque<Mark>,
}

impl Echoes {
    /// Remembers a batch that is sent.
    pub fn expect(&mut self, envelope: &[u8]) {
        let Some(mark) = envelope.last_chunk().copied() else { return };
        if self.marks.insert(mark) {
            self.order.push_back(mark);
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.marks.remove(&oldest);
        }
    }

    /// Whether a batch was sent by this node.
    pub fn expects(&self, envelope: &[u8]) -> bool {
        envelope.last_chunk().is_some_and(|mark: &Mark| self.marks.contains(mark))
    }
}
