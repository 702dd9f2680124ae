//! Which link a message leaves on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tillmesh_core::document::{Interest, Scope};
use tillmesh_core::engine::{Committed, Effect, Relay};
use tillmesh_core::id::Name;
use tillmesh_core::sync::Kind;
use tokio::sync::mpsc;

use super::LinkName;
use crate::metrics::{Metrics, SentLabels};
use crate::mqtt::MAX_PAYLOAD;

/// How many messages may wait for a link, and how many bytes of them. What does not fit is dropped and comes again by
/// repair.
const MAX_OUTBOX: usize = 2_048;
const MAX_OUTBOX_BYTES: usize = 8 << 20;
/// The most peers whose link is remembered: as many as the engine knows. What is for any other goes on every link.
const MAX_HEARD: usize = 1_024;

/// Something to say on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runtime) enum Errand {
    /// A signed batch; several of one scope may share a message.
    Batch { scope: Scope, envelope: Vec<u8> },
    /// A message as it is.
    Send { scope: Scope, kind: Kind, to: Option<Name>, payload: Vec<u8> },
}

impl Errand {
    /// What it counts for in an outbox.
    pub(super) const fn size(&self) -> usize {
        match self {
            Self::Batch { envelope, .. } => envelope.len(),
            Self::Send { payload, .. } => payload.len(),
        }
    }

    const fn scope(&self) -> &Scope {
        match self {
            Self::Batch { scope, .. } | Self::Send { scope, .. } => scope,
        }
    }
}

/// Where a link takes from.
pub(super) type Waiting = (mpsc::Receiver<Errand>, Arc<AtomicUsize>);

/// The way to a link.
struct Outbox {
    link: LinkName,
    scopes: Interest,
    sender: mpsc::Sender<Errand>,
    bytes: Arc<AtomicUsize>,
}

/// The ways to the links, and on which of them each peer was heard last.
pub(in crate::runtime) struct Routes {
    outboxes: Vec<Outbox>,
    heard: BTreeMap<Name, (LinkName, u64)>,
    /// How many messages were heard: which peer was heard of longest ago.
    count: u64,
    metrics: Arc<Metrics>,
}

impl Routes {
    pub(in crate::runtime) fn new(metrics: Arc<Metrics>) -> Self {
        Self { outboxes: Vec::new(), heard: BTreeMap::new(), count: 0, metrics }
    }

    /// Adds the way to a link that carries these scopes.
    pub(super) fn open(&mut self, link: LinkName, scopes: Interest) -> Waiting {
        let (sender, receiver) = mpsc::channel(MAX_OUTBOX);
        let bytes = Arc::new(AtomicUsize::new(0));
        self.outboxes.push(Outbox { link, scopes, sender, bytes: Arc::clone(&bytes) });
        (receiver, bytes)
    }

    /// How many bytes of answers the links take where each may have so many waiting, and the peers on those that take
    /// no more: a slow link holds up nobody on the other.
    pub(in crate::runtime) fn room(&self, most: usize) -> (usize, BTreeSet<Name>) {
        let left = |outbox: &Outbox| most.saturating_sub(outbox.bytes.load(Relaxed));
        let (open, full): (Vec<_>, Vec<_>) = self.outboxes.iter().partition(|outbox| left(outbox) >= MAX_PAYLOAD);
        let room = open.into_iter().map(left).min().unwrap_or(if full.is_empty() { most } else { 0 });
        let on_full = |link: LinkName| full.iter().any(|outbox| outbox.link == link);
        let waits = self.heard.iter().filter(|(_, (link, _))| on_full(*link));
        (room, waits.map(|(peer, _)| peer.clone()).collect())
    }

    /// Remembers on which link a peer is.
    pub(in crate::runtime) fn note(&mut self, peer: Name, link: LinkName) {
        if self.outboxes.len() < 2 {
            return;
        }
        self.count += 1;
        if self.heard.len() >= MAX_HEARD && !self.heard.contains_key(&peer) {
            let oldest = self.heard.iter().min_by_key(|(_, (_, count))| *count).map(|(peer, _)| peer.clone());
            oldest.and_then(|peer| self.heard.remove(&peer));
        }
        self.heard.insert(peer, (link, self.count));
    }

    /// Passes on what a commit asks for.
    pub(in crate::runtime) fn post(&self, committed: Committed) {
        for effect in committed.effects {
            match effect {
                Effect::Batch { scope, envelope } => self.spread(&Errand::Batch { scope, envelope }, |_| true),
                Effect::Send { scope, kind, to, payload } => {
                    let link = to.as_ref().and_then(|peer| self.heard.get(peer)).map(|(link, _)| *link);
                    let errand = Errand::Send { scope, kind, to, payload };
                    self.spread(&errand, |each| link.is_none_or(|link| link == each));
                }
            }
        }
        for Relay { scope, envelope, heard_from } in committed.relays {
            let heard_on = self.heard.get(&heard_from).map(|(link, _)| *link);
            self.spread(&Errand::Batch { scope, envelope }, |each| Some(each) != heard_on);
        }
    }

    fn spread(&self, errand: &Errand, on: impl Fn(LinkName) -> bool) {
        let carries = |outbox: &&Outbox| on(outbox.link) && outbox.scopes.admits(errand.scope());
        for outbox in self.outboxes.iter().filter(carries) {
            let size = errand.size();
            // Counted before it can be taken out.
            let waits = outbox.bytes.fetch_add(size, Relaxed);
            if waits + size > MAX_OUTBOX_BYTES || outbox.sender.try_send(errand.clone()).is_err() {
                outbox.bytes.fetch_sub(size, Relaxed);
                let labels = SentLabels::new("outbox", "dropped", outbox.link.as_str());
                self.metrics.messages_sent.get_or_create(&labels).inc();
            }
        }
    }
}

#[cfg(test)]
mod tests;
