//! Tests of codes that somebody keeps a list of.

use super::lists::{COUNTRIES, COUNTRY_LETTERS, CURRENCIES, PACKAGE_TYPES};
use super::{Breach, Finding, whole};

pub(super) fn country(value: &str) -> Result<(), Finding> {
    if is_in(COUNTRIES, 3, value) { Ok(()) } else { whole(value, Breach::NotCountry) }
}

pub(super) fn country_or_999(value: &str) -> Result<(), Finding> {
    let is_one = value == "999" || is_in(COUNTRIES, 3, value);
    if is_one { Ok(()) } else { whole(value, Breach::NotCountryOr999) }
}

pub(super) fn country_letters(value: &str) -> Result<(), Finding> {
    if is_in(COUNTRY_LETTERS, 2, value) { Ok(()) } else { whole(value, Breach::NotCountryLetters) }
}

pub(super) fn currency(value: &str) -> Result<(), Finding> {
    if is_in(CURRENCIES, 3, value) { Ok(()) } else { whole(value, Breach::NotCurrency) }
}

pub(super) fn package_type(value: &str) -> Result<(), Finding> {
    let is_one = !value.is_empty() && PACKAGE_TYPES.split(' ').any(|it| it == value);
    if is_one { Ok(()) } else { whole(value, Breach::PackageType) }
}

/// Media of ISBT 128: 01 to 10 are assigned, 80 to 99 are for national use.
pub(super) fn media_type(value: &str) -> Result<(), Finding> {
    let is_number = value.len() == 2 && value.bytes().all(|it| it.is_ascii_digit());
    let is_one = is_number && matches!(value.parse(), Ok(1..=10 | 80..=99));
    if is_one { Ok(()) } else { whole(value, Breach::MediaType) }
}

pub(super) fn one_of(value: &str, codes: &[&str], breach: Breach) -> Result<(), Finding> {
    if codes.contains(&value) { Ok(()) } else { whole(value, breach) }
}

/// Whether a code stands in a list whose codes have so many characters each.
fn is_in(list: &str, length: usize, code: &str) -> bool {
    list.as_bytes().chunks_exact(length).any(|known| known == code.as_bytes())
}
