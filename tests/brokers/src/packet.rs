//! Whole MQTT packets, as far as a link must understand them: kind, quality of service, packet id.
//!
//! ```text
//! byte 0              kind (4 bits), flags (4 bits; in PUBLISH bits 1 and 2 are the quality of service)
//! 1 to 4 bytes        the length of all that follows: 7 bits a byte, the lowest first, bit 7 says that more follows
//! PUBLISH             length of the topic (2 bytes), topic, packet id (2 bytes, not at quality 0), payload
//! PUBACK              packet id (2 bytes)
//! ```

use std::io::{self, Read};

/// The largest packet that is taken: far above what the tests send, far below what the format allows.
const MAX_LENGTH: usize = 4 * 1024 * 1024;
/// Bytes of the length, at most.
const MAX_LENGTH_BYTES: usize = 4;

const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;

/// A packet, to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    bytes: Vec<u8>,
    /// Where the fixed header ends.
    body: usize,
}

/// What a link does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A message that is acknowledged, under its packet id.
    Message(u16),
    /// A message that nobody acknowledges.
    Unacknowledged,
    /// The acknowledgement of a message.
    Acknowledgement(u16),
    /// Everything else, such as CONNECT or PINGREQ, and messages of quality 2, which Tillmesh does not send.
    Other,
}

impl Packet {
    /// Reads the next packet. None when the stream ends before one begins.
    ///
    /// # Errors
    /// When the stream breaks, or what comes is no packet.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut bytes = vec![0];
        if from.read(&mut bytes)? == 0 {
            return Ok(None);
        }
        let length = read_length(from, &mut bytes)?;
        let body = bytes.len();
        bytes.resize(body + length, 0);
        from.read_exact(&mut bytes[body..])?;
        let packet = Self { bytes, body };
        packet.check()?;
        Ok(Some(packet))
    }

    /// CONNECT by MQTT 3.1.1: a clean session without a will.
    pub fn connect(client: &str) -> Self {
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 60];
        body.extend((client.len() as u16).to_be_bytes());
        body.extend(client.as_bytes());
        Self::new(0x10, &body)
    }

    /// DISCONNECT.
    pub fn disconnect() -> Self {
        Self::new(0xe0, &[])
    }

    /// The acknowledgement of a message.
    pub fn acknowledgement(id: u16) -> Self {
        Self::new(PUBACK << 4, &id.to_be_bytes())
    }

    /// The packet as it is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is a CONNACK that lets the client in.
    pub fn is_welcome(&self) -> bool {
        self.kind() == CONNACK && self.bytes.get(self.body + 1) == Some(&0)
    }

    /// What a link does with it.
    pub fn role(&self) -> Role {
        match (self.kind(), self.quality()) {
            (PUBLISH, 0) => Role::Unacknowledged,
            (PUBLISH, 1) => Role::Message(self.number(self.id_at())),
            (PUBACK, _) => Role::Acknowledgement(self.number(self.body)),
            _ => Role::Other,
        }
    }

    /// The same message under another packet id.
    pub fn under(&self, id: u16) -> Self {
        let (mut bytes, at) = (self.bytes.clone(), self.id_at());
        bytes[at..at + 2].copy_from_slice(&id.to_be_bytes());
        Self { bytes, body: self.body }
    }

    fn new(first: u8, body: &[u8]) -> Self {
        let mut bytes = vec![first];
        let mut rest = body.len();
        loop {
            let more = if rest > 0x7f { 0x80 } else { 0 };
            bytes.push((rest & 0x7f) as u8 | more);
            rest >>= 7;
            if rest == 0 {
                break;
            }
        }
        let at = bytes.len();
        bytes.extend(body);
        Self { bytes, body: at }
    }

    fn kind(&self) -> u8 {
        self.bytes[0] >> 4
    }

    fn quality(&self) -> u8 {
        self.bytes[0] >> 1 & 3
    }

    /// Where a message has its packet id: after its topic.
    fn id_at(&self) -> usize {
        self.body + 2 + usize::from(self.number(self.body))
    }

    /// Two bytes; [`Packet::check`] has seen that they are there.
    fn number(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    /// That every number that is asked for later is there.
    fn check(&self) -> io::Result<()> {
        let needed = match (self.kind(), self.quality()) {
            (PUBLISH, 1) if self.bytes.len() >= self.body + 2 => self.id_at() + 2,
            (PUBLISH, 1) | (PUBACK, _) => self.body + 2,
            _ => self.body,
        };
        if self.bytes.len() < needed { Err(invalid("an MQTT packet is too short for what it says")) } else { Ok(()) }
    }
}

fn read_length(from: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    for place in 0..MAX_LENGTH_BYTES {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        bytes.extend(byte);
        length |= usize::from(byte[0] & 0x7f) << (7 * place);
        if byte[0] & 0x80 == 0 {
            let fits = length <= MAX_LENGTH;
            return if fits { Ok(length) } else { Err(invalid("an MQTT packet is too large")) };
        }
    }
    Err(invalid("the length of an MQTT packet has no end"))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
