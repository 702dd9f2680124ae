use super::*;

#[test]
fn the_core_stays_without_machine() {
    let sound = "[dependencies]\nserde.workspace = true\n# tokio\n[dev-dependencies]\nproptest = \"1\"\n";
    assert!(check_core(sound).is_empty());
    let found = check_core("[dependencies]\nserde.workspace = true\ntokio = \"1\"\n");
    assert_eq!(found[0].to_string(), "node/core/Cargo.toml:3: the core must not depend on tokio");
}

#[test]
fn every_package_takes_the_lints() {
    let manifest = |path: &str, text: &str| [(path.to_owned(), text.to_owned())];
    assert!(check_lints(&manifest("node/Cargo.toml", "[package]\n[lints]\nworkspace = true\n")).is_empty());
    assert_eq!(check_lints(&manifest("node/Cargo.toml", "[package]\n")).len(), 1);
    assert!(check_lints(&manifest("plugins/sdk/Cargo.toml", "[package]\n")).is_empty());
}

#[test]
fn a_forgotten_file_is_found() {
    let sources = |root: &str| {
        [Source::new("a/src/lib.rs", root), Source::new("a/src/b.rs", "mod c;"), Source::new("a/src/b/c.rs", "")]
    };
    assert!(check_forgotten(&sources("pub mod b;")).is_empty());
    let found = check_forgotten(&sources("// mod b;\nfn b() {}"));
    assert_eq!(found[0].to_string(), "a/src/b.rs:1: no module declares this file");
    assert_eq!(check_forgotten(&[Source::new("a/src/lib.rs", "mod b;"), Source::new("a/src/b/c.rs", "")]).len(), 1);
}
