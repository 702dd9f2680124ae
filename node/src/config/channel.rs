//! The channels, as the settings describe them.

use std::path::PathBuf;

use tillmesh_core::id::Name;

use super::file::ChannelSection;
use super::source::Source;
use super::{ChannelSettings, ConfigError, OnFailure, Secret, Signature, WatchSettings};

/// The longest body that a channel may be given. It lies on the node's disk while it is read, one at a time.
const MAX_MEGABYTES: u64 = 256;

impl ChannelSection {
    pub(super) fn check(self, name: &Name, source: &Source<'_>) -> Result<ChannelSettings, ConfigError> {
        let key = |field: &str| format!("channels.{name}.{field}");
        let signature = match self.signature.as_str() {
            "none" => Signature::None,
            "shopify" => Signature::Shopify(self.secret(&key, source)?),
            "woocommerce" => Signature::WooCommerce(self.secret(&key, source)?),
            "square" => {
                let notification_url = self.notification_url.clone().unwrap_or_default();
                if !notification_url.contains("://") {
                    let rule = "Square signs the address that the subscription names: give it, as it stands there";
                    return Err(ConfigError::invalid(&key("notification_url"), notification_url, rule));
                }
                Signature::Square { key: self.secret(&key, source)?, notification_url }
            }
            "hex" => Signature::Hex(self.secret(&key, source)?),
            other => {
                let rule = "it must be shopify, woocommerce, square, hex or none";
                return Err(ConfigError::invalid(&key("signature"), other, rule));
            }
        };
        let megabytes = self.max_body_megabytes.unwrap_or(1);
        if !(1..=MAX_MEGABYTES).contains(&megabytes) {
            let rule = format!("it must be between 1 and {MAX_MEGABYTES}");
            return Err(ConfigError::invalid(&key("max_body_megabytes"), megabytes, rule));
        }
        if let Signature::Square { .. } = signature
            && megabytes > 1
        {
            let rule = "it must be 1: Square's events are small, and say in the body which they are";
            return Err(ConfigError::invalid(&key("max_body_megabytes"), megabytes, rule));
        }
        let deliver = self.deliver.map(|deliver| deliver.check(name, source)).transpose()?;
        let watch = self.watch.map(|watch| WatchSettings { folder: source.base.join(watch.folder), ..watch });
        if let Some(watch) = watch.as_ref().filter(|watch| watch.topic.trim().is_empty()) {
            let rule = "it must say what the files are about, in the words of the plugin's README";
            return Err(ConfigError::invalid(&key("watch.topic"), &watch.topic, rule));
        }
        let subscribe = self.subscribe.map(|subscribe| subscribe.check(name, &signature, source)).transpose()?;
        let on_failure = self.on_failure.unwrap_or(OnFailure::Closed);
        let (plugin, location, settings) = (self.plugin, self.location, self.settings);
        Ok(ChannelSettings {
            plugin,
            signature,
            location,
            max_body: megabytes << 20,
            on_failure,
            settings,
            deliver,
            watch,
            subscribe,
        })
    }

    fn secret(&self, key: &impl Fn(&str) -> String, source: &Source<'_>) -> Result<Secret, ConfigError> {
        let keys = SecretKeys { file: &self.secret_file, env: &self.secret_env, plain: &self.secret, named: "secret" };
        let rule = "a signature needs a secret: secret_file, secret_env or secret";
        secret(&keys, key, source)?.ok_or_else(|| ConfigError::invalid(&key("secret"), "", rule))
    }
}

/// Where a secret may stand: in a file, in an environment variable, or in the settings.
pub(super) struct SecretKeys<'a> {
    pub file: &'a Option<PathBuf>,
    pub env: &'a Option<String>,
    pub plain: &'a Option<String>,
    /// What the settings call it.
    pub named: &'a str,
}

/// A secret; none where none is named, or an empty one.
pub(super) fn secret(
    keys: &SecretKeys<'_>,
    key: &impl Fn(&str) -> String,
    source: &Source<'_>,
) -> Result<Option<Secret>, ConfigError> {
    let text = if let Some(path) = keys.file {
        let (path, key) = (source.base.join(path), key(&format!("{}_file", keys.named)));
        let text = std::fs::read_to_string(&path);
        text.map_err(|error| ConfigError::invalid(&key, path.display(), error))?.trim_end().to_owned()
    } else if let Some(variable) = keys.env {
        let key = key(&format!("{}_env", keys.named));
        let missing = || ConfigError::invalid(&key, variable, "this environment variable is not set");
        (source.environment)(variable).ok_or_else(missing)?.trim_end().to_owned()
    } else {
        keys.plain.clone().unwrap_or_default()
    };
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}
