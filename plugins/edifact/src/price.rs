//! Prices for any number of units, exact.

use tillmesh_plugin::money::{MAX_SCALE, decimals};
use tillmesh_plugin::{Money, UnitPrice};

use crate::number::ONE;

/// A price for a number of units.
#[derive(Debug)]
pub(crate) struct Price {
    /// As it is stated.
    pub text: String,
    /// What all those units cost.
    pub stated: UnitPrice,
    /// How many they are, in billionths; more than none.
    pub basis: u128,
}

/// What some units cost.
#[derive(Debug)]
pub(crate) struct Cost {
    pub money: Money,
    /// Whether it did not have to be rounded.
    pub is_exact: bool,
}

impl Price {
    /// The price of one unit. None: it has more decimals than a price can have.
    pub(crate) fn of_one(&self) -> Option<UnitPrice> {
        let (scale, basis) = (self.scale(), i128::try_from(self.basis).ok()?);
        // A price for 100 has two decimals more for one.
        let first = scale + (self.basis / ONE).checked_ilog10().unwrap_or_default();
        let most = u32::try_from(MAX_SCALE).ok()?;
        let ones = i128::from(self.stated.amount).checked_mul(i128::try_from(ONE).ok()?)?;
        let with = |of_one: u32| {
            let exact = ones.checked_mul(10_i128.pow(of_one.checked_sub(scale)?))?;
            let amount = Some(exact / basis).filter(|_| exact % basis == 0)?;
            let (amount, scale) = (i64::try_from(amount).ok()?, u8::try_from(of_one).ok());
            Some(UnitPrice { amount, scale, currency: self.stated.currency.clone() })
        };
        (first.min(most)..=most).find_map(with)
    }

    /// What some units cost, in billionths, rounded once, a half away from zero. None: it is too large.
    pub(crate) fn of(&self, quantity: u128) -> Option<Cost> {
        let currency = self.stated.currency.clone();
        let minor = 10_i128.pow(u32::try_from(decimals(&currency)).ok()?);
        let amount = i128::from(self.stated.amount).checked_mul(quantity.try_into().ok()?)?.checked_mul(minor)?;
        let divisor = 10_i128.pow(self.scale()).checked_mul(self.basis.try_into().ok()?)?;
        let (whole, rest) = (amount / divisor, amount % divisor);
        let is_up = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
        let rounded = if is_up { whole.checked_add(rest.signum())? } else { whole };
        Some(Cost { money: Money { amount: i64::try_from(rounded).ok()?, currency }, is_exact: rest == 0 })
    }

    fn scale(&self) -> u32 {
        self.stated.scale.map_or_else(|| u32::try_from(decimals(&self.stated.currency)).unwrap_or_default(), u32::from)
    }
}

#[cfg(test)]
mod tests {
    use tillmesh_plugin::money::parse_unit_price;

    use super::*;
    use crate::number::billionths;

    fn price(text: &str, basis: &str) -> Price {
        let (stated, basis) = (parse_unit_price(text, "EUR").unwrap(), billionths(basis).unwrap());
        Price { text: text.to_owned(), stated, basis }
    }

    #[test]
    fn a_price_for_many_is_a_part_of_it_for_one_where_that_is_a_price() {
        let of_one = |text: &str, basis: &str| price(text, basis).of_one().map(|price| (price.amount, price.scale));
        assert_eq!(of_one("9.25", "1"), Some((925, Some(2))));
        assert_eq!(of_one("210.00", "100"), Some((21_000, Some(4))));
        assert_eq!(of_one("210.00", "12"), Some((17_500, Some(3))));
        assert_eq!(of_one("210.00", "1.5"), Some((14_000, Some(2))));
        assert_eq!(of_one("1.00", "3"), None);
        assert_eq!(of_one("1.000000001", "1000"), None);
    }

    #[test]
    fn what_units_cost_is_rounded_once_from_what_is_exact() {
        let cost = |text: &str, basis: &str, quantity: &str| {
            price(text, basis).of(billionths(quantity).unwrap()).map(|cost| (cost.money.amount, cost.is_exact))
        };
        assert_eq!(cost("210.00", "1.5", "3"), Some((42_000, true)));
        assert_eq!(cost("210.00", "12", "3"), Some((5_250, true)));
        assert_eq!(cost("1.00", "3", "1"), Some((33, false)));
        assert_eq!(cost("1.00", "3", "2"), Some((67, false)));
        assert_eq!(cost("0.005", "1", "1"), Some((1, false)));
        assert_eq!(cost("-0.005", "1", "1"), Some((-1, false)));
        assert_eq!(cost("0.004", "1", "1"), Some((0, false)));
        assert_eq!(cost("4.00", "1", "2.5"), Some((1_000, true)));
        assert_eq!(cost("99999999999999999", "1", "18446744073709551615"), None);
    }
}
