//! Plugins, as the settings describe them: which component, who signed it, what it may import and use.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::ConfigError;
use super::source::Source;
use crate::plugin::{Capability, Limits, Terms};

/// How many of a hundred calls of a newer component may go worse before it is withdrawn, unless the settings say: what
/// could be chance, and no more.
const MAX_ERROR_PERCENT: u8 = 5;

/// A plugin.
#[derive(Debug, Clone)]
pub struct PluginSettings {
    /// Its component.
    pub component: ComponentSettings,
    /// A newer component that is to be tried.
    pub canary: Option<CanarySettings>,
    /// On which terms it runs.
    pub terms: Terms,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentSettings {
    /// Its file.
    pub file: PathBuf,
    /// The SHA-256 that it must have, in lower-case hexadecimal; none: any.
    pub sha256: Option<String>,
}

/// A newer component that is tried beside the one at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanarySettings {
    /// The component.
    pub component: ComponentSettings,
    /// How it is tried.
    pub mode: CanaryMode,
    /// Of a hundred calls, how many may go worse than with the component at work before it is withdrawn.
    pub max_error_percent: u8,
}

/// How a newer component is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanaryMode {
    /// It does this many of a hundred messages.
    Share(u8),
    /// It is given what the other is given, and what it answers is compared and thrown away.
    Shadow,
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
    reuse: bool,
    canary: Option<CanarySection>,
    #[serde(default)]
    limits: LimitsSection,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CanarySection {
    component: PathBuf,
    sha256: Option<String>,
    share: Option<u8>,
    #[serde(default)]
    shadow: bool,
    max_error_percent: Option<u8>,
}

/// Limits in the units of people.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsSection {
    fuel: Option<u64>,
    fuel_per_input_byte: Option<u64>,
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
        let key = format!("plugins.{name}");
        let canary = self.canary.map(|canary| canary.check(&format!("{key}.canary"), base)).transpose()?;
        Ok(PluginSettings {
            component: component(&key, self.component, self.sha256, base)?,
            canary,
            terms: Terms {
                capabilities: self.capabilities.unwrap_or_else(|| Capability::CONTRACT.to_vec()),
                limits: self.limits.check(name)?,
                reuse: self.reuse,
            },
        })
    }
}

fn component(key: &str, file: PathBuf, sha256: Option<String>, base: &Path) -> Result<ComponentSettings, ConfigError> {
    let sha256 = sha256.map(|hash| hash.to_ascii_lowercase());
    let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(hash) = sha256.as_ref().filter(|hash| !is_hash(hash)) {
        return Err(ConfigError::invalid(&format!("{key}.sha256"), hash, "it must be 64 hexadecimal digits"));
    }
    Ok(ComponentSettings { file: base.join(file), sha256 })
}

impl CanarySection {
    fn check(self, key: &str, base: &Path) -> Result<CanarySettings, ConfigError> {
        let mode = match (self.share, self.shadow) {
            (None, true) => CanaryMode::Shadow,
            (Some(percent @ 1..=99), false) => CanaryMode::Share(percent),
            (share, _) => {
                let rule = "give share, between 1 and 99 of a hundred messages, or shadow = true";
                return Err(ConfigError::invalid(&format!("{key}.share"), share.unwrap_or_default(), rule));
            }
        };
        let max_error_percent = self.max_error_percent.unwrap_or(MAX_ERROR_PERCENT);
        if max_error_percent > 99 {
            let rule = "it must be between 0 and 99";
            return Err(ConfigError::invalid(&format!("{key}.max_error_percent"), max_error_percent, rule));
        }
        let component = component(key, self.component, self.sha256, base)?;
        Ok(CanarySettings { component, mode, max_error_percent })
    }
}

impl LimitsSection {
    /// The limits, where they are within what any plugin may have.
    ///
    /// # Errors
    /// Which one is not.
    pub fn check(self, name: &Name) -> Result<Limits, ConfigError> {
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
            fuel_per_input_byte: within(
                "fuel_per_input_byte",
                self.fuel_per_input_byte,
                own.fuel_per_input_byte,
                max.fuel_per_input_byte,
            )?,
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
