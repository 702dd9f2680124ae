//! Prices through a component: the promotions that ship, and answers that are not to be trusted.

use tillmesh_core::money::{Currency, Money, Rounding};
use tillmesh_core::pricing::{Combine, CouponCode, CouponStatus, PricingLine, Promotion, PromotionKind, Target};

use super::*;

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

fn line(number: u32, text: &str, quantity: u64, amount: i64) -> PricingLine {
    let (unit_price, department) = (None, None);
    PricingLine {
        number,
        sku: sku(text),
        quantity,
        unit_price,
        amount: usd(amount),
        department,
        category: Some("tea".into()),
    }
}

fn promotion(id: &str, kind: PromotionKind, coupon: Option<&str>) -> Promotion {
    Promotion {
        id: name(id),
        kind,
        coupon: coupon.map(|code| CouponCode::new(code).unwrap()),
        target: Target::Everything {},
        minimum_subtotal: None,
        priority: 0,
        combine: Combine::WithOthers,
        valid_from: None,
        valid_until: None,
        channels: vec![],
        limited: false,
    }
}

fn input(lines: u32, coupons: &[&str]) -> PricingInput {
    let share = PromotionKind::Percentage { basis_points: 1_000 };
    let free = PromotionKind::BuyXGetY { buy: 2, get: 1, basis_points: 10_000, reward: None, times: None };
    PricingInput {
        effective_at: Timestamp(1_000_000),
        currency: Currency::new("USD").unwrap(),
        channel: name("web"),
        lines: (1..=lines).map(|number| line(number, &format!("SKU-{number}"), 1, 1_000 + i64::from(number))).collect(),
        coupons: coupons.iter().map(|code| CouponCode::new(code).unwrap()).collect(),
        promotions: vec![promotion("ten", share, Some("SAVE10")), promotion("three-for-two", free, None)],
        rounding: Rounding::HalfUp,
    }
    .canonical()
    .unwrap()
}

#[test]
fn promotions_are_taken_off_with_reasons_and_coupons_are_reported_on() {
    let plugin = installed("promotions", Limits::DEFAULT);
    let priced = plugin.price(&input(3, &["SAVE10", "GUESS"])).unwrap();
    // Ten percent of 1001, 1002 and 1003 first, then the cheapest of what is left, 901, is free.
    assert_eq!((priced.totals.subtotal, priced.totals.total), (usd(3_006), usd(902 + 903)));
    let reasons: Vec<&str> = priced.result.adjustments.iter().map(|it| &*it.reason).collect();
    assert_eq!(reasons[0], "10 % off (coupon SAVE10)");
    assert_eq!(reasons[3], "buy 2, get 1 free");
    let statuses: Vec<_> = priced.result.coupons.iter().map(|it| (it.coupon.as_str(), it.status)).collect();
    assert_eq!(statuses, [("GUESS", CouponStatus::Unknown), ("SAVE10", CouponStatus::Applied)]);
}

#[test]
fn the_same_cart_has_the_same_price_to_the_byte_and_the_same_fuel() {
    let plugin = installed("promotions", Limits::DEFAULT);
    let first = plugin.price(&input(20, &["SAVE10"])).unwrap();
    let host = PluginHost::new(HostOptions::default()).unwrap();
    let elsewhere = host.install(&component("promotions"), Limits::DEFAULT).unwrap();
    let second = elsewhere.price(&input(20, &["SAVE10"])).unwrap();
    assert_eq!(first.result.to_cbor(), second.result.to_cbor());
    assert_eq!(first.report.fuel, second.report.fuel);
    assert_eq!(plugin.hash(), elsewhere.hash());
    let other = elsewhere.price(&input(20, &[])).unwrap();
    assert_ne!(first.result.hash(), other.result.hash());
}

#[test]
fn the_largest_cart_fits_the_default_limits() {
    let mut large = input(u32::try_from(tillmesh_core::pricing::MAX_LINES).unwrap(), &["SAVE10"]);
    for index in large.promotions.len()..tillmesh_core::pricing::MAX_PROMOTIONS {
        let share = PromotionKind::Percentage { basis_points: 100 };
        let combine = if index < 10 { Combine::WithOthers } else { Combine::Exclusive };
        large.promotions.push(Promotion { combine, ..promotion(&format!("p{index}"), share, None) });
    }
    let error = installed("promotions", Limits::DEFAULT).price(&large.canonical().unwrap()).err();
    assert!(error.is_none(), "{error:?}");
}

#[test]
fn answers_that_take_liberties_are_refused() {
    let plugin = installed("dishonest", Limits::DEFAULT);
    assert!(plugin.price(&input(2, &["HONEST"])).is_ok());
    for (coupon, rule) in [
        ("TOO-MUCH", "a line must not fall below 0"),
        ("ONE-TOO-MUCH", "the total must not fall below 0"),
        ("DEARER", "an adjustment must not be above 0"),
        ("NO-LINE", "line 99, which is not in the cart"),
    ] {
        let error = plugin.price(&input(2, &[coupon])).unwrap_err();
        assert!(matches!(&error.fault, CallFault::Answer { detail } if detail.contains(rule)), "{coupon}: {error}");
    }
    let error = plugin.price(&input(2, &["FAIL"])).unwrap_err();
    assert_eq!(error.to_string(), "rejected: it is not for sale");
}
