//! The channels, as the settings describe them.

use tillmesh_core::id::Name;

use super::file::ChannelSection;
use super::source::Source;
use super::{ChannelSettings, ConfigError, Secret, Signature};

impl ChannelSection {
    pub(super) fn check(self, name: &Name, source: &Source<'_>) -> Result<ChannelSettings, ConfigError> {
        let key = |field: &str| format!("channels.{name}.{field}");
        let signature = match self.signature.as_str() {
            "none" => Signature::None,
            "shopify" => Signature::Shopify(self.secret(&key, source)?),
            "hex" => Signature::Hex(self.secret(&key, source)?),
            other => return Err(ConfigError::invalid(&key("signature"), other, "it must be shopify, hex or none")),
        };
        Ok(ChannelSettings { plugin: self.plugin, signature, location: self.location, settings: self.settings })
    }

    fn secret(&self, key: &impl Fn(&str) -> String, source: &Source<'_>) -> Result<Secret, ConfigError> {
        let secret = if let Some(path) = &self.secret_file {
            let path = source.base.join(path);
            let text = std::fs::read_to_string(&path);
            text.map_err(|error| ConfigError::invalid(&key("secret_file"), path.display(), error))?
                .trim_end()
                .to_owned()
        } else if let Some(variable) = &self.secret_env {
            let missing = || ConfigError::invalid(&key("secret_env"), variable, "this environment variable is not set");
            (source.environment)(variable).ok_or_else(missing)?
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
