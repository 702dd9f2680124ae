//! Global trade item numbers.

use super::lint::check_digit;

/// The digits that a GTIN may have.
const LENGTHS: [usize; 4] = [8, 12, 13, 14];
const LONGEST: usize = 14;
/// What 14 digits begin with that are a GTIN-8.
const BEFORE_GTIN_8: &str = "000000";

/// A GTIN with its check digit, as 14 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin([u8; LONGEST]);

/// Why digits are no GTIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGtin {
    /// They are not 8, 12, 13 or 14 digits.
    Length,
    /// The last one is another than it must be, which is this.
    CheckDigit(char),
}

/// What a GTIN may be used for, by its prefix (GS1 General Specifications, 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// An article anywhere in the world.
    Article,
    /// Whatever a retailer or a country makes of it, such as a price or a weight.
    Restricted,
    /// A coupon or a refund: money, and no article.
    Money,
}

impl Gtin {
    /// A GTIN of 8, 12, 13 or 14 digits.
    ///
    /// # Errors
    /// They are none.
    pub fn of(digits: &str) -> Result<Self, NotGtin> {
        let is_one = LENGTHS.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_one {
            return Err(NotGtin::Length);
        }
        let (before, last) = digits.split_at(digits.len() - 1);
        let check = check_digit(before).map_or('0', char::from);
        if !last.starts_with(check) {
            return Err(NotGtin::CheckDigit(check));
        }
        let mut all = [b'0'; LONGEST];
        all[LONGEST - digits.len()..].copy_from_slice(digits.as_bytes());
        Ok(Self(all))
    }

    /// Its 14 digits.
    pub fn as_str(&self) -> &str {
        // They are digits.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Its digits as they stand on an article: 8 of a GTIN-8, 13 of other articles, 14 of a larger packing.
    pub fn in_store(&self) -> &str {
        let digits = self.as_str();
        digits.strip_prefix(BEFORE_GTIN_8).or_else(|| digits.strip_prefix('0')).unwrap_or(digits)
    }

    /// The first two digits of the 13 that stand on an article. None: it is a GTIN-8.
    pub fn prefix(&self) -> Option<&str> {
        if self.as_str().starts_with(BEFORE_GTIN_8) { None } else { self.as_str().get(1..3) }
    }

    /// What it may be used for.
    pub fn usage(&self) -> Use {
        if let Some(eight) = self.as_str().strip_prefix(BEFORE_GTIN_8) {
            let is_restricted = eight.starts_with(['0', '2']);
            return if is_restricted { Use::Restricted } else { Use::Article };
        }
        match self.as_str()[1..4].parse().unwrap_or(0) {
            20..=29 | 40..=49 | 200..=299 => Use::Restricted,
            50..=59 | 980..=984 | 990..=999 => Use::Money,
            _ => Use::Article,
        }
    }
}
