//! The rules of this tree that no compiler knows. Each rule is a function from sources to violations; `tests/it`
//! applies it to the tree, and its own tests show that it can fail.
//!
//! ```text
//! tree ──► Source (text, and code: the text with comments, strings and test modules blanked) ──► rule ──► Violation
//! ```
//!
//! The reading is crude on purpose: no parser, no dependency, seconds to build. It sees tokens, so an import behind a
//! macro or a renamed crate escapes it; reviews catch what it cannot.

pub mod homes;
pub mod imports;
pub mod manifest;
pub mod scan;
pub mod shape;
pub mod source;
pub mod words;

use std::fmt;

/// A rule that a place breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, from the root of the tree.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Violation {
    /// At the given place.
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}
