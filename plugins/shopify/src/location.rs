//! Shopify's locations as the node's, by the settings `location.<id>`.

use tillmesh_plugin::{Context, Failure, failure};

use crate::value::Field;

/// Where something is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Shopify does not say: the node's own.
    Unsaid,
    /// A location of the node's.
    Here(String),
    /// A location that the operator wants to hear nothing of: the setting is empty.
    Ignored,
}

/// The place that a `location_id` means.
pub(crate) fn of(field: Field<'_, '_>, context: &Context) -> Result<Place, Failure> {
    let Some(id) = field.id()? else { return Ok(Place::Unsaid) };
    match context.setting(&format!("location.{id}")) {
        Some("") => Ok(Place::Ignored),
        Some(name) => Ok(Place::Here(name.to_owned())),
        None => {
            let rule =
                format!("the channel's configuration has no location.{id} to say which location of the node it is");
            Err(failure::rejected(field.name, id, rule))
        }
    }
}
