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

impl Place {
    /// The place that the value of a setting means; none: no setting says anything.
    pub fn said(setting: Option<&str>) -> Self {
        match setting {
            Some("") => Self::Ignored,
            Some(name) => Self::Here(name.to_owned()),
            None => Self::Unsaid,
        }
    }

    /// The location of the node's that it is; none: its own.
    pub fn named(self) -> Option<String> {
        if let Self::Here(name) = self { Some(name) } else { None }
    }
}

/// The place that the channel's id of a location means.
///
/// # Errors
/// `rejected` where no setting says so: stock must not land in the wrong place.
pub fn of(field: impl Into<String>, id: Option<&str>, context: &Context) -> Result<Place, Failure> {
    let Some(id) = id else { return Ok(Place::Unsaid) };
    match Place::said(context.setting(&format!("location.{id}"))) {
        Place::Unsaid => {
            let rule =
                format!("the channel's configuration has no location.{id} to say which location of the node it is");
            Err(failure::rejected(field, id, rule))
        }
        place => Ok(place),
    }
}
