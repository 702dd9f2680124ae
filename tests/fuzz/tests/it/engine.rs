//! A whole node under altered messages of every kind: it stays up and within its bounds, and shows the same stock.

use std::sync::Mutex;

use bolero::check;
use tillmesh_core::engine::{Engine, MAX_LOADED};
use tillmesh_core::sync::{Incoming, MAX_ANSWER_DOCUMENTS, MAX_EARLY_BYTES, MAX_NEW_SCOPES, MAX_SERVING};
use tillmesh_fuzz::corpus::{Corpus, scopes};
use tillmesh_fuzz::edits::{Edited, edited};
use tillmesh_sim::Disk;

/// Inputs of a run of `cargo test`: some seconds.
const INPUTS: usize = 50_000;
/// Milliseconds between two messages.
const STEP: i64 = 20;
/// How many messages lie between two moments in which the node does what is due.
const TICK: i64 = 8 * STEP;
/// Room for answers with every tick, in bytes.
const ROOM: usize = 64 * 1024;

fn stock(engine: &Engine<Disk>) -> String {
    let view = engine.view();
    let view = view.read().expect("no thread panicked");
    let mut rows = String::new();
    view.stock.iter().for_each(|(key, row)| rows.push_str(&format!("{key:?} {}\n", row.on_hand())));
    rows
}

fn stays_within_its_bounds(engine: &Engine<Disk>) {
    let waiting = engine.waiting();
    assert!(waiting.early_bytes <= MAX_EARLY_BYTES, "{waiting:?}");
    assert!(waiting.answers <= MAX_SERVING && waiting.answer_documents <= MAX_ANSWER_DOCUMENTS, "{waiting:?}");
    assert!(waiting.scopes <= MAX_NEW_SCOPES + scopes().len(), "{waiting:?}");
    assert!(engine.loaded_documents() <= MAX_LOADED);
}

#[test]
fn a_node_survives_altered_messages_and_shows_what_it_showed() {
    let Corpus { node, now, messages, .. } = Corpus::new();
    let payloads: Vec<_> = messages.iter().map(|message| message.payload.as_slice()).collect();
    let before = stock(node.engine.as_ref().expect("it runs"));
    assert!(before.lines().count() >= 3, "{before}");
    let state = Mutex::new((node, now));
    check!().with_iterations(INPUTS).with_type::<Edited>().for_each(|edits| {
        let mut state = state.lock().expect("the first failure ends the run");
        let (node, now) = &mut *state;
        let Incoming { scope, kind, from, .. } = messages[usize::from(edits.0) % messages.len()].clone();
        *now += STEP;
        let _refused = node.receive(*now, &Incoming { scope, kind, from, payload: edited(&payloads, edits) });
        if *now % TICK == 0 {
            node.tick(*now, ROOM);
        }
        node.commit(*now).expect("memory does not fail");
        let engine = node.engine.as_ref().expect("it runs");
        stays_within_its_bounds(engine);
        assert_eq!(stock(engine), before);
    });
}
