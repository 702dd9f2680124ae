//! Digests that others say in this node's name. They are not signed, so this node says again where it stands.

use std::collections::{BTreeMap, VecDeque};

use crate::document::Scope;
use crate::sync::Digest;
use crate::time::Timestamp;

/// How many digests of a scope may be on their way back from a broker at once: it brings a node what it said itself.
const MAX_SAID: usize = 8;
/// For how long what was said before the last one may still come back; later, somebody says it again.
const ECHO_MILLIS: i64 = 5_000;
/// How often at most a digest of a scope is said for it: two copies of a store say different ones for as long as both
/// run.
const CORRECT_EVERY_MILLIS: i64 = 5_000;

/// Of how many scopes at most: those of which this node says nothing because it holds nothing, anybody can make up.
const MAX_SCOPES: usize = 1_024;

/// What was said of each scope lately.
#[derive(Default)]
pub(crate) struct Corrections {
    scopes: BTreeMap<Scope, Said>,
    /// When a digest is to be said because another was: of a few scopes at a time, if any.
    due: BTreeMap<Scope, Timestamp>,
}

#[derive(Default)]
struct Said {
    /// Each with when it was said, the last one at the end.
    digests: VecDeque<(Digest, Timestamp)>,
    corrected_at: Option<Timestamp>,
}

impl Corrections {
    /// Remembers what this node says.
    pub fn note_said(&mut self, now: Timestamp, scope: &Scope, digest: Digest) {
        self.due.remove(scope);
        let said = self.scopes.entry(scope.clone()).or_default();
        if said.digests.len() == MAX_SAID {
            said.digests.pop_front();
        }
        said.digests.push_back((digest, now));
    }

    /// A digest was heard in this node's name.
    pub fn hear(&mut self, now: Timestamp, scope: &Scope, digest: &Digest) {
        if self.scopes.len() >= MAX_SCOPES && !self.scopes.contains_key(scope) {
            return;
        }
        let said = self.scopes.entry(scope.clone()).or_default();
        if !said.may_come_back(now, digest) {
            let next = said.corrected_at.map(|at| at.plus_millis(CORRECT_EVERY_MILLIS));
            self.due.entry(scope.clone()).or_insert(next.map_or(now, |next| next.max(now)));
        }
    }

    /// The scopes of which a digest is to be said now.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Scope> {
        let due: Vec<_> = self.due.extract_if(.., |_, due| *due <= now).map(|(scope, _)| scope).collect();
        for scope in &due {
            self.scopes.entry(scope.clone()).or_default().corrected_at = Some(now);
        }
        due
    }

    /// When the next one is due.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// A clock that went back must not silence a node.
    pub fn clamp(&mut self, now: Timestamp) {
        for said in self.scopes.values_mut() {
            said.digests.iter_mut().for_each(|(_, at)| *at = now.min(*at));
            said.corrected_at = said.corrected_at.map(|at| at.min(now));
        }
        let latest = now.plus_millis(CORRECT_EVERY_MILLIS);
        self.due.values_mut().for_each(|due| *due = latest.min(*due));
    }
}

impl Said {
    fn may_come_back(&self, now: Timestamp, digest: &Digest) -> bool {
        let is_last = self.digests.back().is_some_and(|(last, _)| last == digest);
        let mut others = self.digests.iter().filter(|(_, at)| at.plus_millis(ECHO_MILLIS) > now);
        is_last || others.any(|(other, _)| other == digest)
    }
}

#[cfg(test)]
mod tests;
