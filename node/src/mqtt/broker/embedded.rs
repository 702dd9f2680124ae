//! The embedded broker, by crate `mqtt5`.

use std::net::SocketAddr;
use std::time::Duration;

use mqtt5::broker::config::{StorageBackend, StorageConfig};
use mqtt5::broker::{BrokerConfig, BrokerShutdownHandle, MqttBroker};
use tokio::task::JoinHandle;

use super::{BrokerError, EmbeddedBrokerOptions};
use crate::mqtt::MAX_SUBSCRIPTIONS;

/// What a client's session outlives its connection. Nodes begin clean ones among each other, channels keep theirs over
/// a restart; a foreign client that asks for more must not fill the memory of a broker that nobody looks after.
const SESSION_EXPIRY: Duration = Duration::from_secs(600);

/// Retained messages are nothing that Tillmesh uses; a few are a courtesy to other clients of the same broker.
const MAX_RETAINED: usize = 1_000;
const MAX_RETAINED_BYTES: usize = 64 * 1024;

/// A broker that runs in this process until it is shut down or dropped.
pub struct EmbeddedBroker {
    address: SocketAddr,
    stop: BrokerShutdownHandle,
    task: Option<JoinHandle<()>>,
}

impl EmbeddedBroker {
    /// Listens and serves on the Tokio runtime of the caller; clients can connect when this returns. Port 0 takes any
    /// that is free.
    ///
    /// Anybody who reaches the address can read and write everything: bind to loopback or a network that is trusted.
    ///
    /// # Errors
    /// When it cannot listen there, or the options break a rule.
    pub async fn start(address: SocketAddr, options: EmbeddedBrokerOptions) -> Result<Self, BrokerError> {
        let failed = |reason: String| BrokerError::Start { address, reason };
        check(&options).map_err(failed)?;
        let mut broker = MqttBroker::with_config(config(address, &options)).await.map_err(|e| failed(e.to_string()))?;
        let bound = broker.local_addr().ok_or_else(|| failed("it does not listen".to_owned()))?;
        let (stop, mut ready) = (broker.shutdown_handle(), broker.ready_receiver());
        let task = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::error!(%error, "the embedded broker stopped");
            }
        });
        if ready.wait_for(|ready| *ready).await.is_err() {
            return Err(failed("it stopped at once".to_owned()));
        }
        Ok(Self { address: bound, stop, task: Some(task) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection and waits until the address is free again, at most about five seconds.
    pub async fn shutdown(mut self) {
        self.stop.shutdown();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the embedded broker did not end by itself");
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.stop.shutdown();
    }
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedBroker").field("address", &self.address).finish_non_exhaustive()
    }
}

fn check(options: &EmbeddedBrokerOptions) -> Result<(), String> {
    match options {
        EmbeddedBrokerOptions { max_queued_messages: 0, .. } => {
            Err("max_queued_messages must be at least 1".to_owned())
        }
        EmbeddedBrokerOptions { max_queued_bytes: 0, .. } => Err("max_queued_bytes must be at least 1".to_owned()),
        _ => Ok(()),
    }
}

fn config(address: SocketAddr, options: &EmbeddedBrokerOptions) -> BrokerConfig {
    let storage = StorageConfig::new()
        // Sessions that outlive their connections, with what waits for them, in memory: they go with the process.
        .with_persistence(true)
        .with_backend(StorageBackend::Memory)
        .with_max_queued_messages_per_client(options.max_queued_messages)
        .with_max_queued_bytes_per_client(options.max_queued_bytes);
    BrokerConfig::new()
        .with_bind_address(address)
        .with_max_clients(options.max_connections)
        .with_max_packet_size(options.max_packet)
        .with_client_channel_capacity(options.max_queued_messages)
        .with_max_subscriptions_per_client(2 * MAX_SUBSCRIPTIONS)
        .with_session_expiry(SESSION_EXPIRY)
        .with_max_retained_messages(MAX_RETAINED)
        .with_max_retained_message_size(MAX_RETAINED_BYTES)
        .with_sys_topics_enabled(false)
        .with_storage(storage)
}
