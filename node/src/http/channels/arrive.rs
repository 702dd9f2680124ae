//! How a message's body arrives: in memory, or, where the channel takes larger ones, in a file.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use tillmesh_core::id::Name;
use tokio::time::{Instant, timeout_at};

use super::super::extract::{MAX_DISCARDED, read_body, too_large};
use super::super::problem::{Problem, ProblemKind};
use crate::runtime::channels::{self, Channels, PIECE_BYTES, Spooled, WHOLE_BYTES};

/// For how long a larger body may send nothing at its beginning.
const FIRST: Duration = Duration::from_secs(30);
/// How fast it must come after that, so that nobody has the turn of others for long.
const LEAST_BYTES_PER_SECOND: u64 = 64 * 1024;

/// Reads a body of at most as many bytes as the channel takes.
///
/// # Errors
/// When there is no such channel, or the body is larger, does not arrive in time, breaks off, or cannot be kept.
pub(super) async fn body(
    channels: &Channels,
    name: &Name,
    headers: &HeaderMap,
    body: Body,
) -> Result<channels::Body, Problem> {
    let limit = channels.max_body(name)?;
    if limit <= WHOLE_BYTES {
        return read_body(headers, body, WHOLE_BYTES as usize).await.map(channels::Body::Whole);
    }
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|stated| stated > limit) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        return read_body(headers, body, limit).await.map(channels::Body::Whole);
    }
    larger(channels, body, limit).await
}

async fn larger(channels: &Channels, body: Body, limit: u64) -> Result<channels::Body, Problem> {
    let (mut chunks, mut memory, mut arrived) = (body.into_data_stream(), BytesMut::new(), 0);
    let mut file: Option<Spooled> = None;
    let mut began = Instant::now();
    let late = || Problem::new(ProblemKind::BodyTimeout, "it came too slowly");
    while let Some(chunk) = timeout_at(began + allowed(arrived), chunks.next()).await.map_err(|_| late())? {
        let chunk = chunk.map_err(|error| Problem::new(ProblemKind::BodyTimeout, format!("it broke off: {error}")))?;
        arrived += chunk.len() as u64;
        if arrived > limit {
            drop(file);
            discard(chunks).await;
            return Err(too_large(usize::try_from(limit).unwrap_or(usize::MAX)));
        }
        match &mut file {
            None if memory.len() + chunk.len() <= PIECE_BYTES => memory.extend_from_slice(&chunk),
            None => {
                let waited = Instant::now();
                let mut begun = channels.spool().await?;
                began += waited.elapsed();
                write(&mut begun, &std::mem::take(&mut memory))?;
                write(&mut begun, &chunk)?;
                file = Some(begun);
            }
            Some(file) => write(file, &chunk)?,
        }
    }
    Ok(file.map_or_else(|| channels::Body::Whole(memory.freeze()), channels::Body::Spooled))
}

/// How long so much of a body may take.
fn allowed(arrived: u64) -> Duration {
    FIRST + Duration::from_secs(arrived / LEAST_BYTES_PER_SECOND)
}

fn write(file: &mut Spooled, bytes: &[u8]) -> Result<(), Problem> {
    file.write(bytes).map_err(|error| channels::ChannelError::File(error).into())
}

/// Reads on for a while: a client that sends before it reads does not see an answer on a line that was closed.
async fn discard(mut chunks: BodyDataStream) {
    let mut left = MAX_DISCARDED;
    let all = async {
        while left > 0
            && let Some(Ok(chunk)) = chunks.next().await
        {
            left = left.saturating_sub(chunk.len());
        }
    };
    // Whoever is too slow for this is answered all the same.
    let _late = tokio::time::timeout(FIRST, all).await;
}
