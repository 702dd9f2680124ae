//! A channel's locations as the node's, by the settings `location.<the channel's id>`.

use crate::{Context, Failure, failure};

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The channel does not say: the node's own.
    Unsaid,
    /// A location of the node's.
    Here(String),
    /// A location that the operator wants to hear nothing of: the setting is empty.
    Ignored,
}

/// The place that the channel's id of a location means.
///
/// # Errors
/// `rejected` where no setting says so: stock must not land in the wrong place.
pub fn of(field: &str, id: Option<&str>, context: &Context) -> Result<Place, Failure> {
    let Some(id) = id else { return Ok(Place::Unsaid) };
    match context.setting(&format!("location.{id}")) {
        Some("") => Ok(Place::Ignored),
        Some(name) => Ok(Place::Here(name.to_owned())),
        None => {
            let rule =
                format!("the channel's configuration has no location.{id} to say which location of the node it is");
            Err(failure::rejected(field, id, rule))
        }
    }
}
