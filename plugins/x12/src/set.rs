//! What transaction sets share: places, articles, numbers, dates, locations.

use std::fmt::Display;

use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::{Catalogue, Context, Failure, dates, failure};

use crate::envelope::Set;
use crate::number::{self, Quantity};
use crate::segment::Segment;

/// Product id qualifiers (X12 data element 235) that mean a GTIN: UCC-12, EAN-8, EAN-13, GTIN-14 and their like.
const GTIN: [&str; 9] = ["UP", "UA", "UI", "UN", "EN", "EO", "UK", "UD", "UG"];
/// Qualifiers of U.P.C. numbers without their check digit, each with how many digits that leaves: 1-5-5, 2-5-5, 2-5-5
/// and 1-1-5-5.
const UNCHECKED: [(&str, usize); 4] = [("UI", 11), ("UA", 12), ("UD", 12), ("UN", 12)];
/// Qualifiers that mean the number of whoever sells.
const OF_SELLER: [&str; 4] = ["VN", "VP", "VC", "VA"];
/// Qualifiers of what an article is like, of the one piece or batch of it, or of a document: no number of an article,
/// though some article may have the same. Brand, batch, colours, sizes, countries, groups, lots, serial numbers, orders
/// and contracts, descriptions, stages of development.
const ATTRIBUTES: [&str; 28] = [
    "B8", "BE", "BL", "BO", "CG", "CH", "CL", "CM", "CN", "CR", "EC", "IZ", "LT", "ON", "PD", "PL", "PO", "RN", "SI",
    "SL", "SM", "SN", "SP", "SZ", "VB", "VE", "VO", "VT",
];

/// The setting that names the sets in which a partner takes what becomes of his orders.
const ANSWERS: &str = "order-acknowledgement";

/// Whether the partner takes a set that says what becomes of an order, by the setting `order-acknowledgement`.
pub(crate) fn takes(context: &Context, set: &str) -> bool {
    context.setting(ANSWERS).is_some_and(|stated| stated.split([' ', ',']).any(|taken| taken == set))
}

/// Reads a set, and says where something is wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub set: &'a Set<'a>,
    /// Where the set is, such as `ISA 000000224 GS 77 ST 0001`.
    pub place: &'a str,
    pub context: &'a Context,
    pub catalogue: &'a dyn Catalogue,
}

impl<'a> Reader<'a> {
    /// The name of a place in the set, such as `ISA 000000224 GS 77 ST 0001 PO1[2].02`.
    pub(crate) fn at(&self, place: impl Display) -> String {
        format!("{} {place}", self.place)
    }

    pub(crate) fn malformed(&self, place: impl Display, value: &str, rule: &str) -> Failure {
        failure::malformed(self.at(place), value, rule)
    }

    /// The first segment of a name.
    pub(crate) fn first(&self, id: &str) -> Option<&'a Segment<'a>> {
        self.set.segments.iter().find(|segment| segment.id() == id)
    }

    /// The segment that every such set has.
    pub(crate) fn required(&self, id: &str) -> Result<&'a Segment<'a>, Failure> {
        self.first(id).ok_or_else(|| self.malformed(id, "", "the transaction set must have it"))
    }

    /// An element that must be there.
    pub(crate) fn element(&self, segment: &Segment<'a>, place: usize) -> Result<&'a str, Failure> {
        let text = segment.get(place);
        if text.is_empty() {
            return Err(self.malformed(format_args!("{}{place:02}", segment.id()), "", "it is missing"));
        }
        Ok(text)
    }

    /// Refuses a set whose purpose (X12 data element 353, in the first element of its first segment) is none of these.
    pub(crate) fn check_purpose(&self, segment: &Segment<'a>, handled: &[&str], rule: &str) -> Result<(), Failure> {
        let purpose = segment.get(1);
        if handled.contains(&purpose) {
            return Ok(());
        }
        Err(failure::unsupported(self.at(format_args!("{}01", segment.id())), purpose, rule))
    }

    /// A quantity as it is stated.
    pub(crate) fn quantity(&self, place: impl Display, text: &str) -> Result<Quantity, Failure> {
        let rule = "it must be a decimal number, not below 0 and not too large";
        Quantity::read(text).ok_or_else(|| self.malformed(place, text, rule))
    }

    /// How many base units are in a unit of measure.
    pub(crate) fn units_in(&self, measure: &str) -> Result<u64, Failure> {
        article::units_in(measure, self.context)
    }

    /// A quantity in base units, of one that is stated in a unit of measure.
    pub(crate) fn units(&self, place: impl Display, text: &str, measure: &str) -> Result<u64, Failure> {
        let (quantity, units) = (self.quantity(&place, text)?, self.units_in(measure)?);
        self.whole(place, text, quantity, units)
    }

    /// A quantity in base units, of which there are so many in what it is stated in.
    pub(crate) fn whole(
        &self,
        place: impl Display,
        text: &str,
        quantity: Quantity,
        units: u64,
    ) -> Result<u64, Failure> {
        let rule = "it must be a whole number of the article's base unit, and not too large";
        quantity.times(units).ok_or_else(|| failure::rejected(self.at(place), text, rule))
    }

    /// The article of a segment's pairs of qualifier and number.
    pub(crate) fn sku(&self, place: impl Display, segment: &Segment<'a>, first: usize) -> Result<String, Failure> {
        let pairs = (first..=segment.len()).step_by(2).map(|at| (segment.get(at), segment.get(at + 1)));
        let pairs = pairs.filter(|(qualifier, number)| !qualifier.is_empty() && !number.is_empty());
        let pairs: Vec<_> = pairs.filter(|(qualifier, _)| !ATTRIBUTES.contains(qualifier)).collect();
        let checked: Vec<_> = pairs.iter().map(|(qualifier, number)| checked(qualifier, number)).collect();
        let mut numbers = Vec::new();
        for ((qualifier, number), checked) in pairs.iter().zip(&checked) {
            match checked {
                // What lacks its check digit is no GTIN, though another one may have the same digits.
                Some(checked) => numbers.extend([(Kind::Gtin, checked.as_str()), (Kind::Other, *number)]),
                None => numbers.push((kind(qualifier), *number)),
            }
        }
        let Some((_, first)) = pairs.first() else {
            return Err(self.malformed(place, "", "it names no article: a qualifier and a number are needed"));
        };
        let unknown = || failure::unknown_sku(self.at(place), first, "no product has this GTIN, SKU or reference");
        article::sku(&numbers, self.catalogue).ok_or_else(unknown)
    }

    /// The moment of a date (CCYYMMDD or YYMMDD) and a time (HHMM and more), in UTC.
    pub(crate) fn moment(&self, place: impl Display, date: &str, time: &str) -> Result<i64, Failure> {
        let broken = || self.malformed(place, date, "it must be a date, CCYYMMDD or YYMMDD");
        dates::moment(date, time).ok_or_else(broken)
    }

    /// What the first of the set's parties (N1) before its first line of which the settings say something stands for.
    pub(crate) fn location(&self) -> Place {
        let head = self.set.segments.iter().take_while(|segment| !["LIN", "PO1"].contains(&segment.id()));
        let places = head.filter(|segment| segment.id() == "N1").map(|party| self.place_of(party));
        places.into_iter().find(|place| *place != Place::Unsaid).unwrap_or(Place::Unsaid)
    }

    /// What a party (N1) stands for.
    pub(crate) fn place_of(&self, party: &Segment<'_>) -> Place {
        let id = Some(party.get(4)).filter(|id| !id.is_empty());
        Place::said(id.and_then(|id| self.context.setting(&format!("location.{id}"))))
    }

    /// Refuses a setting `order-acknowledgement` that names what this plugin does not write.
    pub(crate) fn check_answers(&self) -> Result<(), Failure> {
        let stated = self.context.setting(ANSWERS).unwrap_or_default();
        let is_known = |set: &str| ["", "855", "865"].contains(&set);
        if stated.split([' ', ',']).all(is_known) {
            return Ok(());
        }
        Err(failure::rejected(ANSWERS, stated, "it must name 855, 865 or both"))
    }

    /// Says so where the set states another number of lines (CTT01) than it has: that is not repaired.
    pub(crate) fn check_total(&self, lines: usize) {
        let stated = self.first("CTT").map(|total| total.get(1)).filter(|stated| number::count(stated) != Some(lines));
        if let Some(stated) = stated {
            let set = self.set.control();
            tillmesh_plugin::log::warn(&format!("ST {set}: CTT01 says {stated} lines, there are {lines}"));
        }
    }
}

/// A number of a qualifier without check digit, as the GTIN that it is with it; none: the qualifier has one, or the
/// number is not as long as one without.
fn checked(qualifier: &str, number: &str) -> Option<String> {
    let is_unchecked = UNCHECKED.contains(&(qualifier, number.len()));
    if !is_unchecked || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // A case code has its indicator before the number that a GTIN fills up to twelve digits.
    let digits = if qualifier == "UN" { format!("{}0{}", &number[..1], &number[1..]) } else { number.to_owned() };
    // From the right every other digit counts three times, the last one first (GS1 General Specifications, 7.9).
    let weigh = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.bytes().rev().enumerate().map(weigh).sum();
    Some(format!("{digits}{}", (10 - sum % 10) % 10))
}

/// What a qualifier says that a number is.
fn kind(qualifier: &str) -> Kind {
    match qualifier {
        "SK" => Kind::Sku,
        _ if GTIN.contains(&qualifier) => Kind::Gtin,
        _ if OF_SELLER.contains(&qualifier) => Kind::Seller,
        _ => Kind::Other,
    }
}
