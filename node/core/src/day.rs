//! A day of trade: what its ledgers add up to, and which day is open.

mod open;
mod report;
mod tally;

pub use open::{DOUBT_MILLIS, Doubt, OpenDay};
pub use report::{Asked, Closed, Ledger, Report, latest, open, read};
pub use tally::{CASH, Tally};

use crate::document::DocumentId;
use crate::id::EventId;

/// The id of the event that ends a ledger: there is one, whoever asks for it how often.
pub fn close_of(ledger: &DocumentId) -> EventId {
    EventId::hash_of("tillmesh day close", &[&ledger.to_bytes()])
}
