//! The links to brokers and what they carry, as the settings describe them.

use std::path::PathBuf;

use tillmesh_core::document::{Interest, ScopePattern};
use tillmesh_core::id::Name;

use super::file::{BridgeSection, MqttSection};
use super::source::Source;
use super::{BridgeSettings, ConfigError, LinkSettings};
use crate::mqtt::{Protocol, TlsFiles};

/// What a section says of a link.
pub(super) struct Keys {
    pub section: String,
    pub broker: Option<String>,
    pub protocol: Protocol,
    pub ca_file: Option<PathBuf>,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
}

impl MqttSection {
    /// The link to the node's own broker, if it has one.
    pub(super) fn link(
        self,
        source: &Source<'_>,
        flag: Option<&String>,
        protocol: Protocol,
    ) -> Result<Option<LinkSettings>, ConfigError> {
        let Self { broker, ca_file, certificate_file, key_file, .. } = self;
        Keys { section: "mqtt".to_owned(), broker, protocol, ca_file, certificate_file, key_file }.check(source, flag)
    }
}

impl BridgeSection {
    /// The second link, if there is one. Without scopes of its own it carries what the node holds.
    pub(super) fn check(
        self,
        source: &Source<'_>,
        flag: Option<&String>,
        places: &Places<'_>,
    ) -> Result<Option<BridgeSettings>, ConfigError> {
        let Self { broker, protocol, ca_file, certificate_file, key_file, scopes } = self;
        let protocol = source.word("bridge.protocol", protocol)?.unwrap_or_default();
        let scopes = source.list("bridge.scopes", scopes)?;
        let keys = Keys { section: "bridge".to_owned(), broker, protocol, ca_file, certificate_file, key_file };
        let link = keys.check(source, flag)?;
        match (link, scopes) {
            (None, None) => Ok(None),
            (None, Some(_)) => {
                Err(ConfigError::invalid("bridge.scopes", "set", "it is for a bridge: set bridge.broker"))
            }
            (Some(link), None) => Ok(Some(BridgeSettings { link, scopes: Interest::all() })),
            (Some(link), Some(scopes)) => {
                Ok(Some(BridgeSettings { link, scopes: places.interest("bridge.scopes", &scopes)? }))
            }
        }
    }
}

impl Keys {
    pub(super) fn check(self, source: &Source<'_>, flag: Option<&String>) -> Result<Option<LinkSettings>, ConfigError> {
        let key = |name: &str| format!("{}.{name}", self.section);
        let tls = self.tls(source)?;
        let broker = source.text(&key("broker"), flag, self.broker.clone());
        // A broker's URL may hold a password, so what is wrong with it is said without it.
        let broker: Option<crate::mqtt::BrokerUrl> = broker
            .map(|text| text.parse().map_err(|error| ConfigError::invalid(&key("broker"), "", error)))
            .transpose()?;
        if tls != TlsFiles::default() && !broker.as_ref().is_some_and(crate::mqtt::BrokerUrl::is_tls) {
            let files = ["ca_file", "certificate_file", "key_file"].map(key).join(", ");
            return Err(ConfigError::invalid(&files, "set", "files of TLS are for a broker at mqtts://"));
        }
        Ok(broker.map(|broker| LinkSettings { broker, protocol: self.protocol, tls }))
    }

    fn tls(&self, source: &Source<'_>) -> Result<TlsFiles, ConfigError> {
        let key = |name: &str| format!("{}.{name}", self.section);
        let certificate = source.file(&key("certificate_file"), self.certificate_file.as_ref());
        let client = match (certificate, source.file(&key("key_file"), self.key_file.as_ref())) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (one, other) => {
                let given = one.or(other).unwrap_or_default();
                let rule = format!(
                    "a certificate and its key go together: set {} and {}",
                    key("certificate_file"),
                    key("key_file")
                );
                return Err(ConfigError::invalid(&key("certificate_file"), given.display(), rule));
            }
        };
        Ok(TlsFiles { ca: source.file(&key("ca_file"), self.ca_file.as_ref()), client })
    }
}

/// What `<location>` and `<region>` stand for in scopes, so that the nodes of a fleet may share their settings.
pub(super) struct Places<'a> {
    pub location: &'a Name,
    pub region: &'a Name,
}

impl Places<'_> {
    /// Reads scopes.
    pub(super) fn interest(&self, key: &str, scopes: &[String]) -> Result<Interest, ConfigError> {
        let pattern = |text: &String| {
            let meant = text.replace("<location>", self.location.as_str()).replace("<region>", self.region.as_str());
            meant.parse::<ScopePattern>().map_err(|error| ConfigError::invalid(key, text, error.rule))
        };
        Ok(Interest::new(scopes.iter().map(pattern).collect::<Result<_, _>>()?))
    }
}
