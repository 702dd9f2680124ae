//! Which articles an event is about, and how many of each: by the GTINs of its things and classes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tillmesh_plugin::{Catalogue, Context, Failure, article, failure};

use crate::fields::Fields;
use crate::link::Link;
use crate::{order, urn};

/// Base units by SKU.
pub(crate) type Goods = BTreeMap<String, u64>;

/// The most units that a node records in one line.
const MAX_UNITS: u64 = 1_000_000_000;
/// The units of measure of UN/ECE Recommendation 20 that mean a piece.
const PIECES: [&str; 3] = ["C62", "EA", "H87"];

/// The URNs of shipping containers and ships.
const CONTAINERS: [&str; 2] = ["urn:epc:id:bic:", "urn:epc:id:imovn:"];

/// What a thing or class is.
#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// An article, by its GTIN in 14 digits.
    Article(String),
    /// A pallet, a crate, a container, a document, a coupon: nothing that is sold.
    Other,
    /// A number of somebody's own.
    Own,
}

impl Identity {
    fn of(text: &str) -> Self {
        let link = urn::link(text);
        match Link::of(link.as_deref().unwrap_or(text)) {
            Some(link) if link.key == "01" => link.gtin().map_or(Self::Own, Self::Article),
            Some(_) => Self::Other,
            None if CONTAINERS.iter().any(|container| text.starts_with(container)) => Self::Other,
            None => Self::Own,
        }
    }
}

/// What names the class of a thing, and what tells the thing from others of it, in whichever form it is written: the
/// serial number with its application identifier before it, or the whole where there is none.
fn parts(thing: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    // There are many of these of few classes, and they can be taken apart at a glance.
    if let Some((at, _)) = thing.match_indices('.').nth(1).filter(|_| thing.starts_with("urn:epc:id:sgtin:")) {
        let (class, serial) = thing.split_at(at);
        return (Cow::Borrowed(class), Cow::Owned(written("21", &serial[1..])));
    }
    let link = urn::link(thing);
    let link = Link::of(link.as_deref().unwrap_or(thing));
    let found = link.as_ref().and_then(|link| Some((link.gtin()?, link.serial()?)));
    match found {
        Some((gtin, (identifier, serial))) => (Cow::Owned(gtin), Cow::Owned(written(identifier, serial))),
        None => (Cow::Borrowed(thing), Cow::Borrowed(thing)),
    }
}

/// A serial number in one form: what must be escaped differs between URNs and links.
fn written(identifier: &str, serial: &str) -> String {
    let unescaped = if serial.contains('%') { order::unescaped(serial) } else { None };
    [identifier, "/", unescaped.as_deref().unwrap_or(serial)].concat()
}

/// Looks articles up, each once a call.
pub(crate) struct Articles<'a> {
    catalogue: &'a dyn Catalogue,
    context: &'a Context,
    /// By what names a class: which of the articles it is; none, where it is nothing that is sold.
    classes: BTreeMap<String, Option<usize>>,
    /// Numbers with their SKUs.
    articles: Vec<(String, String)>,
}

impl<'a> Articles<'a> {
    /// Nothing is looked up yet.
    pub const fn new(catalogue: &'a dyn Catalogue, context: &'a Context) -> Self {
        Self { catalogue, context, classes: BTreeMap::new(), articles: Vec::new() }
    }

    /// What a list of things and a list of classes come to. A thing is one unit, however often it is named.
    ///
    /// # Errors
    /// `unknown-sku` for an article that the catalogue does not know, `rejected` where a quantity is no whole number of
    /// base units.
    pub fn of(&mut self, fields: &Fields<'_>, things: &str, classes: &str) -> Result<Goods, Failure> {
        let mut units: BTreeMap<usize, u64> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (index, thing) in fields.list(things)?.iter().filter_map(Value::as_str).enumerate() {
            let (class, serial) = parts(thing);
            let found = self.article(|| format!("{}[{index}]", fields.at(things)), thing, &class)?;
            if let Some(article) = found
                && seen.insert((article, serial))
            {
                *units.entry(article).or_default() += 1;
            }
        }
        for class in fields.objects(classes)? {
            let text = class.uri("epcClass")?;
            if let Some(article) = self.article(|| class.at("epcClass"), text, text)? {
                let total = units.entry(article).or_default();
                *total = total.saturating_add(self.quantity(&class)?);
            }
        }
        let mut goods = Goods::new();
        for (article, units) in units {
            let Some((_, sku)) = self.articles.get(article) else { continue };
            let total = goods.entry(sku.clone()).or_default();
            *total = units.saturating_add(*total);
        }
        match goods.iter().find(|(_, units)| **units > MAX_UNITS) {
            Some((sku, _)) => Err(failure::malformed(fields.at(classes), sku, "it is more than a node records")),
            None => Ok(goods),
        }
    }

    /// Which article it is. None: it is nothing that is sold.
    fn article(&mut self, place: impl Fn() -> String, text: &str, class: &str) -> Result<Option<usize>, Failure> {
        if let Some(known) = self.classes.get(class) {
            return Ok(*known);
        }
        let found = match Identity::of(text) {
            Identity::Other => None,
            Identity::Article(gtin) => Some(self.looked_up(place, text, gtin, true)?),
            Identity::Own => Some(self.looked_up(place, text, text.to_owned(), false)?),
        };
        self.classes.insert(class.to_owned(), found);
        Ok(found)
    }

    fn looked_up(
        &mut self,
        place: impl Fn() -> String,
        text: &str,
        number: String,
        is_gtin: bool,
    ) -> Result<usize, Failure> {
        if let Some(known) = self.articles.iter().position(|(known, _)| *known == number) {
            return Ok(known);
        }
        let found = if is_gtin { self.catalogue.by_gtin(&number) } else { self.catalogue.by_reference(&number) };
        let rule = || format!("no product of the catalogue has the GTIN or reference {number}");
        let product = found.ok_or_else(|| failure::unknown_sku(place(), text, rule()))?;
        self.articles.push((number, product.sku));
        Ok(self.articles.len() - 1)
    }

    fn quantity(&self, class: &Fields<'_>) -> Result<u64, Failure> {
        let refused = |rule: String| {
            let quantity = class.map.get("quantity").map(ToString::to_string).unwrap_or_default();
            Err(failure::rejected(class.at("quantity"), quantity, rule))
        };
        let Some(Value::Number(number)) = class.map.get("quantity") else {
            return refused("it must be there: goods that move have a number".to_owned());
        };
        let factor = match class.text("uom")? {
            None => 1,
            Some(uom) if self.context.setting(&format!("unit.{uom}")).is_none() && !PIECES.contains(&uom) => {
                let rule = format!("the channel's settings must have unit.{uom}: how many base units there are in one");
                return Err(failure::rejected(class.at("uom"), uom, rule));
            }
            Some(uom) => article::units_in(uom, self.context)?,
        };
        match whole(&number.to_string(), factor) {
            Some(units) if units <= MAX_UNITS => Ok(units),
            _ => refused(format!("it must be a whole number of base units, at most {MAX_UNITS}")),
        }
    }
}

/// A decimal times a factor, where that is a whole number.
fn whole(decimal: &str, factor: u64) -> Option<u64> {
    let (digits, exponent) = decimal.split_once(['e', 'E']).unwrap_or((decimal, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
    let number = format!("{whole}{fraction}").parse::<u128>().ok()?.checked_mul(u128::from(factor))?;
    let power = 10_u128.checked_pow(exponent.unsigned_abs())?;
    let units = match exponent {
        0.. => number.checked_mul(power)?,
        _ if number % power == 0 => number / power,
        _ => return None,
    };
    u64::try_from(units).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_whole_in_base_units_or_none() {
        assert_eq!(whole("10.0", 1), Some(10));
        assert_eq!(whole("200.5", 1_000), Some(200_500));
        assert_eq!(whole("1.1e1", 1), Some(11));
        assert_eq!(whole("1e3", 1), Some(1_000));
        assert_eq!(whole("0", 1), Some(0));
        for (bad, factor) in [("200.5", 1), ("1e-3", 1), ("1e40", 1), ("1e-300", 1), ("-1", 1), ("1e30", 1_000_000)] {
            assert_eq!(whole(bad, factor), None, "{bad}");
        }
    }

    #[test]
    fn only_what_has_a_gtin_of_its_own_is_sold() {
        let article = Identity::Article("04012345123456".to_owned());
        for text in [
            "urn:epc:id:sgtin:4012345.012345.12",
            "urn:epc:class:lgtin:4012345.012345.L1",
            "https://id.gs1.org/01/04012345123456",
            "https://shop.example.com/gtin/4012345123456/ser/a%2Fb",
        ] {
            assert_eq!(Identity::of(text), article, "{text}");
        }
        for text in [
            "urn:epc:id:sscc:4012345.0000000333",
            "urn:epc:id:itip:4012345.012345.01.02.999",
            "https://id.gs1.org/8003/0401234566666387",
        ] {
            assert_eq!(Identity::of(text), Identity::Other, "{text}");
        }
        assert_eq!(Identity::of("https://example.com/objects/7"), Identity::Own);
    }

    #[test]
    fn the_class_of_a_thing_is_told_from_its_serial_number() {
        let gtin = "04012345123456";
        for (thing, class, serial) in [
            ("urn:epc:id:sgtin:4012345.012345.1.2", "urn:epc:id:sgtin:4012345.012345", "21/1.2"),
            ("urn:epc:id:sgtin:4012345.012345.a%2Fb", "urn:epc:id:sgtin:4012345.012345", "21/a/b"),
            ("urn:epc:id:upui:4012345.012345.A0", gtin, "235/A0"),
            ("https://a.example/01/04012345123456/10/L/21/7?x=1", gtin, "21/7"),
            ("https://a.example/gtin/4012345123456/ser/a%2fb", gtin, "21/a/b"),
            ("https://a.example/01/04012345123456/21/A&1", gtin, "21/A&1"),
            ("https://a.example/01/04012345123456/10/21/21/0", gtin, "21/0"),
            ("https://a.example/21/01/04012345123456/21/1", gtin, "21/1"),
            ("https://a.example/01/04012345123456", "", ""),
            ("urn:epc:id:sscc:4012345.0000000333", "", ""),
        ] {
            let whole = |part: &str| if part.is_empty() { thing.to_owned() } else { part.to_owned() };
            assert_eq!(parts(thing), (whole(class).into(), whole(serial).into()));
        }
    }
}
