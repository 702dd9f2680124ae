//! Where something happened, as the node's locations: by the settings `location.<place>`, one way and the other.

use std::collections::BTreeMap;

use tillmesh_plugin::location::{self, Place};
use tillmesh_plugin::{Context, Failure, failure, log};

use crate::event::Event;
use crate::fields::Fields;
use crate::link::{Link, ROOT, is_digits};
use crate::urn;

/// The digits of a GLN, the number of a place.
const GLN: usize = 13;

/// Finds places, each once a call.
pub(crate) struct Places<'a> {
    context: &'a Context,
    known: BTreeMap<&'a str, Place>,
}

impl<'a> Places<'a> {
    /// Nothing is found yet.
    pub const fn new(context: &'a Context) -> Self {
        Self { context, known: BTreeMap::new() }
    }

    /// Where an event's goods come to, or where they leave from.
    ///
    /// # Errors
    /// `malformed` for a place without an id; `rejected` where no setting says which location it is, unless
    /// `other-places` lets such events pass.
    pub fn of(&mut self, event: &Event<'a>, leaves: bool) -> Result<Place, Failure> {
        let Some((place, id)) = named(event, leaves)? else { return Ok(Place::Unsaid) };
        if let Some(known) = self.known.get(id) {
            return Ok(known.clone());
        }
        let found = found(&place, id, self.context)?;
        self.known.insert(id, found.clone());
        Ok(found)
    }
}

/// The place that an event's goods come to, or leave from, and its id.
fn named<'a>(event: &Event<'a>, leaves: bool) -> Result<Option<(Fields<'a>, &'a str)>, Failure> {
    let keys = if leaves { ["readPoint", "bizLocation"] } else { ["bizLocation", "readPoint"] };
    for key in keys {
        if let Some(place) = event.found.fields.object(key)? {
            let id = place.uri("id")?;
            return Ok(Some((place, id)));
        }
    }
    Ok(None)
}

/// The room, the shop, the yard that an event counted, in one form.
///
/// # Errors
/// `malformed` for a place without an id.
pub(crate) fn counted(event: &Event<'_>) -> Result<Option<String>, Failure> {
    Ok(named(event, false)?.map(|(_, id)| link(id).unwrap_or_else(|| id.to_owned())))
}

fn link(id: &str) -> Option<String> {
    urn::link(id).or_else(|| Link::of(id)?.canonical())
}

fn found(place: &Fields<'_>, id: &str, context: &Context) -> Result<Place, Failure> {
    let named = names(id).into_iter().find(|name| context.setting(&format!("location.{name}")).is_some());
    match named {
        Some(name) => location::of(place.at("id"), Some(&name), context),
        None => elsewhere(&place.at("id"), id, context),
    }
}

fn elsewhere(field: &str, id: &str, context: &Context) -> Result<Place, Failure> {
    match context.setting("other-places").unwrap_or("refuse") {
        "refuse" => location::of(field, Some(id), context),
        "ignore" => {
            log::debug(&format!("{field} {id}: no setting names it, so the event is passed over"));
            Ok(Place::Ignored)
        }
        other => Err(failure::rejected("other-places", other, "it must be refuse or ignore")),
    }
}

/// What a setting may call a place: as it is written, as canonical Digital Link, and by its GLN.
fn names(id: &str) -> Vec<String> {
    let link = link(id);
    let gln = link.as_deref().and_then(Link::of).filter(|link| link.key == "414").map(|link| link.value.to_owned());
    [Some(id.to_owned()), link, gln].into_iter().flatten().collect()
}

/// The URI of a location of the node's, if a setting names one.
pub(crate) fn uri(location: &str, context: &Context) -> Option<String> {
    let name = |(key, value): &(String, String)| {
        let name = key.strip_prefix("location.").filter(|_| value == location)?;
        let is_gln = name.len() == GLN && is_digits(name);
        if is_gln { Some(format!("{ROOT}/414/{name}")) } else { name.contains(':').then(|| name.to_owned()) }
    };
    context.config.iter().find_map(name)
}
