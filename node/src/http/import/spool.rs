//! Answers on their way to a client that may not read yet: in memory, and what does not fit there in a file.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::Notify;

/// How many bytes of answers wait in memory: what a client that reads is behind at most, with room.
const MEMORY: usize = 256 * 1024;
/// How many bytes wait in the file: answers to more than a million lines. A client that has not read by then is waited
/// for.
const FILE: u64 = 256 * 1024 * 1024;
/// How many bytes are read from the file at a time.
const CHUNK: usize = 64 * 1024;

/// Takes answers.
pub(super) struct Sender(Arc<Shared>);

/// Gives answers.
pub(super) struct Receiver(Arc<Shared>);

/// Why answers go nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// The client has gone.
    #[error("the client has gone")]
    Gone,
    /// The file cannot be written.
    #[error("answers cannot be kept for the client: {0}")]
    File(#[from] io::Error),
}

struct Shared {
    folder: PathBuf,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    memory: VecDeque<Bytes>,
    memory_bytes: usize,
    file: Option<File>,
    read_at: u64,
    write_at: u64,
    finished: bool,
    /// Set when not every line was answered.
    broken: bool,
    gone: bool,
}

/// A spool whose file lies in a folder, without a name there: whatever happens, nothing of it stays.
pub(super) fn open(folder: &Path) -> (Sender, Receiver) {
    let shared = Arc::new(Shared { folder: folder.to_path_buf(), state: Mutex::default(), changed: Notify::new() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

impl Sender {
    /// Takes an answer; waits while too many wait already.
    ///
    /// # Errors
    /// When the client has gone or the file cannot be written.
    pub(super) async fn send(&self, answer: Bytes) -> Result<(), SpoolError> {
        loop {
            let changed = self.0.changed.notified();
            if self.0.try_put(&answer)? {
                self.0.changed.notify_waiters();
                return Ok(());
            }
            changed.await;
        }
    }
}

impl Sender {
    /// Ends the answers as broken off: the client's connection ends without the end of a response, so that it does not
    /// take what it got for everything.
    pub(super) fn break_off(self) {
        self.0.state().broken = true;
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.state().finished = true;
        self.0.changed.notify_waiters();
    }
}

impl Receiver {
    /// The answers, in order.
    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> {
        futures_util::stream::unfold(self, |receiver| async move {
            let answer = receiver.receive().await?;
            Some((answer, receiver))
        })
    }

    async fn receive(&self) -> Option<io::Result<Bytes>> {
        loop {
            let changed = self.0.changed.notified();
            // Asked before the answers: one that is put and ended in between is not missed.
            let finished = self.0.state().finished;
            if let Some(taken) = self.0.try_take().transpose() {
                self.0.changed.notify_waiters();
                return Some(taken);
            }
            if finished {
                let broken = std::mem::take(&mut self.0.state().broken);
                return broken.then(|| Err(io::Error::other("the import broke off")));
            }
            changed.await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.state().gone = true;
        self.0.changed.notify_waiters();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_put(&self, answer: &Bytes) -> Result<bool, SpoolError> {
        let mut state = self.state();
        if state.gone {
            return Err(SpoolError::Gone);
        }
        if state.read_at == state.write_at && state.memory_bytes + answer.len() <= MEMORY {
            state.memory_bytes += answer.len();
            state.memory.push_back(answer.clone());
            return Ok(true);
        }
        if state.write_at - state.read_at + answer.len() as u64 > FILE {
            return Ok(false);
        }
        let (at, file) = (state.write_at, state.file(&self.folder)?);
        file.write_all_at(answer, at)?;
        state.write_at += answer.len() as u64;
        Ok(true)
    }

    /// What is in memory is older than what is in the file.
    fn try_take(&self) -> io::Result<Option<Bytes>> {
        let mut state = self.state();
        if let Some(answer) = state.memory.pop_front() {
            state.memory_bytes -= answer.len();
            return Ok(Some(answer));
        }
        let waiting = usize::try_from(state.write_at - state.read_at).unwrap_or(CHUNK);
        if waiting == 0 {
            return Ok(None);
        }
        let (at, file) = (state.read_at, state.file(&self.folder)?);
        let mut chunk = vec![0; waiting.min(CHUNK)];
        file.read_exact_at(&mut chunk, at)?;
        state.read_at += chunk.len() as u64;
        if state.read_at == state.write_at {
            state.file(&self.folder)?.set_len(0)?;
            (state.read_at, state.write_at) = (0, 0);
        }
        Ok(Some(chunk.into()))
    }
}

impl State {
    fn file(&mut self, folder: &Path) -> io::Result<&File> {
        match &mut self.file {
            Some(file) => Ok(file),
            empty => Ok(empty.insert(tempfile::tempfile_in(folder)?)),
        }
    }
}

#[cfg(test)]
mod tests;
