//! INVRPT, an inventory report: how much of something the partner has.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::levels::{self, Levels, Said};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::{Failure, failure};

use crate::function::Function;
use crate::reader::{Item, Reader};
use crate::segment::Segment;

/// DTM: when stock was looked at, when the document was made.
const DATES: [&str; 3] = ["366", "334", "137"];
/// QTY, the better one first: available, actual stock, on hand.
const LEVELS: [&str; 3] = ["60", "145", "17"];
/// LOC: where goods are, a warehouse, a factory. Others say where they come from or go to.
const PLACES: [&str; 3] = ["14", "18", "19"];

/// A level for each line, and for each place that a line names.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let code = reader.beginning()?.get(3, 0);
    let is_stated = match Function::of(code) {
        Function::Original | Function::Replacement | Function::NoCode => true,
        // A level is what it is, whether it is added, changed or told once more.
        Function::Other => ["2", "4", "31"].contains(&code),
        Function::Cancellation => false,
    };
    if !is_stated {
        let rule = "this plugin takes what states levels, not what takes them back, nor a draft";
        return Err(failure::unsupported(reader.at("BGM 1225"), code, rule));
    }
    let mut found = Levels::new(reader.moment(&DATES)?, reader.location());
    let items = reader.items();
    if items.is_empty() {
        return Err(reader.malformed("LIN", "", "an inventory report has one line at least"));
    }
    reader.check_total(items.len());
    for item in &items {
        add(reader, item, &mut found)?;
    }
    Ok(found.commands())
}

fn add(reader: &Reader<'_>, item: &Item<'_>, found: &mut Levels) -> Result<(), Failure> {
    let place = format!("LIN[{}] QTY", item.index);
    let several = |(one, other): (&Segment<'_>, &Segment<'_>)| {
        let values = format!("{} {}", one.get(1, 1), other.get(1, 1));
        failure::rejected(reader.at(&place), values, "a line states a quantity of one kind once for each place")
    };
    let stated = levels::by_place(&said(item), &LEVELS).map_err(several)?;
    if stated.is_empty() {
        return Err(reader.malformed(&place, &LEVELS.join(" or "), "the line must have such a quantity"));
    }
    // What is passed over may be of articles that nobody knows.
    let stated = stated.into_iter().filter(|(of, _)| found.place(*of, reader.context) != Place::Ignored);
    let stated: Vec<_> = stated.collect();
    if stated.is_empty() {
        return Ok(());
    }
    let sku = reader.sku(item)?;
    for (of, level) in stated {
        let quantity = reader.sum(&place, &[level], level.get(1, 2))?.units;
        found.add(&reader.at(&place), of, sku.clone(), quantity, reader.context)?;
    }
    Ok(())
}

/// The quantities (QTY) and places of stock (LOC) of a line.
fn said<'a>(item: &Item<'a>) -> Vec<Said<'a, &'a Segment<'a>>> {
    let said = item.segments.iter().filter_map(|segment| match segment.id() {
        "QTY" => Some(Said::Quantity(segment.get(1, 0), segment)),
        "LOC" if PLACES.contains(&segment.get(1, 0)) => Some(Said::Place(segment.get(2, 0))),
        _ => None,
    });
    said.filter(|it| !matches!(it, Said::Place(""))).collect()
}
