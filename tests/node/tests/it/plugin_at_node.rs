//! Plugins of a node: added to its settings, pinned, listed, listened to.

use std::fs;

use crate::support::shop::channels;
use crate::support::{Setup, command, component, stderr, stdout, tillmesh};

/// A folder with a node's settings, to which `tillmesh plugin add` adds Shopify's plugin.
fn added() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("node.toml");
    fs::write(&config, "[node]\nname = \"till\"").unwrap();
    let plugin = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/shopify");
    let component = component("shopify");
    let arguments = ["plugin", "add", plugin, "--component", component.to_str().unwrap(), "--config"];
    let output = tillmesh(&[&arguments[..], &[config.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("[plugins.shopify]"), "{}", stdout(&output));
    let again = tillmesh(&[&arguments[..], &[config.to_str().unwrap()]].concat());
    assert!(!again.status.success() && stderr(&again).contains("has a plugin shopify already"), "{}", stderr(&again));
    folder
}

/// What a node says that does not start.
fn refused(folder: &tempfile::TempDir) -> String {
    let config = folder.path().join("node.toml");
    let data = folder.path().join("data");
    let output =
        command().args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(config).arg("--data").arg(data).output();
    let output = output.unwrap();
    assert!(!output.status.success());
    stderr(&output)
}

#[test]
fn a_plugin_that_is_added_is_pinned_by_its_hash_and_granted_what_it_names() {
    let folder = added();
    let config = folder.path().join("node.toml");
    let settings = fs::read_to_string(&config).unwrap();
    assert!(settings.starts_with("[node]\nname = \"till\"\n\n[plugins.shopify]\n"), "{settings}");
    assert!(settings.contains("capabilities = [\"lookup\", \"log\", \"state\"]"), "{settings}");
    let file = fs::read_dir(folder.path().join("plugins")).unwrap().next().unwrap().unwrap().path();
    assert!(file.to_str().unwrap().contains("shopify-"), "{}", file.display());
    fs::write(&config, settings.replace("\"lookup\", ", "")).unwrap();
    let said = refused(&folder);
    assert!(said.contains("plugin shopify") && said.contains("which it is not granted"), "{said}");
    fs::copy(component("promotions"), &file).unwrap();
    let said = refused(&folder);
    assert!(said.contains("plugin shopify: its SHA-256 is") && said.contains("and the settings say"), "{said}");
}

#[test]
fn a_component_that_nobody_signed_is_refused_where_that_is_denied() {
    let folder = added();
    let config = folder.path().join("node.toml");
    let settings = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{settings}\n[signing]\ndeny_unsigned = true\n")).unwrap();
    let said = refused(&folder);
    assert!(said.contains("it is not signed") && said.contains("signing.deny_unsigned"), "{said}");
}

#[test]
fn a_node_says_which_plugins_it_runs_and_what_they_said() {
    let node = Setup::new("till").settings(&channels()).start();
    let listed = stdout(&tillmesh(&["plugin", "list", "--url", &node.url()]));
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines.len() == 3 && lines[1].starts_with("misbehaving  inbound, outbound"), "{listed}");
    let request = node.request("POST", "/v1/channels/odd/inbound").header("X-Message-Id", "1");
    request.header("X-Topic", "trap").body(b"x").send();
    let said = stdout(&tillmesh(&["plugin", "log", "misbehaving", "--url", &node.url()]));
    assert!(said.contains("error translate odd: panicked at"), "{said}");
    let quiet = tillmesh(&["plugin", "log", "shopify", "--url", &node.url()]);
    assert!(quiet.status.success() && stdout(&quiet).is_empty());
}
