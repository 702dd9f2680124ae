//! Interchanges and messages, and what is wrong with their envelopes, in the codes that CONTRL has for it (UN/EDIFACT
//! data element 0085).

use std::collections::BTreeMap;

use tillmesh_plugin::{Failure, failure, log};

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
/// 0085: some messages are in groups, some are not.
const MIXED: &str = "30";
/// 0085: a group has messages of another type than its own.
const OTHER_TYPE: &str = "31";
/// 0085: there is no message.
const EMPTY: &str = "32";

/// Segments of envelopes that CONTRL names as those to blame.
const SERVICE: [&str; 4] = ["UNE", "UNG", "UNT", "UNZ"];

/// An interchange.
#[derive(Debug)]
pub(crate) struct Interchange<'a> {
    pub separators: Separators,
    pub unb: Segment<'a>,
    pub groups: Vec<Group<'a>>,
    pub messages: Vec<Message<'a>>,
    pub defects: Vec<Defect>,
}

/// A group of messages, which few interchanges have.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub ung: Segment<'a>,
    pub defects: Vec<Defect>,
    /// How many messages it has.
    messages: usize,
}

/// A message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// The place of its group among those of the interchange; none: it is in no group.
    pub group: Option<usize>,
    /// From UNH to UNT, as far as they are there.
    pub segments: Vec<Segment<'a>>,
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
pub(crate) fn read(text: &str) -> Result<Vec<Interchange<'_>>, Failure> {
    let (found, failure) = read_some(text);
    failure.map_or(Ok(found), Err)
}

/// The interchanges of a body up to where there is none, and why there is none there.
pub(crate) fn read_some(text: &str) -> (Vec<Interchange<'_>>, Option<Failure>) {
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

impl<'a> Interchange<'a> {
    fn read(Cut { separators, segments, .. }: Cut<'a>) -> Self {
        let mut segments = segments.into_iter();
        let unb = segments.next().unwrap_or_default();
        let mut found = Self { separators, unb, groups: Vec::new(), messages: Vec::new(), defects: Vec::new() };
        let (mut trailer, mut group, mut is_inside) = (None, None, false);
        for segment in segments {
            match segment.id() {
                "UNZ" => trailer = Some(segment),
                "UNG" => {
                    found.end_group(group, None);
                    group = Some(found.groups.len());
                    found.groups.push(Group { ung: segment, defects: Vec::new(), messages: 0 });
                    is_inside = false;
                }
                "UNE" if group.is_some() => {
                    found.end_group(group.take(), Some(&segment));
                    is_inside = false;
                }
                "UNH" => {
                    found.begin_message(group, segment);
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
        found.end_group(group, None);
        found.messages.iter_mut().for_each(Message::check);
        found.check(trailer.as_ref());
        found
    }

    fn begin_message(&mut self, group: Option<usize>, segment: Segment<'a>) {
        if let Some(group) = group.and_then(|group| self.groups.get_mut(group)) {
            group.messages += 1;
        }
        self.messages.push(Message { group, segments: vec![segment], defects: Vec::new() });
    }

    fn end_group(&mut self, place: Option<usize>, trailer: Option<&Segment<'_>>) {
        let Some(group) = place.and_then(|place| self.groups.get_mut(place)) else { return };
        group.check(trailer);
        let kind = group.ung.get(1, 0);
        let own = self.messages.iter().rev().take_while(|message| message.group == place);
        if let Some(other) = own.map(Message::kind).find(|other| !kind.is_empty() && *other != kind) {
            let defect = Defect::of(OTHER_TYPE, "UNG", other, &format!("all messages of this group must be {kind}"));
            group.defects.push(defect);
        }
    }

    /// Its control reference (0020).
    pub(crate) fn control(&self) -> &str {
        self.unb.get(5, 0)
    }

    fn check(&mut self, trailer: Option<&Segment<'_>>) {
        if self.messages.is_empty() {
            self.defects.push(Defect::of(EMPTY, "UNB", "", "the interchange has no message"));
        }
        if !self.groups.is_empty() && self.messages.iter().any(|message| message.group.is_none()) {
            self.defects.push(Defect::of(MIXED, "UNB", "", "all its messages must be in groups, or none"));
        }
        let Some(trailer) = trailer else {
            return self.defects.push(Defect::of(MISSING, "UNZ", "", "the interchange has no trailer"));
        };
        // With groups, they are what is counted.
        let (count, what) = match self.groups.len() {
            0 => (self.messages.len(), "messages"),
            groups => (groups, "groups"),
        };
        self.defects.extend(mismatches("UNZ", trailer, (self.control(), "UNB"), (count, what)));
    }

    /// Whether there is something to acknowledge: nobody acknowledges acknowledgements.
    pub(crate) fn wants_answer(&self) -> bool {
        self.messages.is_empty() || self.messages.iter().any(|message| message.kind() != "CONTRL")
    }

    /// Its messages, each once: of one that stands there twice the goods would come in twice. A reference alone does
    /// not tell, for some give all their messages the same one.
    pub(crate) fn distinct(&self) -> Vec<&Message<'a>> {
        let (mut found, mut known) = (Vec::new(), BTreeMap::<&str, Vec<&Message<'a>>>::new());
        for message in &self.messages {
            let of_reference = known.entry(message.reference()).or_default();
            if of_reference.iter().any(|other| other.segments == message.segments) {
                log::warn(&format!("{}: it is there twice, and counts once", self.place_of(message)));
                continue;
            }
            of_reference.push(message);
            found.push(message);
        }
        found
    }

    /// The name of a place in a body, such as `UNB 4711 UNH 1`, or in a group `UNB 4711 UNG 71 UNH 1`: there a
    /// message's reference is unique in its group alone.
    pub(crate) fn place_of(&self, message: &Message<'_>) -> String {
        let group = message.group.and_then(|group| self.groups.get(group));
        let group = group.map(|group| format!(" UNG {}", group.reference())).unwrap_or_default();
        format!("UNB {}{group} UNH {}", self.control(), message.reference())
    }

    /// The first thing that is wrong anywhere in it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let at = format!("UNB {}", self.control());
        let of_messages = self.messages.iter().flat_map(|message| {
            let at = self.place_of(message);
            message.defects.iter().map(move |defect| (at.clone(), defect))
        });
        let of_groups = self.groups.iter().flat_map(|group| {
            let at = format!("{at} UNG {}", group.reference());
            group.defects.iter().map(move |defect| (at.clone(), defect))
        });
        let of_parts = of_messages.chain(of_groups);
        let (at, defect) = of_parts.chain(self.defects.iter().map(|defect| (at.clone(), defect))).next()?;
        Some(failure::malformed(format!("{at} {}", defect.place), &defect.value, &defect.rule))
    }
}

impl Group<'_> {
    /// Its reference (0048).
    pub(crate) fn reference(&self) -> &str {
        self.ung.get(5, 0)
    }

    fn check(&mut self, trailer: Option<&Segment<'_>>) {
        if self.messages == 0 {
            self.defects.push(Defect::of(EMPTY, "UNG", "", "the group has no message"));
        }
        let found = match trailer {
            None => vec![Defect::of(MISSING, "UNE", "", "the group has no trailer")],
            Some(trailer) => mismatches("UNE", trailer, (self.reference(), "UNG"), (self.messages, "messages")),
        };
        self.defects.extend(found);
    }
}

/// What does not match between a trailer, which states a count and then a reference, and what it ends.
fn mismatches(
    place: &'static str,
    trailer: &Segment<'_>,
    (own, header): (&str, &str),
    (count, what): (usize, &str),
) -> Vec<Defect> {
    let (stated, reference) = (trailer.get(1, 0), trailer.get(2, 0));
    let of_count = (stated.parse() != Ok(count)).then(|| (COUNT, stated, format!("there are {count} {what}")));
    let of_reference =
        (reference != own).then(|| (REFERENCES, reference, format!("it must be that of {header}, {own}")));
    let found = [of_reference, of_count].into_iter().flatten();
    found.map(|(code, value, rule)| Defect::of(code, place, value, &rule)).collect()
}

impl Message<'_> {
    /// Which message it is, such as `ORDERS`.
    pub(crate) fn kind(&self) -> &str {
        self.segments.first().map_or("", |header| header.get(2, 0))
    }

    /// Its reference (0062).
    pub(crate) fn reference(&self) -> &str {
        self.segments.first().map_or("", |header| header.get(1, 0))
    }

    fn check(&mut self) {
        let count = self.segments.len();
        let found = match self.segments.last().filter(|segment| segment.id() == "UNT") {
            None => vec![Defect::of(MISSING, "UNT", "", "the message has no trailer")],
            Some(trailer) => mismatches("UNT", trailer, (self.reference(), "UNH"), (count, "segments")),
        };
        self.defects.extend(found);
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
    /// Its code and, where it is in a service segment, the name of that (0013).
    pub(crate) fn report(&self) -> Vec<Vec<String>> {
        let segment = Some(self.place).filter(|place| SERVICE.contains(place));
        [Some(self.code), segment].into_iter().flatten().map(|text| vec![text.to_owned()]).collect()
    }

    fn of(code: &'static str, place: &'static str, value: &str, rule: &str) -> Self {
        Self { code, place, value: value.to_owned(), rule: rule.to_owned() }
    }
}
