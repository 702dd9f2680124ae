//! Prices: what a price plugin is given, what it answers, and the host's check of the answer.
//!
//! ```text
//! PricingInput  --canonical CBOR-->  hash ------\
//!      |                                         |  kept with the order: any node fetches the three by hash,
//!   plugin (a component, known by its hash) -----+  runs it again and proves the total
//!      |                                         |
//! PriceResult   --canonical CBOR-->  hash ------/
//! ```
//!
//! The rules by which promotions combine are written at [`Combine`]; the arithmetic is the plugin's. The host trusts
//! none of it: [`PriceResult::check`] refuses an answer that names a line or promotion that is not there, raises a
//! price, or takes more off than there is.

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::{Name, ObjectHash, Sku};
use crate::money::{Currency, Money, Rounding, UnitPrice};
use crate::time::Timestamp;

pub use self::check::{InvalidPrice, LinePrice, MAX_ADJUSTMENTS, Totals};
pub use self::promotion::{Combine, CouponCode, FixedScope, InvalidPromotion, Promotion, PromotionKind, Target};

mod check;
mod promotion;

/// The most lines of one pricing: what the default limits of a plugin carry with every field at its longest.
pub const MAX_LINES: usize = 500;

/// The most promotions of one pricing. Who keeps more gives only those that are valid for channel and time.
pub const MAX_PROMOTIONS: usize = 500;

/// The most coupons of one pricing: more are guesses, not purchases.
pub const MAX_COUPONS: usize = 20;

/// The largest quantity of a line in base units: a thousand tonnes in milligrams. More is a slip of the scanner.
pub const MAX_QUANTITY: u64 = 1_000_000_000_000;

/// The longest category, department or reason in bytes.
pub const MAX_TEXT: usize = 200;

/// Everything that a price depends on. Equal content gives equal bytes and so an equal hash (see
/// [`PricingInput::hash`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct PricingInput {
    /// The moment whose promotions count; not the moment of the calculation.
    #[n(0)]
    pub effective_at: Timestamp,
    /// The currency of every amount.
    #[n(1)]
    pub currency: Currency,
    /// The channel that sells.
    #[n(2)]
    pub channel: Name,
    /// The lines, by ascending number.
    #[n(3)]
    pub lines: Vec<PricingLine>,
    /// The coupons that the customer gave, each once, in ascending order.
    #[n(4)]
    #[serde(default)]
    pub coupons: Vec<CouponCode>,
    /// The promotions to choose from, by ascending id.
    #[n(5)]
    #[serde(default)]
    pub promotions: Vec<Promotion>,
    /// What happens to fractions of a minor unit.
    #[n(6)]
    #[serde(default)]
    pub rounding: Rounding,
}

/// One line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct PricingLine {
    /// The line's number, unique in the cart.
    #[n(0)]
    pub number: u32,
    /// What is sold.
    #[n(1)]
    pub sku: Sku,
    /// How much, in base units of the SKU; at least 1.
    #[n(2)]
    pub quantity: u64,
    /// The list price of one base unit, where there is one.
    #[n(3)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<UnitPrice>,
    /// The line's amount before promotions; never negative.
    #[n(4)]
    pub amount: Money,
    /// The department of the SKU.
    #[n(5)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Box<str>>,
    /// The category of the SKU.
    #[n(6)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Box<str>>,
}

/// What a price plugin answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct PriceResult {
    /// What is taken off, in the order in which it was taken.
    #[n(0)]
    pub adjustments: Vec<Adjustment>,
    /// What became of each coupon that the customer gave.
    #[n(1)]
    #[serde(default)]
    pub coupons: Vec<CouponOutcome>,
}

/// One amount taken off, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// The promotion that takes it off.
    #[n(0)]
    pub promotion: Name,
    /// The line that it is taken off; left out when it is taken off the whole.
    #[n(1)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The amount, negative or zero.
    #[n(2)]
    pub amount: Money,
    /// Why, in words for the receipt.
    #[n(3)]
    pub reason: Box<str>,
}

/// What became of a coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct CouponOutcome {
    /// The coupon.
    #[n(0)]
    pub coupon: CouponCode,
    /// What became of it.
    #[n(1)]
    pub status: CouponStatus,
}

/// Whether a coupon took something off, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum CouponStatus {
    /// It took something off.
    #[n(0)]
    Applied,
    /// No promotion has this coupon.
    #[n(1)]
    Unknown,
    /// Its promotion has not begun or has ended.
    #[n(2)]
    NotValidNow,
    /// Its promotion is for other channels.
    #[n(3)]
    OtherChannel,
    /// The subtotal is below its promotion's minimum.
    #[n(4)]
    BelowMinimum,
    /// No line is a target of its promotion, or nothing was left to take off.
    #[n(5)]
    NothingToDiscount,
    /// Another promotion that does not combine with it takes more off.
    #[n(6)]
    OtherWins,
}

impl PricingInput {
    /// Checks the input and brings it into the canonical order (lines by number, promotions by id, coupons by code,
    /// each once), so that the same purchase has the same bytes at every node.
    ///
    /// # Errors
    /// When a field breaks its rule; the error names it.
    pub fn canonical(mut self) -> Result<Self, InvalidInput> {
        self.lines.sort_by_key(|line| line.number);
        self.promotions.sort_by(|left, right| left.id.cmp(&right.id));
        self.coupons.sort();
        self.coupons.dedup();
        self.check()?;
        Ok(self)
    }

    /// The canonical bytes: CBOR of the record, fields by number.
    pub fn to_cbor(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// When the bytes are no pricing input, break a rule, or are not the canonical form of what they say.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, InvalidInput> {
        let input: Self = minicbor::decode(bytes).map_err(|error| InvalidInput::encoding(&error))?;
        let input = input.canonical()?;
        if input.to_cbor() != bytes {
            return Err(InvalidInput::new("input", "…", "it must be the canonical encoding"));
        }
        Ok(input)
    }

    /// The hash of the canonical bytes.
    pub fn hash(&self) -> ObjectHash {
        ObjectHash::of(&self.to_cbor())
    }

    fn check(&self) -> Result<(), InvalidInput> {
        check_count("lines", self.lines.len(), MAX_LINES)?;
        check_count("coupons", self.coupons.len(), MAX_COUPONS)?;
        check_count("promotions", self.promotions.len(), MAX_PROMOTIONS)?;
        if self.effective_at.checked().is_none() {
            return Err(InvalidInput::new("effective_at", self.effective_at, "it must lie between 1970 and 9999"));
        }
        self.lines.iter().try_for_each(|line| line.check(self.currency))?;
        if let Some(pair) = self.lines.windows(2).find(|pair| pair[0].number == pair[1].number) {
            return Err(InvalidInput::new("lines[].number", pair[0].number, "each line must have a number of its own"));
        }
        if let Some(pair) = self.promotions.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(InvalidInput::new("promotions[].id", &pair[0].id, "each promotion must be there once"));
        }
        self.promotions.iter().try_for_each(|promotion| promotion.check().map_err(InvalidInput::from))
    }
}

impl PricingLine {
    fn check(&self, currency: Currency) -> Result<(), InvalidInput> {
        let field = |name: &str| format!("lines[{}].{name}", self.number);
        if !(1..=MAX_QUANTITY).contains(&self.quantity) {
            let rule = format!("it must lie between 1 and {MAX_QUANTITY}");
            return Err(InvalidInput::new(field("quantity"), self.quantity, rule));
        }
        if self.amount.currency != currency || self.amount.amount < 0 || self.amount.checked().is_err() {
            let rule = format!("it must be an amount in {currency}, at least 0");
            return Err(InvalidInput::new(field("amount"), show(self.amount), rule));
        }
        if let Some(price) = self.unit_price
            && (price.currency != currency || price.amount < 0 || price.checked().is_err())
        {
            let rule = format!("it must be a price in {currency}, at least 0");
            return Err(InvalidInput::new(field("unit_price"), price.amount, rule));
        }
        for (name, text) in [("department", &self.department), ("category", &self.category)] {
            if let Some(rule) = text.as_deref().and_then(text_rule) {
                return Err(InvalidInput::new(field(name), text.as_deref().unwrap_or_default(), rule));
            }
        }
        Ok(())
    }
}

impl PriceResult {
    /// The canonical bytes: CBOR of the record, fields by number.
    pub fn to_cbor(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`PriceResult::to_cbor`] wrote.
    ///
    /// # Errors
    /// When the bytes are no price result.
    pub fn from_cbor(bytes: &[u8]) -> Result<Self, InvalidInput> {
        minicbor::decode(bytes).map_err(|error| InvalidInput::encoding(&error))
    }

    /// The hash of the canonical bytes.
    pub fn hash(&self) -> ObjectHash {
        ObjectHash::of(&self.to_cbor())
    }
}

/// Why something cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {value:?} is refused: {rule}")]
pub struct InvalidInput {
    /// The offending field.
    pub field: String,
    /// Its value, cut to 80 characters.
    pub value: String,
    /// The rule in words.
    pub rule: String,
}

impl InvalidInput {
    fn new(field: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.to_string().chars().take(80).collect(), rule: rule.into() }
    }

    fn encoding(error: &minicbor::decode::Error) -> Self {
        Self::new("encoding", "…", error.to_string())
    }
}

impl From<InvalidPromotion> for InvalidInput {
    fn from(error: InvalidPromotion) -> Self {
        Self { field: format!("promotions[{}].{}", error.promotion, error.field), value: error.value, rule: error.rule }
    }
}

fn check_count(field: &str, count: usize, max: usize) -> Result<(), InvalidInput> {
    if count <= max { Ok(()) } else { Err(InvalidInput::new(field, count, format!("at most {max} are allowed"))) }
}

/// The rule that a free text breaks, if it breaks one.
fn text_rule(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it must not be empty".to_owned());
    }
    if text.len() > MAX_TEXT {
        return Some(format!("it has {} bytes, at most {MAX_TEXT} are allowed", text.len()));
    }
    text.chars().any(char::is_control).then(|| "it must not hold control characters".to_owned())
}

fn show(money: Money) -> String {
    format!("{} {}", money.amount, money.currency)
}

fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to memory cannot fail, and no encoder of this module refuses a value")
}

#[cfg(test)]
mod tests;
