use super::*;

fn blanked(text: &str) -> String {
    let blanked = blank_literals(text);
    assert_eq!(blanked.len(), text.len(), "positions must stay");
    assert_eq!(blanked.lines().count(), text.lines().count(), "lines must stay");
    blanked.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn comments_are_not_code() {
    assert_eq!(blanked("a // b\nc /* d /* e */ f */ g"), "a c g");
    assert_eq!(blanked("/// doc\nfn f() {}"), "fn f() {}");
}

#[test]
fn strings_and_characters_are_not_code() {
    assert_eq!(blanked(r#"a "b \" c" d"#), "a d");
    assert_eq!(blanked("a r#\"b \" c\"# d"), "a d");
    assert_eq!(blanked("a br\"b\" d"), "a d");
    assert_eq!(blanked(r"a '{' '\'' '\u{7f}' b"), "a b");
    assert_eq!(blanked("a 'ä' b"), "a b");
    assert_eq!(blanked("\"a\nb\" c"), "c");
}

#[test]
fn lifetimes_and_raw_identifiers_are_code() {
    assert_eq!(blanked("fn f<'a>(x: &'a str, y: &'a str) {}"), "fn f<'a>(x: &'a str, y: &'a str) {}");
    assert_eq!(blanked("r#type x"), "r#type x");
}

#[test]
fn a_test_module_is_not_code_but_what_follows_is() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { {} }\n}\nfn c() {}";
    let code = blank_test_modules(text);
    let words: Vec<&str> = words(&code).map(|(_, word)| word).collect();
    assert_eq!(words, ["fn", "a", "fn", "c"]);
    assert_eq!(blank_test_modules("#[cfg(test)]\nmod tests;\nfn c() {}"), "#[cfg(test)]\nmod tests;\nfn c() {}");
}

#[test]
fn braces_match() {
    assert_eq!(closing("{ { } } }", 0), Some(7));
    assert_eq!(closing("{ {", 0), None);
}
