//! How long a node waits before it asks a peer again that had nothing for it.
//!
//! Two nodes may differ for long: one refuses what the other keeps, or a peer says digests that mean nothing. Each
//! question that brings nothing doubles the wait, per peer and scope. Being equal once ends it.

use std::collections::BTreeMap;

use crate::document::Scope;
use crate::id::Name;
use crate::time::Timestamp;

/// The first wait where a peer still says the same.
const SAME_MILLIS: i64 = 10_000;
/// The longest of these waits.
const MOST_SAME_MILLIS: i64 = 10 * 60_000;
/// The first wait where it may have something new, or did not answer.
const OTHER_MILLIS: i64 = 1_000;
/// The longest of these waits.
const MOST_OTHER_MILLIS: i64 = 60_000;
/// How many pairs of peer and scope are remembered; of more, those asked longest ago are forgotten.
const MAX_REMEMBERED: usize = 4_096;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It brought something new.
    News,
    /// It brought batches that wait for their ancestors, or the peer fell silent.
    Open,
    /// There was nothing new.
    Nothing,
}

/// The peers that had nothing, by scope.
#[derive(Default)]
pub(crate) struct Patience {
    tried: BTreeMap<(Scope, Name), Tried>,
}

struct Tried {
    at: Timestamp,
    /// How many questions in a row brought nothing.
    times: u32,
    /// How many changes the peer had more when it was asked; none where nobody knows whether it has news.
    lead: Option<i64>,
}

impl Patience {
    /// Notes how a question ended.
    pub fn note(&mut self, now: Timestamp, scope: &Scope, peer: &Name, lead: i64, ending: Ending) {
        let key = (scope.clone(), peer.clone());
        if ending == Ending::News {
            self.tried.remove(&key);
            return;
        }
        if self.tried.len() >= MAX_REMEMBERED && !self.tried.contains_key(&key) {
            let oldest = self.tried.iter().min_by_key(|(_, tried)| tried.at).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.tried.remove(&key));
        }
        let times = self.tried.get(&key).map_or(0, |tried| tried.times).saturating_add(1);
        let lead = (ending == Ending::Nothing).then_some(lead);
        self.tried.insert(key, Tried { at: now, times, lead });
    }

    /// When a peer that has so many changes more may be asked again; none: at once.
    pub fn until(&self, scope: &Scope, peer: &Name, lead: Option<i64>) -> Option<Timestamp> {
        let tried = self.tried.get(&(scope.clone(), peer.clone()))?;
        let same = lead.is_some() && tried.lead == lead;
        let (first, most) = if same { (SAME_MILLIS, MOST_SAME_MILLIS) } else { (OTHER_MILLIS, MOST_OTHER_MILLIS) };
        let wait = first.checked_shl(tried.times - 1).filter(|wait| (first..most).contains(wait)).unwrap_or(most);
        Some(tried.at.plus_millis(wait))
    }

    /// A peer holds the same.
    pub fn forget(&mut self, scope: &Scope, peer: &Name) {
        self.tried.remove(&(scope.clone(), peer.clone()));
    }

    /// The link came up: everything may be different.
    pub fn clear(&mut self) {
        self.tried.clear();
    }

    /// A clock that went back must not make a node wait longer.
    pub fn clamp(&mut self, now: Timestamp) {
        self.tried.values_mut().for_each(|tried| tried.at = tried.at.min(now));
    }
}

#[cfg(test)]
mod tests;
