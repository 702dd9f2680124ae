//! Every vector of GS1's syntax engine and of its syntax tests: verdict and output. Read where `TILLMESH_FIXTURES`
//! names their folder; without it nothing is compared, and the tests say so.

use std::collections::BTreeMap;

use serde_json::Value;
use tillmesh_plugin::testing::{self, collection};

use crate::gs1::lint::{Breach, Finding, Lint, NoRegister, Register, Registered};
use crate::gs1::symbology::Symbology;
use crate::gs1::{Elements, Options, Refusal, Rule, link, rules, scan};

const GCP_OFFLINE: &str = "GCP_DATASOURCE_OFFLINE";
/// The reference implementation reads these with words for identifiers, and this with unknown attributes: options of
/// its tests that the vectors do not state.
const WITH_WORDS: [u64; 3] = [1_440, 1_441, 1_442];
const WITH_UNKNOWN_ATTRIBUTES: u64 = 1_769;

fn vectors(name: &str) -> Option<Vec<Value>> {
    let path = format!("{}/{name}", collection("gs1")?);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_default()
}

/// A register that has every company prefix but the one that a vector blames.
struct Blaming<'a> {
    value: &'a str,
    begin: usize,
    says: Registered,
}

impl Register for Blaming<'_> {
    fn has(&self, digits: &str) -> Registered {
        let at = digits.as_ptr() as usize - self.value.as_ptr() as usize;
        if at == self.begin { self.says } else { Registered::Yes }
    }
}

fn marked(value: &str, finding: &Finding) -> String {
    let (before, rest) = value.split_at(finding.at.start);
    let (at, behind) = rest.split_at(finding.at.end - finding.at.start);
    format!("{before}*{at}*{behind}")
}

#[test]
fn every_value_passes_or_fails_its_test_as_for_the_reference_implementation() {
    let Some(vectors) = vectors("gs1_linter_vectors.jsonl") else { return };
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in &vectors {
        let (name, value) = (text(vector, "linter"), text(vector, "value"));
        let says = match text(vector, "error") {
            GCP_OFFLINE => Registered::Unknown,
            "INVALID_GCP_PREFIX" => Registered::No,
            _ => Registered::Yes,
        };
        let begin = text(vector, "highlight").find('*').unwrap_or_default();
        let found = Lint::named(name).unwrap().check(value, &Blaming { value, begin, says });
        let found = found.err().map(|finding| (finding.breach.code(), marked(value, &finding)));
        let expected = (vector["valid"] == false)
            .then(|| (text(vector, "error").to_owned(), text(vector, "highlight").to_owned()));
        assert_eq!(found, expected, "{vector}");
        *compared.entry(name).or_default() += 1;
    }
    let count: usize = compared.values().sum();
    eprintln!("{count} values of {} tests compared", compared.len());
    assert_eq!((count, compared.len()), (3_803, 45));
}

#[test]
fn every_string_link_and_scan_comes_to_what_it_does_for_the_reference_implementation() {
    let Some(vectors) = vectors("gs1_syntax_engine_vectors.jsonl") else { return };
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for vector in &vectors {
        let test = text(vector, "test");
        let line = vector["line"].as_u64().unwrap();
        let flag = |key: &str| vector[key] == true;
        let options = Options {
            unknown_ais: flag("permit_unknown_ais"),
            unknown_attributes: flag("permit_unknown_ais")
                && (test == "digital_link_generate" || line == WITH_UNKNOWN_ATTRIBUTES),
            short_gtins: flag("permit_zero_suppressed_gtin"),
            words: WITH_WORDS.contains(&line),
            ..Options::default()
        };
        let (found, key) = outcome(test, vector, &options);
        assert_eq!(found.is_ok(), flag("valid"), "{vector}: {found:?}");
        if let (Ok(output), Some(expected)) = (&found, vector[key].as_str()) {
            assert_eq!(output, expected, "{vector}");
        }
        *compared.entry(test).or_default() += 1;
    }
    eprintln!("compared: {compared:?}");
    assert_eq!(compared.values().sum::<usize>(), 286);
}

/// What a vector comes to, and under which key it says what it must come to.
fn outcome(test: &str, vector: &Value, options: &Options<'_>) -> (Result<String, Refusal>, &'static str) {
    let fnc1 = |elements: Result<Elements<'_>, Refusal>| elements.map(|elements| elements.to_unbracketed());
    let input = text(vector, "input");
    match test {
        "bracketed_ai" => (fnc1(Elements::bracketed(input, options)), "expect_fnc1"),
        "fnc1_string" => (fnc1(Elements::unbracketed(input, '^', options)), "expect_fnc1"),
        "ai_rules" => (rule(text(vector, "rule"), input, options), "expect_fnc1"),
        "digital_link_parse" => (fnc1(link::parse(input, options)), "expect_fnc1"),
        "digital_link_generate" => {
            let elements = Elements::bracketed(text(vector, "ai"), options).unwrap();
            let stem = vector["stem"].as_str().unwrap_or(link::CANONICAL_STEM);
            (link::build(&elements, stem, options), "expect_uri")
        }
        "scan_data_generate" => {
            let written = symbology(vector).map(|symbology| scan::write(text(vector, "data"), symbology, options));
            (written.unwrap_or_else(|| Err(no_symbol())), "expect")
        }
        "scan_data_parse" => (scanned(vector, options), "expect"),
        other => panic!("{other}"),
    }
}

fn rule(name: &str, input: &str, options: &Options<'_>) -> Result<String, Refusal> {
    let elements = Elements::bracketed(input, options).unwrap();
    let checked = match name {
        "repeats" => rules::repeats(&elements),
        "mutex" => rules::exclusions(&elements),
        "requisites" => rules::requisites(&elements),
        "digsig" => rules::signature(&elements),
        other => panic!("{other}"),
    };
    checked.map(|()| String::new())
}

fn scanned(vector: &Value, options: &Options<'_>) -> Result<String, Refusal> {
    let read = scan::read(text(vector, "scan"), options)?;
    assert_eq!(Some(read.symbology), symbology(vector), "{vector}");
    Ok(read.data())
}

/// The symbology of a vector; none where it says so.
fn symbology(vector: &Value) -> Option<Symbology> {
    Some(match text(vector, "symbology") {
        "NONE" => return None,
        "QR" => Symbology::QrCode,
        "DM" => Symbology::DataMatrix,
        "DotCode" => Symbology::DotCode,
        "DataBarExpanded" => Symbology::DataBarExpanded,
        "DataBarOmni" => Symbology::DataBar,
        "DataBarLimited" => Symbology::DataBarLimited,
        "GS1_128_CCA" | "GS1_128_CCC" => Symbology::Gs1128,
        "UPCA" => Symbology::UpcA,
        "UPCE" => Symbology::UpcE,
        "EAN13" => Symbology::Ean13,
        "EAN8" => Symbology::Ean8,
        other => panic!("{other}"),
    })
}

fn no_symbol() -> Refusal {
    scan::read("", &Options::default()).unwrap_err()
}

#[test]
fn every_identifier_of_the_dictionary_is_in_the_table_and_no_other() {
    let Some(folder) = collection("gs1") else { return };
    let dictionary = std::fs::read_to_string(format!("{folder}/gs1-syntax-dictionary.txt")).unwrap();
    let listed = dictionary.lines().filter_map(|line| line.split(' ').next()).filter(|it| !it.is_empty() && *it != "#");
    let ranges: Vec<(&str, &str)> = listed.map(|it| it.split_once('-').unwrap_or((it, it))).collect();
    let digits = (2..=4)
        .flat_map(|length| (0..10_u32.pow(length)).map(move |it| format!("{it:0width$}", width = length as usize)));
    let mut count = 0;
    for ai in digits {
        let is_listed = ranges.iter().any(|(first, last)| (*first..=*last).contains(&&*ai) && ai.len() == first.len());
        let value = format!("({ai})\u{7f}");
        let refusal = Elements::bracketed(&value, &Options::default()).unwrap_err();
        assert_eq!(refusal.rule != Rule::UnknownAi, is_listed, "{ai}");
        count += usize::from(is_listed);
    }
    eprintln!("{count} identifiers compared");
    assert!(count > 500, "only {count} identifiers were compared");
}

#[test]
fn no_value_makes_a_test_of_values_panic() {
    const TESTS: &str = "csetnumeric cset39 cset64 cset82 csum csumalpha gcppos1 gcppos2 hasnondigit hh hhmi mi ss \
                         yymmdd yymmd0 yyyymmdd yyyymmd0 hyphen iban importeridx iso3166 iso3166999 iso3166alpha2 \
                         iso4217 mediatype packagetype iso5218 yesno winding latitude longitude nonzero nozeroprefix \
                         zero pieceoftotal posinseqslash pcenc couponcode couponposoffer";
    let lints: Vec<Lint> = TESTS.split(' ').map(|name| Lint::named(name).unwrap()).collect();
    const COUPON: &str = "106141410222223100110222111101231023456721104561045678991201";
    for sound in [COUPON, "BE71096123456769", "%20A%2\u{e9}", "12/34"] {
        for value in testing::mutants(sound.as_bytes(), 2_000) {
            let value = String::from_utf8_lossy(&value);
            for lint in &lints {
                let Err(finding) = lint.check(&value, &NoRegister) else { continue };
                assert!(value.get(finding.at.clone()).is_some(), "{lint:?} {value:?} {finding:?}");
            }
        }
    }
}

#[test]
fn a_register_that_does_not_answer_is_a_finding_of_its_own() {
    let away = Blaming { value: "", begin: 0, says: Registered::Unknown };
    let value = "4012345678901";
    let here = Blaming { value, ..away };
    assert_eq!(Lint::GcpPos1.check(value, &here).unwrap_err().breach, Breach::PrefixesAway);
    assert_eq!(Lint::GcpPos1.check(value, &NoRegister), Ok(()));
}
