//! Counters of the plugin's own, shown with the node's metrics. Outside a node they go nowhere.

/// Adds to a counter, named with 1 to 48 of `A-Z a-z 0-9 _ -`.
#[cfg(target_family = "wasm")]
pub fn count(name: &str, value: u64) {
    crate::bindings::common::tillmesh::channel::metrics::count(name, value);
}

/// Adds to a counter, named with 1 to 48 of `A-Z a-z 0-9 _ -`.
#[cfg(not(target_family = "wasm"))]
pub fn count(_name: &str, _value: u64) {}
