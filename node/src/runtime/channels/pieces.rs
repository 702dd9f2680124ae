//! Messages that are larger than a call of a plugin may take: piece by piece, in flat memory.
//!
//! The plugin goes through all of them first, and nothing is recorded if it refuses one. Then each piece is recorded,
//! in a commit of its own, under an id of its own: a message that broke off is sent again as a whole, and what was
//! recorded counts once.

use std::sync::Arc;

use tillmesh_core::channel::ChannelMessage;
use tillmesh_core::command::{Command, Outcome, digest_of};

use super::body::Spooled;
use super::channel::Hook;
use super::memory::Memory;
use super::{Channel, ChannelError, Channels, Taken, recording};
use crate::plugin::Part;
use crate::runtime::plugins::Version;
use crate::runtime::{SubmitError, count_command};

/// What a message in pieces came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InPieces {
    /// How many pieces there were.
    pub pieces: u64,
    /// How many events they mean.
    pub events: u64,
    /// Whether all of it was recorded before.
    pub repeated: bool,
}

/// Where going through the pieces stopped.
struct Stopped {
    offset: u64,
    error: ChannelError,
}

/// One piece, done.
struct Done {
    end: u64,
    carry: Vec<u8>,
    events: u64,
    repeated: bool,
}

impl Channels {
    pub(super) async fn receive_pieces(
        &self,
        channel: &Channel,
        message: &Arc<ChannelMessage>,
        body: Spooled,
    ) -> Result<Taken, ChannelError> {
        let body = Arc::new(body);
        // What one piece hands over the next must understand: no other component comes between.
        let version = channel.current()?;
        let looked = self.go_through(Hook::Look, &version, channel, message, &body).await;
        let stopped = match looked {
            Ok(_) => self.go_through(Hook::Translate, &version, channel, message, &body).await,
            Err(stopped) => Err(stopped),
        };
        match stopped {
            Ok(found) => {
                self.letters.settle_pieces(&channel.name, &message.id).await?;
                Ok(Taken::InPieces(found))
            }
            Err(Stopped { offset, error }) => {
                let piece = ChannelMessage { body: read(Arc::clone(&body), offset).await?, ..message.as_ref().clone() };
                self.bury(channel, Arc::new(piece), Some(offset), error).await
            }
        }
    }

    async fn go_through(
        &self,
        hook: Hook,
        version: &Version,
        channel: &Channel,
        message: &Arc<ChannelMessage>,
        body: &Arc<Spooled>,
    ) -> Result<InPieces, Stopped> {
        let at = |offset: u64| {
            move |error: ChannelError| match hook {
                Hook::Translate if offset > 0 => {
                    Stopped { offset, error: ChannelError::Piece { offset, error: Box::new(error) } }
                }
                _ => Stopped { offset, error },
            }
        };
        let mut memory = channel.memory(version).await.map_err(at(0))?;
        let mut found = InPieces { pieces: 0, events: 0, repeated: true };
        let mut part = Part { offset: 0, last: false, carry: Vec::new() };
        loop {
            let done = self.piece((hook, version), channel, &mut memory, message, body, &mut part).await;
            let done = done.map_err(at(part.offset))?;
            found.pieces += 1;
            found.events += done.events;
            found.repeated &= done.repeated;
            if part.last {
                return Ok(found);
            }
            part = Part { offset: done.end, last: false, carry: done.carry };
        }
    }

    async fn piece(
        &self,
        (hook, version): (Hook, &Version),
        channel: &Channel,
        memory: &mut Memory<'_>,
        message: &Arc<ChannelMessage>,
        body: &Arc<Spooled>,
        part: &mut Part,
    ) -> Result<Done, ChannelError> {
        let bytes = read(Arc::clone(body), part.offset).await?;
        let (end, digest) = (part.offset + bytes.len() as u64, digest_of(&bytes));
        part.last = end == body.len();
        let piece = Arc::new(ChannelMessage { body: bytes, ..message.as_ref().clone() });
        let translation = channel.translate(hook, version, memory, &piece, part.clone()).await?;
        let (kept, carry) = (memory.take(translation.state), translation.carry);
        if hook == Hook::Look {
            return Ok(Done { end, carry, events: 0, repeated: true });
        }
        // The first has the message's own id: a larger message under the id of a smaller one is another one.
        let message = match part.offset {
            0 => message.id.to_string(),
            offset => format!("{}@{offset}", message.id),
        };
        let commands = translation.commands;
        let command = Command::Channel { message, commands, kept, answered: Vec::new() };
        let recorded = self.jobs.submit(recording(channel, digest, command)).await;
        count_command(&channel.metrics, "channel", &recorded);
        Ok(match recorded? {
            Outcome::Recorded { events, repeated } => Done { end, carry, events: events.len() as u64, repeated },
            _ => Done { end, carry, events: 0, repeated: false },
        })
    }
}

async fn read(body: Arc<Spooled>, offset: u64) -> Result<Vec<u8>, ChannelError> {
    let read = tokio::task::spawn_blocking(move || body.piece(offset)).await;
    Ok(read.map_err(|_| ChannelError::Submit(SubmitError::Stopping))??)
}
