//! Decimals that are not below 0, exact: as whole billionths.

use tillmesh_plugin::money::{MAX_SCALE, NoUnits};

/// The billionths of one.
pub(crate) const ONE: u128 = 1_000_000_000;

/// The billionths of a decimal such as `12.5`.
///
/// # Errors
/// When it is none, or has digits behind the ninth decimal.
pub(crate) fn billionths(text: &str) -> Result<u128, NoUnits> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Err(NoUnits::Broken);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > MAX_SCALE {
        return Err(NoUnits::Fraction);
    }
    let whole: u64 = whole.parse().map_err(|_| NoUnits::Broken)?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(MAX_SCALE);
    let part = digits.fold(0_u64, |part, digit| part * 10 + u64::from(digit - b'0'));
    Ok(u128::from(whole) * ONE + u128::from(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_to_the_last_billionth_or_not_at_all() {
        assert_eq!(billionths("12"), Ok(12 * ONE));
        assert_eq!(billionths("2.50"), Ok(2_500_000_000));
        assert_eq!(billionths("0.0000000010"), Ok(1));
        assert_eq!(billionths("18446744073709551615"), Ok(u128::from(u64::MAX) * ONE));
        assert_eq!(billionths("0.0000000001"), Err(NoUnits::Fraction));
        for broken in ["", ".", ".5", "-1", "1,5", "1e3", "1.2.3", "x", "18446744073709551616"] {
            assert_eq!(billionths(broken), Err(NoUnits::Broken), "{broken}");
        }
    }
}
