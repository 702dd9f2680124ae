//! What a line of an order costs: its price (PO104) holds for so many of its units as its basis (PO105) says.

use tillmesh_plugin::money::{MAX_SCALE, decimals, parse_unit_price};
use tillmesh_plugin::{Money, UnitPrice};

use crate::number::{Quantity, decimal};

/// Codes of bases (X12 data element 639), and how many units their prices are for.
const COUNTS: [(u64, &[&str]); 6] = [
    (10, &["PN"]),
    (12, &["PD", "TD", "LD", "RD", "WD"]),
    (100, &["HP", "TC", "QH", "LC", "RC", "WC"]),
    (1_000, &["TP", "TM", "QS", "LM", "RM", "WM"]),
    (10_000, &["TT"]),
    (100_000, &["HT"]),
];
/// Units of measure (X12 data element 355) that are such a number of units themselves: of them a price is for one.
const COUNTED: [(&str, u64); 5] = [("DZ", 12), ("HC", 100), ("HU", 100), ("TH", 1_000), ("T3", 1_000)];
/// Bases of weight, volume, length and area, each with the unit of measure of which its price is for one; without one
/// where there is none that everybody writes so. Per pound (PP) is not among them: grocers state it with the price of a
/// case.
const MEASURES: [(&str, &str); 12] = [
    ("HF", ""),
    ("ML", "ML"),
    ("PA", ""),
    ("PF", "FT"),
    ("PG", "GR"),
    ("PK", "KG"),
    ("PL", "LT"),
    ("PO", "OZ"),
    ("PS", ""),
    ("PT", ""),
    ("PY", "YD"),
    ("TF", ""),
];
/// The basis of what costs nothing.
const NO_CHARGE: &str = "NC";

/// What a line costs.
#[derive(Debug, PartialEq)]
pub(crate) struct Cost {
    /// The price of a base unit, where it is one of at most nine decimals.
    pub unit_price: Option<UnitPrice>,
    /// What the line comes to, where that is a whole number of minor units or there is no unit price to say it: then it
    /// is rounded, a half away from zero.
    pub amount: Option<Money>,
}

/// What so much costs at a price, where a unit of it has so many base units. None for both where nothing is stated, or
/// what is stated is for another measure.
///
/// # Errors
/// When the text is no price, or the cost is too large: the rule in words.
pub(crate) fn cost(
    (text, basis, measure): (&str, &str, &str),
    quantity: Quantity,
    units: u64,
    currency: &str,
) -> Result<Cost, String> {
    if basis == NO_CHARGE {
        let nothing = UnitPrice { amount: 0, scale: Some(0), currency: currency.to_owned() };
        return Ok(Cost {
            unit_price: Some(nothing),
            amount: Some(Money { amount: 0, currency: currency.to_owned() }),
        });
    }
    if text.is_empty() {
        return Ok(Cost { unit_price: None, amount: None });
    }
    let price = parse_unit_price(&decimal(text), currency)?;
    let Some(per) = priced_units(basis, measure) else { return Ok(Cost { unit_price: None, amount: None }) };
    let unit_price = of_unit(&price, per.saturating_mul(units));
    let amount = amount(&price, quantity, per, unit_price.is_some()).ok_or("it is too large for the quantity")?;
    Ok(Cost { amount: amount.map(|amount| Money { amount, currency: currency.to_owned() }), unit_price })
}

/// For how many units of a measure a price is; none: for so much of another one.
fn priced_units(basis: &str, measure: &str) -> Option<u64> {
    if let Some((_, of)) = MEASURES.iter().find(|(known, _)| *known == basis) {
        return (!of.is_empty() && *of == measure).then_some(1);
    }
    let found = COUNTS.iter().find(|(_, codes)| codes.contains(&basis)).map(|(count, _)| *count);
    Some(found.filter(|count| !COUNTED.contains(&(measure, *count))).unwrap_or(1))
}

/// The price of one of so many units that one is for, if it is exact.
fn of_unit(price: &UnitPrice, units: u64) -> Option<UnitPrice> {
    if units == 1 {
        return Some(price.clone());
    }
    let (stated, units) = (price.scale?, i128::from(units));
    let mut amount = i128::from(price.amount);
    for scale in usize::from(stated)..=MAX_SCALE {
        if amount % units == 0 {
            let (amount, scale) = (i64::try_from(amount / units).ok()?, u8::try_from(scale).ok()?);
            return Some(UnitPrice { amount, scale: Some(scale), currency: price.currency.clone() });
        }
        amount *= 10;
    }
    None
}

/// What a quantity comes to in minor units at a price for so many: none where that is no whole number, and the node can
/// round it. None at all: it is too large.
fn amount(price: &UnitPrice, quantity: Quantity, per: u64, node_rounds: bool) -> Option<Option<i64>> {
    let power = |exponent: u32| 10_i128.checked_pow(exponent);
    let minor = u32::try_from(decimals(&price.currency)).ok()?;
    let product = i128::from(price.amount).checked_mul(quantity.digits.into())?.checked_mul(power(minor)?)?;
    let divisor = power(u32::from(price.scale?) + quantity.scale)?.checked_mul(per.into())?;
    let (whole, rest) = (product / divisor, product % divisor);
    if rest != 0 && node_rounds {
        return Some(None);
    }
    let rounded = if rest.abs() >= divisor - rest.abs() { whole + rest.signum() } else { whole };
    i64::try_from(rounded).ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The price of a base unit with its decimals, and the amount.
    fn of(line: (&str, &str, &str), quantity: &str, units: u64) -> (Option<(i64, u8)>, Option<i64>) {
        let Cost { unit_price, amount } = cost(line, Quantity::read(quantity).unwrap(), units, "USD").unwrap();
        let unit_price = unit_price.map(|price| (price.amount, price.scale.unwrap()));
        (unit_price, amount.map(|amount| amount.amount))
    }

    #[test]
    fn a_price_is_for_as_many_units_as_its_basis_says() {
        for (basis, per_unit, amount) in [
            ("TE", (925, 2), Some(11_100)),
            ("", (925, 2), Some(11_100)),
            ("PN", (925, 3), Some(1_110)),
            ("HP", (925, 4), Some(111)),
            ("WM", (925, 5), None),
            ("TT", (925, 6), None),
            ("HT", (925, 7), None),
        ] {
            assert_eq!(of(("9.25", basis, "EA"), "12", 1), (Some(per_unit), amount), "{basis}");
        }
        assert_eq!(of(("9.25", "PD", "EA"), "24", 1), (None, Some(1_850)), "a twelfth of it is no price");
        assert_eq!(of(("9.25", "PD", "DZ"), "2", 12), (None, Some(1_850)), "a dozen is what is ordered");
        assert_eq!(of(("9.25", "HP", "HC"), "2", 1), (Some((925, 2)), Some(1_850)));
    }

    #[test]
    fn what_is_given_away_costs_nothing_and_a_price_of_another_measure_is_none() {
        for text in ["", "9.25"] {
            assert_eq!(of((text, "NC", "EA"), "12", 1), (Some((0, 0)), Some(0)));
        }
        for basis in ["PK", "PT", "HF", "PS"] {
            assert_eq!(of(("9.25", basis, "EA"), "12", 1), (None, None), "{basis}");
        }
        assert_eq!(of(("4.00", "PK", "KG"), "2.5", 1_000), (Some((4, 3)), Some(1_000)));
        assert!(cost(("x", "PK", "EA"), Quantity { digits: 1, scale: 0 }, 1, "USD").is_err());
    }

    #[test]
    fn a_price_is_never_lost_to_rounding() {
        assert_eq!(of(("0.3335", "TE", "CA"), "3", 12), (None, Some(100)), "1.0005");
        assert_eq!(of(("0.335", "TE", "CA"), "1", 7), (None, Some(34)), "a half is rounded up");
        assert_eq!(of(("-0.335", "TE", "CA"), "1", 7), (None, Some(-34)));
        assert_eq!(of(("0.3335", "TE", "EA"), "3", 1), (Some((3_335, 4)), None), "the node rounds it");
        assert_eq!(of(("0.3335", "TE", "CA"), "3", 10), (Some((3_335, 5)), None));
        let too_large = cost(("9000000000000000", "TE", "EA"), Quantity { digits: u64::MAX, scale: 0 }, 1, "USD");
        assert_eq!(too_large, Err("it is too large for the quantity".to_owned()));
    }
}
