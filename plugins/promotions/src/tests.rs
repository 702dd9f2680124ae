//! Promotions, by what a customer would expect of each.

use tillmesh_plugin::Money;
use tillmesh_plugin::pricing::{
    BuyXGetY, CartLine, Combine, CouponStatus, FixedAmount, FixedScope, Percentage, Promotion, PromotionKind, Rounding,
    Target,
};

use super::*;

mod medusa;

fn usd(amount: i64) -> Money {
    Money { amount, currency: "USD".to_owned() }
}

fn line(number: u32, sku: &str, quantity: u64, amount: i64) -> CartLine {
    CartLine { number, sku: sku.to_owned(), quantity, unit_price: None, amount, department: None, category: None }
}

fn cart(lines: Vec<CartLine>, promotions: Vec<Promotion>) -> Cart {
    Cart {
        effective_at: 1_000,
        currency: "USD".to_owned(),
        channel: "web".to_owned(),
        lines,
        coupons: vec![],
        promotions,
        rounding: Rounding::HalfUp,
    }
}

fn promotion(id: &str, kind: PromotionKind) -> Promotion {
    Promotion {
        id: id.to_owned(),
        kind,
        coupon: None,
        target: Target::Everything,
        minimum_subtotal: None,
        priority: 0,
        combine: Combine::WithOthers,
        valid_from: None,
        valid_until: None,
        channels: vec![],
    }
}

fn percent(basis_points: u32) -> PromotionKind {
    PromotionKind::Percentage(Percentage { basis_points })
}

fn fixed(amount: i64, per: FixedScope) -> PromotionKind {
    PromotionKind::FixedAmount(FixedAmount { amount: usd(amount), per })
}

fn buy(buy: u32, get: u32) -> BuyXGetY {
    BuyXGetY { buy, get, basis_points: 10_000, reward: None, times: None }
}

fn skus(skus: &[&str]) -> Target {
    Target::Skus(skus.iter().map(ToString::to_string).collect())
}

/// Line and amount of each adjustment.
fn taken(cart: &Cart) -> Vec<(u32, i64)> {
    let result = Promotions::price(cart).unwrap();
    result.adjustments.iter().map(|it| (it.line.unwrap(), it.amount)).collect()
}

#[test]
fn a_percentage_is_rounded_once_a_line() {
    let lines = || vec![line(1, "A", 3, 105), line(2, "B", 1, 115), line(3, "C", 1, 0)];
    assert_eq!(taken(&cart(lines(), vec![promotion("p", percent(1_000))])), [(1, -11), (2, -12)]);
    let even = Cart { rounding: Rounding::HalfEven, ..cart(lines(), vec![promotion("p", percent(1_000))]) };
    assert_eq!(taken(&even), [(1, -10), (2, -12)]);
    let down = Cart { rounding: Rounding::Down, ..cart(lines(), vec![promotion("p", percent(1_000))]) };
    assert_eq!(taken(&down), [(1, -10), (2, -11)]);
}

#[test]
fn a_fixed_amount_is_split_to_the_last_cent_and_never_more_than_is_left() {
    let lines = || vec![line(1, "A", 1, 100), line(2, "B", 1, 100), line(3, "C", 1, 100)];
    assert_eq!(
        taken(&cart(lines(), vec![promotion("p", fixed(100, FixedScope::Target))])),
        [(1, -34), (2, -33), (3, -33)]
    );
    assert_eq!(
        taken(&cart(lines(), vec![promotion("p", fixed(999, FixedScope::Target))])),
        [(1, -100), (2, -100), (3, -100)]
    );
    let euro = FixedAmount { amount: Money { amount: 5, currency: "EUR".to_owned() }, per: FixedScope::Target };
    assert_eq!(taken(&cart(lines(), vec![promotion("p", PromotionKind::FixedAmount(euro))])), []);
}

#[test]
fn a_fixed_amount_for_each_unit_counts_units() {
    let lines = vec![line(1, "A", 3, 1_000), line(2, "B", 2, 30)];
    assert_eq!(taken(&cart(lines, vec![promotion("p", fixed(20, FixedScope::Unit))])), [(1, -60), (2, -30)]);
}

#[test]
fn targets_are_skus_categories_or_departments() {
    let mut lines = vec![line(1, "A", 1, 100), line(2, "B", 1, 100), line(3, "C", 1, 100)];
    lines[1].category = Some("tea".to_owned());
    lines[2].department = Some("food".to_owned());
    for (target, number) in [
        (skus(&["A", "X"]), 1),
        (Target::Categories(vec!["tea".to_owned()]), 2),
        (Target::Departments(vec!["food".to_owned()]), 3),
    ] {
        let only = Promotion { target, ..promotion("p", percent(10_000)) };
        assert_eq!(taken(&cart(lines.clone(), vec![only])), [(number, -100)]);
    }
}

#[test]
fn the_cheapest_units_are_free() {
    let deal = |deal: BuyXGetY| vec![promotion("p", PromotionKind::BuyXGetY(deal))];
    // Five units make one set of three; the cheapest of them costs 40.
    let lines = || vec![line(1, "A", 2, 200), line(2, "B", 2, 80), line(3, "C", 1, 90)];
    assert_eq!(taken(&cart(lines(), deal(buy(2, 1)))), [(2, -40)]);
    assert_eq!(taken(&cart(lines(), deal(buy(1, 1)))), [(2, -80)]);
    assert_eq!(taken(&cart(lines(), deal(BuyXGetY { times: Some(1), ..buy(1, 1) }))), [(2, -40)]);
    assert_eq!(taken(&cart(lines(), deal(BuyXGetY { basis_points: 5_000, ..buy(2, 1) }))), [(2, -20)]);
    assert_eq!(taken(&cart(vec![line(1, "A", 2, 200)], deal(buy(2, 1)))), []);
    assert_eq!(taken(&cart(vec![line(1, "A", 3, 100)], deal(buy(2, 1)))), [(1, -33)]);
}

#[test]
fn a_reward_of_its_own_is_not_bought_by_itself() {
    let deal = BuyXGetY { reward: Some(skus(&["COOKIE"])), ..buy(2, 1) };
    let deal = Promotion { target: skus(&["TEA", "COOKIE"]), ..promotion("p", PromotionKind::BuyXGetY(deal)) };
    let lines = |teas, cookies| vec![line(1, "TEA", teas, 500), line(2, "COOKIE", cookies, 90)];
    assert_eq!(taken(&cart(lines(4, 3), vec![deal.clone()])), [(2, -60)]);
    assert_eq!(taken(&cart(lines(1, 3), vec![deal.clone()])), []);
    assert_eq!(taken(&cart(lines(9, 3), vec![deal])), [(2, -90)]);
}

#[test]
fn promotions_that_combine_go_by_priority_each_on_what_is_left() {
    let half = Promotion { priority: 1, ..promotion("z", percent(5_000)) };
    let ten = promotion("a", fixed(10, FixedScope::Target));
    let lines = || vec![line(1, "A", 1, 100)];
    assert_eq!(taken(&cart(lines(), vec![ten.clone(), half.clone()])), [(1, -50), (1, -10)]);
    let later = Promotion { priority: -1, ..half };
    assert_eq!(taken(&cart(lines(), vec![ten, later])), [(1, -10), (1, -45)]);
}

#[test]
fn an_exclusive_promotion_wins_only_when_it_takes_more_off() {
    let lines = || vec![line(1, "A", 1, 100)];
    let alone = |id: &str, share| Promotion { combine: Combine::Exclusive, ..promotion(id, percent(share)) };
    let winner = |promotions| Promotions::price(&cart(lines(), promotions)).unwrap().adjustments[0].promotion.clone();
    assert_eq!(winner(vec![promotion("a", percent(1_000)), alone("x", 2_000)]), "x");
    assert_eq!(winner(vec![promotion("a", percent(2_000)), alone("x", 2_000)]), "a");
    assert_eq!(winner(vec![alone("x", 2_000), alone("y", 2_000)]), "x");
    let preferred = Promotion { priority: 1, ..alone("y", 2_000) };
    assert_eq!(winner(vec![alone("x", 2_000), preferred]), "y");
}

#[test]
fn conditions_hold_to_the_moment_and_to_the_cent() {
    let base = || promotion("p", percent(1_000));
    let applies = |promotion| !taken(&cart(vec![line(1, "A", 1, 100)], vec![promotion])).is_empty();
    assert!(applies(Promotion { valid_from: Some(1_000), ..base() }));
    assert!(!applies(Promotion { valid_from: Some(1_001), ..base() }));
    assert!(applies(Promotion { valid_until: Some(1_001), ..base() }));
    assert!(!applies(Promotion { valid_until: Some(1_000), ..base() }));
    assert!(applies(Promotion { minimum_subtotal: Some(usd(100)), ..base() }));
    assert!(!applies(Promotion { minimum_subtotal: Some(usd(101)), ..base() }));
    assert!(applies(Promotion { channels: vec!["web".to_owned()], ..base() }));
    assert!(!applies(Promotion { channels: vec!["till".to_owned()], ..base() }));
    assert!(!applies(Promotion { coupon: Some("SAVE".to_owned()), ..base() }));
}

#[test]
fn each_coupon_is_told_what_became_of_it() {
    let of =
        |id: &str, coupon: &str, share| Promotion { coupon: Some(coupon.to_owned()), ..promotion(id, percent(share)) };
    let promotions = vec![
        of("a", "APPLIED", 1_000),
        Promotion { valid_until: Some(1), ..of("b", "PAST", 1_000) },
        Promotion { channels: vec!["till".to_owned()], ..of("c", "TILL", 1_000) },
        Promotion { minimum_subtotal: Some(usd(1_000)), ..of("d", "MORE", 1_000) },
        Promotion { target: skus(&["Z"]), ..of("e", "NOTHING", 1_000) },
        Promotion { combine: Combine::Exclusive, ..of("f", "LOSES", 100) },
    ];
    let codes = ["APPLIED", "PAST", "TILL", "MORE", "NOTHING", "LOSES", "GUESS"];
    let coupons = codes.map(ToString::to_string).to_vec();
    let result = Promotions::price(&Cart { coupons, ..cart(vec![line(1, "A", 1, 100)], promotions) }).unwrap();
    let statuses: Vec<_> = result.coupons.iter().map(|outcome| outcome.status).collect();
    use CouponStatus as S;
    let expected =
        [S::Applied, S::NotValidNow, S::OtherChannel, S::BelowMinimum, S::NothingToDiscount, S::OtherWins, S::Unknown];
    assert_eq!(statuses, expected);
}

#[test]
fn reasons_read_like_a_receipt() {
    let reason = |promotion: Promotion| reason::of(&promotion);
    assert_eq!(reason(promotion("p", percent(1_000))), "10 % off");
    assert_eq!(reason(promotion("p", percent(1_250))), "12.5 % off");
    assert_eq!(reason(promotion("p", fixed(5, FixedScope::Target))), "0.05 USD off");
    assert_eq!(reason(promotion("p", fixed(1_200, FixedScope::Unit))), "12.00 USD off each");
    assert_eq!(reason(promotion("p", PromotionKind::BuyXGetY(buy(2, 1)))), "buy 2, get 1 free");
    let coupon = Promotion { coupon: Some("SAVE10".to_owned()), ..promotion("p", percent(1_000)) };
    assert_eq!(reason(coupon), "10 % off (coupon SAVE10)");
}

#[test]
fn amounts_at_the_edge_of_the_range_do_not_wrap() {
    let most = 1_000_000_000_000_000;
    let lines = vec![line(1, "A", 1_000_000_000_000, most), line(2, "B", 1, most)];
    assert_eq!(taken(&cart(lines.clone(), vec![promotion("p", percent(10_000))])), [(1, -most), (2, -most)]);
    assert_eq!(
        taken(&cart(lines.clone(), vec![promotion("p", fixed(most, FixedScope::Unit))])),
        [(1, -most), (2, -most)]
    );
    assert_eq!(
        taken(&cart(lines, vec![promotion("p", fixed(most, FixedScope::Target))])),
        [(1, -most / 2), (2, -most / 2)]
    );
}
