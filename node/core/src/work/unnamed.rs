//! What a node holds of a retired one beyond what its retirement counts: a work item, so that somebody decides whether
//! it counts for everybody.

use super::{Found, Subject, made};
use crate::event::{BeyondRetirement, Body, Event, Origin};
use crate::fleet::{Retirement, Statement};
use crate::id::{EventId, Name, Writer};
use crate::storage::{Read, StorageError};
use crate::time::Timestamp;
use crate::view::View;

/// What a node says that it holds, while there is a retirement that names what counts, and the node itself is there to
/// be asked for the rest.
pub(super) fn beyond_retirement(
    view: &View,
    storage: &impl Read,
    subject: &Subject,
    retired: &Writer,
    at: &Name,
) -> Result<Option<Found>, StorageError> {
    let Some(row) = view.work.get(subject) else { return Ok(None) };
    let statements: Vec<_> = view.fleet.iter().filter_map(|(_, row)| Statement::read(&row.statement)).collect();
    if !is_confined(&statements, &retired.node) || is_gone(&statements, at) {
        return Ok(None);
    }
    let last = last_beyond(&row.evidence, |id| made(view, storage, id))?;
    Ok(last.filter(|(said, _)| said.changes > 0).map(|(said, since)| Found {
        extent: i64::try_from(said.changes).unwrap_or(i64::MAX),
        evidence: row.evidence.clone(),
        since: Some(since),
        ..Found::default()
    }))
}

fn is_confined(statements: &[Statement], node: &Name) -> bool {
    let confines = |of: &Retirement| of.node == *node && (of.stolen || of.counted.is_some());
    statements.iter().any(|of| matches!(of, Statement::Retirement(retirement) if confines(retirement)))
}

/// Whether a node was retired, and nobody took its name since.
fn is_gone(statements: &[Statement], node: &Name) -> bool {
    let retired = statements.iter().filter_map(|of| match of {
        Statement::Retirement(of) if of.node == *node => Some(of.at),
        _ => None,
    });
    let certified = statements.iter().filter_map(|of| match of {
        Statement::Certificate(of) if of.node == *node => Some(of.issued_at),
        _ => None,
    });
    let retired = retired.max();
    retired.is_some() && certified.max() <= retired
}

/// What a node said last of what it holds of a retired one, and when.
pub(crate) fn last_beyond(
    evidence: &[EventId],
    read: impl Fn(EventId) -> Result<Option<(Event, Origin)>, StorageError>,
) -> Result<Option<(BeyondRetirement, Timestamp)>, StorageError> {
    let mut last: Option<(BeyondRetirement, Timestamp)> = None;
    for id in evidence {
        let Some((event, _)) = read(*id)? else { continue };
        let since = event.occurred();
        if let Body::BeyondRetirement(said) = event.body
            && last.as_ref().is_none_or(|(before, _)| before.number <= said.number)
        {
            last = Some((said, since));
        }
    }
    Ok(last)
}
