//! A small space of the plugin's own. What a call writes takes effect together with what it returns, or not at all.

pub use crate::bindings::common::tillmesh::channel::state::{Refusal, read, remove, write};
