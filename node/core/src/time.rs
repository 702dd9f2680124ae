//! Time as data: the core never reads a clock, it is told.

use std::fmt;

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

/// A moment in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode, CborLen)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] pub i64);

impl Timestamp {
    /// The earliest moment accepted from outside, 1970-01-01: what lies before is a clock that was never set.
    pub const MIN: Self = Self(0);
    /// The latest moment accepted from outside, 9999-01-01: what `jiff` can still shift into every zone.
    pub const MAX: Self = Self(253_370_764_800_000_000);

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Milliseconds since 1970, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This moment, `millis` later (earlier when negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000)))
    }

    /// Reads RFC 3339, such as `2026-11-24T10:00:00Z`.
    ///
    /// # Errors
    /// When the text is no RFC 3339 time or lies outside [`Timestamp::MIN`] to [`Timestamp::MAX`].
    pub fn parse(text: &str) -> Result<Self, InvalidTime> {
        let instant: jiff::Timestamp = text
            .parse()
            .map_err(|error: jiff::Error| InvalidTime { value: text.to_owned(), rule: error.to_string() })?;
        Self(instant.as_microsecond()).checked().ok_or_else(|| InvalidTime {
            value: text.to_owned(),
            rule: "it must lie between 1970-01-01 and 9999-01-01".to_owned(),
        })
    }

    /// This moment if it lies in the accepted range.
    pub fn checked(self) -> Option<Self> {
        (Self::MIN..=Self::MAX).contains(&self).then_some(self)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no time: {rule}")]
pub struct InvalidTime {
    /// The offending text.
    pub value: String,
    /// The rule in words.
    pub rule: String,
}

/// A day of trade in its location's time zone, written `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, CborLen)]
#[cbor(transparent)]
pub struct BusinessDate(#[n(0)] i32);

impl BusinessDate {
    /// From days since 1970-01-01; `None` outside the years 1970 to 9999.
    pub fn from_days(days: i32) -> Option<Self> {
        (0..=2_932_896).contains(&days).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day after it; the last one there is has none.
    #[must_use]
    pub fn next(self) -> Self {
        Self::from_days(self.0.saturating_add(1)).unwrap_or(self)
    }

    fn civil(self) -> jiff::civil::Date {
        jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(self.0))
    }
}

impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.civil())
    }
}

impl std::str::FromStr for BusinessDate {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = |rule: String| InvalidTime { value: text.to_owned(), rule };
        let date: jiff::civil::Date = text.parse().map_err(|error: jiff::Error| invalid(error.to_string()))?;
        let days = (date - jiff::civil::date(1970, 1, 1)).get_days();
        Self::from_days(days).ok_or_else(|| invalid("it must lie between 1970-01-01 and 9999-12-31".to_owned()))
    }
}

impl<'b, C> Decode<'b, C> for BusinessDate {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_days(d.i32()?)
            .ok_or_else(|| minicbor::decode::Error::message("a day must lie between 1970-01-01 and 9999-12-31"))
    }
}

impl Serialize for BusinessDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BusinessDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A location's time zone, by its IANA name, from the database compiled into the core: no file of the machine decides
/// what day it is.
#[derive(Debug, Clone)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// Looks a zone up, such as `Europe/Berlin`.
    ///
    /// # Errors
    /// When the database has no zone of that name.
    pub fn named(name: &str) -> Result<Self, InvalidTime> {
        jiff::tz::TimeZone::get(name)
            .map(Self)
            .map_err(|error| InvalidTime { value: name.to_owned(), rule: error.to_string() })
    }

    /// The day of trade that a moment falls on.
    pub fn business_date(&self, at: Timestamp) -> BusinessDate {
        let at = jiff::Timestamp::from_microsecond(at.0.clamp(Timestamp::MIN.0, Timestamp::MAX.0))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = self.0.to_datetime(at).date();
        BusinessDate((date - jiff::civil::date(1970, 1, 1)).get_days().max(0))
    }

    /// When a day of trade ends: the midnight behind it.
    pub fn end_of(&self, date: BusinessDate) -> Timestamp {
        let midnight = self.0.to_timestamp(date.next().civil().at(0, 0, 0, 0));
        midnight.map_or(Timestamp::MAX, |end| Timestamp(end.as_microsecond()))
    }
}
