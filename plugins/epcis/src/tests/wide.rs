//! Every document of two folders that nobody here wrote, against the truth stated beside them. Read where
//! `TILLMESH_FIXTURES` names the folder; without it nothing is compared, and the tests say so.

use tillmesh_plugin::testing::collection;

use super::*;

struct File {
    name: String,
    truth: Value,
    body: String,
}

/// The JSON documents of a family.
fn files(family: &str) -> Option<Vec<File>> {
    let folder = collection(family)?;
    let text = std::fs::read_to_string(format!("{folder}/TRUTH.jsonl")).unwrap();
    let file = |line: &str| {
        let truth: Value = serde_json::from_str(line).unwrap();
        let name = truth["file"].as_str().unwrap().to_owned();
        let body = std::fs::read_to_string(format!("{folder}/{name}")).unwrap();
        File { name, truth, body }
    };
    Some(text.lines().map(file).filter(|file| !file.name.ends_with(".xml")).collect())
}

/// Knows every article by its GTIN, and everything else by its URI.
struct Everything;

impl Catalogue for Everything {
    fn by_gtin(&self, gtin: &str) -> Option<Product> {
        Some(product(gtin))
    }

    fn by_reference(&self, reference: &str) -> Option<Product> {
        Some(product(&reference.chars().take(64).collect::<String>()))
    }
}

fn hashes(body: &str) -> Vec<String> {
    let json = document::json(body.as_bytes()).unwrap();
    let events = document::events(&json).unwrap().into_iter();
    events.map(|found| event::Event::read(found).unwrap().hash()).collect()
}

/// What is taken of a body where every place is this one and a kilogram is 1,000 g.
fn taken(body: &str) -> Result<Vec<Command>, Failure> {
    let json: Value = serde_json::from_str(body).unwrap();
    let mut places = Vec::new();
    collect_places(&json, &mut places);
    let mut settings: Vec<_> = places.iter().map(|id| (format!("location.{id}"), "here".to_owned())).collect();
    settings.push(("unit.KGM".to_owned(), "1000".to_owned()));
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    translate::commands(body.as_bytes(), &context(&settings), &Everything, &mut State::new())
}

fn collect_places(json: &Value, places: &mut Vec<String>) {
    match json {
        Value::Array(elements) => elements.iter().for_each(|element| collect_places(element, places)),
        Value::Object(fields) => {
            for key in ["readPoint", "bizLocation"] {
                places.extend(fields.get(key).and_then(|place| place["id"].as_str()).map(str::to_owned));
            }
            fields.values().for_each(|value| collect_places(value, places));
        }
        _ => {}
    }
}

#[test]
fn every_event_has_the_hash_that_is_published_for_it() {
    let Some(files) = files("epcis_hash") else { return };
    let mut compared = 0;
    for file in &files {
        let published: Vec<_> =
            file.truth["hashes"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert_eq!(hashes(&file.body), published, "{}", file.name);
        compared += published.len();
    }
    println!("epcis: {} documents with {compared} published hashes", files.len());
    assert!(compared >= 32, "{compared}");
}

#[test]
fn events_that_are_one_in_several_forms_have_one_hash() {
    let Some(folder) = collection("epcis_hash/expected_equal") else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let hashes = hashes(&std::fs::read_to_string(&path).unwrap());
            assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{path:?}: {hashes:?}");
            compared += hashes.len();
        }
    }
    println!("epcis: {compared} forms of events that are equal");
    assert!(compared >= 2, "{compared}");
}

/// The truth was made of many files in one run of a program that keeps the prefixes of one for the next: these use a
/// prefix that they do not declare, and this is what it meant then.
const PREFIXES_OF_OTHERS: [(&str, &str); 4] = [
    ("AssociationEvent_all_possible_fields.json", "http://ns.example.com/epcis/"),
    ("TransactionEvent_all_possible_fields.json", "https://ns.example.com/epcis"),
    ("JumbledFieldsOrder.json", "http://ns.example.com/epcis/"),
    ("ObjectEventWithAllPossibleFields.json", "http://ns.example.com/epcis/"),
];

/// Here events have contexts of their own, which the truth takes for fields. Only the third has none.
const CONTEXTS_OF_EVENTS: &str = "Namespaces_at_different_level.json";

#[test]
fn every_event_has_the_hash_that_the_reference_of_the_standard_gives_it() {
    let Some(files) = files("epcis") else { return };
    let (mut compared, mut without) = (0, 0);
    for file in files.iter().filter(|file| file.truth["kind"] == "valid") {
        let Some(truth) = file.truth["hashes"].as_array() else {
            without += 1;
            continue;
        };
        let mut body: Value = serde_json::from_str(&file.body).unwrap();
        if let Some((_, namespace)) = PREFIXES_OF_OTHERS.iter().find(|(name, _)| file.name.ends_with(name)) {
            body["@context"].as_array_mut().unwrap().push(json!({ "example": namespace }));
        }
        let hashes = hashes(&body.to_string());
        assert_eq!(hashes.len(), truth.len(), "{}", file.name);
        for (number, (hash, truth)) in hashes.iter().zip(truth).enumerate() {
            if file.name.ends_with(CONTEXTS_OF_EVENTS) && number != 2 {
                assert_ne!(Some(hash.as_str()), truth.as_str(), "{}", file.name);
                continue;
            }
            assert_eq!(Some(hash.as_str()), truth.as_str(), "{} {number}", file.name);
            compared += 1;
        }
    }
    println!("epcis: {compared} hashes of the reference; it has none for {without} files");
    assert!(compared >= 46, "{compared}");
}

/// What the reference makes of the XML form of these events, where contexts are namespaces; it has the standard's `gs1`
/// declared there.
#[test]
fn a_context_of_an_event_holds_in_it_as_namespaces_do_in_xml() {
    const OF_XML: [&str; 5] = [
        "3ccebd81aba12aa0282ee801520154d5c3084b68ced4a897cc09be07045d092b",
        "a008846f5ac770a14311c3f701ac076763cfa97998ec27bb90a321406001cde4",
        "5130c7e3d6345cf64d82f7064ac8f9e60a7c7ae988f68e331a014e513f277798",
        "26b30b9222ef1691ae7163763c1fbf0499e1a23620c0e4dda1975cc5d3528df4",
        "5509cf1340b08ed2a275a20dd92329a00e7f4cd98078b0459a46bdec5fed3476",
    ];
    let Some(files) = files("epcis") else { return };
    let file = files.iter().find(|file| file.name.ends_with(CONTEXTS_OF_EVENTS)).unwrap();
    let mut body: Value = serde_json::from_str(&file.body).unwrap();
    body["@context"].as_array_mut().unwrap().push(json!({ "gs1": "https://gs1.org/voc/" }));
    for (hash, expected) in hashes(&body.to_string()).iter().zip(OF_XML) {
        assert!(hash.contains(&format!(";{expected}")), "{hash}");
    }
}

#[test]
fn every_invalid_document_is_refused_and_gives_no_command() {
    let Some(files) = files("epcis") else { return };
    let (mut refused, mut beyond) = (0, 0);
    for file in files.iter().filter(|file| file.truth["kind"] == "invalid") {
        let failure = taken(&file.body).expect_err(&file.name);
        // One is a query with wrong values, and of queries none is answered.
        let is_query = file.truth["events"].is_null();
        assert!(is_query || matches!(failure, Failure::Malformed(_)), "{}: {failure:?}", file.name);
        refused += 1;
        beyond += u32::from(file.truth["gs1_schema_ok"] == true);
    }
    println!("epcis: {refused} invalid documents refused, {beyond} of them sound to the standard's JSON Schema");
    assert!(refused >= 12 && beyond >= 3, "{refused} {beyond}");
}

#[test]
fn every_valid_document_is_read_with_its_events_and_moves_what_they_say() {
    let Some(files) = files("epcis") else { return };
    let (mut events, mut commands, mut fractions) = (0, BTreeMap::<String, u32>::new(), 0);
    for file in files.iter().filter(|file| file.truth["kind"] == "valid") {
        if file.truth["events"].is_null() {
            assert!(matches!(taken(&file.body), Err(Failure::Unsupported(_))), "{}", file.name);
            continue;
        }
        let json = document::json(file.body.as_bytes()).unwrap();
        let found = document::events(&json).unwrap();
        assert_eq!(Some(found.len() as u64), file.truth["events"].as_u64(), "{}", file.name);
        for found in found {
            let event = event::Event::read(found).unwrap();
            assert!(event.reference().len() <= 120 && !event.reference().is_empty(), "{}", file.name);
            events += 1;
        }
        match taken(&file.body) {
            Ok(taken) => taken.iter().for_each(|command| {
                let kind = brief(command).split(' ').next().unwrap_or_default().to_owned();
                *commands.entry(kind).or_default() += 1;
            }),
            // Goods that are fractions of a unit.
            Err(Failure::Rejected(detail)) if detail.rule.contains("whole number") => fractions += 1,
            Err(failure) => panic!("{}: {failure:?}", file.name),
        }
    }
    println!("epcis: {events} valid events; commands {commands:?}; {fractions} documents with fractions of a unit");
    assert!(events >= 60, "{events}");
}
