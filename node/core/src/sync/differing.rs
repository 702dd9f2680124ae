//! Whom to ask about a scope.
//!
//! One peer is remembered, first come: an answer mostly makes this node equal to the others as well. But a name is
//! made up in no time, and each that never answers costs a question. So once mere names brought nothing time and again,
//! the peers that more is known of have a place of their own, and their turn first: whatever the others say, it keeps
//! none of these from being asked.

use std::collections::BTreeMap;

use super::{AHEAD_MILLIS, MOST_SPREAD_MILLIS, SETTLE_MILLIS};
use crate::document::Scope;
use crate::id::Name;
use crate::time::Timestamp;

/// A peer to be asked about a scope.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub peer: Name,
    /// Whether it goes first: more than its name is known of it, and mere names are in doubt.
    pub preferred: bool,
    pub why: Why,
    /// When to act on it.
    pub at: Timestamp,
    pub since: Timestamp,
    /// What the peer said that it holds.
    pub sum: [u8; 32],
    /// What this node held then.
    pub own: [u8; 32],
    /// Whether others seem to lack the same, so that one question and one answer may do for all.
    pub crowd: bool,
}

/// Why a peer is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It differs, and has no fewer changes.
    Differs,
    /// It differs, and has fewer: it was told so, and may be equal before it needs to be asked.
    Told,
    /// A batch of it came before its ancestors.
    Early,
}

/// The scopes that differ at a peer.
#[derive(Default)]
pub(crate) struct Differing {
    scopes: BTreeMap<Scope, Places>,
    /// How many questions in a row to mere names brought nothing.
    in_vain: u32,
}

#[derive(Default)]
struct Places {
    preferred: Option<Candidate>,
    other: Option<Candidate>,
}

/// So many questions to mere names that brought nothing are chance.
const MOST_IN_VAIN: u32 = 2;

impl Differing {
    /// Notes whether a question to a mere name brought anything.
    pub const fn note_mere_name(&mut self, news: bool) {
        self.in_vain = if news { 0 } else { self.in_vain.saturating_add(1) };
    }

    /// Whether peers that more is known of than a name go first.
    pub const fn doubts_names(&self) -> bool {
        self.in_vain > MOST_IN_VAIN
    }

    /// Whether a peer need not be remembered: it is, or another one is in its place.
    pub fn has_for(&self, scope: &Scope, peer: &Name, preferred: bool, why: Why) -> bool {
        let stays = |known: &Candidate| known.why != Why::Told || why == Why::Told;
        self.of(scope).any(|known| (known.peer == *peer || known.preferred == preferred) && stays(known))
    }

    /// Remembers a peer, in place of who was there.
    pub fn insert(&mut self, scope: &Scope, candidate: Candidate) {
        let places = self.scopes.entry(scope.clone()).or_default();
        let place = if candidate.preferred { &mut places.preferred } else { &mut places.other };
        *place = Some(candidate);
    }

    /// A peer says what this node holds: it need not be asked any more. But no peer unlearns: one that had what this
    /// node lacks cannot have become equal while nothing was learnt here, so somebody else speaks in its name.
    pub fn hear_equal(&mut self, scope: &Scope, peer: &Name, own: &[u8; 32]) {
        let Some(places) = self.scopes.get_mut(scope) else { return };
        for place in [&mut places.preferred, &mut places.other] {
            place.take_if(|known| known.peer == *peer && (known.why == Why::Told || known.own != *own));
        }
        if places.iter().next().is_none() {
            self.scopes.remove(scope);
        }
    }

    /// The scopes in which somebody's turn has come.
    pub fn due(&self, now: Timestamp) -> Vec<Scope> {
        let is_due = |places: &Places| places.iter().any(|candidate| candidate.at <= now);
        self.scopes.iter().filter(|(_, places)| is_due(places)).map(|(scope, _)| scope.clone()).collect()
    }

    /// Takes whoever's turn it is in a scope.
    pub fn take_due(&mut self, now: Timestamp, scope: &Scope) -> Option<Candidate> {
        let places = self.scopes.get_mut(scope)?;
        let take = |place: &mut Option<Candidate>| place.take_if(|candidate| candidate.at <= now);
        let preferred = take(&mut places.preferred);
        let taken = preferred.or_else(|| take(&mut places.other));
        if places.iter().next().is_none() {
            self.scopes.remove(scope);
        }
        taken
    }

    fn of(&self, scope: &Scope) -> impl Iterator<Item = &Candidate> {
        self.scopes.get(scope).into_iter().flat_map(Places::iter)
    }

    /// The peers to be asked about a scope.
    pub fn of_mut(&mut self, scope: &Scope) -> impl Iterator<Item = &mut Candidate> {
        self.scopes.get_mut(scope).into_iter().flat_map(Places::iter_mut)
    }

    /// The scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &Scope> {
        self.scopes.keys()
    }

    /// When the next turn comes, of the scopes that this admits.
    pub fn next(&self, admits: impl Fn(&Scope) -> bool) -> Option<Timestamp> {
        let places = self.scopes.iter().filter(|(scope, _)| admits(scope));
        places.flat_map(|(_, places)| places.iter()).map(|candidate| candidate.at).min()
    }

    /// A clock that went back must not make anybody wait longer.
    pub fn clamp(&mut self, now: Timestamp) {
        let latest = now.plus_millis(SETTLE_MILLIS + AHEAD_MILLIS + 5 * MOST_SPREAD_MILLIS);
        for candidate in self.scopes.values_mut().flat_map(Places::iter_mut) {
            candidate.at = candidate.at.min(latest);
            candidate.since = candidate.since.min(now);
        }
    }
}

impl Places {
    fn iter(&self) -> impl Iterator<Item = &Candidate> {
        [&self.preferred, &self.other].into_iter().flatten()
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Candidate> {
        [&mut self.preferred, &mut self.other].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
