//! Interchanges and messages, and what is wrong with their envelopes, in the codes that CONTRL has for it (UN/EDIFACT
//! data element 0085).

use tillmesh_plugin::{Failure, failure};

use crate::segment::{Cut, Segment, Separators, cut};

/// 0085: a value is not allowed.
const INVALID: &str = "12";
/// 0085: something is missing.
const MISSING: &str = "13";
/// 0085: a segment stands outside of every message.
const MISPLACED: &str = "33";
/// 0085: the references of header and trailer do not match.
const REFERENCES: &str = "28";
/// 0085: a count does not match what there is.
const COUNT: &str = "29";

/// An interchange.
#[derive(Debug)]
pub(crate) struct Interchange {
    pub separators: Separators,
    pub unb: Segment,
    pub messages: Vec<Message>,
    pub defects: Vec<Defect>,
}

/// A message.
#[derive(Debug)]
pub(crate) struct Message {
    /// From UNH to UNT, as far as they are there.
    pub segments: Vec<Segment>,
    pub defects: Vec<Defect>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defect {
    /// The code of the acknowledgement.
    pub code: &'static str,
    /// Where, such as `UNT`.
    pub place: &'static str,
    pub value: String,
    pub rule: String,
}

/// Reads all interchanges of a body.
pub(crate) fn read(text: &str) -> Result<Vec<Interchange>, Failure> {
    let (found, failure) = read_some(text);
    failure.map_or(Ok(found), Err)
}

/// The interchanges of a body up to where there is none, and why there is none there.
pub(crate) fn read_some(text: &str) -> (Vec<Interchange>, Option<Failure>) {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    if rest.is_empty() {
        return (found, Some(failure::malformed("UNB", "", "the body is empty")));
    }
    while !rest.is_empty() {
        match cut(rest) {
            Ok(interchange) => {
                rest = interchange.rest;
                found.push(Interchange::read(interchange));
            }
            Err(failure) => return (found, Some(failure)),
        }
    }
    (found, None)
}

impl Interchange {
    fn read(Cut { separators, segments, .. }: Cut<'_>) -> Self {
        let mut segments = segments.into_iter();
        let unb = segments.next().unwrap_or_default();
        let mut found = Self { separators, unb, messages: Vec::new(), defects: Vec::new() };
        let (mut trailer, mut groups, mut is_inside) = (None, 0, false);
        for segment in segments {
            match segment.id() {
                "UNZ" => trailer = Some(segment),
                "UNG" => groups += 1,
                "UNE" => {}
                "UNH" => {
                    found.messages.push(Message { segments: vec![segment], defects: Vec::new() });
                    is_inside = true;
                }
                id => match found.messages.last_mut().filter(|_| is_inside) {
                    Some(message) => {
                        is_inside = id != "UNT";
                        message.segments.push(segment);
                    }
                    None => found.defects.push(Defect::of(MISPLACED, "UNB", id, "it stands outside of every message")),
                },
            }
        }
        found.messages.iter_mut().for_each(Message::check);
        found.check(trailer.as_ref(), groups);
        found
    }

    /// Its control reference (0020).
    pub(crate) fn control(&self) -> &str {
        self.unb.get(5, 0)
    }

    fn check(&mut self, trailer: Option<&Segment>, groups: usize) {
        let Some(trailer) = trailer else {
            return self.defects.push(Defect::of(MISSING, "UNZ", "", "the interchange has no trailer"));
        };
        // With groups, they are what is counted.
        let count = if groups > 0 { groups } else { self.messages.len() };
        let (stated, reference) = (trailer.get(1, 0), trailer.get(2, 0));
        if reference != self.control() {
            let rule = format!("it must be that of UNB, {}", self.control());
            self.defects.push(Defect::of(REFERENCES, "UNZ", reference, &rule));
        }
        if stated.parse() != Ok(count) {
            self.defects.push(Defect::of(COUNT, "UNZ", stated, &format!("there are {count} messages")));
        }
    }

    /// Whether there is something to acknowledge: nobody acknowledges acknowledgements.
    pub(crate) fn wants_answer(&self) -> bool {
        self.messages.is_empty() || self.messages.iter().any(|message| message.kind() != "CONTRL")
    }

    /// The name of a place in a body, such as `UNB 4711 UNH 1`.
    pub(crate) fn place_of(&self, message: &Message) -> String {
        format!("UNB {} UNH {}", self.control(), message.reference())
    }

    /// The first thing that is wrong anywhere in it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let at = format!("UNB {}", self.control());
        let of_messages = self.messages.iter().flat_map(|message| {
            let at = format!("{at} UNH {}", message.reference());
            message.defects.iter().map(move |defect| (at.clone(), defect))
        });
        let (at, defect) = of_messages.chain(self.defects.iter().map(|defect| (at.clone(), defect))).next()?;
        Some(failure::malformed(format!("{at} {}", defect.place), &defect.value, &defect.rule))
    }
}

impl Message {
    /// Which message it is, such as `ORDERS`.
    pub(crate) fn kind(&self) -> &str {
        self.segments.first().map_or("", |header| header.get(2, 0))
    }

    /// Its reference (0062).
    pub(crate) fn reference(&self) -> &str {
        self.segments.first().map_or("", |header| header.get(1, 0))
    }

    fn check(&mut self) {
        let (count, own) = (self.segments.len(), self.reference().to_owned());
        match self.segments.last().filter(|segment| segment.id() == "UNT") {
            None => self.defects.push(Defect::of(MISSING, "UNT", "", "the message has no trailer")),
            Some(trailer) => {
                let (stated, reference) = (trailer.get(1, 0), trailer.get(2, 0));
                let defects = [
                    (stated.parse() != Ok(count)).then(|| (COUNT, stated, format!("there are {count} segments"))),
                    (reference != own).then(|| (REFERENCES, reference, format!("it must be that of UNH, {own}"))),
                ];
                let defects = defects.into_iter().flatten();
                self.defects.extend(defects.map(|(code, value, rule)| Defect::of(code, "UNT", value, &rule)));
            }
        }
        let quantities = self.segments.iter().filter(|segment| segment.id() == "QTY");
        let broken = quantities.map(|segment| segment.get(1, 1)).filter(|quantity| !is_number(quantity));
        let rule = "a quantity must be a number";
        self.defects.extend(broken.map(|quantity| Defect::of(INVALID, "QTY", quantity, rule)));
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b',')
}

impl Defect {
    fn of(code: &'static str, place: &'static str, value: &str, rule: &str) -> Self {
        Self { code, place, value: value.to_owned(), rule: rule.to_owned() }
    }
}
