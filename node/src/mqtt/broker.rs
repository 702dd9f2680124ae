//! A broker inside the process, so that one process is enough on a laptop or in a one-box store.
//!
//! It lives in memory and forgets everything when it stops; nothing in Tillmesh depends on what a broker keeps. Who
//! needs more connections, persistence or access control runs Mosquitto or a cluster and points `--broker` at it.

use std::net::SocketAddr;

#[cfg(feature = "broker")]
mod embedded;
#[cfg(not(feature = "broker"))]
mod missing;

#[cfg(feature = "broker")]
pub use embedded::EmbeddedBroker;
#[cfg(not(feature = "broker"))]
pub use missing::EmbeddedBroker;

/// The bounds of an [`EmbeddedBroker`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedBrokerOptions {
    /// Connections at a time, at least 1. 1,000 by default: a node's store and its tills, not a cluster.
    pub max_connections: usize,
    /// The largest packet in bytes, at least 1,024; a client that sends a larger one is cut off. 256 KiB by default,
    /// four times what Tillmesh sends.
    pub max_packet: usize,
    /// Messages that wait for one client. 1,000 by default, as in Mosquitto.
    pub max_queued_messages: usize,
    /// Bytes that wait for one client in addition. 16 MiB by default.
    pub max_queued_bytes: usize,
}

impl Default for EmbeddedBrokerOptions {
    fn default() -> Self {
        Self {
            max_connections: 1_000,
            max_packet: 256 * 1024,
            max_queued_messages: 1_000,
            max_queued_bytes: 16 * 1024 * 1024,
        }
    }
}

/// Why an embedded broker did not start.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The executable was built without it.
    #[error(
        "this executable was built without the embedded broker: build it with the feature `broker`, or use --broker"
    )]
    FeatureMissing,
    /// The address is taken, not ours, or not allowed; or the options break a rule.
    #[error("the embedded broker cannot start on {address}: {reason}")]
    Start {
        /// Where it should have listened.
        address: SocketAddr,
        /// What the operating system or the broker says.
        reason: String,
    },
}

#[cfg(test)]
mod tests;
