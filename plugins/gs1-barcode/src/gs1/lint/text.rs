//! Tests of characters.

use super::{Breach, Finding, every, found, whole};

/// The characters of CSET 82, in the order of their weights in a pair of check characters (GS1 General Specifications,
/// figure 7.11-1).
pub(super) const CSET82: &str = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

pub(super) fn cset39(value: &str) -> Result<(), Finding> {
    let is_one = |it: char| it.is_ascii_digit() || it.is_ascii_uppercase() || matches!(it, '#' | '-' | '/');
    every(value, is_one, Breach::NotCset39)
}

/// Base 64 for URLs, with padding or without.
pub(super) fn cset64(value: &str) -> Result<(), Finding> {
    let data = value.trim_end_matches('=');
    let pads = value.len() - data.len();
    if pads > 2 || (pads > 0 && !value.len().is_multiple_of(3)) {
        return found(Breach::Cset64Padding, data.len()..value.len());
    }
    every(data, |it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'), Breach::NotCset64)
}

pub(super) fn cset82(value: &str) -> Result<(), Finding> {
    let is_one = |it: char| {
        let is_mark = matches!(it, '!' | '"' | '%'..='/' | ':'..='?' | '_');
        it.is_ascii_alphanumeric() || is_mark
    };
    every(value, is_one, Breach::NotCset82)
}

pub(super) fn has_non_digit(value: &str) -> Result<(), Finding> {
    if value.chars().all(|it| it.is_ascii_digit()) { whole(value, Breach::AllDigits) } else { Ok(()) }
}

pub(super) fn hyphen(value: &str) -> Result<(), Finding> {
    let is_one = !value.is_empty() && value.chars().all(|it| it == '-');
    if is_one { Ok(()) } else { whole(value, Breach::NotHyphen) }
}

pub(super) fn importer_index(value: &str) -> Result<(), Finding> {
    if value.chars().count() != 1 {
        return whole(value, Breach::ImporterIndexLength);
    }
    every(value, |it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_'), Breach::ImporterIndex)
}

pub(super) fn percent_encoded(value: &str) -> Result<(), Finding> {
    for (at, _) in value.match_indices('%') {
        let rest = &value[at + 1..];
        let mut behind = rest.char_indices();
        let (first, second) = (behind.next(), behind.next());
        let is_digit = |it: Option<(usize, char)>| it.is_some_and(|(_, it)| it.is_ascii_hexdigit());
        if !is_digit(first) || !is_digit(second) {
            let end = behind.next().map_or(value.len(), |(next, _)| at + 1 + next);
            return found(Breach::PercentSequence, at..end);
        }
    }
    Ok(())
}
