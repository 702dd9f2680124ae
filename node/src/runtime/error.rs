//! Why a node does not start, and why a command is not done.

use tillmesh_core::engine::OpenError;
use tillmesh_core::refusal::Refusal;
use tillmesh_core::storage::StorageError;

use super::{ChannelLinkError, MAX_WAITING_COMMANDS, OutboxError, PluginError};
use crate::mqtt::broker::BrokerError;
use crate::mqtt::{InvalidLinkOptions, TlsError};
use crate::store;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The engine refused it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many commands wait.
    #[error("{MAX_WAITING_COMMANDS} commands wait already; try again")]
    Overloaded,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopping,
    /// The commit failed. Whether it was written is not known: a disk may keep what it reports to have lost. The same
    /// key makes it safe to send again.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// What is in the store cannot be used.
    #[error("cannot use the store in {folder}: {error}")]
    Engine {
        /// The folder.
        folder: String,
        /// Why.
        error: OpenError,
    },
    /// The embedded broker did not start.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The link cannot be configured so.
    #[error(transparent)]
    Link(#[from] InvalidLinkOptions),
    /// TLS towards the broker cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The broker's address cannot be used.
    #[error(transparent)]
    BrokerUrl(#[from] crate::mqtt::InvalidBrokerUrl),
    /// A channel cannot hear its broker.
    #[error(transparent)]
    ChannelLink(#[from] ChannelLinkError),
    /// Channels cannot be told what happens.
    #[error("channels cannot be told what happens: {0}")]
    Outbox(#[from] OutboxError),
    /// A plugin is not taken.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The operating system refused something.
    #[error("{operation}: {reason}")]
    System {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        reason: std::io::Error,
    },
}
