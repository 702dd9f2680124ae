//! A node's request to be enrolled.

use minicbor::{CborLen, Decode, Encode};

use crate::codec::{self, DecodeError};
use crate::cose::{self, CoseError};
use crate::id::{Name, PublicKey};
use crate::identity::Identity;

/// The version of a request.
const VERSION: u8 = 1;
/// The longest request: three names, a key, a signature.
const MAX_REQUEST: usize = 1_024;
/// What a node's signature under its request is for, and nothing else.
const CONTEXT: &[u8] = b"tillmesh enrolment";

/// What a node says of itself when it asks to be enrolled. It proves that it holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// The fleet that it is configured for.
    pub fleet: Name,
    /// Its name.
    pub node: Name,
    /// Its key.
    pub key: PublicKey,
    /// The location that it is configured for.
    pub location: Name,
}

#[derive(Encode, Decode, CborLen)]
struct Payload {
    #[n(0)]
    fleet: Name,
    #[n(1)]
    node: Name,
    #[n(2)]
    location: Name,
}

impl EnrolmentRequest {
    /// The request of a node, signed.
    pub fn seal(identity: &Identity, fleet: &Name, location: &Name) -> Vec<u8> {
        let node = identity.writer().node.clone();
        let payload = Payload { fleet: fleet.clone(), node, location: location.clone() };
        let payload = codec::encode_versioned(VERSION, &payload);
        cose::seal(identity.public_key(), CONTEXT, payload, |bytes| identity.sign(bytes))
    }

    /// Reads a request and checks that whoever made it holds the key.
    ///
    /// # Errors
    /// When it is none.
    pub fn open(bytes: &[u8]) -> Result<Self, RequestError> {
        let signed = cose::open(bytes, MAX_REQUEST, CONTEXT)?;
        let Payload { fleet, node, location } = codec::decode_versioned(VERSION, signed.payload())?;
        Ok(Self { fleet, node, key: signed.key(), location })
    }
}

/// Why bytes are no request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not signed as it must be.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// Of another shape or version.
    #[error(transparent)]
    Payload(#[from] DecodeError),
}
