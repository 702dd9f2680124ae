//! 846, an inventory advice: how much of something the partner has.

use tillmesh_plugin::inbound::{Command, SetAvailable};
use tillmesh_plugin::{Failure, failure};

use crate::segment::Segment;
use crate::set::Reader;

/// LIN has its pairs of qualifier and article number from here on.
const ARTICLE: usize = 2;
/// Quantity qualifiers (X12 data element 673), the better one first: available for sale, on hand.
const LEVELS: [&str; 2] = ["33", "17"];

/// A level for each line.
pub(crate) fn commands(reader: &Reader<'_>) -> Result<Vec<Command>, Failure> {
    let beginning = reader.required("BIA")?;
    let as_of = reader.moment("BIA04", reader.element(beginning, 4)?, beginning.get(5))?;
    let location = reader.location();
    let mut commands = Vec::new();
    for (index, lines) in loops(&reader.set.segments, "LIN").into_iter().enumerate() {
        let place = format!("LIN[{index}]");
        let sku = reader.sku(&place, &lines[0], ARTICLE)?;
        let level = |qualifier: &&str| lines.iter().find(|it| it.id() == "QTY" && it.get(1) == *qualifier);
        let Some(level) = LEVELS.iter().find_map(level) else {
            let rule = "a line must have a quantity available for sale (QTY01 33) or on hand (17)";
            return Err(failure::unsupported(reader.at(&place), lines[0].get(3), rule));
        };
        let available = reader.units(&format!("{place} QTY02"), level.get(2), level.get(3))?;
        let available = i64::try_from(available).unwrap_or(i64::MAX);
        commands.push(Command::SetAvailable(SetAvailable { sku, available, as_of, location: location.clone() }));
    }
    reader.check_total(commands.len());
    Ok(commands)
}

/// The loops that begin with a segment of a name.
fn loops<'a, 'b>(segments: &'b [Segment<'a>], id: &str) -> Vec<&'b [Segment<'a>]> {
    let starts = segments.iter().enumerate().filter(|(_, segment)| segment.id() == id).map(|(place, _)| place);
    let starts: Vec<_> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([segments.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| &segments[start..end]).collect()
}
