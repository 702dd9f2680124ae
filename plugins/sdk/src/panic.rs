//! What the registering macros do about panics.

/// Logs where a panic happened before it ends the call. Not its message, which may quote what was in the message of the
/// channel.
pub fn report() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        crate::log::error(&format!("panicked at {place}"));
    }));
}
