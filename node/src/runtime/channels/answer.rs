//! What plugins answer, as far as two of their components can be compared by it.

use crate::plugin::{Acknowledged, Rendering, Report, Translation};

/// An answer of a plugin.
pub(super) trait Answer: Clone + Send + Sync + 'static {
    /// What the call used.
    fn report(&self) -> &Report;

    /// Whether another component answers the same: to the channel, to the node and to itself.
    fn is_same_as(&self, other: &Self) -> bool;

    /// What it has, for who compares.
    fn summary(&self) -> String;
}

/// As the other outputs for people and machines have it.
fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| error.to_string())
}

impl Answer for Translation {
    fn report(&self) -> &Report {
        &self.report
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (&self.commands, &self.carry, &self.state) == (&other.commands, &other.carry, &other.state)
    }

    fn summary(&self) -> String {
        as_json(&self.commands)
    }
}

impl Answer for Rendering {
    fn report(&self) -> &Report {
        &self.report
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (&self.messages, &self.state) == (&other.messages, &other.state)
    }

    fn summary(&self) -> String {
        let bodies: Vec<_> = self.messages.iter().map(|message| String::from_utf8_lossy(&message.body)).collect();
        as_json(&bodies)
    }
}

impl Answer for Acknowledged {
    fn report(&self) -> &Report {
        &self.report
    }

    fn is_same_as(&self, other: &Self) -> bool {
        (&self.answer, &self.state) == (&other.answer, &other.state)
    }

    fn summary(&self) -> String {
        self.answer.as_ref().map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default()
    }
}
