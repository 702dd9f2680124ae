//! Work of requests that waits for the disk: on threads that may wait.

use super::problem::{Problem, ProblemKind};

/// Does something that reads the store, on a thread of its own.
///
/// # Errors
/// What it gives as its error, or that it panicked.
pub(super) async fn blocking<T, E>(read: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(read).await;
    done.map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))?.map_err(Into::into)
}

/// Does something of several steps to its end, also where the client has gone meanwhile: half of them would be lost.
///
/// # Errors
/// When it panicked.
pub(super) async fn to_its_end<T: Send + 'static>(
    steps: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::spawn(steps).await;
    done.map_err(|error| Problem::new(ProblemKind::Internal, error.to_string()))
}
