//! The executable `tillmesh` as a black box: started as a process, asked over HTTP, the command line and MQTT.
//!
//! The executable is the one that was built beside these tests, by `cargo build -p tillmesh`; components of plugins are
//! those that `plugins/build` made.

mod apart;
mod backup;
mod bridge;
mod cancelling;
mod clone;
mod crash;
mod days;
mod delivery;
mod described;
mod events;
mod fleet;
#[cfg(target_os = "linux")]
mod flood;
mod flows;
mod idempotency;
mod import;
mod interface;
mod lag;
mod letters;
mod listen;
mod metrics;
mod noise;
mod offline;
mod onslaught;
mod orders;
mod partial;
mod partners;
mod past;
mod pieces;
mod plugin_at_node;
mod plugin_cases;
mod plugins;
mod problems;
mod prove;
mod reads;
mod rebuild;
mod reservations;
mod returns;
mod support;
mod swap;
mod tokens;
mod topics;
mod vouchers;
mod webhook;
mod work;
