//! The prefixes that a JSON-LD context declares. Contexts that are named by their URL are not fetched: what the
//! standard one says is carried in [`crate::vocabulary`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// Namespaces by their prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Namespaces(BTreeMap<String, String>);

impl Namespaces {
    /// These and the ones that a context declares, which come first.
    #[must_use]
    pub fn with(&self, context: &Value) -> Self {
        let mut all = self.clone();
        match context {
            Value::Array(parts) => parts.iter().for_each(|part| all.declare(part)),
            part => all.declare(part),
        }
        all
    }

    fn declare(&mut self, part: &Value) {
        let Value::Object(terms) = part else { return };
        for (prefix, namespace) in terms {
            if let Value::String(namespace) = namespace {
                self.0.insert(prefix.clone(), namespace.clone());
            }
        }
    }

    /// The name of a field as hashes have it: `{namespace}name`.
    pub fn name<'t>(&self, key: &'t str) -> Cow<'t, str> {
        let full = |(namespace, name)| Cow::Owned(["{", namespace, "}", name].concat());
        self.split(key).map_or(Cow::Borrowed(key), full)
    }

    /// A value that may be shortened by a prefix, at full length.
    pub fn value<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.split(text).map_or(Cow::Borrowed(text), |(namespace, rest)| Cow::Owned([namespace, rest].concat()))
    }

    fn split<'t>(&self, text: &'t str) -> Option<(&str, &'t str)> {
        let (prefix, rest) = text.split_once(':')?;
        Some((self.0.get(prefix)?, rest))
    }
}
