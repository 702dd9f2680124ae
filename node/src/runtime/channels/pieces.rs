//! Messages that are larger than a call of a plugin may take: piece by piece, in flat memory.
//!
//! The plugin goes through all of them first, and nothing is recorded if it refuses one. Then each piece is recorded,
//! in a commit of its own, under an id of its own: a message that broke off is sent again as a whole, and what was
//! recorded counts once.

use std::sync::Arc;

use tillmesh_core::channel::{ChannelCommand, ChannelMessage};
use tillmesh_core::command::{Command, Outcome, Request, digest_of};
use tillmesh_core::id::Name;

use super::body::Spooled;
use super::{Channel, ChannelError, Channels};
use crate::plugin::Part;
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

/// What going through the pieces is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// To see whether the plugin takes all of them.
    Look,
    Record,
}

impl Channels {
    pub(super) async fn receive_pieces(
        &self,
        name: &Name,
        channel: &Channel,
        message: &ChannelMessage,
        body: Spooled,
    ) -> Result<InPieces, ChannelError> {
        let body = Arc::new(body);
        self.go_through(name, channel, message, &body, Pass::Look).await?;
        self.go_through(name, channel, message, &body, Pass::Record).await
    }

    async fn go_through(
        &self,
        name: &Name,
        channel: &Channel,
        message: &ChannelMessage,
        body: &Arc<Spooled>,
        pass: Pass,
    ) -> Result<InPieces, ChannelError> {
        let mut found = InPieces { pieces: 0, events: 0, repeated: true };
        let mut part = Part { offset: 0, last: false, carry: Vec::new() };
        loop {
            let (end, carry, recorded) = match self.piece(name, channel, message, body, &mut part, pass).await {
                Ok(done) => done,
                Err(error) if pass == Pass::Record && part.offset > 0 => {
                    return Err(ChannelError::Piece { offset: part.offset, error: Box::new(error) });
                }
                Err(error) => return Err(error),
            };
            found.pieces += 1;
            found.events += recorded.0;
            found.repeated &= recorded.1;
            if part.last {
                return Ok(found);
            }
            part = Part { offset: end, last: false, carry };
        }
    }

    /// One piece: where it ends, what it hands over, how many events it means, and whether they were there before.
    async fn piece(
        &self,
        name: &Name,
        channel: &Channel,
        message: &ChannelMessage,
        body: &Arc<Spooled>,
        part: &mut Part,
        pass: Pass,
    ) -> Result<(u64, Vec<u8>, (u64, bool)), ChannelError> {
        let bytes = read(Arc::clone(body), part.offset).await?;
        let (end, digest) = (part.offset + bytes.len() as u64, digest_of(&bytes));
        part.last = end == body.len();
        let piece = ChannelMessage { body: bytes, ..message.clone() };
        let translation = self.translate(name, channel, piece, part.clone(), pass == Pass::Record).await?;
        if pass == Pass::Look {
            return Ok((end, translation.carry, (0, true)));
        }
        // The first has the message's own id: a larger message under the id of a smaller one is another one.
        let id = match part.offset {
            0 => message.id.to_string(),
            offset => format!("{}@{offset}", message.id),
        };
        let recorded = self.record_piece(name, id, digest, translation.commands).await?;
        Ok((end, translation.carry, recorded))
    }

    async fn record_piece(
        &self,
        name: &Name,
        message: String,
        digest: [u8; 8],
        commands: Vec<ChannelCommand>,
    ) -> Result<(u64, bool), SubmitError> {
        let request =
            Request { channel: Some(name.clone()), digest, ..Request::now(Command::Channel { message, commands }) };
        let result = self.jobs.submit(request).await;
        count_command(&self.metrics, "channel", &result);
        Ok(match result? {
            Outcome::Recorded { events, repeated } => (events.len() as u64, repeated),
            _ => (0, false),
        })
    }
}

async fn read(body: Arc<Spooled>, offset: u64) -> Result<Vec<u8>, ChannelError> {
    let read = tokio::task::spawn_blocking(move || body.piece(offset)).await;
    Ok(read.map_err(|_| ChannelError::Submit(SubmitError::Stopping))??)
}
