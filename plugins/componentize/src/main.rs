//! Makes a component of a guest's core module: `componentize MODULE.wasm COMPONENT.wasm`.
//!
//! The module carries what it exports and imports in a section that the SDK's bindings put there, so nothing else is
//! needed. The same module gives the same bytes.

use std::env;
use std::fs;

use anyhow::{Context as _, Result, bail};
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, component] = arguments.as_slice() else { bail!("usage: componentize MODULE.wasm COMPONENT.wasm") };
    let bytes = fs::read(module).with_context(|| format!("cannot read {module}"))?;
    let encoder = ComponentEncoder::default().validate(true).module(&bytes);
    let bytes = encoder.with_context(|| format!("{module} carries no description of a Tillmesh plugin"))?.encode()?;
    let partial = format!("{component}.partial");
    fs::write(&partial, bytes).with_context(|| format!("cannot write {partial}"))?;
    fs::rename(&partial, component).with_context(|| format!("cannot write {component}"))
}
