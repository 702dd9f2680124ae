//! What is known of the peers: for people and metrics, never for correctness.

use std::collections::BTreeMap;

use crate::document::Scope;
use crate::engine::RefusedKind;
use crate::id::Name;
use crate::time::Timestamp;

/// How long a node that is said to be gone may be silent before that is believed: several times what its word takes
/// across a continent.
pub(crate) const GONE_AFTER_MILLIS: i64 = 1_000;
/// The most peers that are remembered: a fleet's stores and kiosks. Of more, those heard of longest ago are forgotten,
/// first of all those that nothing but a name is known of: anybody can make one up.
const MAX_PEERS: usize = 1_024;
/// The most scopes that are remembered of a peer: headquarters hold those of every store.
const MAX_SCOPES: usize = 1_024;
/// The most of all peers together, some 16 MB. Of more, who has most loses what was heard longest ago.
const MAX_SCOPES_IN_ALL: usize = 65_536;

/// The peers that were heard of.
#[derive(Debug, Clone)]
pub struct Peers {
    node: Name,
    peers: BTreeMap<Name, Peer>,
    /// How many scopes are remembered of all of them: counted with each word of each peer, that would take longest.
    scopes: usize,
}

/// What is known of a peer.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// When it was last heard of.
    pub last_heard: Timestamp,
    /// Whether more is known of it than its name, which anybody can make up: something signed of a node with that name
    /// is held here, or an answer that it gave brought something new.
    pub proved: bool,
    /// Whether anything was heard of it itself.
    here: bool,
    /// Since when it is said to be gone, if nothing was heard of it itself since.
    gone_at: Option<Timestamp>,
    /// Its scopes.
    pub scopes: BTreeMap<Scope, PeerScope>,
    /// Envelopes of it that were refused, by kind.
    pub refused: BTreeMap<RefusedKind, u64>,
}

/// What is known of a scope at a peer.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerScope {
    /// Its digest.
    pub sum: [u8; 32],
    /// How many documents it holds.
    pub documents: u64,
    /// How many changes they have.
    pub changes: u64,
    /// How many more it has than this node had when it said so; fewer, where that is below zero.
    pub lead: i64,
    /// When it said so.
    pub heard_at: Timestamp,
    /// Since when it has differed from this node, as far as was heard; none: it was equal when last heard.
    pub differs_since: Option<Timestamp>,
}

impl Peers {
    pub(super) const fn new(node: Name) -> Self {
        Self { node, peers: BTreeMap::new(), scopes: 0 }
    }

    /// The peers, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Peer)> {
        self.peers.iter()
    }

    /// One peer.
    pub fn peer(&self, name: &Name) -> Option<&Peer> {
        self.peers.get(name)
    }

    /// How many peers are remembered.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nobody was heard yet.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// What a peer said last of a scope.
    pub fn scope(&self, name: &Name, scope: &Scope) -> Option<&PeerScope> {
        self.peers.get(name)?.scopes.get(scope)
    }

    /// This node's own name.
    pub const fn node(&self) -> &Name {
        &self.node
    }

    pub(crate) fn hear(&mut self, name: &Name, now: Timestamp) -> &mut Peer {
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(name) {
            let worth = |peer: &Peer| (peer.proved, peer.last_heard);
            let oldest = self.peers.iter().min_by_key(|(_, peer)| worth(peer)).map(|(name, _)| name.clone());
            let forgotten = oldest.and_then(|name| self.peers.remove(&name));
            self.scopes -= forgotten.map_or(0, |peer| peer.scopes.len());
        }
        let peer = self.peers.entry(name.clone()).or_default();
        peer.last_heard = now;
        peer
    }

    /// Remembers that more is known of a peer than its name, if it was heard of.
    pub(crate) fn prove(&mut self, name: &Name) {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.proved = true;
        }
    }

    /// Whether more is known of a peer than its name.
    pub fn is_proved(&self, name: &Name) -> bool {
        self.peers.get(name).is_some_and(|peer| peer.proved)
    }

    /// Remembers what a peer that was heard of said of a scope.
    pub(crate) fn note(&mut self, name: &Name, scope: &Scope, heard: PeerScope) {
        let Some(peer) = self.peers.get_mut(name) else { return };
        let before = peer.scopes.len();
        peer.note(scope, heard);
        self.scopes += peer.scopes.len() - before;
        if self.scopes > MAX_SCOPES_IN_ALL
            && let Some(most) = self.peers.values_mut().max_by_key(|peer| peer.scopes.len())
        {
            most.forget_one();
            self.scopes -= 1;
        }
    }
}

impl PeerScope {
    /// Whether it was equal to this node's when heard.
    pub const fn equal(&self) -> bool {
        self.differs_since.is_none()
    }
}

impl Peer {
    /// Whether it is there, as far as was heard. That it is gone is believed once it was silent for a while since.
    pub fn is_here(&self, now: Timestamp) -> bool {
        let may_answer = |at: Timestamp| at <= now && now < at.plus_millis(GONE_AFTER_MILLIS);
        self.here && self.gone_at.is_none_or(may_answer)
    }

    /// Whether it is said to be gone, believed or not.
    pub(crate) const fn is_said_gone(&self) -> bool {
        self.gone_at.is_some()
    }

    /// Remembers that it was heard itself.
    pub(crate) const fn note_here(&mut self) {
        self.here = true;
        self.gone_at = None;
    }

    /// Remembers that it is said to be gone.
    pub(crate) fn note_gone(&mut self, now: Timestamp) {
        self.gone_at = Some(self.gone_at.map_or(now, |at| at.min(now)));
    }

    fn note(&mut self, scope: &Scope, heard: PeerScope) {
        if self.scopes.len() >= MAX_SCOPES && !self.scopes.contains_key(scope) {
            self.forget_one();
        }
        let since = self.scopes.get(scope).and_then(|known| known.differs_since);
        let differs_since = heard.differs_since.map(|at| since.unwrap_or(at));
        self.scopes.insert(scope.clone(), PeerScope { differs_since, ..heard });
    }

    /// Forgets the scope that was heard of longest ago.
    fn forget_one(&mut self) {
        let oldest = self.scopes.iter().min_by_key(|(_, scope)| scope.heard_at).map(|(scope, _)| scope.clone());
        oldest.and_then(|scope| self.scopes.remove(&scope));
    }
}

#[cfg(test)]
mod tests;
