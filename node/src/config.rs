//! Settings: defaults from a file that is compiled in, then the operator's file, environment, flags; checked at start.

mod channel;
mod delivery;
mod file;
mod link;
mod load;
mod plugin;
mod promises;
mod source;
mod subscription;
mod tax;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tillmesh_core::document::Interest;
use tillmesh_core::id::Name;
use tillmesh_core::money::Rounding;
use tillmesh_core::policy::Policies;
use tillmesh_core::tax::Taxes;
use tillmesh_core::time::Zone;

use crate::mqtt::{BrokerUrl, Protocol, TlsFiles};

pub use delivery::{DeliverTo, DeliverySettings, WatchSettings, fill_topic};
pub use load::{ConfigError, Overrides};
pub use plugin::{CanaryMode, CanarySettings, ComponentSettings, LimitsSection, PluginSettings, SigningSettings};
pub use subscription::SubscribeSettings;

/// Every setting with its default, commented.
pub const DEFAULT_TOML: &str = include_str!("config/default.toml");

/// A node's settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The node's name.
    pub node: Name,
    /// Its fleet.
    pub fleet: Name,
    /// The location whose stock it touches.
    pub location: Name,
    /// The region whose carts it shares.
    pub region: Name,
    /// The name of the time zone.
    pub time_zone: String,
    /// The time zone.
    pub zone: Zone,
    /// What happens to fractions of a minor unit.
    pub rounding: Rounding,
    /// Whether it is its location's keeper.
    pub keeper: bool,
    /// The location whose ledgers hold the fleet's vouchers.
    pub vouchers: Name,
    /// Whether it pays back without the right to where nobody gives it.
    pub refund_apart: bool,
    /// How far it may promise.
    pub promises: Policies,
    /// How long a promise waits for rights of peers; zero: it does not ask.
    pub promise_patience: Duration,
    /// How many days a cart lives that nobody adds to.
    pub cart_days: u16,
    /// How it taxes what it sells.
    pub taxes: Taxes,
    /// The folder of its store.
    pub data: PathBuf,
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Names by which clients may call it.
    pub allowed_hosts: Vec<String>,
    /// The scopes that it holds.
    pub scopes: Interest,
    /// The broker.
    pub broker: Option<LinkSettings>,
    /// The version of MQTT towards it or the embedded one.
    pub protocol: Protocol,
    /// Where an embedded broker listens.
    pub embedded_broker: Option<SocketAddr>,
    /// The second broker, which this node joins with the first.
    pub bridge: Option<BridgeSettings>,
    /// The plugin that prices carts.
    pub pricing_plugin: Option<Name>,
    /// What happens when it fails.
    pub pricing_on_failure: OnFailure,
    /// The plugins.
    pub plugins: BTreeMap<Name, PluginSettings>,
    /// Whose signatures of components are believed.
    pub signing: SigningSettings,
    /// The channels.
    pub channels: BTreeMap<Name, ChannelSettings>,
    /// The file that they were read from; none: there is none.
    pub file: Option<PathBuf>,
}

/// A link to a broker.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// The broker.
    pub broker: BrokerUrl,
    /// The version of MQTT.
    pub protocol: Protocol,
    /// The files of TLS towards it.
    pub tls: TlsFiles,
}

/// The second link of a node that is a bridge.
#[derive(Debug, Clone)]
pub struct BridgeSettings {
    /// The link.
    pub link: LinkSettings,
    /// The scopes that it carries, of those that the node holds.
    pub scopes: Interest,
}

/// What happens when a hook fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Go on without it.
    Open,
    /// Refuse.
    Closed,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct ChannelSettings {
    /// The plugin that translates its messages.
    pub plugin: Name,
    /// How its messages prove where they come from.
    pub signature: Signature,
    /// The location of its orders.
    pub location: Option<Name>,
    /// The longest body of a message, in bytes.
    pub max_body: u64,
    /// What becomes of a message of which nothing can be made. Either way it is kept as a dead letter; `Open`: the
    /// channel is told that it was taken; `Closed`: that it was not.
    pub on_failure: OnFailure,
    /// Where the channel is told what happens; none: nowhere.
    pub deliver: Option<DeliverySettings>,
    /// The folder whose files are its messages; none: there is none.
    pub watch: Option<WatchSettings>,
    /// The topics of MQTT whose messages are its own; none: there are none.
    pub subscribe: Option<SubscribeSettings>,
    /// What the plugin wants to know.
    pub settings: BTreeMap<String, String>,
}

/// How a channel's messages prove where they come from: an HMAC-SHA-256 over the body.
#[derive(Clone, PartialEq, Eq)]
pub enum Signature {
    /// Not at all.
    None,
    /// As Shopify's webhooks: base64 in `X-Shopify-Hmac-Sha256`.
    Shopify(Secret),
    /// As WooCommerce's: base64 in `X-WC-Webhook-Signature`.
    WooCommerce(Secret),
    /// As Square's: base64 in `X-Square-Hmacsha256-Signature`, over the address to which it is sent and the body.
    Square {
        /// The key of the subscription.
        key: Secret,
        /// The address that the subscription names, to the letter.
        notification_url: String,
    },
    /// Hexadecimal in `X-Signature`.
    Hex(Secret),
}

impl Signature {
    /// What the settings call it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shopify(_) => "shopify",
            Self::WooCommerce(_) => "woocommerce",
            Self::Square { .. } => "square",
            Self::Hex(_) => "hex",
        }
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Its bytes, to sign and to check signatures with.
    pub const fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Its text, for a header that lets this node in.
    pub fn expose_text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests;
