//! `tillmesh plugin`, as who writes a plugin uses it: without a node.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{component, stderr, stdout, tillmesh};

const SHIPPED: [&str; 2] = ["promotions", "shopify"];

fn folder_of(plugin: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(plugin)
}

/// Runs `tillmesh plugin` for a folder; gives the exit code and what it said.
fn plugin(action: &str, folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let folder = folder.to_str().unwrap();
    let output = tillmesh(&[&["plugin", action, folder], arguments].concat());
    (output.status.code().unwrap(), stdout(&output), stderr(&output))
}

/// A copy of the Shopify plugin's folder, with its component in it.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for part in ["cases", "fixtures"] {
        fs::create_dir(copy.path().join(part)).unwrap();
        for entry in fs::read_dir(folder_of("shopify").join(part)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(part).join(entry.file_name())).unwrap();
        }
    }
    fs::copy(folder_of("shopify").join("plugin.toml"), copy.path().join("plugin.toml")).unwrap();
    fs::copy(component("shopify"), copy.path().join("shopify.wasm")).unwrap();
    copy
}

fn replace(path: &Path, before: &str, after: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(before), "{before:?} is not in {}", path.display());
    fs::write(path, text.replace(before, after)).unwrap();
}

#[test]
fn a_node_takes_the_plugins_that_ship_and_their_cases_come_out_as_expected() {
    for shipped in SHIPPED {
        let (code, said, errors) = plugin("check", &folder_of(shipped), &[]);
        assert!(code == 0 && said.contains("A node takes it."), "{said}{errors}");
        let (code, said, errors) = plugin("test", &folder_of(shipped), &["--json"]);
        let played: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{errors}"));
        assert!(!played.is_empty() && played.iter().all(|case| case["verdict"] == "ok"), "{said}");
        assert_eq!(code, 0);
    }
}

#[test]
fn a_case_that_comes_out_otherwise_shows_what_differs_and_is_as_expected_once_it_is_accepted() {
    let copy = copy();
    replace(&copy.path().join("fixtures/orders-cancelled.json"), "\"customer\"", "\"fraud\"");
    let (code, said, _) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && said.contains("DIFFERS   cancelled"), "{said}");
    assert!(
        said.contains("-      \"reason\": \"customer\"") && said.contains("+      \"reason\": \"fraud\""),
        "{said}"
    );
    assert!(said.contains("4 of 5 cases came out as expected") && said.contains("--accept"), "{said}");
    let (code, said, _) = plugin("test", copy.path(), &["--accept"]);
    assert!(code == 0 && said.contains("accepted  cancelled"), "{said}");
    let (code, said, _) = plugin("test", copy.path(), &[]);
    assert!(code == 0 && said.contains("5 of 5 cases came out as expected"), "{said}");
}

#[test]
fn a_case_that_cannot_be_played_names_its_file_and_what_is_wrong() {
    let copy = copy();
    let case = copy.path().join("cases/cancelled.toml");
    replace(&case, "message", "massage");
    let (code, _, errors) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && errors.contains("cancelled.toml is no case") && errors.contains("massage"), "{errors}");
    fs::write(&case, "topic = \"orders/cancelled\"\n").unwrap();
    let (code, _, errors) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && errors.contains("names one of message, events and cart"), "{errors}");
    fs::write(&case, "message = \"nothing.json\"\n").unwrap();
    let (code, _, errors) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && errors.contains("nothing.json"), "{errors}");
}

#[test]
fn a_plugin_that_is_not_what_its_manifest_says_is_not_taken() {
    let copy = copy();
    let manifest = copy.path().join("plugin.toml");
    replace(&manifest, "\"lookup\", \"log\"", "\"log\"");
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("tillmesh:channel/lookup@0.1.0, which it is not granted"), "{errors}");
    replace(&manifest, "\"log\"", "\"lookup\", \"log\"");
    replace(&manifest, "inbound-channel", "channel");
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("does not export tillmesh:channel/outbound@0.1.0"), "{errors}");
    replace(&manifest, "channel/channel@", "channel/kitchen@");
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("kitchen") && errors.contains("channel/promotion@0.1.0"), "{errors}");
}

#[test]
fn a_plugin_that_is_not_there_is_asked_for_by_name() {
    let copy = copy();
    fs::remove_file(copy.path().join("shopify.wasm")).unwrap();
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("there is no shopify.wasm") && errors.contains("--component"), "{errors}");
    let named = component("shopify");
    let (code, said, errors) = plugin("check", copy.path(), &["--component", named.to_str().unwrap()]);
    assert!(code == 0 && said.contains("serves       tillmesh:channel/inbound@0.1.0"), "{said}{errors}");
    fs::remove_file(copy.path().join("plugin.toml")).unwrap();
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("name the folder in which a plugin.toml is"), "{errors}");
}
