//! The messages, and their limits.

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use crate::codec::{self, DecodeError};
use crate::cose::CoseError;
use crate::document::DocumentId;
use crate::id::{ChangeHash, Name};
use crate::sync::claim::Claim;
use crate::sync::denial::Denial;
use crate::sync::ranges::Item;
use crate::sync::wish::Wish;
use crate::sync::word;

/// The version of every message: its first byte.
const VERSION: u8 = 1;
/// The longest message: what every broker carries (64 KB), less a reserve for topic and header.
pub const MAX_MESSAGE: usize = 63 * 1024;
/// The most envelopes in one message.
const MAX_ENVELOPES: usize = 512;
/// The most documents or changes that a digest speaks of: as many as any program reads exactly (2^53).
const MOST_COUNTED: u64 = 1 << 53;
/// How many bytes of documents and heads one piece of a request lists.
pub(crate) const LISTED_BYTES: usize = 48 * 1024;

/// The kinds of messages; each is a level of its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Signed batches.
    Changes,
    /// The digest of a scope.
    Digest,
    /// What the asker holds.
    Request,
    /// What the asker lacks.
    Response,
    /// Whether a node is there.
    Presence,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Changes, Self::Digest, Self::Request, Self::Response, Self::Presence];

    /// The word in topics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Digest => "digest",
            Self::Request => "request",
            Self::Response => "response",
            Self::Presence => "presence",
        }
    }
}

/// A document that somebody holds, and its heads there.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Held {
    /// The document.
    #[n(0)]
    pub document: DocumentId,
    /// Its heads.
    #[n(1)]
    pub heads: Vec<ChangeHash>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Digest {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub sum: [u8; 32],
    #[n(1)]
    pub documents: u64,
    /// How many changes they have: tells who of two that differ is more likely behind.
    #[n(2)]
    pub changes: u64,
}

/// A question to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Request {
    #[n(0)]
    pub from: Name,
    #[n(1)]
    pub id: u64,
    #[n(2)]
    pub ask: Ask,
    /// Whether others seem to lack the same, so that one answer may serve them all.
    #[n(3)]
    pub everybody: Option<bool>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) enum Ask {
    /// For everything of the scope that the asker lacks: this is all that it holds.
    #[n(0)]
    Rest(#[n(0)] Vec<Held>),
    /// What differs: a message of a comparison.
    #[n(1)]
    Compare(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// For documents that a comparison found.
    #[n(2)]
    Documents(#[n(0)] Vec<Wanted>),
    /// For rights, to promise or to pay back: a signed [`Wish`](crate::sync::Wish).
    #[n(3)]
    Rights(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// For a cart's token: a signed [`Claim`](crate::sync::Claim), and the heads of the cart that the asker has.
    #[n(4)]
    Claim(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>, #[n(1)] Vec<ChangeHash>),
}

/// A document at the heads that the peer has, and the heads that the asker has of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Wanted {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub item: Item,
    #[n(1)]
    pub heads: Vec<ChangeHash>,
}

/// What a peer says to a question.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Response {
    #[n(0)]
    pub from: Name,
    #[n(1)]
    pub id: u64,
    #[n(2)]
    pub answer: Answer,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) enum Answer {
    /// Batches that the asker lacks.
    #[n(0)]
    Batches {
        /// Whether there are no more.
        #[n(0)]
        last: bool,
        /// The signed batches.
        #[n(1)]
        envelopes: Vec<ByteVec>,
    },
    /// The next message of a comparison.
    #[n(1)]
    Compare(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// That what was asked for is not given: a signed [`Denial`](crate::sync::Denial).
    #[n(2)]
    Denied(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct Presence {
    #[n(0)]
    pub here: bool,
}

/// Puts envelopes into one message.
pub fn pack(envelopes: &[Vec<u8>]) -> Vec<u8> {
    to_bytes(&envelopes.iter().cloned().map(ByteVec::from).collect::<Vec<_>>())
}

/// Takes envelopes out of a message.
///
/// # Errors
/// When it is no such message.
pub fn unpack(payload: &[u8]) -> Result<Vec<Vec<u8>>, MessageError> {
    let envelopes: Vec<ByteVec> = from_bytes(payload)?;
    if envelopes.len() > MAX_ENVELOPES {
        return Err(MessageError::TooMany { count: envelopes.len(), most: MAX_ENVELOPES });
    }
    Ok(envelopes.into_iter().map(Vec::from).collect())
}

/// Reads where a peer stands.
///
/// # Errors
/// When it is no such message, or counts more than there can be.
pub(crate) fn read_digest(payload: &[u8]) -> Result<Digest, MessageError> {
    let digest: Digest = from_bytes(payload)?;
    match digest.documents.max(digest.changes) {
        count if count > MOST_COUNTED => Err(MessageError::Count { count }),
        _ => Ok(digest),
    }
}

/// Reads what a peer says to a question.
///
/// # Errors
/// When it is no such message.
pub(crate) fn read_response(payload: &[u8]) -> Result<Response, MessageError> {
    let response: Response = from_bytes(payload)?;
    match &response.answer {
        Answer::Batches { envelopes, .. } if envelopes.len() > MAX_ENVELOPES => {
            Err(MessageError::TooMany { count: envelopes.len(), most: MAX_ENVELOPES })
        }
        _ => Ok(response),
    }
}

pub(crate) fn to_bytes<T: Encode<()>>(message: &T) -> Vec<u8> {
    codec::encode_versioned(VERSION, message)
}

pub(crate) fn from_bytes<'b, T: Decode<'b, ()>>(payload: &'b [u8]) -> Result<T, MessageError> {
    if payload.len() > MAX_MESSAGE {
        return Err(MessageError::TooLong { bytes: payload.len() });
    }
    Ok(codec::decode_versioned(VERSION, payload)?)
}

/// Reads a message of a kind and writes what was read: how tests and fuzzers get at readers that are nobody else's.
///
/// # Errors
/// When it is no such message.
pub fn reread(kind: Kind, payload: &[u8]) -> Result<Vec<u8>, MessageError> {
    match kind {
        Kind::Changes => Ok(pack(&unpack(payload)?)),
        Kind::Digest => Ok(to_bytes(&read_digest(payload)?)),
        Kind::Request => Ok(to_bytes(&reread_request(from_bytes(payload)?)?)),
        Kind::Response => Ok(to_bytes(&reread_response(read_response(payload)?)?)),
        Kind::Presence => Ok(to_bytes(&from_bytes::<Presence>(payload)?)),
    }
}

/// What its asker signed is read as well, whoever did.
fn reread_request(mut request: Request) -> Result<Request, MessageError> {
    match &mut request.ask {
        Ask::Rights(signed) => *signed = word::reread::<Wish>(signed)?,
        Ask::Claim(signed, _) => *signed = word::reread::<Claim>(signed)?,
        Ask::Rest(_) | Ask::Compare(_) | Ask::Documents(_) => {}
    }
    Ok(request)
}

/// What is denied is read as well, whoever signed it.
fn reread_response(mut response: Response) -> Result<Response, MessageError> {
    if let Answer::Denied(signed) = &mut response.answer {
        *signed = word::reread::<Denial>(signed)?;
    }
    Ok(response)
}

/// Who sent a request or a response: its topic names whom it is for, so the message says so itself, in its first field.
pub(crate) fn sender(payload: &[u8]) -> Option<Name> {
    let mut decoder = minicbor::Decoder::new(payload.get(1..)?);
    decoder.array().ok()?;
    decoder.decode().ok()
}

/// Why a message is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Longer than [`MAX_MESSAGE`].
    #[error("a message of {bytes} bytes is too long: at most {MAX_MESSAGE}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More parts than allowed.
    #[error("a message with {count} parts is too long: at most {most}")]
    TooMany {
        /// How many.
        count: usize,
        /// How many are allowed.
        most: usize,
    },
    /// More documents or changes than there can be.
    #[error("a digest of {count} documents or changes means nothing: at most {MOST_COUNTED}")]
    Count {
        /// How many.
        count: u64,
    },
    /// Not of the expected shape.
    #[error(transparent)]
    Shape(#[from] DecodeError),
    /// What it carries is not signed as it should be.
    #[error(transparent)]
    Signed(#[from] CoseError),
}
