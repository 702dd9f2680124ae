use tillmesh_core::id::Name;
use wasmtime::{Engine, Store};

use super::*;
use crate::plugin::{CallContext, Limits};

/// A guest whose `run` gives what a function of WASI gives.
fn asking(interface: &str, function: &str) -> String {
    format!(
        "(component
            (import {interface:?} (instance $wasi (export {function:?} (func (result u64)))))
            (core func $ask (canon lower (func $wasi {function:?})))
            (core module $guest
                (import \"\" \"ask\" (func $ask (result i64)))
                (func (export \"run\") (result i64) (drop (call $ask)) (call $ask)))
            (core instance $guest (instantiate $guest (with \"\" (instance (export \"ask\" (func $ask))))))
            (func (export \"run\") (result u64) (canon lift (core func $guest \"run\"))))"
    )
}

/// A guest that waits for a million years.
const PATIENT: &str = r#"
    (component
        (import "wasi:io/poll@0.2.6" (instance $poll
            (export "pollable" (type $pollable (sub resource)))
            (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
        (alias export $poll "pollable" (type $pollable))
        (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
            (alias outer 1 $pollable (type $given))
            (export "pollable" (type $it (eq $given)))
            (export "subscribe-duration" (func (param "when" u64) (result (own $it))))))
        (core func $begin (canon lower (func $clock "subscribe-duration")))
        (core func $wait (canon lower (func $poll "[method]pollable.block")))
        (core module $guest
            (import "" "begin" (func $begin (param i64) (result i32)))
            (import "" "wait" (func $wait (param i32)))
            (func (export "run") (result i64)
                (call $wait (call $begin (i64.const 0x7000000000000000)))
                (i64.const 7)))
        (core instance $guest (instantiate $guest
            (with "" (instance (export "begin" (func $begin)) (export "wait" (func $wait))))))
        (func (export "run") (result u64) (canon lift (core func $guest "run"))))
"#;

fn data(limits: Limits) -> CallData {
    let name = Name::new("till").unwrap();
    CallData::new(CallContext::bare(name.clone(), name), limits)
}

fn run_within(guest: &str, limits: Limits) -> Result<u64> {
    let engine = Engine::default();
    let component = Component::new(&engine, guest)?;
    let mut linker = Linker::new(&engine);
    link(&mut linker, &component)?;
    let mut store = Store::new(&engine, data(limits));
    let instance = linker.instantiate(&mut store, &component)?;
    let run = instance.get_typed_func::<(), (u64,)>(&mut store, "run")?;
    run.call(&mut store, ()).map(|(answer,)| answer)
}

fn run(guest: &str) -> Result<u64> {
    run_within(guest, Limits::DEFAULT)
}

#[test]
fn every_call_finds_the_same_randomness_whatever_patch_of_wasi_it_was_made_for() {
    let first = run(&asking("wasi:random/random@0.2.0", "get-random-u64")).unwrap();
    assert_eq!(run(&asking("wasi:random/random@0.2.12", "get-random-u64")).unwrap(), first);
    assert_eq!(run(&asking("wasi:random/insecure@0.2.3", "get-insecure-random-u64")).unwrap(), first);
}

#[test]
fn a_clock_goes_on_by_being_read_and_not_by_itself() {
    let now = || run(&asking("wasi:clocks/monotonic-clock@0.2.0", "now")).unwrap();
    assert_eq!((now(), now()), (2 * TICK, 2 * TICK));
}

#[test]
fn who_waits_is_not_waited_for() {
    assert_eq!(run(PATIENT).unwrap(), 7);
}

#[test]
fn calls_of_wasi_count_as_calls_of_the_host() {
    let limits = Limits { host_calls: 1, ..Limits::DEFAULT };
    let error = run_within(&asking("wasi:random/random@0.2.0", "get-random-u64"), limits).unwrap_err();
    assert!(format!("{error:#}").contains("called the host too often"), "{error:#}");
}

#[test]
fn what_a_plugin_has_not_ends_the_call_that_uses_it_by_name() {
    let error = run(&asking("wasi:sockets/network@0.2.1", "dial")).unwrap_err();
    assert!(format!("{error:#}").contains("it called wasi:sockets/network@0.2.1#dial"), "{error:#}");
}

#[test]
fn wasi_of_another_version_and_packages_beyond_it_are_not_served() {
    assert!(serves("wasi:io/streams@0.2.6"));
    for other in ["wasi:io/streams@0.3.0", "wasi:http/types@0.2.0", "wasi:io", "wasi:keyvalue/store@0.2.0"] {
        assert!(!serves(other), "{other}");
    }
}

#[test]
fn what_is_printed_is_logged_line_by_line() {
    let mut data = data(Limits { log_bytes: 50, ..Limits::DEFAULT });
    data.print(STDOUT, b"one\ntw");
    data.print(STDERR, b"wrong\n");
    data.print(STDOUT, b"o\nthree");
    data.end_of_output();
    data.print(STDOUT, &[b'x'; 51]);
    assert!(data.wasi.output.is_empty(), "a line without an end was kept");
    let log: Vec<_> = data.report.log.iter().map(|line| (line.level, line.message.as_str())).collect();
    let (info, warn) = (LogLevel::Info, LogLevel::Warn);
    assert_eq!(log, [(info, "one"), (warn, "wrong"), (info, "two"), (info, "three")]);
    assert_eq!(data.report.log_dropped, 1);
}

#[test]
fn empty_lines_take_room_of_the_log_like_others() {
    let mut data = data(Limits::DEFAULT);
    for _ in 0..100 {
        data.print(STDOUT, &[b'\n'; 4096]);
    }
    assert!(data.report.log.len() <= Limits::DEFAULT.log_bytes, "{}", data.report.log.len());
    assert_eq!(data.report.log.len() as u64 + data.report.log_dropped, 409_600);
}
