//! The tree keeps its rules. What each means, and that it can fail, is said and shown beside it in `src`.

use tillmesh_tidy::source::{Source, manifests, root, tree};
use tillmesh_tidy::{Violation, homes, imports, manifest, shape, words};

fn sources() -> Vec<Source> {
    let sources = tree().expect("the tree can be read");
    assert!(sources.len() > 100, "only {} files were found: the rules look at the wrong place", sources.len());
    sources
}

#[track_caller]
fn none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
}

#[test]
fn imports_run_one_way() {
    let sources = sources();
    for module in ["config", "http", "main", "metrics", "mqtt", "plugin", "runtime", "store"] {
        assert!(imports::modules(&sources).contains(module), "node/src has no module {module}");
    }
    none(&imports::check(&sources));
}

#[test]
fn each_engine_stays_at_home() {
    let sources = sources();
    assert_eq!(homes::unused(&sources), [""; 0], "engines that nobody names");
    none(&homes::check_engines(&sources));
}

#[test]
fn clocks_and_entropy_are_read_in_named_files() {
    none(&homes::check_clocks(&sources()));
}

#[test]
fn the_core_depends_on_nothing_that_waits() {
    let manifest = std::fs::read_to_string(root().join("node/core/Cargo.toml")).expect("the core has a manifest");
    assert!(manifest.contains("[dependencies]"));
    none(&manifest::check_core(&manifest));
}

#[test]
fn every_package_takes_the_lints() {
    none(&manifest::check_lints(&manifests().expect("manifests can be read")));
}

#[test]
fn no_file_is_forgotten() {
    none(&manifest::check_forgotten(&sources()));
}

#[test]
fn files_are_short() {
    none(&shape::check_files(&sources()));
}

#[test]
fn functions_are_short() {
    let sources = sources();
    assert!(shape::count_functions(&sources) > 1_000, "functions are not recognised");
    none(&shape::check_functions(&sources));
}

#[test]
fn lines_are_narrow() {
    none(&shape::check_columns(&sources()));
}

#[test]
fn sources_hold_no_character_that_cannot_be_seen() {
    none(&shape::check_characters(&sources()));
}

#[test]
fn nothing_is_left_unfinished() {
    none(&words::check_unfinished(&sources()));
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    none(&words::check_unwrap(&sources()));
}
