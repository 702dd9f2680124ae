//! Quantities of channels that have fractions (1.5 kg), in the base units that a node counts (1,500 g).

use crate::json::{Field, MAX_UNITS};
use crate::money::{MAX_SCALE, decimals, parse_decimal, parse_units};
use crate::{Catalogue, Context, Failure, LineContent, Money, UnitPrice, failure};

/// How many zeros there are between a unit of the channel and the base unit of what a line is: by the setting
/// `scale.<base unit>`, a power of ten.
///
/// # Errors
/// `rejected`, where the setting is none.
pub fn zeros(content: &LineContent, context: &Context, catalogue: &dyn Catalogue) -> Result<u32, Failure> {
    let LineContent::Sku(sku) = content else { return Ok(0) };
    let Some(unit) = catalogue.by_sku(sku).and_then(|product| product.unit) else { return Ok(0) };
    let key = format!("scale.{unit}");
    let Some(scale) = context.setting(&key) else { return Ok(0) };
    let is_power = scale.strip_prefix('1').is_some_and(|zeros| zeros.bytes().all(|zero| zero == b'0'));
    if !is_power || scale.len() > MAX_SCALE {
        return Err(failure::rejected(key, scale, "it must be a power of ten, such as 1000"));
    }
    Ok(u32::try_from(scale.len() - 1).unwrap_or_default())
}

/// A quantity in base units, with its sign. None for null, a missing field and the empty string.
///
/// # Errors
/// `malformed` where it is no decimal, `rejected` where it is no whole number of base units.
pub fn units(field: Field<'_, '_>, zeros: u32) -> Result<Option<i64>, Failure> {
    let Some(text) = field.text()? else { return Ok(None) };
    let (digits, scale) = parse_decimal(&text).map_err(|rule| field.malformed(rule))?;
    let too_large = || field.malformed("it is too large");
    let scaled = digits.checked_mul(10_i64.pow(zeros)).ok_or_else(too_large)?;
    let divisor = 10_i64.pow(u32::try_from(scale).unwrap_or_default());
    if scaled % divisor != 0 {
        let rule = "it is no whole number of base units: set scale.<base unit> for what is sold by weight or length";
        return Err(failure::rejected(field.path, text, rule));
    }
    let units = scaled / divisor;
    if units.unsigned_abs() > MAX_UNITS {
        return Err(field.malformed(format!("it must be at most {MAX_UNITS} base units")));
    }
    Ok(Some(units))
}

/// Whether a quantity is nothing, such as `0` or `0.00`.
///
/// # Errors
/// `malformed` where it is no number.
pub fn is_none(field: Field<'_, '_>) -> Result<bool, Failure> {
    let is_none = |text: String| parse_units(text.strip_prefix('-').unwrap_or(&text)) == Ok(0);
    Ok(field.text()?.is_some_and(is_none))
}

/// The price of a base unit. Channels that compute it from a line give more decimals than a price can have: then there
/// is none, and the line's amount says it.
///
/// # Errors
/// `malformed`.
pub fn unit_price(field: Field<'_, '_>, currency: &str, zeros: u32) -> Result<Option<UnitPrice>, Failure> {
    let Some(text) = field.text()? else { return Ok(None) };
    let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len()) + zeros as usize;
    // What is computed in floating point may also come with an exponent, such as 5.0e-5.
    if decimals > MAX_SCALE || text.contains(['e', 'E']) {
        return Ok(None);
    }
    let Some(price) = field.unit_price(currency)? else { return Ok(None) };
    Ok(Some(UnitPrice { scale: u8::try_from(decimals).ok(), ..price }))
}

/// The price of a base unit, of one that is stated in minor units of its currency.
pub fn minor_price(price: &Money, zeros: u32) -> Option<UnitPrice> {
    let scale = decimals(&price.currency) + zeros as usize;
    let scale = u8::try_from(scale).ok().filter(|scale| usize::from(*scale) <= MAX_SCALE)?;
    Some(UnitPrice { amount: price.amount, scale: Some(scale), currency: price.currency.clone() })
}
