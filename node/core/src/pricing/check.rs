//! The host's check of what a price plugin answered.

use std::collections::BTreeMap;

use super::{Adjustment, MAX_LINES, MAX_PROMOTIONS, PriceResult, PricingInput, text_rule};
use crate::id::Name;
use crate::money::{Currency, InvalidMoney, Money};

/// The most adjustments of one answer: every promotion on ten lines, or ten promotions on every line.
pub const MAX_ADJUSTMENTS: usize = 10 * if MAX_LINES > MAX_PROMOTIONS { MAX_LINES } else { MAX_PROMOTIONS };

/// What an answer comes to, after its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines before promotions.
    pub subtotal: Money,
    /// What is taken off, negative or zero.
    pub discount: Money,
    /// What is to be paid.
    pub total: Money,
    /// Each line by ascending number, with what is taken off it. Adjustments of the whole are in none of them.
    pub lines: Vec<LinePrice>,
}

/// One line, priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePrice {
    /// The line's number.
    pub number: u32,
    /// Its amount before promotions.
    pub amount: Money,
    /// What is taken off it, negative or zero.
    pub discount: Money,
}

/// Why a plugin's price is not taken: a fault of the plugin, not of the customer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrice {
    /// More adjustments than any honest answer has.
    #[error("the price has {count} adjustments, at most {MAX_ADJUSTMENTS} are allowed")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// A promotion that was not given.
    #[error("the price names the promotion {promotion}, which was not among those given")]
    UnknownPromotion {
        /// The promotion.
        promotion: Name,
    },
    /// A line that is not in the cart.
    #[error("promotion {promotion} takes something off line {line}, which is not in the cart")]
    UnknownLine {
        /// The promotion.
        promotion: Name,
        /// The line's number.
        line: u32,
    },
    /// A coupon that was not given, or twice the same.
    #[error("the price reports on the coupon {coupon}, which was not given or is reported twice")]
    Coupon {
        /// The coupon.
        coupon: String,
    },
    /// Another currency.
    #[error("promotion {promotion} takes off {found}, the cart is in {expected}")]
    Currency {
        /// The promotion.
        promotion: Name,
        /// Its currency.
        found: Currency,
        /// The cart's.
        expected: Currency,
    },
    /// An adjustment that makes something dearer.
    #[error("promotion {promotion} adds {amount} minor units: an adjustment must not be above 0")]
    Raises {
        /// The promotion.
        promotion: Name,
        /// The amount.
        amount: i64,
    },
    /// More taken off a line than it costs.
    #[error("line {line} would cost {amount} minor units: a line must not fall below 0")]
    LineBelowZero {
        /// The line's number.
        line: u32,
        /// What it would cost.
        amount: i64,
    },
    /// More taken off than everything costs.
    #[error("everything would cost {amount} minor units: the total must not fall below 0")]
    BelowZero {
        /// What it would cost.
        amount: i64,
    },
    /// A reason that is empty, too long or holds control characters.
    #[error("promotion {promotion} gives a reason that is refused: {rule}")]
    Reason {
        /// The promotion.
        promotion: Name,
        /// The rule in words.
        rule: String,
    },
    /// An amount out of range.
    #[error(transparent)]
    Money(#[from] InvalidMoney),
}

impl PriceResult {
    /// Checks the answer against the input it is for, and adds it up.
    ///
    /// # Errors When the answer names what is not there, has another currency, makes something dearer, or takes more
    /// off a line or the whole than it costs.
    pub fn check(&self, input: &PricingInput) -> Result<Totals, InvalidPrice> {
        if self.adjustments.len() > MAX_ADJUSTMENTS {
            return Err(InvalidPrice::TooMany { count: self.adjustments.len() });
        }
        self.check_coupons(input)?;
        let mut lines: BTreeMap<u32, LinePrice> = input
            .lines
            .iter()
            .map(|line| {
                (
                    line.number,
                    LinePrice { number: line.number, amount: line.amount, discount: Money::zero(input.currency) },
                )
            })
            .collect();
        let mut discount = Money::zero(input.currency);
        for adjustment in &self.adjustments {
            check_adjustment(adjustment, input)?;
            discount = discount.plus(adjustment.amount)?;
            take_off(adjustment, &mut lines)?;
        }
        let zero = Money::zero(input.currency);
        let subtotal = input.lines.iter().try_fold(zero, |sum, line| sum.plus(line.amount))?;
        let total = subtotal.plus(discount)?;
        if total.amount < 0 {
            return Err(InvalidPrice::BelowZero { amount: total.amount });
        }
        Ok(Totals { subtotal, discount, total, lines: lines.into_values().collect() })
    }

    fn check_coupons(&self, input: &PricingInput) -> Result<(), InvalidPrice> {
        let mut left: Vec<_> = input.coupons.iter().collect();
        for outcome in &self.coupons {
            let at = left.iter().position(|coupon| **coupon == outcome.coupon);
            let at = at.ok_or_else(|| InvalidPrice::Coupon { coupon: outcome.coupon.to_string() })?;
            left.swap_remove(at);
        }
        Ok(())
    }
}

fn check_adjustment(adjustment: &Adjustment, input: &PricingInput) -> Result<(), InvalidPrice> {
    let promotion = || adjustment.promotion.clone();
    if !input.promotions.iter().any(|known| known.id == adjustment.promotion) {
        return Err(InvalidPrice::UnknownPromotion { promotion: promotion() });
    }
    let (found, expected) = (adjustment.amount.currency, input.currency);
    if found != expected {
        return Err(InvalidPrice::Currency { promotion: promotion(), found, expected });
    }
    if adjustment.amount.amount > 0 {
        return Err(InvalidPrice::Raises { promotion: promotion(), amount: adjustment.amount.amount });
    }
    match text_rule(&adjustment.reason) {
        Some(rule) => Err(InvalidPrice::Reason { promotion: promotion(), rule }),
        None => Ok(()),
    }
}

fn take_off(adjustment: &Adjustment, lines: &mut BTreeMap<u32, LinePrice>) -> Result<(), InvalidPrice> {
    let Some(line) = adjustment.line else { return Ok(()) };
    let unknown = || InvalidPrice::UnknownLine { promotion: adjustment.promotion.clone(), line };
    let price = lines.get_mut(&line).ok_or_else(unknown)?;
    price.discount = price.discount.plus(adjustment.amount)?;
    let left = price.amount.plus(price.discount)?;
    if left.amount < 0 { Err(InvalidPrice::LineBelowZero { line, amount: left.amount }) } else { Ok(()) }
}
