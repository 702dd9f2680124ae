//! A stream that cuts oversized PUBLISH packets on their way in.
//!
//! rumqttc ends the connection at a packet above its limit. The broker would then send the same packet after every
//! reconnect if it is retained, so that one foreign message could keep a node off the line for ever. Here the packet is
//! made shorter before rumqttc sees it: header rewritten, the rest read and thrown away. rumqttc acknowledges it, so
//! the broker is done with it; the worker sees a payload above [`MAX_PAYLOAD`], drops it and counts it. Memory stays at
//! one packet of [`MAX_REMAINING`] whatever the other side sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};

use super::MAX_PAYLOAD;

/// The largest *remaining length* (all of a packet after its fixed header) that passes: the longest topic that MQTT
/// allows with its length, a packet id, and one byte more payload than is allowed. So a packet that was cut still has a
/// payload above the cap, however long its topic is.
pub(super) const MAX_REMAINING: usize = 2 + 65_535 + 2 + MAX_PAYLOAD + 1;

/// Bytes read from the socket at a time: a few hundred small messages, or a quarter of a large one.
const READ_BUFFER: usize = 16 * 1024;

/// One byte of type and flags, and a length of one to four bytes.
const MAX_FIXED_HEADER: usize = 5;

const PUBLISH: u8 = 3;

/// The stream with its place in the packet that is coming in.
#[derive(Debug)]
pub(super) struct CappedStream<S> {
    inner: BufReader<S>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In the fixed header, of which these bytes have come.
    Header { bytes: [u8; MAX_FIXED_HEADER], len: usize },
    /// In the fixed header as it is passed on.
    Rewritten { bytes: [u8; MAX_FIXED_HEADER], from: usize, to: usize, pass: usize, skip: usize },
    /// In the rest: so many bytes to pass on, so many to throw away after them.
    Body { pass: usize, skip: usize },
}

const START: Place = Place::Header { bytes: [0; MAX_FIXED_HEADER], len: 0 };

impl<S: AsyncRead> CappedStream<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner: BufReader::with_capacity(READ_BUFFER, inner), place: START }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CappedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let begin = out.filled().len();
        while out.remaining() > 0 {
            match self.step(cx, out) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if out.filled().len() > begin => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> CappedStream<S> {
    /// Moves on by one piece. False at the end of the stream.
    fn step(&mut self, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        if let Place::Rewritten { bytes, from, to, pass, skip } = &mut self.place {
            let count = out.remaining().min(*to - *from);
            out.put_slice(&bytes[*from..*from + count]);
            *from += count;
            if from == to {
                self.place = Place::Body { pass: *pass, skip: *skip }.or_next();
            }
            return Poll::Ready(Ok(true));
        }
        let incoming = ready!(Pin::new(&mut self.inner).poll_fill_buf(cx))?;
        if incoming.is_empty() {
            return Poll::Ready(Ok(false));
        }
        let used = self.place.take(incoming, out);
        Pin::new(&mut self.inner).consume(used);
        Poll::Ready(Ok(true))
    }
}

impl Place {
    /// Uses some of the incoming bytes, says how many.
    fn take(&mut self, incoming: &[u8], out: &mut ReadBuf<'_>) -> usize {
        match self {
            Self::Header { bytes, len } => {
                bytes[*len] = incoming[0];
                *len += 1;
                let complete = *len > 1 && incoming[0] & 0x80 == 0;
                if complete || *len == MAX_FIXED_HEADER {
                    *self = after_header(*bytes, *len, complete);
                }
                1
            }
            Self::Body { pass: 0, skip } => {
                let count = incoming.len().min(*skip);
                *skip -= count;
                *self = Self::Body { pass: 0, skip: *skip }.or_next();
                count
            }
            Self::Body { pass, skip } => {
                let count = incoming.len().min(*pass).min(out.remaining());
                out.put_slice(&incoming[..count]);
                *self = Self::Body { pass: *pass - count, skip: *skip }.or_next();
                count
            }
            Self::Rewritten { .. } => 0,
        }
    }

    /// The next packet's header when nothing is left of this one.
    fn or_next(self) -> Self {
        match self {
            Self::Body { pass: 0, skip: 0 } => START,
            other => other,
        }
    }
}

fn after_header(bytes: [u8; MAX_FIXED_HEADER], len: usize, complete: bool) -> Place {
    if !complete {
        // Not MQTT: everything passes as it is, and rumqttc refuses it.
        return Place::Rewritten { bytes, from: 0, to: len, pass: usize::MAX, skip: 0 };
    }
    let remaining = bytes[1..len].iter().rev().fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
    if bytes[0] >> 4 != PUBLISH || remaining <= MAX_REMAINING {
        return Place::Rewritten { bytes, from: 0, to: len, pass: remaining, skip: 0 };
    }
    let (bytes, to) = fixed_header(bytes[0], MAX_REMAINING);
    Place::Rewritten { bytes, from: 0, to, pass: MAX_REMAINING, skip: remaining - MAX_REMAINING }
}

fn fixed_header(first: u8, mut remaining: usize) -> ([u8; MAX_FIXED_HEADER], usize) {
    let mut bytes = [first, 0, 0, 0, 0];
    let mut len = 1;
    loop {
        let more = if remaining > 0x7f { 0x80 } else { 0 };
        bytes[len] = (remaining & 0x7f) as u8 | more;
        len += 1;
        remaining >>= 7;
        if remaining == 0 {
            return (bytes, len);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for CappedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.inner.get_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.inner.get_mut()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.inner.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.inner.get_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
