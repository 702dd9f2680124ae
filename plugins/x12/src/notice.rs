//! 856, a ship notice: goods are on their way, or have left for a customer.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::shipment::Shipment;
use tillmesh_plugin::{Failure, failure};

use crate::set::Reader;

/// LIN has its pairs of qualifier and article number from here on.
const ARTICLE: usize = 2;

/// What a notice means, as the setting `ship-notice` says.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let beginning = reader.required("BSN")?;
    // What takes a notice back or replaces it would book its goods in once more.
    if ["01", "02", "03", "04", "05"].contains(&beginning.get(1)) {
        let rule = "this plugin takes original notices, not what cancels, changes or replaces one";
        return Err(failure::unsupported(reader.at("BSN01"), beginning.get(1), rule));
    }
    let number = reader.element(beginning, 2)?.to_owned();
    let shipped_at = reader.moment("BSN03", reader.element(beginning, 3)?, beginning.get(4))?;
    let mut shipment = Shipment::new(number, shipped_at, reader.location().named());
    let (mut order, mut item, mut count) = ("", None, 0);
    for segment in &reader.set.segments {
        match segment.id() {
            "PRF" => order = segment.get(1),
            // What is said of an order holds for what is below it.
            "HL" if ["S", "O"].contains(&segment.get(3)) => (order, item) = ("", None),
            "HL" => item = None,
            "LIN" => item = Some(reader.sku(&format!("LIN[{count}]"), segment, ARTICLE)?),
            "SN1" => {
                let place = format!("SN1[{count}].02");
                let quantity = reader.units(&place, segment.get(2), segment.get(3))?;
                let missing = || reader.malformed(&place, segment.get(2), "no LIN before it says of what");
                shipment.add(order, item.clone().ok_or_else(missing)?, quantity);
                count += 1;
            }
            _ => {}
        }
    }
    if count == 0 {
        return Err(reader.malformed("SN1", "", "a ship notice has one line at least"));
    }
    shipment.commands(&reader.at("PRF01"), reader.context)
}
