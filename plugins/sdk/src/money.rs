//! Reads amounts written as decimals, exactly: no floats.

use crate::{Money, UnitPrice};

/// The most decimals of a unit price.
pub const MAX_SCALE: usize = 9;

/// A number of so many digits always fits.
const SURE_DIGITS: usize = 18;

/// Reads an amount such as `12.50` in a currency. Zeros behind the currency's last decimal are fine; other digits are
/// not.
///
/// # Errors
/// When the text is no such amount: the rule in words.
pub fn parse_amount(text: &str, currency: &str) -> Result<Money, String> {
    let amount = parse_minor_units(text, currency)?;
    Ok(Money { amount, currency: currency.to_owned() })
}

/// Reads an amount as [`parse_amount`] does, and gives its minor units alone.
///
/// # Errors
/// As for [`parse_amount`].
pub fn parse_minor_units(text: &str, currency: &str) -> Result<i64, String> {
    let (mut amount, scale) = parse_decimal(text)?;
    let decimals = decimals(currency);
    for _ in scale..decimals {
        amount = amount.checked_mul(10).ok_or("it is too large")?;
    }
    for _ in decimals..scale {
        if amount % 10 != 0 {
            return Err(format!("{currency} has {decimals} decimals, this has more"));
        }
        amount /= 10;
    }
    Ok(amount)
}

/// Reads the price of one unit, with the decimals that the text has.
///
/// # Errors
/// When the text is no such price: the rule in words.
pub fn parse_unit_price(text: &str, currency: &str) -> Result<UnitPrice, String> {
    let (amount, scale) = parse_decimal(text)?;
    let scale = u8::try_from(scale).map_err(|error| error.to_string())?;
    Ok(UnitPrice { amount, scale: Some(scale), currency: currency.to_owned() })
}

/// What so many units cost at a price, where that is a whole number of minor units: what is not, the node rounds.
pub fn extended(price: &UnitPrice, quantity: u64) -> Option<Money> {
    let exact = i128::from(price.amount).checked_mul(quantity.into())?;
    let minor = decimals(&price.currency);
    let scale = price.scale.map_or(minor, usize::from);
    let power = |exponent: usize| 10_i128.pow(u32::try_from(exponent).unwrap_or_default());
    let amount = if scale <= minor {
        exact.checked_mul(power(minor - scale))?
    } else {
        let unit = power(scale - minor);
        (exact % unit == 0).then_some(exact / unit)?
    };
    Some(Money { amount: i64::try_from(amount).ok()?, currency: price.currency.clone() })
}

/// Why a text is no number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoUnits {
    /// It is no decimal, or is below 0, or too large.
    Broken,
    /// It has a fraction.
    Fraction,
}

/// Reads a number of whole units such as `12` or `12.00`, not below 0.
///
/// # Errors
/// When it is none.
pub fn parse_units(text: &str) -> Result<u64, NoUnits> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !is_number(whole) || !is_number(fraction) {
        return Err(NoUnits::Broken);
    }
    if fraction.bytes().any(|digit| digit != b'0') {
        return Err(NoUnits::Fraction);
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    whole.parse().map_err(|_| NoUnits::Broken)
}

/// How many decimals the minor unit of a currency has in ISO 4217. Two, but for these.
pub fn decimals(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// The digits of a decimal and how many of them are behind the point.
pub(crate) fn parse_decimal(text: &str) -> Result<(i64, usize), String> {
    let rule = "it must be a decimal such as 12.50";
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || digits.ends_with('.') || !is_number(whole) || !is_number(fraction) {
        return Err(rule.to_owned());
    }
    if fraction.len() > MAX_SCALE {
        return Err(format!("it has {} decimals, at most {MAX_SCALE} are allowed", fraction.len()));
    }
    let digits = || whole.bytes().chain(fraction.bytes()).map(|digit| i64::from(digit - b'0'));
    let amount = if whole.len() + fraction.len() <= SURE_DIGITS {
        // To see whether a product of 64 bits is too large takes a call in WebAssembly.
        digits().fold(0_i64, |amount, digit| amount.wrapping_mul(10).wrapping_add(digit))
    } else {
        let append = |amount: i64, digit| amount.checked_mul(10)?.checked_add(digit);
        digits().try_fold(0_i64, append).ok_or("it is too large")?
    };
    Ok((if negative { -amount } else { amount }, fraction.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str, currency: &str) -> Option<i64> {
        parse_amount(text, currency).ok().map(|money| money.amount)
    }

    #[test]
    fn amounts_are_read_to_the_last_unit_or_not_at_all() {
        assert_eq!(cents("409.94", "USD"), Some(40_994));
        assert_eq!(cents("409.9", "USD"), Some(40_990));
        assert_eq!(cents("-0.05", "USD"), Some(-5));
        assert_eq!(cents("100.00", "JPY"), Some(100));
        assert_eq!(cents("1.234", "KWD"), Some(1_234));
        assert_eq!(cents("90071992547409.93", "USD"), Some(9_007_199_254_740_993));
        for bad in ["", "-", ".5", "5.", "1e3", "1,00", "+1", " 1", "0x1", "NaN", "1.005", "99999999999999999999"] {
            assert_eq!(cents(bad, "USD"), None, "{bad:?} was taken");
        }
        assert_eq!(cents("100.50", "JPY"), None);
    }

    #[test]
    fn the_largest_amounts_are_read_and_none_beyond() {
        let yen = |text: &str| cents(text, "JPY");
        assert_eq!(yen("999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(yen("9223372036854775807"), Some(i64::MAX));
        assert_eq!(yen("-9223372036854775807"), Some(-i64::MAX));
        assert_eq!(yen("00000000000000000001"), Some(1));
        for too_large in ["9223372036854775808", "9999999999999999999"] {
            assert_eq!(yen(too_large), None, "{too_large}");
        }
        // Made whole cents, it is too large.
        assert_eq!(cents("999999999999999999", "USD"), None);
    }

    #[test]
    fn what_units_cost_is_exact_or_left_to_the_node() {
        let cost = |price: &str, quantity, currency: &str| {
            extended(&parse_unit_price(price, currency).unwrap(), quantity).map(|money| money.amount)
        };
        assert_eq!(cost("9.25", 12, "USD"), Some(11_100));
        assert_eq!(cost("7", 3, "USD"), Some(2_100));
        assert_eq!(cost("0.3335", 2, "USD"), None);
        assert_eq!(cost("0.3335", 200, "USD"), Some(6_670));
        assert_eq!(cost("2.50", 2, "JPY"), Some(5));
        assert_eq!(cost("9000000000", u64::MAX, "USD"), None);
    }

    #[test]
    fn units_are_whole_numbers() {
        assert_eq!(["12", "12.00", ".0", "0"].map(parse_units), [Ok(12), Ok(12), Ok(0), Ok(0)]);
        assert_eq!(parse_units("12.5"), Err(NoUnits::Fraction));
        for broken in ["", ".", "-1", "1,5", "1e3", "x", "99999999999999999999"] {
            assert_eq!(parse_units(broken), Err(NoUnits::Broken), "{broken}");
        }
    }

    #[test]
    fn a_unit_price_keeps_its_decimals() {
        let price = parse_unit_price("1.555", "GBP").unwrap();
        assert_eq!((price.amount, price.scale), (1_555, Some(3)));
        assert!(parse_unit_price("0.1234567891", "GBP").is_err());
    }
}
