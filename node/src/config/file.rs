//! The settings' file, section by section, before anything is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tillmesh_core::id::Name;
use tillmesh_core::money::Rounding;

use super::delivery::DeliverySection;
use super::plugin::{PluginSection, SigningSection};
use super::promises::PromisesSection;
use super::subscription::SubscribeSection;
use super::tax::TaxSection;
use super::{ConfigError, OnFailure, WatchSettings};
use crate::mqtt::Protocol;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub node: NodeSection,
    #[serde(default)]
    pub http: HttpSection,
    #[serde(default)]
    pub mqtt: MqttSection,
    #[serde(default)]
    pub bridge: BridgeSection,
    #[serde(default)]
    pub sync: SyncSection,
    #[serde(default)]
    pub promises: PromisesSection,
    #[serde(default)]
    pub vouchers: VouchersSection,
    #[serde(default)]
    pub returns: ReturnsSection,
    #[serde(default)]
    pub carts: CartsSection,
    #[serde(default)]
    pub tax: TaxSection,
    #[serde(default)]
    pub pricing: PricingSection,
    #[serde(default)]
    pub plugins: BTreeMap<Name, PluginSection>,
    #[serde(default)]
    pub signing: SigningSection,
    #[serde(default)]
    pub channels: BTreeMap<Name, ChannelSection>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NodeSection {
    pub name: Option<String>,
    pub fleet: Option<String>,
    pub location: Option<String>,
    pub region: Option<String>,
    pub time_zone: Option<String>,
    pub rounding: Option<Rounding>,
    pub keeper: Option<bool>,
    pub data: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HttpSection {
    pub listen: Option<String>,
    pub allowed_hosts: Option<Vec<String>>,
    pub allow_network_access_without_authentication: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MqttSection {
    pub broker: Option<String>,
    pub protocol: Option<Protocol>,
    pub ca_file: Option<PathBuf>,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub embedded_broker: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BridgeSection {
    pub broker: Option<String>,
    pub protocol: Option<Protocol>,
    pub ca_file: Option<PathBuf>,
    pub certificate_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub scopes: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SyncSection {
    pub scopes: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct VouchersSection {
    pub location: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReturnsSection {
    pub refund_apart: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CartsSection {
    pub expire_days: Option<u16>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PricingSection {
    pub plugin: Option<Name>,
    pub on_failure: Option<OnFailure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelSection {
    pub plugin: Name,
    pub signature: String,
    pub notification_url: Option<String>,
    pub secret: Option<String>,
    pub secret_file: Option<PathBuf>,
    pub secret_env: Option<String>,
    pub location: Option<Name>,
    pub max_body_megabytes: Option<u64>,
    pub on_failure: Option<OnFailure>,
    pub deliver: Option<DeliverySection>,
    pub watch: Option<WatchSettings>,
    pub subscribe: Option<SubscribeSection>,
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

pub(super) fn read(path: &Path) -> Result<File, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| ConfigError::Read { path: path.to_path_buf(), reason })?;
    parse(&path.display().to_string(), &text)
}

pub(super) fn parse(path: &str, text: &str) -> Result<File, ConfigError> {
    toml::from_str(text)
        .map_err(|error| ConfigError::Syntax { path: path.to_owned(), reason: error.to_string().trim().to_owned() })
}
