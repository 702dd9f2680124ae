//! GS1 Digital Link URIs: the one form in which the hash of an event has every GS1 key.
//!
//! <https://ref.gs1.org/standards/digital-link/uri-syntax/>, and for which parts are kept: the event hash of the Core
//! Business Vocabulary 2.0, which knows an object by its finest identification only.

/// Where canonical links begin.
pub(crate) const ROOT: &str = "https://id.gs1.org";

/// The shortest key of any kind, in characters.
const MIN_KEY: usize = 5;
/// The longest serial number, lot or extension.
const MAX_QUALIFIER: usize = 20;
/// The longest third-party serial number (AI 235).
const MAX_THIRD_PARTY: usize = 28;
/// The longest key that has letters.
const MAX_LETTERS: usize = 30;

/// A link taken apart: the key, its value, and what follows in pairs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    /// The application identifier of the key.
    pub key: &'static str,
    /// The key itself.
    pub value: &'a str,
    rest: Vec<&'a str>,
}

impl<'a> Link<'a> {
    /// Takes a link of any domain apart. None: it is no link with a GS1 key.
    pub fn of(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let path = rest.split('?').next()?;
        let segments: Vec<_> = path.trim_end_matches('/').split('/').skip(1).collect();
        let at = segments.iter().zip(segments.iter().skip(1)).position(|(name, value)| {
            // Shorter values are other parts of somebody's path, such as /01/ of a date.
            key(name).is_some()
                && value.len() >= MIN_KEY
                && value.bytes().take(MIN_KEY - 1).all(|digit| digit.is_ascii_digit())
        })?;
        let key = key(segments.get(at)?)?;
        Some(Self { key, value: segments.get(at + 1)?, rest: segments.get(at + 2..)?.to_vec() })
    }

    /// The GTIN in 14 digits, of a link to an article.
    pub fn gtin(&self) -> Option<String> {
        self.has_gtin().then(|| format!("{:0>14}", self.value))
    }

    fn has_gtin(&self) -> bool {
        self.key == "01" && matches!(self.value.len(), 8 | 12 | 13 | 14) && is_digits(self.value)
    }

    /// The serial number of an article as it is written, and the application identifier that it has.
    pub fn serial(&self) -> Option<(&str, &'a str)> {
        let mut pairs = self.rest.as_chunks::<2>().0.iter().map(|[name, value]| (qualifier(name), *value));
        pairs.find(|(name, _)| matches!(*name, "21" | "235"))
    }

    /// Whether the check digit holds, of a key that ends with one.
    pub fn is_checked(&self) -> bool {
        let ends_with_one = match self.key {
            "01" => self.has_gtin(),
            "00" | "402" | "414" | "417" | "8017" | "8018" => is_key(self.key, self.value),
            _ => false,
        };
        !ends_with_one || is_checked(self.value)
    }

    /// The canonical form. None: it breaks the syntax of its key.
    pub fn canonical(&self) -> Option<String> {
        let value = self.gtin().unwrap_or_else(|| self.value.to_owned());
        let rest: Vec<_> = self.rest.chunks(2).map(|pair| (pair[0], pair.get(1).copied())).collect();
        let mut kept = Vec::with_capacity(1);
        for (name, value) in rest {
            let name = qualifier(name);
            match (self.key, name) {
                ("01" | "8006", "22") => {}
                // Who names the serial number need not name the lot.
                ("01" | "8006", "21") => kept = vec![(name, value?)],
                _ => kept.push((name, value?)),
            }
        }
        let is_sound = is_key(self.key, &value)
            && match kept.as_slice() {
                [] => true,
                [(name, qualifier)] => is_qualifier(self.key, name, qualifier),
                _ => false,
            };
        let mut link = [ROOT, "/", self.key, "/", &value].concat();
        link.extend(kept.iter().flat_map(|(name, qualifier)| ["/", name, "/", qualifier]));
        is_sound.then_some(link)
    }
}

/// The application identifier of a key that a link may begin with; older links have names for them.
fn key(name: &str) -> Option<&'static str> {
    Some(match name {
        "00" | "sscc" => "00",
        "01" | "gtin" => "01",
        "253" | "gdti" => "253",
        "255" | "gcn" => "255",
        "401" | "ginc" => "401",
        "402" | "gsin" => "402",
        "414" | "gln" => "414",
        "417" | "party" => "417",
        "8003" | "grai" => "8003",
        "8004" | "giai" => "8004",
        "8006" | "itip" => "8006",
        "8010" | "cpid" => "8010",
        "8017" | "gsrnp" => "8017",
        "8018" | "gsrn" => "8018",
        _ => return None,
    })
}

/// The application identifier of a qualifier, the same way.
fn qualifier(name: &str) -> &str {
    match name {
        "cpv" => "22",
        "lot" => "10",
        "ser" => "21",
        other => other,
    }
}

fn is_key(key: &str, value: &str) -> bool {
    let digits = |count: usize| value.len() == count && is_digits(value);
    let digits_then = |count: usize, more: usize| {
        value.split_at_checked(count).is_some_and(|(head, tail)| is_digits(head) && is_text(tail, more))
    };
    match key {
        "01" => digits(14),
        "00" | "8006" | "8017" | "8018" => digits(18),
        "402" => digits(17),
        "414" | "417" => digits(13),
        "253" => digits_then(13, 17),
        "255" => digits_then(13, 12) && is_digits(value),
        "8003" => digits_then(14, 16),
        "8010" => {
            let is_part = |byte: u8| matches!(byte, b'#' | b'-' | b'0'..=b'9' | b'A'..=b'Z');
            value.len() <= MAX_LETTERS && value.bytes().all(is_part)
        }
        _ => is_text(value, MAX_LETTERS),
    }
}

fn is_qualifier(key: &str, name: &str, value: &str) -> bool {
    match (key, name) {
        ("01" | "8006", "10" | "21") | ("414", "254") => is_text(value, MAX_QUALIFIER),
        ("01", "235") => is_text(value, MAX_THIRD_PARTY),
        ("8010", "8011") => value.len() <= 12 && is_digits(value),
        _ => false,
    }
}

/// Whether all of it are digits; of nothing too.
pub(crate) fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The characters that a part of a link has without being escaped.
fn is_text(text: &str, most: usize) -> bool {
    let is_sign = |byte: u8| matches!(byte, b'"' | b'\'' | b'-' | b'.' | b';' | b'<' | b'=' | b'>' | b'?' | b'_');
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || is_sign(byte);
    text.len() <= most && text.bytes().all(is_part)
}

/// The check digit of digits (GS1 General Specifications, 7.9.1).
pub(crate) fn check_digit(digits: &str) -> u8 {
    let weighted = digits.bytes().rev().zip([3_u32, 1].into_iter().cycle());
    let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum();
    u8::try_from((10 - sum % 10) % 10).unwrap_or_default()
}

/// Whether the last digit is the check digit of those before.
pub(crate) fn is_checked(digits: &str) -> bool {
    let split = digits.len().checked_sub(1).and_then(|at| digits.split_at_checked(at));
    split.is_some_and(|(head, last)| is_digits(digits) && last.as_bytes() == [b'0' + check_digit(head)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_any_domain_comes_out_with_the_finest_identification_only() {
        for (link, canonical) in [
            ("https://id.gs1.org/01/04012345999990", "/01/04012345999990"),
            ("https://shop.example.com/wine/gtin/4012345999990/lot/A1/ser/7?17=261231", "/01/04012345999990/21/7"),
            ("http://example.com/01/04012345999990/22/2A/10/A1", "/01/04012345999990/10/A1"),
            ("https://example.com/01/04012345999990/235/X", "/01/04012345999990/235/X"),
            ("https://example.com/414/4012345000054/254/12", "/414/4012345000054/254/12"),
            ("https://example.com/sscc/040123451111111110/", "/00/040123451111111110"),
            ("https://example.com/8010/4012345ABC/8011/9", "/8010/4012345ABC/8011/9"),
        ] {
            let found = Link::of(link).and_then(|link| link.canonical());
            assert_eq!(found, Some(format!("{ROOT}{canonical}")), "{link}");
        }
        for other in [
            "https://example.com/2026/01/28/news",
            "urn:epc:id:sgtin:0614141.107346.2017",
            "https://id.gs1.org/414/401234500005",
            "https://id.gs1.org/01/04012345999990/21",
            "https://id.gs1.org/01/04012345999990/21/a%2Fb",
            "https://",
        ] {
            assert_eq!(Link::of(other).and_then(|link| link.canonical()), None, "{other}");
        }
    }

    #[test]
    fn check_digits_are_those_of_the_general_specifications() {
        assert_eq!(check_digit("629104150021"), 3);
        assert!(is_checked("04012345999990") && !is_checked("04012345999991") && !is_checked(""));
    }
}
