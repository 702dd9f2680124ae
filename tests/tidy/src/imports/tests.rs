use super::*;

fn faults(path: &str, text: &str) -> Vec<String> {
    check(&[Source::new(path, text)]).into_iter().map(|violation| violation.to_string()).collect()
}

#[test]
fn what_lies_below_may_be_imported() {
    assert_eq!(faults("node/src/runtime/link.rs", "use crate::mqtt::Link;\nuse super::thread::Jobs;"), [""; 0]);
    assert_eq!(faults("node/src/main.rs", "fn main() { tillmesh::cli::run() }"), [""; 0]);
    assert_eq!(faults("node/src/lib.rs", "pub mod store;\npub use crate::cli::run;"), [""; 0]);
}

#[test]
fn siblings_never_see_each_other() {
    let fault = ["node/src/store/file.rs:2: store must not import mqtt"];
    assert_eq!(faults("node/src/store/file.rs", "//! A file.\nuse crate::mqtt::Link;"), fault);
    assert_eq!(faults("node/src/store/file.rs", "\nfn f() { crate::mqtt::connect() }"), fault);
}

#[test]
fn what_lies_above_is_never_imported() {
    assert_eq!(
        faults("node/src/runtime.rs", "use crate::http;"),
        ["node/src/runtime.rs:1: runtime must not import http"]
    );
    assert_eq!(faults("node/src/main.rs", "use tillmesh::store;"), ["node/src/main.rs:1: main must not import store"]);
}

#[test]
fn a_group_is_looked_into() {
    let text = "use crate::{\n    config::{self, http},\n    cli::Arguments,\n};";
    assert_eq!(faults("node/src/runtime.rs", text), ["node/src/runtime.rs:3: runtime must not import cli"]);
}

#[test]
fn climbing_to_the_root_is_seen() {
    let fault = ["node/src/store/a/b.rs:1: store must not import http"];
    assert_eq!(faults("node/src/store/a/b.rs", "use super::super::super::http::X;"), fault);
    assert_eq!(faults("node/src/store/a/b.rs", "use super::super::http::X;"), [""; 0]);
    assert_eq!(
        faults("node/src/store.rs", "use super::{cli::X, metrics};"),
        ["node/src/store.rs:1: store must not import cli"]
    );
}

#[test]
fn a_module_that_the_graph_lacks_is_reported() {
    assert_eq!(faults("node/src/misc.rs", ""), ["node/src/misc.rs:1: module misc has no place in the import graph"]);
}

#[test]
fn comments_import_nothing() {
    assert_eq!(faults("node/src/store.rs", "// crate::http\nconst A: &str = \"crate::http\";"), [""; 0]);
}
