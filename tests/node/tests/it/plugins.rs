//! Plugins that a node does not start with: what they are, and what it needs.

use std::fs;

use crate::support::{component, stderr, tillmesh};

/// The contract that this node keeps.
const VERSION: &str = "0.1.0";

/// What a node says that is started with this component.
fn refusal(component: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("other.wasm"), component).unwrap();
    fs::write(path("node.toml"), "[plugins.other]\ncomponent = \"other.wasm\"\n").unwrap();
    let (config, data) = (path("node.toml"), path("data"));
    let place = ["--config", config.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let output = tillmesh(&[&["run", "--node", "till", "--listen", "127.0.0.1:0"], &place[..]].concat());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = stderr(&output);
    assert!(!said.contains("listening"), "{said}");
    said
}

/// A component that exports an interface of the contract, with nothing in it, in the binary format: an empty instance,
/// then its export.
fn exporting(interface: &str) -> Vec<u8> {
    let length = u8::try_from(interface.len()).unwrap();
    let export = [&[1, 0, length], interface.as_bytes(), &[5, 0, 0]].concat();
    let section = |id: u8, content: &[u8]| [&[id, u8::try_from(content.len()).unwrap()], content].concat();
    [&b"\0asm\x0d\0\x01\0"[..], &section(5, &[1, 1, 0]), &section(11, &export)].concat()
}

#[test]
fn a_component_of_another_version_is_refused_with_what_it_has_and_what_is_needed() {
    for (interface, other) in [("inbound", "0.2.0"), ("outbound", "0.0.9"), ("pricing", "1.0.0")] {
        let said = refusal(&exporting(&format!("tillmesh:channel/{interface}@{other}")));
        let expected = format!(
            "plugin other: the component has tillmesh:channel/{interface}@{other}, this node needs \
             tillmesh:channel/{interface}@{VERSION}: build it against that version of wit/"
        );
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn what_is_no_component_is_refused_as_what_it_is() {
    assert!(refusal(b"<html>").contains("plugin other: this is no WebAssembly"));
    assert!(refusal(b"\0asm\x01\0\0\0").contains("plugin other: this is a core module, a component is needed"));
    let mut torn = fs::read(component("promotions")).unwrap();
    torn.truncate(torn.len() / 2);
    assert!(refusal(&torn).contains("plugin other: the component cannot be compiled"));
}
