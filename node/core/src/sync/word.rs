//! A node's word: what it asks of one other, or answers, and nobody else may say in its name, signed.

use minicbor::{CborLen, Decode, Encode};

use crate::codec;
use crate::cose;
use crate::id::{Name, PublicKey, Writer};
use crate::identity::{self, Identity, SALT_LEN};
use crate::sync::message::MessageError;

/// The longest word for a name, in bytes: key, signature, salt and the longest name.
const MAX_NAMED: usize = 512;

/// What a node may give its word for.
pub(crate) trait Said: Encode<()> + for<'b> Decode<'b, ()> {
    /// What the signature is for, in one word. No fleet's name has a space, so the word for one thing is none for
    /// another, and no envelope; `enrolment` is taken by requests.
    const PURPOSE: &'static str;
    /// The longest word for it, in bytes.
    const MOST: usize;
}

/// To be known by its name: whoever has this can show others by which name an epoch's holder goes, without another word
/// of it. No certificate is asked for: a member may go by any name in epochs of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
pub(crate) struct ToBeKnown {}

impl Said for ToBeKnown {
    const PURPOSE: &str = "name";
    const MOST: usize = MAX_NAMED;
}

#[derive(Encode, Decode, CborLen)]
struct Word<T> {
    #[n(0)]
    said: T,
    #[n(1)]
    node: Name,
    /// Of the epoch in which it is said.
    #[cbor(n(2), with = "minicbor::bytes")]
    salt: [u8; SALT_LEN],
}

/// Signs what is said.
pub(crate) fn sign<T: Said>(identity: &Identity, fleet: &Name, said: T) -> Vec<u8> {
    let word = Word { said, node: identity.writer().node.clone(), salt: *identity.salt() };
    cose::seal(identity.public_key(), &context::<T>(fleet), codec::encode(&word), |bytes| identity.sign(bytes))
}

/// Reads what is said and checks its signature; gives who says it, too.
pub(crate) fn open<T: Said>(fleet: &Name, bytes: &[u8]) -> Option<(T, Writer, PublicKey)> {
    let signed = cose::open(bytes, T::MOST, &context::<T>(fleet)).ok()?;
    let Word { said, node, salt } = codec::decode::<Word<T>>(signed.payload()).ok()?;
    let epoch = identity::epoch_of(&signed.key(), &salt);
    Some((said, Writer { node, epoch }, signed.key()))
}

/// Reads what is said, whoever signed it, and writes what was read.
///
/// # Errors
/// When it is no such word.
pub(crate) fn reread<T: Said>(bytes: &[u8]) -> Result<Vec<u8>, MessageError> {
    let signed = cose::parse(bytes, T::MOST)?;
    let word = codec::decode::<Word<T>>(signed.payload())?;
    Ok(signed.with_payload(codec::encode(&word)))
}

fn context<T: Said>(fleet: &Name) -> Vec<u8> {
    format!("{fleet} {}", T::PURPOSE).into_bytes()
}
