//! Channels at their worst: guests that misbehave, endpoints that fail, a node that is killed. Short here;
//! `TILLMESH_ONSLAUGHT` says how many calls of each kind and how many messages there are (10,000 and half as many in
//! the step `onslaught` of tests/run).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::sink::{Arrived, Manner, Sink};
use crate::support::{Node, Setup, component, eventually};

/// What guests do, the status with which their message is answered, and what the metrics call the call's outcome.
const MISDEEDS: [(&str, u16, &str); 13] = [
    ("loop", 503, "limit"),
    ("recurse", 503, "limit"),
    ("memory", 503, "limit"),
    ("trap", 503, "trap"),
    ("huge-text", 503, "limit"),
    ("many-commands", 503, "limit"),
    ("no-utf-8", 503, "trap"),
    ("bad-sku", 503, "answer"),
    ("host-calls", 503, "limit"),
    ("state", 422, "done"),
    ("nonsense", 422, "failure"),
    ("fail", 503, "failure"),
    ("turns", 503, "trap"),
];
/// The misdeed that is one at every other message alone.
const TURNS: &str = "turns";
/// How many requests arrive in a time in which something must.
const STEP: usize = 200;
/// How much more memory a node may have after all misdeeds than after the first: what the slots of guests keep, and
/// what large answers leave with the allocator. A kilobyte comes to it for each round of all misdeeds, which is what
/// the names of messages that count take.
const GROWTH_KILOBYTES: usize = 48 << 10;
/// How many products the honest messages are about: few, so that memory tells of guests and not of products.
const PRODUCTS: usize = 100;
/// How many messages are on their way at once.
const CLIENTS: usize = 4;
/// The channel of guests that misbehave, and one of a plugin of its own, which is the same component.
const ODD: &str = "odd";
const HONEST: &str = "honest";

fn calls() -> usize {
    std::env::var("TILLMESH_ONSLAUGHT").ok().and_then(|calls| calls.parse().ok()).unwrap_or(40)
}

fn settings(deliver: &str) -> String {
    let channel = |name: &str| {
        format!(
            "[plugins.{name}]\ncomponent = {:?}\n[channels.{name}]\nplugin = {name:?}\nsignature = \"none\"\n",
            component("misbehaving")
        )
    };
    format!("{}{}{deliver}", channel(HONEST), channel(ODD))
}

/// Sends a message; none where the node did not answer.
fn send(node: &Node, channel: &str, id: &str, topic: &str, body: &str) -> Option<u16> {
    let request = node.request("POST", &format!("/v1/channels/{channel}/inbound"));
    let request = request.header("X-Message-Id", id).header("X-Topic", topic);
    request.body(body.as_bytes()).try_send().map(|answer| answer.status)
}

/// Does something for each number below `count`, by several clients at once.
fn by_clients(count: usize, act: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count) {
                    act(number);
                }
            });
        }
    });
}

/// How many messages wait to be told to the channel of guests that misbehave.
fn waiting(node: &Node) -> u64 {
    let channels = node.get("/v1/channels").ok();
    let odd = channels["items"].as_array().unwrap().iter().find(|channel| channel["name"] == ODD).unwrap();
    odd["delivery"]["waiting"].as_u64().unwrap()
}

/// How many calls of the plugin ended so.
fn counted(node: &Node, outcome: &str) -> usize {
    let metrics = node.get("/metrics").text();
    let is_it = |line: &&str| {
        line.starts_with("tillmesh_plugin_calls_total{") && line.contains(&format!("outcome=\"{outcome}\""))
    };
    metrics.lines().filter(is_it).filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
}

fn resident_kilobytes(node: &Node) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", node.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() * 99 / 100]
}

/// How long each of so many honest messages takes, with something else before each.
fn honest(node: &Node, count: usize, name: &str, before: impl Fn(usize) + Sync) -> Vec<Duration> {
    let times = std::sync::Mutex::new(Vec::new());
    by_clients(count, |number| {
        before(number);
        let began = Instant::now();
        let (id, sku) = (format!("{name}-{number}"), format!("P{}", number % PRODUCTS));
        assert_eq!(send(node, HONEST, &id, "received", &sku), Some(200), "{id}");
        times.lock().unwrap().push(began.elapsed());
    });
    times.into_inner().unwrap()
}

#[test]
fn whatever_guests_do_honest_messages_are_taken_and_each_outcome_is_counted() {
    let calls = calls();
    let node = Setup::new("till").settings(&settings("")).start();
    let alone = p99(honest(&node, calls.min(1_000), "alone", |_| {}));
    let mut expected: BTreeMap<&str, usize> = BTreeMap::new();
    let mut memory = Vec::new();
    for (misdeed, status, outcome) in MISDEEDS {
        let times = honest(&node, calls, misdeed, |number| {
            let status = if misdeed == TURNS && number % 2 == 0 { 200 } else { status };
            assert_eq!(send(&node, ODD, &format!("{misdeed} {number}"), misdeed, "x"), Some(status), "{misdeed}");
        });
        let well = if misdeed == TURNS { calls.div_ceil(2) } else { 0 };
        *expected.entry(outcome).or_default() += calls - well;
        *expected.entry("done").or_default() += well;
        memory.push(resident_kilobytes(&node));
        println!(
            "{misdeed}: {calls} calls, {} KB, honest p99 {:?} beside {alone:?} alone",
            memory[memory.len() - 1],
            p99(times)
        );
    }
    let (first, most) = (memory[0], memory.iter().max().unwrap());
    assert!(most - first <= GROWTH_KILOBYTES + calls, "the node grew from {first} to {most} KB");
    for (outcome, count) in expected {
        let honest = if outcome == "done" { calls.min(1_000) + calls * MISDEEDS.len() } else { 0 };
        assert_eq!(counted(&node, outcome), count + honest, "{outcome}");
    }
    let received = calls.min(1_000).div_ceil(PRODUCTS) + MISDEEDS.len() * calls.div_ceil(PRODUCTS);
    assert_eq!(node.on_hand("P0"), Some(i64::try_from(received).unwrap()));
}

#[test]
fn every_message_has_its_effect_once_and_is_told_once_however_often_the_node_is_killed() {
    let messages = calls() / 2;
    let sink = Sink::start(Manner::Flaky);
    let deliver = format!("[channels.odd.deliver]\nurl = {:?}\nmax_per_second = 1000\n", sink.url());
    let node = std::sync::RwLock::new(Setup::new("till").settings(&settings(&deliver)).start());
    let done = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for kill in 1..=5 {
                while done.load(Ordering::Relaxed) < messages * kill / 6 && !is_over.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                let mut node = node.write().unwrap();
                node.kill();
                node.restart();
            }
        });
        by_clients(messages, |number| {
            let sku = format!("S{number}");
            // A channel sends again what was not answered.
            eventually("the message is taken", || {
                send(&node.read().unwrap(), ODD, &sku, "received", &sku) == Some(200)
            });
            done.fetch_add(1, Ordering::Relaxed);
        });
        is_over.store(true, Ordering::Relaxed);
    });
    let node = node.into_inner().unwrap();
    for number in 0..messages {
        assert_eq!(node.on_hand(&format!("S{number}")), Some(1), "S{number}");
    }
    let is_told = || {
        let told: BTreeSet<String> = sink.arrived().iter().map(Arrived::text).collect();
        (0..messages).all(|number| told.contains(&format!("S{number} 1"))) && waiting(&node) == 0
    };
    // The endpoint makes the node wait a second now and then: what counts is that it goes on.
    while !is_told() {
        let before = sink.arrived().len();
        eventually("more is told", || sink.arrived().len() > before + STEP || is_told());
    }
    assert_each_number_is_one_message(&sink.arrived());
}

fn assert_each_number_is_one_message(arrived: &[Arrived]) {
    let mut by_number: BTreeMap<u64, BTreeSet<(String, String)>> = BTreeMap::new();
    for it in arrived {
        let number = it.header("x-message-number").parse().unwrap();
        by_number.entry(number).or_default().insert((it.header("x-message-id").to_owned(), it.text()));
    }
    let last = *by_number.last_key_value().unwrap().0;
    assert_eq!(by_number.len() as u64, last + 1, "no number is missing");
    assert!(by_number.values().all(|messages| messages.len() == 1), "an id or a body changed: {by_number:?}");
    let ids: BTreeSet<_> = by_number.values().flatten().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), by_number.len(), "an id was given twice");
    println!("{} requests, {} messages", arrived.len(), by_number.len());
}
