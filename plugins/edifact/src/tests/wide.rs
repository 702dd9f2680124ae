//! Every interchange of a folder that nobody here wrote, against the truth stated beside them. Read where
//! `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the tests say so.

use serde_json::Value;
use tillmesh_plugin::testing::{Everything, collection};

use super::*;

/// The messages that this plugin passes over here, so that what it handles of the same body is seen.
const OTHERS: &str = "INVOIC PRICAT SLSRPT IFTMIN";

struct File {
    name: String,
    truth: Value,
    body: Vec<u8>,
}

fn files() -> Option<Vec<File>> {
    let folder = collection("edifact")?;
    let text = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let file = |line: &str| {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap().to_owned();
        let body = std::fs::read(format!("{folder}/{name}")).unwrap();
        File { name, truth, body }
    };
    Some(text.lines().map(file).collect())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn taken(body: &[u8]) -> Result<Vec<Command>, Failure> {
    Edifact::translate(&message(body), &context(&[("ignore", OTHERS)]), &Everything)
}

#[test]
fn every_envelope_is_read_as_the_truth_states_it() {
    let Some(files) = files() else { return };
    let (mut interchanges, mut all) = (0, 0);
    for file in &files {
        let text = segment::text(&file.body);
        let read = envelope::read(&text).unwrap();
        let stated: Vec<_> = list(&file.truth["interchanges"]).collect();
        assert_eq!(read.len(), stated.len(), "{}", file.name);
        for (read, stated) in read.iter().zip(stated) {
            let of_unb = [read.unb.get(2, 0), read.unb.get(3, 0), read.control()];
            let names = ["sender", "receiver", "control"];
            assert_eq!(of_unb, names.map(|name| stated[name].as_str().unwrap().trim()), "{}", file.name);
            let messages: Vec<_> = list(&stated["messages"]).collect();
            assert_eq!(read.messages.len(), messages.len(), "{}", file.name);
            for (message, stated) in read.messages.iter().zip(messages) {
                let found = (message.kind(), message.reference(), message.segments.len() as u64);
                let expected = (stated["type"].as_str(), stated["ref"].as_str(), stated["segments"].as_u64());
                assert_eq!((Some(found.0), Some(found.1), Some(found.2)), expected, "{}", file.name);
                all += 1;
            }
            interchanges += 1;
        }
    }
    println!("edifact: {} files, {interchanges} interchanges, {all} messages", files.len());
    assert!(all > 120, "{all}");
}

#[test]
fn every_defective_envelope_is_refused_whole_and_rejected_by_its_acknowledgement() {
    let Some(files) = files() else { return };
    let mut refused = 0;
    for file in files.iter().filter(|file| file.truth["envelope_ok"] == false) {
        let failure = taken(&file.body).expect_err(&file.name);
        assert!(matches!(failure, Failure::Malformed(_)), "{}: {failure:?}", file.name);
        let outcome = Outcome::Refused(failure);
        let answer = Edifact::acknowledge(&message(&file.body), &outcome, &context(&[])).unwrap();
        let text = String::from_utf8(answer.expect(&file.name).body).unwrap();
        let read = envelope::read(&text).unwrap();
        assert!(read.iter().all(|interchange| interchange.failure().is_none()), "{}: {text}", file.name);
        let services = read.iter().flat_map(|it| &it.messages).flat_map(|it| &it.segments);
        let services: Vec<_> = services.filter(|segment| segment.id() == "UCI").collect();
        assert!(services.iter().all(|service| service.get(4, 0) == "4"), "{}: {text}", file.name);
        refused += 1;
    }
    println!("edifact: {refused} defective files refused");
    assert!(refused >= 14, "{refused}");
}

#[test]
fn every_order_and_advice_has_the_lines_and_quantities_of_the_truth() {
    let Some(files) = files() else { return };
    let (mut orders, mut advices, mut lines, mut refused) = (0, 0, 0, 0);
    for file in files.iter().filter(|file| file.truth["envelope_ok"] == true) {
        let text = segment::text(&file.body);
        let read = envelope::read(&text).unwrap();
        let mut all = Some(Vec::new());
        for (interchange, stated) in read.iter().zip(list(&file.truth["interchanges"])) {
            for (at, (message, stated)) in interchange.messages.iter().zip(list(&stated["messages"])).enumerate() {
                // One of the files has a message twice.
                let is_new = interchange.messages[..at].iter().all(|other| other.segments != message.segments);
                match taken(alone(interchange, message).as_bytes()) {
                    Ok(commands) => {
                        match commands.as_slice() {
                            [Command::PlaceOrder(order)] => {
                                assert_order(&file.name, order, stated);
                                orders += 1;
                                lines += order.lines.len();
                            }
                            [Command::ReceiveStock(received)] => {
                                let quantity: u64 = received.lines.iter().map(|line| line.quantity).sum();
                                assert_eq!(quantity.to_string(), quantity_of(stated, &["12"]), "{}", file.name);
                                advices += 1;
                            }
                            others => assert!(others.is_empty(), "{}: {others:?}", file.name),
                        }
                        all.iter_mut().filter(|_| is_new).for_each(|all| all.extend_from_slice(&commands));
                    }
                    Err(failure) => {
                        assert!(is_fair(stated, &failure), "{}: {failure:?}", file.name);
                        refused += 1;
                        all = None;
                    }
                }
            }
        }
        assert_eq!(taken(&file.body).ok(), all, "{}: all of a body or nothing", file.name);
    }
    println!("edifact: {orders} orders with {lines} lines, {advices} despatch advices; {refused} messages refused");
    assert!(orders > 60 && advices > 10, "{orders} {advices}");
}

fn assert_order(file: &str, order: &PlaceOrder, stated: &Value) {
    assert_eq!(Some(order.reference.as_str()), stated["doc"].as_str(), "{file}");
    assert_eq!(Some(order.lines.len() as u64), stated["lines"].as_u64(), "{file}");
    let quantity: u64 = order.lines.iter().map(|line| line.quantity).sum();
    assert_eq!(quantity.to_string(), quantity_of(stated, &["21", "1"]), "{file}");
}

/// Whether a message is refused for what the truth shows too: no lines, or fractions of a unit; or for a currency that
/// is none any more.
fn is_fair(stated: &Value, failure: &Failure) -> bool {
    let fraction = matches!(failure, Failure::Rejected(detail) if detail.rule.contains("whole number"));
    let guilders = matches!(failure, Failure::Malformed(detail) if detail.value == "NLG");
    stated["lines"] == 0 || fraction || guilders
}

fn quantity_of(stated: &Value, kinds: &[&str]) -> String {
    let quantities = &stated["qty_by_qualifier"];
    kinds.iter().find_map(|kind| quantities[*kind].as_str()).unwrap().to_owned()
}

/// A message in an interchange of its own, with other separators.
fn alone(interchange: &Interchange, message: &envelope::Message) -> String {
    let (decimal, control) = (interchange.separators.decimal, interchange.control());
    let segments: String = message.segments.iter().map(rewritten).collect();
    let head = format!("UNA\u{1d}\u{1e}{decimal}\u{1c} \u{1f}{}", rewritten(&interchange.unb));
    format!("{head}{segments}UNZ\u{1e}1\u{1e}{control}\u{1f}")
}

fn rewritten(segment: &segment::Segment) -> String {
    let elements: Vec<_> = segment.elements().iter().map(|components| components.join("\u{1d}")).collect();
    format!("{}\u{1f}", elements.join("\u{1e}"))
}
