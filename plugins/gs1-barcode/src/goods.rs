//! What was scanned, as quantities of SKUs.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_plugin::{Catalogue, Failure, Product, StockLine, dates, failure, log};

use crate::body::{Body, Entry};
use crate::gs1::gtin::{Gtin, Use};
use crate::in_store::{self, Meaning};
use crate::label::{self, Label, Weight};
use crate::purpose::Purpose;
use crate::settings::Settings;

/// The most base units that a node records in one line.
const MAX_UNITS: u64 = 1_000_000_000;
/// How far ahead of a date the two digits of a year may be, at most (GS1 General Specifications, 7.12).
const YEARS_AHEAD: i32 = 50;

/// What stands for the prefix of a GTIN-8 in the settings.
const SHORT: &str = "ean-8";

/// Adds up a message's scans.
pub(crate) struct Goods<'a> {
    purpose: Purpose,
    at: i64,
    settings: &'a Settings<'a>,
    catalogue: &'a dyn Catalogue,
    /// What each number was found to be, so that each is asked for once.
    found: BTreeMap<String, Product>,
    /// The single items and logistic units that were counted.
    seen: BTreeSet<String>,
    lines: Vec<StockLine>,
    /// Where the line of each SKU is.
    places: BTreeMap<String, usize>,
}

/// The article that a label means, and what the number itself says of it.
struct Article {
    product: Product,
    grams: Option<u64>,
    pieces: Option<u64>,
}

/// How much of each SKU was scanned, in the order in which they came.
///
/// # Errors
/// What is wrong with which scan.
pub(crate) fn sum(body: &Body, settings: &Settings<'_>, catalogue: &dyn Catalogue) -> Result<Vec<StockLine>, Failure> {
    let mut goods = Goods {
        purpose: body.purpose,
        at: body.at,
        settings,
        catalogue,
        found: BTreeMap::new(),
        seen: BTreeSet::new(),
        lines: Vec::new(),
        places: BTreeMap::new(),
    };
    body.scans.iter().try_for_each(|entry| goods.add(entry))?;
    Ok(goods.lines)
}

impl Goods<'_> {
    fn add(&mut self, entry: &Entry) -> Result<(), Failure> {
        let label = label::read(entry, self.settings)?;
        if let Some(identity) = &label.identity {
            if entry.quantity.is_some_and(|quantity| quantity != 1) {
                let rule = "a serial number is of one item: leave the quantity out";
                return Err(failure::malformed(&entry.place, entry.quantity.unwrap_or_default(), rule));
            }
            if !self.seen.insert(identity.clone()) {
                log::info(&format!("{}: {identity} was scanned before and counts once", entry.place));
                return Ok(());
            }
        }
        self.must_be_good(entry, &label)?;
        let article = self.article(entry, &label.gtin)?;
        let units = self.units(entry, &label, &article)?;
        self.book(entry, article.product.sku, units)
    }

    fn book(&mut self, entry: &Entry, sku: String, units: u64) -> Result<(), Failure> {
        if units == 0 && self.purpose != Purpose::Count {
            return Err(failure::malformed(&entry.place, units, "there must be at least 1 of it"));
        }
        let next = self.lines.len();
        let place = *self.places.entry(sku.clone()).or_insert(next);
        if place == next {
            self.lines.push(StockLine { sku, quantity: 0 });
        }
        let line = &mut self.lines[place];
        line.quantity = line.quantity.saturating_add(units);
        if line.quantity > MAX_UNITS {
            let rule = format!("there must be at most {MAX_UNITS} base units of an article");
            return Err(failure::malformed(&entry.place, line.quantity, rule));
        }
        Ok(())
    }

    /// What comes in must not have expired.
    fn must_be_good(&self, entry: &Entry, label: &Label) -> Result<(), Failure> {
        let Some(expiry) = label.expiry.as_ref().filter(|_| self.purpose == Purpose::Receive) else { return Ok(()) };
        let (today, _) = dates::digits(self.at);
        if !has_expired(expiry, &today) {
            return Ok(());
        }
        let field = format!("{} (17)", entry.place);
        if self.settings.refuses_expired {
            return Err(failure::rejected(field, expiry, format!("it expired before {today}")));
        }
        log::warn(&format!("{field}: {expiry} is before {today}: {} has expired", label.gtin.as_str()));
        Ok(())
    }

    /// The article that a number means.
    fn article(&mut self, entry: &Entry, gtin: &Gtin) -> Result<Article, Failure> {
        let digits = gtin.as_str();
        match gtin.usage() {
            Use::Article => self.by_gtin(entry, digits),
            Use::Money => Err(failure::unsupported(&entry.place, digits, "it is a coupon or a refund, and no article")),
            Use::Restricted => {
                let own = gtin.in_store();
                let prefix = gtin.prefix().unwrap_or(SHORT);
                let key = format!("in-store.{prefix}");
                let Some(pattern) = self.settings.in_store(prefix) else {
                    let rule =
                        format!("it is a number for use within a store: the setting {key} must say what it means");
                    return Err(failure::rejected(&entry.place, own, rule));
                };
                match in_store::meaning(&entry.place, own, &key, pattern)? {
                    Meaning::Gtin => self.by_gtin(entry, digits),
                    Meaning::Own { article, grams, pieces } => self.by_own_number(entry, &article, grams, pieces),
                }
            }
        }
    }

    fn by_gtin(&mut self, entry: &Entry, digits: &str) -> Result<Article, Failure> {
        let catalogue = self.catalogue;
        let product = self.product(digits, || catalogue.by_gtin(digits).or_else(|| catalogue.by_reference(digits)));
        let rule = || format!("no product of the catalogue has the GTIN {digits}, or the reference {digits}");
        let product = product.ok_or_else(|| failure::unknown_sku(&entry.place, digits, rule()))?;
        Ok(Article { product, grams: None, pieces: None })
    }

    fn by_own_number(
        &mut self,
        entry: &Entry,
        number: &str,
        grams: Option<u64>,
        pieces: Option<u64>,
    ) -> Result<Article, Failure> {
        let catalogue = self.catalogue;
        let product = self.product(number, || catalogue.by_reference(number).or_else(|| catalogue.by_sku(number)));
        let rule = || format!("no product of the catalogue has the reference {number}, or the SKU {number}");
        let product = product.ok_or_else(|| failure::unknown_sku(&entry.place, number, rule()))?;
        Ok(Article { product, grams, pieces })
    }

    fn product(&mut self, number: &str, ask: impl FnOnce() -> Option<Product>) -> Option<Product> {
        if let Some(found) = self.found.get(number) {
            return Some(found.clone());
        }
        let product = ask()?;
        self.found.insert(number.to_owned(), product.clone());
        Some(product)
    }

    /// How many base units a scan is.
    fn units(&self, entry: &Entry, label: &Label, article: &Article) -> Result<u64, Failure> {
        let times = entry.quantity.unwrap_or(1);
        let is_weighed = article.product.unit.as_deref() == Some(self.settings.weighed_unit);
        let each = if is_weighed {
            let grams = article.grams.map(Weight::Grams).or(label.weight);
            match grams {
                Some(weight) => grams_of(entry, weight)?,
                None if entry.quantity.is_some() => 1,
                None => {
                    let rule = "it is sold by weight: the label must have its net weight (310), or the scan its grams";
                    return Err(failure::rejected(&entry.place, &entry.data, rule));
                }
            }
        } else {
            let count = article.pieces.or(label.count).unwrap_or(1);
            count.saturating_mul(self.settings.units_of(label.gtin.as_str())?)
        };
        Ok(each.saturating_mul(times))
    }
}

fn grams_of(entry: &Entry, weight: Weight) -> Result<u64, Failure> {
    let rule = match weight {
        Weight::Grams(grams) => return Ok(grams),
        Weight::Broken => "its weight is no whole number of grams",
        Weight::Pounds => "its weight is in pounds, which are no whole number of grams",
        Weight::Content => "a weight beside (02) says not whether it is of one or of all",
    };
    Err(failure::rejected(&entry.place, &entry.data, rule))
}

/// Whether a date, YYMMDD, is before another, CCYYMMDD. The day 00 is the last of the month.
fn has_expired(expiry: &str, today: &str) -> bool {
    let number = |digits: Option<&str>| digits.and_then(|digits| digits.parse::<i32>().ok()).unwrap_or_default();
    let (year, short) = (number(today.get(..4)), number(expiry.get(..2)));
    // The century that brings the year nearest.
    let ahead = (short - year % 100 + YEARS_AHEAD - 1).rem_euclid(100) - (YEARS_AHEAD - 1);
    let day = match number(expiry.get(4..)) {
        0 => 31,
        day => day,
    };
    let date = ((year + ahead) * 100 + number(expiry.get(2..4))) * 100 + day;
    date < number(Some(today))
}

#[cfg(test)]
mod tests {
    use super::has_expired;

    #[test]
    fn a_year_of_two_digits_is_the_nearest_one() {
        let today = "20261128";
        for past in ["261127", "260100", "990101", "770101", "261000"] {
            assert!(has_expired(past, today), "{past}");
        }
        for ahead in ["261128", "261100", "270101", "760101"] {
            assert!(!has_expired(ahead, today), "{ahead}");
        }
        assert!(!has_expired("100101", "20751231"), "2110 is nearer than 2010");
    }
}
