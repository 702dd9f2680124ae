//! Every interchange of a folder that nobody here wrote, against the truth stated beside them. Read where
//! `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the tests say so.

use serde_json::Value;
use tillmesh_plugin::testing::{Everything, collection};

use super::*;

/// The sets that this plugin passes over here, so that what it handles of the same body is seen.
const OTHERS: &str = "810 820 830 840 852 860 864 867 894 940 945";

struct File {
    name: String,
    truth: Value,
    body: Vec<u8>,
}

fn files() -> Option<Vec<File>> {
    let folder = collection("x12")?;
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

/// The sets of a kind that a truth names.
fn sets<'a>(truth: &'a Value, code: &'a str) -> impl Iterator<Item = &'a Value> {
    let groups = list(&truth["interchanges"]).flat_map(|interchange| list(&interchange["groups"]));
    groups.flat_map(|group| list(&group["transactions"])).filter(move |set| set["set"] == code)
}

fn taken(body: &[u8]) -> Result<Vec<Command>, Failure> {
    let settings = context(&[("ignore", OTHERS)]);
    X12::translate(&message(body), &settings, &Everything)
}

#[test]
fn every_envelope_is_read_as_the_truth_states_it() {
    let Some(files) = files() else { return };
    let (mut interchanges, mut all) = (0, 0);
    for file in files.iter().filter(|file| file.truth["isa_fixed_width_ok"] == true) {
        let text = segment::text(&file.body);
        let read = envelope::read(&text).unwrap();
        let stated: Vec<_> = list(&file.truth["interchanges"]).collect();
        assert_eq!(read.len(), stated.len(), "{}", file.name);
        for (read, stated) in read.iter().zip(stated) {
            let of_isa = [read.isa.get(6), read.isa.get(8), read.isa.get(12), read.isa.get(13), read.isa.get(15)];
            let names = ["sender", "receiver", "version", "control", "usage"];
            assert_eq!(of_isa, names.map(|name| stated[name].as_str().unwrap()), "{}", file.name);
            let groups: Vec<_> = list(&stated["groups"]).collect();
            assert_eq!(read.groups.len(), groups.len(), "{}", file.name);
            for (group, stated) in read.groups.iter().zip(groups) {
                let found = (group.gs.get(1), group.gs.get(6), group.sets.len());
                let sets: Vec<_> = list(&stated["transactions"]).collect();
                let expected = (stated["code"].as_str().unwrap(), stated["control"].as_str().unwrap(), sets.len());
                assert_eq!(found, expected, "{}", file.name);
                for (set, stated) in group.sets.iter().zip(sets) {
                    let found = (set.code(), set.control(), set.segments.len() as u64);
                    let expected = (stated["set"].as_str(), stated["control"].as_str(), stated["segments"].as_u64());
                    assert_eq!((Some(found.0), Some(found.1), Some(found.2)), expected, "{}", file.name);
                    all += 1;
                }
            }
            interchanges += 1;
        }
    }
    println!("x12: {} files, {interchanges} interchanges, {all} transaction sets", files.len());
    assert!(all > 150, "{all}");
}

#[test]
fn every_defective_envelope_is_refused_whole_and_rejected_by_its_acknowledgement() {
    let Some(files) = files() else { return };
    let mut refused = 0;
    for file in files.iter().filter(|file| file.truth["envelope_ok"] == false) {
        let failure = taken(&file.body).expect_err(&file.name);
        assert!(matches!(failure, Failure::Malformed(_)), "{}: {failure:?}", file.name);
        let outcome = Outcome::Refused(failure);
        let answer = X12::acknowledge(&message(&file.body), &outcome, &context(&[])).unwrap();
        let is_fixed = file.truth["isa_fixed_width_ok"] == true;
        // Nobody acknowledges an acknowledgement.
        let is_acknowledgement = file.name.starts_with("997/");
        assert_eq!(answer.is_some(), is_fixed && !is_acknowledgement, "{}", file.name);
        if let Some(answer) = answer {
            let text = String::from_utf8(answer.body).unwrap();
            assert!(["*R*", "|R|", "~R~"].iter().any(|code| text.contains(code)), "{}: {text}", file.name);
            let read = envelope::read(&text).unwrap();
            assert!(read.iter().all(|interchange| interchange.failure().is_none()), "{}: {text}", file.name);
        }
        refused += 1;
    }
    println!("x12: {refused} defective files refused");
    assert!(refused >= 9, "{refused}");
}

#[test]
fn every_order_has_the_lines_quantities_and_values_of_the_truth() {
    let Some(files) = files() else { return };
    let (mut orders, mut lines) = (0, 0);
    for file in files.iter().filter(|file| file.truth["envelope_ok"] == true) {
        let stated: Vec<_> = sets(&file.truth, "850").collect();
        let without_lines = stated.iter().any(|set| set["lines"] == 0);
        let changes = stated.iter().any(|set| ["02", "04"].contains(&set["refs"]["purpose"].as_str().unwrap_or("")));
        let commands = match taken(&file.body) {
            Ok(commands) => commands,
            Err(failure) => {
                assert!(without_lines || changes, "{}: {failure:?}", file.name);
                continue;
            }
        };
        assert!(!without_lines, "{}", file.name);
        let placed: Vec<_> = commands.iter().filter_map(order).collect();
        assert_eq!(placed.len(), stated.len(), "{}", file.name);
        for (order, stated) in placed.iter().zip(&stated) {
            assert_eq!(Some(order.reference.as_str()), stated["refs"]["po"].as_str(), "{}", file.name);
            let of_nothing = of_nothing(file, stated["control"].as_str().unwrap());
            assert_eq!(Some((order.lines.len() + of_nothing) as u64), stated["lines"].as_u64(), "{}", file.name);
            let quantity: u64 = order.lines.iter().map(|line| line.quantity).sum();
            assert_eq!(quantity.to_string(), number(&stated["qty"]), "{}", file.name);
            if let Some(extended) = stated["ext"].as_str() {
                assert_eq!(total(order), billionths(extended), "{}", file.name);
            }
            orders += 1;
            lines += order.lines.len();
        }
        assert_same_in_other_delimiters(file, &commands);
    }
    println!("x12: {orders} orders with {lines} lines");
    assert!(orders > 45, "{orders}");
}

#[test]
fn every_ship_notice_has_the_quantities_of_the_truth() {
    let Some(files) = files() else { return };
    let mut notices = 0;
    for file in files.iter().filter(|file| file.truth["envelope_ok"] == true) {
        let stated: Vec<_> = sets(&file.truth, "856").collect();
        if stated.is_empty() {
            continue;
        }
        let commands = taken(&file.body).unwrap_or_else(|failure| panic!("{}: {failure:?}", file.name));
        let received = commands.iter().filter_map(|command| match command {
            Command::ReceiveStock(received) => Some(received),
            _ => None,
        });
        for (received, stated) in received.zip(&stated) {
            let quantity: u64 = received.lines.iter().map(|line| line.quantity).sum();
            assert_eq!(quantity.to_string(), number(&stated["qty"]), "{}", file.name);
            notices += 1;
        }
    }
    println!("x12: {notices} ship notices");
    assert!(notices >= 10, "{notices}");
}

#[test]
fn what_speaks_dex_is_no_interchange_and_is_refused() {
    let Some(folder) = collection("dex894") else { return };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut refused = 0;
    for path in entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("dex.")) {
        let body = std::fs::read(&path).unwrap();
        let failure = taken(&body).expect_err(&path.display().to_string());
        assert!(matches!(&failure, Failure::Malformed(detail) if detail.field == "ISA"), "{failure:?}");
        let answer = X12::acknowledge(&message(&body), &Outcome::Refused(failure), &context(&[])).unwrap();
        assert!(answer.is_none(), "{}", path.display());
        refused += 1;
    }
    println!("x12: {refused} files of DEX refused");
    assert!(refused >= 7, "{refused}");
}

/// How many lines of a set say that nothing is wanted.
fn of_nothing(file: &File, control: &str) -> usize {
    let text = segment::text(&file.body);
    let read = envelope::read(&text).unwrap();
    let sets = read.iter().flat_map(|interchange| &interchange.groups).flat_map(|group| &group.sets);
    let mut of_set = sets.filter(|set| set.code() == "850" && set.control() == control);
    let lines = of_set.next().unwrap().segments.iter().filter(|segment| segment.id() == "PO1");
    lines.filter(|line| line.get(2).trim_matches(['0', '.']).is_empty()).count()
}

fn order(command: &Command) -> Option<&PlaceOrder> {
    if let Command::PlaceOrder(order) = command { Some(order) } else { None }
}

/// A stated whole number without zeros behind its point.
fn number(value: &Value) -> String {
    let text = value.as_str().unwrap();
    text.split_once('.').map_or(text, |(whole, _)| whole).to_owned()
}

fn total(order: &PlaceOrder) -> i128 {
    let value = |line: &tillmesh_plugin::Line| {
        let price = line
            .unit_price
            .as_ref()
            .map_or(0, |price| i128::from(price.amount) * 10_i128.pow(9 - u32::from(price.scale.unwrap())));
        price * i128::from(line.quantity)
    };
    order.lines.iter().map(value).sum()
}

fn billionths(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<9}").parse().unwrap()
}

/// The same interchanges, each with delimiters of its own, mean the same.
fn assert_same_in_other_delimiters(file: &File, commands: &[Command]) {
    let text = segment::text(&file.body);
    let mut other = String::new();
    for interchange in envelope::read(&text).unwrap() {
        other.push_str(&rewritten(&interchange.isa));
        for group in &interchange.groups {
            other.push_str(&rewritten(&group.gs));
            other.extend(group.sets.iter().flat_map(|set| &set.segments).map(rewritten));
            other.push_str(&format!("GE\u{1d}{}\u{1d}{}\u{1c}", group.sets.len(), group.gs.get(6)));
        }
        let (groups, control) = (interchange.groups.len(), interchange.isa.get(13));
        other.push_str(&format!("IEA\u{1d}{groups}\u{1d}{control}\u{1c}"));
    }
    assert_eq!(taken(other.as_bytes()).as_deref(), Ok(commands), "{}", file.name);
}

fn rewritten(segment: &segment::Segment<'_>) -> String {
    let elements = (1..=segment.len()).map(|place| segment.raw(place));
    let parts: Vec<_> = [segment.id()].into_iter().chain(elements).collect();
    format!("{}\u{1c}", parts.join("\u{1d}"))
}
