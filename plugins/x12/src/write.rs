//! Writes interchanges: envelopes with counts and control numbers that fit.

use tillmesh_plugin::dates;

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
    /// ISA13, and GS06 of its first group.
    pub control: u32,
    /// ISA15: P for production, T for test.
    pub usage: String,
}

/// An interchange that is being written.
pub(crate) struct Writer {
    text: String,
    delimiters: Delimiters,
    control: u32,
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
        let delimiters = address.delimiters;
        let mut writer =
            Self { text: String::new(), delimiters, control: address.control, groups: 0, sets: 0, segments: 0 };
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
            &format!("{:09}", address.control),
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

    /// Writes a segment. What would be read as a delimiter becomes a blank.
    pub(crate) fn segment(&mut self, elements: &[&str]) {
        let Delimiters { element, segment, component } = self.delimiters;
        let is_isa = elements[0] == "ISA";
        for (place, text) in elements.iter().enumerate() {
            if place > 0 {
                self.text.push(element);
            }
            let clean = |sign: char| if [element, segment, component].contains(&sign) { ' ' } else { sign };
            if is_isa { self.text.push_str(text) } else { self.text.extend(text.chars().map(clean)) }
        }
        self.text.push(segment);
        self.segments += 1;
    }

    pub(crate) fn begin_group(&mut self, code: &str, sender: &str, receiver: &str, clock: &Clock, version: &str) {
        self.groups += 1;
        self.sets = 0;
        let control = self.group_control();
        self.segment(&["GS", code, sender, receiver, &clock.date, &clock.time, &control, "X", version]);
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
        let (count, control) = (self.sets.to_string(), self.group_control());
        self.segment(&["GE", &count, &control]);
    }

    /// The number of the group: that of the interchange, and of further ones what follows, so that a partner's 997
    /// names it.
    fn group_control(&self) -> String {
        if self.groups <= 1 { self.control.to_string() } else { format!("{}{:02}", self.control, self.groups) }
    }

    /// The interchange.
    pub(crate) fn finish(mut self) -> String {
        let (count, control) = (self.groups.to_string(), format!("{:09}", self.control));
        self.segment(&["IEA", &count, &control]);
        self.text
    }
}
