//! One row: an item of a receipt.

use jiff::Timestamp;
use jiff::civil::DateTime;
use tillmesh_plugin::money::parse_unit_price;
use tillmesh_plugin::{Failure, UnitPrice, failure};

use crate::settings::{Columns, Settings};
use crate::table::Record;

/// How long `2026-11-28` is.
const DAY: usize = 10;
/// The last moment that a node takes, the beginning of 9999, in microseconds. The first is 1970.
const LATEST: i64 = 253_370_764_800_000_000;
/// The longest offset that a time is read with, in bytes: `+01:00`.
const MAX_OFFSET: usize = 6;
/// The largest amount that a node records.
const MAX_AMOUNT: i64 = 1_000_000_000_000_000;
/// The largest quantity that a node records in a line.
const MAX_UNITS: u64 = 1_000_000_000;
/// The longest SKU that a node takes, in bytes.
const MAX_SKU: usize = 64;
/// The longest number of a receipt, in bytes: with a location, a time and a count behind it a reference takes it.
const MAX_RECEIPT: usize = 56;
/// The longest customer's reference, in bytes.
const MAX_CUSTOMER: usize = 128;

/// An item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub receipt: String,
    pub what: What,
    pub code: String,
    /// At least 1.
    pub units: u64,
    pub unit_price: UnitPrice,
    /// Microseconds since 1970.
    pub at: i64,
    pub customer: Option<String>,
    pub location: Option<String>,
}

/// What happened to the goods, if they are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Sold,
    /// Money and no goods.
    Charged,
    TakenBack,
    WrittenOff,
}

/// Why a row is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    pub field: String,
    pub value: String,
    pub rule: String,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        failure::malformed(refused.field, refused.value, refused.rule)
    }
}

/// Reads a row.
///
/// # Errors
/// Which field of which row is refused, and why.
pub(crate) fn read(record: &Record, settings: &Settings) -> Result<Row, Refused> {
    let names = &settings.columns;
    let refused = |name: &str, value: &str, rule: String| {
        let field = format!("{}, {name}", record.describe());
        Refused { field, value: value.to_owned(), rule }
    };
    record.check_fields().map_err(|rule| refused("fields", "", rule))?;
    let text = |name: &String, place: fn(&Columns<usize>) -> usize| match record.text(place) {
        Ok("") => Err(refused(name, "", "it must not be empty".to_owned())),
        other => other.map_err(|rule| refused(name, "", rule)),
    };
    let short = |name: &str, text: &str, most: usize| {
        let is_short = text.len() <= most && !text.chars().any(char::is_control);
        let rule = || format!("it must have at most {most} bytes and no control characters");
        if is_short { Ok(()) } else { Err(refused(name, text, rule())) }
    };
    let receipt = text(&names.receipt, |places| places.receipt)?;
    let code = text(&names.sku, |places| places.sku)?;
    short(&names.receipt, receipt, MAX_RECEIPT)?;
    short(&names.sku, code, MAX_SKU)?;
    let quantity = text(&names.quantity, |places| places.quantity)?;
    let price = text(&names.unit_price, |places| places.unit_price)?;
    let time = text(&names.time, |places| places.time)?;
    let units = whole_units(quantity, settings).map_err(|rule| refused(&names.quantity, quantity, rule))?;
    let is_charge = settings.charges.iter().any(|charge| charge == code);
    let what = what(receipt, units > 0, is_charge, settings).map_err(|rule| refused(&names.sku, code, rule))?;
    let unit_price = unit_price(price, settings).map_err(|rule| refused(&names.unit_price, price, rule))?;
    let at = moment(time, settings).map_err(|rule| refused(&names.time, time, rule))?;
    let location = record.optional(|places| places.location).and_then(|place| location(place, settings));
    let customer = record.optional(|places| places.customer).map_err(|rule| refused("customer", "", rule))?;
    short("customer", customer.unwrap_or_default(), MAX_CUSTOMER)?;
    Ok(Row {
        receipt: receipt.to_owned(),
        what,
        code: code.to_owned(),
        units: units.unsigned_abs(),
        unit_price,
        at,
        customer: customer.map(str::to_owned),
        location: location.map_err(|rule| refused("location", "", rule))?,
    })
}

/// A whole number of units, with zeros behind the point or without; never 0.
fn whole_units(text: &str, settings: &Settings) -> Result<i64, String> {
    let point = if settings.decimal_comma { ',' } else { '.' };
    let is_zeros = |zeros: &str| !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    let whole = text.split_once(point).filter(|(_, zeros)| is_zeros(zeros));
    match whole.map_or(text, |(whole, _)| whole).parse::<i64>() {
        Ok(0) => Err("it must not be 0".to_owned()),
        Ok(units) if units.unsigned_abs() <= MAX_UNITS => Ok(units),
        Ok(_) => Err(format!("it must be at most {MAX_UNITS}")),
        Err(_) => Err("it must be a whole number of base units".to_owned()),
    }
}

/// What a row says. Without a prefix of returns, what is negative came back; with one, only what stands on those
/// receipts did.
fn what(receipt: &str, sold: bool, is_charge: bool, settings: &Settings) -> Result<What, String> {
    let prefix = settings.return_prefix.as_deref();
    let on_return = prefix.is_some_and(|prefix| receipt.starts_with(prefix));
    match (is_charge, sold) {
        (true, true) if !on_return => Ok(What::Charged),
        (true, _) => Err("it is a charge, and money alone cannot be taken back".to_owned()),
        (false, true) if on_return => Err("it was sold, and its receipt takes goods back".to_owned()),
        (false, true) => Ok(What::Sold),
        (false, false) if on_return || prefix.is_none() => Ok(What::TakenBack),
        (false, false) => Ok(What::WrittenOff),
    }
}

fn unit_price(text: &str, settings: &Settings) -> Result<UnitPrice, String> {
    if settings.decimal_comma && text.contains('.') {
        return Err("it must be a decimal such as 12,50, without points".to_owned());
    }
    let point = text.replace(',', ".");
    let text = if settings.decimal_comma { &point } else { text };
    let price = parse_unit_price(text, &settings.currency)?;
    match price.amount {
        ..0 => Err("it must not be negative".to_owned()),
        0..=MAX_AMOUNT => Ok(price),
        _ => Err("it is too large".to_owned()),
    }
}

/// A time, with its offset or by that of the settings.
fn moment(text: &str, settings: &Settings) -> Result<i64, String> {
    let rule = || "it must be a time such as 2026-11-28 17:05:00".to_owned();
    if !is_plain(text) {
        return Err(rule());
    }
    // What stands behind the day tells them apart: trying both costs a row more than everything else.
    let at = if text.get(DAY..).is_some_and(|time| time.contains(['Z', 'z', '+', '-'])) {
        text.parse::<Timestamp>().map_err(|_| rule())?
    } else {
        let local = usual(text).map_or_else(|| text.parse::<DateTime>(), Ok).map_err(|_| rule())?;
        let offset = settings.offset.ok_or("it has no offset, and the channel's settings have no utc-offset")?;
        offset.to_timestamp(local).map_err(|_| rule())?
    };
    Some(at.as_microsecond()).filter(|at| (0..=LATEST).contains(at)).ok_or_else(rule)
}

/// Whether it has nothing that no till writes and the reader takes all the same: years of six digits, offsets with
/// seconds, and what RFC 9557 puts between brackets.
fn is_plain(text: &str) -> bool {
    let offset = text.rfind(['+', '-']).filter(|at| *at > DAY).map_or(0, |at| text.len() - at);
    text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains('[') && offset <= MAX_OFFSET
}

/// A time that is written as most are: a general reader takes a good part of what a call may use.
fn usual(text: &str) -> Option<DateTime> {
    let bytes = text.as_bytes();
    let shape = bytes.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte });
    if !shape.eq(*b"0000-00-00 00:00:00") {
        return None;
    }
    let number =
        |from: usize, to: usize| bytes[from..to].iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'));
    let two = |from: usize| i8::try_from(number(from, from + 2)).unwrap_or_default();
    DateTime::new(number(0, 4), two(5), two(8), two(11), two(14), two(17), 0).ok()
}

/// A location of the file as one of the node's; the node's own where the file says none.
fn location(place: Option<&str>, settings: &Settings) -> Result<Option<String>, String> {
    let Some(place) = place else { return Ok(None) };
    let known = settings.locations.iter().find(|(name, _)| name == place);
    let (_, name) = known.ok_or_else(|| format!("the channel's settings have no location.{place}"))?;
    if name.is_empty() { Err(format!("location.{place} names no location")) } else { Ok(Some(name.clone())) }
}
