//! Single values: exact, and named when they are wrong.

use serde::Deserialize as _;
use tillmesh_plugin::money::{parse_amount, parse_unit_price};
use tillmesh_plugin::{Failure, Money, UnitPrice, failure};

use crate::wire::Raw;

/// The most units that a node takes in one line.
const MAX_UNITS: u64 = 1_000_000_000;

/// A value with its place in the body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a, 'n> {
    /// Such as `line_items[2].quantity`.
    pub name: &'n str,
    /// The value.
    pub raw: Raw<'a>,
}

impl<'a, 'n> Field<'a, 'n> {
    pub(crate) const fn new(name: &'n str, raw: Raw<'a>) -> Self {
        Self { name, raw }
    }

    /// The failure for this value.
    pub(crate) fn malformed(&self, rule: impl Into<String>) -> Failure {
        failure::malformed(self.name, self.json().unwrap_or("nothing").trim_matches('"'), rule)
    }

    /// A number of units, either way within what a node takes. None for null, a missing field and the empty string.
    pub(crate) fn units(&self) -> Result<Option<i64>, Failure> {
        let units = self.integer()?;
        if units.is_some_and(|units| units.unsigned_abs() > MAX_UNITS) {
            return Err(self.malformed(format!("it must be at most {MAX_UNITS} units")));
        }
        Ok(units)
    }

    /// The text of a string or number. None for null, a missing field and the empty string.
    pub(crate) fn text(&self) -> Result<Option<String>, Failure> {
        let Some(json) = self.json() else { return Ok(None) };
        let text = match json.as_bytes().first() {
            Some(b'"') => {
                let mut reader = serde_json::Deserializer::from_str(json);
                String::deserialize(&mut reader).map_err(|_| self.malformed("it is no text"))?
            }
            Some(b'0'..=b'9' | b'-') => json.to_owned(),
            _ => return Err(failure::malformed(self.name, "", "it must be a text or a number")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// One of Shopify's ids, a whole number, as its digits.
    pub(crate) fn id(&self) -> Result<Option<String>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        match text.parse::<u64>() {
            Ok(id) if id > 0 => Ok(Some(id.to_string())),
            _ => Err(self.malformed("it must be an id, a whole number above 0")),
        }
    }

    /// A whole number.
    pub(crate) fn integer(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.malformed("it must be a whole number"))
    }

    /// An amount in a currency.
    pub(crate) fn amount(&self, currency: &str) -> Result<Option<Money>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        parse_amount(&text, currency).map(Some).map_err(|rule| self.malformed(rule))
    }

    /// A price in a currency.
    pub(crate) fn unit_price(&self, currency: &str) -> Result<Option<UnitPrice>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        parse_unit_price(&text, currency).map(Some).map_err(|rule| self.malformed(rule))
    }

    /// A time, in microseconds since 1970.
    pub(crate) fn time(&self) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text()? else { return Ok(None) };
        let time: Result<jiff::Timestamp, _> = text.parse();
        time.map(|time| Some(time.as_microsecond())).map_err(|_| self.malformed("it must be a time with its offset"))
    }

    /// True, false or nothing.
    pub(crate) fn flag(&self) -> Result<bool, Failure> {
        match self.json() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.malformed("it must be true or false")),
        }
    }

    /// A value that must be there.
    pub(crate) fn require<T>(&self, value: Option<T>) -> Result<T, Failure> {
        value.ok_or_else(|| failure::malformed(self.name, "", "it must be there"))
    }

    fn json(&self) -> Option<&'a str> {
        self.raw.map(|raw| raw.get()).filter(|json| *json != "null")
    }
}
