//! A channel that wants every message acknowledged.

use crate::{Context, Failure, Message};

pub use crate::bindings::acknowledgement::exports::tillmesh::channel::acknowledgement::{Answer, Outcome};

/// Acknowledges messages. Register it with [`crate::register_acknowledgement!`].
pub trait Acknowledgement {
    /// What a message is answered that was taken, or refused and why. None: it gets no answer, as messages that are
    /// acknowledgements themselves.
    ///
    /// # Errors
    /// When no answer can be made; the node logs it, and the message stays taken or refused.
    fn acknowledge(message: &Message, outcome: &Outcome, context: &Context) -> Result<Option<Answer>, Failure>;
}

/// Makes a type that implements [`acknowledgement::Acknowledgement`](crate::acknowledgement::Acknowledgement) the
/// plugin's `acknowledgement`.
#[macro_export]
macro_rules! register_acknowledgement {
    ($plugin:ty) => {
        // Elsewhere there is nobody to call it, but it must be one all the same.
        #[cfg(not(target_family = "wasm"))]
        const _: () = {
            let _ = <$plugin as $crate::acknowledgement::Acknowledgement>::acknowledge;
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Guest;

            impl $crate::bindings::acknowledgement::exports::tillmesh::channel::acknowledgement::Guest for Guest {
                fn acknowledge(
                    message: $crate::Message,
                    outcome: $crate::acknowledgement::Outcome,
                    context: $crate::Context,
                ) -> ::core::result::Result<
                    ::core::option::Option<$crate::acknowledgement::Answer>,
                    $crate::Failure,
                > {
                    $crate::panic::report();
                    <$plugin as $crate::acknowledgement::Acknowledgement>::acknowledge(&message, &outcome, &context)
                }
            }

    $crate::bindings::acknowledgement::export_acknowledgement!(Guest with_types_in $crate::bindings::acknowledgement);
        };
    };
}
