use super::*;

fn usd(amount: i64) -> Money {
    Money { amount, currency: Currency::new("USD").unwrap() }
}

fn line(number: u32, amount: i64) -> PricingLine {
    PricingLine {
        number,
        sku: Sku::new("A").unwrap(),
        quantity: 1,
        unit_price: None,
        amount: usd(amount),
        department: None,
        category: Some("cotton".into()),
    }
}

fn promotion(id: &str) -> Promotion {
    promotion_of(id, PromotionKind::Percentage { basis_points: 1_000 })
}

fn promotion_of(id: &str, kind: PromotionKind) -> Promotion {
    Promotion {
        id: Name::new(id).unwrap(),
        kind,
        coupon: None,
        target: Target::default(),
        minimum_subtotal: None,
        priority: 0,
        combine: Combine::default(),
        valid_from: None,
        valid_until: None,
        channels: vec![],
        limited: false,
    }
}

fn input() -> PricingInput {
    PricingInput {
        effective_at: Timestamp(0),
        currency: Currency::new("USD").unwrap(),
        channel: Name::new("web").unwrap(),
        lines: vec![line(2, 200), line(1, 100)],
        coupons: vec![CouponCode::new("save10").unwrap(), CouponCode::new("SAVE10").unwrap()],
        promotions: vec![promotion("b"), promotion("a")],
        rounding: Rounding::HalfUp,
    }
}

fn off(promotion: &str, line: Option<u32>, amount: i64) -> Adjustment {
    Adjustment { promotion: Name::new(promotion).unwrap(), line, amount: usd(amount), reason: "10 % off".into() }
}

fn check(adjustments: Vec<Adjustment>) -> Result<Totals, InvalidPrice> {
    PriceResult { adjustments, coupons: vec![] }.check(&input().canonical().unwrap())
}

#[test]
fn the_same_purchase_has_the_same_hash_in_any_order() {
    let mut other = input();
    other.lines.reverse();
    other.promotions.reverse();
    other.coupons.truncate(1);
    let (left, right) = (input().canonical().unwrap(), other.canonical().unwrap());
    assert_eq!(left.hash(), right.hash());
    assert_eq!(left.lines[0].number, 1);
}

#[test]
fn bytes_read_back_and_only_the_canonical_ones_are_taken() {
    let canonical = input().canonical().unwrap();
    assert_eq!(PricingInput::from_cbor(&canonical.to_cbor()).unwrap(), canonical);
    assert!(PricingInput::from_cbor(&input().to_cbor()).is_err(), "lines out of order were taken");
    let mut changed = canonical.to_cbor();
    *changed.last_mut().unwrap() ^= 1;
    assert!(PricingInput::from_cbor(&changed).map_or(true, |read| read.hash() != canonical.hash()));
}

#[test]
fn an_input_that_breaks_a_rule_names_the_field() {
    let broken = |change: fn(&mut PricingInput)| {
        let mut input = input();
        change(&mut input);
        input.canonical().unwrap_err().field
    };
    assert_eq!(broken(|input| input.lines[0].quantity = 0), "lines[2].quantity");
    assert_eq!(broken(|input| input.lines[0].amount.amount = -1), "lines[2].amount");
    assert_eq!(broken(|input| input.lines[0].number = 1), "lines[].number");
    assert_eq!(broken(|input| input.lines[0].category = Some("".into())), "lines[2].category");
    assert_eq!(broken(|input| input.promotions[0].id = Name::new("a").unwrap()), "promotions[].id");
    assert_eq!(broken(|input| input.effective_at = Timestamp(-1)), "effective_at");
    let share = broken(|input| input.promotions[0].kind = PromotionKind::Percentage { basis_points: 10_001 });
    assert_eq!(share, "promotions[b].kind.basis_points");
}

#[test]
fn promotions_are_refused_with_field_value_and_rule() {
    let buy = |buy, get, times| PromotionKind::BuyXGetY { buy, get, basis_points: 10_000, reward: None, times };
    let refused = [
        (PromotionKind::Percentage { basis_points: 0 }, "kind.basis_points"),
        (PromotionKind::FixedAmount { amount: usd(0), per: FixedScope::Unit }, "kind.amount"),
        (buy(0, 1, None), "kind.buy"),
        (buy(1, 0, None), "kind.get"),
        (buy(1, 1, Some(0)), "kind.times"),
    ];
    for (kind, field) in refused {
        assert_eq!(promotion_of("x", kind).check().unwrap_err().field, field);
    }
    let empty = Promotion { target: Target::Skus { skus: vec![] }, ..promotion("x") };
    assert_eq!(empty.check().unwrap_err().field, "target");
    let never = Promotion { valid_from: Some(Timestamp(5)), valid_until: Some(Timestamp(5)), ..promotion("x") };
    assert_eq!(never.check().unwrap_err().field, "valid_until");
    let error = promotion_of("x", PromotionKind::Percentage { basis_points: 0 }).check().unwrap_err();
    assert_eq!(
        error.to_string(),
        "promotion x: kind.basis_points: \"0\" is refused: it must lie between 1 and 10000 (100 %)"
    );
}

#[test]
fn coupons_do_not_mind_case_or_white_space() {
    assert_eq!(CouponCode::new(" save10 ").unwrap(), CouponCode::new("SAVE10").unwrap());
    assert_eq!(CouponCode::new("10 %").unwrap_err().kind, "coupon");
}

#[test]
fn an_answer_adds_up_by_line_and_as_a_whole() {
    let totals = check(vec![off("a", Some(1), -10), off("b", Some(1), -9), off("a", None, -31)]).unwrap();
    assert_eq!((totals.subtotal, totals.discount, totals.total), (usd(300), usd(-50), usd(250)));
    assert_eq!(totals.lines[0].discount, usd(-19));
    assert_eq!(totals.lines[1].discount, usd(0));
}

#[test]
fn an_answer_that_takes_liberties_is_refused() {
    use InvalidPrice as E;
    assert!(matches!(check(vec![off("z", Some(1), -1)]), Err(E::UnknownPromotion { .. })));
    assert!(matches!(check(vec![off("a", Some(9), -1)]), Err(E::UnknownLine { line: 9, .. })));
    assert!(matches!(check(vec![off("a", Some(1), 1)]), Err(E::Raises { amount: 1, .. })));
    assert!(matches!(check(vec![off("a", Some(1), -101)]), Err(E::LineBelowZero { line: 1, amount: -1 })));
    assert!(matches!(check(vec![off("a", None, -301)]), Err(E::BelowZero { amount: -1 })));
    assert!(matches!(check(vec![off("a", Some(1), -1); check::MAX_ADJUSTMENTS + 1]), Err(E::TooMany { .. })));
    let euro =
        Adjustment { amount: Money { amount: -1, currency: Currency::new("EUR").unwrap() }, ..off("a", None, 0) };
    assert!(matches!(check(vec![euro]), Err(E::Currency { .. })));
    let mute = Adjustment { reason: "".into(), ..off("a", None, -1) };
    assert!(matches!(check(vec![mute]), Err(E::Reason { .. })));
}

#[test]
fn only_coupons_that_were_given_are_reported_on() {
    let outcome = |code: &str| CouponOutcome { coupon: CouponCode::new(code).unwrap(), status: CouponStatus::Unknown };
    let answer = |coupons| PriceResult { adjustments: vec![], coupons }.check(&input().canonical().unwrap());
    assert!(answer(vec![outcome("SAVE10")]).is_ok());
    assert!(matches!(answer(vec![outcome("OTHER")]), Err(InvalidPrice::Coupon { .. })));
    assert!(matches!(answer(vec![outcome("SAVE10"), outcome("SAVE10")]), Err(InvalidPrice::Coupon { .. })));
}
