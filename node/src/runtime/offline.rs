//! What is done with the store of a node that does not run: to found it, or to restore it from a backup.

use std::io;
use std::path::{Path, PathBuf};

use tillmesh_core::engine::{FORMAT, OpenError, begin_epoch};
use tillmesh_core::fleet::FleetKey;
use tillmesh_core::id::{Name, Writer};

use super::{STORE_FILE, StartError, clock};
use crate::store::{self, Backup, RestoreError, Store};

/// Why a store was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OfflineError {
    /// There is one already.
    #[error("{} holds a store already", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The backup is not taken.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The file cannot be made.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The store takes no epoch.
    #[error(transparent)]
    Epoch(#[from] OpenError),
    /// The operating system refused something.
    #[error(transparent)]
    System(#[from] StartError),
}

/// A new secret key for a fleet.
///
/// # Errors
/// When the operating system has no entropy.
pub fn new_fleet_key() -> Result<FleetKey, OfflineError> {
    Ok(FleetKey::generate(&mut clock::entropy()?))
}

/// Makes the store of a new node and tells its epoch.
///
/// # Errors
/// When the folder holds a store already, or the file system refuses.
pub fn found(folder: &Path, node: &Name) -> Result<Writer, OfflineError> {
    let path = vacant(folder)?;
    Ok(begin_epoch(&mut Store::open(&path)?, node, &mut clock::entropy()?)?)
}

/// Makes the store of a node from a backup, in a new epoch: with a key of its own.
///
/// # Errors
/// When the folder holds a store already, what comes is no whole backup, or the file system refuses.
pub fn restore(folder: &Path, node: &Name, from: impl io::Read) -> Result<(Writer, Backup), OfflineError> {
    let path = vacant(folder)?;
    let (mut store, backup) = Store::restore(&path, from, FORMAT)?;
    match begin_epoch(&mut store, node, &mut clock::entropy()?) {
        Ok(writer) => Ok((writer, backup)),
        Err(error) => {
            // A store without an epoch would be in the way of the next attempt.
            drop(store);
            std::fs::remove_file(&path)
                .map_err(|reason| StartError::System { operation: "remove a store that was not finished", reason })?;
            Err(error.into())
        }
    }
}

/// Reads a backup to its end and tells what it holds.
///
/// # Errors
/// When it is none, of another format, or damaged.
pub fn check_backup(from: impl io::Read) -> Result<Backup, RestoreError> {
    store::check(from, FORMAT)
}

fn vacant(folder: &Path) -> Result<PathBuf, OfflineError> {
    let path = folder.join(STORE_FILE);
    let there = path.try_exists();
    match there.map_err(|reason| StartError::System { operation: "look for a store", reason })? {
        true => Err(OfflineError::Exists { folder: folder.to_owned() }),
        false => Ok(path),
    }
}
