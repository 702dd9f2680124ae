//! Compiled components on disk, so that a start does not compile.
//!
//! ```text
//! <dir>/<component hash>-<engine hash>.compiled = 32 bytes HMAC-SHA256(key, name || code) || code
//! ```
//!
//! # Why the one `unsafe` of the node is sound
//!
//! Compiled code is run as it is, so taking a file that wasmtime did not write would be running an attacker's program.
//! The HMAC's key is a secret: 32 random bytes in a file beside the cache that its owner alone may read; one that
//! others may read is thrown away. A file of the cache is taken only when the HMAC over its name and its code is right:
//! so whoever wrote it had the key, which is this program under this user, and it wrote only what wasmtime had compiled
//! for this component (its hash is in the name) with a compatible engine (so is its compatibility hash). A file that is
//! torn, bent, copied from elsewhere, renamed or forged has a wrong HMAC and counts as absent. The bytes that were
//! checked are the bytes that are loaded: they are in memory by then. Whoever can read the key can read the node's
//! private key beside it, and needs no forged file to be the node.

use std::fs;
use std::hash::{Hash as _, Hasher};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tillmesh_core::id::ObjectHash;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Where compiled components are kept, and the secret that seals them.
#[derive(Clone)]
pub struct CodeCache {
    /// The folder; made, for this user alone, if it is not there.
    pub dir: PathBuf,
    /// A secret of this node, or of this user.
    pub key: [u8; 32],
}

impl std::fmt::Debug for CodeCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeCache").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// The length of an HMAC-SHA256.
const SEAL: usize = 32;

/// The key that seals: as long as the hash that it is used with.
const KEY: usize = 32;

/// The bits of a file's mode for whoever is not its owner.
const OTHERS: u32 = 0o077;

/// The most that compiled code takes on disk. One of Python has 60 MB: a few plugins, each in the versions of its last
/// days. Of more, what was compiled first goes.
const MAX_BYTES: u64 = 512 << 20;

impl CodeCache {
    /// The cache in a folder, which has a key of its own: `code-cache.key` beside `code-cache`.
    ///
    /// # Errors
    /// When the key can be neither read nor made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        make_private_dir(folder)?;
        Ok(Self { dir: folder.join("code-cache"), key: key(&folder.join("code-cache.key"))? })
    }

    /// The compiled component, if a file with the right seal holds it.
    pub(super) fn load(&self, engine: &Engine, hash: ObjectHash) -> Option<Component> {
        let name = file_name(engine, hash);
        let sealed = fs::read(self.dir.join(&name)).ok()?;
        let (seal, code) = sealed.split_at_checked(SEAL)?;
        self.mac(&name, code).verify_slice(seal).ok()?;
        deserialize(engine, code)
    }

    /// Keeps a compiled component: written beside and renamed, so that a crash leaves no half of it.
    pub(super) fn store(&self, engine: &Engine, hash: ObjectHash, component: &Component) -> io::Result<()> {
        make_private_dir(&self.dir)?;
        let name = file_name(engine, hash);
        let code = component.serialize().map_err(io::Error::other)?;
        let seal = self.mac(&name, &code).finalize().into_bytes();
        let partial = self.dir.join(format!("{name}.{}.partial", std::process::id()));
        let mut file = fs::File::create(&partial)?;
        file.write_all(&seal)?;
        file.write_all(&code)?;
        file.sync_all()?;
        fs::rename(&partial, self.dir.join(&name))?;
        self.make_room(MAX_BYTES)
    }

    /// Takes away what was compiled first, until no more than so many bytes are left. The newest stays, whatever it
    /// has.
    pub(super) fn make_room(&self, bytes: u64) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let about = entry.metadata()?;
            files.push((about.modified()?, about.len(), entry.path()));
        }
        files.sort();
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        files.pop();
        for (_, length, path) in files {
            if total <= bytes {
                break;
            }
            fs::remove_file(path)?;
            total -= length;
        }
        Ok(())
    }

    fn mac(&self, name: &str, code: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("an HMAC takes a key of any length");
        mac.update(&(name.len() as u64).to_be_bytes());
        mac.update(name.as_bytes());
        mac.update(code);
        mac
    }
}

/// The key in a file, which is made where there is none.
fn key(path: &Path) -> io::Result<[u8; KEY]> {
    match fs::read(path).map(<[u8; KEY]>::try_from) {
        Ok(Ok(key)) if fs::metadata(path)?.mode() & OTHERS == 0 => return Ok(key),
        Ok(_) => fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut key = [0; KEY];
    getrandom::fill(&mut key).map_err(io::Error::from)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&key)?;
    file.sync_all()?;
    Ok(key)
}

#[allow(unsafe_code, reason = "argued in the module's documentation")]
fn deserialize(engine: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the caller checked the seal of exactly these bytes; see the module's documentation.
    unsafe { Component::deserialize(engine, code) }.ok()
}

fn file_name(engine: &Engine, hash: ObjectHash) -> String {
    let mut hasher = Sha256Hasher(sha2::Digest::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let engine = ObjectHash::from_bytes(sha2::Digest::finalize(hasher.0).into());
    format!("{hash}-{engine}.compiled")
}

/// SHA-256 as a [`Hasher`]: the standard library's own may change between two builds of the node.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn finish(&self) -> u64 {
        let digest: [u8; 32] = sha2::Digest::finalize(self.0.clone()).into();
        u64::from_be_bytes(digest[..8].try_into().unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8]) {
        sha2::Digest::update(&mut self.0, bytes);
    }
}

#[cfg(unix)]
fn make_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn make_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}
