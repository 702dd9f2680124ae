//! Promotions: percentage, fixed amount, buy X get Y, coupons.
//!
//! `wit/pricing.wit` says what each field means and how promotions combine; [`offer`] finds the best offer,
//! [`discount`] holds the arithmetic, [`reason`] the words.

use tillmesh_plugin::Failure;
use tillmesh_plugin::pricing::{Cart, PriceResult, Pricing};

mod coupon;
mod discount;
mod offer;
mod reason;
mod rounding;

/// The plugin.
#[derive(Debug)]
pub struct Promotions;

impl Pricing for Promotions {
    fn price(cart: &Cart) -> Result<PriceResult, Failure> {
        let best = offer::best(cart);
        let coupons = coupon::outcomes(cart, &best);
        Ok(PriceResult { adjustments: best.adjustments(cart), coupons })
    }
}

tillmesh_plugin::register_pricing!(Promotions);

#[cfg(test)]
mod tests;
