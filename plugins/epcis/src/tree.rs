//! An event as the tree that its hash is made of: names with their namespaces, lists with the names of their elements,
//! as the XML form of EPCIS has them, so that both forms of an event have one hash.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::namespace::Namespaces;
use crate::vocabulary::{BIZ_STEP, COMPONENT, DISPOSITION, MEASURE, PARTY, TRANSACTION, Vocabulary};

/// A name with a value, or with what is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node<'a> {
    pub name: Cow<'a, str>,
    pub value: Cow<'a, str>,
    pub children: Vec<Node<'a>>,
}

impl<'a> Node<'a> {
    const fn new(name: Cow<'a, str>, value: Cow<'a, str>, children: Vec<Self>) -> Self {
        Self { name, value, children }
    }
}

const NOTHING: Cow<'_, str> = Cow::Borrowed("");

/// What is said for people and belongs to no hash.
const COMMENTS: [&str; 3] = ["rdfs:comment", "comment", "@context"];

/// The tree of an event, without the fields that its document wants ignored.
pub(crate) fn of<'a>(event: &'a Map<String, Value>, namespaces: &Namespaces, ignored: &[String]) -> Vec<Node<'a>> {
    let fields = event.iter().filter(|(key, _)| !ignored.contains(key));
    fields.filter_map(|(key, value)| node("", key, value, namespaces)).flatten().collect()
}

fn below<'a>(parent: &str, fields: &'a Map<String, Value>, namespaces: &Namespaces) -> Vec<Node<'a>> {
    fields.iter().filter_map(|(key, value)| node(parent, key, value, namespaces)).flatten().collect()
}

/// What one field comes to: nothing, a node, or one for each element of an array.
fn node<'a>(parent: &str, key: &'a str, value: &'a Value, namespaces: &Namespaces) -> Option<Vec<Node<'a>>> {
    if COMMENTS.contains(&key) || value.is_null() {
        return None;
    }
    let name = namespaces.name(key);
    let elements = match value {
        Value::Array(elements) => elements.as_slice(),
        single => std::slice::from_ref(single),
    };
    let contents = elements.iter().map(|element| content(parent, key, element, namespaces));
    let nodes = match key {
        "bizTransactionList" => vec![pairs(name, "bizTransaction", key, elements, namespaces)],
        "sourceList" => vec![pairs(name, "source", key, elements, namespaces)],
        "destinationList" => vec![pairs(name, "destination", key, elements, namespaces)],
        "childEPCs" => {
            let children = contents.map(|(value, below)| Node::new(Cow::Borrowed("epc"), value, below)).collect();
            vec![Node::new(name, NOTHING, children)]
        }
        _ if name.ends_with("List") => {
            let element = without_list(name.clone());
            let children =
                contents.map(|(value, below)| Node::new(element_name(&element, &below), value, below)).collect();
            vec![Node::new(name, NOTHING, children)]
        }
        _ => contents.map(|(value, below)| Node::new(element_name(&name, &below), value, below)).collect(),
    };
    Some(nodes)
}

fn without_list(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.strip_suffix("List").unwrap_or(name)),
        Cow::Owned(name) => Cow::Owned(name.strip_suffix("List").unwrap_or(&name).to_owned()),
    }
}

/// The elements of a list are not named after it everywhere.
fn element_name<'a>(name: &Cow<'a, str>, below: &[Node<'_>]) -> Cow<'a, str> {
    match &**name {
        "inputEPC" | "outputEPC" => Cow::Borrowed("epc"),
        "inputQuantity" | "outputQuantity" | "childQuantity" => Cow::Borrowed("quantityElement"),
        "quantity" if !below.is_empty() => Cow::Borrowed("quantityElement"),
        _ => name.clone(),
    }
}

fn content<'a>(parent: &str, key: &'a str, value: &'a Value, namespaces: &Namespaces) -> (Cow<'a, str>, Vec<Node<'a>>) {
    match value {
        Value::Null => (NOTHING, Vec::new()),
        // As the reference of the standard writes them.
        Value::Bool(flag) => (Cow::Borrowed(if *flag { "True" } else { "False" }), Vec::new()),
        Value::Number(number) => (Cow::Owned(number.to_string()), Vec::new()),
        Value::String(text) => (expanded(parent, key, text, namespaces), Vec::new()),
        Value::Object(fields) => (NOTHING, below(key, fields, namespaces)),
        Value::Array(elements) => {
            let contents = elements.iter().map(|element| content(parent, key, element, namespaces));
            let nodes = contents.map(|(value, below)| Node::new(NOTHING, value, below)).collect();
            (NOTHING, nodes)
        }
    }
}

/// The pairs of a type and a value. Each is a node without a name, whose type comes first.
fn pairs<'a>(
    name: Cow<'a, str>,
    of: &'static str,
    list: &str,
    elements: &'a [Value],
    namespaces: &Namespaces,
) -> Node<'a> {
    let pair = |element: &'a Value| {
        let Value::Object(fields) = element else { return Node::new(NOTHING, NOTHING, Vec::new()) };
        let named = |key: &'static str| fields.get(key).and_then(|value| node(list, key, value, namespaces));
        Node::new(NOTHING, NOTHING, ["type", of].into_iter().filter_map(named).flatten().collect())
    };
    Node::new(name, NOTHING, elements.iter().map(pair).collect())
}

fn expanded<'a>(parent: &str, key: &str, text: &'a str, namespaces: &Namespaces) -> Cow<'a, str> {
    let standard = vocabulary(parent, key).and_then(|vocabulary| vocabulary.expanded(text));
    standard.map_or_else(|| namespaces.value(text), Cow::Owned)
}

/// Whose bare words a field has.
fn vocabulary(parent: &str, key: &str) -> Option<Vocabulary> {
    match (parent, key) {
        ("", "bizStep") => Some(BIZ_STEP),
        ("", "disposition") | ("persistentDisposition", "set" | "unset") => Some(DISPOSITION),
        ("bizTransactionList", "type") => Some(TRANSACTION),
        ("sourceList" | "destinationList", "type") => Some(PARTY),
        ("sensorReport", "type" | "exception") => Some(MEASURE),
        ("sensorReport", "component") => Some(COMPONENT),
        _ => None,
    }
}
