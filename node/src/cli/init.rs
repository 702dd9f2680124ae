//! `tillmesh init`.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use tillmesh_core::id::Name;

use super::show;
use crate::config::{DEFAULT_TOML, Overrides, Settings};
use crate::runtime::offline;

/// The file of the settings in the node's folder.
const SETTINGS: &str = "node.toml";
/// A channel's secret may be written into the settings.
const SETTINGS_MODE: u32 = 0o600;

/// Make a node's data folder: its store with its key, and its settings, commented
///
/// `tillmesh run` makes a store as well where there is none; this writes the settings down, too.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Name of the node, unique in its fleet
    #[arg(long, value_name = "NAME")]
    node: Name,
    /// Folder of the node, which must hold none yet [default: tillmesh-data/<node>]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Location whose stock the node touches [default: the node's name]
    #[arg(long, value_name = "NAME")]
    location: Option<Name>,
    /// Fleet; nodes of other fleets are not heard
    #[arg(long, value_name = "NAME", default_value = "demo")]
    fleet: Name,
    /// Region whose carts the node shares
    #[arg(long, value_name = "NAME", default_value = "main")]
    region: Name,
    /// Time zone of the location
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Show what was made as JSON
    #[arg(long)]
    json: bool,
}

impl Init {
    pub(super) fn run(self) -> Result<ExitCode> {
        let folder = self.data.clone().unwrap_or_else(|| PathBuf::from("tillmesh-data").join(self.node.as_str()));
        let folder = std::path::absolute(&folder).with_context(|| format!("the folder {}", folder.display()))?;
        let path = folder.join(SETTINGS);
        if path.try_exists().with_context(|| format!("cannot look for {}", path.display()))? {
            bail!("{} exists already: init never overwrites; name another folder with --data", path.display());
        }
        let settings = Settings::load(None, &self.flags(&folder))?;
        let writer = offline::found(&folder, &self.node)?;
        write(&path, &commented(&settings)).with_context(|| format!("cannot write {}", path.display()))?;
        if self.json {
            let made = json!({ "node": self.node, "epoch": writer.epoch.to_string(), "location": settings.location,
                "data": folder, "config": path });
            show::json(&made)?;
            return Ok(ExitCode::SUCCESS);
        }
        println!("node {} at location {}, in its epoch {}", self.node, settings.location, writer.epoch);
        println!("Its settings are in {}. Start it:", path.display());
        println!("  tillmesh run --config {}", path.display());
        Ok(ExitCode::SUCCESS)
    }

    fn flags(&self, folder: &Path) -> Overrides {
        Overrides {
            node: Some(self.node.to_string()),
            location: self.location.as_ref().map(Name::to_string),
            fleet: Some(self.fleet.to_string()),
            region: Some(self.region.to_string()),
            time_zone: Some(self.time_zone.clone()),
            data: Some(folder.to_owned()),
            ..Overrides::default()
        }
    }
}

/// Every setting with its default and what it means, but for these, which are set.
fn commented(settings: &Settings) -> String {
    let data = settings.data.to_string_lossy();
    let set = [
        ("name", settings.node.as_str()),
        ("fleet", settings.fleet.as_str()),
        ("location", settings.location.as_str()),
        ("region", settings.region.as_str()),
        ("time_zone", &settings.time_zone),
        ("data", &data),
    ];
    let mut section = "";
    let line = |line: &'static str| {
        section = if line.starts_with('[') { line } else { section };
        let key = line.trim_start_matches('#').split_once(" = ").map(|(key, _)| key);
        match set.iter().find(|(name, _)| section == "[node]" && key == Some(name)) {
            Some((name, value)) => format!("{name} = {}\n", toml::Value::from(*value)),
            None => format!("{line}\n"),
        }
    };
    DEFAULT_TOML.lines().map(line).collect()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(SETTINGS_MODE).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
