//! A body cut into lines, without ever holding more than one.

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;

/// The longest line: an event at its limit, written out. With [`super::sales::IN_FLIGHT`] lines this bounds an import's
/// memory at 32 MB, which only a hostile one comes near.
pub(super) const MAX_LINE: usize = 256 * 1024;

/// The lines of a body.
pub(super) struct Lines {
    body: BodyDataStream,
    buffer: BytesMut,
    /// How much of the buffer holds no end of a line.
    searched: usize,
    number: u64,
    /// Set while the rest of a line is dropped that was too long.
    dropping: bool,
    ended: bool,
    broken_off: bool,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Its number, from 1, and its text without white space around it.
    Text(u64, Bytes),
    /// Too long to be read.
    TooLong(u64),
}

impl Lines {
    /// The lines of a body.
    pub(super) fn new(body: Body) -> Self {
        let buffer = BytesMut::new();
        let body = body.into_data_stream();
        Self { body, buffer, searched: 0, number: 0, dropping: false, ended: false, broken_off: false }
    }

    /// Whether the body broke off.
    pub(super) const fn is_broken_off(&self) -> bool {
        self.broken_off
    }

    /// The next line that is not empty; none at the end. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    /// When the body breaks off: what stands behind the last end of a line is then no line.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, axum::Error> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(None);
            }
            match self.body.next().await {
                Some(chunk) => {
                    let chunk = chunk.inspect_err(|_| self.broken_off = true)?;
                    self.buffer.extend_from_slice(&chunk);
                }
                None => self.end(),
            }
        }
    }

    fn take(&mut self) -> Option<Line> {
        while let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(self.searched + end + 1).freeze();
            self.searched = 0;
            self.number += 1;
            if std::mem::take(&mut self.dropping) || line.len() > MAX_LINE {
                return Some(Line::TooLong(self.number));
            }
            let text = line.slice_ref(line.trim_ascii());
            if !text.is_empty() {
                return Some(Line::Text(self.number, text));
            }
        }
        self.searched = self.buffer.len();
        if self.buffer.len() > MAX_LINE {
            self.buffer.clear();
            self.searched = 0;
            self.dropping = true;
        }
        None
    }

    /// The last line need not have an end.
    fn end(&mut self) {
        self.ended = true;
        if self.dropping || !self.buffer.is_empty() {
            self.buffer.extend_from_slice(b"\n");
        }
    }
}

#[cfg(test)]
mod tests;
