//! Another component in the place of one at work, and one that is tried beside it: no message is lost over it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::http::Answer;
use crate::support::{Node, Setup, component, eventually, stderr, stdout, tillmesh};

/// A component that does the same under another hash: with a section that nobody reads.
fn renewed(name: &str, to: &Path, mark: u8) {
    let mut bytes = fs::read(component(name)).unwrap();
    bytes.extend([0, 3, 1, b'v', mark]);
    fs::write(to, bytes).unwrap();
}

fn plugin(more: &str) -> String {
    format!(
        "[plugins.misbehaving]\ncomponent = {:?}\n{more}\n\
         [channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\n",
        component("misbehaving")
    )
}

fn canary(of: &str, how: &str) -> String {
    plugin(&format!("[plugins.misbehaving.canary]\ncomponent = {:?}\n{how}\n", component(of)))
}

/// Sends the receipt of one unit of an article.
fn receive(node: &Node, sku: &str) -> Answer {
    let request = node.request("POST", "/v1/channels/odd/inbound").header("X-Message-Id", sku);
    request.header("X-Topic", "received").body(sku.as_bytes()).send()
}

fn shown(node: &Node) -> Value {
    node.get("/v1/plugins").ok()["items"][0].clone()
}

fn reload(node: &Node) -> Answer {
    node.request("POST", "/v1/plugins:reload").send()
}

#[test]
fn a_component_is_replaced_under_load_and_no_message_is_dropped() {
    let node = Setup::new("till").settings(&plugin("")).start();
    let settings = fs::read_to_string(node.config_path()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let first = shown(&node)["component"].clone();
    let is_over = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..3)
            .map(|sender| {
                let (node, is_over) = (&node, &is_over);
                scope.spawn(move || {
                    let going_on = |_: &usize| !is_over.load(Ordering::Relaxed);
                    let skus = (0..).take_while(going_on).map(|number| format!("S{sender}-{number}"));
                    skus.inspect(|sku| drop(receive(node, sku).ok())).collect::<Vec<_>>()
                })
            })
            .collect();
        for mark in [1, 2, 3] {
            let file = folder.path().join(format!("{mark}.wasm"));
            renewed("misbehaving", &file, mark);
            let old = format!("{:?}", component("misbehaving"));
            fs::write(node.config_path(), settings.replace(&old, &format!("{file:?}"))).unwrap();
            let reloaded = reload(&node).ok();
            assert_eq!(reloaded["plugins"][0]["changed"], json!(true), "{reloaded}");
        }
        is_over.store(true, Ordering::Relaxed);
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect::<Vec<_>>()
    });
    assert_ne!(shown(&node)["component"], first);
    assert!(sent.len() >= 3, "nothing was sent while components were replaced");
    for sku in sent {
        assert_eq!(node.on_hand(&sku), Some(1), "{sku}");
    }
    assert_eq!(reload(&node).ok()["plugins"][0]["changed"], json!(false));
}

#[test]
fn a_component_that_is_not_taken_leaves_the_one_at_work() {
    let node = Setup::new("till").settings(&plugin("")).start();
    let (settings, before) = (fs::read_to_string(node.config_path()).unwrap(), shown(&node));
    let old = format!("{:?}", component("misbehaving"));
    for (other, more, says) in [
        ("promotions", "", "does not export tillmesh:channel/inbound"),
        ("nowhere", "", "cannot read"),
        ("misbehaving", "capabilities = []\n", "which it is not granted"),
    ] {
        let file = component("misbehaving").with_file_name(format!("{other}.wasm"));
        let settings = settings.replace(&old, &format!("{file:?}\n{more}"));
        fs::write(node.config_path(), settings).unwrap();
        let refused = reload(&node);
        assert_eq!((refused.status, refused.problem().as_str()), (409, "plugins-not-reloaded"));
        assert!(refused.text().contains(says), "{}", refused.text());
    }
    assert_eq!(shown(&node), before);
    receive(&node, "A").ok();
    assert_eq!(node.on_hand("A"), Some(1));
}

#[test]
fn a_canary_that_fails_costs_no_message_and_is_withdrawn() {
    let node = Setup::new("till").settings(&canary("shopify", "share = 50")).start();
    let mut sent = 0;
    eventually("it is withdrawn", || {
        receive(&node, &format!("S{sent}")).ok();
        sent += 1;
        shown(&node)["canary"]["withdrawn"] == json!(true)
    });
    let state = shown(&node)["canary"].clone();
    assert_eq!((&state["calls"], &state["errors"], &state["share"]), (&json!(20), &json!(20), &json!(50)));
    for number in 0..sent {
        assert_eq!(node.on_hand(&format!("S{number}")), Some(1));
    }
    let listed = stdout(&tillmesh(&["plugin", "list", "--url", &node.url()]));
    assert!(listed.contains("50 %: 20 calls, 20 errors, withdrawn"), "{listed}");
    let said = stdout(&tillmesh(&["plugin", "log", "misbehaving", "--url", &node.url()]));
    assert!(said.contains("is withdrawn: 20 errors in 20 calls"), "{said}");
    reload(&node).ok();
    let state = shown(&node)["canary"].clone();
    assert_eq!((&state["calls"], &state["withdrawn"]), (&json!(0), &json!(false)), "it is tried anew");
}

#[test]
fn a_component_in_the_shadow_is_compared_and_changes_nothing() {
    let node = Setup::new("till").settings(&canary("csv-pos", "shadow = true")).start();
    let mut sent = 0;
    eventually("it was called", || {
        receive(&node, &format!("S{sent}")).ok();
        sent += 1;
        shown(&node)["canary"]["errors"].as_u64() > Some(2)
    });
    assert_eq!(node.on_hand("S0"), Some(1));
    let same = Setup::new("till").settings(&canary("misbehaving", "shadow = true")).start();
    eventually("it was called", || {
        receive(&same, &format!("S{sent}")).ok();
        sent += 1;
        shown(&same)["canary"]["calls"].as_u64() > Some(2)
    });
    let state = shown(&same)["canary"].clone();
    assert_eq!((&state["errors"], &state["differences"]), (&json!(0), &json!(0)), "{state}");
}

#[test]
fn a_plugin_is_replaced_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.wasm");
    renewed("shopify", &newer, 7);
    let settings = format!("[plugins.shopify]\ncomponent = {:?}\n# kept\n", component("shopify"));
    let node = Setup::new("till").settings(&settings).start();
    let config = node.config_path();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/shopify");
    let add = ["plugin", "add", source, "--component", newer.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let twice = tillmesh(&add);
    assert!(!twice.status.success() && stderr(&twice).contains("pass --replace"), "{}", stderr(&twice));
    let replaced = tillmesh(&[&add[..], &["--replace"]].concat());
    assert!(stdout(&replaced).contains("tillmesh plugin reload"), "{}{}", stdout(&replaced), stderr(&replaced));
    assert!(fs::read_to_string(&config).unwrap().contains("# kept"));
    let reloaded = stdout(&tillmesh(&["plugin", "reload", "--url", &node.url()]));
    assert!(reloaded.contains("shopify") && reloaded.contains("changed"), "{reloaded}");
}
