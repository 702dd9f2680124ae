//! Which article a trading partner means, by the numbers that he has for it.

use crate::{Catalogue, Context, Failure, failure};

/// What a number of an article is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The retailer's own SKU.
    Sku,
    /// A GTIN, in any of its lengths.
    Gtin,
    /// The number of whoever sells: of an order for the retailer, his own.
    Seller,
    /// Any other, such as the partner's own.
    Other,
}

/// The SKU that one of an article's numbers means. A retailer's own is taken as it is; of the others the first that the
/// catalogue knows counts, as GTIN, SKU or reference; a seller's that it does not know is taken as SKU. None: nobody
/// knows it.
pub fn sku(numbers: &[(Kind, &str)], catalogue: &dyn Catalogue) -> Option<String> {
    let of = |kind: Kind| numbers.iter().find(|(known, _)| *known == kind).map(|(_, number)| (*number).to_owned());
    let known = |(kind, number): &(Kind, &str)| {
        let by_gtin = (*kind == Kind::Gtin).then(|| catalogue.by_gtin(number)).flatten();
        let found = by_gtin.or_else(|| catalogue.by_sku(number)).or_else(|| catalogue.by_reference(number));
        found.map(|product| product.sku)
    };
    of(Kind::Sku).or_else(|| numbers.iter().find_map(known)).or_else(|| of(Kind::Seller))
}

/// How many base units there are in a partner's unit of measure, such as a case, by the setting `unit.<code>`; 1, if
/// nobody says.
///
/// # Errors
/// `rejected` where the setting is no number from 1 to 1,000,000.
pub fn units_in(code: &str, context: &Context) -> Result<u64, Failure> {
    let key = format!("unit.{code}");
    let Some(text) = context.setting(&key) else { return Ok(1) };
    let number = text.parse().ok().filter(|number| (1..=1_000_000).contains(number));
    number.ok_or_else(|| failure::rejected(key, text, "it must be a whole number from 1 to 1000000"))
}
