//! A newer component beside the one at work: it is given a share of the messages, or looks on in the shadow, and is
//! withdrawn by itself where it does worse.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::config::{CanaryMode, CanarySettings};
use crate::plugin::Plugin;

/// How many of the last calls say whether it does worse.
const WINDOW: usize = 100;
/// How many calls there must be before it may be withdrawn: of fewer a single error would be too large a share.
const LEAST_CALLS: usize = 20;

/// A newer component on trial.
pub struct Canary {
    /// The component.
    pub plugin: Arc<Plugin>,
    /// How it is tried.
    pub settings: CanarySettings,
    course: Mutex<Course>,
}

/// How a trial goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CanaryState {
    /// How often it was called.
    pub calls: u64,
    /// How often it failed where the component at work did not.
    pub errors: u64,
    /// In the shadow: how often both answered, and not the same.
    pub differences: u64,
    /// Whether it was withdrawn: it is not called any more.
    pub withdrawn: bool,
}

#[derive(Debug, Default)]
struct Course {
    state: CanaryState,
    /// Whether each of the last calls was an error.
    last: VecDeque<bool>,
}

/// What came of a call, beside what the component at work makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime) enum Verdict {
    /// As good.
    Good,
    /// Another answer.
    Different,
    /// None, where the component at work has one.
    Worse,
}

impl Canary {
    /// Begins a trial.
    pub(super) fn new(plugin: Arc<Plugin>, settings: CanarySettings) -> Self {
        Self { plugin, settings, course: Mutex::default() }
    }

    /// How it goes.
    pub fn state(&self) -> CanaryState {
        self.course.lock().unwrap_or_else(PoisonError::into_inner).state
    }

    /// Whether it is given what goes by this key: the same each time.
    pub(super) fn takes(&self, key: &[u8]) -> bool {
        let share = match self.settings.mode {
            CanaryMode::Share(percent) => u64::from(percent),
            CanaryMode::Shadow => return false,
        };
        let mut number = [0; 8];
        number.copy_from_slice(&Sha256::digest(key)[..8]);
        !self.state().withdrawn && u64::from_be_bytes(number) % 100 < share
    }

    /// Whether it looks on.
    pub(super) fn looks_on(&self) -> bool {
        self.settings.mode == CanaryMode::Shadow && !self.state().withdrawn
    }

    /// Notes a call. It says whether the component is withdrawn for it.
    pub(in crate::runtime) fn note(&self, verdict: Verdict) -> bool {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let Course { state, last } = &mut *course;
        state.calls += 1;
        state.errors += u64::from(verdict == Verdict::Worse);
        state.differences += u64::from(verdict == Verdict::Different);
        if last.len() == WINDOW {
            last.pop_front();
        }
        last.push_back(verdict == Verdict::Worse);
        let errors = last.iter().filter(|error| **error).count();
        let is_worse = errors * 100 > last.len() * usize::from(self.settings.max_error_percent);
        let is_withdrawn = last.len() >= LEAST_CALLS && is_worse && !state.withdrawn;
        state.withdrawn |= is_withdrawn;
        is_withdrawn
    }
}
