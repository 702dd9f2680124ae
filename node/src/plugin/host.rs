//! The imports of a plugin, one file an interface.

use super::bindings::tillmesh::channel::types;
use super::call::CallData;

mod log;
mod lookup;
mod metrics;
mod state;
pub(super) mod wasi;

impl types::Host for CallData {}
