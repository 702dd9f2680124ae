//! A child that ends with its owner.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

/// A running program.
pub(super) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts a program that writes what it says to a log.
    pub(super) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        Ok(Self { name, child })
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| format!("{} ended with {status}", self.name)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A process that has ended by itself is as dead.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program by its name. Debian installs brokers outside the `PATH` of ordinary users.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
