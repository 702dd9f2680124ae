//! `tillmesh plugin add`, `list` and `log`: plugins of a node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Chosen, Found};
use crate::cli::Target;
use crate::cli::client::encode;
use crate::cli::show::{self, Table, text};

/// Put a plugin into a node's settings: its component beside them, pinned by its hash
#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    chosen: Chosen,
    /// The settings of the node
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// List the plugins that a node runs
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    target: Target,
}

/// Show what a plugin said lately at a node
#[derive(Debug, Args)]
pub(super) struct Log {
    /// The plugin
    plugin: String,
    /// The most lines
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    lines: usize,
    #[command(flatten)]
    target: Target,
}

impl Add {
    pub(super) fn run(self) -> Result<ExitCode> {
        let found = self.chosen.find()?;
        drop(found.install()?);
        let name = &found.manifest.name;
        let settings = fs::read_to_string(&self.config)
            .with_context(|| format!("cannot read {}: begin with `tillmesh init`", self.config.display()))?;
        let known: toml::Table =
            toml::from_str(&settings).with_context(|| format!("{} is no TOML", self.config.display()))?;
        if known.get("plugins").and_then(|plugins| plugins.get(name.as_str())).is_some() {
            bail!("{} has a plugin {name} already: remove [plugins.{name}] first", self.config.display());
        }
        let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&found.bytes));
        let file = format!("plugins/{name}-{}.wasm", &hash[..16]);
        let folder = self.config.parent().unwrap_or(Path::new("."));
        keep(&folder.join(&file), &found)?;
        let section = section(&found, &file, &hash);
        let between = if settings.ends_with('\n') || settings.is_empty() { "\n" } else { "\n\n" };
        fs::write(&self.config, format!("{settings}{between}{section}"))
            .with_context(|| format!("cannot write {}", self.config.display()))?;
        if self.chosen.json {
            show::json(&json!({ "name": name, "component": file, "sha256": hash }))?;
        } else {
            println!("{} has the plugin {name} now:\n\n{section}", self.config.display());
            println!("Name it in a channel ([channels.NAME], plugin = \"{name}\"), and start the node again.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Copies the component, and the signature that is beside it.
fn keep(to: &Path, found: &Found) -> Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(to, &found.bytes).with_context(|| format!("cannot write {}", to.display()))?;
    let signature = |path: &Path| PathBuf::from(format!("{}.minisig", path.display()));
    if let Ok(text) = fs::read(signature(&found.component)) {
        let to = signature(to);
        fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

fn section(found: &Found, file: &str, hash: &str) -> String {
    let capabilities = found.manifest.capabilities.iter().map(|it| format!("{:?}", it.interface()));
    let capabilities: Vec<_> = capabilities.collect();
    format!(
        "[plugins.{}]\ncomponent = {file:?}\nsha256 = {hash:?}\ncapabilities = [{}]\n",
        found.manifest.name,
        capabilities.join(", ")
    )
}

impl List {
    pub(super) fn run(self) -> Result<ExitCode> {
        let plugins = self.target.client().list("/v1/plugins", &[])?;
        if self.target.json {
            show::json(&json!(plugins))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["plugin", "serves", "component"]);
        for plugin in &plugins {
            let serves = plugin["serves"].as_array().into_iter().flatten().map(text);
            let serves: Vec<_> = serves.map(|name| short(&name)).collect();
            table.row([text(&plugin["name"]), serves.join(", "), text(&plugin["component"])]);
        }
        table.print();
        Ok(ExitCode::SUCCESS)
    }
}

/// `inbound` of `tillmesh:channel/inbound@0.1.0`.
fn short(interface: &str) -> String {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split('@').next().unwrap_or_default().to_owned()
}

impl Log {
    pub(super) fn run(self) -> Result<ExitCode> {
        let path = format!("/v1/plugins/{}/log?limit={}", encode(&self.plugin), self.lines);
        let answer = self.target.client().get(&path)?;
        if self.target.json {
            show::json(&answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        for line in answer["lines"].as_array().into_iter().flatten() {
            let [at, level, hook, channel, message] =
                ["at", "level", "hook", "channel", "message"].map(|name| text(&line[name]));
            println!("{at} {level:5} {hook} {channel}: {message}");
        }
        Ok(ExitCode::SUCCESS)
    }
}
