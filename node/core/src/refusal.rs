//! Why a command is refused. A refusal writes nothing and does not use up an idempotency key.

use crate::fleet::Role;
use crate::id::{CartId, EventId};
use crate::storage::StorageError;

/// A refused command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A field breaks a rule.
    #[error("{field} is {value}: {rule}")]
    Invalid {
        /// The field, as a path: `lines[2].quantity`.
        field: String,
        /// The offending value.
        value: String,
        /// The rule in words.
        rule: String,
    },
    /// A SKU that the catalogue does not have, where it must.
    #[error("{field} is {value}: the catalogue has no product of this SKU")]
    UnknownSku {
        /// The field.
        field: String,
        /// The SKU.
        value: String,
    },
    /// It would write where this node holds nothing.
    #[error("{field} is {value}: the scope {scope} is not among those that this node holds (sync.scopes)")]
    ScopeNotHeld {
        /// The field.
        field: String,
        /// Its value.
        value: String,
        /// The scope that it belongs to.
        scope: String,
    },
    /// Amounts of different currencies in one document.
    #[error("{field} is {value}: every amount must have the currency {expected}")]
    Currency {
        /// The field.
        field: String,
        /// The currency found.
        value: String,
        /// The one of the document.
        expected: String,
    },
    /// There is no such thing here.
    #[error("there is no {kind} {id} at this node")]
    NotFound {
        /// `cart`, `order`, `product`.
        kind: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used before for another request (event {event})")]
    KeyReused {
        /// What the key stands for.
        event: EventId,
    },
    /// The cart was checked out.
    #[error("cart {cart} was checked out as order {order}")]
    CheckedOut {
        /// The cart.
        cart: CartId,
        /// Its order.
        order: EventId,
    },
    /// The cart changed while its price was worked out.
    #[error("cart {cart} changed while its price was worked out")]
    CartChanged {
        /// The cart.
        cart: CartId,
    },
    /// The cart holds nothing.
    #[error("cart {cart} has no lines")]
    CartEmpty {
        /// The cart.
        cart: CartId,
    },
    /// More than there is, where goods may not leave unbacked.
    #[error("{field} is {wanted}: only {available} of {sku} are available at {location}")]
    Unbacked {
        /// The field.
        field: String,
        /// The SKU.
        sku: String,
        /// Where.
        location: String,
        /// What was asked for.
        wanted: i64,
        /// What there is.
        available: i64,
    },
    /// More than the order still has: of a return or a fulfilment.
    #[error("{field} is {wanted}: order {order} has {left} of {sku} left to {verb}")]
    MoreThanOrdered {
        /// The field.
        field: String,
        /// The order.
        order: EventId,
        /// The SKU.
        sku: String,
        /// `return` or `fulfil`.
        verb: &'static str,
        /// What was asked for.
        wanted: i64,
        /// What is left.
        left: i64,
    },
    /// This node's role in the fleet does not cover it.
    #[error("{what} is not for this node to write: its role is {}", role.map_or("store, until enrolled", Role::as_str))]
    OutsideRole {
        /// What.
        what: String,
        /// Its role; none: it has no certificate.
        role: Option<Role>,
    },
    /// The store could not be read or written.
    #[error("the store failed: {0}")]
    Storage(#[from] StorageError),
    /// A document could not be used.
    #[error("a document failed: {0}")]
    Document(#[from] crate::document::DocumentError),
}

impl Refusal {
    /// A field breaks a rule.
    pub fn invalid(field: impl Into<String>, value: impl std::fmt::Display, rule: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), value: value.to_string(), rule: rule.into() }
    }
}
