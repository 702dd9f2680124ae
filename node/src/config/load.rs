//! Reading settings, and saying which one is wrong.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use tillmesh_core::id::Name;
use tillmesh_core::money::Rounding;
use tillmesh_core::time::Zone;

use crate::mqtt::{BrokerUrl, TlsFiles};

use super::{ChannelSettings, DEFAULT_TOML, OnFailure, PluginSettings, Secret, Settings, Signature};

/// What flags of the command line say. They win over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The node's name.
    pub node: Option<String>,
    /// The fleet.
    pub fleet: Option<String>,
    /// The location.
    pub location: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The time zone.
    pub time_zone: Option<String>,
    /// The folder of the store.
    pub data: Option<PathBuf>,
    /// Where the API listens.
    pub listen: Option<String>,
    /// The broker.
    pub broker: Option<String>,
    /// Where an embedded broker listens.
    pub embedded_broker: Option<String>,
    /// Whether an address that others can reach is wanted.
    pub allow_network_access_without_authentication: bool,
}

/// Why settings are not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings in {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        reason: std::io::Error,
    },
    /// The file is not TOML, or a setting in it is unknown or of another type.
    #[error("{path}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, column and what is wrong.
        reason: String,
    },
    /// A setting breaks a rule.
    #[error("the setting {key} is {value:?}: {rule}")]
    Invalid {
        /// The setting.
        key: String,
        /// Its value; of a secret, nothing.
        value: String,
        /// The rule.
        rule: String,
    },
}

impl ConfigError {
    fn invalid(key: &str, value: impl std::fmt::Display, rule: impl std::fmt::Display) -> Self {
        Self::Invalid { key: key.to_owned(), value: value.to_string(), rule: rule.to_string() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    node: NodeSection,
    #[serde(default)]
    http: HttpSection,
    #[serde(default)]
    mqtt: MqttSection,
    #[serde(default)]
    pricing: PricingSection,
    #[serde(default)]
    plugins: BTreeMap<Name, PluginSettings>,
    #[serde(default)]
    channels: BTreeMap<Name, ChannelSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NodeSection {
    name: Option<String>,
    fleet: Option<String>,
    location: Option<String>,
    region: Option<String>,
    time_zone: Option<String>,
    rounding: Option<Rounding>,
    keeper: Option<bool>,
    data: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HttpSection {
    listen: Option<String>,
    allowed_hosts: Option<Vec<String>>,
    allow_network_access_without_authentication: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MqttSection {
    broker: Option<String>,
    ca_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    embedded_broker: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PricingSection {
    plugin: Option<Name>,
    on_failure: Option<OnFailure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelSection {
    plugin: Name,
    signature: String,
    secret: Option<String>,
    secret_file: Option<PathBuf>,
    secret_env: Option<String>,
    location: Option<Name>,
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the settings: defaults, the operator's file, environment, flags.
    ///
    /// # Errors
    /// When one is wrong: which, where, and the rule.
    pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Self, ConfigError> {
        let no_text = |(name, value): (OsString, OsString)| {
            let ours = name.to_str().filter(|name| name.starts_with("TILLMESH_") && value.to_str().is_none())?;
            // It may be a secret.
            Some(ConfigError::invalid(ours, "", "the variable must be text in UTF-8"))
        };
        std::env::vars_os().find_map(no_text).map_or(Ok(()), Err)?;
        Self::load_with(file, flags, |name| std::env::var(name).ok())
    }

    pub(super) fn load_with(
        file: Option<&Path>,
        flags: &Overrides,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let defaults = parse("the built-in defaults", DEFAULT_TOML)?;
        let (own, base) = match file {
            Some(path) => (read(path)?, path.parent().map(Path::to_path_buf).unwrap_or_default()),
            None => (parse("", "")?, PathBuf::new()),
        };
        let text = |flag: &Option<String>, key: &str, own: Option<String>, default: Option<String>| {
            flag.clone().or_else(|| environment(&environment_name(key))).or(own).or(default)
        };
        let node = text(&flags.node, "node.name", own.node.name, None)
            .ok_or_else(|| ConfigError::invalid("node.name", "", "a node needs a name: pass --node or set it"))?;
        let node: Name = parsed("node.name", &node)?;
        let fleet = text(&flags.fleet, "node.fleet", own.node.fleet, defaults.node.fleet).unwrap_or_default();
        let region = text(&flags.region, "node.region", own.node.region, defaults.node.region).unwrap_or_default();
        let location =
            text(&flags.location, "node.location", own.node.location, None).unwrap_or_else(|| node.to_string());
        let time_zone =
            text(&flags.time_zone, "node.time_zone", own.node.time_zone, defaults.node.time_zone).unwrap_or_default();
        let listen = text(&flags.listen, "http.listen", own.http.listen, defaults.http.listen).unwrap_or_default();
        let broker = text(&flags.broker, "mqtt.broker", own.mqtt.broker.clone(), None);
        let embedded = text(&flags.embedded_broker, "mqtt.embedded_broker", own.mqtt.embedded_broker.clone(), None);
        let data =
            flags.data.clone().or_else(|| environment("TILLMESH_NODE_DATA").map(PathBuf::from)).or(own.node.data);
        let channels = own.channels.into_iter().map(|(name, section)| {
            let channel = section.check(&name, &base, &environment)?;
            Ok((name, channel))
        });
        let plugins = own
            .plugins
            .into_iter()
            .map(|(name, plugin)| (name, PluginSettings { component: base.join(plugin.component) }));
        let open = flags.allow_network_access_without_authentication
            || permission(
                "http.allow_network_access_without_authentication",
                &environment,
                own.http.allow_network_access_without_authentication,
            )?;
        let settings = Self {
            fleet: parsed("node.fleet", &fleet)?,
            location: parsed("node.location", &location)?,
            region: parsed("node.region", &region)?,
            zone: Zone::named(&time_zone).map_err(|e| ConfigError::invalid("node.time_zone", &time_zone, e.rule))?,
            time_zone,
            keeper: permission("node.keeper", &environment, own.node.keeper.or(defaults.node.keeper))?,
            rounding: word("node.rounding", &environment, own.node.rounding.or(defaults.node.rounding))?
                .unwrap_or_default(),
            data: folder(data, &node)?,
            node,
            listen: address("http.listen", &listen)?,
            allowed_hosts: list("http.allowed_hosts", &environment, own.http.allowed_hosts)?,
            broker: broker.map(|url| broker_url(&url)).transpose()?,
            tls: own.mqtt.tls(&base, &environment)?,
            embedded_broker: embedded.map(|text| address("mqtt.embedded_broker", &text)).transpose()?,
            pricing_plugin: word("pricing.plugin", &environment, own.pricing.plugin)?,
            pricing_on_failure: word(
                "pricing.on_failure",
                &environment,
                own.pricing.on_failure.or(defaults.pricing.on_failure),
            )?
            .unwrap_or(OnFailure::Open),
            plugins: plugins.collect(),
            channels: channels.collect::<Result<_, ConfigError>>()?,
        };
        settings.check(open)?;
        Ok(settings)
    }

    fn check(&self, open: bool) -> Result<(), ConfigError> {
        for (key, address) in [("http.listen", Some(self.listen)), ("mqtt.embedded_broker", self.embedded_broker)] {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback() && !open) {
                let rule = "others can reach this address, and this version has no access control; \
                            pass --allow-network-access-without-authentication if that is meant";
                return Err(ConfigError::invalid(key, address, rule));
            }
        }
        if self.broker.is_some() && self.embedded_broker.is_some() {
            return Err(ConfigError::invalid(
                "mqtt.broker",
                "",
                "a node has one broker: set it or mqtt.embedded_broker",
            ));
        }
        let is_tls = self.broker.as_ref().is_some_and(BrokerUrl::is_tls);
        if self.tls != TlsFiles::default() && !is_tls {
            let rule = "files of TLS are for a broker at mqtts://";
            return Err(ConfigError::invalid("mqtt.ca_file, mqtt.certificate_file, mqtt.key_file", "set", rule));
        }
        let known = |name: &Name| self.plugins.contains_key(name);
        if let Some(name) = self.pricing_plugin.as_ref().filter(|name| !known(name)) {
            return Err(ConfigError::invalid("pricing.plugin", name, "there is no such plugin in [plugins]"));
        }
        if let Some((channel, settings)) = self.channels.iter().find(|(_, settings)| !known(&settings.plugin)) {
            let key = format!("channels.{channel}.plugin");
            return Err(ConfigError::invalid(&key, &settings.plugin, "there is no such plugin in [plugins]"));
        }
        Ok(())
    }
}

impl MqttSection {
    /// The files of TLS; those that the settings' file names are relative to it.
    fn tls(&self, base: &Path, environment: &impl Fn(&str) -> Option<String>) -> Result<TlsFiles, ConfigError> {
        let file = |key: &str, own: &Option<PathBuf>| {
            let named = environment(&environment_name(key)).filter(|path| !path.is_empty()).map(PathBuf::from);
            named.or_else(|| own.as_ref().map(|path| base.join(path)))
        };
        let certificate = file("mqtt.certificate_file", &self.certificate_file);
        let client = match (certificate, file("mqtt.key_file", &self.key_file)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (one, other) => {
                let given = one.or(other).unwrap_or_default();
                let rule = "a certificate and its key go together: set mqtt.certificate_file and mqtt.key_file";
                return Err(ConfigError::invalid("mqtt.certificate_file", given.display(), rule));
            }
        };
        Ok(TlsFiles { ca: file("mqtt.ca_file", &self.ca_file), client })
    }
}

impl ChannelSection {
    fn check(
        self,
        name: &Name,
        base: &Path,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Result<ChannelSettings, ConfigError> {
        let key = |field: &str| format!("channels.{name}.{field}");
        let signature = match self.signature.as_str() {
            "none" => Signature::None,
            "shopify" => Signature::Shopify(self.secret(&key, base, environment)?),
            "hex" => Signature::Hex(self.secret(&key, base, environment)?),
            other => return Err(ConfigError::invalid(&key("signature"), other, "it must be shopify, hex or none")),
        };
        Ok(ChannelSettings { plugin: self.plugin, signature, location: self.location, settings: self.settings })
    }

    fn secret(
        &self,
        key: &impl Fn(&str) -> String,
        base: &Path,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Result<Secret, ConfigError> {
        let secret = if let Some(path) = &self.secret_file {
            let path = base.join(path);
            let text = std::fs::read_to_string(&path);
            text.map_err(|error| ConfigError::invalid(&key("secret_file"), path.display(), error))?
                .trim_end()
                .to_owned()
        } else if let Some(variable) = &self.secret_env {
            let missing = || ConfigError::invalid(&key("secret_env"), variable, "this environment variable is not set");
            environment(variable).ok_or_else(missing)?
        } else {
            self.secret.clone().unwrap_or_default()
        };
        if secret.is_empty() {
            let rule = "a signature needs a secret: secret_file, secret_env or secret";
            return Err(ConfigError::invalid(&key("secret"), "", rule));
        }
        Ok(Secret::new(secret.into_bytes()))
    }
}

fn folder(data: Option<PathBuf>, node: &Name) -> Result<PathBuf, ConfigError> {
    match data {
        Some(data) if data.as_os_str().is_empty() => {
            Err(ConfigError::invalid("node.data", "", "it must name a folder"))
        }
        data => Ok(data.unwrap_or_else(|| PathBuf::from("tillmesh-data").join(node.as_str()))),
    }
}

/// A setting that is one word: from the environment, else as the files say.
fn word<T: DeserializeOwned>(
    key: &str,
    environment: &impl Fn(&str) -> Option<String>,
    files: Option<T>,
) -> Result<Option<T>, ConfigError> {
    let Some(text) = environment(&environment_name(key)) else { return Ok(files) };
    let read: Result<T, serde::de::value::Error> = T::deserialize(text.as_str().into_deserializer());
    read.map(Some).map_err(|error| ConfigError::invalid(key, &text, error))
}

/// A setting that is `true` or `false`, and nothing else; left out, it is not allowed.
fn permission(
    key: &str,
    environment: &impl Fn(&str) -> Option<String>,
    files: Option<bool>,
) -> Result<bool, ConfigError> {
    match environment(&environment_name(key)) {
        Some(text) => text.parse().map_err(|_| ConfigError::invalid(key, text, "it must be true or false")),
        None => Ok(files.unwrap_or_default()),
    }
}

/// A setting that is a list: from the environment, separated by commas, else as the files say.
fn list(
    key: &str,
    environment: &impl Fn(&str) -> Option<String>,
    files: Option<Vec<String>>,
) -> Result<Vec<String>, ConfigError> {
    let Some(text) = environment(&environment_name(key)) else { return Ok(files.unwrap_or_default()) };
    let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
    match entries.iter().filter(|entry| entry.is_empty()).count() {
        0 => Ok(entries),
        // An empty variable is an empty list.
        1 if entries.len() == 1 => Ok(Vec::new()),
        _ => Err(ConfigError::invalid(key, text, "an entry between its commas is empty")),
    }
}

/// The environment variable of a setting: `http.listen` is `TILLMESH_HTTP_LISTEN`.
fn environment_name(key: &str) -> String {
    format!("TILLMESH_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| ConfigError::Read { path: path.to_path_buf(), reason })?;
    parse(&path.display().to_string(), &text)
}

fn parse(path: &str, text: &str) -> Result<File, ConfigError> {
    toml::from_str(text)
        .map_err(|error| ConfigError::Syntax { path: path.to_owned(), reason: error.to_string().trim().to_owned() })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(key: &str, text: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|error: T::Err| ConfigError::invalid(key, text, error))
}

/// A broker's URL may hold a password, so what is wrong with it is said without it.
fn broker_url(text: &str) -> Result<BrokerUrl, ConfigError> {
    text.parse().map_err(|error| ConfigError::invalid("mqtt.broker", "", error))
}

fn address(key: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::invalid(key, text, "it must be IP:PORT, such as 127.0.0.1:7210"))
}
