//! Partial replicas: a node holds the scopes that it is interested in, and writes in no other.

use std::fmt::Display;

use super::Engine;
use crate::document::{Interest, Scope};
use crate::id::Name;
use crate::refusal::Refusal;
use crate::storage::Storage;

impl<S: Storage> Engine<S> {
    /// The same with these scopes only; left out, every one. Nothing of another scope is taken in, said or written;
    /// what the store has of one from before stays in it.
    #[must_use]
    pub fn holding(mut self, interest: Interest) -> Self {
        self.interest = interest;
        self
    }

    /// The same as one that gives new batches of others to be passed on, in [`Committed::relays`](super::Committed).
    #[must_use]
    pub const fn relaying(mut self) -> Self {
        self.relays = true;
        self
    }

    /// Checks that what is to be written in a scope can be heard by those who hold it.
    pub(super) fn check_held(&self, field: &str, value: &dyn Display, scope: &Scope) -> Result<(), Refusal> {
        if self.interest.admits(scope) {
            return Ok(());
        }
        Err(Refusal::ScopeNotHeld { field: field.to_owned(), value: value.to_string(), scope: scope.to_string() })
    }

    pub(super) fn check_location_held(&self, field: &str, location: &Name) -> Result<(), Refusal> {
        self.check_held(field, location, &Scope::Stock(location.clone()))
    }

    pub(super) fn check_carts_held(&self) -> Result<(), Refusal> {
        let region = &self.config.region;
        self.check_held("region", region, &Scope::Carts(region.clone()))
    }
}
