//! A channel that is told.

use crate::{Catalogue, Context, Failure};

pub use crate::bindings::outbound::exports::tillmesh::channel::outbound::{
    AvailabilityChanged, Event, OrderCancelled, OrderFulfilled, OutboundMessage, ProductChanged,
};

/// Puts what happened into the channel's own format. Register it with [`crate::register_outbound!`].
pub trait Outbound {
    /// The messages for events, in the order in which they happened. Events that the channel does not care for give
    /// none.
    ///
    /// # Errors
    /// When an event cannot be rendered; the cause decides what the node does with it.
    fn render(events: &[Event], context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<OutboundMessage>, Failure>;
}

/// Makes a type that implements [`outbound::Outbound`](crate::outbound::Outbound) the plugin's `outbound`.
#[macro_export]
macro_rules! register_outbound {
    ($plugin:ty) => {
        // Elsewhere there is nobody to call it, but it must be one all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$plugin as $crate::outbound::Outbound>::render;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Guest;

            impl $crate::bindings::outbound::exports::tillmesh::channel::outbound::Guest for Guest {
                fn render(
                    events: ::std::vec::Vec<$crate::outbound::Event>,
                    context: $crate::Context,
                ) -> ::core::result::Result<::std::vec::Vec<$crate::outbound::OutboundMessage>, $crate::Failure>
                {
                    $crate::panic::report();
                    <$plugin as $crate::outbound::Outbound>::render(&events, &context, &$crate::Node)
                }
            }

    $crate::bindings::outbound::export_outbound!(Guest with_types_in $crate::bindings::outbound);
        };
    };
}
