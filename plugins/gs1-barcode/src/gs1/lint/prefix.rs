//! Tests of company prefixes, as far as somebody knows which there are.

use super::{Breach, Finding, every, found, whole};

/// The fewest digits of a company prefix.
const LEAST: usize = 4;

/// What a register of company prefixes says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// A prefix that there is, or nobody knows better.
    Yes,
    /// None.
    No,
    /// It cannot be asked now.
    Unknown,
}

/// Knows which company prefixes there are.
pub trait Register {
    /// Whether digits begin with a company prefix.
    fn has(&self, digits: &str) -> Registered;
}

/// Nobody knows: every prefix may be one.
#[derive(Debug, Clone, Copy)]
pub struct NoRegister;

impl Register for NoRegister {
    fn has(&self, _: &str) -> Registered {
        Registered::Yes
    }
}

/// A company prefix at the beginning.
pub(super) fn first(value: &str, register: &dyn Register) -> Result<(), Finding> {
    if value.len() < LEAST {
        return whole(value, Breach::PrefixTooShort);
    }
    let end = value.char_indices().nth(LEAST).map_or(value.len(), |(at, _)| at);
    every(&value[..end], |it| it.is_ascii_digit(), Breach::Prefix)?;
    match register.has(value) {
        Registered::Yes => Ok(()),
        Registered::No => whole(value, Breach::Prefix),
        Registered::Unknown => whole(value, Breach::PrefixesAway),
    }
}

/// A company prefix after one character, such as a GTIN's indicator.
pub(super) fn second(value: &str, register: &dyn Register) -> Result<(), Finding> {
    let Some(indicator) = value.chars().next().filter(|indicator| indicator.len_utf8() < value.len()) else {
        return whole(value, Breach::PrefixTooShort);
    };
    let skipped = indicator.len_utf8();
    first(&value[skipped..], register).map_err(|finding| {
        let at = finding.at.start + skipped..finding.at.end + skipped;
        Finding { at, ..finding }
    })
}

/// A company prefix of so many digits, within something longer.
pub(super) fn within(value: &str, at: std::ops::Range<usize>, register: &dyn Register) -> Result<(), Finding> {
    match first(&value[at.clone()], register) {
        Ok(()) => Ok(()),
        Err(finding) => found(finding.breach, at),
    }
}
