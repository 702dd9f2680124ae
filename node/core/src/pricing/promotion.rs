//! Promotions as people write them: what is taken off, what for, when, and what they may be combined with.

use std::fmt;

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{show, text_rule};
use crate::id::{Name, Sku};
use crate::money::{MAX_AMOUNT, Money};
use crate::time::Timestamp;

/// The whole of a percentage in basis points.
pub const WHOLE: u32 = 10_000;

/// The most SKUs, categories, departments or channels that one promotion lists: more belong into a category.
pub const MAX_LISTED: usize = 1_000;

/// The most units that a buy-X-get-Y promotion may ask for or give: a promotion, not a wholesale contract.
pub const MAX_UNITS: u32 = 1_000;

/// One promotion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Its id, unique in the fleet.
    #[n(0)]
    pub id: Name,
    /// What it takes off.
    #[n(1)]
    pub kind: PromotionKind,
    /// The coupon that switches it on; without one it is on for everybody.
    #[n(2)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<CouponCode>,
    /// What it applies to.
    #[n(3)]
    #[serde(default)]
    pub target: Target,
    /// The least subtotal of the whole cart, before any promotion, from which on it applies.
    #[n(4)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_subtotal: Option<Money>,
    /// Higher goes first; the id decides among equals.
    #[n(5)]
    #[serde(default)]
    pub priority: i32,
    /// What it may be combined with.
    #[n(6)]
    #[serde(default)]
    pub combine: Combine,
    /// The first moment at which it applies.
    #[n(7)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// The first moment at which it no longer applies.
    #[n(8)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
    /// The channels it is for; none listed means every one.
    #[n(9)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Name>,
    /// Whether its coupon has a number of uses: a node that has not heard of its issue then refuses it, instead of
    /// taking it for one without a limit.
    #[cbor(n(10), default)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub limited: bool,
}

/// What a promotion takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PromotionKind {
    /// A share of what is left on each target line, rounded once a line.
    #[n(0)]
    Percentage {
        /// The share in hundredths of a percent, 1 to 10,000.
        #[n(0)]
        basis_points: u32,
    },
    /// A fixed amount, never more than what is left.
    #[n(1)]
    FixedAmount {
        /// The amount, above 0. A cart in another currency is not discounted.
        #[n(0)]
        amount: Money,
        /// What the amount is for.
        #[n(1)]
        #[serde(default)]
        per: FixedScope,
    },
    /// For every `buy` units bought, `get` more units cost less; the cheapest units are the ones that do, over the
    /// whole cart. A unit counts once: to get one of three, the cart must hold three.
    #[n(2)]
    BuyXGetY {
        /// Units to buy at the full price, 1 to 1,000.
        #[n(0)]
        buy: u32,
        /// Units that cost less, 1 to 1,000.
        #[n(1)]
        get: u32,
        /// How much less, in hundredths of a percent: 10,000 is free.
        #[n(2)]
        basis_points: u32,
        /// Where the cheaper units come from. Left out: from the target, together with the bought ones. Given: from
        /// these lines, and the bought ones from the target lines that are not among them.
        #[n(3)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reward: Option<Target>,
        /// How often it applies to one cart at most; left out means as often as the cart allows.
        #[n(4)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
    },
}

/// What a fixed amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum FixedScope {
    /// Once for all target lines together, split over them by their amounts with the largest remainder.
    #[default]
    #[n(0)]
    Target,
    /// For each base unit of each target line.
    #[n(1)]
    Unit,
}

/// What a promotion applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// Every line.
    #[n(0)]
    Everything {},
    /// Lines with one of these SKUs.
    #[n(1)]
    Skus {
        /// The SKUs.
        #[n(0)]
        skus: Vec<Sku>,
    },
    /// Lines in one of these categories, compared to the letter.
    #[n(2)]
    Categories {
        /// The categories.
        #[n(0)]
        categories: Vec<Box<str>>,
    },
    /// Lines in one of these departments, compared to the letter.
    #[n(3)]
    Departments {
        /// The departments.
        #[n(0)]
        departments: Vec<Box<str>>,
    },
}

impl Default for Target {
    fn default() -> Self {
        Self::Everything {}
    }
}

/// What a promotion may be combined with. The rule, the same at every node:
///
/// 1. A promotion takes part when time, channel, currency and minimum allow it and its coupon, if it has one, was
///    given.
/// 2. All that are `with-others` form one offer: applied by priority (higher first), then id, each to what the ones
///    before
///    it have left.
/// 3. Each `exclusive` one is an offer of its own.
/// 4. The offer that takes most off wins. Among equals the `with-others` offer wins, then the higher priority, then the
///    smaller id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum Combine {
    /// Together with every other of this kind.
    #[default]
    #[n(0)]
    WithOthers,
    /// Alone or not at all.
    #[n(1)]
    Exclusive,
}

/// A coupon: letters, digits, `_` and `-`, at most 48 of them. Case does not matter; it is kept in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, CborLen)]
#[serde(try_from = "String", into = "String")]
#[cbor(transparent)]
pub struct CouponCode(#[n(0)] Name);

impl CouponCode {
    /// Checks a text, white space around it left aside, and takes it.
    ///
    /// # Errors
    /// When the text is no coupon.
    pub fn new(text: &str) -> Result<Self, crate::id::InvalidId> {
        let invalid = |error: crate::id::InvalidId| crate::id::InvalidId { kind: "coupon", ..error };
        Name::new(&text.trim().to_ascii_uppercase()).map(Self).map_err(invalid)
    }

    /// The code, in capitals.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for CouponCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for CouponCode {
    type Err = crate::id::InvalidId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for CouponCode {
    type Error = crate::id::InvalidId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<CouponCode> for String {
    fn from(code: CouponCode) -> Self {
        code.as_str().to_owned()
    }
}

impl<'b, C> Decode<'b, C> for CouponCode {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::new(d.str()?).map_err(minicbor::decode::Error::custom)
    }
}

/// Why a promotion is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("promotion {promotion}: {field}: {value:?} is refused: {rule}")]
pub struct InvalidPromotion {
    /// The promotion.
    pub promotion: Name,
    /// The offending field, such as `kind.basis_points`.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// The rule in words.
    pub rule: String,
}

impl Promotion {
    /// Checks what the types alone do not: ranges, lists and the order of times.
    ///
    /// # Errors
    /// For the first field that breaks its rule.
    pub fn check(&self) -> Result<(), InvalidPromotion> {
        self.check_kind()?;
        self.check_target("target", &self.target)?;
        if self.channels.len() > MAX_LISTED {
            return Err(self.invalid("channels", self.channels.len(), format!("at most {MAX_LISTED} are allowed")));
        }
        if let Some(money) = self.minimum_subtotal
            && !(0..=MAX_AMOUNT).contains(&money.amount)
        {
            return Err(self.invalid(
                "minimum_subtotal",
                show(money),
                format!("it must lie between 0 and {MAX_AMOUNT}"),
            ));
        }
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && from >= until
        {
            return Err(self.invalid("valid_until", until, format!("it must be later than valid_from, {from}")));
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), InvalidPromotion> {
        match &self.kind {
            PromotionKind::Percentage { basis_points } => self.check_share(*basis_points),
            PromotionKind::FixedAmount { amount, .. } if (1..=MAX_AMOUNT).contains(&amount.amount) => Ok(()),
            PromotionKind::FixedAmount { amount, .. } => {
                Err(self.invalid("kind.amount", show(*amount), format!("it must lie between 1 and {MAX_AMOUNT}")))
            }
            PromotionKind::BuyXGetY { buy, get, basis_points, reward, times } => {
                self.check_share(*basis_points)?;
                let counts = [("kind.buy", *buy), ("kind.get", *get), ("kind.times", times.unwrap_or(1))];
                if let Some((field, count)) = counts.into_iter().find(|(_, count)| !(1..=MAX_UNITS).contains(count)) {
                    return Err(self.invalid(field, count, format!("it must lie between 1 and {MAX_UNITS}")));
                }
                reward.iter().try_for_each(|reward| self.check_target("kind.reward", reward))
            }
        }
    }

    fn check_share(&self, basis_points: u32) -> Result<(), InvalidPromotion> {
        if (1..=WHOLE).contains(&basis_points) {
            return Ok(());
        }
        Err(self.invalid("kind.basis_points", basis_points, format!("it must lie between 1 and {WHOLE} (100 %)")))
    }

    fn check_target(&self, field: &'static str, target: &Target) -> Result<(), InvalidPromotion> {
        let (count, texts): (usize, &[Box<str>]) = match target {
            Target::Everything {} => (1, &[]),
            Target::Skus { skus } => (skus.len(), &[]),
            Target::Categories { categories } => (categories.len(), categories),
            Target::Departments { departments } => (departments.len(), departments),
        };
        if !(1..=MAX_LISTED).contains(&count) {
            return Err(self.invalid(field, count, format!("it must list 1 to {MAX_LISTED}")));
        }
        match texts.iter().find_map(|text| text_rule(text).map(|rule| (text, rule))) {
            Some((text, rule)) => Err(self.invalid(field, text, rule)),
            None => Ok(()),
        }
    }

    fn invalid(&self, field: &'static str, value: impl ToString, rule: String) -> InvalidPromotion {
        let value = value.to_string().chars().take(80).collect();
        InvalidPromotion { promotion: self.id.clone(), field, value, rule }
    }
}
