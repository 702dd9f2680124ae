//! Topics of MQTT whose messages are a channel's, as the settings describe them.

use std::path::PathBuf;

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::link::Keys;
use super::source::Source;
use super::{ConfigError, LinkSettings, Signature};
use crate::mqtt::Protocol;

/// Topics whose messages are a channel's.
#[derive(Debug, Clone)]
pub struct SubscribeSettings {
    /// The broker; none: the node's own.
    pub link: Option<LinkSettings>,
    /// The topic filters.
    pub topics: Vec<String>,
    /// What the messages are about, in the channel's words; none: the topic over which each came.
    pub topic: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscribeSection {
    topics: Vec<String>,
    topic: Option<String>,
    broker: Option<String>,
    protocol: Option<Protocol>,
    ca_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
}

impl SubscribeSection {
    pub(super) fn check(
        self,
        name: &Name,
        signature: &Signature,
        source: &Source<'_>,
    ) -> Result<SubscribeSettings, ConfigError> {
        let Self { topics, topic, broker, protocol, ca_file, certificate_file, key_file } = self;
        let section = format!("channels.{name}.subscribe");
        if *signature != Signature::None {
            let rule = "it must be none: what comes over MQTT carries no signature, the broker says who may publish";
            return Err(ConfigError::invalid(&format!("channels.{name}.signature"), signature.as_str(), rule));
        }
        if topics.is_empty() {
            let rule = "it must name the topics whose messages are the channel's, such as orders/#";
            return Err(ConfigError::invalid(&format!("{section}.topics"), "[]", rule));
        }
        let protocol = protocol.unwrap_or_default();
        let link = Keys { section, broker, protocol, ca_file, certificate_file, key_file }.check(source, None)?;
        Ok(SubscribeSettings { link, topics, topic })
    }
}
