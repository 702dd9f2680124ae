//! The signed batch: the unit that is stored, served again and relayed, exactly as its author made it.
//!
//! ```text
//! COSE_Sign1 (RFC 9052)
//!   protected   { alg: EdDSA, kid: public key (32 bytes) }
//!   payload     1 byte packing (0 plain, 1 zstd) ++ CBOR [scope, node, salt, document, [change, ...]]
//!   signature   Ed25519 over the above and the fleet's name
//! ```
//!
//! One envelope holds raw changes of one document. The epoch is not stated but follows from key and salt, and a
//! document with one owner does not repeat it, so a one-line sale stays below 400 bytes.

use std::cell::RefCell;

use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::cose::{self, CoseError};
use crate::document::{DocumentId, Scope, Term};
use crate::id::{CartId, Name, PublicKey, Writer};
use crate::identity::{self, Identity, SALT_LEN};
use crate::time::BusinessDate;

/// The longest envelope, so that one fits a 64 KB MQTT payload with its message's frame.
pub const MAX_ENVELOPE: usize = 60 * 1024;
/// The longest unpacked payload: what 1,000 small changes need, and the most that a zstd bomb can make a node allocate.
pub const MAX_UNPACKED: usize = 256 * 1024;
/// How many bytes of changes an author puts into one envelope before it begins the next.
pub const BATCH_BYTES: usize = 32 * 1024;
/// The most changes in an envelope: more than fit in [`BATCH_BYTES`], and a bound for what a hostile one can make us
/// parse.
pub const MAX_CHANGES: usize = 1_024;
/// Below this a payload is not worth packing: zstd's frame costs what it saves.
const PACK_FROM: usize = 512;
/// zstd's level: the fastest, since a till waits for it with every commit.
const ZSTD_LEVEL: i32 = 1;

thread_local! {
    /// zstd's working memory: to make it anew for each batch was a third of what packing took.
    static PACKER: RefCell<Option<zstd::bulk::Compressor<'static>>> =
        RefCell::new(zstd::bulk::Compressor::new(ZSTD_LEVEL).ok());
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
        RefCell::new(zstd::bulk::Decompressor::new().ok());
}

/// An opened envelope whose signature holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The key that signed it.
    pub key: PublicKey,
    /// Who signed it.
    pub writer: Writer,
    /// The scope that it travels in.
    pub scope: Scope,
    /// The document that its changes belong to.
    pub document: DocumentId,
    /// Raw Automerge changes, not yet decoded.
    pub changes: Vec<Vec<u8>>,
}

#[derive(Encode, Decode, CborLen)]
struct Payload {
    #[n(0)]
    scope: Scope,
    #[n(1)]
    node: Name,
    #[cbor(n(2), with = "minicbor::bytes")]
    salt: [u8; SALT_LEN],
    #[n(3)]
    document: Target,
    #[n(4)]
    changes: Vec<ByteVec>,
}

/// A document as its author's envelope names it: an owner is not repeated.
#[derive(Encode, Decode, CborLen)]
enum Target {
    #[n(0)]
    Ledger(#[n(0)] BusinessDate),
    #[n(1)]
    Opening(#[n(0)] u32, #[n(1)] BusinessDate),
    #[n(2)]
    Cart(#[n(0)] CartId),
    #[n(3)]
    Catalog(#[n(0)] u8),
    #[n(4)]
    Fleet,
}

/// Signs changes of one document.
pub fn seal(identity: &Identity, fleet: &Name, scope: &Scope, document: &DocumentId, changes: &[Vec<u8>]) -> Vec<u8> {
    let payload = Payload {
        scope: scope.clone(),
        node: identity.writer().node.clone(),
        salt: *identity.salt(),
        document: Target::of(document),
        changes: changes.iter().cloned().map(ByteVec::from).collect(),
    };
    let context = fleet.as_str().as_bytes();
    cose::seal(identity.public_key(), context, pack(&codec::encode(&payload)), |bytes| identity.sign(bytes))
}

/// Opens an envelope: size, shape, signature and scope are checked; changes are not decoded.
///
/// # Errors
/// When any of that does not hold. Nothing of a refused envelope may be used.
pub fn open(fleet: &Name, bytes: &[u8]) -> Result<Batch, EnvelopeError> {
    batch_of(&cose::open(bytes, MAX_ENVELOPE, fleet.as_str().as_bytes())?)
}

/// Opens an envelope that this node has checked before, from its own store.
///
/// # Errors
/// When the bytes are damaged.
pub fn reopen(bytes: &[u8]) -> Result<Batch, EnvelopeError> {
    batch_of(&cose::parse(bytes, MAX_ENVELOPE)?)
}

fn batch_of(signed: &cose::Signed) -> Result<Batch, EnvelopeError> {
    let key = signed.key();
    let packed = signed.payload();
    let plain = unpack(packed)?;
    let payload: Payload = codec::decode(&plain)?;
    if payload.changes.is_empty() || payload.changes.len() > MAX_CHANGES {
        return Err(EnvelopeError::Changes { count: payload.changes.len() });
    }
    let writer = Writer { node: payload.node, epoch: identity::epoch_of(&key, &payload.salt) };
    let document = payload.document.resolve(&payload.scope, &writer).ok_or(EnvelopeError::Scope)?;
    if !payload.scope.admits(&document) {
        return Err(EnvelopeError::Scope);
    }
    let changes = payload.changes.into_iter().map(Vec::from).collect();
    Ok(Batch { key, writer, scope: payload.scope, document, changes })
}

fn pack(plain: &[u8]) -> Vec<u8> {
    if plain.len() >= PACK_FROM
        && let Some(packed) = compress(plain)
        && packed.len() < plain.len()
    {
        return [&[1], packed.as_slice()].concat();
    }
    [&[0], plain].concat()
}

/// None when zstd gets no memory: the payload goes plain then.
fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(plain).ok())
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    match packed.split_first() {
        Some((0, plain)) => Ok(plain.to_vec()),
        Some((1, packed)) => decompress(packed).ok_or(EnvelopeError::Packing),
        _ => Err(EnvelopeError::Packing),
    }
}

/// None when it is no such frame, or of more than [`MAX_UNPACKED`].
fn decompress(packed: &[u8]) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| unpacker.as_mut()?.decompress(packed, MAX_UNPACKED).ok())
}

impl Target {
    fn of(document: &DocumentId) -> Self {
        match document {
            DocumentId::Ledger { date, .. } => Self::Ledger(*date),
            DocumentId::Opening { term, date, .. } => Self::Opening(term.number, *date),
            DocumentId::Cart { id } => Self::Cart(*id),
            DocumentId::Catalog { shard } => Self::Catalog(*shard),
            DocumentId::Fleet { .. } => Self::Fleet,
        }
    }

    fn resolve(self, scope: &Scope, writer: &Writer) -> Option<DocumentId> {
        let location = match scope {
            Scope::Stock(location) => Some(location.clone()),
            _ => None,
        };
        let writer = writer.clone();
        Some(match self {
            Self::Ledger(date) => DocumentId::Ledger { location: location?, writer, date },
            Self::Opening(number, date) => {
                DocumentId::Opening { location: location?, term: Term { number, keeper: writer }, date }
            }
            Self::Cart(id) => DocumentId::Cart { id },
            Self::Catalog(shard) => DocumentId::Catalog { shard },
            Self::Fleet => DocumentId::Fleet { writer },
        })
    }
}

/// Why an envelope is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Longer than [`MAX_ENVELOPE`], no COSE_Sign1, or its signature does not hold for this fleet.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// Not packed as stated, or larger than [`MAX_UNPACKED`].
    #[error("it cannot be unpacked, or unpacks to more than {MAX_UNPACKED} bytes")]
    Packing,
    /// The payload is not of the expected shape.
    #[error("its payload: {0}")]
    Payload(#[from] codec::DecodeError),
    /// None, or more than [`MAX_CHANGES`].
    #[error("it holds {count} changes: it must hold 1 to {MAX_CHANGES}")]
    Changes {
        /// How many.
        count: usize,
    },
    /// The document does not travel in the stated scope.
    #[error("its document does not belong to its scope")]
    Scope,
}

#[cfg(test)]
mod tests;
