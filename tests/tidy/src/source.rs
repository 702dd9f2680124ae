//! The files that the rules look at.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::scan;

/// The folders whose Rust code the rules hold.
const FOLDERS: [&str; 4] = ["node", "plugins", "examples", "tests"];

/// A Rust file.
#[derive(Debug, Clone)]
pub struct Source {
    /// From the root of the tree, with `/`.
    pub path: String,
    /// As it is on disk.
    pub text: String,
    /// The text with comments and literals blanked; lines stay where they are.
    pub tokens: String,
    /// The tokens without test modules; empty for a file that is a test as a whole.
    pub code: String,
}

impl Source {
    /// Reads a text as if it lay at a path.
    pub fn new(path: &str, text: &str) -> Self {
        let tokens = scan::blank_literals(text);
        let code = if is_test(path) { blank_lines(&tokens) } else { scan::blank_test_modules(&tokens) };
        Self { path: path.to_owned(), text: text.to_owned(), tokens, code }
    }

    /// Whether the file is a test as a whole.
    pub fn is_test(&self) -> bool {
        is_test(&self.path)
    }
}

/// The root of the tree.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every Rust file of the tree, by path.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn tree() -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        walk(&root(), folder, &mut |path, file| {
            if file.extension().is_some_and(|extension| extension == "rs") {
                sources.push(Source::new(path, &fs::read_to_string(file)?));
            }
            Ok(())
        })?;
    }
    Ok(sources)
}

/// Every manifest of the tree and its text.
///
/// # Errors
/// When a folder or file cannot be read.
pub fn manifests() -> io::Result<Vec<(String, String)>> {
    let mut found = vec![("Cargo.toml".to_owned(), fs::read_to_string(root().join("Cargo.toml"))?)];
    for folder in FOLDERS {
        walk(&root(), folder, &mut |path, file| {
            if file.file_name().is_some_and(|name| name == "Cargo.toml") {
                found.push((path.to_owned(), fs::read_to_string(file)?));
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn walk(root: &Path, path: &str, visit: &mut impl FnMut(&str, &Path) -> io::Result<()>) -> io::Result<()> {
    let mut entries = fs::read_dir(root.join(path))?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{path}/{name}");
        if entry.file_type()?.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(root, &path, visit)?;
            }
        } else {
            visit(&path, &entry.path())?;
        }
    }
    Ok(())
}

/// Tests, test packages, benchmarks, and the suite that storages are tested with.
fn is_test(path: &str) -> bool {
    path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.contains("/tests/")
        || path.contains("/benches/")
        || path.ends_with("/storage/conformance.rs")
}

fn blank_lines(tokens: &str) -> String {
    "\n".repeat(tokens.lines().count())
}
