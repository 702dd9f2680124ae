//! EPC URNs (GS1 EPC Tag Data Standard): of single things, of classes, and patterns for classes; as Digital Links.

use std::borrow::Cow;

use crate::link::{ROOT, check_digit, is_digits};

/// How many digits company prefix and reference have together, without the check digit.
const ITEM: usize = 13;
const PLACE: usize = 12;
const LOGISTIC: usize = 17;
const SHIPMENT: usize = 16;
/// A company prefix has so many digits.
const PREFIX: std::ops::RangeInclusive<usize> = 6..=12;
/// The longest serial number of an article.
const MAX_SERIAL: usize = 20;
/// The longest key that has letters.
const MAX_LETTERS: usize = 30;

/// What the standard has URNs for besides GS1 keys: they are taken as they are.
const OTHER_KEYS: [&str; 6] = ["id:adi:", "id:bic:", "id:gid:", "id:imovn:", "id:usdod:", "idpat:gid:"];

/// Whether a text keeps the syntax of its URN, or is no URN of this kind.
pub(crate) fn is_sound(text: &str) -> bool {
    let Some(parts) = text.strip_prefix("urn:epc:") else { return true };
    match parts.strip_prefix("id:sgtin:") {
        // Most are these, and they need not become links to be looked at.
        Some(parts) => split(parts, ITEM).is_some_and(|(_, _, number)| number.is_some_and(is_serial)),
        None => OTHER_KEYS.iter().any(|key| parts.starts_with(key)) || link(text).is_some(),
    }
}

/// The canonical Digital Link of a URN. None: it is no URN of a GS1 key, or breaks its syntax.
pub(crate) fn link(urn: &str) -> Option<String> {
    let (scheme, parts) = urn.strip_prefix("urn:epc:")?.split_once(':')?;
    let (kind, parts) = parts.split_once(':')?;
    let path = match scheme {
        "id" => of_thing(kind, parts)?,
        "class" if kind == "lgtin" => {
            let (gtin, lot) = item(parts)?;
            ["01/", &gtin, "/10/", &escaped(serial(lot, 20)?)].concat()
        }
        "idpat" => of_pattern(kind, parts.strip_suffix(".*")?)?,
        _ => return None,
    };
    Some([ROOT, "/", &path].concat())
}

fn of_thing(kind: &str, parts: &str) -> Option<String> {
    Some(match kind {
        "sgtin" => {
            let (gtin, number) = item(parts)?;
            ["01/", &gtin, "/21/", &escaped(serial(number, MAX_SERIAL)?)].concat()
        }
        "upui" => {
            let (gtin, number) = item(parts)?;
            format!("01/{gtin}/235/{}", escaped(serial(number, 28)?))
        }
        "itip" => {
            let (item, number) = piece(parts)?;
            format!("8006/{item}/21/{}", escaped(serial(number?, 20)?))
        }
        "sscc" => {
            let (prefix, reference) = alone(parts, LOGISTIC)?;
            let (extension, reference) = reference.split_at_checked(1)?;
            format!("00/{}", checked(&[extension, prefix, reference]))
        }
        "sgln" => match split(parts, PLACE)? {
            (prefix, reference, Some("0")) => format!("414/{}", checked(&[prefix, reference])),
            (prefix, reference, extension) => {
                format!("414/{}/254/{}", checked(&[prefix, reference]), escaped(serial(extension?, 20)?))
            }
        },
        "pgln" => numbered("417", parts, PLACE)?,
        "gsrn" => numbered("8018", parts, LOGISTIC)?,
        "gsrnp" => numbered("8017", parts, LOGISTIC)?,
        "gsin" => numbered("402", parts, SHIPMENT)?,
        "grai" => {
            let (prefix, reference, number) = split(parts, PLACE)?;
            format!("8003/{}{}", checked(&["0", prefix, reference]), escaped(serial(number?, 16)?))
        }
        "gdti" => {
            let (prefix, reference, number) = split(parts, PLACE)?;
            format!("253/{}{}", checked(&[prefix, reference]), escaped(serial(number?, 20)?))
        }
        "sgcn" => {
            let (prefix, reference, number) = split(parts, PLACE)?;
            let number = serial(number?, 12).filter(|number| is_digits(number))?;
            format!("255/{}{number}", checked(&[prefix, reference]))
        }
        "giai" => lettered("8004", parts)?,
        "ginc" => lettered("401", parts)?,
        "cpi" => {
            let (parts, number) = parts.rsplit_once('.')?;
            let number = serial(number, 12).filter(|number| is_digits(number))?;
            format!("{}/8011/{number}", lettered("8010", parts)?)
        }
        _ => return None,
    })
}

/// A pattern that stands for all things of a class; without its `.*`.
fn of_pattern(kind: &str, parts: &str) -> Option<String> {
    let of_place = |identifier: &str, lead: &str| {
        let (prefix, reference) = alone(parts, PLACE)?;
        Some(format!("{identifier}/{}", checked(&[lead, prefix, reference])))
    };
    match kind {
        "sgtin" | "upui" => alone(parts, ITEM).map(|(prefix, item)| format!("01/{}", gtin(prefix, item))),
        "grai" => of_place("8003", "0"),
        "gdti" => of_place("253", ""),
        "sgcn" => of_place("255", ""),
        "cpi" => lettered("8010", parts),
        "itip" => match piece(parts)? {
            (item, None) => Some(format!("8006/{item}")),
            _ => None,
        },
        _ => None,
    }
}

/// Company prefix, reference, and what follows; where the first two have the digits that they must have.
fn split(parts: &str, digits: usize) -> Option<(&str, &str, Option<&str>)> {
    let (prefix, rest) = parts.split_once('.')?;
    let (reference, rest) = rest.split_once('.').map_or((rest, None), |(reference, rest)| (reference, Some(rest)));
    let is_sound = PREFIX.contains(&prefix.len())
        && prefix.len() + reference.len() == digits
        && is_digits(prefix)
        && is_digits(reference);
    is_sound.then_some((prefix, reference, rest))
}

fn alone(parts: &str, digits: usize) -> Option<(&str, &str)> {
    match split(parts, digits)? {
        (prefix, reference, None) => Some((prefix, reference)),
        _ => None,
    }
}

/// The GTIN of an article and what follows.
fn item(parts: &str) -> Option<(String, &str)> {
    let (prefix, item, rest) = split(parts, ITEM)?;
    Some((gtin(prefix, item), rest?))
}

/// The indicator digit stands before the company prefix in a GTIN, and behind it in a URN.
fn gtin(prefix: &str, item: &str) -> String {
    let (indicator, item) = item.split_at_checked(1).unwrap_or((item, ""));
    checked(&[indicator, prefix, item])
}

/// A piece of an article: its GTIN, which piece of how many, and what follows.
fn piece(parts: &str) -> Option<(String, Option<&str>)> {
    let (gtin, rest) = item(parts)?;
    let (number, rest) = rest.split_once('.')?;
    let (total, rest) = rest.split_once('.').map_or((rest, None), |(total, rest)| (total, Some(rest)));
    let is_sound = [number, total].iter().all(|part| part.len() == 2 && is_digits(part));
    is_sound.then(|| (format!("{gtin}{number}{total}"), rest))
}

fn numbered(identifier: &str, parts: &str, digits: usize) -> Option<String> {
    let (prefix, reference) = alone(parts, digits)?;
    Some(format!("{identifier}/{}", checked(&[prefix, reference])))
}

fn lettered(identifier: &str, parts: &str) -> Option<String> {
    let (prefix, reference) = parts.split_once('.')?;
    let is_sound = PREFIX.contains(&prefix.len()) && is_digits(prefix);
    let reference = serial(reference, MAX_LETTERS - prefix.len().min(MAX_LETTERS))?;
    is_sound.then(|| format!("{identifier}/{prefix}{}", escaped(reference)))
}

/// Digits with their check digit.
fn checked(parts: &[&str]) -> String {
    let mut digits = parts.concat();
    let check = char::from(b'0' + check_digit(&digits));
    digits.push(check);
    digits
}

/// A serial number as URNs have it, where it is one: 1 to `most` characters, each as it is or escaped with `%`.
fn serial(text: &str, most: usize) -> Option<&str> {
    let mut bytes = text.bytes();
    let mut count = 0;
    while let Some(byte) = bytes.next() {
        let is_part = match byte {
            b'%' => {
                bytes.next().is_some_and(|it| it.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|it| it.is_ascii_hexdigit())
            }
            b'!' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'-' | b'.' | b':' | b';' | b'=' | b'_' => true,
            other => other.is_ascii_alphanumeric(),
        };
        if !is_part {
            return None;
        }
        count += 1;
    }
    (1..=most).contains(&count).then_some(text)
}

/// Whether a text is the serial number of an article.
fn is_serial(text: &str) -> bool {
    serial(text, MAX_SERIAL).is_some()
}

/// What a URN has as it is and a link must escape.
fn escaped(serial: &str) -> Cow<'_, str> {
    let is_special = |sign: char| matches!(sign, '!' | '(' | ')' | '*' | '+' | ',' | ':');
    if !serial.contains(is_special) {
        return Cow::Borrowed(serial);
    }
    let escape = |sign: char| match is_special(sign) {
        true => format!("%{:02X}", u32::from(sign)),
        false => sign.to_string(),
    };
    Cow::Owned(serial.chars().map(escape).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_urn_becomes_its_link() {
        for (urn, path) in [
            ("id:sgtin:4012345.012345.12", "01/04012345123456/21/12"),
            ("id:sgtin:4012345.112345.a(b", "01/14012345123453/21/a%28b"),
            ("id:sscc:4012345.0000000333", "00/040123450000003338"),
            ("id:sgln:4012345.00011.0", "414/4012345000115"),
            ("id:sgln:4012345.00011.987", "414/4012345000115/254/987"),
            ("id:pgln:4012345.00000", "417/4012345000009"),
            ("id:grai:4012345.66666.87", "8003/0401234566666387"),
            ("id:giai:4012345.AAbb", "8004/4012345AAbb"),
            ("id:gsrn:4012345.9876540000", "8018/401234598765400000"),
            ("id:gsrnp:4012345.0000098765", "8017/401234500000987658"),
            ("id:gdti:4012345.55555.98", "253/401234555555498"),
            ("id:cpi:4012345.ABC.123", "8010/4012345ABC/8011/123"),
            ("id:sgcn:4012345.99999.44", "255/401234599999044"),
            ("id:ginc:4012345.333", "401/4012345333"),
            ("id:gsin:4012345.999987654", "402/40123459999876541"),
            ("id:itip:4012345.012345.01.02.999", "8006/040123451234560102/21/999"),
            ("id:upui:4012345.012345.AB12", "01/04012345123456/235/AB12"),
            ("class:lgtin:4012345.012345.L-1", "01/04012345123456/10/L-1"),
            ("idpat:sgtin:4012345.012345.*", "01/04012345123456"),
            ("idpat:grai:4012345.66666.*", "8003/04012345666663"),
            ("idpat:gdti:4012345.55555.*", "253/4012345555554"),
            ("idpat:sgcn:4012345.99999.*", "255/4012345999990"),
            ("idpat:cpi:4012345.ABC.*", "8010/4012345ABC"),
        ] {
            assert_eq!(link(&format!("urn:epc:{urn}")), Some([ROOT, "/", path].concat()), "{urn}");
        }
    }

    #[test]
    fn what_breaks_the_syntax_is_no_link() {
        for urn in [
            "urn:epc:id:sgtin:4012345.12345.1",
            "urn:epc:id:sgtin:4012345.0123456.1",
            "urn:epc:id:sgtin:401234x.012345.1",
            "urn:epc:id:sgtin:4012345.012345.",
            "urn:epc:id:sgtin:4012345.012345",
            "urn:epc:id:sgtin:4012345.012345.a b",
            "urn:epc:idpat:sgtin:4012345.012345.1",
            "urn:epc:id:usdod:1.2",
            "urn:uuid:404d95fc",
            "urn:epc:",
        ] {
            assert_eq!(link(urn), None, "{urn}");
        }
    }
}
