//! `tillmesh plugin`, as who writes a plugin uses it: without a node.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{component, stderr, stdout, tillmesh};

const SHIPPED: [&str; 11] = [
    "amazon",
    "csv-pos",
    "edifact",
    "epcis",
    "google-merchant",
    "gs1-barcode",
    "promotions",
    "shopify",
    "square",
    "woocommerce",
    "x12",
];

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
    assert!(said.contains("14 of 15 cases came out as expected") && said.contains("--accept"), "{said}");
    let (code, said, _) = plugin("test", copy.path(), &["--accept"]);
    assert!(code == 0 && said.contains("accepted  cancelled"), "{said}");
    let (code, said, _) = plugin("test", copy.path(), &[]);
    assert!(code == 0 && said.contains("15 of 15 cases came out as expected"), "{said}");
}

#[test]
fn a_case_may_hand_a_message_over_in_pieces_and_expect_what_is_logged_and_counted() {
    let copy = copy();
    let case = copy.path().join("cases/cancelled.toml");
    let text = fs::read_to_string(&case).unwrap();
    fs::write(&case, format!("piece-bytes = 20\nreports = true\n{text}")).unwrap();
    let (code, said, _) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && said.contains("+    \"rule\": \"this plugin takes whole bodies only"), "{said}");
    assert!(said.contains("+  \"counters\": {}") && said.contains("+  \"log\": []"), "{said}");
    fs::write(&case, format!("piece-bytes = 0\n{text}")).unwrap();
    let (code, _, errors) = plugin("test", copy.path(), &[]);
    assert!(code == 1 && errors.contains("cancelled.toml is no case"), "{errors}");
}

#[test]
fn what_a_plugin_needs_beyond_the_defaults_stands_in_its_manifest() {
    let copy = copy();
    let manifest = copy.path().join("plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, format!("{text}\n[limits]\nfuel = 1_000_000_000\n")).unwrap();
    let (code, said, errors) = plugin("bench", copy.path(), &["--calls", "1", "--json"]);
    let measured: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{errors}"));
    assert!(code == 0 && measured[0]["fuel_allowed"].as_u64().unwrap() >= 1_000_000_000, "{said}");
    let settings = copy.path().join("node.toml");
    fs::write(&settings, "").unwrap();
    let (code, said, errors) = plugin("add", copy.path(), &["--config", settings.to_str().unwrap()]);
    assert!(code == 0 && said.contains("[plugins.shopify.limits]\nfuel = 1000000000\n"), "{said}{errors}");
    fs::write(&manifest, format!("{text}\n[limits]\nfuel = 0\n")).unwrap();
    let (code, _, errors) = plugin("bench", copy.path(), &[]);
    assert!(code == 1 && errors.contains("plugins.shopify.limits.fuel"), "{errors}");
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
    replace(&manifest, "channel/channel@", "channel/trading-partner@");
    let (code, _, errors) = plugin("check", copy.path(), &[]);
    assert!(code == 1 && errors.contains("does not export tillmesh:channel/acknowledgement@0.1.0"), "{errors}");
    replace(&manifest, "channel/trading-partner@", "channel/kitchen@");
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

#[test]
fn what_the_calls_of_a_plugin_use_is_said_for_each_case_against_what_they_may() {
    let (code, said, errors) = plugin("bench", &folder_of("promotions"), &["--calls", "3", "--json"]);
    let measured: Vec<Value> = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{errors}"));
    assert_eq!((code, measured.len(), measured[0]["case"].as_str()), (0, 1, Some("three-for-two")));
    let number = |key: &str| measured[0][key].as_u64().unwrap();
    assert!(number("fuel") > 0 && number("fuel") < number("fuel_allowed"), "{said}");
    assert!(number("memory_bytes") > 0 && number("memory_bytes") <= number("memory_bytes_allowed"), "{said}");
    let (code, said, _) = plugin("bench", &folder_of("promotions"), &["--calls", "3"]);
    assert!(code == 0 && said.contains("three-for-two") && said.contains("A call may take 1 s and 16 MiB"), "{said}");
    assert_eq!(plugin("bench", &folder_of("promotions"), &["--calls", "0"]).0, 2);
}

#[test]
fn a_new_plugin_has_what_it_is_built_of_its_cases_and_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let languages = [
        ("rust", "src/lib.rs"),
        ("javascript", "plugin.js"),
        ("typescript", "plugin.ts"),
        ("c", "plugin.c"),
        ("python", "plugin.py"),
        ("go", "export_tillmesh_channel_inbound/plugin.go"),
    ];
    for (language, source) in languages {
        let made = folder.path().join(language);
        let (code, said, errors) = new("my-shop", language, &made);
        assert!(code == 0 && said.contains(source) && said.contains("tillmesh plugin build"), "{said}{errors}");
        let files = [source, "plugin.toml", "README.md", ".gitignore", "cases/stock.expected.json", "wit/worlds.wit"];
        for file in files {
            let text = fs::read_to_string(made.join(file)).unwrap();
            assert!(!text.contains("{{"), "{language}: {file} has a place that was not filled in");
        }
        let (code, _, errors) = plugin("check", &made, &[]);
        assert!(
            code != 0 && errors.contains("there is no my-shop.wasm") && errors.contains("plugin build"),
            "{errors}"
        );
        let (code, _, errors) = new("my-shop", language, &made);
        assert!(code != 0 && errors.contains("is there already"), "{errors}");
    }
    for wrong in ["My-Shop", "7eleven", "a_b", ""] {
        let (code, _, errors) = new(wrong, "rust", &folder.path().join("wrong"));
        assert!(code != 0 && errors.contains("it must have 1 to 48"), "{wrong:?}: {errors}");
    }
}

fn new(name: &str, language: &str, folder: &Path) -> (i32, String, String) {
    let output = tillmesh(&["plugin", "new", name, "--lang", language, "--folder", folder.to_str().unwrap()]);
    (output.status.code().unwrap(), stdout(&output), stderr(&output))
}

#[test]
fn what_builds_a_plugin_is_run_in_its_folder_and_says_what_went_wrong() {
    let copy = copy();
    let manifest = copy.path().join("plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let (code, _, errors) = plugin("build", copy.path(), &[]);
    assert!(code != 0 && errors.contains("has no [build]"), "{errors}");
    let build = |commands: &str, output: &str| {
        fs::write(&manifest, format!("{text}\n[build]\ncommands = {commands}\noutput = {output:?}\n")).unwrap();
        plugin("build", copy.path(), &[])
    };
    let (code, said, errors) =
        build(r#"[["mkdir", "out"], ["cp", "shopify.wasm", "out/built.wasm"]]"#, "out/built.wasm");
    assert!(code == 0 && said.contains("A node takes it.") && errors.contains("$ mkdir out"), "{said}{errors}");
    assert_eq!(fs::read(copy.path().join("shopify.wasm")).unwrap(), fs::read(component("shopify")).unwrap());
    let (code, _, errors) = build(r#"[["false"]]"#, "out/built.wasm");
    assert!(code != 0 && errors.contains("false: exit status: 1"), "{errors}");
    let (code, _, errors) = build(r#"[["no-such-program"]]"#, "out/built.wasm");
    assert!(code != 0 && errors.contains("cannot run no-such-program: is it installed"), "{errors}");
    let (code, _, errors) = build("[]", "out/nothing.wasm");
    assert!(code != 0 && errors.contains("nothing.wasm, the output of [build]"), "{errors}");
    // A component is made of a core module, and this one is of no plugin.
    fs::write(copy.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let (code, _, errors) = build("[]", "core.wasm");
    assert!(code != 0 && errors.contains("the component exports nothing"), "{errors}");
}
