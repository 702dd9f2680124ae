//! A case's message that is handed over piece by piece, as a node does with one that is larger than a call may take.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tillmesh_core::channel::ChannelMessage;

use super::case::Kept;
use crate::plugin::{CallContext, CallError, Part, Plugin, Report, Translation};

/// What the pieces come to one after the other: each call is given what the one before carried over, and the state that
/// it left.
pub(super) fn translate(
    plugin: &Plugin,
    message: &ChannelMessage,
    piece_bytes: NonZeroUsize,
    context: &CallContext,
    kept: &Kept,
) -> Result<Translation, CallError> {
    let (mut context, mut kept) = (context.clone(), kept.clone());
    let mut part = Part { offset: 0, last: false, carry: Vec::new() };
    let (mut commands, mut written, mut report) = (Vec::new(), BTreeMap::new(), Report::default());
    let mut pieces = message.body.chunks(piece_bytes.get()).peekable();
    loop {
        let body = pieces.next().unwrap_or_default().to_vec();
        let end = part.offset + body.len() as u64;
        part.last = pieces.peek().is_none();
        let called = plugin.translate_part(&ChannelMessage { body, ..message.clone() }, &part, &context);
        let made = called.map_err(|error| CallError { report: Box::new(together(&report, *error.report)), ..error })?;
        report = together(&report, made.report);
        commands.extend(made.commands);
        kept.take(&made.state);
        written.extend(made.state);
        if part.last {
            return Ok(Translation { commands, carry: made.carry, state: written, report });
        }
        context.state = Arc::new(kept.clone());
        part = Part { offset: end, last: false, carry: made.carry };
    }
}

/// What calls logged and counted, and what the one used that came nearest to its limit of fuel.
fn together(before: &Report, last: Report) -> Report {
    let share = |report: &Report| u128::from(report.fuel) * 1_000_000 / u128::from(report.fuel_allowed.max(1));
    let used = if share(before) > share(&last) { before } else { &last };
    let (fuel, fuel_allowed, memory_bytes) = (used.fuel, used.fuel_allowed, used.memory_bytes);
    let mut counters = before.counters.clone();
    for (name, count) in &last.counters {
        let counter = counters.entry(name.clone()).or_default();
        *counter = counter.saturating_add(*count);
    }
    let log = before.log.iter().cloned().chain(last.log).collect();
    let log_dropped = before.log_dropped + last.log_dropped;
    Report { fuel, fuel_allowed, memory_bytes, log, log_dropped, counters }
}
