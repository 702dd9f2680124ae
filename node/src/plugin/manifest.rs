//! `plugin.toml`: what a plugin says about itself.

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::Capability;

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name.
    pub name: Name,
    /// Its version, for people.
    pub version: String,
    /// The world that it is made for, such as `tillmesh:channel/promotion@0.1.0`.
    pub world: String,
    /// The imports that it may have.
    #[serde(default)]
    pub capabilities: Vec<Capability>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When the text is no manifest: which line, and why.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}
