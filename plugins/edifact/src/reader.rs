//! What messages share: places, articles, numbers, dates, locations.

use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::money::{NoUnits, parse_units};
use tillmesh_plugin::{Catalogue, Context, Failure, dates, failure};

use crate::envelope::Message;
use crate::segment::{Segment, Separators};

/// With these a line goes on to its parts: places, packages, schedules, allowances. Quantities behind them are theirs.
const PARTS: [&str; 6] = ["ALC", "LOC", "NAD", "PAC", "PCI", "SCC"];

/// Reads a message, and says where something is wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub message: &'a Message,
    /// Where the message is, such as `UNB 4711 UNH 1`.
    pub place: &'a str,
    pub separators: Separators,
    pub context: &'a Context,
    pub catalogue: &'a dyn Catalogue,
}

/// A line: LIN and what follows up to the next one, or to the summary (UNS).
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub index: usize,
    pub segments: &'a [Segment],
}

impl<'a> Reader<'a> {
    /// The name of a place in the message, such as `UNB 4711 UNH 1 LIN[2] QTY`.
    pub(crate) fn at(&self, place: &str) -> String {
        format!("{} {place}", self.place)
    }

    pub(crate) fn malformed(&self, place: &str, value: &str, rule: &str) -> Failure {
        failure::malformed(self.at(place), value, rule)
    }

    /// The segments before the first line.
    pub(crate) fn head(&self) -> &'a [Segment] {
        let segments = &self.message.segments;
        let end = segments.iter().position(|segment| segment.id() == "LIN").unwrap_or(segments.len());
        &segments[..end]
    }

    /// The lines.
    pub(crate) fn items(&self) -> Vec<Item<'a>> {
        let segments = &self.message.segments;
        let end = segments.iter().position(|segment| ["UNS", "CNT", "UNT"].contains(&segment.id()));
        let segments = &segments[..end.unwrap_or(segments.len())];
        let starts = segments.iter().enumerate().filter(|(_, segment)| segment.id() == "LIN").map(|(place, _)| place);
        let starts: Vec<_> = starts.collect();
        let ends = starts.iter().skip(1).copied().chain([segments.len()]);
        let spans = starts.iter().copied().zip(ends).enumerate();
        spans.map(|(index, (start, end))| Item { index, segments: &segments[start..end] }).collect()
    }

    /// The document's number and its function: BGM.
    pub(crate) fn document(&self) -> Result<(&'a str, &'a str), Failure> {
        let beginning = find(self.head(), "BGM", "").ok_or_else(|| self.malformed("BGM", "", "it is missing"))?;
        match beginning.get(2, 0) {
            "" => Err(self.malformed("BGM 1004", "", "the document must have a number")),
            number => Ok((number, beginning.get(3, 0))),
        }
    }

    /// The moment of the first date that the head has of these kinds (2005), in UTC.
    pub(crate) fn moment(&self, kinds: &[&str]) -> Result<i64, Failure> {
        let found = kinds.iter().find_map(|kind| Some((*kind, find(self.head(), "DTM", kind)?)));
        let Some((kind, segment)) = found else {
            return Err(self.malformed("DTM", &kinds.join(" or "), "the message must have such a date"));
        };
        let (text, format) = (segment.get(1, 1), segment.get(1, 2));
        let broken =
            || self.malformed(&format!("DTM {kind}"), text, "it must be a date of format 101, 102, 203 or 204");
        let (date, time) = match format {
            "101" => (text, ""),
            "102" | "203" | "204" | "" => text.split_at_checked(8).ok_or_else(broken)?,
            _ => return Err(broken()),
        };
        dates::moment(date, time).ok_or_else(broken)
    }

    /// What the first of the parties (NAD) and places (LOC) of the head of which the settings say something stands for.
    pub(crate) fn location(&self) -> Place {
        let named = |segment: &Segment| match segment.id() {
            "NAD" | "LOC" => self.context.setting(&format!("location.{}", segment.get(2, 0))),
            _ => None,
        };
        Place::said(self.head().iter().find_map(named))
    }

    /// The article of a line: its GTIN in LIN, its other numbers in PIA.
    pub(crate) fn sku(&self, item: &Item<'a>) -> Result<String, Failure> {
        let in_line = item.segments.iter().filter(|it| it.id() == "LIN").map(|it| it.element(3));
        let others = item.segments.iter().filter(|it| it.id() == "PIA").flat_map(|it| (2..=6).map(|at| it.element(at)));
        let numbers = in_line.chain(others).filter_map(|number| {
            let text = number.first()?.trim();
            (!text.is_empty()).then(|| (kind(number.get(1).map_or("", |kind| kind.trim())), text))
        });
        let numbers: Vec<_> = numbers.collect();
        let place = format!("LIN[{}]", item.index);
        let Some((_, first)) = numbers.first() else {
            return Err(self.malformed(&place, "", "it names no article: neither LIN nor PIA has a number"));
        };
        let unknown = || failure::unknown_sku(self.at(&place), first, "no product has this GTIN, SKU or reference");
        article::sku(&numbers, self.catalogue).ok_or_else(unknown)
    }

    /// The quantity of a line that is of the first of these kinds (6063) that it has, as it is stated and in base
    /// units. Several of a kind are parts of it. Those of the line itself count; where there are none, those of its
    /// places and packages do.
    pub(crate) fn quantity(&self, item: &Item<'a>, kinds: &[&str]) -> Result<(u64, u64), Failure> {
        let place = format!("LIN[{}] QTY", item.index);
        let end = item.segments.iter().position(|segment| PARTS.contains(&segment.id()));
        let (own, parts) = item.segments.split_at(end.unwrap_or(item.segments.len()));
        let all = kinds.iter().flat_map(|kind| [own, parts].map(|segments| of_kind(segments, kind)));
        let Some(found) = all.into_iter().find(|found| !found.is_empty()) else {
            return Err(self.malformed(&place, &kinds.join(" or "), "the line must have such a quantity"));
        };
        let measure = found[0].get(1, 2);
        if let Some(other) = found.iter().map(|part| part.get(1, 2)).find(|other| *other != measure) {
            let rule = "the line states parts of its quantity in several units of measure";
            return Err(failure::rejected(self.at(&place), format!("{measure} {other}"), rule));
        }
        found.into_iter().try_fold((0_u64, 0_u64), |(stated, units), part| {
            let (more_stated, more_units) = self.units(&place, part)?;
            let sum = stated.checked_add(more_stated).zip(units.checked_add(more_units));
            sum.ok_or_else(|| self.malformed(&place, part.get(1, 1), "it is too large"))
        })
    }

    /// A quantity as it is stated, and in base units.
    pub(crate) fn units(&self, place: &str, quantity: &Segment) -> Result<(u64, u64), Failure> {
        let text = self.decimal(quantity.get(1, 1));
        let stated = parse_units(&text).map_err(|why| match why {
            NoUnits::Broken => self.malformed(place, &text, "it must be a decimal number, not below 0"),
            NoUnits::Fraction => {
                failure::rejected(self.at(place), &text, "it must be a whole number of the article's base unit")
            }
        })?;
        let units = stated.checked_mul(article::units_in(quantity.get(1, 2), self.context)?);
        Ok((stated, units.ok_or_else(|| self.malformed(place, &text, "it is too large"))?))
    }

    /// A number with a point as its decimal mark. Both marks are met, whatever UNA says (ISO 9735 allows both).
    pub(crate) fn decimal(&self, text: &str) -> String {
        let text = text.replace([self.separators.decimal, ','], ".");
        let text = text.trim_end_matches('.');
        if text.starts_with('.') { format!("0{text}") } else { text.to_owned() }
    }

    /// Says so where the message states another number of lines (CNT+2) than it has: that is not repaired.
    pub(crate) fn check_total(&self, lines: usize) {
        let stated = find(&self.message.segments, "CNT", "2").map(|total| total.get(1, 1));
        if let Some(stated) = stated.filter(|stated| stated.parse() != Ok(lines)) {
            let message = self.message.reference();
            tillmesh_plugin::log::warn(&format!("UNH {message}: CNT+2 says {stated} lines, there are {lines}"));
        }
    }
}

/// The first segment of a name whose first component is this; any, where that is empty.
pub(crate) fn find<'a>(segments: &'a [Segment], id: &str, qualifier: &str) -> Option<&'a Segment> {
    segments.iter().find(|segment| segment.id() == id && (qualifier.is_empty() || segment.get(1, 0) == qualifier))
}

fn of_kind<'a>(segments: &'a [Segment], kind: &str) -> Vec<&'a Segment> {
    segments.iter().filter(|segment| segment.id() == "QTY" && segment.get(1, 0) == kind).collect()
}

/// What an item number type (7143) says that a number is.
fn kind(code: &str) -> Kind {
    match code {
        "EN" | "UP" | "SRV" | "GTI" | "UA" | "EAN" | "" => Kind::Gtin,
        "SA" | "VN" | "VP" => Kind::Seller,
        _ => Kind::Other,
    }
}
