//! As much of JSON Schema as the API's own description uses. What a description does not name may not be there, unless
//! it says so: an answer with a member that is described nowhere is a gap of the description.

use std::collections::BTreeSet;

use serde_json::Value;

/// Words that describe and demand nothing that is looked at here.
const REMARKS: [&str; 7] = ["description", "example", "format", "pattern", "minLength", "maxLength", "title"];

/// A description with its schemas.
pub struct Description(Value);

type Checked = Result<(), String>;

impl Description {
    /// Takes an OpenAPI document.
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    /// The schema of what an operation answers with.
    #[track_caller]
    pub fn answer(&self, path: &str, method: &str, status: &str, media: &str) -> &Value {
        let schema = &self.0["paths"][path][method]["responses"][status]["content"][media]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} {media} is not described");
        schema
    }

    /// Checks a value.
    pub fn check(&self, schema: &Value, value: &Value) -> Checked {
        let mut parts = Vec::new();
        self.parts(schema, &mut parts)?;
        for part in &parts {
            self.check_part(part, value).map_err(|error| format!("{error} in {value}"))?;
        }
        self.check_named(&parts, value)
    }

    /// A schema without references and sums: everything that holds at once.
    fn parts<'a>(&'a self, schema: &'a Value, parts: &mut Vec<&'a Value>) -> Checked {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
            return self.parts(target.ok_or_else(|| format!("{reference} is nowhere"))?, parts);
        }
        for part in listed(&schema["allOf"]) {
            self.parts(part, parts)?;
        }
        parts.push(schema);
        Ok(())
    }

    fn check_part(&self, schema: &Value, value: &Value) -> Checked {
        for (word, rule) in schema.as_object().into_iter().flatten() {
            match word.as_str() {
                "type" => demand(is_of(rule, value), || format!("it is no {rule}"))?,
                "enum" => demand(listed(rule).contains(value), || format!("it is none of {rule}"))?,
                "required" => {
                    let missing =
                        listed(rule).iter().find(|name| value.get(name.as_str().unwrap_or_default()).is_none());
                    demand(missing.is_none(), || format!("{missing:?} is missing"))?;
                }
                "properties" => {
                    for (name, schema) in rule.as_object().into_iter().flatten() {
                        value.get(name).map_or(Ok(()), |member| self.check(schema, member))?;
                    }
                }
                "items" => listed(value).iter().try_for_each(|item| self.check(rule, item))?,
                "minimum" => demand(value.as_f64() >= rule.as_f64(), || format!("it is below {rule}"))?,
                "maximum" => demand(value.as_f64() <= rule.as_f64(), || format!("it is above {rule}"))?,
                "minItems" => demand(listed(value).len() as u64 >= rule.as_u64().unwrap(), || "it has few".to_owned())?,
                "oneOf" => self.check_one(listed(rule), value)?,
                // These hold for the whole, and are looked at there.
                "allOf" | "additionalProperties" => {}
                word => demand(REMARKS.contains(&word), || format!("{word} is no word that is known here"))?,
            }
        }
        Ok(())
    }

    fn check_one(&self, schemas: &[Value], value: &Value) -> Checked {
        let results: Vec<Checked> = schemas.iter().map(|schema| self.check(schema, value)).collect();
        let fitting = results.iter().filter(|result| result.is_ok()).count();
        demand(fitting == 1, || format!("{fitting} of {} fit: {results:?}", schemas.len()))
    }

    /// Whether each member is named by some part, unless a part takes others.
    fn check_named(&self, parts: &[&Value], value: &Value) -> Checked {
        let Some(members) = value.as_object() else { return Ok(()) };
        if parts.iter().any(|part| takes_others(part)) {
            return Ok(());
        }
        let properties = parts.iter().filter_map(|part| part["properties"].as_object());
        let named: BTreeSet<&String> = properties.flat_map(serde_json::Map::keys).collect();
        let unnamed: Vec<&String> = members.keys().filter(|name| !named.contains(name)).collect();
        demand(unnamed.is_empty(), || format!("{unnamed:?} is described nowhere"))
    }
}

/// Whether a part takes members that it does not name: it says so, is any object, or is one of several.
fn takes_others(part: &Value) -> bool {
    let any = part["type"] == "object" && part.get("properties").is_none();
    any || part.get("oneOf").is_some() || !matches!(part["additionalProperties"], Value::Null | Value::Bool(false))
}

fn demand(holds: bool, error: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(error()) }
}

fn listed(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether a value is of a type, or of one of several.
fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("null") => value.is_null(),
        _ => false,
    };
    is(types) || listed(types).iter().any(is)
}
