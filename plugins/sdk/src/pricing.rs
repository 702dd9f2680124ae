//! Promotions.

use crate::Failure;

pub use crate::bindings::pricing::exports::tillmesh::channel::pricing::{
    Adjustment, BuyXGetY, Cart, CartLine, Combine, CouponOutcome, CouponStatus, FixedAmount, FixedScope, Percentage,
    PriceResult, Promotion, PromotionKind, Rounding, Target,
};

/// Says what is taken off a cart. Register it with [`crate::register_pricing!`].
pub trait Pricing {
    /// What is taken off, each amount with its reason: a function of the cart and of nothing else, so that every node
    /// comes to the same.
    ///
    /// # Errors
    /// When the cart cannot be priced. Coupons that nobody knows are no error.
    fn price(cart: &Cart) -> Result<PriceResult, Failure>;
}

/// Makes a type that implements [`pricing::Pricing`](crate::pricing::Pricing) the plugin's `pricing`.
#[macro_export]
macro_rules! register_pricing {
    ($plugin:ty) => {
        // Elsewhere there is nobody to call it, but it must be one all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$plugin as $crate::pricing::Pricing>::price;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Guest;

            impl $crate::bindings::pricing::exports::tillmesh::channel::pricing::Guest for Guest {
                fn price(
                    cart: $crate::pricing::Cart,
                ) -> ::core::result::Result<$crate::pricing::PriceResult, $crate::Failure> {
                    $crate::panic::report();
                    <$plugin as $crate::pricing::Pricing>::price(&cart)
                }
            }

    $crate::bindings::pricing::export_pricing!(Guest with_types_in $crate::bindings::pricing);
        };
    };
}
