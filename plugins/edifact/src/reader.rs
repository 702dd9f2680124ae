//! What messages share: places, articles, numbers, dates, locations.

use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::money::NoUnits;
use tillmesh_plugin::{Catalogue, Context, Failure, failure};

use crate::date;
use crate::envelope::Message;
use crate::number::{ONE, billionths};
use crate::segment::Segment;

/// With these a line goes on to its parts: places, packages, schedules, allowances. Quantities behind them are theirs.
const PARTS: [&str; 6] = ["ALC", "LOC", "NAD", "PAC", "PCI", "SCC"];

/// What PIA says of a line's article (4347): further numbers of it. Other functions name another article, such as one
/// that it stands in for.
const OWN_NUMBERS: [&str; 3] = ["", "1", "5"];

/// Reads a message, and says where something is wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub message: &'a Message<'a>,
    /// Where the message is, such as `UNB 4711 UNH 1`.
    pub place: &'a str,
    pub context: &'a Context,
    pub catalogue: &'a dyn Catalogue,
}

/// A line: LIN and what follows up to the next one, or to the summary (UNS).
#[derive(Clone, Copy)]
pub(crate) struct Item<'a> {
    pub index: usize,
    pub segments: &'a [Segment<'a>],
}

/// How much of something a line states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantity {
    /// In the partner's unit of measure, in billionths.
    pub stated: u128,
    /// In base units.
    pub units: u64,
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
    pub(crate) fn head(&self) -> &'a [Segment<'a>] {
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

    /// What the document is: BGM.
    pub(crate) fn beginning(&self) -> Result<&'a Segment<'a>, Failure> {
        find(self.head(), "BGM", "").ok_or_else(|| self.malformed("BGM", "", "it is missing"))
    }

    /// The document's number and its function.
    pub(crate) fn document(&self) -> Result<(&'a str, &'a str), Failure> {
        let beginning = self.beginning()?;
        match beginning.get(2, 0) {
            "" => Err(self.malformed("BGM 1004", "", "the document must have a number")),
            number => Ok((number, beginning.get(3, 0))),
        }
    }

    /// The moment of the first date that the head has of these kinds (2005).
    pub(crate) fn moment(&self, kinds: &[&str]) -> Result<i64, Failure> {
        let found = kinds.iter().find_map(|kind| Some((*kind, find(self.head(), "DTM", kind)?)));
        let Some((kind, segment)) = found else {
            return Err(self.malformed("DTM", &kinds.join(" or "), "the message must have such a date"));
        };
        let (text, format) = (segment.get(1, 1), segment.get(1, 2));
        date::moment(text, format).ok_or_else(|| self.malformed(&format!("DTM {kind}"), text, date::RULE))
    }

    /// What the first of the parties (NAD) and places (LOC) of the head of which the settings say something stands for.
    pub(crate) fn location(&self) -> Place {
        let named = |segment: &Segment<'_>| match segment.id() {
            "NAD" | "LOC" => self.context.setting(&format!("location.{}", segment.get(2, 0))),
            _ => None,
        };
        Place::said(self.head().iter().find_map(named))
    }

    /// The article of a line: its GTIN in LIN, its other numbers in PIA.
    pub(crate) fn sku(&self, item: &Item<'a>) -> Result<String, Failure> {
        let in_line = item.segments.iter().filter(|it| it.id() == "LIN").map(|it| (it, 3));
        let others = item.segments.iter().filter(|it| it.id() == "PIA" && OWN_NUMBERS.contains(&it.get(1, 0)));
        let others = others.flat_map(|it| (2..=6).map(move |element| (it, element)));
        let numbers = in_line.chain(others).map(|(it, element)| (kind(it.get(element, 1)), it.get(element, 0)));
        let numbers = numbers.filter(|(_, number)| !number.is_empty());
        let numbers: Vec<_> = numbers.collect();
        let place = format!("LIN[{}]", item.index);
        let Some((_, first)) = numbers.first() else {
            return Err(self.malformed(&place, "", "it names no article: neither LIN nor PIA has a number"));
        };
        let unknown = || failure::unknown_sku(self.at(&place), first, "no product has this GTIN, SKU or reference");
        article::sku(&numbers, self.catalogue).ok_or_else(unknown)
    }

    /// The quantity of a line that is of the first of these kinds (6063) that it has. Several of a kind are parts of
    /// it. Those of the line itself count; where there are none, those of its places and packages do.
    pub(crate) fn quantity(&self, item: &Item<'a>, kinds: &[&str]) -> Result<Quantity, Failure> {
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
        self.sum(&place, &found, measure)
    }

    /// Quantities in one unit of measure together. What is a fraction of that may be whole in base units.
    pub(crate) fn sum(&self, place: &str, parts: &[&Segment<'_>], measure: &str) -> Result<Quantity, Failure> {
        let texts: Vec<_> = parts.iter().map(|part| self.decimal(part.get(1, 1))).collect();
        let fraction = || {
            let rule = "it must be a whole number of the article's base unit";
            failure::rejected(self.at(place), texts.join(" "), rule)
        };
        let too_large = || self.malformed(place, &texts.join(" "), "it is too large");
        let mut stated = 0_u128;
        for text in &texts {
            let part = billionths(text).map_err(|why| match why {
                NoUnits::Broken => self.malformed(place, text, "it must be a decimal number, not below 0"),
                NoUnits::Fraction => fraction(),
            })?;
            stated = stated.checked_add(part).ok_or_else(too_large)?;
        }
        let factor = article::units_in(measure, self.context)?;
        let units = stated.checked_mul(factor.into()).ok_or_else(too_large)?;
        if units % ONE != 0 {
            return Err(fraction());
        }
        Ok(Quantity { stated, units: u64::try_from(units / ONE).map_err(|_| too_large())? })
    }

    /// A number with a point as its decimal mark. Both marks are met, whatever UNA says (ISO 9735 allows both).
    pub(crate) fn decimal(&self, text: &str) -> String {
        let text = text.replace(',', ".");
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
pub(crate) fn find<'a>(segments: &'a [Segment<'a>], id: &str, qualifier: &str) -> Option<&'a Segment<'a>> {
    segments.iter().find(|segment| segment.id() == id && (qualifier.is_empty() || segment.get(1, 0) == qualifier))
}

fn of_kind<'a>(segments: &'a [Segment<'a>], kind: &str) -> Vec<&'a Segment<'a>> {
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
