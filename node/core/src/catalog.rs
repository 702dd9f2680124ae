//! The catalogue: what can be sold, and what it costs.

use std::collections::BTreeMap;

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Name, Reference, Sku};
use crate::money::UnitPrice;
use crate::refusal::Refusal;

/// The version of a product's record.
pub const PRODUCT_VERSION: u8 = 1;
/// The longest name, department or category: what fits a shelf label, in bytes.
pub const MAX_TEXT: usize = 200;
/// The most references of a product to channels.
pub const MAX_REFERENCES: usize = 32;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The SKU.
    #[n(0)]
    pub sku: Sku,
    /// What people call it.
    #[n(1)]
    pub name: String,
    /// The price of one base unit.
    #[n(2)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<UnitPrice>,
    /// The GTIN-8, -12, -13 or -14, with its check digit (GS1 General Specifications, 7.9).
    #[n(3)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    /// The department.
    #[n(4)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The category.
    #[n(5)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The base unit that quantities count, such as `each`, `g` or `gal/1000`.
    #[n(6)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The tax class.
    #[n(7)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<Name>,
    /// What channels call it.
    #[n(8)]
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<Name, Reference>,
}

impl Product {
    /// A product of which nothing but a name is known.
    pub fn named(sku: Sku, name: impl Into<String>) -> Self {
        Self {
            sku,
            name: name.into(),
            price: None,
            gtin: None,
            department: None,
            category: None,
            unit: None,
            tax_class: None,
            references: BTreeMap::new(),
        }
    }

    /// What a channel calls it: under the channel's own name, and under `channel-1` and so on where it has several.
    pub fn called_by<'a>(&'a self, channel: &'a Name) -> impl Iterator<Item = &'a Reference> {
        self.references.iter().filter(|(name, _)| is_of(name, channel)).map(|(_, reference)| reference)
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// When a field breaks its rule; `at` is put before the field's name.
    pub fn check(&self, at: &str) -> Result<(), Refusal> {
        check_text(&format!("{at}name"), Some(&self.name))?;
        check_text(&format!("{at}department"), self.department.as_deref())?;
        check_text(&format!("{at}category"), self.category.as_deref())?;
        check_text(&format!("{at}unit"), self.unit.as_deref())?;
        if let Some(price) = self.price {
            check_price(&format!("{at}price"), price)?;
        }
        if let Some(gtin) = &self.gtin {
            check_gtin(&format!("{at}gtin"), gtin)?;
        }
        if self.references.len() > MAX_REFERENCES {
            let count = format!("{} references", self.references.len());
            return Err(Refusal::invalid(format!("{at}references"), count, format!("at most {MAX_REFERENCES}")));
        }
        Ok(())
    }
}

/// Whether what stands under a name among a product's references is a channel's: see [`Product::called_by`].
pub fn is_of(name: &Name, channel: &Name) -> bool {
    let number = name.as_str().strip_prefix(channel.as_str()).and_then(|rest| rest.strip_prefix('-'));
    name == channel || number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Checks a price that somebody asks for.
///
/// # Errors
/// When it is negative, too large or too fine.
pub fn check_price(field: &str, price: UnitPrice) -> Result<(), Refusal> {
    if price.amount < 0 {
        return Err(Refusal::invalid(format!("{field}.amount"), price.amount, "a price must not be negative"));
    }
    price.checked().map(|_| ()).map_err(|error| Refusal::invalid(field, price.amount, error.to_string()))
}

fn check_text(field: &str, text: Option<&str>) -> Result<(), Refusal> {
    let Some(text) = text else { return Ok(()) };
    let rule = if text.trim().is_empty() {
        "it must not be empty".to_owned()
    } else if text.len() > MAX_TEXT {
        format!("it must have at most {MAX_TEXT} bytes")
    } else if text.chars().any(char::is_control) {
        "it must not hold control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::invalid(field, format!("{:?}", text.chars().take(80).collect::<String>()), rule))
}

/// Whether two GTINs are one: shorter ones are filled up with zeros on the left (GS1 General Specifications).
#[must_use]
pub fn is_same_gtin(one: &str, other: &str) -> bool {
    one.trim_start_matches('0') == other.trim_start_matches('0')
}

fn check_gtin(field: &str, gtin: &str) -> Result<(), Refusal> {
    let digits: Option<Vec<u32>> = gtin.chars().map(|c| c.to_digit(10)).collect();
    let digits = digits.filter(|digits| [8, 12, 13, 14].contains(&digits.len()));
    let Some(digits) = digits else {
        return Err(Refusal::invalid(field, gtin, "a GTIN has 8, 12, 13 or 14 digits"));
    };
    let weighted = digits.iter().rev().enumerate().map(|(place, digit)| digit * if place % 2 == 1 { 3 } else { 1 });
    if weighted.sum::<u32>() % 10 == 0 {
        Ok(())
    } else {
        Err(Refusal::invalid(field, gtin, "its check digit is wrong"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gtin_in_fourteen_digits_is_the_one_in_fewer() {
        assert!(is_same_gtin("4006381333931", "04006381333931"));
        assert!(is_same_gtin("012345678905", "12345678905"));
        assert!(!is_same_gtin("4006381333931", "14006381333938"));
    }

    #[test]
    fn a_gtin_whose_check_digit_is_wrong_is_refused() {
        assert_eq!(check_gtin("gtin", "4006381333931").map_err(|refusal| refusal.to_string()), Ok(()));
        assert!(check_gtin("gtin", "4006381333932").unwrap_err().to_string().contains("check digit"));
    }
}
