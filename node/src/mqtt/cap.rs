//! A stream that cuts oversized PUBLISH packets on their way in.
//!
//! rumqttc ends the connection at a packet above its limit. The broker would then send the same packet after every
//! reconnect if it is retained, so that one foreign message could keep a node off the line for ever. Here the packet is
//! made shorter before rumqttc sees it: the length is rewritten, topic and packet id pass, zeros follow, and the rest
//! is read and thrown away. In MQTT 5 the first zero says that there are no properties, so they cannot be long either.
//! rumqttc acknowledges the packet, so the broker is done with it; the worker sees a payload above [`MAX_PAYLOAD`],
//! drops it and counts it. Any other packet of such a size is an error. Memory stays at one packet of
//! [`MAX_REMAINING`] whatever the other side sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};

use super::MAX_PAYLOAD;

/// The largest *remaining length* (all of a packet after its fixed header) that passes: the longest topic that MQTT
/// allows with its length, a packet id, no properties, and one byte more payload than is allowed. So a packet that was
/// cut still has a payload above the cap, however long its topic is.
pub(super) const MAX_REMAINING: usize = 2 + 65_535 + 2 + 1 + MAX_PAYLOAD + 1;

/// Bytes read from the socket at a time: a few hundred small messages, or a quarter of a large one.
const READ_BUFFER: usize = 16 * 1024;

/// One byte of type and flags, and a length of one to four bytes.
const MAX_FIXED_HEADER: usize = 5;

/// What is looked at of a packet: its fixed header and the length of its topic.
const HEAD: usize = MAX_FIXED_HEADER + 2;

const PUBLISH: u8 = 3;

/// Where the fixed header of a message says its quality of service; of 0 there is no packet id.
const QOS: u8 = 0x06;

/// The stream with its place in the packet that is coming in.
#[derive(Debug)]
pub(super) struct CappedStream<S> {
    inner: BufReader<S>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// In the fixed header, of which these bytes have come.
    Header { bytes: [u8; HEAD], len: usize },
    /// In the length of the topic of a message that is too long: its fixed header as it came, and of the length.
    Topic { first: u8, remaining: usize, length: [u8; 2], len: usize },
    /// In what is passed on instead of what came.
    Rewritten { bytes: [u8; HEAD], from: usize, to: usize, body: Body },
    /// In the rest.
    Body(Body),
    /// At a packet that nobody may send.
    TooLong { remaining: usize },
}

/// What becomes of the rest of a packet, in this order.
#[derive(Debug, Clone, Copy)]
struct Body {
    /// So many bytes are passed on.
    pass: usize,
    /// So many zeros are put in.
    fill: usize,
    /// So many bytes are thrown away.
    skip: usize,
}

const START: Place = Place::Header { bytes: [0; HEAD], len: 0 };

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
        if let Place::TooLong { remaining } = self.place {
            let reason = format!("the broker sent a packet of {remaining} bytes that is no message");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
        if self.place.put(out) {
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
    /// Passes on what needs nothing to come in; says whether there was any.
    fn put(&mut self, out: &mut ReadBuf<'_>) -> bool {
        match self {
            Self::Rewritten { bytes, from, to, body } => {
                let count = out.remaining().min(*to - *from);
                out.put_slice(&bytes[*from..*from + count]);
                *from += count;
                if from == to {
                    *self = Self::Body(*body).or_next();
                }
                true
            }
            Self::Body(Body { pass: 0, fill, skip }) if *fill > 0 => {
                let count = out.remaining().min(*fill).min(ZEROS.len());
                out.put_slice(&ZEROS[..count]);
                *self = Self::Body(Body { pass: 0, fill: *fill - count, skip: *skip }).or_next();
                true
            }
            _ => false,
        }
    }

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
            Self::Topic { first, remaining, length, len } => {
                length[*len] = incoming[0];
                *len += 1;
                if *len == length.len() {
                    *self = shortened(*first, *remaining, *length);
                }
                1
            }
            Self::Body(Body { pass: 0, fill, skip }) => {
                let count = incoming.len().min(*skip);
                *self = Self::Body(Body { pass: 0, fill: *fill, skip: *skip - count }).or_next();
                count
            }
            Self::Body(Body { pass, fill, skip }) => {
                let count = incoming.len().min(*pass).min(out.remaining());
                out.put_slice(&incoming[..count]);
                *self = Self::Body(Body { pass: *pass - count, fill: *fill, skip: *skip }).or_next();
                count
            }
            Self::Rewritten { .. } | Self::TooLong { .. } => 0,
        }
    }

    /// The next packet's header when nothing is left of this one.
    fn or_next(self) -> Self {
        match self {
            Self::Body(Body { pass: 0, fill: 0, skip: 0 }) => START,
            other => other,
        }
    }
}

const ZEROS: [u8; 1024] = [0; 1024];

fn after_header(bytes: [u8; HEAD], len: usize, complete: bool) -> Place {
    let whole = |pass| Place::Rewritten { bytes, from: 0, to: len, body: Body { pass, fill: 0, skip: 0 } };
    if !complete {
        // Not MQTT: everything passes as it is, and rumqttc refuses it.
        return whole(usize::MAX);
    }
    let remaining = bytes[1..len].iter().rev().fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
    match bytes[0] >> 4 {
        _ if remaining <= MAX_REMAINING => whole(remaining),
        PUBLISH => Place::Topic { first: bytes[0], remaining, length: [0; 2], len: 0 },
        _ => Place::TooLong { remaining },
    }
}

/// A message that is too long, with zeros after its topic and packet id.
fn shortened(first: u8, remaining: usize, length: [u8; 2]) -> Place {
    let (header, len) = fixed_header(first, MAX_REMAINING);
    let mut bytes = [0; HEAD];
    bytes[..len].copy_from_slice(&header[..len]);
    bytes[len..len + 2].copy_from_slice(&length);
    let packet_id = if first & QOS == 0 { 0 } else { 2 };
    let pass = usize::from(u16::from_be_bytes(length)) + packet_id;
    let body = Body { pass, fill: MAX_REMAINING - 2 - pass, skip: remaining - 2 - pass };
    Place::Rewritten { bytes, from: 0, to: len + 2, body }
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
