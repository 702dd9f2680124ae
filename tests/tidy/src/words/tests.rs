use super::*;

fn unfinished(text: &str) -> usize {
    check_unfinished(&[Source::new("node/src/a.rs", text)]).len()
}

fn unwraps(path: &str, text: &str) -> usize {
    check_unwrap(&[Source::new(path, text)]).len()
}

#[test]
fn unfinished_code_is_found() {
    for text in ["fn f() { todo!() }", "unimplemented!(\"x\")", "dbg!(x)"] {
        assert_eq!(unfinished(text), 1, "{text}");
    }
    for mark in MARKS {
        assert_eq!(unfinished(&format!("// {mark}: later")), 1, "{mark}");
    }
    assert_eq!(unfinished("let todo = \"todo!()\"; // a list"), 0);
}

#[test]
fn an_unwrap_belongs_in_tests() {
    assert_eq!(unwraps("node/src/a.rs", "x.unwrap();"), 1);
    assert_eq!(unwraps("node/src/a.rs", "x\n    .unwrap_err();"), 1);
    assert_eq!(unwraps("node/src/a.rs", "x.unwrap_or(1); x.unwrap_or_default(); // x.unwrap()"), 0);
    assert_eq!(unwraps("node/src/a/tests.rs", "x.unwrap();"), 0);
    assert_eq!(unwraps("node/src/a.rs", "#[cfg(test)]\nmod tests { fn f() { x.unwrap(); } }"), 0);
}
