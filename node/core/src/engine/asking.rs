//! Questions: asking a peer for what it has and this node lacks, and understanding what is asked.
//!
//! ```text
//! few documents    Rest(all that I hold) ──────────────────► batches
//! many             Compare(ranges) ──► Compare(ranges) ──► … ──► Documents(what differs, my heads) ──► batches
//! ```

use std::collections::BTreeMap;

use super::Engine;
use super::ingest::Refused;
use crate::document::{DocumentId, Scope};
use crate::id::{ChangeHash, Name};
use crate::storage::Storage;
use crate::sync::ranges::{Item, RangesError};
use crate::sync::{
    Answer, Ask, Held, Incoming, Kind, MAX_HEADS, MAX_LISTED, MAX_WANTED, MessageError, Request, Response, Wanted,
    message,
};

/// A question cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Ranges(#[from] RangesError),
}

impl<S: Storage> Engine<S> {
    /// Sends the first question about a scope.
    pub(super) fn begin_asking(&mut self, scope: &Scope, peer: &Name, id: u64) {
        if self.sync.scopes.sum(scope).documents <= MAX_LISTED {
            let held = self.held(scope);
            if held.iter().map(|held| DOCUMENT_BYTES + cost(&held.heads)).sum::<usize>() <= message::PIECE_BYTES {
                return self.send_ask(scope, peer, id, Ask::Rest(held));
            }
        }
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let first = self.sync.ranges(&view, scope).and_then(|ranges| ranges.begin());
        drop(view);
        // Where nothing can be compared, everything is asked for.
        let ask = first.map_or_else(|_| Ask::Rest(Vec::new()), Ask::Compare);
        self.send_ask(scope, peer, id, ask);
    }

    /// Goes on with a comparison after a peer's answer; at its end asks for what differs.
    pub(super) fn compare_on(&mut self, scope: &Scope, answer: &[u8]) -> Result<(), RangesError> {
        let Some(mut asking) = self.sync.asking.remove(scope) else { return Ok(()) };
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ranges = self.sync.ranges(&view, scope)?;
        let next = ranges.go_on(answer, &mut asking.wanted)?;
        if let Some(next) = next
            && asking.wanted.len() < MAX_WANTED
        {
            drop(view);
            self.send_ask(scope, &asking.peer, asking.id, Ask::Compare(next));
            self.sync.asking.insert(scope.clone(), asking);
            return Ok(());
        }
        let heads_of = |item: &Item| {
            let row = ranges.like(item).and_then(|document| view.documents.get(document));
            row.map(|row| row.heads.clone()).unwrap_or_default()
        };
        let wanted = std::mem::take(&mut asking.wanted).into_iter().take(MAX_WANTED);
        let wanted: Vec<_> = wanted.map(|item| Wanted { heads: believed(heads_of(&item)), item }).collect();
        drop(view);
        if wanted.is_empty() {
            return Ok(());
        }
        for piece in pieces(wanted) {
            self.send_ask(scope, &asking.peer, asking.id, Ask::Documents(piece));
        }
        self.sync.asking.insert(scope.clone(), asking);
        Ok(())
    }

    /// Understands a peer's question: begins an answer of batches, or goes on with a comparison.
    pub(super) fn receive_request(&mut self, incoming: &Incoming) -> Result<Vec<Refused>, AskError> {
        let Request { from, id, ask } = message::from_bytes(&incoming.payload)?;
        let scope = &incoming.scope;
        match ask {
            Ask::Rest(held) => {
                let documents = self.rest(scope, held);
                self.sync.serve(from, scope.clone(), id, documents);
            }
            Ask::Documents(wanted) => {
                let documents = self.wanted(scope, wanted)?;
                self.sync.serve(from, scope.clone(), id, documents);
            }
            Ask::Compare(question) => {
                let view = self.view();
                let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
                let answer = self.sync.ranges(&view, scope)?.answer(&question)?;
                drop(view);
                let response = Response { from: self.config.node.clone(), id, answer: Answer::Compare(answer) };
                self.send(scope, Kind::Response, Some(from), message::to_bytes(&response));
            }
        }
        Ok(Vec::new())
    }

    /// The documents of a scope that somebody who holds these does not hold at the same heads, and what it holds.
    fn rest(&self, scope: &Scope, held: Vec<Held>) -> BTreeMap<DocumentId, Vec<ChangeHash>> {
        let mut theirs: BTreeMap<_, _> = held.into_iter().map(|held| (held.document, believed(held.heads))).collect();
        let view = self.committed();
        let rows = view.documents.iter().filter(|(_, row)| row.scope == *scope);
        let differing = rows.filter_map(|(id, row)| {
            let heads = theirs.remove(id).unwrap_or_default();
            (heads != row.heads).then(|| (id.clone(), heads))
        });
        differing.collect()
    }

    fn wanted(
        &mut self,
        scope: &Scope,
        wanted: Vec<Wanted>,
    ) -> Result<BTreeMap<DocumentId, Vec<ChangeHash>>, RangesError> {
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ranges = self.sync.ranges(&view, scope)?;
        // One that has changed meanwhile is found out by the next comparison.
        let found = wanted.into_iter().filter_map(|wanted| {
            ranges.document(&wanted.item).map(|document| (document.clone(), believed(wanted.heads)))
        });
        Ok(found.collect())
    }

    fn held(&self, scope: &Scope) -> Vec<Held> {
        let view = self.committed();
        let rows = view.documents.iter().filter(|(_, row)| row.scope == *scope);
        rows.map(|(document, row)| Held { document: document.clone(), heads: believed(row.heads.clone()) }).collect()
    }

    fn send_ask(&mut self, scope: &Scope, peer: &Name, id: u64, ask: Ask) {
        let request = Request { from: self.config.node.clone(), id, ask };
        self.send(scope, Kind::Request, Some(peer.clone()), message::to_bytes(&request));
    }
}

/// Cuts a list so that each part fits a message.
fn pieces(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let (mut pieces, mut bytes) = (vec![Vec::new()], 0);
    for wanted in wanted {
        bytes += cost(&wanted.heads);
        if bytes > message::PIECE_BYTES {
            bytes = cost(&wanted.heads);
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(wanted);
        }
    }
    pieces
}

/// The most bytes that a document's id takes in a question.
const DOCUMENT_BYTES: usize = 256;

/// About how many bytes an item and heads take in a question.
const fn cost(heads: &[ChangeHash]) -> usize {
    const ITEM: usize = 40;
    const HEAD: usize = ChangeHash::LEN + 2;
    ITEM + HEAD * heads.len()
}

/// Of more heads than a document has, nobody is taken to hold anything.
fn believed(heads: Vec<ChangeHash>) -> Vec<ChangeHash> {
    if heads.len() <= MAX_HEADS { heads } else { Vec::new() }
}
