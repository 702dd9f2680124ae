//! The sync protocol: what is said, and what is remembered of it.
//!
//! Messages are hints; anti-entropy is the truth. Every message may be lost, repeated, reordered or forged.
//!
//! ```text
//! changes    signed batches, to everybody in a scope, as soon as they are durable
//! digest     the sum over (document, heads) of a scope, to everybody, now and then and after changes
//! request    "this is what I hold", to a peer whose digest differs; of much, by comparing fingerprints of ranges first
//! response   the peer's fingerprints, or the batches that the asker lacks, in pieces
//! presence   "I am here"; the broker says "I am gone" as the last will, and whoever is here all the same says so
//! ```
//!
//! A digest is a sum of hashes (modulo 2^256), so it follows each change in constant time.

mod allowance;
mod claim;
mod comparisons;
mod corrections;
mod denial;
mod differing;
mod echoes;
pub(crate) mod message;
mod patience;
mod peers;
pub(crate) mod ranges;
mod scopes;
mod telling;
mod wish;
pub(crate) mod word;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;

pub use claim::ClaimRefusal;
pub use message::{Held, Kind, MAX_MESSAGE, MessageError, pack, reread, unpack};
pub use peers::{Peer, PeerScope, Peers};

pub(crate) use claim::{Claim, Claiming, Claims};
pub(crate) use denial::{Denial, Denied};
pub(crate) use differing::{Candidate, Differing, Why};
pub(crate) use message::{Answer, Ask, Digest, Presence, Request, Response, Wanted};
pub(crate) use patience::{Ending, Patience};
pub(crate) use peers::GONE_AFTER_MILLIS;
pub(crate) use scopes::Scopes;
use telling::MOST_SPREAD_MILLIS;
pub(crate) use telling::{AFTER_CHANGE_MILLIS, Telling, spread_millis};
pub(crate) use wish::{Goodness, Granted, MAX_SEEN, WantedRights, Wish, Wished};

use crate::document::{DocumentId, Scope};
use crate::id::{ChangeHash, Name};
use crate::time::Timestamp;
use crate::view::{Position, Staged, View};

use allowance::Allowance;
use comparisons::Comparisons;
use corrections::Corrections;
use echoes::Echoes;
use ranges::Item;

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

impl Incoming {
    /// Who sent it, by its own word; none when it does not say.
    pub fn sender(&self) -> Option<Name> {
        match self.kind {
            Kind::Request | Kind::Response => message::sender(&self.payload),
            Kind::Changes | Kind::Digest | Kind::Presence => Some(self.from.clone()),
        }
    }
}

/// How often a node says its digests when nothing happens: what a lost message costs at most.
pub(crate) const DIGEST_EVERY_MILLIS: i64 = 10_000;
/// How long a node waits before it acts on a digest that differs: most differences are messages on their way.
pub(crate) const SETTLE_MILLIS: i64 = 150;
/// How long a node that has more than its peer waits beyond that: the peer asks first, and may be equal by then.
pub(crate) const AHEAD_MILLIS: i64 = 2_000;
/// How long a node at most lets a peer that has less go on becoming equal before it asks it all the same.
pub(crate) const MOST_AHEAD_MILLIS: i64 = 60_000;
/// How long a node that is one of many that lack the same lets their answer go on before it asks for itself.
pub(crate) const MOST_CROWD_MILLIS: i64 = 10_000;
/// How long a node waits for the next piece of an answer before it may ask again.
pub(crate) const ANSWER_MILLIS: i64 = 5_000;
/// How much longer a node waits for an answer of which it was said that there is nothing more, and nothing came:
/// several times what a message takes across a continent.
const DOUBT_MILLIS: i64 = 500;
/// How long one answer may take, whatever it brings: then it is asked for anew, and another peer has its turn.
const MOST_ANSWER_MILLIS: i64 = 60_000;
/// How many bytes of an answer may bring nothing new before it is given up; a message counts for at least
/// [`LEAST_PIECE_BYTES`].
pub(crate) const MAX_IDLE_BYTES: usize = 1024 * 1024;
/// See [`MAX_IDLE_BYTES`].
const LEAST_PIECE_BYTES: usize = 16 * 1024;
/// How many messages a comparison may take: those that find out [`MAX_WANTED`] documents, and as many again.
const MAX_ROUNDS: u32 = 32;
/// How many of them in a row may find nothing: more than the ranges of any scope can be divided.
const MAX_IDLE_ROUNDS: u32 = 12;
/// For how long documents that were sent to everybody are not sent to everybody again.
pub(crate) const SHARED_MILLIS: i64 = 3_000;
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
/// How many of them may be asked of peers of which nothing is known but a name, so that the others have room.
const MAX_NEW_SCOPES_OF_NAMES: usize = MAX_NEW_SCOPES / 2;

/// What a node remembers of the protocol. Nothing of it is stored: a restart begins with a digest.
pub(crate) struct Sync {
    peers: Peers,
    /// The latest time at which something was done.
    clock: Timestamp,
    pub scopes: Scopes,
    /// When the next digest of every scope is due.
    pub next_round: Timestamp,
    /// Digests that are due before that.
    pub telling: Telling,
    /// Digests that are due because others said some in this node's name.
    pub corrections: Corrections,
    /// Scopes that differ at a peer.
    pub differing: Differing,
    /// Requests that wait for an answer.
    pub asking: BTreeMap<Scope, Asking>,
    /// Whom not to ask again for a while.
    pub patience: Patience,
    /// What those still get of whom nothing signed is known.
    pub allowance: Allowance,
    /// How many bytes of answers still have room on their way out, since the last tick.
    pub room: usize,
    /// Answers that are being given.
    pub serving: VecDeque<Serving>,
    /// Peers whose answers wait for room on their line.
    pub held_back: BTreeSet<Name>,
    /// Documents that everybody was sent a moment ago, from which heads on, and until when that counts.
    pub shared: BTreeMap<DocumentId, (Vec<ChangeHash>, Timestamp)>,
    /// Batches that this node sent, and will hear from the broker.
    pub echoes: Echoes,
    /// Batches that wait for their ancestors, oldest first.
    pub early: VecDeque<Early>,
    pub early_bytes: usize,
    pub next_request: u64,
    /// When peers that came, or came back, are told where this node stands, or were.
    told_at: Option<Timestamp>,
    /// When this node said last that it is here.
    pub said_here: Option<Timestamp>,
    /// When it says so again, since others say that it is gone.
    pub contradicts_at: Option<Timestamp>,
    /// What is ready for comparisons.
    pub comparisons: Comparisons,
    /// Tokens of carts that were asked for.
    pub claims: Claims,
    /// Wishes that were granted.
    pub granted: Granted,
}

/// A question that waits for its answer.
pub(crate) struct Asking {
    pub id: u64,
    pub peer: Name,
    /// When the peer counts as silent.
    pub until: Timestamp,
    /// When the question ends, whatever comes.
    pub end: Timestamp,
    /// How many changes the peer had more when it was asked.
    pub lead: i64,
    /// Whether nothing but its name was known of the peer.
    pub mere_name: bool,
    /// Whether others seem to lack the same.
    pub crowd: bool,
    /// What a comparison has found so far.
    pub wanted: Vec<Item>,
    /// How many messages it took, and how many of them in a row found nothing.
    pub rounds: u32,
    pub idle_rounds: u32,
    /// How many bytes have brought nothing since something new came.
    pub idle_bytes: usize,
    /// Whether something new came.
    pub news: bool,
    /// Whether batches came that wait for their ancestors.
    pub early: bool,
    /// Whether somebody said in the peer's name that this was all.
    pub said_all: bool,
}

impl Asking {
    pub fn new(now: Timestamp, id: u64, peer: Name, lead: i64, crowd: bool) -> Self {
        Self {
            id,
            peer,
            until: now.plus_millis(ANSWER_MILLIS),
            end: now.plus_millis(MOST_ANSWER_MILLIS),
            lead,
            mere_name: false,
            crowd,
            wanted: Vec::new(),
            rounds: 0,
            idle_rounds: 0,
            idle_bytes: 0,
            news: false,
            early: false,
            said_all: false,
        }
    }

    /// Whether a comparison goes on for too long, or finds nothing.
    pub const fn is_tired(&self) -> bool {
        self.rounds > MAX_ROUNDS || self.idle_rounds > MAX_IDLE_ROUNDS
    }

    /// That this was all is not signed. Where it brought nothing, what the peer says itself still has a while to come.
    pub fn doubt(&mut self, now: Timestamp) {
        self.said_all = true;
        self.until = self.until.min(now.plus_millis(DOUBT_MILLIS));
    }

    /// Notes what a message of the answer brought.
    pub fn note(&mut self, now: Timestamp, bytes: usize, taken: &Taken) {
        self.until = now.plus_millis(ANSWER_MILLIS);
        self.news |= taken.new > 0;
        self.early |= taken.early > 0;
        self.idle_bytes = if taken.new > 0 { 0 } else { self.idle_bytes + bytes.max(LEAST_PIECE_BYTES) };
    }
}

/// What became of the batches of a message.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub new: usize,
    pub early: usize,
}

/// An answer in progress: documents still to be looked at, and batches still to be sent.
pub(crate) struct Serving {
    pub to: Name,
    pub scope: Scope,
    pub id: u64,
    /// Whether the batches go to everybody in the scope.
    pub everybody: bool,
    pub documents: BTreeMap<DocumentId, Vec<ChangeHash>>,
    pub batches: VecDeque<(Position, u16)>,
}

/// A batch that waits for others of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Early {
    pub document: DocumentId,
    pub envelope: Vec<u8>,
    /// Its changes, each with what it builds on.
    pub links: Vec<(ChangeHash, Vec<ChangeHash>)>,
    /// Whether it may be written: else it waits for what shows that it counts.
    pub permitted: bool,
}

impl Early {
    fn bytes(&self) -> usize {
        let hashes: usize = self.links.iter().map(|(_, dependencies)| 1 + dependencies.len()).sum();
        self.envelope.len() + hashes * ChangeHash::LEN
    }
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
            clock: now,
            scopes: Scopes::default(),
            next_round: now,
            telling: Telling::default(),
            corrections: Corrections::default(),
            differing: Differing::default(),
            asking: BTreeMap::new(),
            patience: Patience::default(),
            allowance: Allowance::default(),
            room: usize::MAX,
            serving: VecDeque::new(),
            held_back: BTreeSet::new(),
            shared: BTreeMap::new(),
            echoes: Echoes::default(),
            early: VecDeque::new(),
            early_bytes: 0,
            next_request: rng.next_u64(),
            told_at: None,
            said_here: None,
            contradicts_at: None,
            comparisons: Comparisons::default(),
            claims: Claims::default(),
            granted: Granted::default(),
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
            scopes: self.differing.scopes().chain(self.asking.keys()).collect::<BTreeSet<_>>().len(),
        }
    }

    /// Says the digest of every scope at this time, unless it is said before.
    pub fn say_soon(&mut self, at: Timestamp) {
        self.scopes.iter().for_each(|(scope, _)| self.telling.say(scope, at));
    }

    /// Tells peers that come where this node stands: so long from now, but a second after it did last, or when it is
    /// about to. However many come and go, under whatever names, nobody speaks more often for it.
    pub fn tell_who_came(&mut self, now: Timestamp, wait: i64) {
        let most = GONE_AFTER_MILLIS + SETTLE_MILLIS + MOST_SPREAD_MILLIS;
        let at = match self.told_at {
            Some(at) if at > now && at <= now.plus_millis(most) => at,
            Some(at) if at <= now => at.plus_millis(GONE_AFTER_MILLIS).max(now).plus_millis(wait),
            _ => now.plus_millis(wait),
        };
        self.told_at = Some(at);
        self.say_soon(at);
    }

    /// Within how many milliseconds chance decides who of the fleet speaks or asks first.
    pub fn spread_millis(&self) -> i64 {
        spread_millis(self.peers.len())
    }

    /// Whether there is room to ask a peer for a scope.
    pub fn has_room_for(&self, scope: &Scope, peer: &Name) -> bool {
        let wanted = self.differing.scopes().chain(self.asking.keys());
        let new: BTreeSet<_> = wanted.filter(|scope| !self.scopes.holds(scope)).collect();
        let most = if self.peers.is_proved(peer) { MAX_NEW_SCOPES } else { MAX_NEW_SCOPES_OF_NAMES };
        self.scopes.holds(scope) || new.len() < most
    }

    fn answer_documents(&self) -> usize {
        self.serving.iter().map(|serving| serving.documents.len()).sum()
    }

    /// Begins an answer, or adds a piece of its request to it. An older request of the same asker is answered no
    /// further.
    pub fn serve(&mut self, answer: Serving) {
        let is_same = |serving: &Serving| serving.to == answer.to && serving.scope == answer.scope;
        self.serving.retain(|serving| !is_same(serving) || serving.id == answer.id);
        let room = MAX_ANSWER_DOCUMENTS.saturating_sub(self.answer_documents());
        let known = self.serving.iter().position(is_same);
        let documents = answer.documents.into_iter().take(room);
        if let Some(place) = known {
            self.serving[place].documents.extend(documents);
        } else if self.serving.len() < MAX_SERVING {
            self.serving.push_back(Serving { documents: documents.collect(), ..answer });
        }
    }

    /// Sends one document to a peer beside what it is being sent of the scope.
    pub fn serve_also(&mut self, to: &Name, scope: &Scope, document: DocumentId, heads: Vec<ChangeHash>) {
        let is_same = |serving: &Serving| serving.to == *to && serving.scope == *scope;
        let id = self.serving.iter().find(|serving| is_same(serving)).map_or(0, |serving| serving.id);
        let (documents, batches) = (BTreeMap::from([(document, heads)]), VecDeque::new());
        self.serve(Serving { to: to.clone(), scope: scope.clone(), id, everybody: false, documents, batches });
    }

    /// Counts every document anew: after the view was loaded.
    pub fn count_documents(&mut self, view: &View) {
        self.comparisons.clear();
        self.scopes = Scopes::of(view);
    }

    /// Follows the documents that a commit changed; the view still shows them as they were.
    pub fn note_documents(&mut self, view: &View, staged: &Staged) {
        for scope in self.scopes.follow(view, staged) {
            self.comparisons.change(&scope);
            self.telling.change(scope);
        }
    }

    /// Notes the time at which something is done. A clock that went back must not silence a node for hours.
    pub fn follow_clock(&mut self, now: Timestamp) {
        if now < self.clock {
            self.clamp(now);
        }
        self.clock = now;
    }

    /// Pulls everything that is scheduled back into its interval.
    fn clamp(&mut self, now: Timestamp) {
        let clamp = |at: &mut Timestamp, millis: i64| *at = (*at).min(now.plus_millis(millis));
        clamp(&mut self.next_round, DIGEST_EVERY_MILLIS + DIGEST_EVERY_MILLIS / 4);
        self.differing.clamp(now);
        for asking in self.asking.values_mut() {
            clamp(&mut asking.until, ANSWER_MILLIS);
            clamp(&mut asking.end, MOST_ANSWER_MILLIS);
        }
        self.shared.values_mut().for_each(|(_, until)| clamp(until, SHARED_MILLIS));
        self.telling.clamp(now);
        self.corrections.clamp(now);
        self.patience.clamp(now);
        self.comparisons.clamp(now);
    }

    /// Keeps a batch until its ancestors come; the oldest ones go when there are too many.
    pub fn keep_early(&mut self, early: Early) {
        if let Some(known) = self.early.iter_mut().find(|known| known.envelope == early.envelope) {
            known.permitted |= early.permitted;
            return;
        }
        self.early_bytes += early.bytes();
        self.early.push_back(early);
        while self.early_bytes > MAX_EARLY_BYTES {
            let Some(dropped) = self.early.pop_front() else { return };
            self.early_bytes -= dropped.bytes();
        }
    }

    /// The batches of a document that wait.
    pub fn early_of<'a>(&'a self, document: &'a DocumentId) -> impl Iterator<Item = &'a Early> {
        self.early.iter().filter(move |early| early.document == *document)
    }

    /// Takes the waiting batches of a document.
    pub fn take_early(&mut self, document: &DocumentId) -> Vec<Vec<u8>> {
        let (mine, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.early).into_iter().partition(|early| early.document == *document);
        self.early = others;
        self.early_bytes = self.early.iter().map(Early::bytes).sum();
        mine.into_iter().map(|early| early.envelope).collect()
    }
}
