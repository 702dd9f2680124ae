//! What an interchange is answered: a syntax and service report (CONTRL, D.3).

use tillmesh_plugin::Failure;
use tillmesh_plugin::acknowledgement::Outcome;

use crate::envelope::{Interchange, Message};
use crate::write::Writer;

/// 0083: this level and all below it are rejected.
const REJECTED: &str = "4";
/// 0083: this level is acknowledged.
const ACKNOWLEDGED: &str = "7";
/// 0085: a message or value is not supported here.
const NOT_SUPPORTED: &str = "25";
/// 0085: something is wrong with a value.
const INVALID: &str = "12";

/// The answer to all interchanges of a body; empty where there is nothing to answer.
pub(crate) fn answer(interchanges: &[Interchange], outcome: &Outcome, received_at: i64) -> String {
    let answered = interchanges.iter().filter(|interchange| !interchange.is_acknowledgement());
    answered.map(|interchange| of_interchange(interchange, outcome, received_at)).collect()
}

fn of_interchange(interchange: &Interchange, outcome: &Outcome, received_at: i64) -> String {
    let unb = &interchange.unb;
    let mut writer = Writer::answering(interchange, received_at);
    writer.begin_message("CONTRL", "D", "3");
    let action = if is_taken(outcome) { ACKNOWLEDGED } else { REJECTED };
    let mut service = vec![one(interchange.control()), unb.element(2).to_vec(), unb.element(3).to_vec(), one(action)];
    service.extend(interchange.defects.first().map(|defect| one(defect.code)));
    writer.segment("UCI", &service);
    for message in interchange.messages.iter().filter(|message| message.kind() != "CONTRL") {
        let header = message.segments.first().map_or(&[][..], |header| header.element(2));
        let mut report = vec![one(message.reference()), header.to_vec(), one(action)];
        report.extend(code(message, outcome).map(one));
        writer.segment("UCM", &report);
    }
    writer.end_message();
    writer.finish()
}

/// What is wrong with a message; nothing with one that is refused because another one is.
fn code(message: &Message, outcome: &Outcome) -> Option<&'static str> {
    if let Some(defect) = message.defects.first() {
        return Some(defect.code);
    }
    let names_it = |field: &str| {
        let rest = field.strip_prefix("UNH ").and_then(|rest| rest.strip_prefix(message.reference()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
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
