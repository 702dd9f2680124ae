//! JSON bodies, read by the fields that matter and by no others. Each single value is kept as the text that it is, so
//! that a wrong one can be named and an amount is never a float.
//!
//! ```
//! use serde::Deserialize;
//! use tillmesh_plugin::json::{self, Field, Raw};
//!
//! #[derive(Deserialize)]
//! struct Item<'a> {
//!     #[serde(borrow)]
//!     price: Raw<'a>,
//! }
//!
//! let item: Item<'_> = json::read(br#"{ "price": "8.50", "more": [] }"#).unwrap();
//! assert_eq!(Field::new("price", item.price).amount("EUR").unwrap().unwrap().amount, 850);
//! ```

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::money::{parse_minor_units, parse_unit_price};
use crate::{Failure, Money, UnitPrice, failure};

/// A single value, not looked at yet.
pub type Raw<'a> = Option<&'a RawValue>;

/// The most units that a node records in one line.
pub(crate) const MAX_UNITS: u64 = 1_000_000_000;
/// The longest SKU that a node takes, in bytes.
const MAX_SKU: usize = 64;

/// Writes a body. What cannot be written as JSON, such as a map whose keys are no texts, comes out empty.
pub fn write<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

/// Reads a body.
///
/// # Errors
/// `malformed`, with the place.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    // Checked as a whole, its texts need not be checked one by one. What is no text at a place that nobody reads is no
    // reason to refuse the rest.
    let read = str::from_utf8(body).map_or_else(|_| serde_json::from_slice(body), serde_json::from_str);
    read.map_err(|error| {
        // The message of the JSON reader may quote what it found; the place is enough.
        let (line, column) = (error.line(), error.column());
        let what = if error.is_data() { "it is not the JSON that the channel documents" } else { "it is no JSON" };
        failure::malformed("body", "", format!("{what}, line {line}, column {column}"))
    })
}

/// Where a value stands in its body, such as `line_items[2].quantity`. What `format_args!` makes is written out only if
/// somebody is told: an order has a hundred names, and mostly nothing is wrong with it.
#[derive(Debug, Clone, Copy)]
pub enum Path<'n> {
    /// The name of a field.
    Named(&'n str),
    /// Put together of parts.
    Within(fmt::Arguments<'n>),
}

impl<'n> From<&'n str> for Path<'n> {
    fn from(name: &'n str) -> Self {
        Self::Named(name)
    }
}

impl<'n> From<&'n String> for Path<'n> {
    fn from(name: &'n String) -> Self {
        Self::Named(name)
    }
}

impl<'n> From<fmt::Arguments<'n>> for Path<'n> {
    fn from(parts: fmt::Arguments<'n>) -> Self {
        Self::Within(parts)
    }
}

impl From<Path<'_>> for String {
    fn from(path: Path<'_>) -> Self {
        path.to_string()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Within(parts) => f.write_fmt(*parts),
        }
    }
}

/// A value with its place in the body.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a, 'n> {
    /// Where it stands.
    pub path: Path<'n>,
    /// The value.
    pub raw: Raw<'a>,
}

impl<'a, 'n> Field<'a, 'n> {
    /// A value and its place.
    pub fn new(path: impl Into<Path<'n>>, raw: Raw<'a>) -> Self {
        Self { path: path.into(), raw }
    }

    /// The failure for this value.
    pub fn malformed(&self, rule: impl Into<String>) -> Failure {
        failure::malformed(self.path, self.json().unwrap_or("nothing").trim_matches('"'), rule)
    }

    /// A number of units, either way within what a node takes. None for null, a missing field and the empty string.
    ///
    /// # Errors
    /// `malformed`.
    pub fn units(&self) -> Result<Option<i64>, Failure> {
        let units = self.integer()?;
        if units.is_some_and(|units| units.unsigned_abs() > MAX_UNITS) {
            return Err(self.malformed(format!("it must be at most {MAX_UNITS} units")));
        }
        Ok(units)
    }

    /// The text of a string or number. None for null, a missing field and the empty string.
    ///
    /// # Errors
    /// `malformed`.
    pub fn text(&self) -> Result<Option<String>, Failure> {
        Ok(self.borrowed()?.map(Cow::into_owned))
    }

    /// The same, copied only where it is written with escapes.
    fn borrowed(&self) -> Result<Option<Cow<'a, str>>, Failure> {
        let Some(json) = self.json() else { return Ok(None) };
        let quoted = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let text = match (quoted, json.as_bytes().first()) {
            (Some(text), _) if !text.contains('\\') => Cow::Borrowed(text),
            (Some(_), _) => {
                let mut reader = serde_json::Deserializer::from_str(json);
                Cow::Owned(String::deserialize(&mut reader).map_err(|_| self.malformed("it is no text"))?)
            }
            (None, Some(b'0'..=b'9' | b'-')) => Cow::Borrowed(json),
            _ => return Err(failure::malformed(self.path, "", "it must be a text or a number")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A SKU, as a node takes one. None for null, a missing field and the empty string.
    ///
    /// # Errors
    /// `malformed`.
    pub fn sku(&self) -> Result<Option<String>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        let is_one = text.len() <= MAX_SKU && text.trim() == text && !text.chars().any(char::is_control);
        if is_one {
            return Ok(Some(text.into_owned()));
        }
        Err(self.malformed(format!(
            "it must be a SKU: at most {MAX_SKU} bytes, no white space at its ends, no control characters"
        )))
    }

    /// A channel's id that is a whole number, as its digits.
    ///
    /// # Errors
    /// `malformed`.
    pub fn id(&self) -> Result<Option<String>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(id) if id > 0 => Ok(Some(id.to_string())),
            _ => Err(self.malformed("it must be an id, a whole number above 0")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// `malformed`.
    pub fn integer(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.malformed("it must be a whole number"))
    }

    /// An amount in a currency.
    ///
    /// # Errors
    /// `malformed`.
    pub fn amount(&self, currency: &str) -> Result<Option<Money>, Failure> {
        let amount = self.minor_units(currency)?;
        Ok(amount.map(|amount| Money { amount, currency: currency.to_owned() }))
    }

    /// An amount in a currency, in minor units.
    ///
    /// # Errors
    /// `malformed`.
    pub fn minor_units(&self, currency: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        parse_minor_units(&text, currency).map(Some).map_err(|rule| self.malformed(rule))
    }

    /// A price in a currency.
    ///
    /// # Errors
    /// `malformed`.
    pub fn unit_price(&self, currency: &str) -> Result<Option<UnitPrice>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        parse_unit_price(&text, currency).map(Some).map_err(|rule| self.malformed(rule))
    }

    /// A time, in microseconds since 1970.
    ///
    /// # Errors
    /// `malformed`.
    pub fn time(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        let time: Result<jiff::Timestamp, _> = text.parse();
        time.map(|time| Some(time.as_microsecond())).map_err(|_| self.malformed("it must be a time with its offset"))
    }

    /// A time that is in UTC where it has no offset, in microseconds since 1970.
    ///
    /// # Errors
    /// `malformed`.
    pub fn utc_time(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.borrowed()? else { return Ok(None) };
        let time = text.parse::<jiff::Timestamp>().or_else(|_| format!("{text}Z").parse());
        time.map(|time| Some(time.as_microsecond())).map_err(|_| self.malformed("it must be a time"))
    }

    /// True, false or nothing.
    ///
    /// # Errors
    /// `malformed`.
    pub fn flag(&self) -> Result<bool, Failure> {
        match self.json() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.malformed("it must be true or false")),
        }
    }

    /// Whether it is `true`, and nothing else.
    pub fn is_true(&self) -> bool {
        self.json() == Some("true")
    }

    /// A value that must be there.
    ///
    /// # Errors
    /// `malformed`.
    pub fn require<T>(&self, value: Option<T>) -> Result<T, Failure> {
        value.ok_or_else(|| failure::malformed(self.path, "", "it must be there"))
    }

    fn json(&self) -> Option<&'a str> {
        self.raw.map(|raw| raw.get()).filter(|json| *json != "null")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Priced<'a> {
        #[serde(borrow)]
        price: Raw<'a>,
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_where_they_are_read_and_nowhere_else() {
        let mut unread = br#"{"unread":"?","price":"1.00"}"#.to_vec();
        unread[11] = 0xff;
        assert_eq!(read::<Priced<'_>>(&unread).unwrap().price.unwrap().get(), "\"1.00\"");
        let mut name = br#"{"?rice":"1.00"}"#.to_vec();
        name[2] = 0xff;
        let Err(Failure::Malformed(_)) = read::<Priced<'_>>(&name) else { panic!("a name that is no text was taken") };
    }
}
