//! What this node holds of the scopes that are being compared, made ready for comparisons.
//!
//! Making it ready is a pass over every document, so peers decide neither how often that is done nor how much of it is
//! kept.

use crate::document::Scope;
use crate::time::Timestamp;
use crate::view::View;

use super::ranges::{Ranges, RangesError};

/// How many scopes are kept ready at once.
const MAX_READY: usize = 4;
/// How long what was made ready serves peers although documents have changed since: whoever misses a change by that
/// finds it with the next comparison. Plus what follows.
const LEAST_MILLIS: i64 = 100;
/// How many documents of the scope add a millisecond to that: about twenty times what a pass takes for each.
const OWN_DOCUMENTS_A_MILLI: usize = 50;
/// How many documents of all scopes do.
const DOCUMENTS_A_MILLI: usize = 500;
/// The longest of these times.
const MOST_MILLIS: i64 = 5_000;

/// Scopes that are ready for comparisons.
#[derive(Default)]
pub(crate) struct Comparisons {
    ready: Vec<Ready>,
    /// When a peer may make this node go through its documents for a list of what it holds.
    next_list: Timestamp,
}

struct Ready {
    scope: Scope,
    ranges: Ranges,
    /// Until when it serves peers, changed or not, and keeps its place.
    until: Timestamp,
    changed: bool,
}

impl Comparisons {
    /// For the first message of a comparison of this node's own: as things are.
    pub fn fresh(&mut self, now: Timestamp, view: &View, scope: &Scope) -> Result<&Ranges, RangesError> {
        match self.place_of(scope) {
            Some(place) if !self.ready[place].changed => Ok(&self.ready[place].ranges),
            known => self.make(now, view, scope, known.or_else(|| self.oldest())),
        }
    }

    /// To go on with a comparison of this node's own: as things were a moment ago.
    pub fn recent(&mut self, now: Timestamp, view: &View, scope: &Scope) -> Result<&Ranges, RangesError> {
        match self.place_of(scope) {
            Some(place) if self.ready[place].until > now => Ok(&self.ready[place].ranges),
            _ => self.fresh(now, view, scope),
        }
    }

    /// For a peer's question: as things were a moment ago, unless other scopes are being compared.
    pub fn for_peer(&mut self, now: Timestamp, view: &View, scope: &Scope) -> Result<&Ranges, RangesError> {
        let is_known = self.place_of(scope).is_some();
        match self.oldest().filter(|_| !is_known) {
            Some(place) if self.ready[place].until > now => Err(RangesError::Busy),
            _ => self.recent(now, view, scope),
        }
    }

    /// Whether this node goes through its documents for a peer that listed what it holds.
    pub fn may_list(&mut self, now: Timestamp, view: &View) -> bool {
        let may = self.next_list <= now;
        if may {
            let cost = view.documents.len() / DOCUMENTS_A_MILLI;
            self.next_list = now.plus_millis(i64::try_from(cost).unwrap_or(i64::MAX).min(MOST_MILLIS));
        }
        may
    }

    fn place_of(&self, scope: &Scope) -> Option<usize> {
        self.ready.iter().position(|ready| ready.scope == *scope)
    }

    /// Documents of a scope have changed.
    pub fn change(&mut self, scope: &Scope) {
        let of_scope = self.ready.iter_mut().filter(|ready| ready.scope == *scope);
        of_scope.for_each(|ready| ready.changed = true);
    }

    /// Lets go of what has had its time.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.ready.retain(|ready| ready.until > now);
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        self.ready.clear();
    }

    /// A clock that went back must not keep anything in its place.
    pub fn clamp(&mut self, now: Timestamp) {
        let latest = now.plus_millis(MOST_MILLIS);
        self.ready.iter_mut().for_each(|ready| ready.until = ready.until.min(latest));
        self.next_list = self.next_list.min(latest);
    }

    /// The one that must give way to another.
    fn oldest(&self) -> Option<usize> {
        let places = (0..self.ready.len()).filter(|_| self.ready.len() >= MAX_READY);
        places.min_by_key(|place| self.ready[*place].until)
    }

    fn make(
        &mut self,
        now: Timestamp,
        view: &View,
        scope: &Scope,
        place: Option<usize>,
    ) -> Result<&Ranges, RangesError> {
        let ranges = Ranges::of(view, scope)?;
        let cost = ranges.len() / OWN_DOCUMENTS_A_MILLI + view.documents.len() / DOCUMENTS_A_MILLI;
        let millis = LEAST_MILLIS.saturating_add(i64::try_from(cost).unwrap_or(i64::MAX)).min(MOST_MILLIS);
        let ready = Ready { scope: scope.clone(), ranges, until: now.plus_millis(millis), changed: false };
        let place = match place {
            Some(place) => {
                self.ready[place] = ready;
                place
            }
            None => {
                self.ready.push(ready);
                self.ready.len() - 1
            }
        };
        Ok(&self.ready[place].ranges)
    }
}
