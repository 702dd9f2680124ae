//! What is known of the peers: for people and metrics, never for correctness.

use std::collections::BTreeMap;

use crate::document::Scope;
use crate::engine::RefusedKind;
use crate::id::Name;
use crate::time::Timestamp;

/// The most peers that are remembered: a fleet's stores and kiosks; of more, those heard of longest ago are forgotten.
const MAX_PEERS: usize = 1_024;
/// The most scopes that are remembered of a peer.
const MAX_SCOPES: usize = 256;

/// The peers that were heard of.
#[derive(Debug, Clone)]
pub struct Peers {
    node: Name,
    peers: BTreeMap<Name, Peer>,
}

/// What is known of a peer.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// When it was last heard of.
    pub last_heard: Timestamp,
    /// Whether it is there, as far as the broker knows.
    pub here: bool,
    /// When the broker said last that it is gone.
    pub gone_at: Option<Timestamp>,
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
        Self { node, peers: BTreeMap::new() }
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
            let oldest = self.peers.iter().min_by_key(|(_, peer)| peer.last_heard).map(|(name, _)| name.clone());
            oldest.and_then(|name| self.peers.remove(&name));
        }
        let peer = self.peers.entry(name.clone()).or_default();
        peer.last_heard = now;
        peer
    }
}

impl PeerScope {
    /// Whether it was equal to this node's when heard.
    pub const fn equal(&self) -> bool {
        self.differs_since.is_none()
    }
}

impl Peer {
    pub(crate) fn note(&mut self, scope: &Scope, heard: PeerScope) {
        let known = self.scopes.get(scope);
        if known.is_some() || self.scopes.len() < MAX_SCOPES {
            let since = known.and_then(|known| known.differs_since);
            let differs_since = heard.differs_since.map(|at| since.unwrap_or(at));
            self.scopes.insert(scope.clone(), PeerScope { differs_since, ..heard });
        }
    }
}
