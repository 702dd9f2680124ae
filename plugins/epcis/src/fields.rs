//! The fields of a JSON object, each with its place in the body, so that a wrong one can be named.

use jiff::Timestamp;
use serde_json::{Map, Value};
use tillmesh_plugin::{Failure, failure};

use crate::link::is_digits;

/// An object and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    /// Such as `epcisBody.eventList[2]`; empty for the body itself.
    pub place: String,
    /// What is in it.
    pub map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The place of a field.
    pub fn at(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    /// The failure for a field.
    pub fn malformed(&self, key: &str, rule: impl Into<String>) -> Failure {
        let value = match self.map.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        failure::malformed(self.at(key), value, rule)
    }

    /// Whether a field is there, and not null.
    pub fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// A text.
    ///
    /// # Errors
    /// `malformed` where it is another thing.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Failure> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.malformed(key, "it must be a text")),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// `malformed`.
    pub fn required(&self, key: &str) -> Result<&'a str, Failure> {
        self.text(key)?.ok_or_else(|| self.malformed(key, "it must be there"))
    }

    /// A URI that must be there.
    ///
    /// # Errors
    /// `malformed`.
    pub fn uri(&self, key: &str) -> Result<&'a str, Failure> {
        let text = self.required(key)?;
        if is_uri(text) { Ok(text) } else { Err(self.malformed(key, URI)) }
    }

    /// A time, in microseconds since 1970.
    ///
    /// # Errors
    /// `malformed` where it is none, or has no offset.
    pub fn time(&self, key: &str) -> Result<Option<i64>, Failure> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let time = Some(text).filter(|text| is_time(text)).and_then(|text| text.parse::<Timestamp>().ok());
        let malformed = || self.malformed(key, "it must be a time with its offset, such as 2026-11-28T09:30:00+01:00");
        time.map(|time| Some(time.as_microsecond())).ok_or_else(malformed)
    }

    /// A time that must be there.
    ///
    /// # Errors
    /// `malformed`.
    pub fn moment(&self, key: &str) -> Result<i64, Failure> {
        self.time(key)?.ok_or_else(|| self.malformed(key, "it must be there"))
    }

    /// A list; an empty one where it is missing.
    ///
    /// # Errors
    /// `malformed` where it is another thing.
    pub fn list(&self, key: &str) -> Result<&'a [Value], Failure> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(&[]),
            Some(Value::Array(elements)) => Ok(elements),
            Some(_) => Err(self.malformed(key, "it must be a list")),
        }
    }

    /// The URIs of a list.
    ///
    /// # Errors
    /// `malformed` where one is none.
    pub fn uris(&self, key: &str) -> Result<Vec<&'a str>, Failure> {
        let uri = |(index, value): (usize, &'a Value)| {
            let found = value.as_str().filter(|text| is_uri(text));
            found.ok_or_else(|| {
                failure::malformed(format!("{}[{index}]", self.at(key)), value.as_str().unwrap_or_default(), URI)
            })
        };
        self.list(key)?.iter().enumerate().map(uri).collect()
    }

    /// An object.
    ///
    /// # Errors
    /// `malformed` where it is another thing.
    pub fn object(&self, key: &str) -> Result<Option<Self>, Failure> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Self { place: self.at(key), map })),
            Some(_) => Err(self.malformed(key, "it must be an object")),
        }
    }

    /// The objects of a list.
    ///
    /// # Errors
    /// `malformed` where one is another thing.
    pub fn objects(&self, key: &str) -> Result<Vec<Self>, Failure> {
        let object = |(index, value): (usize, &'a Value)| {
            let place = format!("{}[{index}]", self.at(key));
            match value {
                Value::Object(map) => Ok(Self { place, map }),
                _ => Err(failure::malformed(place, "", "it must be an object")),
            }
        };
        self.list(key)?.iter().enumerate().map(object).collect()
    }
}

/// Whether a time is written as the standard has them (RFC 3339): the reader takes more, such as zones in brackets.
fn is_time(text: &str) -> bool {
    const SHAPE: &str = "0000-00-00T00:00:00";
    let Some((local, behind)) = text.split_at_checked(SHAPE.len()) else { return false };
    let shape = local.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte.to_ascii_uppercase() });
    let fraction = behind.strip_prefix('.').map(|digits| digits.trim_start_matches(|it: char| it.is_ascii_digit()));
    let has_digits = fraction.is_none_or(|rest| rest.len() + 1 < behind.len());
    let offset = fraction.unwrap_or(behind);
    shape.eq(SHAPE.bytes()) && has_digits && (offset.eq_ignore_ascii_case("Z") || is_offset(offset))
}

/// Whether a text is an offset from UTC, such as `+01:00`.
pub(crate) fn is_offset(text: &str) -> bool {
    /// No place on earth is further away from UTC.
    const MAX_MINUTES: u32 = 14 * 60;
    let parts = text.strip_prefix(['+', '-']).and_then(|digits| digits.split_once(':'));
    // The reader of numbers takes a sign, too.
    let two = |text: &str| if text.len() == 2 && is_digits(text) { text.parse::<u32>().ok() } else { None };
    let minutes = parts.and_then(|(hours, minutes)| Some((two(hours)?, two(minutes).filter(|minutes| *minutes < 60)?)));
    minutes.is_some_and(|(hours, minutes)| hours * 60 + minutes <= MAX_MINUTES)
}

const URI: &str = "it must be a URI";

/// Whether a text has a scheme and nothing that no URI has.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    // Most are ASCII, and there are many of them.
    let is_sound = match text.is_ascii() {
        true => text.bytes().all(|byte| byte > b' ' && byte != 0x7f),
        false => !text.chars().any(|sign| sign.is_whitespace() || sign.is_control()),
    };
    !scheme.is_empty() && is_sound
}
