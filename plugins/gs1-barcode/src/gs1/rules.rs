//! Which elements go together.

use super::{Element, Elements, Refusal, Rule};

/// The identifier of a signature.
const SIGNATURE: &str = "8030";
/// Keys whose serial number is a part of their value that may be left out.
const WITH_SERIAL: [&str; 3] = ["253", "255", "8003"];

/// The same identifier has the same value wherever it stands.
///
/// # Errors
/// The first that has two.
pub fn repeats(elements: &Elements<'_>) -> Result<(), Refusal> {
    for element in elements.iter() {
        if elements.value(element.ai).is_some_and(|first| first != element.value) {
            return Err(refused(element, Rule::Repeated));
        }
    }
    Ok(())
}

/// No identifier stands beside one that it excludes.
///
/// # Errors
/// The first that does.
pub fn exclusions(elements: &Elements<'_>) -> Result<(), Refusal> {
    for element in elements.iter() {
        let is_excluded = |other: &&Element<'_>| {
            other.ai != element.ai && element.row.excludes.iter().any(|pattern| matches(pattern, other.ai))
        };
        if let Some(other) = elements.iter().find(is_excluded) {
            return Err(refused(element, Rule::Excluded(other.ai.to_owned())));
        }
    }
    Ok(())
}

/// Each identifier has those beside it that it needs. They may stand on another symbol of the same item: then all its
/// symbols must be read together.
///
/// # Errors
/// The first that has not.
pub fn requisites(elements: &Elements<'_>) -> Result<(), Refusal> {
    let is_there = |pattern: &str| elements.iter().any(|element| matches(pattern, element.ai));
    for element in elements.iter() {
        let needs = element.row.needs;
        if !needs.is_empty() && !needs.iter().any(|together| together.split('+').all(is_there)) {
            return Err(refused(element, Rule::Required(needs)));
        }
    }
    Ok(())
}

/// What a signature covers has its serial number.
///
/// # Errors
/// The first that has none.
pub fn signature(elements: &Elements<'_>) -> Result<(), Refusal> {
    let is_bare =
        |element: &&Element<'_>| WITH_SERIAL.contains(&element.ai) && element.value.len() == element.row.least_length();
    match elements.iter().find(is_bare) {
        Some(bare) if elements.value(SIGNATURE).is_some() => Err(refused(bare, Rule::SerialForSignature)),
        _ => Ok(()),
    }
}

/// Whether an identifier is one of a pattern, in which `n` stands for any digit.
fn matches(pattern: &str, ai: &str) -> bool {
    let same = |(wanted, digit): (u8, u8)| wanted == digit || wanted == b'n';
    pattern.len() == ai.len() && pattern.bytes().zip(ai.bytes()).all(same)
}

fn refused(element: &Element<'_>, rule: Rule) -> Refusal {
    Refusal::of(element.ai, &element.value, rule)
}
