//! Presence: who is here. A node says so when a link of it comes up; a broker says of who vanished that it is gone.
//!
//! Neither is signed, and a broker says late what a connection that was given up had left as its last will. So that a
//! node is gone is believed only once it has been silent for a second since: who is called gone and is here says so.

use rand_core::CryptoRng;

use super::Engine;
use super::digests::jitter;
use super::ingest::Refused;
use super::repair::malformed;
use crate::document::Scope;
use crate::id::Name;
use crate::storage::Storage;
use crate::sync::{GONE_AFTER_MILLIS, Incoming, Kind, Presence, SETTLE_MILLIS, message};
use crate::time::Timestamp;

/// How often at most a node says that it is here where others say that it is gone, however often they do: several times
/// before that would be believed.
const CONTRADICT_EVERY_MILLIS: i64 = GONE_AFTER_MILLIS / 4;

impl<S: Storage> Engine<S> {
    /// Whether a peer was heard of and is not known to be gone.
    pub(super) fn is_there(&self, now: Timestamp, node: &Name) -> bool {
        self.sync.peers().peer(node).is_some_and(|peer| peer.is_here(now))
    }

    /// What the broker is to say when this node vanishes.
    pub fn last_will(&self) -> Vec<u8> {
        message::to_bytes(&Presence { here: false })
    }

    /// Says that this node is here.
    pub(super) fn say_here(&mut self, now: Timestamp) {
        (self.sync.said_here, self.sync.contradicts_at) = (Some(now), None);
        self.send(&Scope::Fleet, Kind::Presence, None, message::to_bytes(&Presence { here: true }));
    }

    /// Says that this node is here where its name is said to be gone; soon, if it did a moment ago.
    pub(super) fn contradict(&mut self, now: Timestamp, incoming: &Incoming) {
        let said = message::from_bytes::<Presence>(&incoming.payload);
        if said.is_ok_and(|presence| !presence.here) {
            let next = self.sync.said_here.map_or(now, |at| at.plus_millis(CONTRADICT_EVERY_MILLIS));
            self.sync.contradicts_at = Some(next);
            self.tend_presence(now);
        }
    }

    /// Says what is due. A clock that went back holds nothing up.
    pub(super) fn tend_presence(&mut self, now: Timestamp) {
        let latest = now.plus_millis(CONTRADICT_EVERY_MILLIS);
        if self.sync.contradicts_at.is_some_and(|at| at <= now || at > latest) {
            self.say_here(now);
        }
    }

    /// A node that begins empty knows no scope to speak of, so whoever hears of it says what there is. Once for all
    /// that come at the same time, as they do when a broker comes back.
    pub(super) fn receive_presence(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        incoming: &Incoming,
    ) -> Vec<Refused> {
        let presence: Presence = match message::from_bytes(&incoming.payload) {
            Ok(presence) => presence,
            Err(error) => return vec![malformed(&error)],
        };
        let peer = self.sync.peers_mut().hear(&incoming.from, now);
        let is_back = !peer.is_here(now) || peer.is_said_gone();
        if presence.here {
            peer.note_here();
        } else {
            peer.note_gone(now);
        }
        if presence.here && is_back {
            let wait = SETTLE_MILLIS + jitter(rng, self.sync.spread_millis());
            self.sync.tell_who_came(now, wait);
        }
        Vec::new()
    }
}
