//! A fleet: whose signatures count, and what each node may write.
//!
//! A fleet has a key that no node needs to hold: it signs *statements*, and whoever knows the fleet's public key (its
//! *anchor*) can check them, whatever way they came. A certificate says which node a key is and what it may write; a
//! retirement takes that back; a rotation hands over to another key of the fleet.
//!
//! ```text
//! statement   COSE_Sign1 { kid: the fleet's key }, CBOR, in the context "tillmesh fleet" and the fleet's name
//! request     COSE_Sign1 { kid: the node's key },  CBOR, in the context "tillmesh enrolment"
//! ```
//!
//! A node without an anchor belongs to an *open* fleet: it takes what anybody signs. With one it takes only what a
//! certified node wrote, and only where its role may write.
//!
//! What a node wrote that is not heard any more must go on counting for those who come later. So a retirement may name
//! changes by their hashes: they count, with all that they build on, for everybody and for ever. Nobody can add to them
//! or put others in their place, whoever has the key.
//!
//! What counts is a function of the anchor and the set of statements, not of the order in which they were heard.

mod members;
mod request;
mod role;
mod statement;
mod text;

pub use members::{Member, Members, Rival, Standing};
pub use request::{EnrolmentRequest, RequestError};
pub use role::{Role, Write};
pub use statement::{
    Certificate, Counted, FleetKey, MAX_COUNTED, MAX_LISTED, Retirement, Rotation, Signed, Statement, StatementError,
};
pub use text::{Enrolment, TextError};

#[cfg(test)]
mod tests;
