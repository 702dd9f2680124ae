//! Which promotions take part, and which offer wins.

use std::cmp::Reverse;

use tillmesh_plugin::pricing::{Adjustment, Cart, Combine, CouponStatus, Promotion, PromotionKind};

use crate::discount::{Discounts, Remaining};
use crate::reason;

/// What a set of promotions takes off.
pub(crate) struct Offer<'a> {
    /// The promotions, in the order in which they are applied, each with how much of which line it takes off.
    pub discounts: Vec<(&'a Promotion, Discounts)>,
}

impl<'a> Offer<'a> {
    fn of(cart: &Cart, promotions: &[&'a Promotion]) -> Self {
        let mut remaining = Remaining::new(cart);
        let discounts = promotions.iter().map(|promotion| (*promotion, remaining.take_off(promotion))).collect();
        Self { discounts }
    }

    fn total(&self) -> u64 {
        self.discounts.iter().flat_map(|(_, lines)| lines).map(|(_, amount)| amount).sum()
    }

    /// One adjustment for each line of each promotion, with its reason.
    pub(crate) fn adjustments(&self, cart: &Cart) -> Vec<Adjustment> {
        let mut adjustments = Vec::new();
        for (promotion, lines) in &self.discounts {
            let reason = reason::of(promotion);
            for (index, amount) in lines {
                // A discount is at most the amount of its line, so it fits.
                let amount = -i64::try_from(*amount).unwrap_or(cart.lines[*index].amount);
                let (promotion, line) = (promotion.id.clone(), Some(cart.lines[*index].number));
                adjustments.push(Adjustment { promotion, line, amount, reason: reason.clone() });
            }
        }
        adjustments
    }
}

/// The offer that takes most off: all promotions that combine, or one exclusive one. Among equals the first of: those
/// that combine, the exclusive ones by priority, by id.
pub(crate) fn best(cart: &Cart) -> Offer<'_> {
    let mut promotions: Vec<&Promotion> = cart.promotions.iter().filter(|it| obstacle(cart, it).is_none()).collect();
    promotions.sort_by(|left, right| (Reverse(left.priority), &left.id).cmp(&(Reverse(right.priority), &right.id)));
    let (combining, exclusive): (Vec<_>, Vec<_>) =
        promotions.into_iter().partition(|promotion| promotion.combine == Combine::WithOthers);
    let offers = exclusive.into_iter().map(|promotion| Offer::of(cart, &[promotion]));
    // An offer must take strictly more off to replace one that comes before it.
    offers.fold(Offer::of(cart, &combining), |best, offer| if offer.total() > best.total() { offer } else { best })
}

/// What keeps a promotion from taking part, other than a coupon that was not given.
pub(crate) fn obstacle_of_conditions(cart: &Cart, promotion: &Promotion) -> Option<CouponStatus> {
    let at = cart.effective_at;
    if promotion.valid_from.is_some_and(|from| at < from) || promotion.valid_until.is_some_and(|until| at >= until) {
        return Some(CouponStatus::NotValidNow);
    }
    if !promotion.channels.is_empty() && !promotion.channels.contains(&cart.channel) {
        return Some(CouponStatus::OtherChannel);
    }
    let subtotal: i128 = cart.lines.iter().map(|line| i128::from(line.amount)).sum();
    let below = promotion
        .minimum_subtotal
        .as_ref()
        .is_some_and(|minimum| minimum.currency != cart.currency || subtotal < i128::from(minimum.amount));
    if below {
        return Some(CouponStatus::BelowMinimum);
    }
    match &promotion.kind {
        PromotionKind::FixedAmount(fixed) if fixed.amount.currency != cart.currency => {
            Some(CouponStatus::NothingToDiscount)
        }
        _ => None,
    }
}

fn obstacle(cart: &Cart, promotion: &Promotion) -> Option<CouponStatus> {
    let given = |coupon: &String| cart.coupons.contains(coupon);
    if promotion.coupon.as_ref().is_some_and(|coupon| !given(coupon)) {
        return Some(CouponStatus::Unknown);
    }
    obstacle_of_conditions(cart, promotion)
}
