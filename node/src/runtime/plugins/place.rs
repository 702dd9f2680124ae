//! A plugin's place: which component does its work now, which may follow it.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tillmesh_core::id::Name;
use tokio::sync::Semaphore;

use super::canary::Canary;
use crate::plugin::Plugin;

/// A plugin that a node runs.
pub struct Place {
    /// What the settings call it.
    pub name: Name,
    versions: RwLock<Versions>,
    /// Whose turn it is to look on: what looks on takes no more than one of the slots for calls.
    pub(in crate::runtime) shadow: Arc<Semaphore>,
    /// Whose turn it is to be called for a channel.
    pub(in crate::runtime) turns: Arc<Semaphore>,
}

/// The components of a plugin.
#[derive(Clone)]
pub struct Versions {
    /// The one at work.
    pub current: Arc<Plugin>,
    /// A newer one on trial.
    pub canary: Option<Arc<Canary>>,
}

/// Who does a call.
pub(in crate::runtime) enum Version {
    /// The component at work; with it one that looks on.
    Current { plugin: Arc<Plugin>, shadow: Option<Arc<Canary>> },
    /// The one on trial. Where it gives no answer the component at work is asked.
    Canary { canary: Arc<Canary>, current: Arc<Plugin> },
}

impl Place {
    pub(super) fn new(name: Name, versions: Versions) -> Self {
        let semaphore = |turns| Arc::new(Semaphore::new(turns));
        Self { name, versions: RwLock::new(versions), shadow: semaphore(1), turns: semaphore(turns()) }
    }

    /// The components as they are now.
    pub fn versions(&self) -> Versions {
        self.read().clone()
    }

    /// The component at work.
    pub(in crate::runtime) fn current(&self) -> Arc<Plugin> {
        Arc::clone(&self.read().current)
    }

    /// Who does the call that goes by a key. A call that has begun goes on with the component that it began with.
    pub(in crate::runtime) fn version(&self, key: &[u8]) -> Version {
        let versions = self.versions();
        let plugin = versions.current;
        match versions.canary {
            Some(canary) if canary.takes(key) => Version::Canary { canary, current: plugin },
            shadow => Version::Current { plugin, shadow: shadow.filter(|canary| canary.looks_on()) },
        }
    }

    pub(super) fn replace(&self, versions: Versions) {
        *self.versions.write().unwrap_or_else(PoisonError::into_inner) = versions;
    }

    fn read(&self) -> RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many calls for channels a plugin may have at once: what half of the cores can do, so that one that uses up all
/// of its fuel again and again leaves the others a core.
fn turns() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

impl Versions {
    /// Whether these are the same components with the same rights and limits, tried in the same way.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let same = |one: &Plugin, other: &Plugin| one.hash() == other.hash() && one.terms() == other.terms();
        let same_canary = match (&self.canary, &other.canary) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                // A trial that was withdrawn begins anew.
                let as_far = one.state().withdrawn == other.state().withdrawn;
                same(&one.plugin, &other.plugin) && one.settings == other.settings && as_far
            }
            _ => false,
        };
        same_canary && same(&self.current, &other.current)
    }
}

impl Version {
    /// The component at work alone.
    pub(in crate::runtime) const fn only(plugin: Arc<Plugin>) -> Self {
        Self::Current { plugin, shadow: None }
    }

    /// Whether any of those who may do it reads or writes state.
    pub(in crate::runtime) fn remembers(&self) -> bool {
        match self {
            Self::Current { plugin, .. } => plugin.remembers(),
            Self::Canary { canary, current } => current.remembers() || canary.plugin.remembers(),
        }
    }

    /// Whether it serves something.
    pub(in crate::runtime) fn serves(&self, export: crate::plugin::Export) -> bool {
        match self {
            Self::Current { plugin, .. } => plugin.exports().contains(&export),
            Self::Canary { current, .. } => current.exports().contains(&export),
        }
    }
}
