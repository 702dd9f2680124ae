//! What an event means to a shop's stock, by its type, action, step and disposition.

use crate::event::{Action, Event, Kind};

/// What became of the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    /// They came in.
    Received,
    /// A customer brought them back.
    TakenBack,
    /// They were sold over a counter.
    Sold,
    /// They left for elsewhere.
    Left,
    /// They did not leave after all.
    Stayed,
    /// They were counted: there are no others of these.
    Counted,
    /// So many of them can be sold.
    Available,
    /// They are there from now on, with the reason.
    Found(&'static str),
    /// They are there no longer, with the reason.
    Lost(&'static str),
    /// Some became others.
    Transformed,
    /// Nothing: it was seen, planned, packed, measured.
    Nothing,
}

impl Movement {
    /// Whether it says how many there are, and not how many come or go.
    pub const fn states(self) -> bool {
        matches!(self, Self::Counted | Self::Available)
    }
}

/// What an event means.
pub(crate) fn of(event: &Event<'_>) -> Movement {
    match event.kind {
        Kind::Transformation => Movement::Transformed,
        // Parts of an asset stay where they are.
        Kind::Association => Movement::Nothing,
        // To look at papers, or to put them away, moves no goods.
        Kind::Transaction if event.action != Some(Action::Add) => Movement::Nothing,
        Kind::Object => by_step(event).unwrap_or_else(|| by_life(event)),
        Kind::Aggregation | Kind::Transaction => by_step(event).unwrap_or(Movement::Nothing),
    }
}

fn by_step(event: &Event<'_>) -> Option<Movement> {
    Some(match (event.step?, event.disposition) {
        ("receiving", Some("returned")) => Movement::TakenBack,
        ("receiving", _) => Movement::Received,
        ("dispensing", Some("partially_dispensed")) => Movement::Nothing,
        ("retail_selling" | "dispensing", _) => Movement::Sold,
        ("shipping", _) => Movement::Left,
        ("void_shipping", _) => Movement::Stayed,
        ("cycle_counting" | "stock_taking", Some("available")) => Movement::Available,
        ("cycle_counting" | "stock_taking", _) => Movement::Counted,
        _ => return None,
    })
}

/// Where things of their own begin and end to be.
fn by_life(event: &Event<'_>) -> Movement {
    match (event.step, event.action, event.disposition) {
        (Some("decommissioning"), ..) => Movement::Lost("decommissioned"),
        (Some("destroying"), ..) => Movement::Lost("destroyed"),
        // These are about tags, not about what carries them.
        (Some("encoding" | "killing"), ..) => Movement::Nothing,
        (_, Some(Action::Add), _) => Movement::Found("commissioned"),
        (_, Some(Action::Delete), _) => Movement::Lost("deleted"),
        (_, _, Some("stolen")) => Movement::Lost("stolen"),
        _ => Movement::Nothing,
    }
}
