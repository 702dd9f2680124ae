//! Tests of check digits and check characters.

use super::text::CSET82;
use super::{Breach, Finding, digits, every, found, listed, whole};

/// Prime numbers, the weights of characters from the right.
const PRIMES: [u32; 97] = [
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239,
    241, 251, 257, 263, 269, 271, 277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379,
    383, 389, 397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503, 509,
];
/// What the sum of a pair of check characters is taken by.
const PAIR_MODULUS: u32 = 1_021;
/// The characters of CSET 32, of which a pair of check characters is made.
const CSET32: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// The least and the most characters of an IBAN, as the dictionary takes them.
const IBAN_LEAST: usize = 11;
const IBAN_MOST: usize = 34;

/// The check digit of the digits before it (GS1 General Specifications, 7.9.1). None: they are no digits.
pub(crate) fn check_digit(digits: &str) -> Option<u8> {
    let weighted = digits.bytes().rev().enumerate().map(|(index, digit)| {
        let value = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        Some(if index % 2 == 0 { 3 * value } else { value })
    });
    let sum = weighted.sum::<Option<u32>>()?;
    u8::try_from((10 - sum % 10) % 10).ok().map(|digit| digit + b'0')
}

pub(super) fn digit(value: &str) -> Result<(), Finding> {
    if value.is_empty() {
        return whole(value, Breach::CheckDigitMissing);
    }
    digits(value)?;
    let (before, check) = value.split_at(value.len() - 1);
    let is_right = check_digit(before).is_some_and(|digit| check.as_bytes() == [digit]);
    if is_right { Ok(()) } else { found(Breach::CheckDigit, before.len()..value.len()) }
}

/// A pair of check characters (GS1 General Specifications, 7.9.5).
pub(super) fn pair(value: &str) -> Result<(), Finding> {
    if value.len() > PRIMES.len() + 2 {
        return whole(value, Breach::CheckPairTooLong);
    }
    if value.len() < 2 {
        return whole(value, Breach::CheckPairMissing);
    }
    let Some((data, check)) = value.split_at_checked(value.len() - 2) else {
        return every(value, |it| it.is_ascii(), Breach::NotCset82);
    };
    let weight = |it: char| CSET82.find(it).and_then(|weight| u32::try_from(weight).ok());
    every(data, |it| weight(it).is_some(), Breach::NotCset82)?;
    let weights = data.chars().rev().filter_map(weight);
    let sum = weights.zip(PRIMES).map(|(weight, prime)| weight * prime).sum::<u32>() % PAIR_MODULUS;
    let expected = [CSET32[(sum >> 5) as usize], CSET32[(sum & 31) as usize]];
    if check.as_bytes() == expected { Ok(()) } else { found(Breach::CheckPair, data.len()..value.len()) }
}

/// An IBAN (ISO 13616): its country, and its check digits by ISO 7064.
pub(super) fn iban(value: &str) -> Result<(), Finding> {
    if value.len() < 4 {
        return whole(value, Breach::IbanTooShort);
    }
    if value.get(..2).is_none_or(|country| listed::country_letters(country).is_err()) {
        let end = value.char_indices().nth(2).map_or(value.len(), |(at, _)| at);
        return found(Breach::IbanCountry, 0..end);
    }
    if value.len() > IBAN_MOST {
        return whole(value, Breach::IbanTooLong);
    }
    if value.len() < IBAN_LEAST {
        return whole(value, Breach::IbanTooShort);
    }
    every(value, |it| it.is_ascii_digit() || it.is_ascii_uppercase(), Breach::IbanCharacter)?;
    let (head, account) = value.split_at(4);
    let remainder = account.bytes().chain(head.bytes()).fold(0_u32, |sum, it| match it {
        b'0'..=b'9' => (sum * 10 + u32::from(it - b'0')) % 97,
        _ => (sum * 100 + u32::from(it - b'A') + 10) % 97,
    });
    if remainder == 1 { Ok(()) } else { found(Breach::IbanChecksum, 2..4) }
}
