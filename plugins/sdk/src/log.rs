//! Lines for the operator. Nothing personal: logs are kept and shown. Outside a node they go nowhere.

use crate::bindings::common::tillmesh::channel::log::Level;

/// For who writes the plugin.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Worth knowing.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Odd, and dealt with.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Wrong.
pub fn error(message: &str) {
    write(Level::Error, message);
}

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &str) {
    crate::bindings::common::tillmesh::channel::log::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(_: Level, _: &str) {}
