//! Anti-entropy: what is done with the messages of peers, and when.

use std::collections::VecDeque;
use std::ops::Bound;

use rand_core::CryptoRng;

use super::Engine;
use super::batch::Effect;
use super::ingest::{Ingested, Refused, RefusedKind};
use crate::document::Scope;
use crate::id::{Epoch, Name, Writer};
use crate::storage::Storage;
use crate::sync::{Answer, Ending, Incoming, Kind, MAX_IDLE_BYTES, Response, Taken, Why, message, unpack};
use crate::time::Timestamp;

impl<S: Storage> Engine<S> {
    /// Takes a message of a peer. What it changes is part of the batch; refused envelopes are counted and given back,
    /// to be logged. One of a scope that this node does not hold is not looked at.
    pub fn receive(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        self.sync.follow_clock(now);
        let Some(from) = incoming.sender() else { return vec![malformed(&"it does not say who sent it")] };
        if !self.interest.admits(&incoming.scope) {
            return Vec::new();
        }
        if from == self.config.node {
            return self.receive_under_own_name(now, rng, incoming);
        }
        let proved = self.is_more_than_a_name(&from);
        let peer = self.sync.peers_mut().hear(&from, now);
        peer.proved |= proved;
        if incoming.kind != Kind::Presence {
            peer.note_here();
        }
        let refused = match incoming.kind {
            Kind::Changes => self.receive_changes(now, rng, incoming),
            Kind::Digest => self.receive_digest(now, rng, incoming),
            Kind::Request => self.receive_request(now, rng, incoming).unwrap_or_else(|error| vec![malformed(&error)]),
            Kind::Response => self.receive_response(now, rng, incoming),
            Kind::Presence => self.receive_presence(now, rng, incoming),
        };
        let peer = self.sync.peers_mut().hear(&from, now);
        refused.iter().for_each(|refused| *peer.refused.entry(refused.kind).or_default() += 1);
        refused
    }

    /// Whether anything signed is known here of a node with this name: that it is a member, or a ledger.
    fn is_more_than_a_name(&self, node: &Name) -> bool {
        self.sync.peers().is_proved(node) || self.fleet.members.has_certified(node) || self.has_ledger(node)
    }

    /// Whether nothing signed is known of a node with this name, in a fleet that tells its members by what they sign.
    pub(super) fn is_stranger(&self, node: &Name) -> bool {
        let members = &self.fleet.members;
        members.anchor().is_some() && !members.has_certified(node) && !self.has_ledger(node)
    }

    /// Whether a peer stands where this node does, by its last digest.
    fn is_equal(&self, scope: &Scope, peer: &Name) -> bool {
        let own = self.sync.scopes.sum(scope).sum;
        self.sync.peers().scope(peer, scope).is_some_and(|heard| heard.sum == own)
    }

    fn has_ledger(&self, node: &Name) -> bool {
        let first = Writer { node: node.clone(), epoch: Epoch::from_bytes([0; 10]) };
        let view = self.committed();
        let mut named = view.writers.range_from(Bound::Included(first)).take_while(|(writer, _)| writer.node == *node);
        // Rights may have been given to a name under which nobody wrote.
        named.any(|(_, row)| row.events + row.unknown > 0)
    }

    /// Does what is due: digests, questions, and answers of at most `room` bytes. Gives when to call again at the
    /// latest.
    pub fn tick(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, room: usize) -> Timestamp {
        self.sync.follow_clock(now);
        self.tend_presence(now);
        self.end_late_questions(now, rng);
        self.say_digests(now, rng);
        self.ask(now);
        self.give_answers(now, room);
        self.tend_holds(now, rng);
        self.tend_cancelling(now);
        self.tend_fences(now);
        self.tend_retired(now, rng);
        self.tend_rights(now, rng);
        self.tend_low_water(now);
        let more = self.tend_openings(now);
        let serving = if self.sync.serving.is_empty() && !more { None } else { Some(now) };
        let sync = &self.sync;
        let asks = sync.differing.next(|scope| !sync.asking.contains_key(scope));
        let asked = sync.asking.values().map(|asking| asking.until.min(asking.end));
        let own = [self.holds.next(), self.unsettled.next(), self.seeking.next()].into_iter().flatten();
        let next = sync
            .telling
            .next()
            .into_iter()
            .chain(sync.corrections.next())
            .chain(sync.contradicts_at)
            .chain(asks)
            .chain(asked)
            .chain(serving)
            .chain(own);
        next.fold(sync.next_round, Timestamp::min).max(now)
    }

    /// A link to a broker came up: say what is here.
    pub fn link_up(&mut self, now: Timestamp) {
        self.sync.follow_clock(now);
        self.sync.next_round = now;
        self.sync.asking.clear();
        self.sync.patience.clear();
        self.sync.telling.forget_alike();
        self.say_here(now);
    }

    fn receive_changes(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        match unpack(&incoming.payload) {
            Ok(envelopes) => {
                let (taken, refused) = self.take_in(now, rng, &incoming.scope, &incoming.from, envelopes);
                self.note_heard(now, rng, incoming, &taken);
                refused
            }
            Err(error) => vec![malformed(&error)],
        }
    }

    /// What comes under this node's own name is its own echo as a rule. Batches that it did not send are those of a
    /// clone, or of another node with its name; nothing else can be told apart.
    fn receive_under_own_name(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        match incoming.kind {
            Kind::Presence => self.contradict(now, incoming),
            Kind::Digest => self.receive_own_digest(now, incoming),
            Kind::Changes => {
                let mut strange = unpack(&incoming.payload).unwrap_or_default();
                strange.retain(|envelope| !self.sync.echoes.expects(envelope));
                return self.take_in(now, rng, &incoming.scope, &incoming.from, strange).1;
            }
            Kind::Request | Kind::Response => {}
        }
        Vec::new()
    }

    fn take_in(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        scope: &Scope,
        from: &Name,
        envelopes: Vec<Vec<u8>>,
    ) -> (Taken, Vec<Refused>) {
        let (mut taken, mut refused) = (Taken::default(), Vec::new());
        let mut waiting = VecDeque::from(envelopes);
        while let Some(envelope) = waiting.pop_front() {
            match self.ingest(now, from, &envelope) {
                Ok(Ingested::New) => {
                    taken.new += 1;
                    waiting.extend(self.unblocked(&envelope));
                }
                Ok(Ingested::Known | Ingested::NotHeld) => {}
                Ok(Ingested::Early(early)) => {
                    taken.early += 1;
                    self.keep_early(early).into_iter().rev().for_each(|ready| waiting.push_front(ready));
                    if *from != self.config.node {
                        self.differs(now, rng, scope, from, Why::Early);
                    }
                }
                Err(error) => {
                    // Its certificate may be on its way.
                    if error.kind == RefusedKind::UnknownSigner && *from != self.config.node {
                        self.differs(now, rng, &Scope::Fleet, from, Why::Differs);
                    }
                    refused.push(error);
                }
            }
        }
        (taken, refused)
    }

    fn unblocked(&mut self, envelope: &[u8]) -> Vec<Vec<u8>> {
        if self.sync.early.is_empty() {
            return Vec::new();
        }
        match crate::envelope::reopen(envelope) {
            Ok(batch) => self.sync.take_early(&batch.document),
            Err(_) => Vec::new(),
        }
    }

    fn receive_response(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming) -> Vec<Refused> {
        let response = match message::read_response(&incoming.payload) {
            Ok(response) => response,
            Err(error) => return vec![malformed(&error)],
        };
        let Response { from, id, answer } = response;
        let asking = self.sync.asking.get(&incoming.scope);
        let is_expected = asking.is_some_and(|asking| asking.id == id && asking.peer == from);
        match answer {
            Answer::Batches { last, envelopes } => {
                let envelopes = envelopes.into_iter().map(Vec::from).collect();
                let (taken, refused) = self.take_in(now, rng, &incoming.scope, &from, envelopes);
                if is_expected {
                    if taken.new > 0 {
                        self.sync.peers_mut().prove(&from);
                    }
                    self.note_answer(now, rng, incoming, last, &taken);
                }
                refused
            }
            Answer::Compare(answer) if is_expected => self
                .compare_on(now, rng, &incoming.scope, &answer)
                .map_or_else(|error| vec![malformed(&error)], |()| Vec::new()),
            // Of a comparison that was given up.
            Answer::Compare(_) => Vec::new(),
            Answer::Denied(signed) => self.receive_denial(now, &from, id, &signed),
        }
    }

    /// A question has an end, and so has what a peer may send without bringing anything new.
    fn note_answer(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming, last: bool, taken: &Taken) {
        let Some(asking) = self.sync.asking.get_mut(&incoming.scope) else { return };
        asking.note(now, incoming.payload.len(), taken);
        let (peer, news, idle) = (asking.peer.clone(), asking.news, asking.idle_bytes > MAX_IDLE_BYTES);
        if idle || (last && (news || self.is_equal(&incoming.scope, &peer))) {
            self.end_asking(now, rng, &incoming.scope, Ending::Nothing);
        } else if last && let Some(asking) = self.sync.asking.get_mut(&incoming.scope) {
            asking.doubt(now);
        }
    }

    pub(super) fn send(&mut self, scope: &Scope, kind: Kind, to: Option<Name>, payload: Vec<u8>) {
        self.batch.effects.push(Effect::Send { scope: scope.clone(), kind, to, payload });
    }
}

pub(super) fn malformed(error: &dyn std::fmt::Display) -> Refused {
    Refused { kind: RefusedKind::Malformed, reason: error.to_string(), writer: None }
}
