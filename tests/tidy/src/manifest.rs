//! What manifests must say, and files that no module names.

use std::collections::BTreeMap;

use crate::Violation;
use crate::scan::words;
use crate::source::Source;

/// What the core may depend on: arithmetic, encodings and cryptography. Nothing that waits, opens or asks the machine.
const CORE: [&str; 14] = [
    "automerge",
    "coset",
    "data-encoding",
    "ed25519-dalek",
    "iso_currency",
    "jiff",
    "minicbor",
    "negentropy",
    "rand_core",
    "serde",
    "sha2",
    "smol_str",
    "thiserror",
    "zstd",
];

/// Dependencies of the core beyond those it may have.
pub fn check_core(manifest: &str) -> Vec<Violation> {
    let mut inside = false;
    let mut found = Vec::new();
    for (number, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line.starts_with("[target.");
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if inside && !line.starts_with(['[', '#']) && !name.is_empty() && !CORE.contains(&name) {
            found.push(Violation::new(
                "node/core/Cargo.toml",
                number + 1,
                format!("the core must not depend on {name}"),
            ));
        }
    }
    found
}

/// Packages of the main workspace that do not take its lints.
pub fn check_lints(manifests: &[(String, String)]) -> Vec<Violation> {
    let apart = |path: &str| path.starts_with("plugins/") || path.starts_with("tests/fixtures/");
    let takes = |text: &str| text.replace("\r\n", "\n").contains("[lints]\nworkspace = true");
    let packages = manifests.iter().filter(|(path, text)| !apart(path) && text.contains("[package]"));
    packages
        .filter(|(_, text)| !takes(text))
        .map(|(path, _)| Violation::new(path, 1, "add [lints] workspace = true"))
        .collect()
}

/// Files below a `src` that no `mod` leads to: the compiler never sees them, nor do their tests run.
pub fn check_forgotten(sources: &[Source]) -> Vec<Violation> {
    let by_path: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let forgotten = |source: &&Source| {
        parents(&source.path).is_some_and(|(name, parents)| {
            !parents.iter().filter_map(|parent| by_path.get(parent.as_str())).any(|parent| declares(parent, name))
        })
    };
    sources
        .iter()
        .filter(forgotten)
        .map(|source| Violation::new(&source.path, 1, "no module declares this file"))
        .collect()
}

/// The name of a file's module and the files that may declare it; none for the root of a crate.
fn parents(path: &str) -> Option<(&str, Vec<String>)> {
    let (folder, file) = path.rsplit_once('/')?;
    let name = file.strip_suffix(".rs")?;
    if !path.contains("/src/") || (folder.ends_with("/src") && matches!(name, "lib" | "main")) {
        return None;
    }
    let roots = if folder.ends_with("/src") { vec!["lib.rs", "main.rs"] } else { Vec::new() };
    let parents = roots.iter().map(|root| format!("{folder}/{root}")).chain([format!("{folder}.rs")]);
    Some((name, parents.collect()))
}

fn declares(parent: &Source, name: &str) -> bool {
    let mut last = "";
    words(&parent.tokens).any(|(_, word)| std::mem::replace(&mut last, word) == "mod" && word == name)
        || parent.text.contains(&format!("/{name}.rs\"]"))
}

#[cfg(test)]
mod tests;
