//! 856, a ship notice: goods are on their way, or have left for a customer.

use std::collections::BTreeMap;

use tillmesh_plugin::Failure;
use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::location::Place;
use tillmesh_plugin::shipment::Shipment;

use crate::segment::Segment;
use crate::set::Reader;

/// LIN has its pairs of qualifier and article number from here on.
const ARTICLE: usize = 2;
/// What BSN01 says of notices of goods that no other one named: original; confirmation, advance notification, sent
/// again, final; original that wants no response. What repeats, takes back or replaces one would book its goods in once
/// more.
const PURPOSES: [&str; 6] = ["00", "06", "14", "15", "20", "49"];

/// What a notice means, as the setting `ship-notice` says: a shipment for each location that it names.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let beginning = reader.required("BSN")?;
    let number = reader.element(beginning, 2)?;
    let shipped_at = reader.moment("BSN03", reader.element(beginning, 3)?, beginning.get(4))?;
    let (lines, mut shipments) = (lines(reader), BTreeMap::new());
    if lines.is_empty() {
        return Err(reader.malformed("SN1", "", "a ship notice has one line at least"));
    }
    for (index, line) in lines.into_iter().enumerate() {
        let location = match line.place {
            // What is passed over may be of articles that nobody knows.
            Place::Ignored => continue,
            ref place => place.clone().named(),
        };
        let rule = "this plugin takes original notices, not what repeats, cancels, changes or replaces one, or only \
                    proposes";
        reader.check_purpose(beginning, &PURPOSES, rule)?;
        let (sku, quantity) = line.goods(reader, index)?;
        let new = || Shipment::new(number.to_owned(), shipped_at, location.clone());
        shipments.entry(location.clone()).or_insert_with(new).add(line.order, sku, quantity);
    }
    let mut commands = Vec::new();
    for shipment in shipments.into_values() {
        commands.extend(shipment.commands(&reader.at("PRF01"), reader.context)?);
    }
    Ok(commands)
}

/// A line, and what the loops that it stands in say.
struct Line<'a> {
    place: Place,
    order: &'a str,
    /// LIN; none: there is none before it.
    item: Option<&'a Segment<'a>>,
    /// SN1.
    shipped: &'a Segment<'a>,
}

impl Line<'_> {
    fn goods(&self, reader: &Reader<'_>, index: usize) -> Result<(String, u64), Failure> {
        let (at, text) = (format_args!("SN1[{index}].02"), self.shipped.get(2));
        let missing = || reader.malformed(at, text, "no LIN before it says of what");
        let sku = reader.sku(format_args!("LIN[{index}]"), self.item.ok_or_else(missing)?, ARTICLE)?;
        Ok((sku, reader.units(at, text, self.shipped.get(3))?))
    }
}

fn lines<'a>(reader: &Reader<'a>) -> Vec<Line<'a>> {
    let (mut lines, mut destination) = (Vec::new(), Destination::new());
    let (mut order, mut item) = ("", None);
    for segment in &reader.set.segments {
        match segment.id() {
            "HL" => {
                let level = segment.get(3);
                destination.enter(level);
                // What is said of an order holds for what is below it.
                order = if ["S", "O"].contains(&level) { "" } else { order };
                item = None;
            }
            "N1" => destination.hear(|| reader.place_of(segment)),
            "PRF" => order = segment.get(1),
            "LIN" => item = Some(segment),
            "SN1" => lines.push(Line { place: destination.place(), order, item, shipped: segment }),
            _ => {}
        }
    }
    lines
}

/// Where goods go: where the loop of their order says, or else that of the shipment. In each the first party counts of
/// which the settings say something.
struct Destination {
    of_shipment: Place,
    of_order: Place,
    /// Whether parties are those of a shipment, of an order, or of something below.
    level: Level,
}

#[derive(Clone, Copy)]
enum Level {
    Shipment,
    Order,
    Below,
}

impl Destination {
    const fn new() -> Self {
        Self { of_shipment: Place::Unsaid, of_order: Place::Unsaid, level: Level::Shipment }
    }

    /// Begins a loop of a level (HL03).
    fn enter(&mut self, level: &str) {
        match level {
            "S" => *self = Self::new(),
            "O" => (self.of_order, self.level) = (Place::Unsaid, Level::Order),
            _ => self.level = Level::Below,
        }
    }

    fn hear(&mut self, place: impl FnOnce() -> Place) {
        let known = match self.level {
            Level::Shipment => &mut self.of_shipment,
            Level::Order => &mut self.of_order,
            Level::Below => return,
        };
        if *known == Place::Unsaid {
            *known = place();
        }
    }

    fn place(&self) -> Place {
        let said = if self.of_order == Place::Unsaid { &self.of_shipment } else { &self.of_order };
        said.clone()
    }
}
