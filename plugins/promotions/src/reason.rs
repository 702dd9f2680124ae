//! Why something is taken off, in words for the receipt.

use tillmesh_plugin::Money;
use tillmesh_plugin::money::decimals;
use tillmesh_plugin::pricing::{FixedScope, Promotion, PromotionKind};

/// The reason that a promotion gives, such as `10 % off (coupon SAVE10)`.
pub(crate) fn of(promotion: &Promotion) -> String {
    let what = match &promotion.kind {
        PromotionKind::Percentage(percentage) => format!("{} off", percent(percentage.basis_points)),
        PromotionKind::FixedAmount(fixed) => match fixed.per {
            FixedScope::Target => format!("{} off", money(&fixed.amount)),
            FixedScope::Unit => format!("{} off each", money(&fixed.amount)),
        },
        PromotionKind::BuyXGetY(deal) => {
            let less = if deal.basis_points == 10_000 {
                "free".to_owned()
            } else {
                format!("{} off", percent(deal.basis_points))
            };
            format!("buy {}, get {} {less}", deal.buy, deal.get)
        }
    };
    match &promotion.coupon {
        Some(coupon) => format!("{what} (coupon {coupon})"),
        None => what,
    }
}

fn percent(basis_points: u32) -> String {
    let (whole, fraction) = (basis_points / 100, basis_points % 100);
    match fraction {
        0 => format!("{whole} %"),
        _ => format!("{} %", format!("{whole}.{fraction:02}").trim_end_matches('0')),
    }
}

fn money(money: &Money) -> String {
    let width = decimals(&money.currency);
    let digits = format!("{:0>1$}", money.amount, width + 1);
    let (whole, fraction) = digits.split_at(digits.len() - width);
    let point = if width == 0 { "" } else { "." };
    format!("{whole}{point}{fraction} {}", money.currency)
}
