//! Numbers for use within a store: what a scale or a country makes of 13 digits that begin with 02, 04 or 20 to 29, as
//! a pattern of the settings says.

use tillmesh_plugin::{Failure, failure};

/// The word for numbers that are GTINs like any other.
const AS_GTIN: &str = "gtin";
/// The digits of such a number.
const DIGITS: usize = 13;
const RULE: &str = "it must be the word gtin, or 13 characters: the digits that numbers begin with, i for digits of \
                    the article, w for grams, q for pieces, x for what says nothing, and c for the check digit at \
                    the end";

/// What a number means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is a GTIN like any other.
    Gtin,
    /// An article by its own digits, with its grams or pieces where the number has them.
    Own { article: String, grams: Option<u64>, pieces: Option<u64> },
}

/// What a number means by a pattern.
///
/// # Errors
/// `rejected`: the pattern is none, or the number is not of it.
pub(crate) fn meaning(field: &str, digits: &str, key: &str, pattern: &str) -> Result<Meaning, Failure> {
    if pattern == AS_GTIN {
        return Ok(Meaning::Gtin);
    }
    if !is_pattern(pattern) {
        return Err(failure::rejected(key, pattern, RULE));
    }
    let is_of_it = |(wanted, digit): (char, char)| !wanted.is_ascii_digit() || wanted == digit;
    if digits.len() != DIGITS || !pattern.chars().zip(digits.chars()).all(is_of_it) {
        return Err(failure::rejected(field, digits, format!("it is not of the pattern of the setting {key}")));
    }
    let part = |letter: char| -> String {
        pattern.chars().zip(digits.chars()).filter(|(it, _)| *it == letter).map(|(_, digit)| digit).collect()
    };
    Ok(Meaning::Own { article: part('i'), grams: part('w').parse().ok(), pieces: part('q').parse().ok() })
}

fn is_pattern(pattern: &str) -> bool {
    let letters = pattern.trim_start_matches(|it: char| it.is_ascii_digit());
    let begins = pattern.len() - letters.len() >= 2;
    let is_known = letters.strip_suffix('c').is_some_and(|letters| letters.chars().all(|it| "iwqx".contains(it)));
    begins && is_known && pattern.len() == DIGITS && letters.contains('i')
}
