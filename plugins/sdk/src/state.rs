//! A small space of the plugin's own. What a call writes takes effect together with what it returns, or not at all.

pub use crate::bindings::common::tillmesh::channel::state::{Refusal, read, remove, write};

/// Where a plugin's state is, behind a trait, so that a plugin is tested without a node.
pub trait Store {
    /// What is kept under a key.
    fn read(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps something; false where there is no room.
    fn write(&mut self, key: &str, value: &[u8]) -> bool;

    /// Keeps it no longer.
    fn remove(&mut self, key: &str);
}

/// The state that the node keeps. Outside a node nothing is kept.
#[derive(Debug, Clone, Copy)]
pub struct NodeState;

#[cfg(target_family = "wasm")]
impl Store for NodeState {
    fn read(&self, key: &str) -> Option<Vec<u8>> {
        read(key)
    }

    fn write(&mut self, key: &str, value: &[u8]) -> bool {
        write(key, value).is_ok()
    }

    fn remove(&mut self, key: &str) {
        remove(key);
    }
}

#[cfg(not(target_family = "wasm"))]
impl Store for NodeState {
    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn write(&mut self, _: &str, _: &[u8]) -> bool {
        true
    }

    fn remove(&mut self, _: &str) {}
}
