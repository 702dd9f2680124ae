//! Answers: the batches that a peer lacks, in pieces, as far as the link has room.

use std::collections::BTreeSet;

use super::Engine;
use crate::document::{DocumentId, read_change};
use crate::history::read_commit;
use crate::id::{ChangeHash, Name};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::sync::{Answer, Kind, MAX_ANSWER_DOCUMENTS, Response, SHARED_MILLIS, Serving, message, pack};
use crate::time::Timestamp;
use crate::view::Position;

/// How many bytes of envelopes one piece of an answer holds.
pub(super) const PIECE_BYTES: usize = 48 * 1024;

impl<S: Storage> Engine<S> {
    /// Lets answers to these peers wait, from now on: the line on which they are has no room for more.
    pub fn hold_back(&mut self, peers: BTreeSet<Name>) {
        self.sync.held_back = peers;
    }

    /// Gives answers, a piece at a time to each asker in turn, until the room is used up or all that are left wait.
    pub(super) fn give_answers(&mut self, now: Timestamp, mut room: usize) {
        self.sync.shared.retain(|_, (_, until)| *until > now);
        let mut passed_over = 0;
        while room >= PIECE_BYTES
            && passed_over < self.sync.serving.len()
            && let Some(mut serving) = self.sync.serving.pop_front()
        {
            if self.sync.held_back.contains(&serving.to) {
                self.sync.serving.push_back(serving);
                passed_over += 1;
                continue;
            }
            passed_over = 0;
            let is_stranger = self.is_stranger(&serving.to);
            // What is left of its answer it asks for again.
            if is_stranger && !self.sync.allowance.is_left(now) {
                continue;
            }
            let (envelopes, bytes) = match self.next_piece(now, &mut serving) {
                Ok(piece) => piece,
                Err(error) => {
                    self.break_off(&error);
                    continue;
                }
            };
            room = room.saturating_sub(bytes.max(1));
            if is_stranger {
                self.sync.allowance.spend(bytes);
            }
            let last = serving.documents.is_empty() && serving.batches.is_empty();
            self.send_piece(&serving, last, envelopes);
            if !last {
                self.sync.serving.push_back(serving);
            }
        }
        self.sync.room = room;
    }

    /// What many lack goes to everybody at once; the asker is told when that was all.
    fn send_piece(&mut self, serving: &Serving, last: bool, mut envelopes: Vec<Vec<u8>>) {
        if serving.everybody && !envelopes.is_empty() {
            self.send(&serving.scope, Kind::Changes, None, pack(&std::mem::take(&mut envelopes)));
        }
        if last || !serving.everybody {
            let answer = Answer::Batches { last, envelopes: envelopes.into_iter().map(Into::into).collect() };
            let response = Response { from: self.config.node.clone(), id: serving.id, answer };
            self.send(&serving.scope, Kind::Response, Some(serving.to.clone()), message::to_bytes(&response));
        }
    }

    fn next_piece(&mut self, now: Timestamp, serving: &mut Serving) -> Result<(Vec<Vec<u8>>, usize), Refusal> {
        let (mut envelopes, mut bytes) = (Vec::new(), 0);
        while bytes < PIECE_BYTES {
            if serving.batches.is_empty() {
                let Some((document, heads)) = serving.documents.pop_first() else { break };
                if !serving.everybody || self.begin_sharing(now, &document, &heads) {
                    serving.batches.extend(self.batches_missing(&document, &heads)?);
                }
                continue;
            }
            let Some((position, slot)) = serving.batches.front().copied() else { break };
            let record = read_commit(&self.storage, position)?;
            let Some(envelope) = record.envelopes.get(usize::from(slot)) else {
                serving.batches.pop_front();
                continue;
            };
            if bytes + envelope.len() > message::MAX_MESSAGE - 1_024 {
                break;
            }
            serving.batches.pop_front();
            bytes += envelope.len();
            envelopes.push(envelope.to_vec());
        }
        Ok((envelopes, bytes))
    }

    /// Whether a document is to be sent to everybody: not when it was a moment ago, from the same heads on.
    fn begin_sharing(&mut self, now: Timestamp, document: &DocumentId, heads: &[ChangeHash]) -> bool {
        if self.sync.shared.get(document).is_some_and(|(from, _)| *from == heads) {
            return false;
        }
        if self.sync.shared.len() < MAX_ANSWER_DOCUMENTS {
            self.sync.shared.insert(document.clone(), (heads.to_vec(), now.plus_millis(SHARED_MILLIS)));
        }
        true
    }

    /// The batches of a document that somebody with these heads lacks.
    fn batches_missing(&mut self, id: &DocumentId, heads: &[ChangeHash]) -> Result<Vec<(Position, u16)>, Refusal> {
        let places = self.batches_of(id)?;
        if heads.is_empty() {
            return Ok(places);
        }
        let missing: BTreeSet<ChangeHash> = self.document(id)?.missing_at(heads).into_iter().collect();
        let mut found = Vec::new();
        for (position, slot) in places {
            let batch = read_commit(&self.storage, position)?.batch(slot)?;
            let lacks = |bytes: &Vec<u8>| read_change(id, bytes).is_ok_and(|change| missing.contains(&change.hash()));
            if batch.changes.iter().any(lacks) {
                found.push((position, slot));
            }
        }
        Ok(found)
    }
}
