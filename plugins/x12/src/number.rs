//! Numbers as X12 writes them: whole ones (type N0), and decimals (type R), whose point may stand first or last.

use std::borrow::Cow;

/// A number that counts something: digits alone.
pub(crate) fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A decimal with digits on both sides of its point, such as `0.75` for `.75` and `134` for `134.`. What is none stays
/// as it is.
pub(crate) fn decimal(text: &str) -> Cow<'_, str> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    match digits.split_once('.') {
        Some((whole, "")) if !whole.is_empty() => Cow::Owned(format!("{sign}{whole}")),
        Some(("", fraction)) if !fraction.is_empty() => Cow::Owned(format!("{sign}0.{fraction}")),
        _ => Cow::Borrowed(text),
    }
}

/// How much of something, as it is stated: not below 0, maybe with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    pub digits: u64,
    /// How many of the digits stand behind the point; the last of them is not 0.
    pub scale: u32,
}

impl Quantity {
    /// Reads one; none, where it is no decimal, is below 0 or too large.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let append = |number: u64, digit: u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        let digits = whole.bytes().chain(fraction.bytes()).try_fold(0, append)?;
        Some(Self { digits, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// So many times as much, where that is a whole number.
    pub(crate) fn times(self, factor: u64) -> Option<u64> {
        if self.scale == 0 {
            return self.digits.checked_mul(factor);
        }
        let (product, power) = (u128::from(self.digits) * u128::from(factor), 10_u128.checked_pow(self.scale)?);
        u64::try_from(product / power).ok().filter(|_| product % power == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_may_stand_first_or_last() {
        let cases = [(".75", "0.75"), ("134.", "134"), ("-.5", "-0.5"), ("-5.", "-5"), ("9.25", "9.25"), ("12", "12")];
        assert_eq!(cases.map(|(text, _)| decimal(text)), cases.map(|(_, read)| read));
        for none in ["", ".", "-", "-.", "1.2.", "x"] {
            assert_eq!(decimal(none), none);
        }
    }

    #[test]
    fn what_counts_is_digits_alone() {
        assert_eq!((count("16"), count("0016")), (Some(16), Some(16)));
        for none in ["", "+16", "-1", "1.0", " 1", "99999999999999999999"] {
            assert_eq!(count(none), None, "{none}");
        }
    }

    #[test]
    fn a_quantity_is_whole_once_it_is_multiplied() {
        let times = |text: &str, factor| Quantity::read(text).and_then(|quantity| quantity.times(factor));
        assert_eq!((times("2.5", 1_000), times("0.5", 12), times("12.0", 1)), (Some(2_500), Some(6), Some(12)));
        assert_eq!((times(".5", 2), times("3.", 2), times("0.0", 7)), (Some(1), Some(6), Some(0)));
        assert_eq!((times("2.5", 1), times("0.0005", 1_000), times("9999999999999999999", 10)), (None, None, None));
        for none in ["", ".", "-1", "+1", "1,5", "1e3", "x", "99999999999999999999"] {
            assert_eq!(Quantity::read(none), None, "{none}");
        }
    }
}
