//! `tillmesh plugin add`, `list` and `log`: plugins of a node.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use super::{Chosen, Found};
use crate::cli::Target;
use crate::cli::client::{WriteKey, encode};
use crate::cli::show::{self, Table, text};
use crate::plugin::Manifest;

/// Put a plugin into a node's settings: its component beside them, pinned by its hash
#[derive(Debug, Args)]
pub(super) struct Add {
    #[command(flatten)]
    chosen: Chosen,
    /// The settings of the node
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Put it in the place of the one that the settings have
    #[arg(long)]
    replace: bool,
}

/// Have a node read the plugins of its settings again, without a restart
///
/// Their components take the place of those at work, all of them or none; no message is dropped. What else the settings
/// say, of channels above all, is read by a restart.
#[derive(Debug, Args)]
pub(super) struct Reload {
    #[command(flatten)]
    target: Target,
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
        let name = &found.manifest.name;
        let settings = fs::read_to_string(&self.config)
            .with_context(|| format!("cannot read {}: begin with `tillmesh init`", self.config.display()))?;
        let known: toml::Table =
            toml::from_str(&settings).with_context(|| format!("{} is no TOML", self.config.display()))?;
        let known = known.get("plugins").and_then(|plugins| plugins.get(name.as_str()));
        if known.is_some() && !self.replace {
            bail!("{} has a plugin {name} already: pass --replace to put this one in its place", self.config.display());
        }
        // What a node would not take is not written; a component of Python takes half a minute to look at.
        drop(found.install()?);
        let hash = found.sha256();
        let file = format!("plugins/{name}-{}.wasm", &hash[..16]);
        let folder = self.config.parent().unwrap_or(Path::new("."));
        keep(&folder.join(&file), &found)?;
        let section = section(&found, &file, &hash);
        let settings = if let Some(known) = known {
            replaced(&settings, name.as_str(), &section, known.get("limits").is_some())
                .with_context(|| format!("{} has no section [plugins.{name}] of its own", self.config.display()))?
        } else {
            let between = if settings.ends_with('\n') || settings.is_empty() { "\n" } else { "\n\n" };
            format!("{settings}{between}{section}")
        };
        write(&self.config, &settings)?;
        if self.chosen.json {
            show::json(&json!({ "name": name, "component": file, "sha256": hash }))?;
        } else {
            println!("{} has the plugin {name} now:\n\n{section}", self.config.display());
            if known.is_some() {
                println!("Have the node read it: tillmesh plugin reload");
            } else {
                println!("Name it in a channel ([channels.NAME], plugin = \"{name}\"), and start the node again.");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Puts settings in the place of those that are there, whole or not at all.
fn write(path: &Path, settings: &str) -> Result<()> {
    let broken =
        || format!("{} is written in a way that this command cannot change: change it by hand", path.display());
    toml::from_str::<toml::Table>(settings).with_context(broken)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = || format!("cannot write {}", path.display());
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(cannot)?;
    fs::set_permissions(file.path(), fs::metadata(path).with_context(cannot)?.permissions()).with_context(cannot)?;
    file.write_all(settings.as_bytes()).with_context(cannot)?;
    file.as_file().sync_all().with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// Settings with other keys in the section of a plugin; what else stands there stays, limits too. None: there is no
/// such section.
fn replaced(settings: &str, name: &str, section: &str, has_limits: bool) -> Option<String> {
    let (section, limits) = section.split_once("\n[").unwrap_or((section, ""));
    let key = |line: &str| line.split_once('=').map(|(key, _)| key.trim().to_owned());
    let mut new = section.lines().skip(1).map(|line| format!("{line}\n"));
    let keys: Vec<_> = section.lines().skip(1).filter_map(key).collect();
    let (mut text, mut is_inside, mut is_found) = (String::new(), false, false);
    for line in settings.split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            is_inside = line.trim() == format!("[plugins.{name}]");
        } else if is_inside && key(line).is_some_and(|key| keys.contains(&key)) {
            continue;
        }
        text.push_str(line);
        if is_inside && line.trim_start().starts_with('[') {
            is_found = true;
            text.extend(new.by_ref());
        }
    }
    if !limits.is_empty() && !has_limits {
        text.push_str(&format!("\n[{limits}"));
    }
    is_found.then_some(text)
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
    let Manifest { name, limits, reuse, .. } = &found.manifest;
    let capabilities = capabilities.join(", ");
    let limits = if limits.is_empty() { String::new() } else { format!("\n[plugins.{name}.limits]\n{limits}") };
    format!(
        "[plugins.{name}]\ncomponent = {file:?}\nsha256 = {hash:?}\ncapabilities = [{capabilities}]\n\
         reuse = {reuse}\n{limits}"
    )
}

impl List {
    pub(super) fn run(self) -> Result<ExitCode> {
        let plugins = self.target.client().list("/v1/plugins", &[])?;
        if self.target.json {
            show::json(&json!(plugins))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["plugin", "serves", "instances", "sha256", "canary"]);
        for plugin in &plugins {
            let serves = plugin["serves"].as_array().into_iter().flatten().map(text);
            let serves: Vec<_> = serves.map(|name| short(&name)).collect();
            let canary = canary(&plugin["canary"]);
            let instances = if plugin["reuse"] == true { "reused" } else { "fresh" };
            table.row([
                text(&plugin["name"]),
                serves.join(", "),
                instances.to_owned(),
                text(&plugin["sha256"]),
                canary,
            ]);
        }
        table.print();
        Ok(ExitCode::SUCCESS)
    }
}

/// How a newer component does.
fn canary(canary: &serde_json::Value) -> String {
    if canary.is_null() {
        return String::new();
    }
    let [component, calls, errors, differences] =
        ["sha256", "calls", "errors", "differences"].map(|name| text(&canary[name]));
    let how = match canary["share"].as_u64() {
        Some(percent) => format!("{percent} %: {calls} calls, {errors} errors"),
        None => format!("shadow: {calls} calls, {errors} errors, {differences} differences"),
    };
    let withdrawn = if canary["withdrawn"] == json!(true) { ", withdrawn" } else { "" };
    format!("{how}{withdrawn} ({component})")
}

impl Reload {
    pub(super) fn run(self) -> Result<ExitCode> {
        let answer = self.target.client().act("/v1/plugins:reload", &WriteKey::default())?;
        if self.target.json {
            show::json(&answer)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new(&["plugin", "sha256", ""]);
        for plugin in answer["plugins"].as_array().into_iter().flatten() {
            let changed = if plugin["changed"] == json!(true) { "changed" } else { "as before" };
            table.row([text(&plugin["name"]), text(&plugin["sha256"]), changed.to_owned()]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_component_takes_the_place_of_the_first_and_leaves_what_else_stands_there() {
        let settings = "[plugins.a]\ncomponent = \"a.wasm\"\n# why\nlimits = { fuel = 1 }\nsha256 = \"00\"\n\n\
                        [plugins.b]\ncomponent = \"b.wasm\"\n";
        let section = "[plugins.a]\ncomponent = \"new.wasm\"\nsha256 = \"11\"\n";
        let expected = "[plugins.a]\ncomponent = \"new.wasm\"\nsha256 = \"11\"\n# why\nlimits = { fuel = 1 }\n\n\
                        [plugins.b]\ncomponent = \"b.wasm\"\n";
        assert_eq!(replaced(settings, "a", section, true).as_deref(), Some(expected));
        assert_eq!(replaced(settings, "c", section, false), None);
        let limited = "[plugins.b]\ncomponent = \"new.wasm\"\n\n[plugins.b.limits]\nfuel = 2\n";
        let with_limits = replaced(settings, "b", limited, false).unwrap();
        assert!(with_limits.ends_with("[plugins.b]\ncomponent = \"new.wasm\"\n\n[plugins.b.limits]\nfuel = 2\n"));
        let once = replaced(&with_limits, "b", limited, true).unwrap();
        assert_eq!(once.matches("[plugins.b.limits]").count(), 1, "{once}");
        let kept = replaced(settings, "a", &limited.replace(".b", ".a"), true).unwrap();
        assert!(!kept.contains("[plugins.a.limits]"), "{kept}");
    }
}
