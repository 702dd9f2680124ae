//! What was scanned, as quantities of SKUs.

use std::collections::{BTreeMap, BTreeSet};

use tillmesh_plugin::{Catalogue, Failure, Product, StockLine, dates, failure, log};

use crate::body::{Body, Entry};
use crate::gs1::gtin::{Gtin, Use};
use crate::in_store::{self, Meaning};
use crate::label::{self, Identity, Label, Weight};
use crate::purpose::Purpose;
use crate::settings::Settings;

/// The most base units that a node records in one line.
const MAX_UNITS: u64 = 1_000_000_000;
/// How far ahead of a date the two digits of a year may be, at most (GS1 General Specifications, 7.12).
const YEARS_AHEAD: i32 = 50;

/// What stands for the prefix of a GTIN-8 in the settings.
const SHORT: &str = "ean-8";

/// Adds up a message's scans.
struct Goods<'a> {
    purpose: Purpose,
    at: i64,
    settings: &'a Settings<'a>,
    catalogue: &'a dyn Catalogue,
    /// What each number was found to be, so that each is asked for once.
    found: BTreeMap<String, Article>,
    /// The single items and logistic units that were counted.
    seen: BTreeSet<Identity>,
    lines: Vec<StockLine>,
    /// Where the line of each SKU is.
    places: BTreeMap<String, usize>,
}

/// The article that a number means.
#[derive(Debug, Clone, Copy)]
struct Article {
    /// Its line.
    line: usize,
    is_weighed: bool,
    /// How many base units one of the number is.
    units: u64,
}

/// What a number says by itself.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    grams: Option<u64>,
    pieces: Option<u64>,
}

/// How much of each SKU was scanned, in the order in which they came.
///
/// # Errors
/// What is wrong with which scan.
pub(crate) fn sum(
    body: &Body<'_>,
    settings: &Settings<'_>,
    catalogue: &dyn Catalogue,
) -> Result<Vec<StockLine>, Failure> {
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
    fn add(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        let mut label = label::read(entry, self.settings)?;
        if let Some(identity) = label.identity.take() {
            if entry.quantity.is_some_and(|quantity| quantity != 1) {
                let rule = "a serial number is of one item: leave the quantity out";
                return Err(failure::malformed(entry.place.to_string(), entry.quantity.unwrap_or_default(), rule));
            }
            if self.seen.contains(&identity) {
                log::info(&format!("{}: {} was scanned before and counts once", entry.place, identity.serial));
                return Ok(());
            }
            self.seen.insert(identity);
        }
        self.must_be_good(entry, &label)?;
        let (article, own) = self.article(entry, &label.gtin)?;
        let units = units(entry, &label, article, own)?;
        self.book(entry, article.line, units)
    }

    fn book(&mut self, entry: &Entry<'_>, line: usize, units: u64) -> Result<(), Failure> {
        if units == 0 && self.purpose != Purpose::Count {
            return Err(failure::malformed(entry.place.to_string(), units, "there must be at least 1 of it"));
        }
        let line = &mut self.lines[line];
        line.quantity = line.quantity.saturating_add(units);
        if line.quantity > MAX_UNITS {
            let rule = format!("there must be at most {MAX_UNITS} base units of an article");
            return Err(failure::malformed(entry.place.to_string(), line.quantity, rule));
        }
        Ok(())
    }

    /// What comes in must not have expired.
    fn must_be_good(&self, entry: &Entry<'_>, label: &Label) -> Result<(), Failure> {
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

    /// The article that a GTIN means, and what it says by itself.
    fn article(&mut self, entry: &Entry<'_>, gtin: &Gtin) -> Result<(Article, Own), Failure> {
        let digits = gtin.as_str();
        match gtin.usage() {
            Use::Article => self.by_gtin(entry, digits),
            Use::Money => {
                let rule = "it is a coupon or a refund, and no article";
                Err(failure::unsupported(entry.place.to_string(), digits, rule))
            }
            Use::Restricted => self.in_store(entry, gtin),
        }
    }

    /// The article that a number for use within a store means.
    fn in_store(&mut self, entry: &Entry<'_>, gtin: &Gtin) -> Result<(Article, Own), Failure> {
        let digits = gtin.in_store();
        let prefix = gtin.prefix().unwrap_or(SHORT);
        let key = format!("in-store.{prefix}");
        let Some(pattern) = self.settings.in_store(prefix) else {
            let rule = format!("it is a number for use within a store: the setting {key} must say what it means");
            return Err(failure::rejected(entry.place.to_string(), digits, rule));
        };
        match in_store::meaning(&entry.place.to_string(), digits, &key, pattern)? {
            Meaning::Gtin => self.by_gtin(entry, gtin.as_str()),
            Meaning::Own { article, grams, pieces } => {
                let catalogue = self.catalogue;
                let ask = |number: &str| catalogue.by_reference(number).or_else(|| catalogue.by_sku(number));
                Ok((self.known(entry, &article, "SKU", ask)?, Own { grams, pieces }))
            }
        }
    }

    fn by_gtin(&mut self, entry: &Entry<'_>, digits: &str) -> Result<(Article, Own), Failure> {
        let catalogue = self.catalogue;
        let ask = |number: &str| catalogue.by_gtin(number).or_else(|| catalogue.by_reference(number));
        Ok((self.known(entry, digits, "GTIN", ask)?, Own::default()))
    }

    /// The article that the catalogue has for a number, which is a reference or what `kind` says.
    fn known(
        &mut self,
        entry: &Entry<'_>,
        number: &str,
        kind: &str,
        ask: impl Fn(&str) -> Option<Product>,
    ) -> Result<Article, Failure> {
        if let Some(article) = self.found.get(number) {
            return Ok(*article);
        }
        let unknown = || {
            let rule = format!("no product of the catalogue has the {kind} {number}, or the reference {number}");
            failure::unknown_sku(entry.place.to_string(), number, rule)
        };
        let product = ask(number).ok_or_else(unknown)?;
        let article = Article {
            line: self.line(&product.sku),
            is_weighed: product.unit.as_deref() == Some(self.settings.weighed_unit),
            units: self.settings.units_of(number)?,
        };
        self.found.insert(number.to_owned(), article);
        Ok(article)
    }

    /// The line of a SKU, which several numbers may mean.
    fn line(&mut self, sku: &str) -> usize {
        if let Some(line) = self.places.get(sku) {
            return *line;
        }
        let line = self.lines.len();
        self.lines.push(StockLine { sku: sku.to_owned(), quantity: 0 });
        self.places.insert(sku.to_owned(), line);
        line
    }
}

/// How many base units a scan is.
fn units(entry: &Entry<'_>, label: &Label, article: Article, own: Own) -> Result<u64, Failure> {
    let times = entry.quantity.unwrap_or(1);
    if !article.is_weighed {
        let count = own.pieces.or(label.count).unwrap_or(1);
        return Ok(count.saturating_mul(article.units).saturating_mul(times));
    }
    match own.grams.map(Weight::Grams).or(label.weight) {
        Some(weight) => Ok(grams_of(entry, weight)?.saturating_mul(times)),
        None if entry.quantity.is_some() => Ok(times),
        None => {
            let rule = "it is sold by weight: the label must have its net weight (310), or the scan its grams";
            Err(failure::rejected(entry.place.to_string(), &entry.data, rule))
        }
    }
}

fn grams_of(entry: &Entry<'_>, weight: Weight) -> Result<u64, Failure> {
    let rule = match weight {
        Weight::Grams(grams) => return Ok(grams),
        Weight::Broken => "its weight is no whole number of grams",
        Weight::Pounds => "its weight is in pounds, which are no whole number of grams",
        Weight::Content => "a weight beside (02) says not whether it is of one or of all",
    };
    Err(failure::rejected(entry.place.to_string(), &entry.data, rule))
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
