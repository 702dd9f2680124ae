use super::*;

fn source(text: &str) -> [Source; 1] {
    [Source::new("node/src/a.rs", text)]
}

fn function_of(lines: usize) -> String {
    format!(
        "fn f<T: Fn(u8) -> [u8; 2]>(a: [u8; 3], b: T) -> u8\nwhere\n    T: Clone,\n{{{}}}\n",
        "\n".repeat(lines - 4)
    )
}

#[test]
fn a_file_has_a_limit() {
    assert!(check_files(&source(&"\n".repeat(MAX_FILE_LINES))).is_empty());
    assert_eq!(check_files(&source(&"\n".repeat(MAX_FILE_LINES + 1))).len(), 1);
}

#[test]
fn a_function_has_a_limit() {
    assert!(check_functions(&source(&function_of(MAX_FUNCTION_LINES))).is_empty());
    let found = check_functions(&source(&function_of(MAX_FUNCTION_LINES + 1)));
    assert_eq!(found[0].to_string(), "node/src/a.rs:1: f has 71 lines, the most is 70");
}

#[test]
fn braces_in_text_do_not_end_a_function() {
    let text = format!("fn f() {{\n    g('}}', \"}}}}\"); // }}\n{}}}\n", "\n".repeat(MAX_FUNCTION_LINES));
    assert_eq!(check_functions(&source(&text)).len(), 1);
}

#[test]
fn what_has_no_body_is_no_function() {
    let text = "trait A { fn a(&self) -> u8; }\nstruct B { c: fn(u8) -> u8, d: u8 }\ntype E = fn();\nfn real() {}";
    assert_eq!(count_functions(&source(text)), 1);
}

#[test]
fn a_line_has_a_limit() {
    assert!(check_columns(&source(&format!("//{}", "─".repeat(MAX_COLUMNS - 2)))).is_empty());
    assert_eq!(check_columns(&source(&"/".repeat(MAX_COLUMNS + 1))).len(), 1);
}

#[test]
fn characters_that_cannot_be_seen_are_refused() {
    assert!(check_characters(&source("// a ──► b")).is_empty());
    for text in ["a\u{a0}b", "a\u{202e}b", "\ta", "// ä"] {
        assert_eq!(check_characters(&source(text)).len(), 1, "{text:?}");
    }
    assert!(check_characters(&[Source::new("node/src/a/tests.rs", "\"ä\"")]).is_empty());
    assert_eq!(check_characters(&[Source::new("node/src/a/tests.rs", "\"\u{202e}\"")]).len(), 1);
}
