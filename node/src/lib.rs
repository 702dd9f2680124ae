//! Tillmesh: an edge-deployed WebAssembly sync node for channel integration. The executable is `tillmesh`.
//!
//! Imports run one way: core <- { store | mqtt | plugin | webhook } <- runtime <- http <- cli <- main. See
//! ARCHITECTURE.md.

pub mod cli;
pub mod config;
pub mod http;
pub mod metrics;
pub mod mqtt;
pub mod plugin;
pub mod runtime;
pub mod store;
pub mod webhook;
