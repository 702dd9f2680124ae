//! Why something is no data of GS1: where, what, and which rule.

use std::fmt;

use super::lint::Finding;

/// Why something is no data of GS1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The application identifier whose value it is; empty where it is about the whole.
    pub ai: String,
    /// What is refused.
    pub value: String,
    /// Which rule it breaks.
    pub rule: Rule,
}

/// A rule that data of GS1 keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Nothing but ASCII stands in it.
    Ascii,
    /// A bracketed string has an identifier in brackets, and its value behind it, again and again.
    Brackets,
    /// A value of a part passes its test.
    Breach(Finding),
    /// A Digital Link names each identifier once.
    Duplicate,
    /// An element string has elements.
    Empty,
    /// One identifier excludes another.
    Excluded(String),
    /// It begins with FNC1.
    NoFnc1,
    /// A Digital Link has a primary key.
    NoKey,
    /// An identifier has a value.
    NoValue,
    /// Linear data of a symbol that has to be of elements is.
    NotElements,
    /// The attributes of a Digital Link are identifiers that may be some.
    NotAttribute,
    /// The number in a symbol has so many digits.
    Number(usize),
    /// The number in a symbol has its check digit.
    NumberCheck,
    /// DataBar Limited holds numbers below 20,000,000,000,000.
    NumberTooLarge,
    /// A qualifier of the key stands in the path.
    InPath,
    /// The same identifier has the same value wherever it stands.
    Repeated,
    /// An identifier needs others.
    Required(&'static [&'static str]),
    /// A key that a signature covers has its serial number.
    SerialForSignature,
    /// The qualifiers in the path are those of the key, in its order.
    Sequence,
    /// Scan data begins with a symbology identifier that is known here.
    Symbology,
    /// There are at most so many elements.
    TooMany(usize),
    /// A value ends where its identifier's longest value does.
    TooLong(usize),
    /// A value is at least so long.
    TooShort(usize),
    /// The table knows the identifier.
    UnknownAi,
    /// A link is a URL of the web: scheme, host, path, of the characters that one may have.
    Url,
}

impl Refusal {
    /// Something about the value of an identifier.
    pub(super) fn of(ai: &str, value: &str, rule: Rule) -> Self {
        Self { ai: ai.to_owned(), value: value.to_owned(), rule }
    }

    /// Something about the whole.
    pub(super) fn whole(value: &str, rule: Rule) -> Self {
        Self::of("", value, rule)
    }
}

/// In words, so that they finish the sentence "the value is refused: ...".
impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Breach(finding) => finding.breach.rule(),
            Self::Excluded(other) => return write!(out, "it must not stand beside ({other})"),
            Self::Number(digits) => return write!(out, "the symbol holds {digits} digits"),
            Self::Required(needs) => return write!(out, "it must stand beside one of {}", needs.join(", ")),
            Self::TooMany(most) => return write!(out, "it must have at most {most} elements"),
            Self::TooLong(most) => return write!(out, "it must have at most {most} characters"),
            Self::TooShort(least) => {
                return write!(out, "it must have at least {least} characters, and end where a part of it ends");
            }
            Self::Ascii => "it must be ASCII",
            Self::Brackets => "it must be identifiers in brackets, each with its value behind it",
            Self::Duplicate => "it must stand once",
            Self::Empty => "it has no elements",
            Self::InPath => "it belongs into the path of the link",
            Self::NoFnc1 => "it must begin with FNC1",
            Self::NoKey => "the path of the link must have a primary key, such as /01/ and a GTIN",
            Self::NoValue => "it must have a value",
            Self::NotAttribute => "it must not be an attribute of a link",
            Self::NotElements => "the symbol holds element strings only",
            Self::NumberCheck => "its check digit is wrong",
            Self::NumberTooLarge => "the symbol holds numbers below 20000000000000 only",
            Self::Repeated => "it stands there with another value too",
            Self::SerialForSignature => "it must have its serial number where a signature is there",
            Self::Sequence => "the qualifiers of the link must be those of its key, in their order",
            Self::Symbology => "it must begin with a symbology identifier that is known here, such as ]C1",
            Self::UnknownAi => "it begins with no application identifier that is known",
            Self::Url => "it must be a URL that begins with http:// or https:// and has a host and a path",
        };
        out.write_str(words)
    }
}
