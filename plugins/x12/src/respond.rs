//! 855, a purchase order acknowledgement: whether an order is taken. Where a 997 says that a set could be used, an 855
//! says what becomes of the order in it.

use tillmesh_plugin::Failure;
use tillmesh_plugin::acknowledgement::Outcome;
use tillmesh_plugin::location::Place;
use tillmesh_plugin::orders::Orders;

use crate::acknowledge::{self, Given};
use crate::envelope::{Group, Interchange, Set};
use crate::order::{self, Purpose};
use crate::segment::Segment;
use crate::set::Reader;
use crate::write::Writer;

/// BAK02 (X12 data element 587): acknowledged line by line, without a change; rejected line by line.
const TAKEN: &str = "AD";
const REJECTED: &str = "RD";
/// ACK01 (X12 data element 668): a line is accepted; rejected; rejected because nobody knows the article.
const LINE_TAKEN: &str = "IA";
const LINE_REJECTED: &str = "IR";
const LINE_UNKNOWN: &str = "R2";

/// What becomes of an order.
pub(crate) struct Response<'a> {
    set: &'a Set<'a>,
    /// How its lines come out; the place within the set of the one of an article that nobody knows, such as `PO1[2]`.
    verdict: Verdict<'a>,
}

enum Verdict<'a> {
    Taken,
    Rejected { unknown: Option<&'a str> },
}

/// What to say of the orders of a group. Of orders in a body that is refused, only that one is rejected which is to
/// blame: the others come again once that is mended. Of orders in a body that is taken, one is rejected whose number is
/// that of an order of other goods: nobody holds it.
pub(crate) fn responses<'a>(
    interchange: &Interchange<'_>,
    group: &'a Group<'a>,
    given: &Given<'a>,
    orders: &mut Orders,
) -> Vec<Response<'a>> {
    let placed = group.sets.iter().filter(|set| is_placed(set));
    let response = |set: &'a Set<'a>| {
        let place = interchange.place_of(group, set);
        let reader = Reader { set, place: &place, context: given.context, catalogue: given.catalogue };
        Some(Response { set, verdict: verdict(&reader, given.outcome, orders)? })
    };
    placed.filter_map(response).collect()
}

/// Whether a set is an order that is to be placed, with what an 855 repeats of it.
fn is_placed(set: &Set<'_>) -> bool {
    let beginning = beginning(set).filter(|it| !it.get(3).is_empty() && !it.get(5).is_empty());
    set.code() == "850"
        && set.defects.is_empty()
        && beginning.is_some_and(|it| matches!(order::purpose(it), Purpose::Place | Purpose::Replace))
}

fn beginning<'a>(set: &'a Set<'_>) -> Option<&'a Segment<'a>> {
    set.segments.iter().find(|segment| segment.id() == "BEG")
}

fn verdict<'a>(reader: &Reader<'_>, outcome: &'a Outcome, orders: &mut Orders) -> Option<Verdict<'a>> {
    let within = |field: &'a str| acknowledge::within(field, reader.place);
    match outcome {
        Outcome::Taken if reader.location() == Place::Ignored => None,
        Outcome::Taken => {
            let reference = beginning(reader.set)?.get(3);
            // Where the catalogue has changed since, nobody can say any more what the order is of.
            let lines = order::wanted(reader).ok()?;
            let is_held = !orders.has_other(reference, &lines);
            Some(if is_held { Verdict::Taken } else { Verdict::Rejected { unknown: None } })
        }
        Outcome::Refused(Failure::UnknownSku(detail)) => {
            // The element behind the point is not told: `PO1[2].06`.
            let unknown = within(&detail.field)?.split('.').next();
            Some(Verdict::Rejected { unknown })
        }
        Outcome::Refused(Failure::Rejected(detail)) => {
            within(&detail.field).map(|_| Verdict::Rejected { unknown: None })
        }
        Outcome::Refused(_) => None,
    }
}

/// Writes the set of a response.
pub(crate) fn write(writer: &mut Writer, response: &Response<'_>) {
    let Some(beginning) = beginning(response.set) else { return };
    let kind = match response.verdict {
        Verdict::Taken => TAKEN,
        Verdict::Rejected { .. } => REJECTED,
    };
    writer.begin_set("855");
    let mut head = vec!["BAK", "00", kind, beginning.get(3), beginning.get(5)];
    // BAK05 is the number of the release, where there is one.
    head.extend(Some(beginning.get(4)).filter(|release| !release.is_empty()));
    writer.segment(&head);
    let lines = response.set.segments.iter().filter(|segment| segment.id() == "PO1").enumerate();
    let mut count = 0_usize;
    for (index, line) in lines.filter(|(_, line)| is_wanted(line)) {
        let elements: Vec<_> = ["PO1"].into_iter().chain((1..=line.len()).map(|place| line.get(place))).collect();
        writer.segment(&elements);
        let status = status(&response.verdict, &format!("PO1[{index}]"));
        let mut acknowledged = vec!["ACK", status];
        // ACK02 and ACK03 stand together or not at all.
        if !line.get(3).is_empty() {
            acknowledged.extend([line.get(2), line.get(3)]);
        }
        writer.segment(&acknowledged);
        count += 1;
    }
    writer.segment(&["CTT", &count.to_string()]);
    writer.end_set();
}

/// A line of nothing is no part of the order.
fn is_wanted(line: &Segment<'_>) -> bool {
    !line.get(2).trim_matches(['0', '.']).is_empty()
}

fn status(verdict: &Verdict<'_>, place: &str) -> &'static str {
    match verdict {
        Verdict::Taken => LINE_TAKEN,
        Verdict::Rejected { unknown } if *unknown == Some(place) => LINE_UNKNOWN,
        Verdict::Rejected { .. } => LINE_REJECTED,
    }
}
