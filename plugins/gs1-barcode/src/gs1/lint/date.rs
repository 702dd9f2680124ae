//! Tests of dates and times of day.

use super::{Breach, Finding, digits, found, whole};

const LONGEST_MONTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

pub(super) fn hour(value: &str) -> Result<(), Finding> {
    two_digits(value, 23, [Breach::HourTooShort, Breach::HourTooLong, Breach::Hour])
}

pub(super) fn minute(value: &str) -> Result<(), Finding> {
    two_digits(value, 59, [Breach::MinuteTooShort, Breach::MinuteTooLong, Breach::Minute])
}

pub(super) fn second(value: &str) -> Result<(), Finding> {
    two_digits(value, 59, [Breach::SecondTooShort, Breach::SecondTooLong, Breach::Second])
}

fn two_digits(value: &str, most: u16, [short, long, range]: [Breach; 3]) -> Result<(), Finding> {
    length(value, 2, short, long)?;
    digits(value)?;
    if number(value) > most { whole(value, range) } else { Ok(()) }
}

pub(super) fn hour_minute(value: &str) -> Result<(), Finding> {
    length(value, 4, Breach::HourMinuteTooShort, Breach::HourMinuteTooLong)?;
    digits(value)?;
    if number(&value[..2]) > 23 {
        return found(Breach::Hour, 0..2);
    }
    if number(&value[2..]) > 59 { found(Breach::Minute, 2..4) } else { Ok(()) }
}

/// YYMMDD; the day 00, which stands for the end of the month, where it may.
pub(super) fn short(value: &str, day_may_be_zero: bool) -> Result<(), Finding> {
    length(value, 6, Breach::DateTooShort, Breach::DateTooLong)?;
    digits(value)?;
    // Two digits mean a year near now, and the only one near that divides by 100 is 2000, a leap year.
    day_of_month(value, 2, number(&value[..2]).is_multiple_of(4), day_may_be_zero)
}

/// YYYYMMDD, likewise.
pub(super) fn long(value: &str, day_may_be_zero: bool) -> Result<(), Finding> {
    length(value, 8, Breach::DateTooShort, Breach::DateTooLong)?;
    digits(value)?;
    let year = number(&value[..4]);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    day_of_month(value, 4, is_leap, day_may_be_zero)
}

fn day_of_month(value: &str, at: usize, is_leap: bool, day_may_be_zero: bool) -> Result<(), Finding> {
    let month = usize::from(number(&value[at..at + 2]));
    let Some(longest) = month.checked_sub(1).and_then(|index| LONGEST_MONTHS.get(index)) else {
        return found(Breach::Month, at..at + 2);
    };
    let last = u16::from(*longest) - u16::from(month == 2 && !is_leap);
    let day = number(&value[at + 2..]);
    let is_one = day <= last && (day > 0 || day_may_be_zero);
    if is_one { Ok(()) } else { found(Breach::Day, at + 2..at + 4) }
}

fn length(value: &str, length: usize, short: Breach, long: Breach) -> Result<(), Finding> {
    match value.len() {
        found if found < length => whole(value, short),
        found if found > length => whole(value, long),
        _ => Ok(()),
    }
}

/// The number of at most four digits.
fn number(digits: &str) -> u16 {
    digits.bytes().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
}
