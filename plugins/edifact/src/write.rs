//! Writes interchanges: envelopes with counts and references that fit.

use tillmesh_plugin::dates;

use crate::envelope::Interchange;
use crate::segment::{DEFAULT, Separators};

/// An interchange that is being written.
pub(crate) struct Writer {
    text: String,
    separators: Separators,
    control: String,
    messages: usize,
    segments: usize,
}

impl Writer {
    /// Begins an interchange: the syntax's identifier and version, who sends, who receives, and its reference.
    pub(crate) fn begin(
        separators: Separators,
        syntax: &[String],
        parties: [&[String]; 2],
        control: &str,
        at: i64,
    ) -> Self {
        let mut writer =
            Self { text: String::new(), separators, control: control.to_owned(), messages: 0, segments: 0 };
        if separators != DEFAULT {
            let Separators { component, element, decimal, release, segment } = separators;
            let release = release.unwrap_or(' ');
            writer.text.push_str("UNA");
            writer.text.extend([component, element, decimal, release, ' ', segment]);
        }
        let (date, time) = dates::digits(at);
        // Six digits of a date up to version 3 of the syntax, eight from version 4.
        let is_short = syntax.get(1).is_none_or(|version| version.as_str() < "4");
        let date = if is_short { date[2..].to_owned() } else { date };
        let [sender, receiver] = parties.map(<[String]>::to_vec);
        writer.segment("UNB", &[syntax.to_vec(), sender, receiver, vec![date, time], vec![control.to_owned()]]);
        writer
    }

    /// An interchange that answers one, with its separators, the other way round.
    pub(crate) fn answering(interchange: &Interchange<'_>, at: i64, control: u32) -> Self {
        let unb = &interchange.unb;
        let parties = [unb.element(3), unb.element(2)];
        let [sender, receiver] = &parties;
        Self::begin(interchange.separators, &unb.element(1), [sender, receiver], &control.to_string(), at)
    }

    /// Writes a segment. What would be read as a separator is released, or becomes a blank where nothing releases.
    pub(crate) fn segment(&mut self, id: &str, elements: &[Vec<String>]) {
        let Separators { component, element, release, segment, .. } = self.separators;
        self.text.push_str(id);
        for components in elements {
            self.text.push(element);
            for (place, text) in components.iter().enumerate() {
                if place > 0 {
                    self.text.push(component);
                }
                for sign in text.chars() {
                    let is_special = [component, element, segment].contains(&sign) || Some(sign) == release;
                    match release {
                        Some(release) if is_special => self.text.extend([release, sign]),
                        _ => self.text.push(if is_special { ' ' } else { sign }),
                    }
                }
            }
        }
        self.text.push(segment);
        self.segments += 1;
    }

    pub(crate) fn begin_message(&mut self, kind: &str, version: &str, release: &str) {
        self.messages += 1;
        self.segments = 0;
        let header = [kind, version, release, "UN"].map(str::to_owned).to_vec();
        self.segment("UNH", &[vec![self.messages.to_string()], header]);
    }

    pub(crate) fn end_message(&mut self) {
        let count = self.segments + 1;
        self.segment("UNT", &[vec![count.to_string()], vec![self.messages.to_string()]]);
    }

    /// The interchange.
    pub(crate) fn finish(mut self) -> String {
        let trailer = [vec![self.messages.to_string()], vec![self.control.clone()]];
        self.segment("UNZ", &trailer);
        self.text
    }
}
