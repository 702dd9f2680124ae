//! Reading settings, and saying which one is wrong.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use tillmesh_core::cart::EXPIRE_DAYS;
use tillmesh_core::catalog::is_of;
use tillmesh_core::document::Scope;
use tillmesh_core::id::Name;
use tillmesh_core::time::Zone;

use super::file::{self, ChannelSection};
use super::link::Places;
use super::plugin::PluginSection;
use super::promises::number;
use super::source::{Source, address, parsed, unknown_variables};
use super::{ChannelSettings, DEFAULT_TOML, OnFailure, PluginSettings, Settings, SigningSettings};

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
    /// The second broker, of a bridge.
    pub bridge: Option<String>,
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
    pub(super) fn invalid(key: &str, value: impl std::fmt::Display, rule: impl std::fmt::Display) -> Self {
        Self::Invalid { key: key.to_owned(), value: value.to_string(), rule: rule.to_string() }
    }
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
        let asked = RefCell::default();
        let settings = Self::load_with(file, flags, &|name| {
            BTreeSet::insert(&mut asked.borrow_mut(), name.to_owned());
            std::env::var(name).ok()
        })?;
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in unknown_variables(names, &asked.borrow()) {
            // Not refused: platforms put variables there, such as TILLMESH_PORT for a service of this name.
            tracing::warn!(name, "this environment variable is no setting: is it misspelt?");
        }
        Ok(settings)
    }

    pub(super) fn load_with(
        file: Option<&Path>,
        flags: &Overrides,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let defaults = file::parse("the built-in defaults", DEFAULT_TOML)?;
        let (own, base) = match file {
            Some(path) => (file::read(path)?, path.parent().map(Path::to_path_buf).unwrap_or_default()),
            None => (file::parse("", "")?, PathBuf::new()),
        };
        let source = Source { environment, base: &base };
        let named = |key, flag: &Option<String>, file, default| source.parsed(key, flag.as_ref(), file, default);
        let node = source
            .text("node.name", flags.node.as_ref(), own.node.name)
            .ok_or_else(|| ConfigError::invalid("node.name", "", "a node needs a name: pass --node or set it"))?;
        let node: Name = parsed("node.name", &node)?;
        let location = named("node.location", &flags.location, own.node.location, Some(node.to_string()))?;
        let region = named("node.region", &flags.region, own.node.region, defaults.node.region)?;
        let places = Places { location: &location, region: &region };
        let scopes = source.list("sync.scopes", own.sync.scopes)?.or(defaults.sync.scopes).unwrap_or_default();
        let (time_zone, zone) = zone(&source, flags, own.node.time_zone.or(defaults.node.time_zone))?;
        let protocol = source.word("mqtt.protocol", own.mqtt.protocol.or(defaults.mqtt.protocol))?.unwrap_or_default();
        let embedded =
            source.text("mqtt.embedded_broker", flags.embedded_broker.as_ref(), own.mqtt.embedded_broker.clone());
        let listen = source.text("http.listen", flags.listen.as_ref(), own.http.listen.or(defaults.http.listen));
        let open = source.permission(
            "http.allow_network_access_without_authentication",
            own.http.allow_network_access_without_authentication,
        )?;
        let (promises, promise_patience) = own.promises.check(&source, defaults.promises)?;
        let on_failure = own.pricing.on_failure.or(defaults.pricing.on_failure);
        let settings = Self {
            fleet: named("node.fleet", &flags.fleet, own.node.fleet, defaults.node.fleet)?,
            scopes: places.interest("sync.scopes", &scopes)?,
            bridge: own.bridge.check(&source, flags.bridge.as_ref(), &places)?,
            zone,
            time_zone,
            keeper: source.permission("node.keeper", own.node.keeper.or(defaults.node.keeper))?,
            vouchers: named("vouchers.location", &None, own.vouchers.location, defaults.vouchers.location)?,
            refund_apart: source
                .permission("returns.refund_apart", own.returns.refund_apart.or(defaults.returns.refund_apart))?,
            promises,
            promise_patience,
            cart_days: cart_days(&source, own.carts.expire_days.or(defaults.carts.expire_days))?,
            taxes: own.tax.check(&source, defaults.tax)?,
            rounding: source.word("node.rounding", own.node.rounding.or(defaults.node.rounding))?.unwrap_or_default(),
            data: folder(&source, flags, own.node.data, &node)?,
            listen: address("http.listen", &listen.unwrap_or_default())?,
            allowed_hosts: hosts(source.list("http.allowed_hosts", own.http.allowed_hosts)?.unwrap_or_default())?,
            broker: own.mqtt.link(&source, flags.broker.as_ref(), protocol)?,
            protocol,
            embedded_broker: embedded.map(|text| address("mqtt.embedded_broker", &text)).transpose()?,
            pricing_plugin: source.word("pricing.plugin", own.pricing.plugin)?,
            pricing_on_failure: source.word("pricing.on_failure", on_failure)?.unwrap_or(OnFailure::Open),
            plugins: plugins(own.plugins, &base)?,
            signing: own.signing.check(&source)?,
            channels: channels(own.channels, &source)?,
            file: file.map(Path::to_path_buf),
            node,
            location,
            region,
        };
        settings.check(open || flags.allow_network_access_without_authentication)?;
        Ok(settings)
    }

    /// Reads the plugins and whose signatures are believed once more from the file of settings, for a node that prices
    /// with this plugin.
    ///
    /// # Errors
    /// When one is wrong: which, where, and the rule.
    pub fn plugins_again(
        path: &Path,
        pricing: Option<&Name>,
    ) -> Result<(BTreeMap<Name, PluginSettings>, SigningSettings), ConfigError> {
        let (own, base) = (file::read(path)?, path.parent().map(Path::to_path_buf).unwrap_or_default());
        let source = Source { environment: &|name| std::env::var(name).ok(), base: &base };
        let (plugins, signing) = (plugins(own.plugins, &base)?, own.signing.check(&source)?);
        check_pricing(pricing, &plugins)?;
        Ok((plugins, signing))
    }

    fn check(&self, open: bool) -> Result<(), ConfigError> {
        for (key, address) in [("http.listen", Some(self.listen)), ("mqtt.embedded_broker", self.embedded_broker)] {
            if let Some(address) = address.filter(|address| !address.ip().is_loopback() && !open) {
                let rule = "others can reach this address, and this version has no access control; \
                            pass --allow-network-access-without-authentication if that is meant";
                return Err(ConfigError::invalid(key, address, rule));
            }
        }
        self.check_links()?;
        let own_stock = Scope::Stock(self.location.clone());
        if self.keeper && !self.scopes.admits(&own_stock) {
            let rule = format!("a keeper folds its location's ledgers: sync.scopes must have {own_stock}");
            return Err(ConfigError::invalid("node.keeper", true, rule));
        }
        let known = |name: &Name| self.plugins.contains_key(name);
        if let Some(name) = self.pricing_plugin.as_ref().filter(|name| !known(name)) {
            return Err(ConfigError::invalid("pricing.plugin", name, "there is no such plugin in [plugins]"));
        }
        check_pricing(self.pricing_plugin.as_ref(), &self.plugins)?;
        if let Some((channel, settings)) = self.channels.iter().find(|(_, settings)| !known(&settings.plugin)) {
            let key = format!("channels.{channel}.plugin");
            return Err(ConfigError::invalid(&key, &settings.plugin, "there is no such plugin in [plugins]"));
        }
        // What a channel calls a product by a second name stands under `channel-1` among the product's references.
        let names = || self.channels.keys();
        if let Some(name) = names().find(|name| names().any(|other| other != *name && is_of(name, other))) {
            let rule = "another channel has this name without the number at its end, and keeps its references under it";
            return Err(ConfigError::invalid("channels", name, rule));
        }
        Ok(())
    }

    fn check_links(&self) -> Result<(), ConfigError> {
        if self.broker.is_some() && self.embedded_broker.is_some() {
            let rule = "a node has one broker besides its bridge: set it or mqtt.embedded_broker";
            return Err(ConfigError::invalid("mqtt.broker", "", rule));
        }
        let Some(bridge) = &self.bridge else { return Ok(()) };
        if self.broker.is_none() && self.embedded_broker.is_none() {
            let rule = "a bridge joins two brokers: set mqtt.broker or mqtt.embedded_broker too";
            return Err(ConfigError::invalid("bridge.broker", &bridge.link.broker, rule));
        }
        if self.broker.as_ref().is_some_and(|link| link.broker.is_same_place(&bridge.link.broker)) {
            let rule = "it is the broker of [mqtt]: a bridge joins two";
            return Err(ConfigError::invalid("bridge.broker", &bridge.link.broker, rule));
        }
        Ok(())
    }
}

/// A price must be the same at every node and every time.
fn check_pricing(pricing: Option<&Name>, plugins: &BTreeMap<Name, PluginSettings>) -> Result<(), ConfigError> {
    match pricing.filter(|name| plugins.get(*name).is_some_and(|plugin| plugin.canary.is_some())) {
        None => Ok(()),
        Some(name) => {
            let rule = "a plugin that prices carts is not tried on some of them: try it at a node of its own";
            Err(ConfigError::invalid(&format!("plugins.{name}.canary"), "", rule))
        }
    }
}

fn zone(source: &Source<'_>, flags: &Overrides, file: Option<String>) -> Result<(String, Zone), ConfigError> {
    let name = source.text("node.time_zone", flags.time_zone.as_ref(), file).unwrap_or_default();
    let zone = Zone::named(&name).map_err(|error| ConfigError::invalid("node.time_zone", &name, error.rule))?;
    Ok((name, zone))
}

fn cart_days(source: &Source<'_>, file: Option<u16>) -> Result<u16, ConfigError> {
    const KEY: &str = "carts.expire_days";
    match number(KEY, source, file)?.unwrap_or(EXPIRE_DAYS) {
        0 => Err(ConfigError::invalid(KEY, 0, "a cart lives for at least a day")),
        days => Ok(days),
    }
}

fn folder(source: &Source<'_>, flags: &Overrides, file: Option<PathBuf>, node: &Name) -> Result<PathBuf, ConfigError> {
    let variable = source.variable("node.data").map(PathBuf::from);
    match flags.data.clone().or(variable).or(file) {
        Some(data) if data.as_os_str().is_empty() => {
            Err(ConfigError::invalid("node.data", "", "it must name a folder"))
        }
        data => Ok(data.unwrap_or_else(|| PathBuf::from("tillmesh-data").join(node.as_str()))),
    }
}

/// The `Host` of a request is compared with these, so one that no client could send would never help anybody.
fn hosts(entries: Vec<String>) -> Result<Vec<String>, ConfigError> {
    match entries.iter().find(|entry| !is_host(entry)) {
        None => Ok(entries),
        Some(entry) => {
            let rule = "it must be a name or an address, with a port or without, as in till.example or till.example:80";
            Err(ConfigError::invalid("http.allowed_hosts", entry, rule))
        }
    }
}

fn is_host(entry: &str) -> bool {
    if entry.parse::<IpAddr>().is_ok() || entry.parse::<SocketAddr>().is_ok() {
        return true;
    }
    let (name, port) = entry.split_once(':').map_or((entry, None), |(name, port)| (name, Some(port)));
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        !label.is_empty() && label.len() <= 63 && plain
    };
    name.len() <= 253 && name.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn plugins(own: BTreeMap<Name, PluginSection>, base: &Path) -> Result<BTreeMap<Name, PluginSettings>, ConfigError> {
    let checked = |(name, section): (Name, PluginSection)| Ok((name.clone(), section.check(&name, base)?));
    own.into_iter().map(checked).collect()
}

fn channels(
    own: BTreeMap<Name, ChannelSection>,
    source: &Source<'_>,
) -> Result<BTreeMap<Name, ChannelSettings>, ConfigError> {
    let checked = |(name, section): (Name, ChannelSection)| Ok((name.clone(), section.check(&name, source)?));
    own.into_iter().map(checked).collect()
}
