//! What stands in for the embedded broker in an executable without it.

use std::net::SocketAddr;

use super::{BrokerError, EmbeddedBrokerOptions};

/// Cannot be made in this executable.
#[derive(Debug)]
pub enum EmbeddedBroker {}

impl EmbeddedBroker {
    /// Says which feature is missing.
    ///
    /// # Errors
    /// Always [`BrokerError::FeatureMissing`].
    pub async fn start(_address: SocketAddr, _options: EmbeddedBrokerOptions) -> Result<Self, BrokerError> {
        Err(BrokerError::FeatureMissing)
    }

    /// Never called: there is no broker.
    pub fn address(&self) -> SocketAddr {
        match *self {}
    }

    /// Never called: there is no broker.
    pub async fn shutdown(self) {
        match self {}
    }
}
