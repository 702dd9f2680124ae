//! How much those get of whom nothing signed is known: a name costs nothing, and a question of a few bytes may ask for
//! all that a node holds. What their answers cost is counted, and a flat part for the passes over the documents.

use crate::time::Timestamp;

/// How many bytes all of them get together for each millisecond, 64 KB a second: a member whose certificate is on its
/// way still gets what it needs to trade within seconds, and a flood of questions brings no more than a slow line
/// carries.
const BYTES_A_MILLI: i64 = 64;
/// The most that is saved up while nobody asks: the members, their certificates and a day of a store.
const MOST_SAVED: i64 = 1024 * 1024;

/// The bytes that are left for them.
pub(crate) struct Allowance {
    left: i64,
    counted_at: Option<Timestamp>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: MOST_SAVED, counted_at: None }
    }
}

impl Allowance {
    /// Whether anything is left at this moment. A clock that went back gives nothing and takes nothing.
    pub fn is_left(&mut self, now: Timestamp) -> bool {
        let since = self.counted_at.replace(now).unwrap_or(now);
        let passed = now.as_millis().saturating_sub(since.as_millis()).max(0);
        self.left = self.left.saturating_add(passed.saturating_mul(BYTES_A_MILLI)).min(MOST_SAVED);
        self.left > 0
    }

    /// Notes what was given, also where that is more than was left: a message is given whole.
    pub fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests;
