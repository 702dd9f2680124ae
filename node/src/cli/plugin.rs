//! `tillmesh plugin`: for who writes one, which needs no node, and for who runs one.

mod at_node;
mod bench;
mod build;
mod case;
mod check;
mod new;
mod pieces;
mod play;
mod stale;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use sha2::{Digest as _, Sha256};
use tillmesh_core::id::Name;

use crate::config::LimitsSection;
use crate::plugin::{self, CodeCache, HostOptions, Limits, Manifest, PluginHost, Terms};

/// Begin, build, check, test and measure a plugin that you write, and look at those of a node
#[derive(Debug, Args)]
pub(super) struct Plugin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Test(play::Test),
    Bench(bench::Bench),
    Add(at_node::Add),
    List(at_node::List),
    Log(at_node::Log),
    Reload(at_node::Reload),
}

impl Plugin {
    pub(super) fn run(self) -> Result<ExitCode> {
        match self.action {
            Action::New(command) => command.run(),
            Action::Build(command) => command.run(),
            Action::Check(command) => command.run(),
            Action::Test(command) => command.run(),
            Action::Bench(command) => command.run(),
            Action::Add(command) => command.run(),
            Action::List(command) => command.run(),
            Action::Log(command) => command.run(),
            Action::Reload(command) => command.run(),
        }
    }
}

/// Which plugin.
#[derive(Debug, Args)]
struct Chosen {
    /// The plugin's folder, in which plugin.toml is
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The component [default: NAME.wasm in the folder, or in target/components of a folder above]
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Show the result as JSON
    #[arg(long)]
    json: bool,
}

/// A plugin that was found.
struct Found {
    manifest: Manifest,
    component: PathBuf,
    bytes: Vec<u8>,
}

impl Chosen {
    fn find(&self) -> Result<Found> {
        let manifest = manifest_of(&self.folder)?;
        let component = match &self.component {
            Some(component) => component.clone(),
            None => component_of(&self.folder, &manifest.name)?,
        };
        let bytes = fs::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
        // One that is named was built wherever it was.
        if manifest.build.is_some()
            && self.component.is_none()
            && let Some(source) = stale::newer_source(&self.folder, &component)
        {
            eprintln!(
                "{} was changed after {} was built: `tillmesh plugin build` builds it again",
                source.display(),
                component.display()
            );
        }
        Ok(Found { manifest, component, bytes })
    }
}

/// The manifest in a plugin's folder.
fn manifest_of(folder: &Path) -> Result<Manifest> {
    let path = folder.join("plugin.toml");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}: name the folder in which a plugin.toml is", path.display()))?;
    Manifest::parse(&text).with_context(|| format!("{} is no manifest", path.display()))
}

/// What was compiled is kept for the next command, as far as there is a place for what can be made again: a component
/// of Python takes ten seconds to compile.
fn cache() -> Option<CodeCache> {
    let said = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let folder = said("XDG_CACHE_HOME").or_else(|| said("HOME").map(|home| home.join(".cache")))?.join("tillmesh");
    match CodeCache::open(&folder) {
        Ok(cache) => Some(cache),
        Err(error) => {
            eprintln!("what is compiled is not kept: {}: {error}", folder.display());
            None
        }
    }
}

/// Where the component of a plugin is, if nobody says.
fn component_of(folder: &Path, name: &Name) -> Result<PathBuf> {
    let file = format!("{name}.wasm");
    let folder = folder.canonicalize().with_context(|| format!("cannot read {}", folder.display()))?;
    let built = folder.ancestors().map(|above| above.join("target/components").join(&file));
    let mut places = std::iter::once(folder.join(&file)).chain(built);
    match places.find(|place| place.is_file()) {
        Some(place) => Ok(place),
        None => bail!(
            "there is no {file} in {} or in target/components of a folder above: build it (`tillmesh plugin build`, \
             or `plugins/build {name}` in Tillmesh's own sources), or name it with --component",
            folder.display()
        ),
    }
}

impl Found {
    /// The hash of its component, as settings and `tillmesh plugin list` say it.
    fn sha256(&self) -> String {
        data_encoding::HEXLOWER.encode(&Sha256::digest(&self.bytes))
    }

    /// What a call of it may use: the defaults, unless its manifest says otherwise.
    fn limits(&self) -> Result<Limits> {
        let Manifest { name, limits, .. } = &self.manifest;
        let section: LimitsSection = limits.clone().try_into().context("[limits] of plugin.toml is none")?;
        Ok(section.check(name)?)
    }

    /// Installs it with the imports that its manifest names and no more, and a fresh instance a call.
    fn install(&self) -> Result<Arc<plugin::Plugin>> {
        let host = PluginHost::new(HostOptions { cache: cache() })?;
        let named = self.manifest.exports().with_context(|| {
            let worlds = Manifest::WORLDS.map(|(world, _)| world).join(", ");
            format!("plugin.toml names the world {:?}, which there is not; there are {worlds}", self.manifest.world)
        })?;
        let terms = Terms { capabilities: self.manifest.capabilities.clone(), limits: self.limits()?, reuse: false };
        let plugin = host
            .install_on(&self.bytes, &terms)
            .with_context(|| format!("no node takes {}", self.component.display()))?;
        let missing: Vec<_> = named.iter().filter(|export| !plugin.exports().contains(export)).collect();
        if let Some(missing) = missing.first() {
            let (world, found) = (&self.manifest.world, check::names(plugin.exports()));
            bail!(
                "plugin.toml names the world {world}, and the component does not export {} of it but {found}",
                missing.name()
            );
        }
        Ok(plugin)
    }
}
