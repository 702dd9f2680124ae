//! `plugin.toml`: what a plugin says about itself.

use std::path::PathBuf;

use serde::Deserialize;
use tillmesh_core::id::Name;

use super::{Capability, Export};

/// What a plugin says about itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// What a call of it may use beyond the defaults, as `[plugins.NAME.limits]` of a node's settings says it.
    #[serde(default)]
    pub limits: toml::Table,
    /// Whether it keeps nothing between calls, so that an instance may serve more than one.
    #[serde(default)]
    pub reuse: bool,
    /// How it is built, for `tillmesh plugin build`.
    #[serde(default)]
    pub build: Option<Build>,
}

/// How a plugin is built.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// What is run in its folder, one after the other: programs and their arguments.
    pub commands: Vec<Vec<String>>,
    /// What comes out: a component, or a core module that carries what a component is made of.
    pub output: PathBuf,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When the text is no manifest: which line, and why.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The worlds of `wit/worlds.wit` that a plugin may be made for, and what each exports.
    pub const WORLDS: [(&'static str, &'static [Export]); 5] = [
        ("tillmesh:channel/inbound-channel@0.1.0", &[Export::Inbound]),
        ("tillmesh:channel/outbound-channel@0.1.0", &[Export::Outbound]),
        ("tillmesh:channel/channel@0.1.0", &[Export::Inbound, Export::Outbound]),
        ("tillmesh:channel/trading-partner@0.1.0", &[Export::Inbound, Export::Outbound, Export::Acknowledgement]),
        ("tillmesh:channel/promotion@0.1.0", &[Export::Pricing]),
    ];

    /// What a plugin of its world exports; none where there is no such world.
    pub fn exports(&self) -> Option<&'static [Export]> {
        Self::WORLDS.into_iter().find(|(world, _)| *world == self.world).map(|(_, exports)| exports)
    }
}
