//! What an interchange is answered: a syntax and service report (CONTRL, D.3).

use tillmesh_plugin::Failure;
use tillmesh_plugin::acknowledgement::Outcome;

use crate::envelope::{Interchange, Message};
use crate::write::Writer;

/// 0083: this level and all below it are rejected.
const REJECTED: &str = "4";
/// 0083: this level is acknowledged.
const ACKNOWLEDGED: &str = "7";
/// 0085: there is no agreement to send such a message.
const NOT_SUPPORTED: &str = "17";
/// 0085: something is wrong with a value.
const INVALID: &str = "12";

/// The answer to all interchanges of a body, numbered from `control` on, and the next number; empty where there is
/// nothing to answer.
pub(crate) fn answer(
    interchanges: &[Interchange],
    outcome: &Outcome,
    received_at: i64,
    mut control: u32,
) -> (String, u32) {
    let mut text = String::new();
    for interchange in interchanges.iter().filter(|interchange| interchange.wants_answer()) {
        text.push_str(&of_interchange(interchange, outcome, received_at, control));
        control += 1;
    }
    (text, control)
}

fn of_interchange(interchange: &Interchange, outcome: &Outcome, received_at: i64, control: u32) -> String {
    let unb = &interchange.unb;
    let mut writer = Writer::answering(interchange, received_at, control);
    writer.begin_message("CONTRL", "D", "3");
    let action = if is_taken(outcome) { ACKNOWLEDGED } else { REJECTED };
    let mut service = vec![one(interchange.control()), unb.element(2).to_vec(), unb.element(3).to_vec(), one(action)];
    service.extend(interchange.defects.first().map(|defect| one(defect.code)));
    writer.segment("UCI", &service);
    for message in interchange.messages.iter().filter(|message| message.kind() != "CONTRL") {
        let header = message.segments.first().map_or(&[][..], |header| header.element(2));
        let mut report = vec![one(message.reference()), header.to_vec(), one(action)];
        report.extend(code(message, &interchange.place_of(message), outcome).map(one));
        writer.segment("UCM", &report);
    }
    writer.end_message();
    writer.finish()
}

/// What is wrong with a message; nothing with one that is refused because another one is.
fn code(message: &Message, place: &str, outcome: &Outcome) -> Option<&'static str> {
    if let Some(defect) = message.defects.first() {
        return Some(defect.code);
    }
    let names_it = |field: &str| field.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    match outcome {
        Outcome::Refused(Failure::Unsupported(detail)) => names_it(&detail.field).then_some(NOT_SUPPORTED),
        Outcome::Refused(Failure::Malformed(detail) | Failure::UnknownSku(detail) | Failure::Rejected(detail)) => {
            names_it(&detail.field).then_some(INVALID)
        }
        _ => None,
    }
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

const fn is_taken(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Taken)
}
