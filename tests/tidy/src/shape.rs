//! Lengths of files, functions and lines, and the characters of a source.

use crate::Violation;
use crate::scan::{closing, line_of, words};
use crate::source::Source;

/// The most lines of a file: one reading.
pub const MAX_FILE_LINES: usize = 600;
/// The most lines of a function, from `fn` to its closing brace: one screen.
pub const MAX_FUNCTION_LINES: usize = 70;
/// The most characters of a line.
pub const MAX_COLUMNS: usize = 120;

/// What drawings in documentation are made of, and the ellipsis of a value that is cut short.
const DRAWING: &str = "→←↑↓▶◀▲▼►◄─│┌┐└┘├┤┬┴┼…";

/// Files that are too long.
pub fn check_files(sources: &[Source]) -> Vec<Violation> {
    let lines = |source: &Source| source.text.lines().count();
    let too_long = sources.iter().filter(|source| lines(source) > MAX_FILE_LINES);
    too_long
        .map(|source| Violation::new(&source.path, lines(source), format!("more than {MAX_FILE_LINES} lines")))
        .collect()
}

/// Functions that are too long.
pub fn check_functions(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .flat_map(|source| functions(source).filter(|function| function.lines > MAX_FUNCTION_LINES))
        .map(|function| {
            let message = format!("{} has {} lines, the most is {MAX_FUNCTION_LINES}", function.name, function.lines);
            Violation::new(function.path, function.line, message)
        })
        .collect()
}

/// Lines that are too wide.
pub fn check_columns(sources: &[Source]) -> Vec<Violation> {
    by_line(sources, |_, line| {
        let columns = line.chars().count();
        (columns > MAX_COLUMNS).then(|| format!("{columns} columns, the most is {MAX_COLUMNS}"))
    })
}

/// Characters that a reader may not see or not tell apart. Letters of any script may stand in tests, which need them.
pub fn check_characters(sources: &[Source]) -> Vec<Violation> {
    by_line(sources, |source, line| {
        let allowed = |c: char| {
            c.is_ascii_graphic() || c == ' ' || DRAWING.contains(c) || (source.is_test() && c.is_alphanumeric())
        };
        line.chars()
            .find(|&c| !allowed(c))
            .map(|c| format!("{} is not for sources: write \\u{{{:x}}}", c.escape_debug(), u32::from(c)))
    })
}

/// How many functions there are: the rule is not vacuous when there are many.
pub fn count_functions(sources: &[Source]) -> usize {
    sources.iter().map(|source| functions(source).count()).sum()
}

fn by_line(sources: &[Source], fault: impl Fn(&Source, &str) -> Option<String>) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(message) = fault(source, line) {
                found.push(Violation::new(&source.path, number + 1, message));
            }
        }
    }
    found
}

struct Function<'s> {
    path: &'s str,
    name: &'s str,
    line: usize,
    lines: usize,
}

fn functions(source: &Source) -> impl Iterator<Item = Function<'_>> {
    let tokens = source.tokens.as_str();
    words(tokens).filter(|(_, word)| *word == "fn").filter_map(move |(at, _)| {
        let open = body(tokens, at)?;
        let (_, name) = words(&tokens[at + 2..open]).next()?;
        let end = closing(tokens, open)?;
        let line = line_of(tokens, at);
        Some(Function { path: &source.path, name, line, lines: line_of(tokens, end - 1) - line + 1 })
    })
}

/// Where the body of the function begins; none when it has no body or is a type.
fn body(tokens: &str, at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (position, byte) in tokens.bytes().enumerate().skip(at) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(position),
            b';' | b',' | b'=' | b'}' if depth == 0 && !in_generics(&tokens[at..position]) => return None,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

/// Whether an angle bracket is open; the one of `->` closes nothing.
fn in_generics(signature: &str) -> bool {
    let signature = signature.replace("->", "");
    signature.matches('<').count() > signature.matches('>').count() || signature.contains("where")
}

#[cfg(test)]
mod tests;
