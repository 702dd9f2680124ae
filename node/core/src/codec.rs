//! CBOR (RFC 8949) as everything here writes it: records are arrays with numbered fields, so that a field can be added
//! without breaking an older reader, and every stored or sent value begins with a version byte.

use minicbor::{Decode, Encode};

/// Encodes a value that is all in memory, which cannot fail.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    let result = minicbor::encode(value, &mut bytes);
    debug_assert!(result.is_ok(), "writing to a vector fails only for an encoder that refuses its value");
    bytes
}

/// Encodes behind a version byte.
pub fn encode_versioned<T: Encode<()>>(version: u8, value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.push(version);
    let result = minicbor::encode(value, &mut bytes);
    debug_assert!(result.is_ok(), "writing to a vector fails only for an encoder that refuses its value");
    bytes
}

/// Decodes a whole value; bytes behind it are an error.
///
/// # Errors
/// When the bytes are not exactly one value of this shape.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, DecodeError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode()?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(DecodeError::Trailing) }
}

/// Decodes a value behind its version byte.
///
/// # Errors
/// When the version is another, or as [`decode`].
pub fn decode_versioned<'b, T: Decode<'b, ()>>(version: u8, bytes: &'b [u8]) -> Result<T, DecodeError> {
    match bytes.split_first() {
        Some((found, rest)) if *found == version => decode(rest),
        Some((found, _)) => Err(DecodeError::Version { found: *found, known: version }),
        None => Err(DecodeError::Empty),
    }
}

/// Why bytes are not the value that they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No bytes at all.
    #[error("there are no bytes")]
    Empty,
    /// Written by another version.
    #[error("it is of version {found}, this node knows {known}")]
    Version {
        /// What the bytes say.
        found: u8,
        /// What this node reads.
        known: u8,
    },
    /// Not CBOR, or of another shape.
    #[error("it cannot be read: {0}")]
    Cbor(#[from] minicbor::decode::Error),
    /// More bytes than the value has.
    #[error("bytes follow the value")]
    Trailing,
}
