//! Questions: asking a peer for what it has and this node lacks, and understanding what is asked.
//!
//! ```text
//! few documents    Rest(all that I hold) ──────────────────► batches
//! many             Compare(ranges) ──► Compare(ranges) ──► … ──► Documents(what differs, my heads) ──► batches
//! ```

use std::collections::{BTreeMap, VecDeque};

use rand_core::CryptoRng;

use super::Engine;
use super::answers::PIECE_BYTES;
use super::ingest::Refused;
use crate::document::{DocumentId, Scope};
use crate::id::{ChangeHash, Name};
use crate::storage::Storage;
use crate::sync::ranges::{Item, Ranges, RangesError};
use crate::sync::{
    ANSWER_MILLIS, Answer, Ask, Asking, Ending, Held, Incoming, Kind, MAX_HEADS, MAX_LISTED, MAX_WANTED, MessageError,
    Request, Response, Serving, Wanted, message,
};
use crate::time::Timestamp;

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
    pub(super) fn begin_asking(&mut self, now: Timestamp, scope: &Scope, asking: &Asking) {
        if self.sync.scopes.sum(scope).documents <= MAX_LISTED {
            let held = self.held(scope);
            if held.iter().map(|held| DOCUMENT_BYTES + cost(&held.heads)).sum::<usize>() <= message::LISTED_BYTES {
                return self.send_ask(scope, asking, Ask::Rest(held));
            }
        }
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let first = self.sync.comparisons.fresh(now, &view, scope).and_then(Ranges::begin);
        drop(view);
        // Where nothing can be compared, everything is asked for.
        let ask = first.map_or_else(|_| Ask::Rest(Vec::new()), Ask::Compare);
        self.send_ask(scope, asking, ask);
    }

    /// Goes on with a comparison after a peer's answer; at its end asks for what differs.
    pub(super) fn compare_on(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        scope: &Scope,
        answer: &[u8],
    ) -> Result<(), RangesError> {
        let compared = self.find_differing(now, scope, answer);
        let Some(asking) = self.sync.asking.get_mut(scope) else { return Ok(()) };
        (asking.until, asking.said_all) = (now.plus_millis(ANSWER_MILLIS), false);
        let (found, tired) = (asking.wanted.len(), asking.is_tired());
        match compared {
            Ok(Some(next)) if found < MAX_WANTED && !tired => self.send_asking(scope, Ask::Compare(next)),
            Ok(_) if found > 0 => self.ask_for_wanted(now, scope)?,
            Ok(_) if tired => self.end_asking(now, rng, scope, Ending::Nothing),
            Ok(_) => self.doubt_answer(now, scope),
            Err(error) => {
                self.doubt_answer(now, scope);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Somebody said in a peer's name what leads nowhere.
    fn doubt_answer(&mut self, now: Timestamp, scope: &Scope) {
        if let Some(asking) = self.sync.asking.get_mut(scope) {
            asking.doubt(now);
        }
    }

    /// Adds to what is wanted, and gives the next message of the comparison.
    fn find_differing(&mut self, now: Timestamp, scope: &Scope, answer: &[u8]) -> Result<Option<Vec<u8>>, RangesError> {
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ranges = self.sync.comparisons.recent(now, &view, scope)?;
        let Some(asking) = self.sync.asking.get_mut(scope) else { return Ok(None) };
        let before = asking.wanted.len();
        let next = ranges.go_on(answer, &mut asking.wanted)?;
        asking.rounds += 1;
        asking.idle_rounds = if asking.wanted.len() > before { 0 } else { asking.idle_rounds + 1 };
        Ok(next)
    }

    fn ask_for_wanted(&mut self, now: Timestamp, scope: &Scope) -> Result<(), RangesError> {
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ranges = self.sync.comparisons.recent(now, &view, scope)?;
        let Some(asking) = self.sync.asking.get_mut(scope) else { return Ok(()) };
        let heads_of = |item: &Item| {
            let row = ranges.like(item).and_then(|document| view.documents.get(document));
            row.map(|row| row.heads.clone()).unwrap_or_default()
        };
        let wanted = std::mem::take(&mut asking.wanted).into_iter().take(MAX_WANTED);
        let wanted: Vec<_> = wanted.map(|item| Wanted { heads: believed(heads_of(&item)), item }).collect();
        drop(view);
        for piece in pieces(wanted) {
            self.send_asking(scope, Ask::Documents(piece));
        }
        Ok(())
    }

    /// Understands a peer's question: begins an answer of batches, or goes on with a comparison.
    pub(super) fn receive_request(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        incoming: &Incoming,
    ) -> Result<Vec<Refused>, AskError> {
        let Request { from, id, ask, everybody } = message::from_bytes(&incoming.payload)?;
        let scope = &incoming.scope;
        let is_signed = matches!(ask, Ask::Rights(_) | Ask::Claim(..));
        let is_stranger = !is_signed && self.is_stranger(&from);
        if is_stranger && !self.sync.allowance.is_left(now) {
            return Ok(Vec::new());
        }
        if is_stranger {
            self.sync.allowance.spend(PASS_BYTES);
        }
        let documents = match ask {
            Ask::Rest(held) => match self.rest(now, scope, held) {
                Some(documents) => documents,
                None => return Ok(Vec::new()),
            },
            Ask::Documents(wanted) => match self.wanted(now, scope, wanted) {
                Err(RangesError::Busy) => return Ok(Vec::new()),
                documents => documents?,
            },
            Ask::Compare(question) => {
                self.answer_comparison(now, scope, from, id, &question)?;
                return Ok(Vec::new());
            }
            Ask::Rights(signed) => return Ok(self.receive_wish(now, rng, incoming, &signed)),
            Ask::Claim(signed, heads) => return Ok(self.receive_claim(now, incoming, &signed, heads)),
        };
        let (to, scope, everybody) = (from, scope.clone(), everybody == Some(true) && !is_stranger);
        self.sync.serve(Serving { to, scope, id, everybody, documents, batches: VecDeque::new() });
        Ok(Vec::new())
    }

    /// Nothing is answered while other scopes are being compared, or without room on the way out: the asker asks again.
    fn answer_comparison(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        to: Name,
        id: u64,
        question: &[u8],
    ) -> Result<(), RangesError> {
        if self.sync.room < PIECE_BYTES || self.sync.held_back.contains(&to) {
            return Ok(());
        }
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answer = match self.sync.comparisons.for_peer(now, &view, scope) {
            Err(RangesError::Busy) => return Ok(()),
            ranges => ranges?.answer(question)?,
        };
        drop(view);
        self.sync.room -= answer.len().min(self.sync.room);
        if self.is_stranger(&to) {
            self.sync.allowance.spend(answer.len());
        }
        let response = Response { from: self.config.node.clone(), id, answer: Answer::Compare(answer) };
        self.send(scope, Kind::Response, Some(to), message::to_bytes(&response));
        Ok(())
    }

    /// The documents of a scope that somebody who holds these does not hold at the same heads, and what it holds. None
    /// while that was found out for others: the asker asks again.
    fn rest(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        held: Vec<Held>,
    ) -> Option<BTreeMap<DocumentId, Vec<ChangeHash>>> {
        let mut theirs: BTreeMap<_, _> = held.into_iter().map(|held| (held.document, believed(held.heads))).collect();
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let rows = view.documents.iter().filter(|(_, row)| row.scope == *scope);
        let differing = rows.filter_map(|(id, row)| {
            let heads = theirs.remove(id).unwrap_or_default();
            (heads != row.heads).then(|| (id.clone(), heads))
        });
        self.sync.comparisons.may_list(now, &view).then(|| differing.collect())
    }

    fn wanted(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        wanted: Vec<Wanted>,
    ) -> Result<BTreeMap<DocumentId, Vec<ChangeHash>>, RangesError> {
        let view = self.view();
        let view = view.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let ranges = self.sync.comparisons.for_peer(now, &view, scope)?;
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

    /// Sends a further question about a scope.
    fn send_asking(&mut self, scope: &Scope, ask: Ask) {
        if let Some(asking) = self.sync.asking.remove(scope) {
            self.send_ask(scope, &asking, ask);
            self.sync.asking.insert(scope.clone(), asking);
        }
    }

    fn send_ask(&mut self, scope: &Scope, asking: &Asking, ask: Ask) {
        let everybody = asking.crowd.then_some(true);
        let request = Request { from: self.config.node.clone(), id: asking.id, ask, everybody };
        self.send(scope, Kind::Request, Some(asking.peer.clone()), message::to_bytes(&request));
    }
}

/// Cuts a list so that each part fits a message.
fn pieces(wanted: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let (mut pieces, mut bytes) = (vec![Vec::new()], 0);
    for wanted in wanted {
        bytes += cost(&wanted.heads);
        if bytes > message::LISTED_BYTES {
            bytes = cost(&wanted.heads);
            pieces.push(Vec::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(wanted);
        }
    }
    pieces
}

/// What a question costs a stranger besides what it is answered: a pass over the documents.
const PASS_BYTES: usize = 16 * 1024;

/// The most bytes that a document's id takes in a question.
const DOCUMENT_BYTES: usize = 256;

/// About how many bytes an item and heads take in a question.
const fn cost(heads: &[ChangeHash]) -> usize {
    const ITEM: usize = 40;
    const HEAD: usize = ChangeHash::LEN + 2;
    ITEM + HEAD * heads.len()
}

/// Of more heads than a document has, nobody is taken to hold anything.
pub(super) fn believed(heads: Vec<ChangeHash>) -> Vec<ChangeHash> {
    if heads.len() <= MAX_HEADS { heads } else { Vec::new() }
}
