//! Digests: saying where this node stands, hearing where others stand, and whom to ask because of it.

use rand_core::CryptoRng;

use super::Engine;
use super::ingest::Refused;
use super::repair::malformed;
use crate::document::Scope;
use crate::id::Name;
use crate::storage::Storage;
use crate::sync::{
    AFTER_CHANGE_MILLIS, AHEAD_MILLIS, Asking, Candidate, DIGEST_EVERY_MILLIS, Digest, Ending, Incoming, Kind,
    MOST_AHEAD_MILLIS, MOST_CROWD_MILLIS, PeerScope, SETTLE_MILLIS, Taken, Why, message,
};
use crate::time::Timestamp;

impl<S: Storage> Engine<S> {
    pub(super) fn receive_digest(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        incoming: &Incoming,
    ) -> Vec<Refused> {
        let digest = match message::read_digest(&incoming.payload) {
            Ok(digest) => digest,
            Err(error) => return vec![malformed(&error)],
        };
        let (scope, peer) = (&incoming.scope, &incoming.from);
        let own = self.sync.scopes.sum(scope);
        let equal = own.sum == digest.sum;
        let heard = PeerScope {
            sum: digest.sum,
            documents: digest.documents,
            changes: digest.changes,
            lead: difference(digest.changes, own.changes),
            heard_at: now,
            differs_since: (!equal).then_some(now),
        };
        self.sync.peers_mut().note(peer, scope, heard);
        if equal {
            // Who speaks on one line does not speak on the other for a node that joins both, and a name that somebody
            // makes up does not speak for a fleet's member.
            if !self.relays && (self.fleet.members.anchor().is_none() || self.sync.peers().is_proved(peer)) {
                self.sync.telling.hear_equal(scope, peer, now);
            }
            self.sync.patience.forget(scope, peer);
            self.sync.differing.hear_equal(scope, peer, &own.sum);
        } else {
            self.sync.telling.hear_other(scope, peer);
            self.hear_difference(now, rng, scope, peer, heard);
        }
        Vec::new()
    }

    /// Takes a digest in this node's own name: where it did not say that itself, people would see it stand elsewhere.
    pub(super) fn receive_own_digest(&mut self, now: Timestamp, incoming: &Incoming) {
        let Ok(digest) = message::read_digest(&incoming.payload) else { return };
        self.sync.corrections.hear(now, &incoming.scope, &digest);
    }

    fn hear_difference(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        scope: &Scope,
        peer: &Name,
        heard: PeerScope,
    ) {
        let soon = now.plus_millis(SETTLE_MILLIS + jitter(rng, SETTLE_MILLIS));
        let spread = self.sync.spread_millis();
        for known in self.sync.differing.of_mut(scope) {
            if known.peer != *peer && known.sum == heard.sum && known.crowd {
                // Not many lack what the peer has: many have it.
                known.crowd = false;
                known.at = known.at.min(soon);
            } else if known.peer == *peer && known.sum != heard.sum {
                known.sum = heard.sum;
                if known.why == Why::Told && known.since.plus_millis(MOST_AHEAD_MILLIS) > now {
                    known.at = now.plus_millis(AHEAD_MILLIS + jitter(rng, 4 * spread));
                }
            }
        }
        let why = if heard.lead < 0 { Why::Told } else { Why::Differs };
        self.differs(now, rng, scope, peer, why);
    }

    /// Remembers that a peer is to be asked about a scope, unless another one is.
    pub(super) fn differs(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, scope: &Scope, peer: &Name, why: Why) {
        let preferred = self.sync.differing.doubts_names() && self.sync.peers().is_proved(peer);
        if self.sync.differing.has_for(scope, peer, preferred, why) || !self.sync.has_room_for(scope, peer) {
            return;
        }
        let heard = self.sync.peers().scope(peer, scope).copied().unwrap_or_default();
        let lead = (why != Why::Early).then_some(heard.lead);
        if self.sync.patience.until(scope, peer, lead).is_some_and(|until| until > now) {
            return;
        }
        let crowd = why != Why::Early && self.sync.telling.has_alike(scope, now);
        let spread = self.sync.spread_millis();
        let mut at = now.plus_millis(SETTLE_MILLIS + jitter(rng, if crowd { spread } else { SETTLE_MILLIS }));
        if why == Why::Told {
            self.sync.telling.say(scope, now.plus_millis(SETTLE_MILLIS + jitter(rng, spread)));
            at = now.plus_millis(SETTLE_MILLIS + AHEAD_MILLIS + jitter(rng, 4 * spread));
        }
        let (sum, own) = (heard.sum, self.sync.scopes.sum(scope).sum);
        let candidate = Candidate { peer: peer.clone(), preferred, why, at, since: now, sum, own, crowd };
        self.sync.differing.insert(scope, candidate);
    }

    pub(super) fn say_digests(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let (spread, peers) = (self.sync.spread_millis(), self.sync.peers().len());
        let mut said = self.sync.telling.take_due(now, || AFTER_CHANGE_MILLIS + jitter(rng, spread));
        if self.sync.next_round <= now {
            self.sync.comparisons.forget_old(now);
            self.sync.next_round = now.plus_millis(DIGEST_EVERY_MILLIS + jitter(rng, DIGEST_EVERY_MILLIS / 4));
            let held = self.sync.scopes.iter().map(|(scope, _)| scope);
            let of_round = self.sync.telling.take_round(now, peers, held);
            said.extend(of_round);
            if self.sync.scopes.is_empty() {
                said.push(Scope::Catalog);
            }
        }
        said.extend(self.sync.corrections.take_due(now));
        said.sort();
        said.dedup();
        // A store may hold more than its node does, from the time before its settings changed.
        said.retain(|scope| self.interest.admits(scope));
        said.iter().for_each(|scope| self.say_digest(now, scope));
    }

    fn say_digest(&mut self, now: Timestamp, scope: &Scope) {
        let own = self.sync.scopes.sum(scope);
        let digest = Digest { sum: own.sum, documents: own.documents, changes: own.changes };
        self.sync.corrections.note_said(now, scope, digest);
        self.send(scope, Kind::Digest, None, message::to_bytes(&digest));
    }

    /// Asks peers that still differ, one in each scope at a time.
    pub(super) fn ask(&mut self, now: Timestamp) {
        for scope in self.sync.differing.due(now) {
            if self.sync.asking.contains_key(&scope) {
                continue;
            }
            let Some(candidate) = self.sync.differing.take_due(now, &scope) else { continue };
            let Candidate { peer, why, crowd, sum, .. } = candidate;
            let own = self.sync.scopes.sum(&scope);
            let heard = self.sync.peers().scope(&peer, &scope).copied();
            if why != Why::Early && sum == own.sum {
                continue;
            }
            self.sync.next_request = self.sync.next_request.wrapping_add(1);
            let lead = heard.map_or(0, |heard| difference(heard.changes, own.changes));
            let mere_name = !self.sync.peers().is_proved(&peer);
            let asking = Asking { mere_name, ..Asking::new(now, self.sync.next_request, peer, lead, crowd) };
            self.begin_asking(now, &scope, &asking);
            self.sync.asking.insert(scope, asking);
        }
    }

    /// Ends the question about a scope. Where it brought something, there may be more.
    pub(super) fn end_asking(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, scope: &Scope, ending: Ending) {
        let Some(asking) = self.sync.asking.remove(scope) else { return };
        let ending = match ending {
            _ if asking.news => Ending::News,
            Ending::Nothing if asking.early => Ending::Open,
            other => other,
        };
        self.sync.patience.note(now, scope, &asking.peer, asking.lead, ending);
        if asking.mere_name {
            self.sync.differing.note_mere_name(asking.news);
        }
        if ending == Ending::News {
            self.sync.telling.say(scope, now);
            self.differs(now, rng, scope, &asking.peer, Why::Differs);
        }
    }

    /// Ends questions whose time is over.
    pub(super) fn end_late_questions(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        let late = self.sync.asking.iter().filter(|(_, asking)| asking.until.min(asking.end) <= now);
        let ending = |asking: &Asking| if asking.said_all { Ending::Nothing } else { Ending::Open };
        let late: Vec<_> = late.map(|(scope, asking)| (scope.clone(), ending(asking))).collect();
        late.iter().for_each(|(scope, ending)| self.end_asking(now, rng, scope, *ending));
    }

    /// What was sent to everybody may be what this node was about to ask for, or the answer that it waits for.
    pub(super) fn note_heard(&mut self, now: Timestamp, rng: &mut dyn CryptoRng, incoming: &Incoming, taken: &Taken) {
        if taken.new == 0 {
            return;
        }
        let asking = self.sync.asking.get_mut(&incoming.scope);
        if let Some(asking) = asking.filter(|asking| asking.crowd && asking.peer == incoming.from) {
            asking.note(now, incoming.payload.len(), taken);
        }
        let spread = self.sync.spread_millis();
        let candidates = self.sync.differing.of_mut(&incoming.scope);
        for candidate in candidates.filter(|candidate| candidate.crowd) {
            if candidate.since.plus_millis(MOST_CROWD_MILLIS) > now {
                candidate.at = candidate.at.max(now.plus_millis(SETTLE_MILLIS + jitter(rng, spread)));
            }
        }
    }
}

/// How many more than the other the first is.
fn difference(first: u64, other: u64) -> i64 {
    let wide = i128::from(first) - i128::from(other);
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

/// A number of milliseconds below this one.
pub(super) fn jitter(rng: &mut dyn CryptoRng, below: i64) -> i64 {
    i64::try_from(rng.next_u64() % below.max(1).unsigned_abs()).unwrap_or_default()
}
