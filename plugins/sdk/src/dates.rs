//! Dates and times written as digits, in UTC, to and from microseconds since 1970.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, civil};

/// The moment of a date, CCYYMMDD or YYMMDD, and a time of that day, HHMM or HHMMSS; midnight where that is empty or no
/// time. None: it is no date.
pub fn moment(date: &str, time: &str) -> Option<i64> {
    let date = day(date)?;
    let (hour, minute, second) = time_of(time);
    let at = Offset::UTC.to_timestamp(date.at(hour, minute, second, 0)).ok()?;
    Some(at.as_microsecond())
}

/// A moment as CCYYMMDD and HHMM.
pub fn digits(micros: i64) -> (String, String) {
    let at: civil::DateTime = Offset::UTC.to_datetime(Timestamp::from_microsecond(micros).unwrap_or_default());
    let date = format!("{:04}{:02}{:02}", at.year(), at.month(), at.day());
    (date, format!("{:02}{:02}", at.hour(), at.minute()))
}

fn day(text: &str) -> Option<Date> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (century, rest) = match text.len() {
        8 => (text[..2].parse::<i16>().ok()?, &text[2..]),
        // Two digits of a year mean the years around 2020, as far as interchanges are old enough to have them.
        6 if text[..2] >= *"70" => (19, text),
        6 => (20, text),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    Date::new(century * 100 + i16::from(part(0)?), part(2)?, part(4)?).ok()
}

fn time_of(text: &str) -> (i8, i8, i8) {
    let part = |at: usize, most: i8| text.get(at..at + 2)?.parse().ok().filter(|value| (0..=most).contains(value));
    match (part(0, 23), part(2, 59)) {
        (Some(hour), Some(minute)) => (hour, minute, part(4, 59).unwrap_or_default()),
        _ => (0, 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_and_written_as_digits() {
        let at = moment("20261128", "0930").unwrap();
        assert_eq!(digits(at), ("20261128".to_owned(), "0930".to_owned()));
        assert_eq!(moment("261128", "093000"), Some(at));
        assert_eq!(digits(moment("991231", "").unwrap()), ("19991231".to_owned(), "0000".to_owned()));
        assert_eq!(moment("20261128", "2460"), moment("20261128", ""), "what is no time is midnight");
        for bad in ["", "2026", "20261301", "20260230", "2026112x", "0000000"] {
            assert_eq!(moment(bad, ""), None, "{bad}");
        }
    }
}
