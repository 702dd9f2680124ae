//! What people carry from node to node by hand: text that survives being copied, mailed and broken into lines.

use data_encoding::BASE64URL_NOPAD;
use minicbor::bytes::ByteVec;
use minicbor::{CborLen, Decode, Encode};

use super::members::Members;
use super::statement::{FleetKey, MAX_STATEMENT, Signed};
use crate::codec::{self, DecodeError};
use crate::id::{Name, PublicKey};

/// What a request begins with.
const REQUEST: &str = "tillmesh-request-1.";
/// What an enrolment begins with.
const ENROLMENT: &str = "tillmesh-enrolment-1.";
/// What a fleet's secret key begins with.
const KEY: &str = "tillmesh-fleet-key-1.";
/// How many statements an enrolment carries at most: a certificate, the rotations since, and a member's certificate.
const MAX_STATEMENTS: usize = 64;
/// How many of them may be rotations.
const MAX_CHAIN: usize = MAX_STATEMENTS / 2;
/// How many bytes of rotations an enrolment carries at most, so that a node that was away for some can follow: four
/// that list as much as they may, or all that a smaller fleet ever makes.
pub const MAX_CHAIN_BYTES: usize = 4 * MAX_STATEMENT;
/// The longest text of any kind: such a chain and two certificates, and a third for their letters.
const MAX_TEXT: usize = 7 * MAX_STATEMENT;

/// What a node is given: the fleet's key, and statements that hold under it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Enrolment {
    /// The fleet.
    #[n(0)]
    pub fleet: Name,
    /// The fleet's key.
    #[n(1)]
    pub anchor: PublicKey,
    /// Signed statements.
    #[n(2)]
    pub statements: Vec<ByteVec>,
}

#[derive(Encode, Decode, CborLen)]
struct KeyFile {
    #[n(0)]
    fleet: Name,
    #[cbor(n(1), with = "minicbor::bytes")]
    seed: [u8; 32],
}

impl Enrolment {
    /// Lets go of the oldest rotations of a chain until it fits beside another statement.
    pub fn within_a_chain(mut self) -> Self {
        let bytes = |statements: &[ByteVec]| statements.iter().map(|statement| statement.len()).sum::<usize>();
        while self.statements.len() > MAX_CHAIN || bytes(&self.statements) > MAX_CHAIN_BYTES {
            self.statements.remove(0);
        }
        self
    }

    /// The same with what another enrolment has that holds under this one's key: so a newcomer knows a member before it
    /// hears any.
    #[must_use]
    pub fn introducing(mut self, other: &Self) -> Self {
        let all = self.statements.iter().chain(&other.statements);
        let signed = all.filter_map(|bytes| Signed::open(&self.fleet, bytes).ok());
        let signed = signed.map(|signed| (signed.id(), signed)).collect();
        let members = Members::of(Some(self.anchor), &signed);
        let holds = |bytes: &&ByteVec| {
            let id = Signed::open(&self.fleet, bytes).ok().map(|signed| signed.id());
            id.is_some_and(|id| members.valid().binary_search(&id).is_ok()) && !self.statements.contains(bytes)
        };
        let introduced: Vec<_> = other.statements.iter().filter(holds).cloned().collect();
        self.statements.extend(introduced);
        self
    }

    /// As text.
    pub fn to_text(&self) -> String {
        to_text(ENROLMENT, &codec::encode(self))
    }

    /// From text.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_text(text: &str) -> Result<Self, TextError> {
        let enrolment: Self = codec::decode(&from_text(ENROLMENT, "an enrolment", text)?)?;
        if enrolment.statements.len() > MAX_STATEMENTS {
            return Err(TextError::TooMany { count: enrolment.statements.len() });
        }
        Ok(enrolment)
    }
}

impl super::EnrolmentRequest {
    /// A signed request as text.
    pub fn to_text(signed: &[u8]) -> String {
        to_text(REQUEST, signed)
    }

    /// The signed request in a text.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_text(text: &str) -> Result<Vec<u8>, TextError> {
        from_text(REQUEST, "a request", text)
    }

    /// Whether a text says that it is a request.
    pub fn is_text(text: &str) -> bool {
        text.trim_start().starts_with(REQUEST)
    }
}

impl FleetKey {
    /// The key with its fleet's name, as the text of its file.
    pub fn to_text(&self, fleet: &Name) -> String {
        to_text(KEY, &codec::encode(&KeyFile { fleet: fleet.clone(), seed: self.seed() }))
    }

    /// From the text of its file.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_text(text: &str) -> Result<(Name, Self), TextError> {
        let KeyFile { fleet, seed } = codec::decode(&from_text(KEY, "a fleet's key", text)?)?;
        Ok((fleet, Self::from_seed(&seed)))
    }
}

fn to_text(prefix: &str, bytes: &[u8]) -> String {
    [prefix, &BASE64URL_NOPAD.encode(bytes)].concat()
}

fn from_text(prefix: &'static str, kind: &'static str, text: &str) -> Result<Vec<u8>, TextError> {
    if text.len() > MAX_TEXT {
        return Err(TextError::TooLong { bytes: text.len() });
    }
    let text: String = text.split_whitespace().collect();
    let body = text.strip_prefix(prefix).ok_or(TextError::Prefix { kind, prefix })?;
    BASE64URL_NOPAD.decode(body.as_bytes()).map_err(|_| TextError::Damaged { kind })
}

/// Why a text is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It begins in another way.
    #[error("this is not {kind}: it must begin with {prefix}")]
    Prefix {
        /// What it should be.
        kind: &'static str,
        /// What that begins with.
        prefix: &'static str,
    },
    /// Part of it is missing or was changed.
    #[error("{kind} was damaged on its way: copy it whole")]
    Damaged {
        /// What it should be.
        kind: &'static str,
    },
    /// Longer than any.
    #[error("a text of {bytes} bytes is too long: at most {MAX_TEXT}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It carries too much.
    #[error("an enrolment of {count} statements is too long: at most {MAX_STATEMENTS}")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Of another shape.
    #[error("it was damaged on its way, or made by another version")]
    Shape(#[from] DecodeError),
}
