//! The plugins of the settings, loaded, and replaced while the node runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::{fs, io};

use tillmesh_core::id::{Name, ObjectHash};

use super::signing::{self, UntrustedComponent};
use crate::config::{ComponentSettings, ConfigError, PluginSettings, Settings, SigningSettings};
use crate::plugin::{CodeCache, Export, HostOptions, InstallError, PluginHost};

pub(super) use self::canary::Verdict;
pub use self::canary::{Canary, CanaryState};
pub(super) use self::place::Version;
pub use self::place::{Place, Versions};

mod canary;
mod place;

/// The plugins of a node.
pub struct Plugins {
    places: BTreeMap<Name, Arc<Place>>,
    /// Runs them; none without any, for the engine takes memory.
    host: Option<PluginHost>,
}

/// Components that are to take the place of those at work, with their bytes.
#[derive(Default)]
pub(super) struct Prepared {
    pub versions: BTreeMap<Name, Versions>,
    pub components: Vec<Vec<u8>>,
}

/// What became of a plugin when the settings were read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The plugin.
    pub name: Name,
    /// The component that does its work now.
    pub component: ObjectHash,
    /// Whether anything of it is other than before.
    pub changed: bool,
}

/// Why plugins go on as they were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// The settings cannot be read again.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The node was started without a file of settings.
    #[error("this node was started without a file of settings: there is nothing to read again")]
    NoFile,
    /// A plugin is not taken.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// There are others than before.
    #[error("the settings have plugins that the node does not run, or not those that it runs ({0}): start it again")]
    Others(Name),
    /// A component does less than what it is to replace.
    #[error("the component of plugin {plugin} does not export {export}, which the one at work does")]
    Exports {
        /// The plugin.
        plugin: Name,
        /// What is missing.
        export: &'static str,
    },
    /// A component could not be kept by its hash, by which a price is proved later.
    #[error("the node is too busy to keep the components, or stopping: try again")]
    Busy,
    /// It broke off.
    #[error("reading the plugins again broke off, which the node's log says more of; all go on as they were")]
    BrokeOff,
}

/// Why a plugin is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// It cannot be loaded.
    #[error("plugin {plugin}: {error}")]
    Install {
        /// The plugin.
        plugin: Name,
        /// Why.
        error: InstallError,
    },
    /// Its component is not the one that the operator means.
    #[error("plugin {plugin}: {reason}")]
    Untrusted {
        /// The plugin.
        plugin: Name,
        /// Why.
        reason: UntrustedComponent,
    },
    /// Its file cannot be read.
    #[error("plugin {plugin}: cannot read {path}: {reason}")]
    File {
        /// The plugin.
        plugin: Name,
        /// The file.
        path: String,
        /// Why.
        reason: io::Error,
    },
}

/// The components of all plugins, with their bytes.
type Loaded = (BTreeMap<Name, Versions>, Vec<Vec<u8>>);

impl Plugins {
    /// Loads every plugin, and gives the components; without any, nothing of the WebAssembly engine is started.
    pub(super) fn load(settings: &Settings) -> Result<(Self, Vec<Vec<u8>>), PluginError> {
        let Some(first) = settings.plugins.keys().next().cloned() else {
            return Ok((Self { places: BTreeMap::new(), host: None }, Vec::new()));
        };
        let host = host(settings).map_err(|error| PluginError::Install { plugin: first, error })?;
        let (versions, bytes) = load_all(&host, &settings.plugins, &settings.signing)?;
        let place = |(name, versions): (Name, Versions)| (name.clone(), Arc::new(Place::new(name, versions)));
        Ok((Self { places: versions.into_iter().map(place).collect(), host: Some(host) }, bytes))
    }

    /// Loads the components that the settings name now, and holds them against those at work. Compiles: not for a
    /// thread that others wait for.
    pub(super) fn prepare(
        &self,
        plugins: &BTreeMap<Name, PluginSettings>,
        signing: &SigningSettings,
    ) -> Result<Prepared, ReloadError> {
        let known = |name: &&Name| plugins.contains_key(*name) && self.places.contains_key(*name);
        if let Some(other) = plugins.keys().chain(self.places.keys()).find(|name| !known(name)) {
            return Err(ReloadError::Others(other.clone()));
        }
        let Some(host) = &self.host else { return Ok(Prepared::default()) };
        let (versions, components) = load_all(host, plugins, signing)?;
        for (name, versions) in &versions {
            let at_work = self.places.get(name).map(|place| place.current());
            let needed = at_work.iter().flat_map(|plugin| plugin.exports()).copied();
            let missing = |export: &Export| !versions.current.exports().contains(export);
            if let Some(export) = needed.into_iter().find(missing) {
                return Err(ReloadError::Exports { plugin: name.clone(), export: export.name() });
            }
        }
        Ok(Prepared { versions, components })
    }

    /// Puts them in the place of those at work. What is being called goes on with what it began with.
    pub(super) fn swap(&self, versions: BTreeMap<Name, Versions>) -> Vec<Reloaded> {
        let swap = |(name, versions): (Name, Versions)| {
            let place = self.places.get(&name)?;
            let component = versions.current.hash();
            let changed = !place.versions().is_same_as(&versions);
            if changed {
                tracing::info!(plugin = %name, %component, "another component does the work of a plugin");
                place.replace(versions);
            }
            Some(Reloaded { name, component, changed })
        };
        versions.into_iter().filter_map(swap).collect()
    }

    /// A plugin's place.
    pub fn place(&self, name: &Name) -> Option<&Arc<Place>> {
        self.places.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Place>> {
        self.places.values()
    }
}

fn load_all(
    host: &PluginHost,
    plugins: &BTreeMap<Name, PluginSettings>,
    signing: &SigningSettings,
) -> Result<Loaded, PluginError> {
    let (mut found, mut components) = (BTreeMap::new(), Vec::new());
    for (name, settings) in plugins {
        let mut load = |component: &ComponentSettings| {
            let bytes = read(name, component, signing)?;
            let loaded = host.install_on(&bytes, &settings.terms);
            let loaded = loaded.map_err(|error| PluginError::Install { plugin: name.clone(), error })?;
            components.push(bytes);
            Ok::<_, PluginError>(loaded)
        };
        let current = load(&settings.component)?;
        tracing::info!(plugin = %name, component = %current.hash(), "loaded a plugin");
        let canary = match &settings.canary {
            Some(canary) => Some(Arc::new(Canary::new(load(&canary.component)?, canary.clone()))),
            None => None,
        };
        found.insert(name.clone(), Versions { current, canary });
    }
    Ok((found, components))
}

fn read(name: &Name, component: &ComponentSettings, signing: &SigningSettings) -> Result<Vec<u8>, PluginError> {
    let bytes = fs::read(&component.file).map_err(|reason| PluginError::File {
        plugin: name.clone(),
        path: component.file.display().to_string(),
        reason,
    })?;
    let untrusted = |reason| PluginError::Untrusted { plugin: name.clone(), reason };
    signing::check(&bytes, component, signing).map_err(untrusted)?;
    Ok(bytes)
}

/// Compiled code is kept beside the store, sealed with a key of this node. Without a usable cache a start compiles
/// again, which costs seconds and nothing else.
fn host(settings: &Settings) -> Result<PluginHost, InstallError> {
    let cache = match CodeCache::open(&settings.data) {
        Ok(cache) => Some(cache),
        Err(error) => {
            tracing::warn!(%error, "no cache for compiled plugins");
            None
        }
    };
    PluginHost::new(HostOptions { cache })
}
