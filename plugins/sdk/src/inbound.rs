//! A channel that is listened to.

use crate::{Catalogue, Context, Failure, Message, failure, limits};

pub use crate::bindings::inbound::exports::tillmesh::channel::inbound::{
    AdjustStock, CancelOrder, Command, CountStock, FulfilOrder, PlaceOrder, ReceiveStock, RecordReturn, RecordSale,
    SetAvailable, Translation,
};

/// Says what a channel's messages mean. Register it with [`crate::register_inbound!`].
pub trait Inbound {
    /// What a message means, its whole body in `message.piece.bytes`. All commands of a message take effect, or none.
    ///
    /// # Errors
    /// When the message cannot be understood or is not handled; the cause decides what the node does with it.
    fn translate(message: &Message, context: &Context, catalogue: &dyn Catalogue) -> Result<Vec<Command>, Failure>;

    /// What a piece of a larger body means. Left as it is, the plugin takes whole bodies only.
    ///
    /// # Errors
    /// As for [`Inbound::translate`].
    fn translate_piece(
        message: &Message,
        context: &Context,
        catalogue: &dyn Catalogue,
    ) -> Result<Translation, Failure> {
        if !message.is_whole() {
            let rule = "this plugin takes whole bodies only, and the body is larger than one call may take";
            return Err(failure::unsupported("body", "", rule));
        }
        let commands = Self::translate(message, context, catalogue)?;
        Ok(Translation { commands, carry: Vec::new() })
    }

    /// Holds commands against what a node takes, before they are handed over. Leave it as it is: what the node refuses
    /// then, it refuses without a word of where in the message it stood.
    ///
    /// # Errors
    /// `malformed`, for the first field that breaks its rule.
    fn check(commands: &[Command]) -> Result<(), Failure> {
        limits::check_all(commands)
    }
}

/// Makes a type that implements [`inbound::Inbound`](crate::inbound::Inbound) the plugin's `inbound`.
#[macro_export]
macro_rules! register_inbound {
    ($plugin:ty) => {
        // Elsewhere there is nobody to call it, but it must be one all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$plugin as $crate::inbound::Inbound>::translate_piece;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Guest;

            impl $crate::bindings::inbound::exports::tillmesh::channel::inbound::Guest for Guest {
                fn translate(
                    message: $crate::Message,
                    context: $crate::Context,
                ) -> ::core::result::Result<$crate::inbound::Translation, $crate::Failure> {
                    $crate::panic::report();
                    let translation =
                        <$plugin as $crate::inbound::Inbound>::translate_piece(&message, &context, &$crate::Node)?;
                    <$plugin as $crate::inbound::Inbound>::check(&translation.commands)?;
                    Ok(translation)
                }
            }

    $crate::bindings::inbound::export_inbound!(Guest with_types_in $crate::bindings::inbound);
        };
    };
}
