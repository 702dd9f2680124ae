//! Plugins, as the settings describe them: which component, who signed it, what it may import and use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::ConfigError;
use super::source::Source;
use crate::plugin::{Capability, Limits};

/// A plugin.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// The file of its component.
    pub component: PathBuf,
    /// The SHA-256 that the component must have, in lower-case hexadecimal; none: any.
    pub sha256: Option<String>,
    /// What it may import.
    pub capabilities: Vec<Capability>,
    /// What a call of it may use.
    pub limits: Limits,
}

/// Whose signatures of components are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SigningSettings {
    /// Public keys of minisign.
    pub keys: Vec<String>,
    /// Whether a component without a signature is refused.
    pub deny_unsigned: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SigningSection {
    keys: Option<Vec<String>>,
    deny_unsigned: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginSection {
    component: PathBuf,
    sha256: Option<String>,
    capabilities: Option<Vec<Capability>>,
    #[serde(default)]
    limits: LimitsSection,
}

/// Limits in the units of people.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsSection {
    fuel: Option<u64>,
    milliseconds: Option<u64>,
    memory_kilobytes: Option<u64>,
    input_kilobytes: Option<u64>,
    output_kilobytes: Option<u64>,
    state_kilobytes: Option<u64>,
    host_calls: Option<u64>,
}

impl SigningSection {
    pub(super) fn check(self, source: &Source<'_>) -> Result<SigningSettings, ConfigError> {
        let keys = source.list("signing.keys", self.keys)?.unwrap_or_default();
        let deny_unsigned = source.permission("signing.deny_unsigned", self.deny_unsigned)?;
        Ok(SigningSettings { keys, deny_unsigned })
    }
}

impl PluginSection {
    pub(super) fn check(self, name: &Name, base: &Path) -> Result<PluginSettings, ConfigError> {
        let key = |field: &str| format!("plugins.{name}.{field}");
        let sha256 = self.sha256.map(|hash| hash.to_ascii_lowercase());
        let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some(hash) = sha256.as_ref().filter(|hash| !is_hash(hash)) {
            return Err(ConfigError::invalid(&key("sha256"), hash, "it must be 64 hexadecimal digits"));
        }
        Ok(PluginSettings {
            component: base.join(self.component),
            sha256,
            capabilities: self.capabilities.unwrap_or_else(|| Capability::CONTRACT.to_vec()),
            limits: self.limits.check(name)?,
        })
    }
}

impl LimitsSection {
    fn check(self, name: &Name) -> Result<Limits, ConfigError> {
        let within = |field: &str, value: Option<u64>, default: u64, max: u64| {
            let Some(value) = value else { return Ok(default) };
            if (1..=max).contains(&value) {
                return Ok(value);
            }
            let key = format!("plugins.{name}.limits.{field}");
            Err(ConfigError::invalid(&key, value, format!("it must be between 1 and {max}")))
        };
        let bytes = |field: &str, value: Option<u64>, default: usize, max: usize| {
            let kilobytes = within(field, value, default as u64 >> 10, max as u64 >> 10)?;
            Ok::<_, ConfigError>(usize::try_from(kilobytes << 10).unwrap_or(max))
        };
        let (own, max) = (Limits::DEFAULT, Limits::MAX);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let deadline = within("milliseconds", self.milliseconds, millis(own.deadline), millis(max.deadline))?;
        let calls = within("host_calls", self.host_calls, own.host_calls.into(), max.host_calls.into())?;
        Ok(Limits {
            fuel: within("fuel", self.fuel, own.fuel, max.fuel)?,
            deadline: Duration::from_millis(deadline),
            memory_bytes: bytes("memory_kilobytes", self.memory_kilobytes, own.memory_bytes, max.memory_bytes)?,
            input_bytes: bytes("input_kilobytes", self.input_kilobytes, own.input_bytes, max.input_bytes)?,
            output_bytes: bytes("output_kilobytes", self.output_kilobytes, own.output_bytes, max.output_bytes)?,
            state_bytes: bytes("state_kilobytes", self.state_kilobytes, own.state_bytes, max.state_bytes)?,
            host_calls: u32::try_from(calls).unwrap_or(max.host_calls),
            ..own
        })
    }
}
