//! Channels that are told what happens: each message arrives, under one id and with one body, or is a dead letter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::support::shop::goods;
use crate::support::sink::{Arrived, Manner, Sink};
use crate::support::{Node, Setup, component, eventually};

/// A channel whose plugin tells levels as `SKU LEVEL`.
fn settings(deliver: &str) -> String {
    format!(
        "[plugins.misbehaving]\ncomponent = {:?}\n[channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\n\
         [channels.odd.deliver]\n{deliver}\n",
        component("misbehaving")
    )
}

fn address(sink: &Sink) -> String {
    settings(&format!("url = \"{}/levels\"\nsecret = \"hush\"\nmax_per_second = 1000", sink.url()))
}

fn told_at(sink: &Sink) -> Setup {
    Setup::new("till").settings(&address(sink))
}

fn texts(arrived: &[Arrived]) -> Vec<String> {
    arrived.iter().map(Arrived::text).collect()
}

/// The bodies that arrived under each id.
fn by_id(arrived: &[Arrived]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for it in arrived {
        found.entry(it.header("x-message-id").to_owned()).or_default().insert(it.text());
    }
    found
}

fn waiting(node: &Node) -> u64 {
    node.get("/v1/channels").ok()["items"][0]["delivery"]["waiting"].as_u64().unwrap()
}

#[test]
fn a_channel_is_told_levels_signed_and_in_order() {
    let sink = Sink::start(Manner::Status(200));
    let node = told_at(&sink).start();
    node.receive("in", "A", 5);
    eventually("the first level arrives", || texts(&sink.arrived()) == ["A 5"]);
    node.sell("out", "A", 2);
    eventually("the second level arrives", || texts(&sink.arrived()) == ["A 5", "A 3"]);
    let first = sink.arrived().remove(0);
    assert_eq!((first.header("x-topic"), first.header("content-type")), ("levels", "text/plain"));
    assert_eq!(first.header("idempotency-key"), first.header("x-message-id"));
    assert_eq!(first.header("x-signature").len(), 64);
    eventually("nothing waits", || waiting(&node) == 0);
}

#[test]
fn what_an_endpoint_fails_to_take_is_sent_again_under_the_same_id() {
    let sink = Sink::start(Manner::Status(503));
    let node = told_at(&sink).start();
    node.receive("in", "A", 5);
    eventually("it is tried again", || sink.arrived().len() >= 2);
    let trouble = node.get("/v1/channels").ok()["items"][0]["delivery"]["trouble"].as_str().unwrap().to_owned();
    assert!(trouble.contains("503"), "{trouble}");
    sink.answers(Manner::Status(204));
    eventually("it is taken", || waiting(&node) == 0);
    assert_eq!(by_id(&sink.arrived()).len(), 1);
    assert!(texts(&sink.arrived()).iter().all(|text| text == "A 5"));
}

#[test]
fn what_was_on_its_way_when_the_power_went_arrives_under_the_same_id_and_with_the_same_body() {
    let sink = Sink::start(Manner::Silent);
    let mut node = told_at(&sink).start();
    for round in 0..5_i64 {
        node.receive(&format!("in-{round}"), &format!("S{round}"), round + 1);
        eventually("something arrives", || !sink.arrived().is_empty());
        node.kill();
        node.restart();
    }
    sink.answers(Manner::Status(200));
    eventually("all is told", || waiting(&node) == 0 && by_id(&sink.arrived()).len() >= 5);
    let told = by_id(&sink.arrived());
    assert!(told.values().all(|bodies| bodies.len() == 1), "{told:?}");
    let bodies: BTreeSet<_> = told.into_values().flatten().collect();
    assert_eq!(bodies, (0..5).map(|round| format!("S{round} {}", round + 1)).collect());
}

#[test]
fn what_an_endpoint_refuses_is_a_dead_letter_that_can_be_sent_again() {
    let sink = Sink::start(Manner::Status(400));
    let node = told_at(&sink).start();
    node.receive("in", "A", 5);
    let letters = || node.get("/v1/dead-letters").ok()["items"].as_array().unwrap().clone();
    eventually("there is a dead letter", || letters().len() == 1);
    let letter = letters().remove(0);
    assert_eq!((letter["stage"].as_str(), letter["channel"].as_str()), (Some("delivery"), Some("odd")));
    assert!(letter["reason"].as_str().unwrap().contains("400"), "{letter}");
    sink.answers(Manner::Status(200));
    node.sell("out", "A", 1);
    eventually("others go on", || texts(&sink.arrived()) == ["A 5", "A 4"]);
    let path = format!("/v1/dead-letters/{}", letter["id"].as_str().unwrap());
    assert_eq!(node.get(&format!("{path}/body")).body, b"A 5");
    let replayed = node.request("POST", &format!("{path}:replay")).body(b"A 5, as of before").send().ok();
    assert_eq!(replayed["messages"], json!(1));
    eventually("the mended one arrives", || texts(&sink.arrived()).last().unwrap() == "A 5, as of before");
    assert!(letters().is_empty());
    let told = by_id(&sink.arrived());
    assert!(told.values().all(|bodies| bodies.len() == 1), "another body has another id: {told:?}");
}

#[test]
fn a_folder_gets_a_file_for_each_message() {
    let folder = tempfile::tempdir().unwrap();
    let node = Setup::new("till").settings(&settings(&format!("folder = {:?}", folder.path()))).start();
    node.post("/v1/stock/receipts", "in", &goods("A", 5)).ok();
    let written = || {
        let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().path());
        // What is being written has a name that begins with a dot.
        let whole = names.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'));
        whole.collect::<Vec<_>>()
    };
    eventually("the message is written", || written().len() == 1);
    let file = written().remove(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "A 5");
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("000000000000-levels-") && name.ends_with(".txt"), "{name}");
}

#[test]
fn a_channel_is_not_told_of_other_locations_nor_what_was_before() {
    let sink = Sink::start(Manner::Status(200));
    let mut node = Setup::new("till").start();
    node.receive("before", "OLD", 1);
    node.restart_with(&address(&sink));
    let elsewhere = json!({ "location": "depot", "lines": [{ "sku": "FAR", "quantity": 1 }] });
    node.post("/v1/stock/receipts", "elsewhere", &elsewhere).ok();
    node.receive("in", "A", 5);
    eventually("it is told", || !sink.arrived().is_empty());
    assert_eq!(texts(&sink.arrived()), ["A 5"]);
}

#[test]
fn files_of_a_watched_folder_are_messages_that_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let watch = format!(
        "[plugins.misbehaving]\ncomponent = {:?}\n[channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\n\
         [channels.odd.watch]\nfolder = {:?}\ntopic = \"received\"\n",
        component("misbehaving"),
        folder.path()
    );
    let node = Setup::new("till").settings(&watch).start();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("1.txt", "A");
    write("2.txt", " no SKU ");
    write("3.txt", "B");
    write("4.txt.partial", "C");
    eventually("the files are taken", || node.on_hand("B") == Some(1));
    assert_eq!(node.on_hand("A"), Some(1));
    eventually("they are moved", || !folder.path().join("3.txt").exists());
    let is_there = |name: &str| folder.path().join(name).exists();
    assert!(is_there("done/1.txt") && is_there("failed/2.txt") && is_there("done/3.txt") && is_there("4.txt.partial"));
    let letters = node.get("/v1/dead-letters").ok()["items"].as_array().unwrap().clone();
    assert_eq!(letters.len(), 1);
    assert!(letters[0]["message"].as_str().unwrap().starts_with("2.txt-"), "{}", letters[0]);
    // Another one of the name lies beside the first.
    write("2.txt", " none either ");
    eventually("it is moved", || is_there("failed/2-2.txt"));
    assert_eq!(std::fs::read_to_string(folder.path().join("failed/2.txt")).unwrap(), " no SKU ");
    // The same file again is the same message.
    std::fs::rename(folder.path().join("done/1.txt"), folder.path().join("1.txt")).unwrap();
    write("5.txt", "D");
    eventually("the next is taken", || node.on_hand("D") == Some(1));
    assert_eq!(node.on_hand("A"), Some(1));
}
