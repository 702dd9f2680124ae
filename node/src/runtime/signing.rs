//! Whether a component is the one that the operator means: its hash, and who signed it, with minisign.

use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest as _, Sha256};

use crate::config::{ComponentSettings, SigningSettings};

/// Why a component is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UntrustedComponent {
    /// It is another one.
    #[error("its SHA-256 is {found}, and the settings say {stated}")]
    Hash {
        /// Its hash.
        found: String,
        /// The hash of the settings.
        stated: String,
    },
    /// A key of the settings is none.
    #[error("signing.keys: {key:?} is no public key of minisign: {reason}")]
    Key {
        /// The key.
        key: String,
        /// Why not.
        reason: minisign_verify::Error,
    },
    /// There is no signature.
    #[error("it is not signed (there is no {}), and signing.deny_unsigned refuses such components", path.display())]
    Unsigned {
        /// Where the signature would be.
        path: PathBuf,
    },
    /// The signature cannot be read.
    #[error("{} is no signature of minisign: {reason}", path.display())]
    Signature {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The signature is of nobody that the settings name, or of another component.
    #[error("{} is of none of the keys in signing.keys, or of another component", path.display())]
    NotTrusted {
        /// The file.
        path: PathBuf,
    },
}

/// Holds a component against its settings.
pub(super) fn check(
    component: &[u8],
    settings: &ComponentSettings,
    signing: &SigningSettings,
) -> Result<(), UntrustedComponent> {
    if let Some(stated) = &settings.sha256 {
        let found = data_encoding::HEXLOWER.encode(&Sha256::digest(component));
        if found != *stated {
            return Err(UntrustedComponent::Hash { found, stated: stated.clone() });
        }
    }
    let path = signature_of(&settings.file);
    match std::fs::read_to_string(&path) {
        Ok(text) => check_signature(component, &path, &text, signing),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !signing.deny_unsigned => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(UntrustedComponent::Unsigned { path }),
        Err(error) => Err(UntrustedComponent::Signature { path, reason: error.to_string() }),
    }
}

/// A signature beside a component counts where the operator names keys, or denies what is not signed.
fn check_signature(
    component: &[u8],
    path: &Path,
    text: &str,
    signing: &SigningSettings,
) -> Result<(), UntrustedComponent> {
    if signing.keys.is_empty() && !signing.deny_unsigned {
        return Ok(());
    }
    let unreadable = |reason: minisign_verify::Error| UntrustedComponent::Signature {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let signature = Signature::decode(text).map_err(unreadable)?;
    for key in &signing.keys {
        let public = PublicKey::from_base64(key.trim());
        let public = public.map_err(|reason| UntrustedComponent::Key { key: key.clone(), reason })?;
        // Signatures of the old kind are over the component itself and not its hash: minisign no longer makes them.
        if public.verify(component, &signature, false).is_ok() {
            return Ok(());
        }
    }
    Err(UntrustedComponent::NotTrusted { path: path.to_owned() })
}

fn signature_of(component: &Path) -> PathBuf {
    let mut path = component.as_os_str().to_owned();
    path.push(".minisig");
    path.into()
}

#[cfg(test)]
mod tests;
