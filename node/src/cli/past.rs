//! Options of commands that show what something was at an earlier moment.

use clap::Args;

use super::client::encode;

/// Which moment.
#[derive(Debug, Args)]
pub(super) struct AsOf {
    /// Show what it was then: a time such as 2026-11-20T12:00:00Z, or right after an event, by its id
    #[arg(long, value_name = "TIME|EVENT")]
    as_of: Option<String>,
    /// As this node knew it then, instead of by all that it has heard since
    #[arg(long, requires = "as_of")]
    known_then: bool,
}

impl AsOf {
    /// An address with the question.
    pub(super) fn ask(&self, path: String) -> String {
        let Some(moment) = &self.as_of else { return path };
        let known = if self.known_then { "&known=then" } else { "" };
        format!("{path}?as_of={}{known}", encode(moment))
    }
}
