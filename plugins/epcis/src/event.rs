//! An event that keeps the rules of the standard (EPCIS 2.0, section 7), read for what it means to stock.

use std::borrow::Cow;

use tillmesh_plugin::product::shortened;
use tillmesh_plugin::{Failure, failure};

use crate::document::Found;
use crate::fields::{Fields, is_offset};
use crate::vocabulary::{BIZ_STEP, DISPOSITION, ERROR_REASON, PARTY, TRANSACTION, Term, Vocabulary};
use crate::{hash, lists};

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Things.
    Object,
    /// Things in or on another.
    Aggregation,
    /// Things and the documents of a trade.
    Transaction,
    /// Things that became others.
    Transformation,
    /// Things that are parts of an asset.
    Association,
}

/// What an event does to what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It begins.
    Add,
    /// It was seen.
    Observe,
    /// It ends.
    Delete,
}

/// That an event is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    /// When somebody said so, in microseconds since 1970.
    pub at: i64,
    /// Why, in a word of the standard or a URI.
    pub reason: String,
}

/// An event.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub found: Found<'a>,
    pub kind: Kind,
    /// Transformations have none.
    pub action: Option<Action>,
    /// In microseconds since 1970.
    pub at: i64,
    /// The standard word for what was done, if there is one.
    pub step: Option<&'static str>,
    /// The standard word for how things were afterwards, if there is one.
    pub disposition: Option<&'static str>,
    /// Set where the event is to be undone.
    pub declared: Option<Declaration>,
}

/// The longest id that a reference is made of as it is: references have 128 bytes, and what undoes one is longer.
const MAX_ID: usize = 120;

impl<'a> Event<'a> {
    /// Reads an event.
    ///
    /// # Errors
    /// `malformed` where it breaks a rule of the standard; `unsupported` for a type of somebody's own.
    pub fn read(found: Found<'a>) -> Result<Self, Failure> {
        let fields = &found.fields;
        let kind = kind(fields)?;
        let action = action(fields, kind)?;
        let at = fields.moment("eventTime")?;
        check_offset(fields)?;
        fields.time("recordTime")?;
        if fields.has("eventID") {
            fields.uri("eventID")?;
        }
        lists::check(fields, kind, action)?;
        check_words(fields)?;
        let (step, disposition) = (word(fields, "bizStep", BIZ_STEP)?, word(fields, "disposition", DISPOSITION)?);
        let declared = declared(fields)?;
        Ok(Self { kind, action, at, step, disposition, declared, found })
    }

    /// The event's id in references: its own, or the hash of it, so that it is the same whatever message brings it.
    pub fn reference(&self) -> Cow<'a, str> {
        let own = self.found.fields.map.get("eventID").and_then(serde_json::Value::as_str);
        own.filter(|id| id.len() <= MAX_ID).map_or_else(|| Cow::Owned(self.hash()), Cow::Borrowed)
    }

    /// The hash of the event (Core Business Vocabulary 2.0).
    pub fn hash(&self) -> String {
        hash::id(self.found.fields.map, &self.found.namespaces, &self.found.ignored)
    }
}

fn kind(fields: &Fields<'_>) -> Result<Kind, Failure> {
    match fields.required("type")? {
        "ObjectEvent" => Ok(Kind::Object),
        "AggregationEvent" => Ok(Kind::Aggregation),
        "TransactionEvent" => Ok(Kind::Transaction),
        "TransformationEvent" => Ok(Kind::Transformation),
        "AssociationEvent" => Ok(Kind::Association),
        own if own.contains(':') => {
            Err(failure::unsupported(fields.at("type"), own, "this plugin reads the standard's types of events"))
        }
        _ => Err(fields.malformed("type", "the standard has no such type of event or document")),
    }
}

fn action(fields: &Fields<'_>, kind: Kind) -> Result<Option<Action>, Failure> {
    if kind == Kind::Transformation {
        return match fields.has("action") {
            true => Err(fields.malformed("action", "a TransformationEvent has none")),
            false => Ok(None),
        };
    }
    match fields.required("action")? {
        "ADD" => Ok(Some(Action::Add)),
        "OBSERVE" => Ok(Some(Action::Observe)),
        "DELETE" => Ok(Some(Action::Delete)),
        _ => Err(fields.malformed("action", "it must be ADD, OBSERVE or DELETE")),
    }
}

fn check_offset(fields: &Fields<'_>) -> Result<(), Failure> {
    match is_offset(fields.required("eventTimeZoneOffset")?) {
        true => Ok(()),
        false => Err(fields.malformed("eventTimeZoneOffset", "it must be an offset such as +01:00")),
    }
}

fn word(fields: &Fields<'_>, key: &str, vocabulary: Vocabulary) -> Result<Option<&'static str>, Failure> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    match vocabulary.term(text) {
        Term::Standard(word) => Ok(Some(word)),
        Term::Own => Ok(None),
        Term::Unknown => Err(fields.malformed(key, UNKNOWN_WORD)),
    }
}

const UNKNOWN_WORD: &str = "it is no word of the Core Business Vocabulary 2.0; words of one's own are URIs";

/// The other places in which standard words stand.
fn check_words(fields: &Fields<'_>) -> Result<(), Failure> {
    for (list, vocabulary, of) in [
        ("bizTransactionList", TRANSACTION, "bizTransaction"),
        ("sourceList", PARTY, "source"),
        ("destinationList", PARTY, "destination"),
    ] {
        for element in fields.objects(list)? {
            element.uri(of)?;
            word(&element, "type", vocabulary)?;
            // Only a transaction may leave open what it is.
            if vocabulary == PARTY {
                element.required("type")?;
            }
        }
    }
    let Some(lasting) = fields.object("persistentDisposition")? else { return Ok(()) };
    for key in ["set", "unset"] {
        for (index, value) in lasting.list(key)?.iter().enumerate() {
            let text = value.as_str().unwrap_or_default();
            if DISPOSITION.term(text) == Term::Unknown {
                return Err(failure::malformed(format!("{}[{index}]", lasting.at(key)), text, UNKNOWN_WORD));
            }
        }
    }
    Ok(())
}

fn declared(fields: &Fields<'_>) -> Result<Option<Declaration>, Failure> {
    let Some(declaration) = fields.object("errorDeclaration")? else { return Ok(None) };
    let at = declaration.moment("declarationTime")?;
    declaration.uris("correctiveEventIDs")?;
    let word = word(&declaration, "reason", ERROR_REASON)?;
    let reason = word.map_or(declaration.text("reason")?, Some).unwrap_or("error declared");
    // A URI of one's own may be longer than a reason.
    Ok(Some(Declaration { at, reason: shortened(reason) }))
}
