//! When a node says its digests, and when it need not, because others have just said the same (after Trickle, RFC
//! 6206).
//!
//! In a fleet of fifty that all heard the same sale, a few digests tell as much as fifty. So everybody waits a while
//! that chance decides, longer where there are more nodes, and keeps silent once enough equal digests were heard. A
//! node that holds something else hears no equal ones and speaks.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Scope;
use crate::id::Name;
use crate::time::Timestamp;

/// So many equal digests make one's own needless. In a fleet of up to so many nodes everybody speaks.
pub(crate) const ECHOES: usize = 5;
/// How long after a change a digest is due: long enough for a burst to be one digest.
pub(crate) const AFTER_CHANGE_MILLIS: i64 = 1_000;
/// How long changes that go on may put it off.
const PUT_OFF_MILLIS: i64 = 3_000;
/// How long a node keeps silent at most while others speak for it, in a small fleet; people want to see every node.
const SILENT_MILLIS: i64 = 30_000;
/// What each further node adds to that: the whole fleet breaks its silence once a second.
const SILENT_MILLIS_A_NODE: i64 = 1_000;
/// What each node of a fleet adds to the time within which chance decides who speaks or asks: several times what a
/// message takes, so that the first is heard before most others begin.
const SPREAD_MILLIS_A_NODE: i64 = 50;
/// The least of that time.
const LEAST_SPREAD_MILLIS: i64 = 150;
/// The most of it.
pub(crate) const MOST_SPREAD_MILLIS: i64 = 3_000;
/// For how long a peer that said the same counts as one that holds and hears the same.
const ALIKE_MILLIS: i64 = 15_000;
/// How many such peers are remembered.
const MAX_ALIKE: usize = 4;

/// Within how many milliseconds chance decides who of a fleet speaks or asks first.
pub(crate) fn spread_millis(peers: usize) -> i64 {
    let peers = i64::try_from(peers).unwrap_or(i64::MAX);
    peers.saturating_mul(SPREAD_MILLIS_A_NODE).clamp(LEAST_SPREAD_MILLIS, MOST_SPREAD_MILLIS)
}

/// What is to be said of each scope, and what others said of it.
#[derive(Default)]
pub(crate) struct Telling {
    turns: BTreeMap<Scope, Turn>,
}

#[derive(Default)]
struct Turn {
    due: Option<Due>,
    /// Who said the same since it became due; so many as are enough. A broker may bring a digest more than once.
    heard: BTreeSet<Name>,
    /// Who did since the last round.
    heard_in_round: BTreeSet<Name>,
    /// Whether a change is not yet reflected in `due`.
    new: bool,
    /// Whether something has changed since the last equal digest.
    changed: bool,
    said_at: Timestamp,
    /// Who said the same last, and when.
    alike: Vec<(Name, Timestamp)>,
}

#[derive(Clone, Copy)]
struct Due {
    at: Timestamp,
    /// Not to be put off beyond.
    latest: Timestamp,
}

impl Telling {
    /// What is held of a scope has changed.
    pub fn change(&mut self, scope: Scope) {
        let turn = self.turns.entry(scope).or_default();
        turn.new = true;
        turn.changed = true;
    }

    /// Says the digest of a scope at this time, unless it is said before.
    pub fn say(&mut self, scope: &Scope, at: Timestamp) {
        let turn = self.turns.entry(scope.clone()).or_default();
        match &mut turn.due {
            Some(due) => due.at = due.at.min(at),
            None => turn.begin(at, at),
        }
    }

    /// A peer said what this node holds, too.
    pub fn hear_equal(&mut self, scope: &Scope, peer: &Name, now: Timestamp) {
        let Some(turn) = self.turns.get_mut(scope) else { return };
        for heard in [&mut turn.heard, &mut turn.heard_in_round] {
            if heard.len() < ECHOES {
                heard.insert(peer.clone());
            }
        }
        turn.changed = false;
        turn.alike.retain(|(other, _)| other != peer);
        if turn.alike.len() == MAX_ALIKE {
            turn.alike.remove(0);
        }
        turn.alike.push((peer.clone(), now));
    }

    /// A peer said something else.
    pub fn hear_other(&mut self, scope: &Scope, peer: &Name) {
        if let Some(turn) = self.turns.get_mut(scope) {
            turn.alike.retain(|(other, _)| other != peer);
        }
    }

    /// Whether others hold and hear the same as this node, as far as was heard: what it lacks, they lack.
    pub fn has_alike(&self, scope: &Scope, now: Timestamp) -> bool {
        let since = now.plus_millis(-ALIKE_MILLIS);
        self.turns.get(scope).is_some_and(|turn| turn.alike.iter().filter(|(_, at)| *at > since).count() > 1)
    }

    /// Nobody counts as alike any more: after a time without a link.
    pub fn forget_alike(&mut self) {
        self.turns.values_mut().for_each(|turn| turn.alike.clear());
    }

    /// The scopes whose digest is to be said now. `wait`: how long after now a digest is due because of a change.
    pub fn take_due(&mut self, now: Timestamp, mut wait: impl FnMut() -> i64) -> Vec<Scope> {
        let mut said = Vec::new();
        for (scope, turn) in &mut self.turns {
            if std::mem::take(&mut turn.new) {
                turn.put_off(now, now.plus_millis(wait()));
            }
            if turn.due.is_none_or(|due| due.at > now) {
                continue;
            }
            if turn.heard.len() < ECHOES {
                turn.say(now);
                said.push(scope.clone());
            } else if turn.changed {
                turn.begin(now.plus_millis(wait()), now.plus_millis(PUT_OFF_MILLIS));
            } else {
                turn.due = None;
            }
        }
        said
    }

    /// The scopes, of those that are held, whose digest a round says: all but those that enough others said.
    pub fn take_round<'a>(
        &mut self,
        now: Timestamp,
        peers: usize,
        held: impl Iterator<Item = &'a Scope>,
    ) -> Vec<Scope> {
        let silent = i64::try_from(peers).unwrap_or(i64::MAX).saturating_mul(SILENT_MILLIS_A_NODE).max(SILENT_MILLIS);
        let mut said = Vec::new();
        for scope in held {
            let turn = self.turns.entry(scope.clone()).or_default();
            let enough = std::mem::take(&mut turn.heard_in_round).len() >= ECHOES;
            if !enough || turn.said_at.plus_millis(silent) <= now {
                turn.say(now);
                said.push(scope.clone());
            }
        }
        said
    }

    /// When the next digest is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.turns.values().filter_map(|turn| Some(turn.due?.at)).min()
    }

    /// A clock that went back must not silence a node.
    pub fn clamp(&mut self, now: Timestamp) {
        let latest = now.plus_millis(PUT_OFF_MILLIS + MOST_SPREAD_MILLIS);
        for turn in self.turns.values_mut() {
            turn.said_at = turn.said_at.min(now);
            turn.alike.iter_mut().for_each(|(_, at)| *at = now.min(*at));
            if let Some(due) = &mut turn.due {
                *due = Due { at: due.at.min(latest), latest: due.latest.min(latest) };
            }
        }
    }
}

impl Turn {
    fn begin(&mut self, at: Timestamp, latest: Timestamp) {
        self.due = Some(Due { at, latest });
        self.heard.clear();
    }

    fn put_off(&mut self, now: Timestamp, at: Timestamp) {
        match &mut self.due {
            Some(due) => due.at = due.at.max(at.min(due.latest)),
            None => self.begin(at, now.plus_millis(PUT_OFF_MILLIS)),
        }
    }

    const fn say(&mut self, now: Timestamp) {
        self.due = None;
        self.said_at = now;
    }
}

#[cfg(test)]
mod tests;
