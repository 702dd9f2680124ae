//! What a fleet's key says.

use ed25519_dalek::{Signer as _, SigningKey};
use minicbor::{CborLen, Decode, Encode};
use rand_core::CryptoRng;

use super::role::{Role, Write};
use crate::codec::{self, DecodeError};
use crate::cose::{self, CoseError};
use crate::id::{ChangeHash, DocumentHash, Name, PublicKey, StatementId};
use crate::identity;
use crate::time::Timestamp;

/// The version of a statement.
const VERSION: u8 = 1;
/// The longest statement: a rotation that lists [`MAX_LISTED`] others.
pub(super) const MAX_STATEMENT: usize = 40 * 1024;
/// How many statements outlive a rotation at most: a fleet of 2,000 nodes; 17 bytes each, within a change.
pub const MAX_LISTED: usize = 2_000;
/// How many changes a retirement names at most: 54 bytes each, with the document of each. What does not fit stands in
/// further retirements of the same key.
pub const MAX_COUNTED: usize = 700;
/// How many locations a certificate names at most: what a server in a region may run.
const MAX_LOCATIONS: usize = 64;

/// What a fleet's key says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
#[non_exhaustive]
pub enum Statement {
    /// A node belongs to the fleet.
    #[n(0)]
    Certificate(#[n(0)] Certificate),
    /// A node does not belong to it any more.
    #[n(1)]
    Retirement(#[n(0)] Retirement),
    /// Another key is the fleet's from now on.
    #[n(2)]
    Rotation(#[n(0)] Rotation),
}

/// Which node a key is, and what it may write.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Certificate {
    /// The node's name.
    #[n(0)]
    pub node: Name,
    /// Its key.
    #[n(1)]
    pub key: PublicKey,
    /// What it may write.
    #[n(2)]
    pub role: Role,
    /// Its own locations; the first one is where it stands.
    #[n(3)]
    pub locations: Vec<Name>,
    /// Whether it keeps its locations' openings and mints what counts leave, and up to which term of office.
    #[n(4)]
    pub keeper: Option<u32>,
    /// When it was issued, by the clock of who did.
    #[n(5)]
    pub issued_at: Timestamp,
}

/// A node does not belong to the fleet any more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Retirement {
    /// The node's name.
    #[n(0)]
    pub node: Name,
    /// Its key.
    #[n(1)]
    pub key: PublicKey,
    /// When it was retired, by the clock of who did.
    #[n(2)]
    pub at: Timestamp,
    /// Whether its key may be in other hands. Of a node that broke or was replaced, everything that surfaces later
    /// happened and counts; of one that was stolen, nothing does but what `counted` covers.
    #[n(3)]
    pub stolen: bool,
    /// What counts of what it wrote, whoever hears it when and whatever becomes of its key. Several retirements of a
    /// key add up.
    #[n(4)]
    pub counted: Option<Vec<Counted>>,
}

/// What counts of a document of a node that is not heard any more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Counted {
    /// The document.
    #[n(0)]
    pub document: DocumentHash,
    /// Changes that count, and with each of them all that it builds on.
    #[n(1)]
    pub changes: Vec<ChangeHash>,
}

/// Another key is the fleet's from now on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Rotation {
    /// The new key.
    #[n(0)]
    pub to: PublicKey,
    /// The statements of the old key, and of those before it, that go on to hold; sorted.
    #[n(1)]
    pub valid: Vec<StatementId>,
    /// When, by the clock of who did.
    #[n(2)]
    pub at: Timestamp,
    /// The new key's signature over the above and the old key, so that nodes that begin with the new key believe the
    /// list as well.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub endorsement: [u8; 64],
}

/// A fleet's secret key: who holds it says who belongs to the fleet.
pub struct FleetKey(SigningKey);

impl FleetKey {
    /// A new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self::from_seed(&seed)
    }

    /// From its secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its secret bytes, to be kept in a file that nobody else reads.
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs a statement for a fleet.
    pub fn sign(&self, fleet: &Name, statement: &Statement) -> Vec<u8> {
        let payload = codec::encode_versioned(VERSION, statement);
        cose::seal(self.public(), &context(fleet), payload, |bytes| self.0.sign(bytes).to_bytes())
    }

    /// Hands the fleet over to another key; `valid` is what goes on to hold.
    ///
    /// # Errors
    /// When too much is listed.
    pub fn rotate(
        &self,
        fleet: &Name,
        next: &Self,
        mut valid: Vec<StatementId>,
        at: Timestamp,
    ) -> Result<Vec<u8>, StatementError> {
        valid.sort_unstable();
        valid.dedup();
        if valid.len() > MAX_LISTED {
            return Err(StatementError::TooMany { what: "statements", count: valid.len(), most: MAX_LISTED });
        }
        let mut rotation = Rotation { to: next.public(), valid, at, endorsement: [0; 64] };
        rotation.endorsement = next.0.sign(&rotation.endorsed(fleet, self.public())).to_bytes();
        Ok(self.sign(fleet, &Statement::Rotation(rotation)))
    }
}

impl std::fmt::Debug for FleetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FleetKey({})", self.public())
    }
}

/// A statement whose signature holds for the key that it names; whether that key counts is another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The fleet's key that signed it.
    pub by: PublicKey,
    /// What it says.
    pub statement: Statement,
    /// The bytes as they travel.
    pub bytes: Vec<u8>,
}

impl Statement {
    /// Reads a statement that was kept, because its signature held; none: it is damaged.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let signed = cose::parse(bytes, MAX_STATEMENT).ok()?;
        codec::decode_versioned(VERSION, signed.payload()).ok()
    }
}

impl Signed {
    /// Reads a statement and checks its signature.
    ///
    /// # Errors
    /// When it is none of this fleet, or breaks a limit.
    pub fn open(fleet: &Name, bytes: &[u8]) -> Result<Self, StatementError> {
        let signed = cose::open(bytes, MAX_STATEMENT, &context(fleet))?;
        let statement: Statement = codec::decode_versioned(VERSION, signed.payload())?;
        check(&statement)?;
        if let Statement::Rotation(rotation) = &statement
            && !identity::verify(&rotation.to, &rotation.endorsed(fleet, signed.key()), &rotation.endorsement)
        {
            return Err(StatementError::Endorsement);
        }
        Ok(Self { by: signed.key(), statement, bytes: bytes.to_vec() })
    }

    /// What stands for it.
    pub fn id(&self) -> StatementId {
        StatementId::hash_of("tillmesh statement", &[&self.bytes])
    }
}

impl Certificate {
    /// Whether it covers something.
    pub fn permits(&self, write: &Write<'_>) -> bool {
        let own = match write {
            Write::Event(location, _) | Write::Opening(location, _) => self.locations.contains(location),
            Write::Catalogue | Write::Cart | Write::Fleet => true,
        };
        self.role.permits(write, own, self.keeper)
    }
}

impl Rotation {
    fn endorsed(&self, fleet: &Name, from: PublicKey) -> Vec<u8> {
        codec::encode(&("tillmesh rotation", fleet, from, self.to, &self.valid, self.at))
    }
}

fn context(fleet: &Name) -> Vec<u8> {
    ["tillmesh fleet ", fleet.as_str()].concat().into_bytes()
}

fn check(statement: &Statement) -> Result<(), StatementError> {
    match statement {
        Statement::Certificate(certificate) => {
            let count = certificate.locations.len();
            if count == 0 || count > MAX_LOCATIONS {
                return Err(StatementError::TooMany { what: "locations", count, most: MAX_LOCATIONS });
            }
        }
        Statement::Rotation(rotation) if rotation.valid.len() > MAX_LISTED => {
            let count = rotation.valid.len();
            return Err(StatementError::TooMany { what: "statements", count, most: MAX_LISTED });
        }
        Statement::Retirement(retirement) => {
            let count = retirement.counted.iter().flatten().map(|counted| counted.changes.len()).sum();
            if count > MAX_COUNTED {
                return Err(StatementError::TooMany { what: "changes", count, most: MAX_COUNTED });
            }
        }
        Statement::Rotation(_) => {}
    }
    Ok(())
}

/// Why bytes are no statement of a fleet.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not signed as it must be.
    #[error(transparent)]
    Cose(#[from] CoseError),
    /// Of another shape or version.
    #[error(transparent)]
    Payload(#[from] DecodeError),
    /// None, or more than a statement may name.
    #[error("the statement names {count} {what}: it must name 1 to {most}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        most: usize,
    },
    /// A rotation to a key whose holder did not agree.
    #[error("the new key did not endorse the rotation")]
    Endorsement,
}
