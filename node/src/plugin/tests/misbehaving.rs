//! Guests that do what they must not: each ends as what it did, and the host is as good as before.

use super::*;

fn fault(topic: &str, limits: Limits) -> CallFault {
    let plugin = installed("misbehaving", limits);
    plugin.translate(&message(topic, b""), &context()).expect_err("it gave an answer").fault
}

#[test]
fn an_endless_loop_ends_with_its_fuel() {
    assert_eq!(fault("loop", Limits::DEFAULT), CallFault::Limit(Limit::Fuel));
}

#[test]
fn an_endless_loop_with_fuel_to_burn_ends_at_its_deadline() {
    let limits = Limits { fuel: u64::MAX, deadline: std::time::Duration::from_millis(30), ..Limits::DEFAULT };
    assert_eq!(fault("loop", limits), CallFault::Limit(Limit::Deadline));
}

#[test]
fn endless_recursion_ends_with_its_stack() {
    assert_eq!(fault("recurse", Limits { fuel: u64::MAX, ..Limits::DEFAULT }), CallFault::Limit(Limit::Stack));
}

#[test]
fn growing_memory_ends_at_its_limit() {
    assert_eq!(fault("memory", Limits { fuel: u64::MAX, ..Limits::DEFAULT }), CallFault::Limit(Limit::Memory));
}

/// A guest whose translation makes its table larger and larger. Rust has no word for that.
fn table_grower() -> Vec<u8> {
    let text = r#"
        (module
            (memory (export "memory") 1)
            (table $functions 1 funcref)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "tillmesh:channel/inbound@0.1.0#translate") (param i32) (result i32)
                (loop $again
                    (drop (table.grow $functions (ref.null func) (i32.const 1000)))
                    (br $again))
                (unreachable)))"#;
    let mut module = wat::parse_str(text).unwrap();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("inbound-channel")).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    wit_component::embed_component_metadata(&mut module, &resolve, world, encoding).unwrap();
    wit_component::ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

#[test]
fn growing_tables_end_at_their_limit() {
    let plugin = HOST.install(&table_grower(), Limits { fuel: u64::MAX, ..Limits::DEFAULT }).unwrap();
    let error = plugin.translate(&message("honest", b""), &context()).unwrap_err();
    assert_eq!(error.fault, CallFault::Limit(Limit::Table));
}

#[test]
fn huge_answers_are_not_copied() {
    let limits = Limits { fuel: u64::MAX, ..Limits::DEFAULT };
    assert_eq!(fault("huge-text", limits), CallFault::Limit(Limit::Output));
    let limits = Limits { memory_bytes: Limits::MAX.memory_bytes, ..limits };
    assert_eq!(fault("many-commands", limits), CallFault::Limit(Limit::Output));
}

#[test]
fn a_storm_of_host_calls_ends_at_its_limit() {
    assert_eq!(fault("host-calls", Limits { fuel: u64::MAX, ..Limits::DEFAULT }), CallFault::Limit(Limit::HostCalls));
}

#[test]
fn a_large_input_never_reaches_the_guest() {
    let plugin = installed("misbehaving", Limits { input_bytes: 1_000, ..Limits::DEFAULT });
    assert!(plugin.translate(&message("honest", &[b' '; 1_000]), &context()).is_ok());
    let error = plugin.translate(&message("honest", &[b' '; 1_001]), &context()).unwrap_err();
    assert_eq!(error.fault, CallFault::Limit(Limit::Input));
}

#[test]
fn a_crash_is_a_trap_and_leaves_its_place_in_the_log() {
    let plugin = installed("misbehaving", Limits::DEFAULT);
    let error = plugin.translate(&message("trap", b""), &context()).unwrap_err();
    assert!(matches!(error.fault, CallFault::Trap { .. }), "{error}");
    let line = error.report.log.last().expect("the panic was not logged");
    assert!(line.message.starts_with("panicked at ") && !line.message.contains("as asked"), "{}", line.message);
}

#[test]
fn answers_that_break_the_rules_are_refused_by_rule() {
    assert!(matches!(fault("no-utf-8", Limits::DEFAULT), CallFault::Trap { detail } if detail.contains("utf-8")));
    let refused = |topic| match fault(topic, Limits::DEFAULT) {
        CallFault::Answer { detail } => detail,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("bad-sku"), "commands[0]: sku: \" A \" is no SKU: it begins or ends with white space");
    assert_eq!(refused("bad-time"), "commands[0]: as-of: -1 is no time between 1970 and 9999");
}

#[test]
fn a_failure_that_the_plugin_states_keeps_its_cause() {
    let CallFault::Failure(failure) = fault("fail", Limits::DEFAULT) else { panic!("no failure") };
    assert_eq!(failure.to_string(), "to be retried: catalogue: it is not there yet");
    let CallFault::Failure(failure) = fault("what", Limits::DEFAULT) else { panic!("no failure") };
    assert_eq!(failure.cause(), "unsupported");
}

#[test]
fn an_export_that_is_not_there_is_named() {
    let error = installed("promotions", Limits::DEFAULT).translate(&message("honest", b""), &context()).unwrap_err();
    assert_eq!(error.to_string(), "the plugin does not export tillmesh:channel/inbound@0.1.0");
}

#[test]
fn the_same_call_uses_the_same_fuel_and_nothing_is_left_of_it() {
    let plugin = installed("misbehaving", Limits::DEFAULT);
    let answers: Vec<_> = (0..3).map(|_| plugin.translate(&message("calls", b""), &context()).unwrap()).collect();
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    assert!(answers[0].report.fuel > 0);
    let failed: Vec<_> =
        (0..3).map(|_| plugin.translate(&message("trap", b""), &context()).unwrap_err().report).collect();
    assert!(failed.windows(2).all(|pair| pair[0] == pair[1]), "{failed:?}");
}

#[test]
fn bad_calls_leave_the_host_as_good_as_before() {
    let plugin = installed("misbehaving", Limits { fuel: 2_000_000, ..Limits::DEFAULT });
    let before = plugin.translate(&message("honest", b""), &context()).unwrap();
    let bad = ["loop", "recurse", "memory", "trap", "huge-text", "no-utf-8", "bad-sku", "fail", "host-calls"];
    // From more threads than there are slots, so that one that was lost would be missed.
    std::thread::scope(|scope| {
        for thread in 0..engine::MAX_CALLS + 2 {
            let (plugin, before) = (&plugin, &before);
            scope.spawn(move || {
                for index in 0..20 {
                    let topic = bad[(thread + index) % bad.len()];
                    assert!(plugin.translate(&message(topic, b""), &context()).is_err(), "{topic} gave an answer");
                    assert_eq!(&plugin.translate(&message("honest", b""), &context()).unwrap(), before);
                }
            });
        }
    });
}
