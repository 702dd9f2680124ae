//! Tests of numbers.

use super::{Breach, Finding, digits, every, found, whole};

/// Ten digits: ten-millionths of a degree, of a latitude from the south pole, of a longitude eastwards from Greenwich.
const COORDINATE_DIGITS: usize = 10;

pub(super) fn latitude(value: &str) -> Result<(), Finding> {
    coordinate(value, "1800000000", Breach::LatitudeLength, Breach::Latitude)
}

pub(super) fn longitude(value: &str) -> Result<(), Finding> {
    coordinate(value, "3600000000", Breach::LongitudeLength, Breach::Longitude)
}

fn coordinate(value: &str, most: &str, length: Breach, range: Breach) -> Result<(), Finding> {
    if value.len() != COORDINATE_DIGITS {
        return whole(value, length);
    }
    digits(value)?;
    // Of as many digits, the greater number is the later text.
    if value > most { whole(value, range) } else { Ok(()) }
}

pub(super) fn non_zero(value: &str) -> Result<(), Finding> {
    digits(value)?;
    if value.bytes().all(|it| it == b'0') { whole(value, Breach::ZeroValue) } else { Ok(()) }
}

pub(super) fn no_zero_prefix(value: &str) -> Result<(), Finding> {
    digits(value)?;
    if value.starts_with('0') { found(Breach::ZeroPrefix, 0..1) } else { Ok(()) }
}

pub(super) fn zero(value: &str) -> Result<(), Finding> {
    let is_one = !value.is_empty() && value.bytes().all(|it| it == b'0');
    if is_one { Ok(()) } else { whole(value, Breach::NotZero) }
}

/// A piece and how many there are, in as many digits each.
pub(super) fn piece_of_total(value: &str) -> Result<(), Finding> {
    digits(value)?;
    if value.is_empty() || !value.len().is_multiple_of(2) {
        return whole(value, Breach::PieceOfTotalLength);
    }
    let half = value.len() / 2;
    let (piece, total) = value.split_at(half);
    let is_zero = |number: &str| number.bytes().all(|it| it == b'0');
    if is_zero(piece) {
        return found(Breach::PieceZero, 0..half);
    }
    if is_zero(total) {
        return found(Breach::TotalZero, half..value.len());
    }
    if piece > total { whole(value, Breach::PieceExceedsTotal) } else { Ok(()) }
}

/// A position, a slash and an end, neither with zeros before it.
pub(super) fn position_in_sequence(value: &str) -> Result<(), Finding> {
    let (position, end) = value.split_once('/').unwrap_or((value, ""));
    let is_number = |number: &str| every(number, |it| it.is_ascii_digit(), Breach::Position).is_ok();
    if [position, end].iter().any(|number| number.is_empty() || !is_number(number)) {
        return whole(value, Breach::Position);
    }
    if position.starts_with('0') {
        return found(Breach::ZeroPrefix, 0..position.len());
    }
    if end.starts_with('0') {
        return found(Breach::ZeroPrefix, position.len() + 1..value.len());
    }
    // Without zeros before them, the longer number is the greater one.
    let exceeds = (position.len(), position) > (end.len(), end);
    if exceeds { whole(value, Breach::PositionExceedsEnd) } else { Ok(()) }
}
