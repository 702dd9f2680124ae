//! What scanners send: a symbology identifier, and what stood in the symbol, with GS (0x1D) for FNC1.

use super::element::{self, FNC1};
use super::gtin::{Gtin, NotGtin};
use super::symbology::{Holds, Symbology, identified};
use super::{Elements, Options, Refusal, Rule, link};

/// What stands for FNC1 in scan data.
pub const GS: char = '\u{1d}';
/// What parts the data of a linear symbol and of its composite component, where they are written in one.
const COMPOSITE: char = '|';
/// The same in scan data, of symbols that send two messages.
const COMPOSITE_MESSAGE: &str = "|]e0";
/// The identifier of a GTIN, behind FNC1.
const GTIN: &str = "^01";
/// What DataBar Limited begins with at most.
const LIMITED_FIRST: char = '1';

/// What a scanner sent.
#[derive(Debug)]
pub struct Scan<'a> {
    /// The kind of symbol.
    pub symbology: Symbology,
    /// What stood in it.
    pub content: Content<'a>,
}

/// What stood in a symbol.
#[derive(Debug)]
pub enum Content<'a> {
    /// A number with its check digit, and the elements of a composite component.
    Number(&'a str, Option<Elements<'a>>),
    /// Elements.
    Elements(Elements<'a>),
    /// A link of GS1, and its elements.
    Link(&'a str, Elements<'a>),
    /// Anything else.
    Text(&'a str),
}

/// Reads scan data.
///
/// # Errors
/// What is wrong with which part.
pub fn read<'a>(scan: &'a str, options: &Options<'_>) -> Result<Scan<'a>, Refusal> {
    let parts = scan.strip_prefix(']').and_then(|rest| rest.split_at_checked(2));
    let known = parts.and_then(|(identifier, data)| Some((identified(identifier)?, data)));
    let ((symbology, holds), data) = known.ok_or_else(|| Refusal::whole(scan, Rule::Symbology))?;
    let content = match holds {
        Holds::Number(digits) => {
            let (number, composite) = match data.split_once(COMPOSITE_MESSAGE) {
                Some((number, composite)) => (number, Some(elements(composite, options)?)),
                None => (data, None),
            };
            must_be_number(number, digits)?;
            Content::Number(number, composite)
        }
        Holds::Elements => Content::Elements(elements(data, options)?),
        Holds::Text if link::is_url(data) => Content::Link(data, link::parse(data, options)?),
        Holds::Text => Content::Text(data),
    };
    Ok(Scan { symbology, content })
}

fn elements<'a>(data: &'a str, options: &Options<'_>) -> Result<Elements<'a>, Refusal> {
    Elements::behind_fnc1(data, GS, options)
}

fn must_be_number(number: &str, digits: usize) -> Result<(), Refusal> {
    if number.len() != digits {
        return Err(Refusal::whole(number, Rule::Number(digits)));
    }
    Gtin::of(number).map(|_| ()).map_err(|not| {
        let rule = if not == NotGtin::Length { Rule::Number(digits) } else { Rule::NumberCheck };
        Refusal::whole(number, rule)
    })
}

impl Scan<'_> {
    /// What stood in the symbol, with `^` for FNC1, `|` before a composite component, and a backslash before what would
    /// else be taken for FNC1.
    pub fn data(&self) -> String {
        match &self.content {
            Content::Number(number, None) => (*number).to_owned(),
            Content::Number(number, Some(composite)) => format!("{number}{COMPOSITE}{}", composite.to_unbracketed()),
            Content::Elements(elements) => elements.to_unbracketed(),
            Content::Link(text, _) | Content::Text(text) if is_like_fnc1(text) => format!("\\{text}"),
            Content::Link(text, _) | Content::Text(text) => (*text).to_owned(),
        }
    }
}

/// Whether a text begins with backslashes and FNC1, or with FNC1.
fn is_like_fnc1(text: &str) -> bool {
    text.trim_start_matches('\\').starts_with(FNC1)
}

/// Writes what a scanner sends of a symbol that holds this data, written as [`Scan::data`] says.
///
/// # Errors
/// The symbol cannot hold it.
pub fn write(data: &str, symbology: Symbology, options: &Options<'_>) -> Result<String, Refusal> {
    if let Some(identifier) = symbology.text_identifier().filter(|_| !data.starts_with(FNC1)) {
        let is_escaped = data.starts_with('\\') && is_like_fnc1(data);
        return Ok(format!("{identifier}{}", &data[usize::from(is_escaped)..]));
    }
    let (linear, composite) = match data.split_once(COMPOSITE) {
        Some((linear, composite)) => (linear, Some(composite)),
        None => (data, None),
    };
    let composite = composite.map(|composite| sent(composite, options)).transpose()?;
    match symbology {
        Symbology::Ean13 => number(linear, 13, ("]E0", COMPOSITE_MESSAGE), composite),
        Symbology::UpcA | Symbology::UpcE => number(linear, 12, ("]E00", COMPOSITE_MESSAGE), composite),
        Symbology::Ean8 => number(linear, 8, ("]E4", COMPOSITE_MESSAGE), composite),
        Symbology::Itf14 => number(linear, 14, ("]I1", COMPOSITE_MESSAGE), composite),
        Symbology::DataBar => number(linear, 14, ("]e001", ""), composite),
        Symbology::DataBarLimited => {
            let written = number(linear, 14, ("]e001", ""), composite)?;
            let is_small = written.trim_start_matches("]e001").starts_with(['0', LIMITED_FIRST]);
            if is_small { Ok(written) } else { Err(Refusal::whole(linear, Rule::NumberTooLarge)) }
        }
        _ => concatenated(linear, symbology, composite, options),
    }
}

/// Elements as they are sent, behind the identifier.
fn sent(elements: &str, options: &Options<'_>) -> Result<String, Refusal> {
    Elements::unbracketed(elements, FNC1, options)?;
    Ok(elements[1..].replace(FNC1, &GS.to_string()))
}

/// A number, which may be written as the element of a GTIN, and what stands before it and between it and a composite
/// component.
fn number(
    linear: &str,
    digits: usize,
    (before, between): (&str, &str),
    composite: Option<String>,
) -> Result<String, Refusal> {
    let zeros = "0".repeat(14_usize.saturating_sub(digits));
    let bare = linear.strip_prefix(GTIN).and_then(|gtin| gtin.strip_prefix(&*zeros)).unwrap_or(linear);
    must_be_number(bare, digits)?;
    let composite = composite.map(|composite| format!("{between}{composite}")).unwrap_or_default();
    Ok(format!("{before}{bare}{composite}"))
}

/// Elements, and those of a composite component behind them.
fn concatenated(
    linear: &str,
    symbology: Symbology,
    composite: Option<String>,
    options: &Options<'_>,
) -> Result<String, Refusal> {
    if !linear.starts_with(FNC1) {
        return Err(Refusal::whole(linear, Rule::NotElements));
    }
    let data = sent(linear, options)?;
    let Some(composite) = composite else { return Ok(format!("{}{data}", symbology.elements_identifier())) };
    let is_open = element::Elements::unbracketed(linear, FNC1, options)?.ends_open();
    let between = if is_open && !data.ends_with(GS) { GS.to_string() } else { String::new() };
    Ok(format!("]e0{data}{between}{composite}"))
}
