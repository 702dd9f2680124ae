//! Money: integers of minor units, never floats.
//!
//! An amount ([`Money`]) is what is paid; a price of one base unit ([`UnitPrice`]) has a scale of its own, since a gram
//! or a tenth of a penny is priced finer than coins. A line's amount is what counts; it is rounded once, from the exact
//! product.

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency {
    code: [u8; 3],
    /// Looked up once: every line of a sale needs it.
    exponent: u8,
}

impl Currency {
    /// Takes a code of ISO 4217, three capital letters.
    ///
    /// # Errors
    /// When the code is not in ISO 4217 or has no minor unit there (precious metals, bond units).
    pub fn new(code: &str) -> Result<Self, InvalidMoney> {
        let invalid = || InvalidMoney::Currency { value: code.chars().take(16).collect() };
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| invalid())?;
        let known = iso_currency::Currency::from_code(code).ok_or_else(invalid)?;
        let exponent = known.exponent().and_then(|exponent| u8::try_from(exponent).ok()).ok_or_else(invalid)?;
        Ok(Self { code: bytes, exponent })
    }

    /// The code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("XXX")
    }

    /// How many decimals the minor unit has: 2 for USD, 0 for JPY, 3 for KWD.
    pub const fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidMoney;
    fn try_from(code: String) -> Result<Self, InvalidMoney> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl<C> Encode<C> for Currency {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.code)?.ok()
    }
}

impl<C> CborLen<C> for Currency {
    fn cbor_len(&self, context: &mut C) -> usize {
        <&minicbor::bytes::ByteSlice>::from(self.code.as_slice()).cbor_len(context)
    }
}

impl<'b, C> Decode<'b, C> for Currency {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let code = std::str::from_utf8(d.bytes()?).map_err(minicbor::decode::Error::custom)?;
        Self::new(code).map_err(minicbor::decode::Error::custom)
    }
}

/// An amount of money in minor units (cents, pence, yen).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; negative is money that goes back.
    #[n(0)]
    pub amount: i64,
    /// The currency.
    #[n(1)]
    pub currency: Currency,
}

/// The largest amount of money in one field, in minor units: 10^15, ten trillion dollars, so that the sum of every line
/// that fits in an event stays within 64 bits.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

/// The price of one base unit: `amount / 10^scale` of the currency's *major* unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(deny_unknown_fields)]
pub struct UnitPrice {
    /// Digits of the price.
    #[n(0)]
    pub amount: i64,
    /// How many of the digits are decimals. Left out: the decimals of the currency, so that an amount in cents reads as
    /// one.
    #[n(1)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// The currency.
    #[n(2)]
    pub currency: Currency,
}

/// The finest scale of a unit price. Nine decimals price a gram of salt; 10^9 times 10^15 still fits 128 bits.
pub const MAX_SCALE: u8 = 9;

impl UnitPrice {
    /// A price in minor units.
    pub const fn of(money: Money) -> Self {
        Self { amount: money.amount, scale: None, currency: money.currency }
    }

    /// The decimals of the price.
    pub fn decimals(&self) -> u8 {
        self.scale.unwrap_or_else(|| self.currency.exponent())
    }

    /// What `quantity` units cost, rounded once.
    ///
    /// # Errors
    /// When the price or the amount is out of range: a price may come from a hostile node.
    pub fn times(&self, quantity: i64, rounding: Rounding) -> Result<Money, InvalidMoney> {
        let exact = i128::from(self.checked()?.amount) * i128::from(quantity);
        let (scale, exponent) = (u32::from(self.decimals()), u32::from(self.currency.exponent()));
        let amount = if scale <= exponent {
            exact * 10_i128.pow(exponent - scale)
        } else {
            rounding.divide(exact, 10_i128.pow(scale - exponent))
        };
        let amount = i64::try_from(amount).map_err(|_| InvalidMoney::Range { value: amount.to_string() })?;
        Money { amount, currency: self.currency }.checked()
    }

    /// This price if scale and amount are in range.
    ///
    /// # Errors
    /// When one is not.
    pub fn checked(self) -> Result<Self, InvalidMoney> {
        if self.decimals() > MAX_SCALE {
            return Err(InvalidMoney::Scale { value: self.decimals() });
        }
        check_range(self.amount)?;
        Ok(self)
    }
}

impl Money {
    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// This amount if it is in range.
    ///
    /// # Errors
    /// When it is not.
    pub fn checked(self) -> Result<Self, InvalidMoney> {
        check_range(self.amount)?;
        Ok(self)
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum is out of range.
    pub fn plus(self, other: Self) -> Result<Self, InvalidMoney> {
        if self.currency != other.currency {
            return Err(InvalidMoney::Mixed { left: self.currency, right: other.currency });
        }
        let amount = self.amount.saturating_add(other.amount);
        Self { amount, currency: self.currency }.checked()
    }

    /// Splits the amount by weights so that the parts add up to it: see [`split`].
    ///
    /// # Errors
    /// When there is no positive weight.
    pub fn split(self, weights: &[u64]) -> Result<Vec<Self>, InvalidMoney> {
        let parts = split(self.amount, weights).ok_or(InvalidMoney::NoWeights)?;
        Ok(parts.into_iter().map(|amount| Self { amount, currency: self.currency }).collect())
    }
}

/// Splits an amount by weights so that the parts add up to it: every part is rounded towards zero, and the units that
/// are left go to the largest remainders, the first of equals first (Hamilton's method). Without a positive weight
/// there are no parts.
pub fn split(amount: i64, weights: &[u64]) -> Option<Vec<i64>> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    if total == 0 {
        return None;
    }
    let whole = u128::from(amount.unsigned_abs());
    let mut parts: Vec<u128> = weights.iter().map(|weight| whole * u128::from(*weight) / total).collect();
    let left = whole - parts.iter().sum::<u128>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(whole * u128::from(weights[*index]) % total));
    for index in order.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        parts[index] += 1;
    }
    let part = |units: u128| amount.signum() * i64::try_from(units).unwrap_or(i64::MAX);
    Some(parts.into_iter().map(part).collect())
}

fn check_range(amount: i64) -> Result<(), InvalidMoney> {
    if (-MAX_AMOUNT..=MAX_AMOUNT).contains(&amount) {
        Ok(())
    } else {
        Err(InvalidMoney::Range { value: amount.to_string() })
    }
}

/// What happens to a fraction of a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Encode, Decode, CborLen)]
#[serde(rename_all = "kebab-case")]
#[cbor(index_only)]
pub enum Rounding {
    /// To the nearest, a half away from zero: what a till's customer expects.
    #[default]
    #[n(0)]
    HalfUp,
    /// To the nearest, a half to the even neighbour (banker's rounding).
    #[n(1)]
    HalfEven,
    /// Towards zero.
    #[n(2)]
    Down,
}

impl Rounding {
    /// `numerator / denominator` rounded; the denominator must be positive.
    pub fn divide(self, numerator: i128, denominator: i128) -> i128 {
        let (quotient, remainder) = (numerator / denominator, numerator % denominator);
        let twice = remainder.abs() * 2;
        let away = match self {
            Self::HalfUp => twice >= denominator,
            Self::HalfEven => twice > denominator || (twice == denominator && quotient % 2 != 0),
            Self::Down => false,
        };
        if away { quotient + numerator.signum() } else { quotient }
    }
}

/// Why money is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMoney {
    /// No currency of ISO 4217 with a minor unit.
    #[error("{value:?} is no currency: it must be one of ISO 4217, three capital letters, with a minor unit")]
    Currency {
        /// The offending code.
        value: String,
    },
    /// Two currencies in one sum.
    #[error("{left} and {right} do not add up: every amount of one document must have the same currency")]
    Mixed {
        /// The first.
        left: Currency,
        /// The other.
        right: Currency,
    },
    /// Out of range.
    #[error("{value} is out of range: an amount must lie between -{MAX_AMOUNT} and {MAX_AMOUNT} minor units")]
    Range {
        /// The offending amount.
        value: String,
    },
    /// Too many decimals.
    #[error("a scale of {value} is too fine: at most {MAX_SCALE} decimals")]
    Scale {
        /// The offending scale.
        value: u8,
    },
    /// A split without weights.
    #[error("an amount cannot be split without a positive weight")]
    NoWeights,
}

#[cfg(test)]
mod tests;
