//! Links of channels to brokers: the node's own, or one that their settings name.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tillmesh_core::id::Name;
use tokio::sync::mpsc::Receiver;

use crate::config::{LinkSettings, Settings};
use crate::mqtt::{BrokerUrl, InvalidLinkOptions, Link, LinkEvent, LinkOptions, Session, Tls, TlsError, TlsFiles};

/// How long a silence may last before the line is tested: half a minute, which every hosted broker allows.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How much of a name is in a client id.
const NAME: usize = 20;

/// What a link of a channel is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'a> {
    /// To hear these topics, without missing anything.
    In(&'a [String]),
    /// To tell.
    Out,
}

/// The brokers of channels.
pub(super) struct Brokers {
    own: Option<LinkSettings>,
    fleet: Name,
    node: Name,
}

/// Why a channel has no link.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelLinkError {
    /// Neither the channel nor the node has a broker.
    #[error(
        "channel {channel} is to use the node's broker, which has none: set mqtt.broker, or the channel's own broker"
    )]
    NoBroker {
        /// The channel.
        channel: Name,
    },
    /// The link cannot be configured so.
    #[error("channel {channel}: {error}")]
    Link {
        /// The channel.
        channel: Name,
        /// Why.
        error: InvalidLinkOptions,
    },
    /// TLS towards the broker cannot be had.
    #[error("channel {channel}: {error}")]
    Tls {
        /// The channel.
        channel: Name,
        /// Why.
        error: TlsError,
    },
    /// The system gives no randomness.
    #[error("read entropy: {0}")]
    Entropy(std::io::Error),
}

impl Brokers {
    /// Those of a node, with its embedded one.
    pub(super) fn of(settings: &Settings, embedded: Option<BrokerUrl>) -> Self {
        let own = embedded
            .map(|broker| LinkSettings { broker, protocol: settings.protocol, tls: TlsFiles::default() })
            .or_else(|| settings.broker.clone());
        Self { own, fleet: settings.fleet.clone(), node: settings.node.clone() }
    }

    /// Begins to connect a channel.
    ///
    /// # Errors
    /// When there is no broker, or it cannot be connected to in this way.
    pub(super) fn connect(
        &self,
        channel: &Name,
        link: Option<&LinkSettings>,
        way: Way<'_>,
    ) -> Result<(Arc<Link>, Receiver<LinkEvent>), ChannelLinkError> {
        let no_broker = || ChannelLinkError::NoBroker { channel: channel.clone() };
        let settings = link.or(self.own.as_ref()).ok_or_else(no_broker)?;
        let tls = settings.broker.is_tls().then(|| Tls::load(&settings.tls)).transpose();
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| ChannelLinkError::Entropy(error.into()))?;
        let (subscriptions, session) = match way {
            Way::In(topics) => (topics.to_vec(), Session::Kept),
            Way::Out => (Vec::new(), Session::Clean),
        };
        let options = LinkOptions {
            broker: settings.broker.clone(),
            tls: tls.map_err(|error| ChannelLinkError::Tls { channel: channel.clone(), error })?,
            protocol: settings.protocol,
            client_id: self.client_id(channel, way),
            subscriptions,
            session,
            will: None,
            keep_alive: KEEP_ALIVE,
            seed,
        };
        let started = Link::start(options, &tokio::runtime::Handle::current());
        let (link, events) = started.map_err(|error| ChannelLinkError::Link { channel: channel.clone(), error })?;
        Ok((Arc::new(link), events))
    }

    /// The same at every start, also of a store that was restored: what a broker keeps, it keeps by the client id.
    fn client_id(&self, channel: &Name, way: Way<'_>) -> String {
        let parts = [self.fleet.as_str(), self.node.as_str(), channel.as_str()];
        let hash = Sha256::digest(parts.join("/").as_bytes());
        let beginning = |name: &Name| name.as_str().chars().take(NAME).collect::<String>();
        let way = if matches!(way, Way::In(_)) { "in" } else { "out" };
        let hash = data_encoding::HEXLOWER.encode(&hash[..4]);
        format!("tm-{}-{}-{way}-{hash}", beginning(&self.node), beginning(channel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers(node: &str) -> Brokers {
        let name = |text: &str| Name::new(text).unwrap();
        Brokers { own: None, fleet: name("shops"), node: name(node) }
    }

    #[test]
    fn client_ids_stay_apart_and_within_what_brokers_take() {
        let long = "n".repeat(48);
        let channel = Name::new(&"c".repeat(48)).unwrap();
        let id = |node: &str, way| brokers(node).client_id(&channel, way);
        let ids = [id(&long, Way::In(&[])), id(&long, Way::Out), id(&long[1..], Way::In(&[]))];
        assert!(ids.iter().all(|id| id.len() <= 64), "{ids:?}");
        assert!(ids[0] != ids[1] && ids[0] != ids[2], "{ids:?}");
    }

    #[test]
    fn a_channel_without_any_broker_is_told_what_to_set() {
        let error = brokers("till").connect(&Name::new("erp").unwrap(), None, Way::Out).unwrap_err();
        assert!(error.to_string().contains("set mqtt.broker"), "{error}");
    }
}
