//! Who a node is: its key, its epoch, its boot.
//!
//! An [`Epoch`] is the hash of the node's public key and a salt, so a signature by the key proves the epoch without any
//! third party: whoever can sign for a ledger's epoch owns the ledger. A fleet's certificates (which node, which
//! location, which role) come on top of that and never change it, so a store that was written before its fleet existed
//! stays valid.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use minicbor::{CborLen, Decode, Encode};
use rand_core::CryptoRng;

use crate::id::{Boot, Epoch, Name, PublicKey, Writer};

/// The number of bytes of a salt.
pub const SALT_LEN: usize = 8;

/// What makes an epoch, kept secret in the node's store.
#[derive(Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct Secret {
    #[cbor(n(0), with = "minicbor::bytes")]
    seed: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    salt: [u8; SALT_LEN],
}

impl Secret {
    /// A new life: a new key and a new salt.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let (mut seed, mut salt) = ([0; 32], [0; SALT_LEN]);
        rng.fill_bytes(&mut seed);
        rng.fill_bytes(&mut salt);
        Self { seed, salt }
    }

    /// A new life under the same key, so that the fleet's certificate for it goes on.
    pub fn next_epoch(&self, rng: &mut dyn CryptoRng) -> Self {
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        Self { seed: self.seed, salt }
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A node that can sign: its name, its key, this epoch and this boot.
pub struct Identity {
    writer: Writer,
    boot: Boot,
    key: SigningKey,
    salt: [u8; SALT_LEN],
}

impl Identity {
    /// The node `name` in the epoch of `secret`, started as `boot`.
    pub fn new(name: Name, secret: &Secret, boot: Boot) -> Self {
        let key = SigningKey::from_bytes(&secret.seed);
        let public_key = PublicKey::from_bytes(key.verifying_key().to_bytes());
        let epoch = epoch_of(&public_key, &secret.salt);
        Self { writer: Writer { node: name, epoch }, boot, key, salt: secret.salt }
    }

    /// The node and its epoch.
    pub const fn writer(&self) -> &Writer {
        &self.writer
    }

    /// This start of the process.
    pub const fn boot(&self) -> Boot {
        self.boot
    }

    /// The salt of this epoch.
    pub const fn salt(&self) -> &[u8; SALT_LEN] {
        &self.salt
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_bytes(self.key.verifying_key().to_bytes())
    }

    /// Signs bytes (Ed25519, RFC 8032).
    pub fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.key.sign(bytes).to_bytes()
    }
}

/// A new boot id.
pub fn new_boot(rng: &mut dyn CryptoRng) -> Boot {
    let mut bytes = [0; Boot::LEN];
    rng.fill_bytes(&mut bytes);
    Boot::from_bytes(bytes)
}

/// The epoch that a public key and a salt make.
pub fn epoch_of(public_key: &PublicKey, salt: &[u8; SALT_LEN]) -> Epoch {
    Epoch::hash_of("tillmesh epoch", &[public_key.as_bytes(), salt])
}

/// Checks a signature strictly: weak keys and signatures that other implementations would judge differently are
/// refused.
pub fn verify(public_key: &PublicKey, bytes: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(public_key.as_bytes()) else { return false };
    let Ok(signature) = Signature::from_slice(signature) else { return false };
    key.verify_strict(bytes, &signature).is_ok()
}
