//! Writes interchanges: envelopes with counts and control numbers that fit.

use tillmesh_plugin::{control, dates};

use crate::envelope::Interchange;
use crate::segment::Delimiters;

/// A moment as envelopes state it, in UTC.
pub(crate) struct Clock {
    /// CCYYMMDD.
    pub date: String,
    /// HHMM.
    pub time: String,
}

/// Who writes to whom, and how.
pub(crate) struct Address {
    pub delimiters: Delimiters,
    /// ISA05 and ISA06.
    pub sender: (String, String),
    /// ISA07 and ISA08.
    pub receiver: (String, String),
    /// ISA11.
    pub repetition: String,
    /// ISA12.
    pub version: String,
    /// ISA13, and GS06 of its first group, from where further ones count on.
    pub control: u32,
    /// ISA15: P for production, T for test.
    pub usage: String,
}

/// An interchange that is being written.
pub(crate) struct Writer {
    text: String,
    delimiters: Delimiters,
    control: u32,
    /// GS06 of the group that is being written, and the number behind it.
    group: u32,
    next: u32,
    groups: u32,
    sets: usize,
    segments: usize,
}

impl Clock {
    pub(crate) fn at(micros: i64) -> Self {
        let (date, time) = dates::digits(micros);
        Self { date, time }
    }
}

impl Writer {
    pub(crate) fn begin(address: &Address, clock: &Clock) -> Self {
        let Address { delimiters, control, .. } = *address;
        let mut writer = Self {
            text: String::new(),
            delimiters,
            control,
            group: control,
            next: control,
            groups: 0,
            sets: 0,
            segments: 0,
        };
        let padded = |text: &str, length: usize| format!("{text:<length$.length$}");
        let (sender, receiver) = (padded(&address.sender.1, 15), padded(&address.receiver.1, 15));
        let (from, to) = (padded(&address.sender.0, 2), padded(&address.receiver.0, 2));
        let (blank, component) = (padded("", 10), delimiters.component.to_string());
        writer.segment(&[
            "ISA",
            "00",
            &blank,
            "00",
            &blank,
            &from,
            &sender,
            &to,
            &receiver,
            &clock.date[2..],
            &clock.time,
            &address.repetition,
            &address.version,
            &format!("{control:09}"),
            "0",
            &address.usage,
            &component,
        ]);
        writer
    }

    /// An interchange that answers one, with its delimiters, the other way round.
    pub(crate) fn answering(interchange: &Interchange<'_>, clock: &Clock, control: u32) -> Self {
        let isa = &interchange.isa;
        let party = |qualifier: usize| (isa.raw(qualifier).to_owned(), isa.raw(qualifier + 1).to_owned());
        let address = Address {
            delimiters: interchange.delimiters,
            sender: party(7),
            receiver: party(5),
            repetition: isa.raw(11).to_owned(),
            version: isa.raw(12).to_owned(),
            control,
            usage: isa.raw(15).to_owned(),
        };
        Self::begin(&address, clock)
    }

    /// Writes a segment. What would be read as the end of an element or a segment becomes a blank.
    pub(crate) fn segment(&mut self, elements: &[&str]) {
        let Delimiters { element, segment, .. } = self.delimiters;
        let is_isa = elements[0] == "ISA";
        for (place, text) in elements.iter().enumerate() {
            if place > 0 {
                self.text.push(element);
            }
            let clean = |sign: char| if [element, segment].contains(&sign) { ' ' } else { sign };
            if is_isa { self.text.push_str(text) } else { self.text.extend(text.chars().map(clean)) }
        }
        self.text.push(segment);
        self.segments += 1;
    }

    pub(crate) fn begin_group(&mut self, code: &str, sender: &str, receiver: &str, clock: &Clock, version: &str) {
        self.groups += 1;
        self.sets = 0;
        self.group = self.next;
        self.next = control::after(self.group);
        let control = self.group.to_string();
        let date = if has_century(version) { &clock.date } else { &clock.date[2..] };
        self.segment(&["GS", code, sender, receiver, date, &clock.time, &control, "X", version]);
    }

    pub(crate) fn begin_set(&mut self, code: &str) {
        self.sets += 1;
        self.segments = 0;
        let control = format!("{:04}", self.sets);
        self.segment(&["ST", code, &control]);
    }

    pub(crate) fn end_set(&mut self) {
        let (count, control) = ((self.segments + 1).to_string(), format!("{:04}", self.sets));
        self.segment(&["SE", &count, &control]);
    }

    pub(crate) fn end_group(&mut self) {
        let (count, control) = (self.sets.to_string(), self.group.to_string());
        self.segment(&["GE", &count, &control]);
    }

    /// The interchange, and the number of the next one. Groups count on from the number of their interchange, so that a
    /// partner's 997 names one of them.
    pub(crate) fn finish(mut self) -> (String, u32) {
        let (count, control) = (self.groups.to_string(), format!("{:09}", self.control));
        self.segment(&["IEA", &count, &control]);
        let next = if self.groups == 0 { control::after(self.control) } else { self.next };
        (self.text, next)
    }
}

/// Whether dates of a version have eight digits: those of 004010 and later ones, and of what is no number of a version.
fn has_century(version: &str) -> bool {
    let number = version.get(..6).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    number.is_none_or(|number| number >= "004010")
}
