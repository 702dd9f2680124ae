//! Signed values: COSE_Sign1 (RFC 9052) with Ed25519, in one form only.
//!
//! ```text
//! COSE_Sign1
//!   protected   { alg: EdDSA, kid: public key (32 bytes) }
//!   payload     whatever is signed
//!   signature   Ed25519 over the above and a context that does not travel
//! ```

use coset::{CborSerializable as _, CoseSign1, CoseSign1Builder, HeaderBuilder, iana};

use crate::id::PublicKey;
use crate::identity;

/// A signed value whose form was read.
pub(crate) struct Signed {
    inner: CoseSign1,
    key: PublicKey,
}

/// Signs a payload in a context.
pub(crate) fn seal(key: PublicKey, context: &[u8], payload: Vec<u8>, sign: impl FnOnce(&[u8]) -> [u8; 64]) -> Vec<u8> {
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::EdDSA).key_id(key.as_bytes().to_vec()).build();
    let sealed = CoseSign1Builder::new()
        .protected(protected)
        .payload(payload)
        .create_signature(context, |bytes| sign(bytes).to_vec())
        .build()
        .to_vec();
    debug_assert!(sealed.is_ok(), "headers made here are always encodable");
    sealed.unwrap_or_default()
}

/// Reads the form; the signature is not checked.
///
/// # Errors
/// When it is longer than `most`, or no such value.
pub(crate) fn parse(bytes: &[u8], most: usize) -> Result<Signed, CoseError> {
    if bytes.len() > most {
        return Err(CoseError::TooLong { bytes: bytes.len(), most });
    }
    let inner = CoseSign1::from_slice(bytes).map_err(|error| CoseError::Form(error.to_string()))?;
    let header = &inner.protected.header;
    if header.alg != Some(coset::RegisteredLabelWithPrivate::Assigned(iana::Algorithm::EdDSA)) {
        return Err(CoseError::Algorithm);
    }
    let key = PublicKey::from_slice(&header.key_id).ok_or(CoseError::Key)?;
    Ok(Signed { inner, key })
}

/// Reads a signed value and checks its form and signature.
///
/// # Errors
/// As [`parse`], and when the signature does not hold in this context.
pub(crate) fn open(bytes: &[u8], most: usize, context: &[u8]) -> Result<Signed, CoseError> {
    let signed = parse(bytes, most)?;
    signed.check_form(bytes)?;
    signed.inner.verify_signature(context, |signature, covered| {
        if identity::verify(&signed.key, covered, signature) { Ok(()) } else { Err(CoseError::Signature) }
    })?;
    Ok(signed)
}

impl Signed {
    /// Who signed it, as it says.
    pub(crate) const fn key(&self) -> PublicKey {
        self.key
    }

    /// What is signed.
    pub(crate) fn payload(&self) -> &[u8] {
        self.inner.payload.as_deref().unwrap_or_default()
    }

    /// The same with another payload, for which the signature does not hold.
    pub(crate) fn with_payload(mut self, payload: Vec<u8>) -> Vec<u8> {
        self.inner.payload = Some(payload);
        let bytes = self.inner.to_vec();
        debug_assert!(bytes.is_ok(), "what was read is encodable");
        bytes.unwrap_or_default()
    }

    /// It has one form only. What the signature does not cover could be changed by anybody on its way otherwise, and be
    /// stored and relayed as its author's: a few hundred bytes blown up to the limit.
    fn check_form(&self, bytes: &[u8]) -> Result<(), CoseError> {
        let again = self.inner.clone().to_vec().map_err(|error| CoseError::Form(error.to_string()))?;
        if self.inner.unprotected.is_empty() && again == bytes {
            return Ok(());
        }
        Err(CoseError::Form("it is not in canonical form".to_owned()))
    }
}

/// Why bytes are no signed value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoseError {
    /// Longer than allowed.
    #[error("{bytes} bytes are too long: at most {most}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// No COSE_Sign1.
    #[error("it is no COSE_Sign1: {0}")]
    Form(String),
    /// Another algorithm than EdDSA.
    #[error("it is not signed with EdDSA")]
    Algorithm,
    /// The key id is no Ed25519 key.
    #[error("its key id has not the 32 bytes of an Ed25519 key")]
    Key,
    /// The signature does not hold.
    #[error("its signature does not hold")]
    Signature,
}
