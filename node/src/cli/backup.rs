//! `tillmesh backup` and `tillmesh restore`.

use std::fs::File;
use std::io::{self, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use tempfile::NamedTempFile;
use tillmesh_core::id::Name;

use super::Target;
use super::show;
use crate::runtime::offline::{self, OfflineError};
use crate::store::RestoreError;

/// Save a running node's store to a file, while the node sells
///
/// The file holds everything that the node knows but its key: `tillmesh restore` makes a node with a key of its own.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file, which must not be there yet
    file: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Make a node's data folder from a backup
///
/// The node begins a new epoch: it has a key and a series of receipt numbers of its own, and all stock and orders of
/// the backup. In a fleet where the node of the backup goes on, it needs another name.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The file that `tillmesh backup` made
    file: PathBuf,
    /// Name of the node, unique in its fleet
    #[arg(long, value_name = "NAME")]
    node: Name,
    /// Folder of the node's store, which must hold none yet [default: tillmesh-data/<node>]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Show what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(super) fn run(self) -> Result<ExitCode> {
        let exists = format!("{} exists already: name a new file, a backup never overwrites", self.file.display());
        if self.file.try_exists().with_context(|| format!("cannot look for {}", self.file.display()))? {
            bail!(exists);
        }
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let cannot = || format!("cannot write a file in {}", folder.display());
        // Readable by its owner only, and gone unless it is given its name.
        let mut unfinished = NamedTempFile::new_in(folder).with_context(cannot)?;
        let bar = show::byte_bar(None)?;
        let copied =
            self.target.client().download("/v1/backup", |body| io::copy(&mut bar.wrap_read(body), &mut unfinished));
        bar.finish_and_clear();
        copied.context("nothing was saved")?;
        unfinished.as_file().sync_all().with_context(cannot)?;
        unfinished.rewind().with_context(cannot)?;
        let backup = offline::check_backup(BufReader::new(&mut unfinished)).context("nothing was saved; try again")?;
        if let Err(error) = unfinished.persist_noclobber(&self.file) {
            match error.error.kind() {
                io::ErrorKind::AlreadyExists => bail!(exists),
                _ => return Err(error.error).with_context(cannot),
            }
        }
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(cannot)?;
        if self.target.json {
            show::json(&json!({ "file": self.file, "bytes": backup.bytes, "position": backup.position }))?;
        } else {
            let (file, bytes) = (self.file.display(), backup.bytes);
            println!("{file}: {bytes} bytes, up to commit {}", backup.position);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn run(self) -> Result<ExitCode> {
        let folder = self.data.unwrap_or_else(|| PathBuf::from("tillmesh-data").join(self.node.as_str()));
        let file = File::open(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let bar = show::byte_bar(file.metadata().ok().map(|metadata| metadata.len()))?;
        let restored = offline::restore(&folder, &self.node, BufReader::new(bar.wrap_read(file)));
        bar.finish_and_clear();
        let (writer, backup) = restored.with_context(|| format!("cannot restore {}", self.file.display()))?;
        let (data, epoch) = (folder.display().to_string(), writer.epoch.to_string());
        if self.json {
            let done = json!({ "node": self.node, "epoch": epoch, "data": data, "position": backup.position });
            show::json(&done)?;
            return Ok(ExitCode::SUCCESS);
        }
        println!("{data} is node {} in its new epoch {epoch}, up to commit {}", self.node, backup.position);
        println!("Start it with the settings of the node of the backup, under its name here:");
        println!("  tillmesh run --node {} --data {data} ...", self.node);
        Ok(ExitCode::SUCCESS)
    }
}

/// What a person can do when a backup is not taken.
pub(super) fn hint(error: &anyhow::Error) -> Option<String> {
    let text = match error.chain().find_map(|error| error.downcast_ref()) {
        Some(OfflineError::Exists { .. }) => "Name a folder without a store with --data, or move that one away first.",
        Some(OfflineError::Restore(RestoreError::NotABackup)) => "Name a file that `tillmesh backup` made.",
        Some(OfflineError::Restore(RestoreError::Damaged(_))) => "Take another backup; nothing was made of this one.",
        Some(OfflineError::Restore(RestoreError::Format { .. })) => "Restore it with the version that made it.",
        _ => return None,
    };
    Some(text.to_owned())
}
