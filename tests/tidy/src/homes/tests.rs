use super::*;

fn engines(path: &str, text: &str) -> usize {
    check_engines(&[Source::new(path, text)]).len()
}

fn clocks(path: &str, text: &str) -> usize {
    check_clocks(&[Source::new(path, text)]).len()
}

#[test]
fn an_engine_is_named_at_home_only() {
    for text in ["use redb::Database;", "fn f() -> redb::Error { f() }", "use ::redb::Database;", "use redb;"] {
        assert_eq!(engines("node/src/store/file.rs", text), 0, "{text}");
        assert_eq!(engines("node/src/runtime.rs", text), 1, "{text}");
        assert_eq!(engines("tests/sim/src/disk.rs", text), 1, "{text}");
    }
}

#[test]
fn words_that_only_look_like_an_engine_are_let_be() {
    for text in ["let redb = 1;", "x.redb.y();", "// redb::x", "fn redb() {}", "use crate::store::redb::X;"] {
        assert_eq!(engines("node/src/runtime.rs", text), 0, "{text}");
    }
}

#[test]
fn time_and_chance_are_read_in_named_files_only() {
    for text in ["let t = SystemTime::now();", "std::time::Instant::now()", "getrandom::fill(&mut x)", "rand::rng()"] {
        assert_eq!(clocks("node/src/runtime/clock.rs", text), 0, "{text}");
        assert_eq!(clocks("node/src/store.rs", text), 1, "{text}");
        assert_eq!(clocks("node/core/src/engine.rs", text), 1, "{text}");
        assert_eq!(clocks("plugins/promotions/src/lib.rs", text), 1, "{text}");
    }
}

#[test]
fn time_as_data_is_fine_and_so_is_a_test() {
    assert_eq!(clocks("node/core/src/time.rs", "fn f(now: Timestamp) -> Instant { now.into() }"), 0);
    assert_eq!(clocks("node/src/store/tests.rs", "Instant::now()"), 0);
    assert_eq!(clocks("node/src/store.rs", "#[cfg(test)]\nmod tests { fn f() { Instant::now(); } }"), 0);
}

#[test]
fn an_engine_that_nobody_names_is_noticed() {
    assert!(unused(&[Source::new("node/src/store.rs", "use redb::Database;")]).contains(&"axum"));
    assert!(!unused(&[Source::new("node/src/store.rs", "use redb::Database;")]).contains(&"redb"));
}
