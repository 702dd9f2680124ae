//! From the log to messages: what happened behind the cursor is put into the channel's format by its plugin.

use std::sync::Arc;
use std::time::Duration;

use tillmesh_core::channel::{ChannelEvent, ChannelFailure, OutboundMessage};
use tillmesh_core::command::Kept;
use tillmesh_core::id::EventId;
use tillmesh_core::storage::StorageError;
use tillmesh_core::view::Position;
use tokio::sync::watch;

use super::super::channels::{ChannelError, Memory};
use super::super::letters::{DeadLetter, Stage};
use super::super::{SubmitError, now};
use super::{Lane, MAX_OF_LOG, happened};

/// How many commits are read at a time: each may hold 64 sales of hundreds of lines.
const SLICE: Position = 8;
/// How many events the plugin is given at a time: 100 bytes each, a tenth of what a call takes.
const MAX_EVENTS: usize = 100;
/// How far the cursor may be ahead of what is durable while there is nothing to tell: after a crash so many commits are
/// looked through again.
const UNWRITTEN: Position = 1_000;
/// How long to wait after something that may go well the next time.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a plugin may ask to be called again for the same events.
const MAX_RETRIES: u32 = 12;

/// What a slice came to. The turn to change what the plugin remembers is held until that is durable.
struct Rendered<'a> {
    messages: Vec<(Option<EventId>, OutboundMessage)>,
    kept: Vec<Kept>,
    memory: Memory<'a>,
}

/// Tells a channel what happens until the task is aborted or the node stops.
pub(super) async fn run(lane: Arc<Lane>, mut head: watch::Receiver<Position>) {
    let mut position = lane.cursor.lock().await.position;
    let mut retries = 0;
    loop {
        let last = *head.borrow_and_update();
        // A store that was set back has a shorter log: go on with what happens from now.
        position = position.min(last);
        while position < last {
            let mut waiting = lane.waiting.subscribe();
            if waiting.wait_for(|waiting| *waiting < MAX_OF_LOG).await.is_err() {
                return;
            }
            let to = last.min(position + SLICE);
            match tell(&lane, position + 1, to, retries >= MAX_RETRIES).await {
                Ok(()) => (position, retries) = (to, 0),
                Err(ChannelError::Submit(SubmitError::Stopping)) => return,
                Err(error) => {
                    retries += u32::from(wants_more_time(&error));
                    tracing::warn!(channel = %lane.channel.name, %error, "cannot tell the channel now");
                    lane.note_trouble(Some(error.to_string()));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if head.changed().await.is_err() {
            return;
        }
    }
}

/// Whether the plugin asks to be called again.
const fn wants_more_time(error: &ChannelError) -> bool {
    matches!(error, ChannelError::Failure { failure: ChannelFailure::Retry(_), .. })
}

async fn tell(lane: &Lane, from: Position, to: Position, is_last_try: bool) -> Result<(), ChannelError> {
    let events = read(lane, from, to).await?;
    let written = lane.cursor.lock().await.position;
    if events.is_empty() && to.saturating_sub(written) < UNWRITTEN {
        return Ok(());
    }
    let Rendered { messages, kept, memory } = render(lane, from, events, is_last_try).await?;
    lane.append(Some(to), messages, kept).await?;
    drop(memory);
    Ok(())
}

/// Reads away from the threads that serve requests.
async fn read(lane: &Lane, from: Position, to: Position) -> Result<Vec<ChannelEvent>, ChannelError> {
    let (channel, settings) = (Arc::clone(&lane.channel), lane.settings.clone());
    let read = move || {
        let own = [channel.location.clone()];
        let locations = if settings.locations.is_empty() { &own[..] } else { &settings.locations };
        happened::between(&channel, locations, from, to, now())
    };
    let failed = |error: StorageError| ChannelError::Submit(error.into());
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(|error| ChannelError::File(std::io::Error::other(error)))?.map_err(failed)
}

/// Renders events, some at a time. Those of which the plugin makes nothing become dead letters, one by one.
async fn render(
    lane: &Lane,
    at: Position,
    events: Vec<ChannelEvent>,
    is_last_try: bool,
) -> Result<Rendered<'_>, ChannelError> {
    let version = lane.channel.version(&format!("log-{at}"))?;
    let memory = lane.channel.memory(&version).await?;
    let mut rendered = Rendered { messages: Vec::new(), kept: Vec::new(), memory };
    let mut waiting: Vec<Vec<ChannelEvent>> = events.chunks(MAX_EVENTS).rev().map(<[_]>::to_vec).collect();
    while let Some(events) = waiting.pop() {
        let error = match lane.channel.render(&version, &rendered.memory, events.clone()).await {
            Ok(rendering) => {
                rendered.messages.extend(rendering.messages.into_iter().map(|message| (None, message)));
                rendered.kept.extend(rendered.memory.take(rendering.state));
                continue;
            }
            Err(error) => error,
        };
        let cause = error.cause().or_else(|| (wants_more_time(&error) && is_last_try).then_some("retry"));
        match cause {
            Some(_) if events.len() > 1 => waiting.extend(events.into_iter().rev().map(|event| vec![event])),
            Some(cause) => bury(lane, at, cause, &error, &events).await?,
            None => return Err(error),
        }
    }
    Ok(rendered)
}

async fn bury(
    lane: &Lane,
    at: Position,
    cause: &str,
    error: &ChannelError,
    events: &[ChannelEvent],
) -> Result<(), ChannelError> {
    let body = serde_json::to_vec_pretty(events).map_err(std::io::Error::from)?;
    // The same when the slice is rendered again.
    let message = format!("log-{at}-{}", events.first().map(subject).unwrap_or_default());
    let letter = DeadLetter {
        topic: "events".into(),
        content_type: "application/json".into(),
        ..DeadLetter::new(&lane.channel.name, Stage::Render, &message, cause, error.to_string())
    };
    match lane.letters.keep(letter, &body).await? {
        Some(_) => Ok(()),
        // Without room for what cannot be told, nothing more is told: nothing is dropped without a trace.
        None => Err(ChannelError::LettersFull),
    }
}

/// What an event is about.
fn subject(event: &ChannelEvent) -> String {
    match event {
        ChannelEvent::AvailabilityChanged { sku, location, .. } => format!("level-{location}-{sku}"),
        // Goods of two locations may be in one parcel.
        ChannelEvent::OrderFulfilled { order, fulfilment, location, fulfilled_at, .. } => {
            format!("fulfilled-{order}-{fulfilment}-{location}-{}", fulfilled_at.0)
        }
        ChannelEvent::OrderCancelled { order, .. } => format!("cancelled-{order}"),
        ChannelEvent::ProductChanged { product, .. } => format!("product-{}", product.sku),
    }
}
