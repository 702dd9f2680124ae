//! The tests that the parts of a value must pass, by the names that GS1's syntax dictionary has for them.

use std::ops::Range;

mod breach;
mod check;
mod coupon;
mod date;
mod listed;
mod lists;
mod number;
mod prefix;
mod text;

pub use self::breach::{Breach, CouponField};
pub(super) use self::check::check_digit;
pub use self::prefix::{NoRegister, Register, Registered};

/// Why a value does not pass, and which of its bytes are to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub breach: Breach,
    /// Where, in bytes; never within a character.
    pub at: Range<usize>,
}

/// Declares the tests, each with its name in the dictionary.
macro_rules! lints {
    ($($variant:ident = $name:literal, $test:expr;)*) => {
        /// A test of the dictionary.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Lint {
            $(#[doc = concat!("`", $name, "`.")] $variant,)*
        }

        impl Lint {
            /// The test of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// Whether a value passes, as far as `register` knows the company prefixes.
            ///
            /// # Errors
            /// The first thing that is wrong.
            pub fn check(self, value: &str, register: &dyn Register) -> Result<(), Finding> {
                let test: fn(&str, &dyn Register) -> Result<(), Finding> = match self {
                    $(Self::$variant => $test,)*
                };
                test(value, register)
            }
        }
    };
}

lints! {
    CsetNumeric = "csetnumeric", |value, _| digits(value);
    Cset39 = "cset39", |value, _| text::cset39(value);
    Cset64 = "cset64", |value, _| text::cset64(value);
    Cset82 = "cset82", |value, _| text::cset82(value);
    Csum = "csum", |value, _| check::digit(value);
    CsumAlpha = "csumalpha", |value, _| check::pair(value);
    GcpPos1 = "gcppos1", prefix::first;
    GcpPos2 = "gcppos2", prefix::second;
    HasNonDigit = "hasnondigit", |value, _| text::has_non_digit(value);
    Hour = "hh", |value, _| date::hour(value);
    HourMinute = "hhmi", |value, _| date::hour_minute(value);
    Minute = "mi", |value, _| date::minute(value);
    Second = "ss", |value, _| date::second(value);
    Yymmdd = "yymmdd", |value, _| date::short(value, false);
    Yymmd0 = "yymmd0", |value, _| date::short(value, true);
    Yyyymmdd = "yyyymmdd", |value, _| date::long(value, false);
    Yyyymmd0 = "yyyymmd0", |value, _| date::long(value, true);
    Hyphen = "hyphen", |value, _| text::hyphen(value);
    Iban = "iban", |value, _| check::iban(value);
    ImporterIndex = "importeridx", |value, _| text::importer_index(value);
    Iso3166 = "iso3166", |value, _| listed::country(value);
    Iso3166Or999 = "iso3166999", |value, _| listed::country_or_999(value);
    Iso3166Alpha2 = "iso3166alpha2", |value, _| listed::country_letters(value);
    Iso4217 = "iso4217", |value, _| listed::currency(value);
    MediaType = "mediatype", |value, _| listed::media_type(value);
    PackageType = "packagetype", |value, _| listed::package_type(value);
    Iso5218 = "iso5218", |value, _| listed::one_of(value, &["0", "1", "2", "9"], Breach::BiologicalSex);
    YesNo = "yesno", |value, _| listed::one_of(value, &["0", "1"], Breach::NotZeroOrOne);
    Winding = "winding", |value, _| listed::one_of(value, &["0", "1", "9"], Breach::Winding);
    Latitude = "latitude", |value, _| number::latitude(value);
    Longitude = "longitude", |value, _| number::longitude(value);
    NonZero = "nonzero", |value, _| number::non_zero(value);
    NoZeroPrefix = "nozeroprefix", |value, _| number::no_zero_prefix(value);
    Zero = "zero", |value, _| number::zero(value);
    PieceOfTotal = "pieceoftotal", |value, _| number::piece_of_total(value);
    PositionInSequence = "posinseqslash", |value, _| number::position_in_sequence(value);
    PercentEncoded = "pcenc", |value, _| text::percent_encoded(value);
    CouponCode = "couponcode", coupon::code;
    CouponPosOffer = "couponposoffer", coupon::offer;
    // Names that the dictionary has given up: whatever they were for passes.
    RetiredHhmm = "hhmm", |_, _| Ok(());
    RetiredCountries = "iso3166list", |_, _| Ok(());
    RetiredKey = "key", |_, _| Ok(());
    RetiredKeyAfterOne = "keyoff1", |_, _| Ok(());
    RetiredMinuteSecond = "mmoptss", |_, _| Ok(());
    RetiredDateHour = "yymmddhh", |_, _| Ok(());
}

/// Something is wrong with some bytes.
fn found(breach: Breach, at: Range<usize>) -> Result<(), Finding> {
    Err(Finding { breach, at })
}

/// Something is wrong with the whole value.
fn whole(value: &str, breach: Breach) -> Result<(), Finding> {
    found(breach, 0..value.len())
}

/// Every character must be one that there may be; the first that is not is to blame.
fn every(value: &str, may_be: impl Fn(char) -> bool, breach: Breach) -> Result<(), Finding> {
    match value.char_indices().find(|(_, character)| !may_be(*character)) {
        Some((at, character)) => found(breach, at..at + character.len_utf8()),
        None => Ok(()),
    }
}

/// Every character must be a digit.
fn digits(value: &str) -> Result<(), Finding> {
    every(value, |character| character.is_ascii_digit(), Breach::NonDigit)
}
