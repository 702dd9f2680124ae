//! Reading JSON so that what is wrong with it has a name: line and column, or the field, its value and the rule.

mod strict;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};

use super::problem::{Problem, ProblemKind};
use strict::Strict;

/// Reads a whole body. Fields that are not known are refused where `T` says so, which every body here does.
///
/// # Errors
/// When it is not JSON, or not of this shape.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict(&mut deserializer))
        .map_err(|error| problem(error.path(), error.inner(), || serde_json::from_slice(bytes).ok()))?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// Reads what has been read as JSON already.
///
/// # Errors
/// When it is not of this shape.
pub(super) fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Strict(&value))
        .map_err(|error| problem(error.path(), error.inner(), || Some(value.clone())))
}

fn problem(path: &Path, error: &serde_json::Error, body: impl Fn() -> Option<Value>) -> Problem {
    let text = error.to_string();
    let said = text.rsplit_once(" at line ").map_or(text.as_str(), |(said, _)| said);
    // A number beyond every type is a number all the same, and the field is known.
    if !error.is_data() && said != "number out of range" {
        return malformed(error);
    }
    let value = body().and_then(|body| look_up(&body, path)).map_or_else(String::new, |value| value.to_string());
    let problem = of_data(&name(path), &value, said);
    match error.line() {
        0 => problem,
        line => problem.with("line", json!(line)).with("column", json!(error.column())),
    }
}

/// Puts the reader's words into those of the API.
fn of_data(at: &str, value: &str, said: &str) -> Problem {
    if let Some(missing) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let field = if at == BODY { missing.to_owned() } else { format!("{at}.{missing}") };
        return Problem::field(ProblemKind::InvalidField, &field, "", "it is needed");
    }
    let kind = if said.starts_with("unknown field") { ProblemKind::UnknownField } else { ProblemKind::InvalidField };
    let integers = ["i64", "u64", "i32", "u32", "u8"].iter();
    let integer = integers.filter_map(|name| said.strip_suffix(name)).find_map(|said| said.strip_suffix("expected "));
    let rule = integer.map_or_else(|| said.to_owned(), |said| format!("{said}expected an integer"));
    Problem::field(kind, at, value, &rule)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(ProblemKind::MalformedJson, format!("this is not JSON: {error}"))
        .with("line", json!(error.line()))
        .with("column", json!(error.column()))
}

/// What stands for the body as a whole where a field would.
const BODY: &str = "body";

/// The path as the core writes it: `lines[2].quantity`.
fn name(path: &Path) -> String {
    let mut name = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => name.push_str(&format!("[{index}]")),
            Segment::Map { key } if name.is_empty() => name.push_str(key),
            Segment::Map { key } => name.push_str(&format!(".{key}")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    if name.is_empty() { BODY.to_owned() } else { name }
}

fn look_up(body: &Value, path: &Path) -> Option<Value> {
    let mut value = body;
    for segment in path {
        value = match segment {
            Segment::Seq { index } => value.get(index)?,
            Segment::Map { key } => value.get(key)?,
            Segment::Enum { .. } | Segment::Unknown => value,
        };
    }
    (!value.is_object() && !value.is_array()).then(|| value.clone())
}

#[cfg(test)]
mod tests;
