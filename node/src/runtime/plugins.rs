//! The plugins of the settings, loaded.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::{fs, io, io::Write as _};

use tillmesh_core::id::Name;

use super::{StartError, signing};
use crate::config::Settings;
use crate::plugin::{Capability, CodeCache, HostOptions, InstallError, Plugin, PluginHost};

/// The loaded plugins, by name, with the bytes of their components.
pub(super) struct Plugins {
    plugins: BTreeMap<Name, (PluginAtWork, Vec<u8>)>,
}

/// A plugin that a node runs.
#[derive(Clone)]
pub struct PluginAtWork {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// What it may import.
    pub capabilities: Vec<Capability>,
}

impl Plugins {
    /// Loads every plugin; without any, nothing of the WebAssembly engine is started.
    pub(super) fn load(settings: &Settings) -> Result<Self, StartError> {
        let mut plugins = BTreeMap::new();
        if settings.plugins.is_empty() {
            return Ok(Self { plugins });
        }
        let fault = |plugin: &Name| {
            let plugin = plugin.clone();
            move |error: InstallError| StartError::Plugin { plugin, error }
        };
        let host_name = settings.plugins.keys().next().cloned().unwrap_or_else(|| settings.node.clone());
        let host = host(settings).map_err(fault(&host_name))?;
        for (name, plugin) in &settings.plugins {
            let bytes = std::fs::read(&plugin.component).map_err(|reason| StartError::PluginFile {
                plugin: name.clone(),
                path: plugin.component.display().to_string(),
                reason,
            })?;
            let untrusted = |reason| StartError::Untrusted { plugin: name.clone(), reason };
            signing::check(&bytes, plugin, &settings.signing).map_err(untrusted)?;
            let loaded = host.install_granted(&bytes, &plugin.capabilities, plugin.limits).map_err(fault(name))?;
            tracing::info!(plugin = %name, component = %loaded.hash(), "loaded a plugin");
            let at_work = PluginAtWork { plugin: loaded, capabilities: plugin.capabilities.clone() };
            plugins.insert(name.clone(), (at_work, bytes));
        }
        Ok(Self { plugins })
    }

    /// A plugin.
    pub(super) fn plugin(&self, name: &Name) -> Option<Arc<Plugin>> {
        self.plugins.get(name).map(|(at_work, _)| Arc::clone(&at_work.plugin))
    }

    /// All of them.
    pub(super) fn all(&self) -> BTreeMap<Name, PluginAtWork> {
        self.plugins.iter().map(|(name, (at_work, _))| (name.clone(), at_work.clone())).collect()
    }

    /// The components.
    pub(super) fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.plugins.values().map(|(_, bytes)| bytes.as_slice())
    }
}

/// Compiled code is kept beside the store, sealed with a key of this node. Without a usable cache a start compiles
/// again, which costs seconds and nothing else.
fn host(settings: &Settings) -> Result<PluginHost, InstallError> {
    let cache = match cache_key(&settings.data.join("code-cache.key")) {
        Ok(key) => Some(CodeCache { dir: settings.data.join("code-cache"), key }),
        Err(error) => {
            tracing::warn!(%error, "no cache for compiled plugins");
            None
        }
    };
    PluginHost::new(HostOptions { cache })
}

fn cache_key(path: &Path) -> io::Result<[u8; CACHE_KEY]> {
    match fs::read(path).map(<[u8; CACHE_KEY]>::try_from) {
        Ok(Ok(key)) => return Ok(key),
        Ok(Err(_)) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; CACHE_KEY];
    getrandom::fill(&mut key).map_err(io::Error::from)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

/// The key that seals compiled code: as long as the hash that it is used with.
const CACHE_KEY: usize = 32;
