//! INVRPT, an inventory report: how much of something the partner has.

use tillmesh_plugin::Failure;
use tillmesh_plugin::inbound::{Command, SetAvailable};

use crate::reader::Reader;

/// DTM: when stock was looked at, when the document was made.
const DATES: [&str; 3] = ["366", "334", "137"];
/// QTY, the better one first: available for sale, actual stock, on hand.
const LEVELS: [&str; 4] = ["33", "145", "17", "198"];

/// A level for each line.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let (as_of, location) = (reader.moment(&DATES)?, reader.location());
    let items = reader.items();
    reader.check_total(items.len());
    let level = |item| {
        let (sku, (_, quantity)) = (reader.sku(item)?, reader.quantity(item, &LEVELS)?);
        let available = i64::try_from(quantity).unwrap_or(i64::MAX);
        Ok(Command::SetAvailable(SetAvailable { sku, available, as_of, location: location.clone() }))
    };
    items.iter().map(level).collect()
}
