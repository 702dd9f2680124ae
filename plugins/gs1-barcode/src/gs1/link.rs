//! GS1 Digital Link URIs (GS1 Digital Link Standard: URI Syntax): a primary key and its qualifiers in the path, other
//! elements as parameters of the query.

use std::borrow::Cow;

use super::ai::{self, Ai};
use super::element::{self, Element};
use super::{Elements, Options, Refusal, Rule};

/// Where links lead if nobody says otherwise.
pub const CANONICAL_STEM: &str = "https://id.gs1.org";
/// How links begin.
const SCHEMES: [&str; 4] = ["https://", "http://", "HTTPS://", "HTTP://"];
/// The identifier of a GTIN, and its digits.
const GTIN: &str = "01";
const GTIN_DIGITS: usize = 14;

/// The most elements that the path of a link has: a key and three qualifiers.
const PATH_ELEMENTS: usize = 4;

/// The orders in which a key's qualifiers may stand.
type Orders = &'static [&'static [&'static str]];

/// Words that stood for identifiers in the first edition.
const WORDS: [(&str, &str); 22] = [
    ("cpid", "8010"),
    ("cpsn", "8011"),
    ("cpv", "22"),
    ("gcn", "255"),
    ("gdti", "253"),
    ("giai", "8004"),
    ("ginc", "401"),
    ("gln", "414"),
    ("glnx", "254"),
    ("gmn", "8013"),
    ("grai", "8003"),
    ("gsin", "402"),
    ("gsrn", "8018"),
    ("gsrnp", "8017"),
    ("gtin", "01"),
    ("itip", "8006"),
    ("lot", "10"),
    ("party", "417"),
    ("refno", "8020"),
    ("ser", "21"),
    ("srin", "8019"),
    ("sscc", "00"),
];

/// Whether a text begins as a link does.
pub fn is_url(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Reads a link: the elements of its path, then those of its query. Parameters that are no identifiers are passed over.
///
/// # Errors
/// What is wrong with which part.
pub fn parse<'a>(url: &'a str, options: &Options<'_>) -> Result<Elements<'a>, Refusal> {
    let (path, query) = path_and_query(url)?;
    let (mut elements, orders) = in_path(url, path, options)?;
    let qualifiers: Vec<&str> = elements.iter().skip(1).map(|element| element.ai).collect();
    for parameter in query.split('&') {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        if name.is_empty() || !ai::is_digits(name) {
            continue;
        }
        let row = element::named(name, options).ok_or_else(|| Refusal::whole(name, Rule::UnknownAi))?;
        let attribute = Element::of(name, decoded(name, row, value, true, options)?, row, options)?;
        let refused = |rule| Err(Refusal::of(name, value, rule));
        if elements.value(name).is_some() {
            return refused(Rule::Duplicate);
        }
        if !may_be_attribute(row, options) {
            return refused(Rule::NotAttribute);
        }
        // It could stand among the qualifiers that are there.
        if orders.iter().any(|order| order.contains(&name) && is_in_order(&qualifiers, order)) {
            return refused(Rule::InPath);
        }
        elements.push(attribute, url)?;
    }
    Ok(elements)
}

/// A link's path, without the slash at its beginning, and its query.
fn path_and_query(url: &str) -> Result<(&str, &str), Refusal> {
    let wrong = || Refusal::whole(url, Rule::Url);
    let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)).ok_or_else(wrong)?;
    let (host, rest) = rest.split_once('/').ok_or_else(wrong)?;
    if host.is_empty() || !host.bytes().all(may_be_in_host) || !rest.bytes().all(may_be_in_url) {
        return Err(wrong());
    }
    let before_fragment = rest.split('#').next().unwrap_or_default();
    Ok(before_fragment.split_once('?').unwrap_or((before_fragment, "")))
}

const fn may_be_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']')
}

const fn may_be_in_url(byte: u8) -> bool {
    may_be_in_host(byte) || matches!(byte, b'!' | b'#'..=b'/' | b';' | b'=' | b'?' | b'@' | b'_' | b'~')
}

/// The elements of a path, from the last primary key on, and the orders in which its qualifiers may stand.
fn in_path<'a>(url: &str, path: &'a str, options: &Options<'_>) -> Result<(Elements<'a>, Orders), Refusal> {
    let mut segments = path.rsplit('/');
    let (mut named, mut orders) = (Vec::with_capacity(PATH_ELEMENTS), None);
    while let (None, Some(value), Some(segment)) = (orders, segments.next(), segments.next()) {
        let Some((digits, row)) = identifier(segment, options) else { break };
        named.push((digits, row, value));
        orders = row.qualifiers;
    }
    let orders = orders.ok_or_else(|| Refusal::whole(url, Rule::NoKey))?;
    named.reverse();
    let qualifiers: Vec<&str> = named.iter().skip(1).map(|(digits, ..)| *digits).collect();
    if !qualifiers.is_empty() && !orders.iter().any(|order| is_in_order(&qualifiers, order)) {
        return Err(Refusal::whole(url, Rule::Sequence));
    }
    let mut elements = Elements::default();
    for (digits, row, value) in named {
        elements.push(Element::of(digits, decoded(digits, row, value, false, options)?, row, options)?, url)?;
    }
    Ok((elements, orders))
}

/// The identifier that a segment of a path is.
fn identifier<'a>(segment: &'a str, options: &Options<'_>) -> Option<(&'a str, &'static Ai)> {
    let word = WORDS.iter().find(|(word, _)| options.words && *word == segment);
    let digits = word.map_or(segment, |(_, digits)| digits);
    element::named(digits, options).map(|row| (digits, row))
}

/// Whether qualifiers stand in an order, some perhaps left out.
fn is_in_order(qualifiers: &[&str], order: &[&str]) -> bool {
    let mut order = order.iter();
    qualifiers.iter().all(|qualifier| order.any(|known| known == qualifier))
}

fn may_be_attribute(row: &Ai, options: &Options<'_>) -> bool {
    if row.is_known() { row.is_attribute } else { options.unknown_attributes }
}

/// A value without percent encoding; of a query, with its spaces. A GTIN that is short gets its zeros, where it may.
fn decoded<'a>(
    digits: &str,
    row: &Ai,
    value: &'a str,
    is_query: bool,
    options: &Options<'_>,
) -> Result<Cow<'a, str>, Refusal> {
    let is_encoded = value.bytes().any(|byte| matches!(byte, b'%' | b'+'));
    let value = if is_encoded { Cow::Owned(percent_decoded(value, is_query)) } else { value.into() };
    element::must_be_ascii(&value).map_err(|refusal| Refusal::of(digits, &refusal.value, refusal.rule))?;
    let is_short = options.short_gtins && row.first == GTIN && matches!(value.len(), 8 | 12 | 13);
    Ok(if is_short { format!("{value:0>GTIN_DIGITS$}").into() } else { value })
}

/// What is no percent encoding stays as it is.
fn percent_decoded(value: &str, is_query: bool) -> String {
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = |at: usize| behind.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        rest = behind;
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = &behind[2..];
            }
            (b'+', ..) if is_query => decoded.push(b' '),
            _ => decoded.push(*first),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Writes a link, with the first primary key, as many of its qualifiers as there are in one of its orders, and the rest
/// as attributes: those of known length first.
///
/// # Errors
/// There is no primary key, or an element can be no attribute.
pub fn build(elements: &Elements<'_>, stem: &str, options: &Options<'_>) -> Result<String, Refusal> {
    let key = elements.iter().find_map(|element| Some((element, element.row.qualifiers?)));
    let (key, orders) = key.ok_or_else(|| Refusal::whole("", Rule::NoKey))?;
    let mut url = stem.strip_suffix('/').unwrap_or(stem).to_owned();
    let mut written = vec![key.ai];
    written.extend(most_qualifiers(elements, orders));
    for digits in &written {
        let value = elements.value(digits).unwrap_or_default();
        url.push_str(&format!("/{digits}/{}", percent_encoded(value)));
    }
    let (known, other): (Vec<_>, Vec<_>) = elements.iter().partition(|element| element.row.is_predefined);
    let mut before = '?';
    for element in known.into_iter().chain(other) {
        if written.contains(&element.ai) {
            continue;
        }
        if !may_be_attribute(element.row, options) {
            return Err(Refusal::of(element.ai, &element.value, Rule::NotAttribute));
        }
        url.push_str(&format!("{before}{}={}", element.ai, percent_encoded(&element.value)));
        before = '&';
        written.push(element.ai);
    }
    Ok(url)
}

/// The qualifiers that are there, of the order in which most are.
fn most_qualifiers(elements: &Elements<'_>, orders: Orders) -> Vec<&'static str> {
    let mut most = Vec::new();
    for order in orders {
        let there: Vec<_> = order.iter().copied().filter(|digits| elements.value(digits).is_some()).collect();
        if there.len() > most.len() {
            most = there;
        }
    }
    most
}

fn percent_encoded(value: &str) -> String {
    let encoded = value.bytes().map(|byte| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    });
    encoded.collect()
}
