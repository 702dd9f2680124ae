//! Who may import whom between the modules of the node.

use std::collections::BTreeSet;

use crate::Violation;
use crate::scan::{line_of, words};
use crate::source::Source;

/// Where the graph applies.
const FOLDER: &str = "node/src/";

/// Each module of the node and those that it may name: what lies below it, never a sibling, never what lies above. The
/// core and what it may use are held by its manifest (see `manifest`).
///
/// ```text
/// core <- { store | mqtt | plugin | webhook } <- config <- runtime <- http <- cli <- main    metrics: at the bottom
/// ```
///
/// `config` names the types that settings are made of, such as the URL of a broker.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("metrics", &[]),
    ("store", &["metrics"]),
    ("mqtt", &["metrics"]),
    ("plugin", &["metrics"]),
    ("webhook", &[]),
    ("config", &["mqtt", "plugin"]),
    ("runtime", &["metrics", "store", "mqtt", "plugin", "webhook", "config"]),
    ("http", &["metrics", "store", "plugin", "config", "runtime"]),
    ("cli", &["metrics", "store", "mqtt", "plugin", "config", "runtime", "http"]),
    ("main", &["cli"]),
];

/// Imports that run against the graph, and modules that have no place in it.
pub fn check(sources: &[Source]) -> Vec<Violation> {
    sources.iter().filter(|source| source.path.starts_with(FOLDER)).flat_map(check_file).collect()
}

/// The modules of the graph that exist: the rule is not vacuous when all do.
pub fn modules(sources: &[Source]) -> BTreeSet<&str> {
    sources.iter().filter_map(|source| module_of(&source.path)).collect()
}

fn check_file(source: &Source) -> Vec<Violation> {
    let Some(module) = module_of(&source.path).filter(|module| *module != "lib") else { return Vec::new() };
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == module) else {
        return vec![Violation::new(&source.path, 1, format!("module {module} has no place in the import graph"))];
    };
    named(source)
        .filter(|(_, name)| MAY_IMPORT.iter().any(|(module, _)| module == name))
        .filter(|(_, name)| *name != module && !allowed.contains(name))
        .map(|(at, name)| {
            let line = line_of(&source.tokens, at);
            Violation::new(&source.path, line, format!("{module} must not import {name}"))
        })
        .collect()
}

fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix(FOLDER)?;
    inside.split(['/', '.']).next()
}

/// The top modules that a file names: after `crate::`, after `tillmesh::`, and after as many `super::` as lead to the
/// root.
fn named(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let text = source.tokens.as_str();
    let climbs = depth(&source.path);
    words(text)
        .filter_map(move |(at, word)| {
            let before = text[..at].trim_end();
            if word == "crate" || (word == "tillmesh" && !before.ends_with("::")) {
                return Some(heads(text, at + word.len()));
            }
            let first = word == "super" && !before.ends_with("::");
            first.then(|| climb(text, at, climbs)).flatten()
        })
        .flatten()
}

/// How many `super::` lead from a file's own module to the root of the crate.
fn depth(path: &str) -> usize {
    path.trim_start_matches(FOLDER).split('/').count()
}

fn climb(text: &str, at: usize, climbs: usize) -> Option<Vec<(usize, &str)>> {
    let steps = vec!["super"; climbs].join("::");
    text[at..].starts_with(&steps).then(|| heads(text, at + steps.len()))
}

/// The names that directly follow `::`, also each of a group: `::{config, mqtt::Link}` has the heads config and mqtt.
fn heads(text: &str, at: usize) -> Vec<(usize, &str)> {
    let Some(rest) = text[at..].strip_prefix("::") else { return Vec::new() };
    let start = text.len() - rest.len();
    let group = rest.starts_with('{');
    let end = if group { crate::scan::closing(rest, 0).unwrap_or(rest.len()) } else { rest.len() };
    let mut heads = words(&rest[..end]).filter(|(at, _)| !group || head_of_group(&rest[..*at]));
    let taken: Vec<_> = if group { heads.collect() } else { heads.next().into_iter().collect() };
    taken.into_iter().map(|(at, word)| (start + at, word)).collect()
}

fn head_of_group(before: &str) -> bool {
    let depth =
        before.bytes().filter(|&byte| byte == b'{').count() - before.bytes().filter(|&byte| byte == b'}').count();
    depth == 1 && before.trim_end().ends_with(['{', ','])
}

#[cfg(test)]
mod tests;
