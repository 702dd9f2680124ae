//! DESADV, a despatch advice: goods are on their way, or have left for a customer.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::shipment::Shipment;
use tillmesh_plugin::{Failure, failure};

use crate::reader::{Reader, find};

/// DTM: when it was despatched, when it will be, when the document was made.
const DATES: [&str; 5] = ["11", "17", "137", "2", "35"];
/// QTY: despatched; and as some partners say it, just a quantity.
const DESPATCHED: [&str; 3] = ["12", "1", "21"];

/// What an advice means, as the setting `ship-notice` says.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let (number, function) = reader.document()?;
    // What takes an advice back or replaces it would book its goods in once more.
    if ["1", "2", "3", "4", "5"].contains(&function) {
        let rule = "this plugin takes original advices, not what cancels, changes or replaces one";
        return Err(failure::unsupported(reader.at("BGM 1225"), function, rule));
    }
    let mut shipment = Shipment::new(number.to_owned(), reader.moment(&DATES)?, reader.location().named());
    let of_all = find(reader.head(), "RFF", "ON").map_or("", |order| order.get(1, 1));
    let items = reader.items();
    if items.is_empty() {
        return Err(reader.malformed("LIN", "", "a despatch advice has one line at least"));
    }
    reader.check_total(items.len());
    for item in &items {
        let of_line = find(item.segments, "RFF", "ON").map(|order| order.get(1, 1));
        shipment.add(of_line.unwrap_or(of_all), reader.sku(item)?, reader.quantity(item, &DESPATCHED)?.1);
    }
    shipment.commands(&reader.at("RFF+ON"), reader.context)
}
