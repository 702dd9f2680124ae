//! What an interchange is answered: a syntax and service report (CONTRL, D.3).

use tillmesh_plugin::acknowledgement::Outcome;
use tillmesh_plugin::{Failure, control};

use crate::envelope::{Defect, Interchange, Message};
use crate::write::Writer;

/// 0083: this level and all below it are rejected.
const REJECTED: &str = "4";
/// 0083: this level is acknowledged.
const ACKNOWLEDGED: &str = "7";
/// 0085: there is no agreement to send such a message.
const NOT_SUPPORTED: &str = "17";
/// 0085: something is wrong with a value.
const INVALID: &str = "12";

/// The answer to all interchanges of a body, numbered from `next` on, and the next number; empty where there is
/// nothing to answer.
pub(crate) fn answer(
    interchanges: &[Interchange<'_>],
    outcome: &Outcome,
    received_at: i64,
    mut next: u32,
) -> (String, u32) {
    let mut text = String::new();
    for interchange in interchanges.iter().filter(|interchange| interchange.wants_answer()) {
        text.push_str(&of_interchange(interchange, outcome, received_at, next));
        next = control::after(next);
    }
    (text, next)
}

fn of_interchange(interchange: &Interchange<'_>, outcome: &Outcome, received_at: i64, control: u32) -> String {
    let unb = &interchange.unb;
    let mut writer = Writer::answering(interchange, received_at, control);
    writer.begin_message("CONTRL", "D", "3");
    let action = action(outcome);
    let mut service = vec![one(interchange.control()), unb.element(2), unb.element(3), one(action)];
    service.extend(interchange.defects.first().into_iter().flat_map(Defect::report));
    writer.segment("UCI", &service);
    of_messages(&mut writer, interchange, None, outcome);
    for (place, group) in interchange.groups.iter().enumerate() {
        let parties = [group.ung.element(2), group.ung.element(3)];
        let mut report = vec![one(group.reference())];
        report.extend(parties);
        report.push(one(action));
        report.extend(group.defects.first().into_iter().flat_map(Defect::report));
        writer.segment("UCF", &report);
        of_messages(&mut writer, interchange, Some(place), outcome);
    }
    writer.end_message();
    writer.finish()
}

/// Reports the messages of a group, or those that are in none.
fn of_messages(writer: &mut Writer, interchange: &Interchange<'_>, group: Option<usize>, outcome: &Outcome) {
    let messages = interchange.messages.iter().filter(|message| message.group == group && message.kind() != "CONTRL");
    for message in messages {
        let header = message.segments.first().map_or_else(Vec::new, |header| header.element(2));
        let mut report = vec![one(message.reference()), header, one(action(outcome))];
        report.extend(errors(message, &interchange.place_of(message), outcome));
        writer.segment("UCM", &report);
    }
}

/// What is wrong with a message; nothing with one that is refused because another one is.
fn errors(message: &Message<'_>, place: &str, outcome: &Outcome) -> Vec<Vec<String>> {
    if let Some(defect) = message.defects.first() {
        return defect.report();
    }
    let names_it = |field: &str| field.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    let code = match outcome {
        Outcome::Refused(Failure::Unsupported(detail)) => names_it(&detail.field).then_some(NOT_SUPPORTED),
        Outcome::Refused(Failure::Malformed(detail) | Failure::UnknownSku(detail) | Failure::Rejected(detail)) => {
            names_it(&detail.field).then_some(INVALID)
        }
        _ => None,
    };
    code.map(one).into_iter().collect()
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

const fn action(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Taken => ACKNOWLEDGED,
        Outcome::Refused(_) => REJECTED,
    }
}
