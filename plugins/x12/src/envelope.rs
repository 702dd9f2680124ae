//! Interchanges, groups and transaction sets, and what is wrong with their envelopes, in the codes that a TA1 and a 997
//! have for it (X12 data elements I18, 716 and 718).

use std::collections::BTreeMap;

use tillmesh_plugin::{Failure, failure};

use crate::number::count;
use crate::segment::{Cut, Delimiters, Segment, cut};

/// Which group (X12 data element 479) a set that is handled here belongs into.
const GROUPS: [(&str, &str); 7] =
    [("846", "IB"), ("850", "PO"), ("855", "PR"), ("856", "SH"), ("865", "CA"), ("997", "FA"), ("999", "FA")];

/// An interchange.
#[derive(Debug)]
pub(crate) struct Interchange<'a> {
    pub delimiters: Delimiters,
    pub isa: Segment<'a>,
    pub groups: Vec<Group<'a>>,
    /// What is wrong with ISA and IEA.
    pub defects: Vec<Defect>,
}

/// A functional group.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub gs: Segment<'a>,
    /// How many sets GE says that there are.
    pub stated: Option<usize>,
    pub sets: Vec<Set<'a>>,
    pub defects: Vec<Defect>,
}

/// A transaction set.
#[derive(Debug)]
pub(crate) struct Set<'a> {
    /// From ST to SE, as far as they are there.
    pub segments: Vec<Segment<'a>>,
    pub defects: Vec<Defect>,
}

/// Something that is wrong with an envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Defect {
    /// The code of the acknowledgement.
    pub code: &'static str,
    /// Which element, such as `SE01`.
    pub element: &'static str,
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
        return (found, Some(failure::malformed("ISA", "", "the body is empty")));
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
    fn read(Cut { delimiters, isa, segments, .. }: Cut<'a>) -> Self {
        let mut found = Self { delimiters, isa, groups: Vec::new(), defects: Vec::new() };
        let mut trailer = None;
        let (mut in_group, mut in_set) = (false, false);
        for segment in segments {
            match (segment.id(), found.groups.last_mut()) {
                ("IEA", _) => trailer = Some(segment),
                ("GS", _) => {
                    found.groups.push(Group { gs: segment, stated: None, sets: Vec::new(), defects: Vec::new() });
                    (in_group, in_set) = (true, false);
                }
                ("GE", Some(group)) if in_group => {
                    group.end(&segment);
                    (in_group, in_set) = (false, false);
                }
                ("ST", Some(group)) if in_group => {
                    group.sets.push(Set { segments: vec![segment], defects: Vec::new() });
                    in_set = true;
                }
                (id, Some(group)) if in_set => {
                    in_set = id != "SE";
                    group.sets.extend_last(segment);
                }
                // Acknowledgements and services of interchanges stand before the groups.
                ("TA1" | "TA3" | "ISB" | "ISE", _) => {}
                (id, _) => {
                    found.defects.push(Defect::of("024", "ISA", id, "it stands outside of every transaction set"))
                }
            }
        }
        found.check(trailer.as_ref());
        found
    }

    fn check(&mut self, trailer: Option<&Segment<'_>>) {
        self.groups.iter_mut().for_each(Group::check);
        for again in used_again(&self.groups, |group| group.gs.get(6), Group::is_repeated_by) {
            let group = &mut self.groups[again];
            let rule = "another group of the interchange has it";
            group.defects.push(Defect::of("19", "GS06", group.gs.get(6), rule));
        }
        let control = self.isa.get(13);
        let Some(trailer) = trailer else {
            return self.defects.push(Defect::of("023", "IEA", "", "the interchange has no trailer"));
        };
        if trailer.get(2) != control {
            let rule = format!("it must be ISA13, {control}");
            self.defects.push(Defect::of("001", "IEA02", trailer.get(2), &rule));
        }
        let groups = self.groups.len();
        if count(trailer.get(1)) != Some(groups) {
            let rule = format!("there are {groups} groups");
            self.defects.push(Defect::of("021", "IEA01", trailer.get(1), &rule));
        }
    }

    /// Whether there is something to acknowledge: nobody acknowledges acknowledgements.
    pub(crate) fn wants_answer(&self) -> bool {
        let is_other = |group: &Group<'_>| group.gs.get(1) != "FA";
        self.groups.iter().any(is_other)
            || self.wants_acknowledgement()
            || (self.groups.is_empty() && !self.defects.is_empty())
    }

    /// Whether it asks (ISA14) for an interchange acknowledgement also where nothing is wrong with it. What brings no
    /// group is one itself.
    pub(crate) fn wants_acknowledgement(&self) -> bool {
        self.isa.get(14) == "1" && !self.groups.is_empty()
    }

    /// The name of a place in a body, such as `ISA 000000224 GS 77 ST 0001`.
    pub(crate) fn place_of(&self, group: &Group<'_>, set: &Set<'_>) -> String {
        format!("ISA {} GS {} ST {}", self.isa.get(13), group.gs.get(6), set.control())
    }

    /// The first thing that is wrong anywhere in it.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let interchange = format!("ISA {}", self.isa.get(13));
        let of_groups = self.groups.iter().flat_map(|group| {
            let at = format!("{interchange} GS {}", group.gs.get(6));
            let of_sets = group.sets.iter().flat_map({
                let at = at.clone();
                move |set| {
                    set.defects.iter().map({
                        let at = format!("{at} ST {}", set.control());
                        move |defect| (at.clone(), defect)
                    })
                }
            });
            let own = group.defects.iter().map(move |defect| (at.clone(), defect));
            of_sets.chain(own).collect::<Vec<_>>()
        });
        let own = self.defects.iter().map(|defect| (interchange.clone(), defect));
        let (at, defect) = of_groups.chain(own).next()?;
        Some(failure::malformed(format!("{at} {}", defect.element), &defect.value, &defect.rule))
    }
}

impl Group<'_> {
    fn end(&mut self, trailer: &Segment<'_>) {
        let (control, sets) = (self.gs.get(6), self.sets.len());
        self.stated = count(trailer.get(1));
        if trailer.get(2) != control {
            self.defects.push(Defect::of("4", "GE02", trailer.get(2), &format!("it must be GS06, {control}")));
        }
        if self.stated != Some(sets) {
            self.defects.push(Defect::of("5", "GE01", trailer.get(1), &format!("there are {sets} transaction sets")));
        }
    }

    fn check(&mut self) {
        if self.stated.is_none() && !self.defects.iter().any(|defect| defect.element == "GE01") {
            self.defects.push(Defect::of("3", "GE", "", "the group has no trailer"));
        }
        if self.sets.is_empty() {
            self.defects.push(Defect::of("5", "GS", "", "a group has one transaction set at least"));
        }
        let code = self.gs.get(1);
        self.sets.iter_mut().for_each(|set| set.check(code));
        for again in used_again(&self.sets, Set::control, Set::is_repeated_by) {
            let set = &mut self.sets[again];
            let rule = "another transaction set of the group has it";
            set.defects.push(Defect::of("23", "ST02", set.control(), rule));
        }
    }

    fn is_repeated_by(&self, other: &Self) -> bool {
        let mut pairs = self.sets.iter().zip(&other.sets);
        self.sets.len() == other.sets.len() && pairs.all(|(set, other)| set.is_repeated_by(other))
    }
}

/// Which of several parts of an envelope have the control number of an earlier one, and do not just repeat it.
fn used_again<'a, T>(
    parts: &[T],
    number: impl Fn(&T) -> &'a str,
    is_repeated_by: impl Fn(&T, &T) -> bool,
) -> Vec<usize> {
    let mut first = BTreeMap::new();
    let is_again = |(index, part): &(usize, &T)| {
        let first = *first.entry(number(part)).or_insert(*index);
        first != *index && !is_repeated_by(&parts[first], part)
    };
    parts.iter().enumerate().filter(is_again).map(|(index, _)| index).collect()
}

impl<'a> Set<'a> {
    /// Which set it is, such as `850`.
    pub(crate) fn code(&self) -> &'a str {
        self.segments[0].get(1)
    }

    /// Its control number.
    pub(crate) fn control(&self) -> &'a str {
        self.segments[0].get(2)
    }

    /// Whether another set is the same order, word for word. Mailboxes deliver such, and an order counts once under its
    /// number; other goods or levels would not.
    fn is_repeated_by(&self, other: &Self) -> bool {
        self.code() == "850" && self.segments == other.segments
    }

    fn check(&mut self, group: &str) {
        let (segments, header) = (self.segments.len(), &self.segments[0]);
        for (place, code, element) in [(1, "6", "ST01"), (2, "7", "ST02")] {
            if header.get(place).is_empty() {
                self.defects.push(Defect::of(code, element, "", "it is missing"));
            }
        }
        if let Some((set, of)) = GROUPS.iter().find(|(set, of)| *set == header.get(1) && *of != group) {
            self.defects.push(Defect::of("6", "ST01", set, &format!("it belongs into a group {of}, not {group}")));
        }
        let Some(trailer) = self.segments.last().filter(|segment| segment.id() == "SE") else {
            return self.defects.push(Defect::of("2", "SE", "", "the transaction set has no trailer"));
        };
        let (stated, control) = (trailer.get(1), trailer.get(2));
        if control != self.control() {
            self.defects.push(Defect::of("3", "SE02", control, &format!("it must be ST02, {}", self.control())));
        }
        if count(stated) != Some(segments) {
            self.defects.push(Defect::of("4", "SE01", stated, &format!("there are {segments} segments")));
        }
    }
}

impl Defect {
    fn of(code: &'static str, element: &'static str, value: &str, rule: &str) -> Self {
        Self { code, element, value: value.to_owned(), rule: rule.to_owned() }
    }
}

/// Adds to the last set, which there is inside of one.
trait ExtendLast<'a> {
    fn extend_last(&mut self, segment: Segment<'a>);
}

impl<'a> ExtendLast<'a> for Vec<Set<'a>> {
    fn extend_last(&mut self, segment: Segment<'a>) {
        if let Some(set) = self.last_mut() {
            set.segments.push(segment);
        }
    }
}
