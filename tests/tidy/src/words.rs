//! Words that finished code does not have.

use crate::Violation;
use crate::scan::{line_of, words};
use crate::source::Source;

/// Macros of unfinished code.
const MACROS: [&str; 3] = ["todo", "unimplemented", "dbg"];
/// Marks of unfinished work, anywhere in a file. In pieces, so that this file does not hold them.
const MARKS: [&str; 2] = [concat!("FIX", "ME"), concat!("TO", "DO")];

/// Unfinished work.
pub fn check_unfinished(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for (at, word) in words(&source.tokens) {
            if MACROS.contains(&word) && source.tokens[at + word.len()..].starts_with('!') {
                found.push(Violation::new(&source.path, line_of(&source.tokens, at), format!("{word}! is unfinished")));
            }
        }
        for (at, word) in words(&source.text).filter(|(_, word)| MARKS.contains(word)) {
            found.push(Violation::new(
                &source.path,
                line_of(&source.text, at),
                format!("{word}: an issue is its place"),
            ));
        }
    }
    found
}

/// `unwrap()` outside tests: an error that nobody explains.
pub fn check_unwrap(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for (at, _) in words(&source.code).filter(|(_, word)| matches!(*word, "unwrap" | "unwrap_err")) {
            if source.code[..at].ends_with('.') {
                let message = "handle it, or say with expect why it cannot happen";
                found.push(Violation::new(&source.path, line_of(&source.code, at), message));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
