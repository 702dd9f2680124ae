//! Carts and what is taken off them.

use tillmesh_core::id::Name;
use tillmesh_core::money::{Currency, Money, Rounding};
use tillmesh_core::pricing::{
    Adjustment, Combine, CouponCode, CouponOutcome, CouponStatus, FixedScope, PriceResult, PricingInput, PricingLine,
    Promotion, PromotionKind, Target,
};

use super::types::{money_out, unit_price_out};
use super::{Refused, at};
use crate::plugin::bindings::exports::tillmesh::channel::pricing as wit;

pub(in crate::plugin) fn cart_out(input: &PricingInput) -> wit::Cart {
    wit::Cart {
        effective_at: input.effective_at.0,
        currency: input.currency.to_string(),
        channel: input.channel.to_string(),
        lines: input.lines.iter().map(line_out).collect(),
        coupons: input.coupons.iter().map(ToString::to_string).collect(),
        promotions: input.promotions.iter().map(promotion_out).collect(),
        rounding: match input.rounding {
            Rounding::HalfUp => wit::Rounding::HalfUp,
            Rounding::HalfEven => wit::Rounding::HalfEven,
            Rounding::Down => wit::Rounding::Down,
        },
    }
}

pub(in crate::plugin) fn result_in(result: wit::PriceResult, currency: Currency) -> Result<PriceResult, Refused> {
    let adjustments = result.adjustments.into_iter().enumerate();
    let adjustments =
        adjustments.map(|(index, it)| at(format_args!("adjustments[{index}]"), adjustment_in(it, currency)));
    let coupons = result.coupons.iter().enumerate();
    let coupons = coupons.map(|(index, it)| at(format_args!("coupons[{index}]"), coupon_in(it)));
    Ok(PriceResult { adjustments: adjustments.collect::<Result<_, _>>()?, coupons: coupons.collect::<Result<_, _>>()? })
}

fn adjustment_in(adjustment: wit::Adjustment, currency: Currency) -> Result<Adjustment, Refused> {
    Ok(Adjustment {
        promotion: at("promotion", Name::new(&adjustment.promotion))?,
        line: adjustment.line,
        amount: at("amount", Money { amount: adjustment.amount, currency }.checked())?,
        reason: adjustment.reason.into(),
    })
}

fn coupon_in(outcome: &wit::CouponOutcome) -> Result<CouponOutcome, Refused> {
    let status = match outcome.status {
        wit::CouponStatus::Applied => CouponStatus::Applied,
        wit::CouponStatus::Unknown => CouponStatus::Unknown,
        wit::CouponStatus::NotValidNow => CouponStatus::NotValidNow,
        wit::CouponStatus::OtherChannel => CouponStatus::OtherChannel,
        wit::CouponStatus::BelowMinimum => CouponStatus::BelowMinimum,
        wit::CouponStatus::NothingToDiscount => CouponStatus::NothingToDiscount,
        wit::CouponStatus::OtherWins => CouponStatus::OtherWins,
    };
    Ok(CouponOutcome { coupon: at("coupon", CouponCode::new(&outcome.coupon))?, status })
}

fn line_out(line: &PricingLine) -> wit::CartLine {
    wit::CartLine {
        number: line.number,
        sku: line.sku.to_string(),
        quantity: line.quantity,
        unit_price: line.unit_price.as_ref().map(unit_price_out),
        amount: line.amount.amount,
        department: line.department.as_ref().map(ToString::to_string),
        category: line.category.as_ref().map(ToString::to_string),
    }
}

fn promotion_out(promotion: &Promotion) -> wit::Promotion {
    wit::Promotion {
        id: promotion.id.to_string(),
        kind: kind_out(&promotion.kind),
        coupon: promotion.coupon.as_ref().map(ToString::to_string),
        target: target_out(&promotion.target),
        minimum_subtotal: promotion.minimum_subtotal.as_ref().map(money_out),
        priority: promotion.priority,
        combine: match promotion.combine {
            Combine::WithOthers => wit::Combine::WithOthers,
            Combine::Exclusive => wit::Combine::Exclusive,
        },
        valid_from: promotion.valid_from.map(|at| at.0),
        valid_until: promotion.valid_until.map(|at| at.0),
        channels: promotion.channels.iter().map(ToString::to_string).collect(),
    }
}

fn kind_out(kind: &PromotionKind) -> wit::PromotionKind {
    match kind {
        PromotionKind::Percentage { basis_points } => {
            wit::PromotionKind::Percentage(wit::Percentage { basis_points: *basis_points })
        }
        PromotionKind::FixedAmount { amount, per } => wit::PromotionKind::FixedAmount(wit::FixedAmount {
            amount: money_out(amount),
            per: match per {
                FixedScope::Target => wit::FixedScope::Target,
                FixedScope::Unit => wit::FixedScope::Unit,
            },
        }),
        PromotionKind::BuyXGetY { buy, get, basis_points, reward, times } => {
            wit::PromotionKind::BuyXGetY(wit::BuyXGetY {
                buy: *buy,
                get: *get,
                basis_points: *basis_points,
                reward: reward.as_ref().map(target_out),
                times: *times,
            })
        }
    }
}

fn target_out(target: &Target) -> wit::Target {
    let texts = |texts: &[Box<str>]| texts.iter().map(ToString::to_string).collect();
    match target {
        Target::Everything {} => wit::Target::Everything,
        Target::Skus { skus } => wit::Target::Skus(skus.iter().map(ToString::to_string).collect()),
        Target::Categories { categories } => wit::Target::Categories(texts(categories)),
        Target::Departments { departments } => wit::Target::Departments(texts(departments)),
    }
}
