//! `tillmesh plugin build`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use wit_component::ComponentEncoder;

use super::{Chosen, check};

/// Build a plugin, and say whether a node takes it
///
/// Runs what `[build]` of its plugin.toml says in its folder: `commands`, one after the other, each a list of words.
/// What comes out, `output`, becomes NAME.wasm there; a component is made of it where it is a core module.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// The plugin's folder, in which plugin.toml is
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// How every module begins, with the version of core modules behind it.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

impl Build {
    pub(super) fn run(self) -> Result<ExitCode> {
        let manifest = super::manifest_of(&self.folder)?;
        let Some(build) = &manifest.build else {
            bail!(
                "{} has no [build] with commands and output: it says how the plugin is built",
                self.folder.join("plugin.toml").display()
            );
        };
        for command in &build.commands {
            run(&self.folder, command)?;
        }
        let component = self.folder.join(format!("{}.wasm", manifest.name));
        make(&self.folder.join(&build.output), &component)?;
        check::Check::new(Chosen { folder: self.folder, component: Some(component), json: false }).run()
    }
}

fn run(folder: &Path, command: &[String]) -> Result<()> {
    let Some((program, arguments)) = command.split_first() else { bail!("a command of [build] has no words") };
    let shown = command.join(" ");
    eprintln!("$ {shown}");
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    let status = status.with_context(|| format!("cannot run {program}: is it installed, and found by PATH?"))?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Makes the component of what was built. It is there as a whole or as it was before.
fn make(output: &Path, component: &Path) -> Result<()> {
    let built = fs::read(output).with_context(|| format!("cannot read {}, the output of [build]", output.display()))?;
    let bytes = if built.starts_with(CORE_MODULE) { encoded(&built, output)? } else { built };
    let partial = component.with_extension("partial");
    fs::write(&partial, bytes).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, component).with_context(|| format!("cannot write {}", component.display()))
}

fn encoded(module: &[u8], path: &Path) -> Result<Vec<u8>> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    let mut encoder = encoder.with_context(|| format!("{} carries no description of a plugin", path.display()))?;
    encoder.encode().with_context(|| format!("no component can be made of {}", path.display()))
}
