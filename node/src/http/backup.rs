//! A backup of the node's store, streamed while the node sells.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderName, header};
use bytes::Bytes;
use tillmesh_core::engine::{FORMAT, is_of_epoch};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::App;
use super::problem::{Problem, ProblemKind};

/// How many backups may be made at once: each keeps what the node replaces meanwhile in the store's file.
pub(super) const MAX_BACKUPS: usize = 1;
/// How much is sent at a time.
const PIECE_BYTES: usize = 64 << 10;
/// How many pieces wait for a client that reads.
const WAITING: usize = 4;
/// How long a client may take to read one piece before it is cut off.
const SLOW_CLIENT: Duration = Duration::from_secs(30);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(backup))
}

/// A backup of the node's store as the last commit left it, without the node's key
///
/// The node sells meanwhile. What comes ends with a hash of itself, so one that broke off is no backup.
#[utoipa::path(get, path = "/v1/backup", tag = "operations", operation_id = "get_backup",
    responses((status = 200, description = "The backup, for `tillmesh restore`", body = Vec<u8>,
        content_type = "application/octet-stream")))]
async fn backup(State(app): State<App>) -> Result<([(HeaderName, &'static str); 1], Body), Problem> {
    let permit = app.backups.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Problem::new(ProblemKind::BackupRunning, "somebody is making a backup now"))?;
    let snapshot = app.handle.reader().snapshot()?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let runtime = tokio::runtime::Handle::current();
    let pieces = Pieces { sender: sender.clone(), stopping: app.stopping.clone(), runtime };
    tokio::task::spawn_blocking(move || {
        let result = snapshot.write_to(BufWriter::with_capacity(PIECE_BYTES, pieces), FORMAT, is_of_epoch);
        match result {
            Ok(backup) => tracing::info!(position = backup.position, bytes = backup.bytes, "made a backup"),
            Err(error) => {
                tracing::warn!(%error, "a backup broke off");
                // A client that is gone or reads nothing does not get it; the others see that this is not the end.
                drop(sender.try_send(Err(io::Error::other(error))));
            }
        }
        drop(permit);
    });
    let media = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((media, Body::from_stream(ReceiverStream::new(receiver))))
}

/// Writes to a client, from a thread that may wait for it.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    stopping: watch::Receiver<bool>,
    runtime: tokio::runtime::Handle,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (sender, stopping) = (&self.sender, &mut self.stopping);
        let piece = Ok(Bytes::copy_from_slice(bytes));
        self.runtime.block_on(async {
            tokio::select! {
                sent = tokio::time::timeout(SLOW_CLIENT, sender.send(piece)) => match sent {
                    Ok(Ok(())) => Ok(bytes.len()),
                    Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone")),
                    Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")),
                },
                _ = stopping.wait_for(|stopping| *stopping) => Err(io::Error::other("the node is stopping")),
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
