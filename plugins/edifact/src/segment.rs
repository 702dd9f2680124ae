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

/// A segment: its name, and its elements with their components. What has no release character in it is borrowed from
/// the body: an order has some thousand components, and most are looked at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Segment<'a> {
    parts: Vec<Part<'a>>,
}

/// A component, and the place of its element in the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part<'a> {
    element: usize,
    text: Cow<'a, str>,
}

/// An interchange, cut into segments.
pub(crate) struct Cut<'a> {
    pub separators: Separators,
    pub segments: Vec<Segment<'a>>,
    /// The text behind the interchange.
    pub rest: &'a str,
}

impl Separators {
    /// No two are the same, none is what names and values are made of, and a decimal mark is one.
    fn check(&self) -> Result<(), Failure> {
        let own = [Some(self.component), Some(self.element), Some(self.segment), self.release];
        let own: Vec<_> = own.into_iter().flatten().collect();
        let is_sound = |(place, sign): (usize, &char)| !sign.is_alphanumeric() && !own[..place].contains(sign);
        if !own.iter().enumerate().all(is_sound) {
            let shown: String = own.iter().collect();
            let rule = "the separators of UNA must differ, and be neither letters nor digits";
            return Err(failure::malformed("UNB", shown, rule));
        }
        // A blank says that there is none; else it must be told from the separators.
        let is_mark = match self.decimal {
            ' ' => true,
            mark => ['.', ','].contains(&mark) && !own.contains(&mark),
        };
        let rule = "the decimal mark of UNA must be a point, a comma or a blank, and no separator";
        if is_mark { Ok(()) } else { Err(failure::malformed("UNB", self.decimal, rule)) }
    }

    /// Whether a sign is part of what stands around it.
    fn is_plain(&self, sign: char) -> bool {
        ![self.segment, self.element, self.component, '\r', '\n'].contains(&sign) && Some(sign) != self.release
    }
}

impl Segment<'_> {
    /// Its name, such as `LIN`.
    pub(crate) fn id(&self) -> &str {
        self.parts.first().map_or("", |part| part.text.trim())
    }

    /// A component of an element, without blanks around it; empty where it is not there. Element 0 is the name.
    pub(crate) fn get(&self, element: usize, component: usize) -> &str {
        self.components(element).nth(component).map_or("", str::trim)
    }

    /// An element's components as they stand, for what is written.
    pub(crate) fn element(&self, element: usize) -> Vec<String> {
        self.components(element).map(str::to_owned).collect()
    }

    fn components(&self, element: usize) -> impl Iterator<Item = &str> {
        let behind = self.parts.iter().skip_while(move |part| part.element < element);
        behind.take_while(move |part| part.element == element).map(|part| &*part.text)
    }

    /// All elements, the name among them.
    #[cfg(test)]
    pub(crate) fn elements(&self) -> Vec<Vec<String>> {
        (0..=self.parts.last().map_or(0, |part| part.element)).map(|element| self.element(element)).collect()
    }
}

/// Cuts the interchange that a text begins with. It ends with UNZ, or where another begins, or with the text.
pub(crate) fn cut(text: &str) -> Result<Cut<'_>, Failure> {
    let (separators, mut rest) = separators(text);
    separators.check()?;
    let mut segments = Vec::new();
    while !rest.is_empty() && !rest.starts_with("UNA") {
        let (segment, behind) = read(rest, &separators);
        if segment.id() == "UNB" && !segments.is_empty() {
            break;
        }
        let is_last = segment.id() == "UNZ";
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
fn read<'a>(text: &'a str, separators: &Separators) -> (Segment<'a>, &'a str) {
    let mut parts = Vec::new();
    let (mut element, mut value) = (0, Value { text, start: 0, before: String::new() });
    let mut signs = text.char_indices().peekable();
    while let Some((at, sign)) = signs.next() {
        if separators.is_plain(sign) {
            continue;
        }
        if Some(sign) == separators.release {
            value.skip(at, at + sign.len_utf8());
            // A file that is wrapped may be so between a release character and what it releases.
            while let Some((end, _)) = signs.next_if(|(_, next)| is_line_end(*next, separators)) {
                value.start = end + 1;
            }
            signs.next();
        } else if sign == separators.segment {
            parts.push(Part { element, text: value.end(at, at) });
            return (Segment { parts }, &text[at + sign.len_utf8()..]);
        } else if is_line_end(sign, separators) {
            // Files are wrapped into lines of one length: a line end is no part of a value.
            value.skip(at, at + 1);
        } else {
            parts.push(Part { element, text: value.end(at, at + sign.len_utf8()) });
            element += usize::from(sign == separators.element);
        }
    }
    parts.push(Part { element, text: value.end(text.len(), text.len()) });
    (Segment { parts }, "")
}

/// A line end that separates nothing.
fn is_line_end(sign: char, separators: &Separators) -> bool {
    ['\r', '\n'].contains(&sign)
        && ![separators.segment, separators.element, separators.component].contains(&sign)
        && Some(sign) != separators.release
}

/// A component that is being read.
struct Value<'a> {
    text: &'a str,
    /// Where what was not taken yet begins.
    start: usize,
    /// What was taken before something that is no part of it.
    before: String,
}

impl<'a> Value<'a> {
    /// Passes over what lies between two places.
    fn skip(&mut self, from: usize, to: usize) {
        self.before.push_str(&self.text[self.start..from]);
        self.start = to;
    }

    /// The component that ends at a place; the next one begins at another.
    fn end(&mut self, at: usize, next: usize) -> Cow<'a, str> {
        let last = &self.text[self.start..at];
        self.start = next;
        if self.before.is_empty() {
            return Cow::Borrowed(last);
        }
        let mut whole = std::mem::take(&mut self.before);
        whole.push_str(last);
        Cow::Owned(whole)
    }
}

/// A body as text: UTF-8, or else Latin-1 (the character sets UNOA to UNOC lie within it), which is the owned one.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(body.iter().copied().map(char::from).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_borrowed_from_the_body_unless_something_is_released_or_wrapped_in_it() {
        let text = "UNB+UNOC:3+A'\nPIA+5+AB?+3542:SA'IMD+F++:::A wid\r\nget?'s'UNZ'";
        let cut = cut(text).unwrap();
        let parts = cut.segments.iter().flat_map(|segment| &segment.parts);
        let owned: Vec<_> = parts.filter(|part| matches!(part.text, Cow::Owned(_))).map(|part| &*part.text).collect();
        assert_eq!(owned, ["AB+3542", "A widget's"]);
    }

    #[test]
    fn a_line_end_behind_a_release_character_is_not_what_is_released() {
        let whole = "UNB+UNOC:3+AB?+3542:?:??+??'UNZ+1+?'?''";
        let expected = cut(whole).unwrap().segments;
        for at in 0..whole.len() {
            for end in ["\n", "\r\n"] {
                let wrapped = format!("{}{end}{}", &whole[..at], &whole[at..]);
                assert_eq!(cut(wrapped.trim_start()).unwrap().segments, expected, "{wrapped:?}");
            }
        }
        let by_lines = cut("UNA:+.? \nUNB+A?\nB\nUNZ\n").unwrap();
        assert_eq!(by_lines.segments[0].get(1, 0), "A\nB", "where it ends segments, it is what is released");
    }

    #[test]
    fn separators_that_cannot_be_told_from_values_or_from_each_other_are_refused() {
        for sound in [":+.? '", ":+,? '", ":+ ? '", ":+.!*'", "=*.? ~", "|*,! ~"] {
            assert!(cut(&format!("UNA{sound}UNB")).is_ok(), "{sound}");
        }
        for broken in
            [":+5? '", ":+0? '", ":+x? '", ":+;? '", ":,,? '", ":+.. '", "::.? '", ":+.?  +", ":1.? '", "A+.? '"]
        {
            assert!(cut(&format!("UNA{broken}UNB")).is_err(), "{broken}");
        }
    }
}
