//! Segments and their separators (ISO 9735): an interchange may state its own in UNA.

use std::borrow::Cow;

use tillmesh_plugin::{Failure, failure};

/// What separates the parts of an interchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Separators {
    pub component: char,
    pub element: char,
    pub decimal: char,
    /// What makes the next character an ordinary one; none: nothing does.
    pub release: Option<char>,
    pub segment: char,
}

/// Those of an interchange without UNA.
pub(crate) const DEFAULT: Separators =
    Separators { component: ':', element: '+', decimal: '.', release: Some('?'), segment: '\'' };

/// A segment: its name, and its elements with their components.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Segment {
    elements: Vec<Vec<String>>,
}

/// An interchange, cut into segments.
pub(crate) struct Cut<'a> {
    pub separators: Separators,
    pub segments: Vec<Segment>,
    /// The text behind the interchange.
    pub rest: &'a str,
}

impl Separators {
    /// No two are the same, and none is what names and values are made of.
    fn check(&self) -> Result<(), Failure> {
        let own = [Some(self.component), Some(self.element), Some(self.segment), self.release];
        let own: Vec<_> = own.into_iter().flatten().collect();
        let is_sound = |(place, sign): (usize, &char)| !sign.is_alphanumeric() && !own[..place].contains(sign);
        if own.iter().enumerate().all(is_sound) {
            return Ok(());
        }
        let shown: String = own.iter().collect();
        Err(failure::malformed("UNB", shown, "the separators of UNA must differ, and be neither letters nor digits"))
    }
}

impl Segment {
    /// Its name, such as `LIN`.
    pub(crate) fn id(&self) -> &str {
        self.get(0, 0)
    }

    /// A component of an element, without blanks around it; empty where it is not there. Element 0 is the name.
    pub(crate) fn get(&self, element: usize, component: usize) -> &str {
        let found = self.elements.get(element).and_then(|components| components.get(component));
        found.map_or("", |text| text.trim())
    }

    /// An element's components.
    pub(crate) fn element(&self, element: usize) -> &[String] {
        self.elements.get(element).map_or(&[], Vec::as_slice)
    }

    /// All elements, the name among them.
    #[cfg(test)]
    pub(crate) fn elements(&self) -> &[Vec<String>] {
        &self.elements
    }
}

/// Cuts the interchange that a text begins with. It ends with UNZ, or where another begins, or with the text.
pub(crate) fn cut(text: &str) -> Result<Cut<'_>, Failure> {
    let (separators, mut rest) = separators(text);
    separators.check()?;
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let (segment, behind) = read(rest, &separators);
        let id = segment.id();
        let is_next = (id == "UNB" && !segments.is_empty()) || rest.starts_with("UNA");
        if is_next {
            break;
        }
        let is_last = id == "UNZ";
        segments.push(segment);
        rest = behind.trim_start_matches(BETWEEN);
        if is_last {
            break;
        }
    }
    match segments.first() {
        Some(first) if first.id() == "UNB" => Ok(Cut { separators, segments, rest }),
        first => {
            let shown = first.map_or("", Segment::id);
            Err(failure::malformed("UNB", shown, "an interchange begins with UNA or UNB"))
        }
    }
}

/// What may stand between segments: line ends, and what transports append.
const BETWEEN: [char; 6] = ['\r', '\n', ' ', '\t', '\u{1a}', '\0'];

/// The separators that UNA states, and the text behind it.
fn separators(text: &str) -> (Separators, &str) {
    let stated: Vec<char> = text.strip_prefix("UNA").map(|rest| rest.chars().take(6).collect()).unwrap_or_default();
    let [component, element, decimal, release, _, segment] = stated[..] else { return (DEFAULT, text) };
    let release = Some(release).filter(|sign| *sign != ' ');
    let length = 3 + stated.iter().map(|sign| sign.len_utf8()).sum::<usize>();
    (Separators { component, element, decimal, release, segment }, text[length..].trim_start_matches(BETWEEN))
}

/// The segment that a text begins with, and the text behind its end.
fn read<'a>(text: &'a str, separators: &Separators) -> (Segment, &'a str) {
    let mut elements = vec![vec![String::new()]];
    let mut signs = text.char_indices();
    let push = |elements: &mut Vec<Vec<String>>, sign: char| {
        if let Some(component) = elements.last_mut().and_then(|components| components.last_mut()) {
            component.push(sign);
        }
    };
    while let Some((at, sign)) = signs.next() {
        if Some(sign) == separators.release {
            if let Some((_, released)) = signs.next() {
                push(&mut elements, released);
            }
        } else if sign == separators.segment {
            return (Segment { elements }, &text[at + sign.len_utf8()..]);
        } else if sign == separators.element {
            elements.push(vec![String::new()]);
        } else if sign == separators.component {
            if let Some(components) = elements.last_mut() {
                components.push(String::new());
            }
        } else if sign != '\r' && sign != '\n' {
            // Files are wrapped into lines of one length: a line end is no part of a value.
            push(&mut elements, sign);
        }
    }
    (Segment { elements }, "")
}

/// A body as text: UTF-8, or else Latin-1 (the character sets UNOA to UNOC lie within it).
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text.trim_start()),
        Err(_) => Cow::Owned(body.iter().copied().map(char::from).collect::<String>().trim_start().to_owned()),
    }
}
