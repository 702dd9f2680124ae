//! Channels over MQTT: what comes over their topics counts once, also what came while the node was away, and what they
//! are told arrives.

use serde_json::json;

use crate::support::mqtt::Stranger;
use crate::support::{Node, Setup, component, eventually};

/// A channel that takes a message as the receipt of one unit of what its body names.
fn listening(more: &str) -> String {
    format!(
        "[plugins.misbehaving]\ncomponent = {:?}\n\
         [channels.odd]\nplugin = \"misbehaving\"\nsignature = \"none\"\n{more}\n\
         [channels.odd.subscribe]\ntopics = [\"goods/+\"]\ntopic = \"received\"\n",
        component("misbehaving")
    )
}

fn letters(node: &Node) -> Vec<serde_json::Value> {
    node.get("/v1/dead-letters").ok()["items"].as_array().unwrap().clone()
}

#[test]
fn messages_over_a_topic_count_once_also_those_that_came_while_the_node_was_away() {
    let hub = Setup::new("hub").with_broker().start();
    let mut node = Setup::new("till").linked_to(hub.broker()).settings(&listening("")).start();
    let mut sender = Stranger::connect(hub.broker(), "sender");
    eventually("the topic is heard", || {
        sender.publish_surely("goods/in", b"A");
        node.on_hand("A") == Some(1)
    });
    node.kill();
    for name in ["B", "C", "A"] {
        sender.publish_surely("goods/in", name.as_bytes());
    }
    node.restart();
    eventually("what came meanwhile is taken", || node.on_hand("C") == Some(1));
    assert_eq!((node.on_hand("A"), node.on_hand("B")), (Some(1), Some(1)));
    let channels = node.get("/v1/channels").ok();
    assert_eq!(channels["items"][0].get("trouble"), None, "{channels}");
}

#[test]
fn a_message_over_a_topic_of_which_nothing_can_be_made_is_a_dead_letter_and_the_next_is_taken() {
    let node = Setup::new("till").with_broker().settings(&listening("")).start();
    let mut sender = Stranger::connect(node.broker(), "sender");
    eventually("the topic is heard", || {
        sender.publish_surely("goods/in", b"A");
        node.on_hand("A") == Some(1)
    });
    sender.publish_surely("goods/in", b" no SKU ");
    sender.publish_surely("goods/in", &[b'x'; 64 * 1024 + 1]);
    sender.publish_surely("goods/in", b"B");
    eventually("the next is taken", || node.on_hand("B") == Some(1));
    let mut causes: Vec<_> = letters(&node).iter().map(|letter| letter["cause"].clone()).collect();
    causes.sort_by_key(ToString::to_string);
    assert_eq!(causes, [json!("answer"), json!("too-large")]);
}

#[test]
fn a_channel_is_told_over_a_topic_that_names_the_message() {
    let told = "[channels.odd.deliver]\ntopic = \"told/{topic}/{number}/{id}\"\nmax_per_second = 1000\n";
    let node = Setup::new("till").with_broker().settings(&listening(told)).start();
    let mut listener = Stranger::connect(node.broker(), "listener");
    listener.subscribe("told/#");
    node.receive("in", "A", 5);
    let (topic, level) = listener.message();
    assert_eq!(level, b"A 5");
    let levels: Vec<_> = topic.split('/').collect();
    assert_eq!(levels[..3], ["told", "levels", "0"], "{topic}");
    eventually("nothing waits", || node.get("/v1/channels").ok()["items"][0]["delivery"]["waiting"] == json!(0));
}

#[test]
fn what_is_told_waits_until_the_broker_is_there() {
    let mut hub = Setup::new("hub").with_broker().start();
    let told = "[channels.odd.deliver]\ntopic = \"told/{id}\"\nmax_per_second = 1000\n";
    let node = Setup::new("till").linked_to(hub.broker()).settings(&listening(told)).start();
    hub.terminate();
    node.receive("in", "A", 5);
    let trouble = || node.get("/v1/channels").ok()["items"][0]["delivery"]["trouble"].clone();
    eventually("it is said", || trouble().as_str().is_some_and(|said| said.contains("not connected")));
    hub.restart();
    eventually("it is told", || node.get("/v1/channels").ok()["items"][0]["delivery"]["waiting"] == json!(0));
    let mut listener = Stranger::connect(hub.broker(), "listener");
    listener.subscribe("told/#");
    node.sell("out", "A", 2);
    assert_eq!(listener.message().1, b"A 3");
}
