//! 846, an inventory advice: how much of something the partner has.

use tillmesh_plugin::inbound::Command;
use tillmesh_plugin::levels::{self, Levels, Said};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::{Failure, failure};

use crate::segment::Segment;
use crate::set::Reader;

/// LIN has its pairs of qualifier and article number from here on.
const ARTICLE: usize = 2;
/// Quantity qualifiers (X12 data element 673), the better one first: available for sale, on hand.
const LEVELS: [&str; 2] = ["33", "17"];
/// What a party is (X12 data element 98) that goods are at: a warehouse, a store, whom they go to, whom they come from.
const PLACES: [&str; 4] = ["WH", "SN", "ST", "SF"];

/// What BIA01 says of advices that state levels: original; change, replacement, confirmation, duplicate, status,
/// response, sent again, reissued, final; original that wants no response.
const PURPOSES: [&str; 11] = ["00", "04", "05", "06", "07", "08", "11", "15", "18", "20", "49"];

/// A level for each line, and for each place that a line names.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let beginning = reader.required("BIA")?;
    let as_of = reader.moment("BIA04", reader.element(beginning, 4)?, beginning.get(5))?;
    let mut found = Levels::new(as_of, reader.location());
    let lines = loops(&reader.set.segments, "LIN");
    if lines.is_empty() {
        return Err(reader.malformed("LIN", "", "an inventory advice has one line at least"));
    }
    for (index, line) in lines.iter().enumerate() {
        add(reader, &format!("LIN[{index}]"), line, &mut found)?;
    }
    reader.check_total(lines.len());
    Ok(found.commands())
}

fn add(reader: &Reader<'_>, place: &str, line: &[Segment<'_>], found: &mut Levels) -> Result<(), Failure> {
    let at = format!("{place} QTY02");
    let several = |(one, other): (&Segment<'_>, &Segment<'_>)| {
        let values = format!("{} {}", one.get(2), other.get(2));
        failure::rejected(reader.at(&at), values, "a line states a quantity of one kind once for each place")
    };
    let stated = levels::by_place(&said(line), &LEVELS).map_err(several)?;
    if stated.is_empty() {
        let rule = "a line must have a quantity available for sale (QTY01 33) or on hand (17)";
        return Err(failure::unsupported(reader.at(place), line[0].get(3), rule));
    }
    // What is passed over may be of articles that nobody knows.
    let stated = stated.into_iter().filter(|(of, _)| found.place(*of, reader.context) != Place::Ignored);
    let stated: Vec<_> = stated.collect();
    if stated.is_empty() {
        return Ok(());
    }
    let rule = "this plugin takes advices that state levels, not what cancels one, adds to one, or only proposes";
    reader.check_purpose(reader.required("BIA")?, &PURPOSES, rule)?;
    let sku = reader.sku(place, &line[0], ARTICLE)?;
    for (of, level) in stated {
        let quantity = reader.units(&at, level.get(2), level.get(3))?;
        found.add(&reader.at(place), of, sku.clone(), quantity, reader.context)?;
    }
    Ok(())
}

/// The quantities and places of a line: a location's number (REF LU) or a party (N1).
fn said<'a>(line: &'a [Segment<'a>]) -> Vec<Said<'a, &'a Segment<'a>>> {
    let said = line.iter().filter_map(|segment| match (segment.id(), segment.get(1)) {
        ("QTY", kind) => Some(Said::Quantity(kind, segment)),
        ("REF", "LU") => Some(Said::Place(segment.get(2))),
        ("N1", party) if PLACES.contains(&party) => Some(Said::Place(segment.get(4))),
        _ => None,
    });
    said.filter(|it| !matches!(it, Said::Place(""))).collect()
}

/// The loops that begin with a segment of a name.
fn loops<'a, 'b>(segments: &'b [Segment<'a>], id: &str) -> Vec<&'b [Segment<'a>]> {
    let starts = segments.iter().enumerate().filter(|(_, segment)| segment.id() == id).map(|(place, _)| place);
    let starts: Vec<_> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([segments.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| &segments[start..end]).collect()
}
