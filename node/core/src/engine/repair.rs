//! Anti-entropy: saying digests, asking a peer that differs, answering with what the asker lacks.

use std::collections::{BTreeSet, VecDeque};

use rand_core::CryptoRng;

use super::Engine;
use super::batch::Effect;
use super::ingest::{Ingested, Refused, RefusedKind};
use crate::document::{DocumentId, Scope, read_change};
use crate::history::read_commit;
use crate::id::{ChangeHash, Name};
use crate::refusal::Refusal;
use crate::storage::Storage;
use crate::sync::{
    AHEAD_MILLIS, ANSWER_MILLIS, Answer, Asking, DIGEST_AFTER_CHANGE_MILLIS, DIGEST_EVERY_MILLIS, Differing, Digest,
    Incoming, Kind, PeerScope, Presence, Response, SETTLE_MILLIS, Serving, message, unpack,
};
use crate::time::Timestamp;
use crate::view::Position;

/// How many bytes of envelopes one piece of an answer holds.
const PIECE_BYTES: usize = 48 * 1024;

impl<S: Storage> Engine<S> {
    /// Takes a message of a peer. What it changes is part of the batch; refused envelopes are counted and given back,
    /// to be logged.
    pub fn receive(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        let from = match incoming.kind {
            Kind::Request | Kind::Response => message::sender(&incoming.payload),
            Kind::Changes | Kind::Digest | Kind::Presence => Some(incoming.from.clone()),
        };
        let Some(from) = from else { return vec![malformed(&"it does not say who sent it")] };
        if from == self.config.node {
            return Vec::new();
        }
        self.sync.peers_mut().hear(&from, now);
        let refused = match incoming.kind {
            Kind::Changes => self.receive_changes(now, rng, incoming),
            Kind::Digest => self.receive_digest(now, rng, incoming),
            Kind::Request => self.receive_request(incoming).unwrap_or_else(|error| vec![malformed(&error)]),
            Kind::Response => self.receive_response(now, rng, incoming),
            Kind::Presence => self.receive_presence(now, rng, incoming),
        };
        let peer = self.sync.peers_mut().hear(&from, now);
        refused.iter().for_each(|refused| *peer.refused.entry(refused.kind).or_default() += 1);
        refused
    }

    /// Does what is due: digests, questions, and answers of at most `room` bytes. Gives when to call again at the
    /// latest.
    pub fn tick(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, room: usize) -> Timestamp {
        self.sync.clamp(now);
        self.say_digests(now, rng);
        self.sync.asking.retain(|_, asking| asking.until > now);
        self.ask(now);
        self.give_answers(room);
        let more = self.tend_openings(now);
        let serving = if self.sync.serving.is_empty() && !more { None } else { Some(now) };
        let due = self.sync.due.values().copied();
        let asks = self.sync.differing.values().map(|differing| differing.at);
        let next = due.chain(asks).chain(serving).fold(self.sync.next_round, Timestamp::min);
        next.max(now)
    }

    /// A link to a broker came up: say what is here.
    pub fn link_up(&mut self, now: Timestamp) {
        self.sync.next_round = now;
        self.sync.asking.clear();
        let payload = message::to_bytes(&Presence { here: true });
        self.send(&Scope::Fleet, Kind::Presence, None, payload);
    }

    /// What the broker is to say when this node vanishes.
    pub fn last_will(&self) -> Vec<u8> {
        message::to_bytes(&Presence { here: false })
    }

    fn receive_changes(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        match unpack(&incoming.payload) {
            Ok(envelopes) => self.take_in(now, rng, &incoming.scope, &incoming.from, envelopes),
            Err(error) => vec![malformed(&error)],
        }
    }

    fn take_in(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        scope: &Scope,
        from: &Name,
        envelopes: Vec<Vec<u8>>,
    ) -> Vec<Refused> {
        let mut refused = Vec::new();
        let mut waiting = VecDeque::from(envelopes);
        while let Some(envelope) = waiting.pop_front() {
            match self.ingest(now, &envelope) {
                Ok(Ingested::New) => waiting.extend(self.unblocked(&envelope)),
                Ok(Ingested::Known) => {}
                Ok(Ingested::Early(batch)) => {
                    self.sync.keep_early(batch.document, envelope);
                    self.differs(now, rng, scope, from, false);
                }
                Err(error) => {
                    // Its certificate may be on its way.
                    if error.kind == RefusedKind::UnknownSigner {
                        self.differs(now, rng, &Scope::Fleet, from, false);
                    }
                    refused.push(error);
                }
            }
        }
        refused
    }

    fn unblocked(&mut self, envelope: &[u8]) -> Vec<Vec<u8>> {
        match crate::envelope::reopen(envelope) {
            Ok(batch) => self.sync.take_early(&batch.document),
            Err(_) => Vec::new(),
        }
    }

    fn receive_digest(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        let digest: Digest = match message::from_bytes(&incoming.payload) {
            Ok(digest) => digest,
            Err(error) => return vec![malformed(&error)],
        };
        let own = self.sync.scopes.sum(&incoming.scope);
        let equal = own.sum == digest.sum;
        let heard = PeerScope { sum: digest.sum, documents: digest.documents, heard_at: now, equal };
        self.sync.peers_mut().hear(&incoming.from, now).note(&incoming.scope, heard);
        self.sync.peers_mut().hear(&incoming.from, now).here = true;
        if !equal {
            self.differs(now, rng, &incoming.scope, &incoming.from, own.changes > digest.changes);
        }
        Vec::new()
    }

    fn differs(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, scope: &Scope, peer: &Name, ahead: bool) {
        let jitter = i64::try_from(rng.next_u64() % (SETTLE_MILLIS.unsigned_abs())).unwrap_or_default();
        let at = now.plus_millis(SETTLE_MILLIS + jitter);
        if !self.sync.has_room_for(scope) {
            return;
        }
        let known = self.sync.differing.get(scope);
        if known.is_none_or(|known| known.ahead && !ahead) {
            self.sync.differing.insert(scope.clone(), Differing { peer: peer.clone(), at, ahead });
        }
    }

    /// A node that begins empty knows no scope to speak of, so whoever hears of it says what there is. Once for all
    /// that come at the same time, as they do when a broker comes back.
    fn receive_presence(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        let presence: Presence = match message::from_bytes(&incoming.payload) {
            Ok(presence) => presence,
            Err(error) => return vec![malformed(&error)],
        };
        let peer = self.sync.peers_mut().hear(&incoming.from, now);
        let was_here = std::mem::replace(&mut peer.here, presence.here);
        if presence.here && !was_here {
            let jitter = i64::try_from(rng.next_u64() % SETTLE_MILLIS.unsigned_abs()).unwrap_or_default();
            self.sync.say_soon(now.plus_millis(SETTLE_MILLIS + jitter));
        }
        Vec::new()
    }

    fn say_digests(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        for at in self.sync.due.values_mut().filter(|at| **at == Timestamp::MIN) {
            *at = now.plus_millis(DIGEST_AFTER_CHANGE_MILLIS);
        }
        let all = self.sync.next_round <= now;
        if all {
            self.sync.forget_ranges();
            let jitter = i64::try_from(rng.next_u64() % (DIGEST_EVERY_MILLIS.unsigned_abs() / 4)).unwrap_or_default();
            self.sync.next_round = now.plus_millis(DIGEST_EVERY_MILLIS + jitter);
        }
        let due: BTreeSet<Scope> = if all {
            self.sync.scopes.iter().map(|(scope, _)| scope.clone()).collect()
        } else {
            self.sync.due.iter().filter(|(_, at)| **at <= now).map(|(scope, _)| scope.clone()).collect()
        };
        for scope in if all && due.is_empty() { BTreeSet::from([Scope::Catalog]) } else { due } {
            self.sync.due.remove(&scope);
            self.say_digest(&scope);
        }
    }

    fn say_digest(&mut self, scope: &Scope) {
        let own = self.sync.scopes.sum(scope);
        let payload = message::to_bytes(&Digest { sum: own.sum, documents: own.documents, changes: own.changes });
        self.send(scope, Kind::Digest, None, payload);
    }

    /// Asks peers that still differ, one in each scope at a time. One that seems to be behind is told where this node
    /// stands, and has time to ask first: it may be equal then.
    fn ask(&mut self, now: Timestamp) {
        let due: Vec<_> = self.sync.differing.iter().filter(|(_, d)| d.at <= now).map(|(s, _)| s.clone()).collect();
        for scope in due {
            let Some(Differing { peer, ahead, .. }) = self.sync.differing.remove(&scope) else { continue };
            let own = self.sync.scopes.sum(&scope).sum;
            let theirs = self.sync.peers().peer(&peer).and_then(|peer| peer.scopes.get(&scope)).map(|heard| heard.sum);
            if theirs == Some(own) || self.sync.asking.contains_key(&scope) {
                continue;
            }
            if ahead {
                self.say_digest(&scope);
                let later = Differing { peer, at: now.plus_millis(AHEAD_MILLIS), ahead: false };
                self.sync.differing.insert(scope, later);
                continue;
            }
            self.sync.next_request = self.sync.next_request.wrapping_add(1);
            let id = self.sync.next_request;
            let until = now.plus_millis(ANSWER_MILLIS);
            let asking = Asking { id, peer: peer.clone(), until, wanted: Vec::new() };
            self.sync.asking.insert(scope.clone(), asking);
            self.begin_asking(&scope, &peer, id);
        }
    }

    /// Gives answers, a piece at a time to each asker in turn, until the room is used up.
    fn give_answers(&mut self, mut room: usize) {
        while room >= PIECE_BYTES
            && let Some(mut serving) = self.sync.serving.pop_front()
        {
            let (envelopes, bytes) = match self.next_piece(&mut serving) {
                Ok(piece) => piece,
                Err(error) => {
                    self.break_off(&error);
                    continue;
                }
            };
            room = room.saturating_sub(bytes.max(1));
            let last = serving.documents.is_empty() && serving.batches.is_empty();
            let envelopes = envelopes.into_iter().map(Into::into).collect();
            let answer = Answer::Batches { last, envelopes };
            let response = Response { from: self.config.node.clone(), id: serving.id, answer };
            self.send(&serving.scope, Kind::Response, Some(serving.to.clone()), message::to_bytes(&response));
            if !last {
                self.sync.serving.push_back(serving);
            }
        }
    }

    fn next_piece(&mut self, serving: &mut Serving) -> Result<(Vec<Vec<u8>>, usize), Refusal> {
        let (mut envelopes, mut bytes) = (Vec::new(), 0);
        while bytes < PIECE_BYTES {
            if serving.batches.is_empty() {
                let Some((document, heads)) = serving.documents.pop_first() else { break };
                serving.batches.extend(self.batches_missing(&document, &heads)?);
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

    fn receive_response(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        let response: Response = match message::from_bytes(&incoming.payload) {
            Ok(response) => response,
            Err(error) => return vec![malformed(&error)],
        };
        let expected = self.sync.asking.get_mut(&incoming.scope).filter(|asking| asking.id == response.id);
        let is_expected = expected.is_some();
        if let Some(asking) = expected {
            asking.until = now.plus_millis(ANSWER_MILLIS);
        }
        match response.answer {
            Answer::Batches { last, envelopes } => {
                if is_expected && last {
                    self.sync.asking.remove(&incoming.scope);
                    self.sync.due.insert(incoming.scope.clone(), now);
                    // One question has an end; where it brought something, there may be more.
                    if !envelopes.is_empty() {
                        self.differs(now, rng, &incoming.scope, &response.from, false);
                    }
                }
                let envelopes = envelopes.into_iter().map(Vec::from).collect();
                self.take_in(now, rng, &incoming.scope, &response.from, envelopes)
            }
            Answer::Compare(answer) if is_expected => {
                self.compare_on(&incoming.scope, &answer).map_or_else(|error| vec![malformed(&error)], |()| Vec::new())
            }
            // Of a comparison that was given up.
            Answer::Compare(_) => Vec::new(),
        }
    }

    pub(super) fn send(&mut self, scope: &Scope, kind: Kind, to: Option<Name>, payload: Vec<u8>) {
        self.batch.effects.push(Effect::Send { scope: scope.clone(), kind, to, payload });
    }
}

fn malformed(error: &dyn std::fmt::Display) -> Refused {
    Refused { kind: super::ingest::RefusedKind::Malformed, reason: error.to_string(), writer: None }
}
