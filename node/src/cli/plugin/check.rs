//! `tillmesh plugin check`.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{Chosen, Found};
use crate::cli::show;
use crate::plugin::{Capability, Export, Plugin};

/// Say whether a node would take a plugin, and what it is
///
/// What it exports is held against the world of its plugin.toml, what it imports against the capabilities there; it is
/// compiled and started. The exit code tells whether all is well.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    chosen: Chosen,
}

impl Check {
    pub(super) const fn new(chosen: Chosen) -> Self {
        Self { chosen }
    }

    pub(super) fn run(self) -> Result<ExitCode> {
        let found = self.chosen.find()?;
        let began = Instant::now();
        let plugin = found.install()?;
        let millis = began.elapsed().as_millis();
        if self.chosen.json {
            print_json(&found, &plugin)?
        } else {
            print(&found, &plugin, millis)
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The interfaces of the contract that a plugin serves, in words.
pub(super) fn names(exports: &[Export]) -> String {
    exports.iter().map(|export| export.name()).collect::<Vec<_>>().join(", ")
}

fn capabilities(found: &Found) -> Vec<&'static str> {
    found.manifest.capabilities.iter().copied().map(Capability::name).collect()
}

fn print(found: &Found, plugin: &Plugin, millis: u128) {
    let capabilities = capabilities(found);
    let imports = if capabilities.is_empty() { "nothing".to_owned() } else { capabilities.join(", ") };
    println!("plugin       {} {}", found.manifest.name, found.manifest.version);
    println!("component    {}, {} bytes", found.component.display(), found.bytes.len());
    println!("sha256       {}", found.sha256());
    println!("serves       {}", names(plugin.exports()));
    println!("may import   {imports}");
    println!("compiled     in {millis} ms, and started");
    println!("A node takes it.");
}

fn print_json(found: &Found, plugin: &Plugin) -> Result<()> {
    show::json(&json!({
        "name": found.manifest.name,
        "version": found.manifest.version,
        "component": found.component.display().to_string(),
        "bytes": found.bytes.len(),
        "sha256": found.sha256(),
        "serves": plugin.exports().iter().map(|export| export.name()).collect::<Vec<_>>(),
        "may_import": capabilities(found),
    }))
}
