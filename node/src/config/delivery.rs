//! Where a channel is told what happens, as the settings describe it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::channel::{SecretKeys, secret};
use super::link::Keys;
use super::source::Source;
use super::{ConfigError, LinkSettings, Secret};
use crate::mqtt::{Protocol, is_publishable};

/// The most messages a second that a channel may be set to be sent.
const MAX_PER_SECOND: u32 = 1_000;
/// How many it is sent unless the settings say otherwise: as many as most of the field's interfaces take.
const PER_SECOND: u32 = 20;

/// What a message is about, for instance.
const SAMPLE_TOPIC: &str = "inventory_levels/set";
/// As long as a message's id.
const SAMPLE_ID: &str = "0123456789012345678901234567890123456789012345678901";

/// Where and how a channel is told what happens.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    /// Where to.
    pub to: DeliverTo,
    /// Whose stock it is told; empty: that of the channel's location.
    pub locations: Vec<Name>,
    /// What the bodies are signed with.
    pub secret: Option<Secret>,
    /// A header that lets this node in, and its value.
    pub token: Option<(String, Secret)>,
    /// The most messages a second.
    pub max_per_second: u32,
    /// By which certificates the other side proves who it is; none: those that the operating system trusts.
    pub ca_file: Option<PathBuf>,
}

/// A folder whose files are messages of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchSettings {
    /// The folder.
    pub folder: PathBuf,
    /// What the files are about, in the channel's words.
    pub topic: String,
}

/// Where messages go.
#[derive(Debug, Clone)]
pub enum DeliverTo {
    /// To addresses, with POST.
    Addresses {
        /// For every topic that has none of its own.
        url: Option<String>,
        /// By topic.
        by_topic: BTreeMap<String, String>,
    },
    /// Into a folder, a file each.
    Folder(PathBuf),
    /// Over MQTT.
    Topic {
        /// The broker; none: the node's own.
        link: Option<LinkSettings>,
        /// The topic, with `{topic}`, `{id}` and `{number}` for what a message has of these.
        topic: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliverySection {
    url: Option<String>,
    #[serde(default)]
    urls: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    topic: Option<String>,
    broker: Option<String>,
    protocol: Option<Protocol>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    #[serde(default)]
    locations: Vec<Name>,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    token_header: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    token_env: Option<String>,
    max_per_second: Option<u32>,
    ca_file: Option<PathBuf>,
}

impl DeliverySettings {
    /// How long to wait between two messages.
    pub fn pace(&self) -> Duration {
        Duration::from_secs(1) / self.max_per_second.max(1)
    }
}

impl DeliverySection {
    pub(super) fn check(self, name: &Name, source: &Source<'_>) -> Result<DeliverySettings, ConfigError> {
        let key = |field: &str| format!("channels.{name}.deliver.{field}");
        let max_per_second = self.max_per_second.unwrap_or(PER_SECOND);
        if !(1..=MAX_PER_SECOND).contains(&max_per_second) {
            let rule = format!("it must be between 1 and {MAX_PER_SECOND}");
            return Err(ConfigError::invalid(&key("max_per_second"), max_per_second, rule));
        }
        let keys = SecretKeys { file: &self.secret_file, env: &self.secret_env, plain: &self.secret, named: "secret" };
        let secret_value = secret(&keys, &key, source)?;
        let keys = SecretKeys { file: &self.token_file, env: &self.token_env, plain: &self.token, named: "token" };
        let token = secret(&keys, &key, source)?;
        let header = self.token_header.unwrap_or_else(|| "Authorization".to_owned());
        if !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') || header.is_empty() {
            return Err(ConfigError::invalid(&key("token_header"), header, "it must be the name of a header"));
        }
        let of_mqtt = [
            ("broker", self.broker.is_some()),
            ("protocol", self.protocol.is_some()),
            ("certificate_file", self.certificate_file.is_some()),
            ("key_file", self.key_file.is_some()),
        ];
        if let Some((field, _)) = of_mqtt.into_iter().find(|(_, is_said)| self.topic.is_none() && *is_said) {
            return Err(ConfigError::invalid(&key(field), "", "it is for what is told over MQTT: give topic"));
        }
        let keys = Keys {
            section: format!("channels.{name}.deliver"),
            broker: self.broker,
            protocol: self.protocol.unwrap_or_default(),
            ca_file: self.ca_file.clone(),
            certificate_file: self.certificate_file,
            key_file: self.key_file,
        };
        let to = match (self.url, self.urls, self.folder, self.topic) {
            (None, urls, Some(folder), None) if urls.is_empty() => DeliverTo::Folder(source.base.join(folder)),
            (None, urls, None, Some(topic)) if urls.is_empty() => {
                check_topic(&key("topic"), &topic)?;
                if secret_value.is_some() || token.is_some() {
                    let rule = "a message over MQTT has no place for a signature or a token: the broker lets nodes in";
                    return Err(ConfigError::invalid(&key("secret"), "", rule));
                }
                DeliverTo::Topic { link: keys.check(source, None)?, topic }
            }
            (url, by_topic, None, None) if url.is_some() || !by_topic.is_empty() => {
                for (field, address) in
                    url.iter().map(|url| ("url", url)).chain(by_topic.values().map(|it| ("urls", it)))
                {
                    check_address(&key(field), address)?;
                }
                DeliverTo::Addresses { url, by_topic }
            }
            _ => {
                let rule = "give url (or urls, by topic), or folder, or topic, and one of them";
                return Err(ConfigError::invalid(&key("url"), "", rule));
            }
        };
        Ok(DeliverySettings {
            to,
            locations: self.locations,
            secret: secret_value,
            token: token.map(|token| (header, token)),
            max_per_second,
            ca_file: self.ca_file.map(|path| source.base.join(path)),
        })
    }
}

/// A topic with what a message has in the places that it names. What is filled in is not looked through again.
pub fn fill_topic(pattern: &str, topic: &str, id: &str, number: u64) -> String {
    let number = number.to_string();
    let (mut filled, mut rest) = (String::new(), pattern);
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let places = [("{topic}", topic), ("{id}", id), ("{number}", &number), ("{", "{")];
        for (place, value) in places {
            if let Some(behind) = rest.strip_prefix(place) {
                filled.push_str(value);
                rest = behind;
                break;
            }
        }
    }
    filled + rest
}

/// A topic with room for what stands for its places.
fn check_topic(key: &str, topic: &str) -> Result<(), ConfigError> {
    if is_publishable(&fill_topic(topic, SAMPLE_TOPIC, SAMPLE_ID, 1)) {
        return Ok(());
    }
    let rule =
        "with {topic}, {id} and {number} filled in it must have 1 to 256 bytes, no + or # and no control characters";
    Err(ConfigError::invalid(key, topic, rule))
}

/// In the clear only to this machine.
fn check_address(key: &str, address: &str) -> Result<(), ConfigError> {
    let invalid = |rule: &str| Err(ConfigError::invalid(key, address, rule));
    let Some((scheme, rest)) = address.split_once("://") else {
        return invalid("it must be an address such as https://shop.example/hooks");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') {
        return invalid("it must name a host, and no user or password: use token_file");
    }
    let host = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map_or(authority, |(host, _)| host);
    match scheme {
        "https" => Ok(()),
        "http" if ["localhost", "127.0.0.1", "[::1]"].contains(&host) => Ok(()),
        "http" => invalid("what leaves this machine goes over https"),
        _ => invalid("it must begin with https://"),
    }
}
