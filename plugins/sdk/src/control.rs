//! The control number of the next interchange that is sent: kept in the plugin's state from one call to the next.
//! Outside a node it is 1.

use crate::Failure;

/// The first number.
const FIRST: u32 = 1;
/// Nine digits are what X12 has room for; EDIFACT has more.
#[cfg(target_family = "wasm")]
const LAST: u32 = 999_999_999;

#[cfg(target_family = "wasm")]
const KEY: &str = "control";

/// The next number.
#[cfg(target_family = "wasm")]
pub fn next() -> u32 {
    let kept = crate::state::read(KEY).and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    kept.unwrap_or(FIRST)
}

/// Keeps the number that will be the next one.
///
/// # Errors
/// `retry` where the plugin's state has no room for it.
#[cfg(target_family = "wasm")]
pub fn keep(next: u32) -> Result<(), Failure> {
    let next = if next > LAST { FIRST } else { next };
    let full = |_| crate::failure::retry(KEY, next, "the plugin's state has no room for it");
    crate::state::write(KEY, next.to_string().as_bytes()).map_err(full)
}

/// The next number.
#[cfg(not(target_family = "wasm"))]
pub const fn next() -> u32 {
    FIRST
}

/// Keeps the number that will be the next one.
///
/// # Errors
/// None, outside a node.
#[cfg(not(target_family = "wasm"))]
pub const fn keep(_: u32) -> Result<(), Failure> {
    Ok(())
}
