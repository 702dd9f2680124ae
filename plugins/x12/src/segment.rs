//! Segments and their delimiters (ASC X12.5, X12.6): each interchange states its own.

use std::borrow::Cow;

use tillmesh_plugin::{Failure, failure};

/// How long ISA is: its elements have fixed lengths, so that the delimiters stand at fixed places.
const ISA_LENGTH: usize = 106;
/// The lengths of ISA01 to ISA16.
const ISA_ELEMENTS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

/// What separates the parts of an interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delimiters {
    pub element: char,
    pub component: char,
    pub segment: char,
}

/// A segment: its elements are looked for when they are asked for, since of most segments none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    id: &'a str,
    /// All of it: element 1 is at place 1, behind its name.
    text: &'a str,
    delimiter: char,
}

impl<'a> Segment<'a> {
    fn read(text: &'a str, delimiters: &Delimiters) -> Self {
        let delimiter = delimiters.element;
        let id = text.split(delimiter).next().unwrap_or_default().trim();
        Self { id, text, delimiter }
    }

    /// Its name, such as `PO1`.
    pub(crate) fn id(&self) -> &'a str {
        self.id
    }

    /// An element without blanks around it; empty where it is not there.
    pub(crate) fn get(&self, place: usize) -> &'a str {
        self.raw(place).trim()
    }

    /// An element as it stands.
    pub(crate) fn raw(&self, place: usize) -> &'a str {
        self.text.split(self.delimiter).nth(place).unwrap_or_default()
    }

    /// How many elements it has.
    pub(crate) fn len(&self) -> usize {
        self.text.matches(self.delimiter).count()
    }
}

/// What may stand between segments: line ends, and what transports append.
const BETWEEN: [char; 6] = ['\r', '\n', ' ', '\t', '\u{1a}', '\0'];

/// An interchange, cut into segments.
pub(crate) struct Cut<'a> {
    pub delimiters: Delimiters,
    pub isa: Segment<'a>,
    /// What follows ISA.
    pub segments: Vec<Segment<'a>>,
    /// The text behind the interchange.
    pub rest: &'a str,
}

/// Cuts the interchange that a text begins with. It ends with IEA, or where another begins, or with the text.
pub(crate) fn cut(text: &str) -> Result<Cut<'_>, Failure> {
    let delimiters = delimiters(text)?;
    let isa = Segment::read(&text[..ISA_LENGTH - 1], &delimiters);
    let (mut segments, mut rest) = (Vec::new(), text[ISA_LENGTH..].trim_start_matches(BETWEEN));
    while !rest.is_empty() && !is_isa(rest) {
        let (segment, behind) = rest.split_once(delimiters.segment).unwrap_or((rest, ""));
        let segment = Segment::read(segment, &delimiters);
        let is_last = segment.id() == "IEA";
        segments.push(segment);
        rest = behind.trim_start_matches(BETWEEN);
        if is_last {
            break;
        }
    }
    Ok(Cut { delimiters, isa, segments, rest })
}

fn delimiters(text: &str) -> Result<Delimiters, Failure> {
    let shown: String = text.chars().take(20).collect();
    if !text.starts_with("ISA") {
        return Err(failure::malformed("ISA", shown, "an interchange begins with ISA"));
    }
    if !is_isa(text) {
        let rule = "its elements must have 2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1 and 1 characters";
        return Err(failure::malformed("ISA", shown, rule));
    }
    let at = |place: usize| char::from(text.as_bytes()[place]);
    let delimiters = Delimiters { element: at(3), component: at(ISA_LENGTH - 2), segment: at(ISA_LENGTH - 1) };
    let Delimiters { element, component, segment } = delimiters;
    if element == segment || [element, component, segment].iter().any(char::is_ascii_alphanumeric) {
        let rule = "its delimiters must differ, and be neither letters nor digits";
        return Err(failure::malformed("ISA", format!("{element}{component}{segment}"), rule));
    }
    Ok(delimiters)
}

/// Whether a text begins with an ISA whose elements have their lengths.
fn is_isa(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < ISA_LENGTH || !bytes.starts_with(b"ISA") || !bytes[..ISA_LENGTH].is_ascii() {
        return false;
    }
    let separators = bytes[..ISA_LENGTH - 1].iter().filter(|byte| **byte == bytes[3]).count();
    let mut at = 3;
    separators == ISA_ELEMENTS.len()
        && ISA_ELEMENTS.iter().all(|length| {
            let is_separated = bytes[at] == bytes[3];
            at += 1 + length;
            is_separated
        })
}

/// How an interchange begins in EBCDIC.
const ISA_IN_EBCDIC: [u8; 3] = [0xc9, 0xe2, 0xc1];

/// A body as text, without the line ends of one that is wrapped: UTF-8, or EBCDIC as mainframes send it, or else
/// Latin-1.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    if body.starts_with(&ISA_IN_EBCDIC) {
        return unwrapped(Cow::Owned(body.iter().map(|byte| of_ebcdic(*byte)).collect()));
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    unwrapped(match str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text.trim_start()),
        Err(_) => Cow::Owned(body.iter().copied().map(char::from).collect::<String>().trim_start().to_owned()),
    })
}

/// A text in the character set of the body that it answers.
pub(crate) fn encoded(text: String, body: &[u8]) -> Vec<u8> {
    if body.starts_with(&ISA_IN_EBCDIC) || str::from_utf8(body).is_ok() {
        return text.into_bytes();
    }
    text.chars().map(|sign| u8::try_from(sign).unwrap_or(b'?')).collect()
}

const LINE_ENDS: [char; 2] = ['\r', '\n'];

/// A body without line ends, where some stand within segments: it was wrapped into lines of one length. Where one of
/// its interchanges separates its parts with them, they stay.
fn unwrapped(text: Cow<'_, str>) -> Cow<'_, str> {
    // ISA is wrapped, too, where lines are shorter than it.
    let head: String = text.chars().filter(|sign| !LINE_ENDS.contains(sign)).take(ISA_LENGTH).collect();
    if !is_isa(&head) {
        return text;
    }
    let parts_by_line =
        |(at, _): (usize, &str)| is_isa(&text[at..]) && text[at + ISA_LENGTH - 2..at + ISA_LENGTH].contains(LINE_ENDS);
    let terminator = char::from(head.as_bytes()[ISA_LENGTH - 1]);
    let is_whole = |line: &str| line.trim_end_matches(BETWEEN).ends_with(terminator) || line.trim().is_empty();
    let mut lines = text.trim_end_matches(BETWEEN).split('\n').rev().skip(1);
    if lines.all(is_whole) || text.match_indices("ISA").any(parts_by_line) {
        return text;
    }
    Cow::Owned(text.replace(LINE_ENDS, ""))
}

/// A character of EBCDIC code page 037, of those that X12's extended character set has; what it does not have becomes
/// a question mark. New line is the line feed.
fn of_ebcdic(byte: u8) -> char {
    const SIGNS: [(u8, char); 34] = [
        (0x05, '\t'),
        (0x0d, '\r'),
        (0x15, '\n'),
        (0x1c, '\x1c'),
        (0x1d, '\x1d'),
        (0x1e, '\x1e'),
        (0x1f, '\x1f'),
        (0x25, '\n'),
        (0x40, ' '),
        (0x4b, '.'),
        (0x4c, '<'),
        (0x4d, '('),
        (0x4e, '+'),
        (0x4f, '|'),
        (0x50, '&'),
        (0x5a, '!'),
        (0x5b, '$'),
        (0x5c, '*'),
        (0x5d, ')'),
        (0x5e, ';'),
        (0x60, '-'),
        (0x61, '/'),
        (0x6b, ','),
        (0x6c, '%'),
        (0x6d, '_'),
        (0x6e, '>'),
        (0x6f, '?'),
        (0x7a, ':'),
        (0x7b, '#'),
        (0x7c, '@'),
        (0x7d, '\''),
        (0x7e, '='),
        (0x7f, '"'),
        (0xa1, '~'),
    ];
    let letter = |first: u8, name: u8| char::from(name + (byte - first));
    match byte {
        0x81..=0x89 => letter(0x81, b'a'),
        0x91..=0x99 => letter(0x91, b'j'),
        0xa2..=0xa9 => letter(0xa2, b's'),
        0xc1..=0xc9 => letter(0xc1, b'A'),
        0xd1..=0xd9 => letter(0xd1, b'J'),
        0xe2..=0xe9 => letter(0xe2, b'S'),
        0xf0..=0xf9 => letter(0xf0, b'0'),
        _ => SIGNS.iter().find(|(known, _)| *known == byte).map_or('?', |(_, sign)| *sign),
    }
}
