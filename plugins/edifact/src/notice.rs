//! DESADV, a despatch advice: goods are on their way, or have left for a customer.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::shipment::Shipment;
use tillmesh_plugin::{Failure, failure};

use crate::function::Function;
use crate::reader::{Reader, find};

/// DTM: when it was despatched, when it will be, when the document was made.
const DATES: [&str; 5] = ["11", "17", "137", "2", "35"];
/// QTY: despatched; and as some partners say it, just a quantity.
const DESPATCHED: [&str; 3] = ["12", "1", "21"];
/// 1225: what was not despatched yet.
const PROVISIONAL: &str = "46";

/// What an advice means, as the setting `ship-notice` says.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let (number, code) = reader.document()?;
    // What takes an advice back, replaces it or is a copy of it would book its goods in once more, and of a draft they
    // are not on their way. What is no code says nothing.
    let is_taken = matches!(Function::of(code), Function::Original | Function::NoCode) && code != PROVISIONAL;
    if !is_taken {
        let rule =
            "this plugin takes original advices, not what cancels, changes or replaces one, nor a draft or a copy";
        return Err(failure::unsupported(reader.at("BGM 1225"), code, rule));
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
        shipment.add(of_line.unwrap_or(of_all), reader.sku(item)?, reader.quantity(item, &DESPATCHED)?.units);
    }
    shipment.commands(&reader.at("RFF+ON"), reader.context)
}
