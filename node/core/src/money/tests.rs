use proptest::prelude::*;

use super::*;

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

#[test]
fn currencies_are_those_of_iso_4217_with_a_minor_unit() {
    assert_eq!(Currency::new("JPY").unwrap().exponent(), 0);
    assert_eq!(Currency::new("KWD").unwrap().exponent(), 3);
    for bad in ["usd", "US", "USDX", "QQQ", "XAU", ""] {
        assert!(Currency::new(bad).is_err(), "{bad:?} was taken");
    }
}

#[test]
fn a_unit_price_in_tenths_of_a_penny_rounds_the_product_once() {
    let price = UnitPrice { amount: 1_555, scale: Some(3), currency: Currency::new("GBP").unwrap() };
    assert_eq!(price.times(1, Rounding::HalfUp).unwrap().amount, 156);
    assert_eq!(price.times(2, Rounding::HalfUp).unwrap().amount, 311);
    assert_eq!(price.times(-1, Rounding::HalfUp).unwrap().amount, -156);
    assert_eq!(price.times(1, Rounding::Down).unwrap().amount, 155);
}

#[test]
fn a_price_that_no_catalogue_takes_is_refused_and_not_worked_out() {
    let price = |amount, scale| UnitPrice { amount, scale, currency: Currency::new("GBP").unwrap() };
    for bad in [price(1, Some(MAX_SCALE + 1)), price(1, Some(u8::MAX)), price(i64::MAX, None), price(i64::MIN, Some(9))]
    {
        assert!(bad.times(1, Rounding::HalfUp).is_err(), "{bad:?}");
    }
    assert_eq!(price(1_500_000_000, Some(MAX_SCALE)).times(2, Rounding::HalfUp).unwrap().amount, 300);
}

#[test]
fn rounding_modes_differ_on_halves_only() {
    let halves = [(5, 10), (15, 10), (25, 10), (-5, 10), (-15, 10)];
    let round = |mode: Rounding| halves.map(|(n, d)| mode.divide(n, d));
    assert_eq!(round(Rounding::HalfUp), [1, 2, 3, -1, -2]);
    assert_eq!(round(Rounding::HalfEven), [0, 2, 2, 0, -2]);
    assert_eq!(round(Rounding::Down), [0, 1, 2, 0, -1]);
}

#[test]
fn sums_refuse_mixed_currencies_and_overflow() {
    let euro = Money { amount: 1, currency: Currency::new("EUR").unwrap() };
    assert!(matches!(usd(1).plus(euro), Err(InvalidMoney::Mixed { .. })));
    assert!(matches!(usd(MAX_AMOUNT).plus(usd(1)), Err(InvalidMoney::Range { .. })));
    assert!(matches!(usd(1).split(&[0, 0]), Err(InvalidMoney::NoWeights)));
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole(
        amount in -MAX_AMOUNT..MAX_AMOUNT,
        weights in prop::collection::vec(0_u64..1_000_000, 1..40),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let parts = usd(amount).split(&weights).unwrap();
        prop_assert_eq!(parts.iter().map(|part| part.amount).sum::<i64>(), amount);
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(*weight > 0 || part.amount == 0);
            prop_assert!(part.amount == 0 || part.amount.signum() == amount.signum());
        }
    }

    #[test]
    fn a_price_times_a_quantity_is_off_by_less_than_one_minor_unit(
        amount in 0_i64..1_000_000_000,
        scale in 0_u8..=MAX_SCALE,
        quantity in -10_000_i64..10_000,
    ) {
        let price = UnitPrice { amount, scale: Some(scale), currency: Currency::new("USD").unwrap() };
        if let Ok(total) = price.times(quantity, Rounding::HalfUp) {
            let exact = i128::from(amount) * i128::from(quantity) * 100;
            let unit = 10_i128.pow(u32::from(scale));
            prop_assert!((i128::from(total.amount) * unit - exact).abs() * 2 <= unit);
        }
    }
}
