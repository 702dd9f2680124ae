//! What an application identifier is, and which one data begins with.

use super::lint::{Finding, Lint, Register};
use super::refusal::{Refusal, Rule};
use super::table::ROWS;

/// The characters that a part of a value may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Numeric,
    Cset82,
    Cset39,
    Cset64,
}

impl Charset {
    const fn lint(self) -> Lint {
        match self {
            Self::Numeric => Lint::CsetNumeric,
            Self::Cset82 => Lint::Cset82,
            Self::Cset39 => Lint::Cset39,
            Self::Cset64 => Lint::Cset64,
        }
    }
}

/// A part of a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    charset: Charset,
    least: usize,
    most: usize,
    may_be_left_out: bool,
    lints: &'static [Lint],
}

/// So many digits.
pub(super) const fn n(length: usize) -> Part {
    Part { charset: Charset::Numeric, least: length, most: length, may_be_left_out: false, lints: &[] }
}

/// At most so many digits.
pub(super) const fn n_to(most: usize) -> Part {
    Part { least: 1, ..n(most) }
}

/// So many characters of CSET 82.
pub(super) const fn x(length: usize) -> Part {
    Part { charset: Charset::Cset82, ..n(length) }
}

/// At most so many characters of CSET 82.
pub(super) const fn x_to(most: usize) -> Part {
    Part { charset: Charset::Cset82, ..n_to(most) }
}

/// At most so many characters of CSET 39.
pub(super) const fn y_to(most: usize) -> Part {
    Part { charset: Charset::Cset39, ..n_to(most) }
}

/// At most so many characters of CSET 64.
pub(super) const fn z_to(most: usize) -> Part {
    Part { charset: Charset::Cset64, ..n_to(most) }
}

impl Part {
    /// With further tests.
    pub(super) const fn by(self, lints: &'static [Lint]) -> Self {
        Self { lints, ..self }
    }

    pub(super) const fn optional(self) -> Self {
        Self { may_be_left_out: true, ..self }
    }

    fn check(&self, value: &str, register: &dyn Register) -> Result<(), Finding> {
        self.charset.lint().check(value, register)?;
        self.lints.iter().try_for_each(|lint| lint.check(value, register))
    }
}

/// An application identifier, or several in a row that are alike.
#[derive(Debug)]
pub struct Ai {
    /// Its digits, two to four. Empty: one that the table does not know.
    pub(super) first: &'static str,
    /// The last of those that are alike.
    pub(super) last: &'static str,
    parts: &'static [Part],
    /// Whether its length is known from its first two digits, so that no FNC1 ends it.
    pub(super) is_predefined: bool,
    /// Whether it may be an attribute of a Digital Link.
    pub(super) is_attribute: bool,
    /// What must be there too: one of these, each several patterns joined by `+`.
    pub(super) needs: &'static [&'static str],
    /// What must not be there too.
    pub(super) excludes: &'static [&'static str],
    /// Where it is the primary key of a Digital Link: the qualifiers that may follow, in order, in each of the ways.
    pub(super) qualifiers: Option<&'static [&'static [&'static str]]>,
}

/// An identifier and the parts of its value.
pub(super) const fn ai(digits: &'static str, parts: &'static [Part]) -> Ai {
    Ai {
        first: digits,
        last: digits,
        parts,
        is_predefined: false,
        is_attribute: false,
        needs: &[],
        excludes: &[],
        qualifiers: None,
    }
}

const MEASURE: &[Part] = &[n(6)];

/// A measure: six digits, of which the identifier's last digit says how many are decimals. It excludes itself with
/// other decimals.
pub(super) const fn measure(
    first: &'static str,
    last: &'static str,
    needs: &'static [&'static str],
    itself: &'static [&'static str],
) -> Ai {
    ai(first, MEASURE).to(last).predefined().attribute().needs(needs).excludes(itself)
}

impl Ai {
    pub(super) const fn to(self, last: &'static str) -> Self {
        Self { last, ..self }
    }

    pub(super) const fn predefined(self) -> Self {
        Self { is_predefined: true, ..self }
    }

    pub(super) const fn attribute(self) -> Self {
        Self { is_attribute: true, ..self }
    }

    pub(super) const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    pub(super) const fn excludes(self, excludes: &'static [&'static str]) -> Self {
        Self { excludes, ..self }
    }

    pub(super) const fn key(self, qualifiers: &'static [&'static [&'static str]]) -> Self {
        Self { qualifiers: Some(qualifiers), ..self }
    }

    /// Whether the table knows it.
    pub fn is_known(&self) -> bool {
        !self.first.is_empty()
    }

    /// The least characters of a value.
    pub(super) fn least_length(&self) -> usize {
        self.parts.iter().filter(|part| !part.may_be_left_out).map(|part| part.least).sum()
    }

    /// The most characters of a value.
    pub(super) fn most_length(&self) -> usize {
        self.parts.iter().map(|part| part.most).sum()
    }

    /// Tests the beginning of ASCII data as a value, part by part; gives its length.
    ///
    /// # Errors
    /// A length, or a test that does not pass.
    pub(super) fn measure(&self, digits: &str, data: &str, register: &dyn Register) -> Result<usize, Refusal> {
        let refused = |rule| Refusal::of(digits, data, rule);
        if data.is_empty() {
            return Err(refused(Rule::NoValue));
        }
        let mut at = 0;
        for part in self.parts {
            let length = part.most.min(data.len() - at);
            if part.may_be_left_out && length == 0 {
                continue;
            }
            if length < part.least {
                return Err(refused(Rule::TooShort(self.least_length())));
            }
            let value = &data[at..at + length];
            let inside =
                |Finding { breach, at: range }| Rule::Breach(Finding { breach, at: at + range.start..at + range.end });
            part.check(value, register).map_err(|finding| refused(inside(finding)))?;
            at += length;
        }
        Ok(at)
    }

    fn length(&self) -> usize {
        self.first.len()
    }
}

/// An identifier of unknown length.
static UNKNOWN: Ai = ai("", &[x_to(90)]);
/// An unknown one among the locations.
static UNKNOWN_LOCATION: Ai = ai("", &[n(13)]).predefined();
/// An unknown one among the measures.
static UNKNOWN_MEASURE: Ai = ai("", &[n(6)]).predefined();

/// Where in the table the identifiers begin and end that begin with the same two digits. Comparing texts all over the
/// table would cost more than everything else about an element.
const FAMILIES: [(usize, usize); 100] = families();

const fn families() -> [(usize, usize); 100] {
    let mut families = [(0, 0); 100];
    let mut row = 0;
    while row < ROWS.len() {
        let mut family = family_of(ROWS[row].first);
        while family <= family_of(ROWS[row].last) {
            let (begin, end) = families[family];
            families[family] = (if end == 0 { row } else { begin }, row + 1);
            family += 1;
        }
        row += 1;
    }
    families
}

const fn family_of(digits: &str) -> usize {
    let digits = digits.as_bytes();
    (digits[0] - b'0') as usize * 10 + (digits[1] - b'0') as usize
}

/// The identifiers that begin with the same two digits as data.
fn family(data: &str) -> &'static [Ai] {
    match data.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', ..] => {
            let (begin, end) = FAMILIES[family_of(data)];
            &ROWS[begin..end]
        }
        _ => &[],
    }
}

/// The identifier that data begins with, and its digits.
pub(super) fn leading(data: &str) -> Option<(&str, &'static Ai)> {
    let family = family(data);
    let digits = data.get(..family.first()?.length())?;
    let row = family.iter().find(|row| row.first <= digits && digits <= row.last)?;
    is_digits(digits).then_some((digits, row))
}

/// The identifier of these digits.
pub(super) fn exactly(digits: &str) -> Option<&'static Ai> {
    leading(digits).filter(|(leading, _)| leading.len() == digits.len()).map(|(_, row)| row)
}

/// What stands for an identifier that the table does not know. None: nothing can be one of these digits.
pub(super) fn unknown(digits: &str) -> Option<&'static Ai> {
    let is_one = (2..=4).contains(&digits.len()) && is_digits(digits) && leading(digits).is_none();
    if !is_one || family_length(digits).is_some_and(|length| length != digits.len()) {
        return None;
    }
    Some(match digits[..2].parse() {
        Ok(41) => &UNKNOWN_LOCATION,
        Ok(31..=36) => &UNKNOWN_MEASURE,
        _ => &UNKNOWN,
    })
}

/// What stands for the identifier that data begins with and that the table does not know. None where nobody can say how
/// many digits it has.
pub(super) fn unknown_leading(data: &str) -> Option<(&str, &'static Ai)> {
    let digits = data.get(..family_length(data)?)?;
    unknown(digits).map(|row| (digits, row))
}

/// How many digits the identifiers have that begin with the same two digits.
fn family_length(data: &str) -> Option<usize> {
    family(data).first().map(Ai::length)
}

pub(super) fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
