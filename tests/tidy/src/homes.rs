//! Homes: where each engine, and each source of time and chance, may be named.

use crate::Violation;
use crate::scan::{line_of, words};
use crate::source::Source;

/// Where a crate may be named.
struct Home {
    name: &'static str,
    prefixes: &'static [&'static str],
}

/// A path that begins with one of the prefixes is at home. The benchmark compares with the bare engines, so it names
/// them.
const ENGINES: [Home; 16] = [
    Home { name: "automerge", prefixes: &["node/core/src/document"] },
    Home { name: "negentropy", prefixes: &["node/core/src/sync/ranges"] },
    Home { name: "redb", prefixes: &["node/src/store", "tests/bench/"] },
    Home { name: "rumqttc", prefixes: &["node/src/mqtt", "tests/bench/"] },
    Home { name: "rumqttc_v5", prefixes: &["node/src/mqtt"] },
    Home { name: "mqtt5", prefixes: &["node/src/mqtt"] },
    Home { name: "tokio_rustls", prefixes: &["node/src/mqtt", "node/src/webhook"] },
    Home { name: "rustls_native_certs", prefixes: &["node/src/mqtt", "node/src/webhook"] },
    Home { name: "ureq", prefixes: &["node/src/webhook", "node/src/cli", "examples/", "tests/"] },
    Home { name: "wasmtime", prefixes: &["node/src/plugin"] },
    Home { name: "minisign_verify", prefixes: &["node/src/runtime/signing"] },
    Home { name: "axum", prefixes: &["node/src/http"] },
    Home { name: "tower_http", prefixes: &["node/src/http"] },
    Home { name: "utoipa", prefixes: &["node/src/http"] },
    Home { name: "utoipa_axum", prefixes: &["node/src/http"] },
    Home { name: "clap", prefixes: &["node/src/cli", "examples/", "tests/bench/"] },
];

/// The files that may read a clock or entropy, and what for.
const CLOCKS: [(&str, &str); 18] = [
    ("node/src/runtime/clock.rs", "time of day and the seed of every node"),
    ("node/src/runtime/thread.rs", "how long a batch waits and takes"),
    ("node/src/runtime/thread/patient.rs", "how long a command waits for its peers"),
    ("node/src/runtime/disk.rs", "when a disk that fails is tried and told of again"),
    ("node/src/runtime/link/publisher.rs", "how long batches wait behind what is unacknowledged"),
    ("node/src/runtime/link.rs", "the seed of the back-off, so that nodes do not reconnect in step"),
    ("node/src/runtime/channel_link.rs", "the seed of the back-off, so that nodes do not reconnect in step"),
    ("node/src/runtime/channels/call.rs", "how long a plugin's call took"),
    ("node/src/runtime/inbox_folder.rs", "how long nobody wrote to a file"),
    ("node/src/runtime/pricing.rs", "how long a plugin's call took"),
    ("node/src/plugin/parts.rs", "what the parts of a call take"),
    ("node/src/plugin/cache.rs", "the key that seals the code cache"),
    ("node/src/store/writer.rs", "what tells the log of one store from another's"),
    ("node/src/mqtt/worker", "time-outs of a connection"),
    ("node/src/http", "how long a request took"),
    ("node/src/cli", "how long a command may wait"),
    ("examples/", "a person waits at the other end"),
    ("plugins/componentize/", "a tool of the build, not a guest"),
];

/// Engines that are named away from home.
pub fn check_engines(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for (at, word) in words(&source.tokens) {
            let Some(home) = ENGINES.iter().find(|home| home.name == word && is_crate(&source.tokens, at, word)) else {
                continue;
            };
            if !home.prefixes.iter().any(|prefix| source.path.starts_with(prefix)) {
                let message = format!("{word} is at home in {}", home.prefixes.join(", "));
                found.push(Violation::new(&source.path, line_of(&source.tokens, at), message));
            }
        }
    }
    found
}

/// Clocks and entropy outside the files that may read them. Tests may.
pub fn check_clocks(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !CLOCKS.iter().any(|(path, _)| source.path.starts_with(path))) {
        for (at, word) in words(&source.code) {
            if is_clock(&source.code, at, word) {
                let message = format!("{word} is read here; files that may are listed in tests/tidy/src/homes.rs");
                found.push(Violation::new(&source.path, line_of(&source.code, at), message));
            }
        }
    }
    found
}

/// The engines that nobody names: a rule over them would hold whatever happened.
pub fn unused(sources: &[Source]) -> Vec<&'static str> {
    let named = |name: &str| {
        sources
            .iter()
            .any(|source| words(&source.tokens).any(|(at, word)| word == name && is_crate(&source.tokens, at, word)))
    };
    ENGINES.iter().map(|home| home.name).filter(|name| !named(name)).collect()
}

/// Whether a word is the name of a crate and not that of a value, field or module.
fn is_crate(tokens: &str, at: usize, word: &str) -> bool {
    let (before, after) = (tokens[..at].trim_end(), tokens[at + word.len()..].trim_start());
    let from_elsewhere = before.ends_with("::") && !before.ends_with("use ::");
    !from_elsewhere && (after.starts_with("::") || before.ends_with("use") || before.ends_with("extern crate"))
}

fn is_clock(code: &str, at: usize, word: &str) -> bool {
    let after = &code[at + word.len()..];
    match word {
        "SystemTime" | "Instant" | "Zoned" | "Timestamp" => after.starts_with("::now"),
        "getrandom" | "OsRng" => true,
        "rand" => after.starts_with("::rng") || after.starts_with("::random"),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
