//! Dates and times (DTM) in their formats (UN/EDIFACT data element 2379).

use tillmesh_plugin::dates;

/// What a text must be that [`moment`] reads.
pub(crate) const RULE: &str = "it must be a date of format 101, 102, 201 to 204 or 301 to 304, its zone UTC, GMT, WET, \
    CET, MET, MEZ, EET or hours such as +01";

const MINUTE: i64 = 60_000_000;

/// The moment of a date in a format, in microseconds since 1970: in UTC, where it has no time zone. None: it is none.
pub(crate) fn moment(text: &str, format: &str) -> Option<i64> {
    match format {
        "101" => dates::moment(text, ""),
        "102" | "203" | "204" | "" => at(text, 8, None),
        "201" => at(text, 6, Some(4)).filter(|_| text.len() == 10),
        "202" => at(text, 6, Some(6)).filter(|_| text.len() == 12),
        "301" => at(text, 6, Some(4)),
        "302" => at(text, 6, Some(6)),
        "303" => at(text, 8, Some(4)),
        "304" => at(text, 8, Some(6)),
        _ => None,
    }
}

/// The moment of a date and a time of so many digits, and of a time zone behind them; without one, where nobody says
/// how long the time is.
fn at(text: &str, of_date: usize, of_time: Option<usize>) -> Option<i64> {
    let (date, behind) = text.split_at_checked(of_date)?;
    let (time, zone) = behind.split_at_checked(of_time.unwrap_or(behind.len()))?;
    dates::moment(date, time)?.checked_sub(minutes(zone)? * MINUTE)
}

/// By how many minutes a time zone is ahead of UTC. Names that are used for several are none.
fn minutes(zone: &str) -> Option<i64> {
    let digits = match zone.trim() {
        "" | "Z" | "UTC" | "GMT" | "WET" => return Some(0),
        "CET" | "MET" | "MEZ" => return Some(60),
        "EET" => return Some(120),
        other => other.strip_prefix(['+', '-'])?,
    };
    let is_sound = [2, 4].contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| is_sound)?;
    let minutes = if minutes.is_empty() { 0 } else { minutes.parse().ok().filter(|minutes| *minutes < 60)? };
    let ahead = hours.parse::<i64>().ok().filter(|hours| *hours <= 14)? * 60 + minutes;
    Some(if zone.trim().starts_with('-') { -ahead } else { ahead })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_format_with_their_time_zone() {
        let at = moment("202611280915", "203");
        assert!(at.is_some());
        for (text, format) in [
            ("20261128091500", "204"),
            ("2611280915", "201"),
            ("261128091500", "202"),
            ("202611280915UTC", "303"),
            ("202611281015CET", "303"),
            ("202611280415-05", "303"),
            ("202611281445+0530", "303"),
            ("20261128091500+00", "304"),
            ("2611281115EET", "301"),
            ("261128091500GMT", "302"),
        ] {
            assert_eq!(moment(text, format), at, "{text}:{format}");
        }
        assert_eq!(moment("261128", "101"), moment("20261128", "102"));
    }

    #[test]
    fn what_is_no_date_of_its_format_is_none() {
        for (text, format) in [
            ("201211280915", "201"),
            ("2611280915", "202"),
            ("202611280915XST", "303"),
            ("202611280915+1", "303"),
            ("202611280915+99", "303"),
            ("202611280915+0199", "303"),
            ("2026", "303"),
            ("2026\u{e9}\u{e9}", "303"),
            ("202648", "616"),
        ] {
            assert_eq!(moment(text, format), None, "{text}:{format}");
        }
    }
}
