//! What a component is, what it exports and what it imports, before anything of it runs.

use wasmtime::Engine;
use wasmtime::component::Component;

use super::{Capability, Export, InstallError, WIT_VERSION, host};

/// The package of the contract.
const PACKAGE: &str = "tillmesh:channel/";

/// What the first eight bytes of a file say that it is.
pub(super) fn check_kind(bytes: &[u8]) -> Result<(), InstallError> {
    match bytes.get(..8) {
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Ok(()),
        Some([0, b'a', b's', b'm', ..]) => Err(InstallError::CoreModule),
        _ => {
            let found: Vec<String> = bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(" ") };
            Err(InstallError::NotWasm { found })
        }
    }
}

/// What the component serves.
pub(super) fn exports(engine: &Engine, component: &Component) -> Result<Vec<Export>, InstallError> {
    let ty = component.component_type();
    let names: Vec<&str> = ty.exports(engine).map(|(name, _)| name).collect();
    let mut exports = Vec::new();
    for name in &names {
        let Some(interface) = versioned(name)? else { continue };
        exports.extend(Export::ALL.into_iter().filter(|export| export.interface() == interface));
    }
    if !exports.is_empty() {
        return Ok(exports);
    }
    let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    Err(InstallError::World { found, needed: Export::ALL.map(Export::name).join(", ") })
}

/// Refuses imports that are not granted, by name.
pub(super) fn imports(
    engine: &Engine,
    component: &Component,
    exports: &[Export],
    granted: &[Capability],
) -> Result<Vec<Capability>, InstallError> {
    // A price that asked the node would be another price at another node.
    let pure = exports.contains(&Export::Pricing);
    let may = |capability: Capability| granted.contains(&capability) && !(pure && capability.is_impure());
    let mut imports = Vec::new();
    for (name, _) in component.component_type().imports(engine) {
        let interface = versioned(name)?;
        let known = if host::wasi::serves(name) { Some(Capability::Wasi) } else { interface.and_then(imported) };
        // Types are words, not abilities.
        if interface != Some("types") && !known.is_some_and(may) {
            let granted: Vec<_> = granted.iter().copied().filter(|it| may(*it)).map(Capability::name).collect();
            let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
            return Err(InstallError::Import { import: name.to_owned(), granted });
        }
        imports.extend(known.filter(|it| !imports.contains(it)));
    }
    Ok(imports)
}

/// The capability that is an interface of the contract.
fn imported(interface: &str) -> Option<Capability> {
    Capability::CONTRACT.into_iter().find(|it| it.interface() == interface)
}

/// The interface of the contract that a name means. Within a minor version interfaces only gain, so any patch will do.
fn versioned(name: &str) -> Result<Option<&str>, InstallError> {
    let Some(rest) = name.strip_prefix(PACKAGE) else { return Ok(None) };
    let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
    let minor = |version: &str| version.rsplit_once('.').map(|(minor, _)| minor.to_owned());
    if minor(version) == minor(WIT_VERSION) {
        return Ok(Some(interface));
    }
    let needed = format!("{PACKAGE}{interface}@{WIT_VERSION}");
    Err(InstallError::Version { found: name.to_owned(), needed })
}
