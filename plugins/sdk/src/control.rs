//! The control number of the next interchange that is sent: kept in the plugin's state from one call to the next.
//! Outside a node it is 1.

use crate::Failure;

/// The first number.
const FIRST: u32 = 1;
/// Nine digits are what X12 has room for; EDIFACT has more.
const LAST: u32 = 999_999_999;

#[cfg(target_family = "wasm")]
const KEY: &str = "control";

/// The number that follows one; the first one again behind the last.
pub const fn after(number: u32) -> u32 {
    if number >= LAST { FIRST } else { number + 1 }
}

/// The next number.
#[cfg(target_family = "wasm")]
pub fn next() -> u32 {
    let kept = crate::state::read(KEY).and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
    kept.filter(|number| (FIRST..=LAST).contains(number)).unwrap_or(FIRST)
}

/// Keeps the number that will be the next one.
///
/// # Errors
/// `retry` where the plugin's state has no room for it.
#[cfg(target_family = "wasm")]
pub fn keep(next: u32) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_again_where_nine_digits_end() {
        assert_eq!((after(1), after(999_999_998), after(LAST)), (2, LAST, FIRST));
    }
}
