//! Names and ids. Every id is a newtype that holds only what passed its check.
//!
//! Names that people choose ([`Name`]) travel in MQTT topics, so they are limited to what every broker carries:
//! `[A-Za-z0-9_-]`, at most [`Name::MAX_LEN`] bytes. Things of the trade ([`Sku`], [`Reference`]) come from other
//! systems and are kept to the letter: case matters, spaces inside matter.

use std::cmp::Ordering;
use std::fmt;

use minicbor::{CborLen, Decode, Encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;

/// Why a text is no id: the rule that it breaks, in words that finish the sentence "the value ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is no {kind}: {rule}")]
pub struct InvalidId {
    /// What it should have been, such as `SKU`.
    pub kind: &'static str,
    /// The offending text, cut to 80 characters.
    pub value: String,
    /// The rule in words.
    pub rule: String,
}

impl InvalidId {
    fn new(kind: &'static str, value: &str, rule: impl Into<String>) -> Self {
        Self { kind, value: value.chars().take(80).collect(), rule: rule.into() }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident, $max:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            /// The first bytes as a number: every lookup of a row compares texts, most of which differ there.
            head: u64,
            text: SmolStr,
        }

        impl $name {
            /// The longest value in bytes.
            pub const MAX_LEN: usize = $max;

            /// Checks a text and takes it.
            ///
            /// # Errors
            /// When the text breaks the rule of this kind of id.
            pub fn new(text: &str) -> Result<Self, InvalidId> {
                $check($kind, text, Self::MAX_LEN)?;
                Ok(Self { head: head_of(text), text: text.into() })
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.text
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                match self.head.cmp(&other.head) {
                    Ordering::Equal if self.text.len().max(other.text.len()) > HEAD => {
                        self.as_str().cmp(other.as_str())
                    }
                    ordering => ordering,
                }
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.text).finish()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(&text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.text.into()
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(&self.text)?.ok()
            }
        }

        impl<C> CborLen<C> for $name {
            fn cbor_len(&self, context: &mut C) -> usize {
                self.text.as_str().cbor_len(context)
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(d.str()?).map_err(|error| minicbor::decode::Error::custom(error))
            }
        }
    };
}

text_id! {
    /// A name chosen by people for a node, location, region, fleet, channel, plugin or promotion.
    Name, "name", check_name, 48
}

text_id! {
    /// A stock keeping unit: what is counted, priced and sold, as the retailer writes it.
    Sku, "SKU", check_text, 64
}

text_id! {
    /// A reference of another system: an order number, a delivery note, a customer key. Opaque to Tillmesh; never a
    /// person's name, address or number (ledgers are kept for ever).
    Reference, "reference", check_text, 128
}

/// How many bytes of a text its head holds.
const HEAD: usize = size_of::<u64>();

/// The first bytes, as a number that orders as they do: no text holds a zero byte, so what is missing comes first.
fn head_of(text: &str) -> u64 {
    let mut bytes = [0; HEAD];
    bytes.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
    u64::from_be_bytes(bytes)
}

fn check_name(kind: &'static str, text: &str, max: usize) -> Result<(), InvalidId> {
    check_text(kind, text, max)?;
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '_' || *c == '-')) {
        Some(c) => Err(InvalidId::new(kind, text, format!("{c:?} is not one of A-Z, a-z, 0-9, _ and -"))),
        None => Ok(()),
    }
}

fn check_text(kind: &'static str, text: &str, max: usize) -> Result<(), InvalidId> {
    if text.is_empty() {
        return Err(InvalidId::new(kind, text, "it is empty"));
    }
    if text.len() > max {
        return Err(InvalidId::new(kind, text, format!("it has {} bytes, at most {max} are allowed", text.len())));
    }
    if text.trim() != text {
        return Err(InvalidId::new(kind, text, "it begins or ends with white space"));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(c) => Err(InvalidId::new(kind, text, format!("it holds the control character {c:?}"))),
        None => Ok(()),
    }
}

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Encode, CborLen)]
        #[serde(try_from = "String", into = "String")]
        #[cbor(transparent)]
        pub struct $name(#[cbor(n(0), with = "minicbor::bytes")] [u8; $len]);

        impl $name {
            /// The number of bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes a slice of exactly the right length.
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The first bytes of a SHA-256 over a domain label and length-prefixed parts, so that no two lists of
            /// parts give the same input.
            pub fn hash_of(label: &str, parts: &[&[u8]]) -> Self {
                let digest = hash_parts(label, parts);
                let mut bytes = [0; $len];
                bytes.copy_from_slice(&digest[..$len]);
                Self(bytes)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                unbase32(text)
                    .and_then(|bytes| Self::from_slice(&bytes))
                    .ok_or_else(|| {
                        InvalidId::new($kind, text, concat!("it must be ", $len, " bytes in base32 (a-z, 2-7)"))
                    })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| minicbor::decode::Error::message(concat!($kind, " must have ", $len, " bytes")))
            }
        }
    };
}

bytes_id! {
    /// One life of a node's store. Made from the node's public key and a salt, so that nobody without the key can write
    /// under it (see [`crate::identity`]).
    Epoch, "epoch", 10
}

bytes_id! {
    /// One start of a process, random. Two copies of a disk never share one, so their histories never hide each other.
    Boot, "boot", 6
}

bytes_id! {
    /// A business event, by hash of who sent it, its idempotency key and, of a client, what it asked for: the same
    /// message counts once, wherever it arrives.
    EventId, "event id", 16
}

bytes_id! {
    /// A cart.
    CartId, "cart id", 10
}

bytes_id! {
    /// SHA-256 of something stored by its content: a plugin's component, the inputs of a price.
    ObjectHash, "object hash", 32
}

bytes_id! {
    /// The hash of one Automerge change.
    ChangeHash, "change hash", 32
}

bytes_id! {
    /// An Ed25519 public key (RFC 8032): of a node, or of a fleet.
    PublicKey, "public key", 32
}

bytes_id! {
    /// A statement of a fleet's key, by its hash.
    StatementId, "statement id", 16
}

bytes_id! {
    /// A document, by the hash of its id.
    DocumentHash, "document hash", 16
}

/// How many bytes of an event's id come of the client's key: of a thousand million keys hardly ever two begin alike.
const OF_CLIENT_KEY: usize = 10;

impl EventId {
    /// The id of an event that a channel's message causes. The same at every node, so that a webhook that was retried
    /// at another node counts once. `part` tells apart the events of one message.
    pub fn of_channel_message(channel: &Name, message_id: &str, part: u32) -> Self {
        Self::hash_of("tillmesh channel", &[channel.as_str().as_bytes(), message_id.as_bytes(), &part.to_be_bytes()])
    }

    /// The id of an event that a client of a node asks for with its idempotency key. The node goes by name, not by
    /// epoch, so that a client may repeat its request to a node that was rebuilt from its peers. The id begins with
    /// what the node and the key say, so that a key that is used again is noticed, and ends with what the request says:
    /// two copies of a store that are asked for different things under one key record two events.
    pub fn of_client_key(node: &Name, key: &str, digest: [u8; 8]) -> Self {
        let Self(mut bytes) = Self::under_client_key(node, key);
        let Self(end) = Self::hash_of("tillmesh client request", &[&digest]);
        bytes[OF_CLIENT_KEY..].copy_from_slice(&end[OF_CLIENT_KEY..]);
        Self(bytes)
    }

    /// What all ids under a client's key begin like; an answer that is no event is kept by it.
    pub(crate) fn under_client_key(node: &Name, key: &str) -> Self {
        Self::hash_of("tillmesh client", &[node.as_str().as_bytes(), key.as_bytes()])
    }

    /// The least and the greatest id that there may be under a client's key.
    pub fn span_of_client_key(node: &Name, key: &str) -> (Self, Self) {
        let Self(bytes) = Self::under_client_key(node, key);
        let (mut least, mut greatest) = (bytes, bytes);
        least[OF_CLIENT_KEY..].fill(0);
        greatest[OF_CLIENT_KEY..].fill(u8::MAX);
        (Self(least), Self(greatest))
    }

    /// The id of the event that follows one of the same command: a transfer's arrival, a return's refund, what vouchers
    /// paid of a sale.
    pub(crate) fn second(&self) -> Self {
        Self::hash_of("tillmesh second event", &[self.as_bytes()])
    }
}

impl ObjectHash {
    /// SHA-256 of the content.
    pub fn of(content: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&Sha256::digest(content));
        Self(bytes)
    }
}

/// Who writes: a node in one epoch. Ledgers, rights and receipt numbers belong to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, CborLen)]
pub struct Writer {
    /// The node's name.
    #[n(0)]
    pub node: Name,
    /// The life of its store.
    #[n(1)]
    pub epoch: Epoch,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.node, self.epoch)
    }
}

impl std::str::FromStr for Writer {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (node, epoch) =
            text.rsplit_once('-').ok_or_else(|| InvalidId::new("writer", text, "it must be <node>-<epoch>"))?;
        Ok(Self { node: node.parse()?, epoch: epoch.parse()? })
    }
}

/// SHA-256 over a domain label and length-prefixed parts.
pub(crate) fn hash_parts(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in std::iter::once(label.as_bytes()).chain(parts.iter().copied()) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

fn base32(bytes: &[u8]) -> String {
    data_encoding::BASE32_NOPAD.encode(bytes).to_ascii_lowercase()
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    data_encoding::BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()
}

#[cfg(test)]
mod tests;
