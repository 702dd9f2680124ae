//! What transaction sets share: places, articles, numbers, dates, locations.

use tillmesh_plugin::article::{self, Kind};
use tillmesh_plugin::location::Place;
use tillmesh_plugin::money::{NoUnits, parse_units};
use tillmesh_plugin::{Catalogue, Context, Failure, dates, failure};

use crate::envelope::Set;
use crate::segment::Segment;

/// Product id qualifiers (X12 data element 235) that mean a GTIN: UCC-12, EAN-8, EAN-13, GTIN-14 and their like.
const GTIN: [&str; 9] = ["UP", "UA", "UI", "UN", "EN", "EO", "UK", "UD", "UG"];
/// Qualifiers that mean the number of whoever sells.
const OF_SELLER: [&str; 4] = ["VN", "VP", "VC", "VA"];

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
    pub(crate) fn at(&self, place: &str) -> String {
        format!("{} {place}", self.place)
    }

    pub(crate) fn malformed(&self, place: &str, value: &str, rule: &str) -> Failure {
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
            let place = format!("{}{place:02}", segment.id());
            return Err(self.malformed(&place, "", "it is missing"));
        }
        Ok(text)
    }

    /// A quantity of whole units.
    pub(crate) fn quantity(&self, place: &str, text: &str) -> Result<u64, Failure> {
        parse_units(text).map_err(|why| match why {
            NoUnits::Broken => self.malformed(place, text, "it must be a decimal number, not below 0"),
            NoUnits::Fraction => {
                failure::rejected(self.at(place), text, "it must be a whole number of the article's base unit")
            }
        })
    }

    /// A quantity in base units, of one that is stated in a unit of measure.
    pub(crate) fn units(&self, place: &str, text: &str, measure: &str) -> Result<u64, Failure> {
        let (quantity, units) = (self.quantity(place, text)?, article::units_in(measure, self.context)?);
        quantity.checked_mul(units).ok_or_else(|| self.malformed(place, text, "it is too large"))
    }

    /// The article of a segment's pairs of qualifier and number.
    pub(crate) fn sku(&self, place: &str, segment: &Segment<'a>, first: usize) -> Result<String, Failure> {
        let pairs = (first..=segment.len()).step_by(2).map(|at| (segment.get(at), segment.get(at + 1)));
        let pairs = pairs.filter(|(qualifier, number)| !qualifier.is_empty() && !number.is_empty());
        let numbers: Vec<_> = pairs.map(|(qualifier, number)| (kind(qualifier), number)).collect();
        let Some((_, first)) = numbers.first() else {
            return Err(self.malformed(place, "", "it names no article: a qualifier and a number are needed"));
        };
        let unknown = || failure::unknown_sku(self.at(place), first, "no product has this GTIN, SKU or reference");
        article::sku(&numbers, self.catalogue).ok_or_else(unknown)
    }

    /// The moment of a date (CCYYMMDD or YYMMDD) and a time (HHMM and more), in UTC.
    pub(crate) fn moment(&self, place: &str, date: &str, time: &str) -> Result<i64, Failure> {
        let broken = || self.malformed(place, date, "it must be a date, CCYYMMDD or YYMMDD");
        dates::moment(date, time).ok_or_else(broken)
    }

    /// What the first of the set's parties (N1) before its first line of which the settings say something stands for.
    pub(crate) fn location(&self) -> Place {
        let head = self.set.segments.iter().take_while(|segment| !["LIN", "PO1"].contains(&segment.id()));
        let parties = head.filter(|segment| segment.id() == "N1");
        let named = |party: &Segment<'_>| self.context.setting(&format!("location.{}", party.get(4)));
        Place::said(parties.filter(|party| !party.get(4).is_empty()).find_map(named))
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
        let stated = self.first("CTT").map(|total| total.get(1)).filter(|stated| stated.parse() != Ok(lines));
        if let Some(stated) = stated {
            let set = self.set.control();
            tillmesh_plugin::log::warn(&format!("ST {set}: CTT01 says {stated} lines, there are {lines}"));
        }
    }
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
