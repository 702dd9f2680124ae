//! Element strings: identifiers and their values, one behind the other.

use std::borrow::Cow;

use super::ai::{self, Ai};
use super::{Options, Refusal, Rule};

/// The most elements of a string: more than any symbol holds.
pub(super) const MAX_ELEMENTS: usize = 64;
/// What stands for FNC1 where it is written.
pub const FNC1: char = '^';

/// An identifier and its value.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    /// The identifier's digits.
    pub ai: &'a str,
    /// Its value, tested.
    pub value: Cow<'a, str>,
    /// What the identifier is.
    pub(super) row: &'static Ai,
}

/// Elements in the order in which they stand.
#[derive(Debug, Clone, Default)]
pub struct Elements<'a>(Vec<Element<'a>>);

impl<'a> Elements<'a> {
    /// Reads a string with identifiers in brackets, such as `(01)04012345678901(10)A7`. A bracket within a value has a
    /// backslash before it.
    ///
    /// # Errors
    /// What is wrong with which value.
    pub fn bracketed(text: &'a str, options: &Options<'_>) -> Result<Self, Refusal> {
        must_be_ascii(text)?;
        let wrong = || Refusal::whole(text, Rule::Brackets);
        let (mut elements, mut rest) = (Self::default(), text);
        if text.is_empty() {
            return Err(Refusal::whole(text, Rule::Empty));
        }
        while !rest.is_empty() {
            let (digits, behind) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).ok_or_else(wrong)?;
            let row = named(digits, options).ok_or_else(|| Refusal::whole(digits, Rule::UnknownAi))?;
            let (value, after) = unescaped(behind);
            elements.push(Element::of(digits, value, row, options)?, text)?;
            rest = after;
        }
        Ok(elements)
    }

    /// Reads a string that begins with FNC1 and has it behind each value whose length the identifier does not say.
    ///
    /// # Errors
    /// What is wrong with which value.
    pub fn unbracketed(text: &'a str, fnc1: char, options: &Options<'_>) -> Result<Self, Refusal> {
        let rest = text.strip_prefix(fnc1).ok_or_else(|| Refusal::whole(text, Rule::NoFnc1))?;
        Self::behind_fnc1(rest, fnc1, options)
    }

    /// The same, without the FNC1 at the beginning.
    ///
    /// # Errors
    /// What is wrong with which value.
    pub fn behind_fnc1(text: &'a str, fnc1: char, options: &Options<'_>) -> Result<Self, Refusal> {
        must_be_ascii(text)?;
        if text.is_empty() {
            return Err(Refusal::whole(text, Rule::Empty));
        }
        let (mut elements, mut rest) = (Self::default(), text);
        while !rest.is_empty() {
            let (element, after) = leading(rest, fnc1, options)?;
            elements.push(element, text)?;
            // Also behind a value whose length is known, where it says nothing.
            rest = after.strip_prefix(fnc1).unwrap_or(after);
        }
        Ok(elements)
    }

    /// Adds an element of a text.
    pub(super) fn push(&mut self, element: Element<'a>, text: &str) -> Result<(), Refusal> {
        if self.0.len() == MAX_ELEMENTS {
            return Err(Refusal::whole(text, Rule::TooMany(MAX_ELEMENTS)));
        }
        self.0.push(element);
        Ok(())
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Element<'a>> {
        self.0.iter()
    }

    /// The value of an identifier.
    pub fn value(&self, ai: &str) -> Option<&str> {
        self.0.iter().find(|element| element.ai == ai).map(|element| &*element.value)
    }

    /// Whether the last value needs FNC1 behind it before another element follows.
    pub(super) fn ends_open(&self) -> bool {
        self.0.last().is_some_and(|element| !element.row.is_predefined)
    }

    /// As a string that begins with FNC1.
    pub fn to_unbracketed(&self) -> String {
        let mut text = String::new();
        let mut is_open = true;
        for element in &self.0 {
            if is_open {
                text.push(FNC1);
            }
            text.push_str(element.ai);
            text.push_str(&element.value);
            is_open = !element.row.is_predefined;
        }
        text
    }
}

impl<'a> Element<'a> {
    /// An element whose value ends where it ends.
    pub(super) fn of(
        ai: &'a str,
        value: Cow<'a, str>,
        row: &'static Ai,
        options: &Options<'_>,
    ) -> Result<Self, Refusal> {
        let length = row.measure(ai, &value, options.register)?;
        if length < value.len() {
            return Err(Refusal::of(ai, &value, Rule::TooLong(row.most_length())));
        }
        Ok(Self { ai, value, row })
    }
}

/// The identifier of these digits.
pub(super) fn named(digits: &str, options: &Options<'_>) -> Option<&'static Ai> {
    ai::exactly(digits).or_else(|| options.unknown_ais.then(|| ai::unknown(digits)).flatten())
}

/// The element that data begins with, and what follows it.
fn leading<'a>(data: &'a str, fnc1: char, options: &Options<'_>) -> Result<(Element<'a>, &'a str), Refusal> {
    let unknown = || options.unknown_ais.then(|| ai::unknown_leading(data)).flatten();
    let found = ai::leading(data).or_else(unknown);
    let (digits, row) = found.ok_or_else(|| Refusal::whole(data, Rule::UnknownAi))?;
    let behind = &data[digits.len()..];
    let end = behind.find(fnc1).unwrap_or(behind.len());
    let end = if row.is_predefined { end.min(row.most_length()) } else { end };
    let length = row.measure(digits, &behind[..end], options.register)?;
    if !row.is_predefined && length < end {
        return Err(Refusal::of(digits, &behind[..end], Rule::TooLong(row.most_length())));
    }
    let (value, after) = behind.split_at(length);
    Ok((Element { ai: digits, value: Cow::Borrowed(value), row }, after))
}

/// A value up to the next bracket that has no backslash before it, and what follows.
fn unescaped(text: &str) -> (Cow<'_, str>, &str) {
    let mut value = Cow::Borrowed("");
    let mut rest = text;
    loop {
        let at = rest.find('(').unwrap_or(rest.len());
        let (before, after) = rest.split_at(at);
        match before.strip_suffix('\\').filter(|_| !after.is_empty()) {
            Some(before) => {
                value += before;
                value += "(";
                rest = &after[1..];
            }
            None => {
                value += before;
                return (value, after);
            }
        }
    }
}

pub(super) fn must_be_ascii(text: &str) -> Result<(), Refusal> {
    if text.is_ascii() { Ok(()) } else { Err(Refusal::whole(text, Rule::Ascii)) }
}
