//! What an interchange is answered: a functional acknowledgement (997) for its groups, an interchange acknowledgement
//! (TA1) where ISA and IEA do not fit or one is asked for, and a purchase order acknowledgement (855) for its orders
//! where the partner takes one.

use tillmesh_plugin::acknowledgement::Outcome;
use tillmesh_plugin::orders::Orders;
use tillmesh_plugin::{Catalogue, Context, Failure};

use crate::envelope::{Group, Interchange, Set};
use crate::respond;
use crate::set::takes;
use crate::write::{Clock, Writer};

/// AK502 of a set in which something is wrong behind the envelope.
const IN_ERROR: &str = "5";
/// AK502 of a set that is not handled here.
const NOT_SUPPORTED: &str = "1";

/// TA105 of an interchange whose ISA and IEA fit.
const NO_ERROR: &str = "000";

/// What an answer depends on beside the message.
pub(crate) struct Given<'a> {
    pub outcome: &'a Outcome,
    pub context: &'a Context,
    pub catalogue: &'a dyn Catalogue,
    /// When the message came.
    pub clock: Clock,
}

/// The answer to all interchanges of a body, numbered from `control` on, and the next number; empty where there is
/// nothing to answer.
pub(crate) fn answer(
    interchanges: &[Interchange<'_>],
    given: &Given<'_>,
    orders: &mut Orders,
    mut control: u32,
) -> (String, u32) {
    let mut text = String::new();
    for interchange in interchanges.iter().filter(|interchange| interchange.wants_answer()) {
        let (answer, next) = of_interchange(interchange, given, orders, control);
        text.push_str(&answer);
        control = next;
    }
    (text, control)
}

fn of_interchange(
    interchange: &Interchange<'_>,
    given: &Given<'_>,
    orders: &mut Orders,
    control: u32,
) -> (String, u32) {
    let (isa, clock) = (&interchange.isa, &given.clock);
    let mut writer = Writer::answering(interchange, clock, control);
    let mut acknowledge = |status, code| writer.segment(&["TA1", isa.get(13), isa.get(9), isa.get(10), status, code]);
    match interchange.defects.first() {
        Some(defect) => acknowledge("R", defect.code),
        None if interchange.wants_acknowledgement() => acknowledge("A", NO_ERROR),
        None => {}
    }
    let groups: Vec<_> = interchange.groups.iter().filter(|group| group.gs.get(1) != "FA").collect();
    for group in &groups {
        begin(&mut writer, "FA", group, clock);
        writer.begin_set("997");
        of_group(&mut writer, interchange, group, given.outcome);
        writer.end_set();
        writer.end_group();
    }
    for group in groups.iter().filter(|_| takes(given.context, "855")) {
        let responses = respond::responses(interchange, group, given, orders);
        if responses.is_empty() {
            continue;
        }
        begin(&mut writer, "PR", group, clock);
        responses.iter().for_each(|response| respond::write(&mut writer, response));
        writer.end_group();
    }
    writer.finish()
}

/// Begins a group that answers one.
fn begin(writer: &mut Writer, code: &str, group: &Group<'_>, clock: &Clock) {
    let gs = &group.gs;
    writer.begin_group(code, gs.get(3), gs.get(2), clock, gs.get(8));
}

fn of_group(writer: &mut Writer, interchange: &Interchange<'_>, group: &Group<'_>, outcome: &Outcome) {
    writer.segment(&["AK1", group.gs.get(1), group.gs.get(6)]);
    for set in &group.sets {
        writer.segment(&["AK2", set.code(), set.control()]);
        let codes = codes(set, &interchange.place_of(group, set), outcome);
        let mut segment = vec!["AK5", if is_taken(outcome) { "A" } else { "R" }];
        segment.extend(codes);
        writer.segment(&segment);
    }
    let received = group.sets.len();
    let stated = group.stated.unwrap_or(received).to_string();
    let accepted = if is_taken(outcome) { received } else { 0 }.to_string();
    let received = received.to_string();
    let mut segment = vec!["AK9", if is_taken(outcome) { "A" } else { "R" }, &stated, &received, &accepted];
    segment.extend(group.defects.iter().map(|defect| defect.code).take(MAX_CODES));
    writer.segment(&segment);
}

/// How many codes AK5 and AK9 have room for.
const MAX_CODES: usize = 5;

/// What is wrong with a set; nothing with one that is refused because another one is.
fn codes(set: &Set<'_>, place: &str, outcome: &Outcome) -> Vec<&'static str> {
    if !set.defects.is_empty() {
        return set.defects.iter().map(|defect| defect.code).take(MAX_CODES).collect();
    }
    let names_it = |field: &str| within(field, place).is_some();
    match outcome {
        Outcome::Refused(Failure::Unsupported(detail)) if names_it(&detail.field) => vec![NOT_SUPPORTED],
        Outcome::Refused(Failure::Malformed(detail) | Failure::UnknownSku(detail) | Failure::Rejected(detail))
            if names_it(&detail.field) =>
        {
            vec![IN_ERROR]
        }
        _ => Vec::new(),
    }
}

/// What a field names within a place; none, where it is elsewhere.
pub(crate) fn within<'a>(field: &'a str, place: &str) -> Option<&'a str> {
    let rest = field.strip_prefix(place)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

const fn is_taken(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Taken)
}
