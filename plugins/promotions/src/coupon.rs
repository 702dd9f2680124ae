//! What became of each coupon.

use tillmesh_plugin::pricing::{Cart, CouponOutcome, CouponStatus, Promotion};

use crate::discount::Remaining;
use crate::offer::{Offer, obstacle_of_conditions};

/// One outcome for each coupon that was given.
pub(crate) fn outcomes(cart: &Cart, best: &Offer<'_>) -> Vec<CouponOutcome> {
    let outcome = |coupon: &String| CouponOutcome { coupon: coupon.clone(), status: status(cart, best, coupon) };
    cart.coupons.iter().map(outcome).collect()
}

fn status(cart: &Cart, best: &Offer<'_>, coupon: &String) -> CouponStatus {
    let promotions = || cart.promotions.iter().filter(|promotion| promotion.coupon.as_ref() == Some(coupon));
    let applied =
        |promotion: &Promotion| best.discounts.iter().any(|(it, lines)| it.id == promotion.id && !lines.is_empty());
    if promotions().any(applied) {
        return CouponStatus::Applied;
    }
    // Of several promotions of one coupon, the one that came furthest tells the customer most.
    promotions()
        .map(|promotion| why_not(cart, promotion))
        .max_by_key(|status| distance(*status))
        .unwrap_or(CouponStatus::Unknown)
}

fn why_not(cart: &Cart, promotion: &Promotion) -> CouponStatus {
    if let Some(obstacle) = obstacle_of_conditions(cart, promotion) {
        return obstacle;
    }
    if Remaining::new(cart).take_off(promotion).is_empty() {
        CouponStatus::NothingToDiscount
    } else {
        CouponStatus::OtherWins
    }
}

fn distance(status: CouponStatus) -> u8 {
    match status {
        CouponStatus::Unknown => 0,
        CouponStatus::NotValidNow => 1,
        CouponStatus::OtherChannel => 2,
        CouponStatus::NothingToDiscount => 3,
        CouponStatus::BelowMinimum => 4,
        CouponStatus::OtherWins => 5,
        CouponStatus::Applied => 6,
    }
}
