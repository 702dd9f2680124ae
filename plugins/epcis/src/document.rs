//! What a body is: a document, what a query came to, or one event; and the events in it.

use serde_json::{Map, Value};
use tillmesh_plugin::{Failure, failure};

use crate::fields::Fields;
use crate::namespace::Namespaces;

/// An event as it stands in the body.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    /// Its fields.
    pub fields: Fields<'a>,
    /// The prefixes that hold in it.
    pub namespaces: Namespaces,
    /// The fields that whoever made the document keeps for himself: they belong to no hash.
    pub ignored: Vec<String>,
}

/// The JSON of a body.
///
/// # Errors
/// `malformed`, with the place; `unsupported` for XML.
pub(crate) fn json(body: &[u8]) -> Result<Value, Failure> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(failure::unsupported("body", "", "this plugin reads EPCIS as JSON, not as XML"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        failure::malformed("body", "", format!("it is no JSON, line {line}, column {column}"))
    })
}

/// The events of a body, as far as they are objects.
///
/// # Errors
/// `malformed` where the body breaks the rules of documents; `unsupported` where it is another thing, such as a query.
pub(crate) fn events(body: &Value) -> Result<Vec<Found<'_>>, Failure> {
    let Value::Object(map) = body else {
        return Err(failure::malformed("body", "", "it must be an EPCIS document or event, a JSON object"));
    };
    let root = Fields { place: String::new(), map };
    check_context(&root)?;
    let namespaces = Namespaces::default().with(map.get("@context").unwrap_or(&Value::Null));
    match root.text("type")? {
        Some("EPCISDocument") => {
            let body = envelope(&root)?;
            let list = if body.has("event") { vec![required(&body, "event")?] } else { list(&body)? };
            Ok(found(list, &namespaces, &ignored(map)))
        }
        Some("EPCISQueryDocument") => {
            let results = required(&envelope(&root)?, "queryResults")?;
            results.required("queryName")?;
            let list = list(&required(&results, "resultsBody")?)?;
            Ok(found(list, &namespaces, &ignored(results.map)))
        }
        Some(_) => Ok(found(vec![root], &namespaces, &[])),
        None if map.contains_key("eventType") => {
            Err(failure::unsupported("eventType", "", "it is a query, and this plugin answers none"))
        }
        None => Err(root.malformed("type", "it must be there")),
    }
}

fn check_context(root: &Fields<'_>) -> Result<(), Failure> {
    let is_context = |value: &Value| match value {
        Value::String(url) => !url.is_empty(),
        Value::Object(_) => true,
        Value::Array(parts) => !parts.is_empty() && parts.iter().all(|part| part.is_string() || part.is_object()),
        _ => false,
    };
    match root.map.get("@context") {
        Some(context) if is_context(context) => Ok(()),
        Some(_) => Err(root.malformed("@context", "it must be a URL, prefixes, or a list of both")),
        None => Err(root.malformed("@context", "it must be there: it says what the words mean")),
    }
}

/// What a document must have besides its events.
fn envelope<'a>(root: &Fields<'a>) -> Result<Fields<'a>, Failure> {
    let version = root.required("schemaVersion")?;
    if version != "2" && !version.starts_with("2.") {
        let rule = "this plugin reads EPCIS 2, as JSON";
        return Err(failure::unsupported(root.at("schemaVersion"), version, rule));
    }
    root.moment("creationDate")?;
    required(root, "epcisBody")
}

fn required<'a>(fields: &Fields<'a>, key: &str) -> Result<Fields<'a>, Failure> {
    fields.object(key)?.ok_or_else(|| fields.malformed(key, "it must be there"))
}

fn list<'a>(body: &Fields<'a>) -> Result<Vec<Fields<'a>>, Failure> {
    if !body.has("eventList") {
        return Err(body.malformed("eventList", "it must be there"));
    }
    body.objects("eventList")
}

/// The fields that a document names as nobody else's, under a prefix of its own.
fn ignored(map: &Map<String, Value>) -> Vec<String> {
    let lists = map.iter().filter(|(key, _)| key.ends_with(":ignoreFields")).filter_map(|(_, list)| list.as_array());
    lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn found<'a>(list: Vec<Fields<'a>>, namespaces: &Namespaces, ignored: &[String]) -> Vec<Found<'a>> {
    let one = |fields: Fields<'a>| {
        let own = fields.map.get("@context").map(|context| namespaces.with(context));
        Found { namespaces: own.unwrap_or_else(|| namespaces.clone()), fields, ignored: ignored.to_vec() }
    };
    list.into_iter().map(one).collect()
}
