//! Why a store cannot be opened or backed up.

use std::path::{Path, PathBuf};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its lock is held.
    #[error("{}: another process has this store open; a store belongs to one node process at a time", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{} is not a Tillmesh store: {reason}", path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What tells.
        reason: String,
    },
    /// The file was a store and cannot be read.
    #[error("the store {} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried: `open`, `create`.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The database refused for another reason.
    #[error("cannot open {}: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
}

impl OpenError {
    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { operation, path, source }
    }

    pub(super) fn of(path: &Path, error: redb::DatabaseError) -> Self {
        use redb::{DatabaseError, StorageError};
        let path = path.to_owned();
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse { path },
            DatabaseError::UpgradeRequired(version) => {
                Self::NotAStore { path, reason: format!("it is a redb file of version {version}") }
            }
            DatabaseError::Storage(StorageError::Io(source)) if source.kind() == std::io::ErrorKind::InvalidData => {
                Self::NotAStore { path, reason: source.to_string() }
            }
            // A file that ends before what its header names does.
            DatabaseError::Storage(StorageError::Io(source)) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
                Self::Damaged { path, reason: "it is cut off".to_owned() }
            }
            DatabaseError::Storage(StorageError::Io(source)) => Self::Io { operation: "open", path, source },
            DatabaseError::Storage(StorageError::Corrupted(reason)) => Self::Damaged { path, reason },
            DatabaseError::RepairAborted => Self::Damaged { path, reason: "its repair was given up".to_owned() },
            other => Self::Refused { path, reason: other.to_string() },
        }
    }
}

/// Why a backup was not made. Nothing is left at its destination then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is a file already.
    #[error("{} exists already: a backup never overwrites", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file of the backup cannot be made.
    #[error("cannot make the backup: {0}")]
    Create(#[from] OpenError),
    /// The store cannot be read, or the backup not be written.
    #[error("cannot copy {} to {}: {reason}", from.display(), to.display())]
    Copy {
        /// The store.
        from: PathBuf,
        /// The backup.
        to: PathBuf,
        /// What the database said.
        reason: String,
    },
}
