//! The sync protocol: what is said, and what is remembered of it.
//!
//! Messages are hints; anti-entropy is the truth. Every message may be lost, repeated, reordered or forged.
//!
//! ```text
//! changes    signed batches, to everybody in a scope, as soon as they are durable
//! digest     the sum over (document, heads) of a scope, to everybody, now and then and after changes
//! request    "this is what I hold", to a peer whose digest differs; of much, by comparing fingerprints of ranges first
//! response   the peer's fingerprints, or the batches that the asker lacks, in pieces
//! presence   "I am here"; the broker says "I am gone" as the last will
//! ```
//!
//! A digest is a sum of hashes (modulo 2^256), so it follows each change in constant time.

pub(crate) mod message;
mod peers;
pub(crate) mod ranges;
mod scopes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;

pub use message::{Held, Kind, MAX_MESSAGE, MessageError, pack, unpack};
pub use peers::{Peer, PeerScope, Peers};

pub(crate) use message::{Answer, Ask, Digest, Presence, Request, Response, Wanted};
pub(crate) use scopes::Scopes;

use crate::document::{DocumentId, Scope};
use crate::id::{ChangeHash, Name};
use crate::time::Timestamp;
use crate::view::{Position, Staged, View};

use ranges::{Item, Ranges, RangesError};

/// A message of a peer.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The scope, as its topic says.
    pub scope: Scope,
    /// What kind of message.
    pub kind: Kind,
    /// The last level of its topic: the sender, but of a request or response, which say themselves who sent them, the
    /// node that it is for. Not proved: only signatures are believed.
    pub from: Name,
    /// The message.
    pub payload: Vec<u8>,
}

/// How often a node says its digests when nothing happens: what a lost message costs at most.
pub(crate) const DIGEST_EVERY_MILLIS: i64 = 10_000;
/// How long after a change it says them: long enough for a burst to be one digest.
pub(crate) const DIGEST_AFTER_CHANGE_MILLIS: i64 = 1_000;
/// How long a node waits before it acts on a digest that differs: most differences are messages on their way.
pub(crate) const SETTLE_MILLIS: i64 = 150;
/// How long a node that has more than its peer waits beyond that: the peer asks first, and may be equal by then.
pub(crate) const AHEAD_MILLIS: i64 = 2_000;
/// How long a node waits for the next piece of an answer before it may ask again.
pub(crate) const ANSWER_MILLIS: i64 = 5_000;
/// The most answers that are being given at once; a request beyond them is not taken, its asker asks again.
pub const MAX_SERVING: usize = 64;
/// The most documents that all answers together still have to look at: what is left out is asked for again. An asker
/// that repeats its request, or lies about what it holds, cannot make a node remember more.
pub const MAX_ANSWER_DOCUMENTS: usize = 16_384;
/// The most heads of a document that are believed in a request: of more, the asker is taken to hold nothing of it. A
/// ledger has one, a cart as many as nodes wrote to it apart.
pub(crate) const MAX_HEADS: usize = 64;
/// The most bytes of batches that wait for their ancestors: a few hundred; what is dropped is fetched again.
pub const MAX_EARLY_BYTES: usize = 4 * 1024 * 1024;
/// Up to how many documents of a scope are listed one by one in a request: their list is about as long as the first
/// message of a comparison, and saves its round trips.
pub(crate) const MAX_LISTED: u64 = 8;
/// The most documents that one comparison finds out, half a megabyte; the next one finds the rest.
pub(crate) const MAX_WANTED: usize = MAX_ANSWER_DOCUMENTS;
/// The most scopes of which this node holds nothing that it asks for at once: a fleet's newcomer gets through its
/// scopes in rounds, and names that somebody makes up fill no memory.
pub const MAX_NEW_SCOPES: usize = 64;

/// What a node remembers of the protocol. Nothing of it is stored: a restart begins with a digest.
pub(crate) struct Sync {
    peers: Peers,
    pub scopes: Scopes,
    /// When the next digest of every scope is due.
    pub next_round: Timestamp,
    /// Scopes whose digest is due before that.
    pub due: BTreeMap<Scope, Timestamp>,
    /// Scopes that differ at a peer.
    pub differing: BTreeMap<Scope, Differing>,
    /// Requests that wait for an answer.
    pub asking: BTreeMap<Scope, Asking>,
    /// Answers that are being given.
    pub serving: VecDeque<Serving>,
    /// Batches that wait for their ancestors, oldest first.
    pub early: VecDeque<Early>,
    pub early_bytes: usize,
    pub next_request: u64,
    /// What this node holds of the scope that was compared last, until that changes.
    compared: Option<(Scope, Ranges)>,
}

pub(crate) struct Differing {
    pub peer: Name,
    /// When to act on it.
    pub at: Timestamp,
    /// Whether this node has more changes: then the peer is told so first, and asks.
    pub ahead: bool,
}

pub(crate) struct Asking {
    pub id: u64,
    pub peer: Name,
    pub until: Timestamp,
    /// What a comparison has found so far.
    pub wanted: Vec<Item>,
}

/// An answer in progress: documents still to be looked at, and batches still to be sent.
pub(crate) struct Serving {
    pub to: Name,
    pub scope: Scope,
    pub id: u64,
    pub documents: BTreeMap<DocumentId, Vec<ChangeHash>>,
    pub batches: VecDeque<(Position, u16)>,
}

pub(crate) struct Early {
    pub document: DocumentId,
    pub envelope: Vec<u8>,
}

/// What is kept in memory for peers: each is bounded, whatever they send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Bytes of batches that wait for their ancestors, at most [`MAX_EARLY_BYTES`].
    pub early_bytes: usize,
    /// Answers that are being given, at most [`MAX_SERVING`].
    pub answers: usize,
    /// Documents that they still have to look at, at most [`MAX_ANSWER_DOCUMENTS`].
    pub answer_documents: usize,
    /// Scopes that differ at a peer or were asked for: those that this node holds, and at most [`MAX_NEW_SCOPES`]
    /// others.
    pub scopes: usize,
}

impl Sync {
    pub fn new(node: Name, now: Timestamp, rng: &mut dyn CryptoRng) -> Self {
        Self {
            peers: Peers::new(node),
            scopes: Scopes::default(),
            next_round: now,
            due: BTreeMap::new(),
            differing: BTreeMap::new(),
            asking: BTreeMap::new(),
            serving: VecDeque::new(),
            early: VecDeque::new(),
            early_bytes: 0,
            next_request: rng.next_u64(),
            compared: None,
        }
    }

    pub const fn peers(&self) -> &Peers {
        &self.peers
    }

    pub const fn peers_mut(&mut self) -> &mut Peers {
        &mut self.peers
    }

    /// What is kept for peers at this moment.
    pub fn waiting(&self) -> Waiting {
        Waiting {
            early_bytes: self.early_bytes,
            answers: self.serving.len(),
            answer_documents: self.answer_documents(),
            scopes: self.differing.keys().chain(self.asking.keys()).collect::<BTreeSet<_>>().len(),
        }
    }

    /// Says the digest of every scope at this time, unless it is said before.
    pub fn say_soon(&mut self, at: Timestamp) {
        for (scope, _) in self.scopes.iter() {
            let due = self.due.entry(scope.clone()).or_insert(at);
            *due = at.min(*due);
        }
    }

    /// Whether there is room to ask for a scope.
    pub fn has_room_for(&self, scope: &Scope) -> bool {
        let wanted = self.differing.keys().chain(self.asking.keys());
        let new: BTreeSet<_> = wanted.filter(|scope| !self.scopes.holds(scope)).collect();
        self.scopes.holds(scope) || new.len() < MAX_NEW_SCOPES
    }

    fn answer_documents(&self) -> usize {
        self.serving.iter().map(|serving| serving.documents.len()).sum()
    }

    /// Begins an answer, or adds a piece of its request to it. An older request of the same asker is answered no
    /// further.
    pub fn serve(&mut self, to: Name, scope: Scope, id: u64, documents: BTreeMap<DocumentId, Vec<ChangeHash>>) {
        self.serving.retain(|serving| serving.to != to || serving.scope != scope || serving.id == id);
        let room = MAX_ANSWER_DOCUMENTS.saturating_sub(self.answer_documents());
        let documents = documents.into_iter().take(room);
        let known = self.serving.iter().position(|serving| serving.to == to && serving.scope == scope);
        if let Some(place) = known {
            self.serving[place].documents.extend(documents);
        } else if self.serving.len() < MAX_SERVING {
            let documents = documents.collect();
            self.serving.push_back(Serving { to, scope, id, documents, batches: VecDeque::new() });
        }
    }

    /// Counts every document anew: after the view was loaded.
    pub fn count_documents(&mut self, view: &View) {
        self.compared = None;
        self.scopes = Scopes::of(view);
    }

    /// Follows the documents that a commit changed; the view still shows them as they were.
    pub fn note_documents(&mut self, view: &View, staged: &Staged) {
        for scope in self.scopes.follow(view, staged) {
            self.compared.take_if(|(compared, _)| *compared == scope);
            self.due.entry(scope).or_insert(Timestamp::MIN);
        }
    }

    /// What this node holds of a scope, for a comparison.
    pub fn ranges(&mut self, view: &View, scope: &Scope) -> Result<&Ranges, RangesError> {
        let ranges = match self.compared.take() {
            Some((compared, ranges)) if compared == *scope => ranges,
            _ => Ranges::of(view, scope)?,
        };
        Ok(&self.compared.insert((scope.clone(), ranges)).1)
    }

    /// Lets go of what was made for comparisons.
    pub fn forget_ranges(&mut self) {
        self.compared = None;
    }

    /// Pulls everything that is scheduled back into its interval: a clock that went back must not silence a node for
    /// hours.
    pub fn clamp(&mut self, now: Timestamp) {
        let clamp = |at: &mut Timestamp, millis: i64| *at = (*at).min(now.plus_millis(millis));
        clamp(&mut self.next_round, DIGEST_EVERY_MILLIS + DIGEST_EVERY_MILLIS / 4);
        self.due.values_mut().for_each(|at| clamp(at, DIGEST_AFTER_CHANGE_MILLIS));
        self.differing.values_mut().for_each(|differing| clamp(&mut differing.at, 2 * SETTLE_MILLIS + AHEAD_MILLIS));
        self.asking.values_mut().for_each(|asking| clamp(&mut asking.until, ANSWER_MILLIS));
    }

    /// Keeps a batch until its ancestors come; the oldest ones go when there are too many.
    pub fn keep_early(&mut self, document: DocumentId, envelope: Vec<u8>) {
        if self.early.iter().any(|early| early.envelope == envelope) {
            return;
        }
        self.early_bytes += envelope.len();
        self.early.push_back(Early { document, envelope });
        while self.early_bytes > MAX_EARLY_BYTES {
            let Some(dropped) = self.early.pop_front() else { return };
            self.early_bytes -= dropped.envelope.len();
        }
    }

    /// Takes the waiting batches of a document.
    pub fn take_early(&mut self, document: &DocumentId) -> Vec<Vec<u8>> {
        let (mine, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.early).into_iter().partition(|early| early.document == *document);
        self.early = others;
        self.early_bytes = self.early.iter().map(|early| early.envelope.len()).sum();
        mine.into_iter().map(|early| early.envelope).collect()
    }
}
