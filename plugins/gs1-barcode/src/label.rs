//! What a label says, whichever way it is written: which GTIN, how many, how heavy, until when.

use std::fmt::{self, Display};

use tillmesh_plugin::{Failure, failure};

use crate::body::{Entry, Place};
use crate::gs1::gtin::{Gtin, NotGtin};
use crate::gs1::scan::{self, Content, GS};
use crate::gs1::{Elements, Refusal, Rule, element, link, rules};
use crate::settings::Settings;

/// Identifiers of a logistic unit, an article, what a unit contains, a serial number and its like of a third party, an
/// expiry, a count of a measured article, a count of what a unit contains.
const UNIT: &str = "00";
const ARTICLE: &str = "01";
const CONTENT: &str = "02";
const SERIALS: [&str; 2] = ["21", "235"];
const EXPIRY: &str = "17";
const MEASURED_COUNT: &str = "30";
const CONTENT_COUNT: &str = "37";
/// What the identifiers of a net weight in kilograms and in pounds begin with; the last digit counts the decimals.
const KILOGRAMS: &str = "310";
const POUNDS: &str = "320";
/// Decimals of a kilogram, to the gram.
const GRAM_DECIMALS: u32 = 3;
/// Identifiers of what is no article of a shop, and why.
const NO_ARTICLES: [(&str, &str); 3] = [
    ("03", "an article that is made to order has no stock"),
    ("8006", "it is a piece of an article, and pieces are not counted"),
    ("8026", "it contains pieces of articles, and pieces are not counted"),
];

/// What a label says.
#[derive(Debug)]
pub(crate) struct Label {
    pub gtin: Gtin,
    /// How many of them, where it says so.
    pub count: Option<u64>,
    pub weight: Option<Weight>,
    /// What makes it one of a kind: its serial number, or that of the logistic unit.
    pub identity: Option<Identity>,
    /// YYMMDD.
    pub expiry: Option<String>,
}

/// What makes a label one of a kind: what of it is unique, of which identifier and with which GTIN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub serial: String,
    ai: &'static str,
    gtin: Gtin,
}

/// A net weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    Grams(u64),
    /// Not a whole number of them.
    Broken,
    /// Pounds, which are no whole number of grams.
    Pounds,
    /// Of what a logistic unit contains: nobody knows whether of one or of all.
    Content,
}

/// The value of an identifier in a scan, as the field of a failure.
struct Part {
    place: Place,
    ai: &'static str,
}

impl Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.place, self.ai)
    }
}

/// Reads what a scanner sent.
///
/// # Errors
/// `malformed` where it is no data of GS1, `unsupported` where it is about no article.
pub(crate) fn read(entry: &Entry<'_>, settings: &Settings<'_>) -> Result<Label, Failure> {
    let refused = |refusal: Refusal| failed(entry.place, &refusal);
    if !entry.data.starts_with(']') {
        return plain(&entry.data, entry, settings);
    }
    let scan = scan::read(&entry.data, &settings.options).map_err(refused)?;
    match scan.content {
        Content::Number(number, composite) => {
            let elements = composite.unwrap_or_default();
            check(&elements, settings).map_err(refused)?;
            Ok(label(gtin(entry.place, number)?, None, &elements))
        }
        Content::Elements(elements) | Content::Link(_, elements) => labelled(&elements, entry, settings),
        Content::Text(text) => plain(text, entry, settings),
    }
}

/// Reads data without a symbology identifier.
fn plain(data: &str, entry: &Entry<'_>, settings: &Settings<'_>) -> Result<Label, Failure> {
    let options = &settings.options;
    if matches!(data.len(), 8 | 12 | 13 | 14) && data.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(label(gtin(entry.place, data)?, None, &Elements::default()));
    }
    let elements = if link::is_url(data) {
        link::parse(data, options)
    } else if data.starts_with('(') {
        Elements::bracketed(data, options)
    } else {
        let fnc1 = if data.contains(GS) { GS } else { element::FNC1 };
        Elements::behind_fnc1(data.strip_prefix(fnc1).unwrap_or(data), fnc1, options)
    };
    labelled(&elements.map_err(|refusal| failed(entry.place, &refusal))?, entry, settings)
}

/// What elements say.
fn labelled(elements: &Elements<'_>, entry: &Entry<'_>, settings: &Settings<'_>) -> Result<Label, Failure> {
    check(elements, settings).map_err(|refusal| failed(entry.place, &refusal))?;
    let place = |ai: &'static str| Part { place: entry.place, ai };
    if let Some((ai, rule)) = NO_ARTICLES.iter().find(|(ai, _)| elements.value(ai).is_some()) {
        return Err(failure::unsupported(place(ai).to_string(), elements.value(ai).unwrap_or_default(), *rule));
    }
    if let Some(digits) = elements.value(ARTICLE) {
        let count = elements.value(MEASURED_COUNT).and_then(|count| count.parse().ok());
        return Ok(label(gtin(place(ARTICLE), digits)?, count, elements));
    }
    let Some(digits) = elements.value(CONTENT) else {
        let rule = "it names no article: a GTIN (01), or what a logistic unit contains (02)";
        return Err(failure::unsupported(entry.place.to_string(), &entry.data, rule));
    };
    let count = elements.value(CONTENT_COUNT).and_then(|count| count.parse().ok());
    let count = count
        .ok_or_else(|| failure::malformed(place(CONTENT_COUNT).to_string(), "", "it must be there beside (02)"))?;
    let label = label(gtin(place(CONTENT), digits)?, Some(count), elements);
    Ok(Label { weight: label.weight.map(|_| Weight::Content), ..label })
}

/// Elements must go together. What they need may stand on another label of the same goods, and is looked for only where
/// the settings want it.
fn check(elements: &Elements<'_>, settings: &Settings<'_>) -> Result<(), Refusal> {
    rules::repeats(elements)?;
    rules::exclusions(elements)?;
    rules::signature(elements)?;
    if settings.checks_needs { rules::requisites(elements) } else { Ok(()) }
}

fn label(gtin: Gtin, count: Option<u64>, elements: &Elements<'_>) -> Label {
    let of = |ai: &'static str| Some(Identity { serial: elements.value(ai)?.to_owned(), ai, gtin });
    let identity = SERIALS.into_iter().find_map(of).or_else(|| of(UNIT));
    let expiry = elements.value(EXPIRY).map(str::to_owned);
    Label { count, weight: weight(elements), identity, expiry, gtin }
}

fn weight(elements: &Elements<'_>) -> Option<Weight> {
    let of = |prefix: &str| elements.iter().find(|element| element.ai.starts_with(prefix));
    let Some(element) = of(KILOGRAMS) else { return of(POUNDS).map(|_| Weight::Pounds) };
    let decimals: u32 = element.ai[KILOGRAMS.len()..].parse().ok()?;
    let value: u64 = element.value.parse().ok()?;
    let divisor = 10_u64.pow(decimals.saturating_sub(GRAM_DECIMALS));
    let grams = value * 10_u64.pow(GRAM_DECIMALS.saturating_sub(decimals)) / divisor;
    Some(if value.is_multiple_of(divisor) { Weight::Grams(grams) } else { Weight::Broken })
}

/// A GTIN, or what is wrong with it.
fn gtin(field: impl Display, digits: &str) -> Result<Gtin, Failure> {
    Gtin::of(digits).map_err(|not| match not {
        NotGtin::Length => failure::malformed(field.to_string(), digits, "a GTIN has 8, 12, 13 or 14 digits"),
        NotGtin::CheckDigit(check) => {
            failure::malformed(field.to_string(), digits, format!("its check digit is wrong: it would be {check}"))
        }
    })
}

/// What is no data of GS1, as a failure.
fn failed(place: Place, refusal: &Refusal) -> Failure {
    let field = if refusal.ai.is_empty() { place.to_string() } else { format!("{place} ({})", refusal.ai) };
    if refusal.rule == Rule::Symbology {
        return failure::unsupported(field, &refusal.value, refusal.rule.to_string());
    }
    failure::malformed(field, &refusal.value, refusal.rule.to_string())
}
