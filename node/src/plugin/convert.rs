//! Between the records of `wit/` and the node's own. What comes from a guest is checked here, once: beyond this there
//! are only valid names, currencies and amounts.

use std::fmt::Display;

pub(super) mod inbound;
pub(super) mod outbound;
pub(super) mod pricing;
pub(super) mod types;

/// What a guest's answer breaks, in words.
pub(super) type Refused = String;

/// Says where a value was, which is written out only where something is wrong with it.
fn at<T, E: Display>(field: impl Display, result: Result<T, E>) -> Result<T, Refused> {
    result.map_err(|error| format!("{field}: {error}"))
}

/// The same for a value that may be left out.
fn at_option<V, T, E: Display>(
    field: &str,
    value: Option<V>,
    take: impl FnOnce(V) -> Result<T, E>,
) -> Result<Option<T>, Refused> {
    at(field, value.map(take).transpose())
}
