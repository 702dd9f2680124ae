//! Dead letters, tried again.

use tillmesh_core::channel::ChannelEvent;
use tillmesh_core::id::EventId;
use tillmesh_core::storage::StorageError;

use super::channels::{ChannelError, Taken};
use super::letters::{DeadLetters, Stage};
use super::{Inner, SubmitError};

/// What a dead letter came to.
#[derive(Debug)]
pub enum Replayed {
    /// A message of a channel was taken.
    Taken(Taken),
    /// Events were put into so many messages for the channel, which wait to be sent.
    Rendered(usize),
    /// A message for the channel waits to be sent, under this id.
    Waiting(EventId),
}

/// Why a dead letter stays one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is none with this id.
    #[error("there is no dead letter {0} at this node")]
    Unknown(EventId),
    /// The body of events is none.
    #[error("the body must be a JSON list of events: {0}")]
    Events(serde_json::Error),
    /// It comes to nothing again.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The store fails, or the node stops.
    #[error(transparent)]
    Submit(#[from] SubmitError),
}

impl From<StorageError> for ReplayError {
    fn from(error: StorageError) -> Self {
        Self::Submit(error.into())
    }
}

pub(super) async fn replay(inner: &Inner, id: EventId, mended: Option<Vec<u8>>) -> Result<Replayed, ReplayError> {
    let _turn = inner.letters.replay_turn().await;
    let (letter, kept) = inner.letters.get(id)?.ok_or(ReplayError::Unknown(id))?;
    let is_mended = mended.as_ref().is_some_and(|mended| *mended != kept);
    let body = mended.unwrap_or(kept);
    let removal = DeadLetters::removal(id);
    let replayed = match letter.stage {
        Stage::Inbound => {
            // A message counts once, so a crash before its letter is gone does no harm.
            let taken = inner.channels.take_again(&letter, body).await?;
            inner.letters.discard(id).await?;
            return Ok(Replayed::Taken(taken));
        }
        Stage::Render => {
            let events: Vec<ChannelEvent> = serde_json::from_slice(&body).map_err(ReplayError::Events)?;
            Replayed::Rendered(inner.outbox.render_again(&letter, events, removal).await?)
        }
        Stage::Delivery => Replayed::Waiting(inner.outbox.send_again(&letter, body, is_mended, removal).await?),
    };
    inner.letters.forget(id).await?;
    Ok(replayed)
}
