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
    /// The log beside the file is not what the store needs. Its last commits are in it.
    #[error(
        "the last commits of the store {} are in its log {}, and {reason}: put the two files together that belong \
        together, or restore a backup",
        store.display(),
        log.display()
    )]
    Log {
        /// The file of the store.
        store: PathBuf,
        /// The file of its log.
        log: PathBuf,
        /// What is wrong with the log.
        reason: String,
    },
    /// The file system refused.
    #[error("cannot {operation} {}", path.display())]
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

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store cannot be read.
    #[error("cannot read the store: {0}")]
    Read(String),
    /// What takes the backup takes no more.
    #[error("cannot write the backup: {0}")]
    Write(#[from] std::io::Error),
}

/// Why a backup is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// There is a store already.
    #[error("{} exists already: a restore never overwrites", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It does not begin as one.
    #[error("it is not a backup of a node")]
    NotABackup,
    /// Another version made it.
    #[error("the backup is of a store of format {found}, this node reads format {known}")]
    Format {
        /// What the backup says.
        found: u8,
        /// What this node reads.
        known: u8,
    },
    /// It was cut off or changed.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// It cannot be read.
    #[error("cannot read the backup: {0}")]
    Read(std::io::Error),
    /// The file of the store cannot be made.
    #[error(transparent)]
    Create(#[from] OpenError),
    /// The store takes no rows.
    #[error("cannot write the store: {0}")]
    Write(String),
}
