//! Says why nothing is made of a message: which field, which value, which rule. The rule finishes the sentence "the
//! value is refused: ...". Never put something personal into a value: failures are kept and shown.

use crate::{Detail, Failure};

/// The message breaks its own format.
pub fn malformed(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Failure {
    Failure::Malformed(detail(field, value, rule))
}

/// The message is well formed and the plugin does not handle it.
pub fn unsupported(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Failure {
    Failure::Unsupported(detail(field, value, rule))
}

/// The message names an article that the catalogue does not know.
pub fn unknown_sku(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Failure {
    Failure::UnknownSku(detail(field, value, rule))
}

/// The message breaks a rule of the trade.
pub fn rejected(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Failure {
    Failure::Rejected(detail(field, value, rule))
}

/// Something is not there yet; the node tries again later.
pub fn retry(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Failure {
    Failure::Retry(detail(field, value, rule))
}

/// Values are shown to find the place, not to keep the message: the message itself is kept beside the failure.
const MAX_VALUE: usize = 80;

fn detail(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Detail {
    let value = value.to_string().chars().take(MAX_VALUE).collect();
    Detail { field: field.into(), value, rule: rule.into() }
}
