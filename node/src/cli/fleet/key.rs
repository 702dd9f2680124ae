//! The file of the fleet's secret key: a line with the key and, once it has followed another one, a line with the
//! rotations that led to it, which newcomers need, and nodes that were away meanwhile.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use minicbor::bytes::ByteVec;
use tillmesh_core::fleet::{Enrolment, FleetKey, Statement};
use tillmesh_core::id::Name;

/// Nobody but its owner reads it.
const KEY_MODE: u32 = 0o600;

/// Where the fleet's secret key is.
#[derive(Debug, Args)]
pub(super) struct Authority {
    /// File of the fleet's secret key
    #[arg(long = "authority", env = "TILLMESH_FLEET_KEY", value_name = "FILE", default_value = "fleet.key")]
    pub path: PathBuf,
}

/// What its file holds.
pub(super) struct Held {
    /// The fleet that the key is of.
    pub fleet: Name,
    /// The key.
    pub key: FleetKey,
    /// The rotations that led to it, if it is not the fleet's first; of very many, the last ones.
    pub earlier: Vec<ByteVec>,
}

impl Held {
    /// What a node is given: the key, and statements that hold under it.
    pub(super) fn enrolment(&self, statement: &Statement) -> Enrolment {
        let signed = self.key.sign(&self.fleet, statement);
        let statements = self.earlier.iter().cloned().chain([signed.into()]).collect();
        Enrolment { fleet: self.fleet.clone(), anchor: self.key.public(), statements }
    }
}

impl Authority {
    /// Reads the key.
    pub(super) fn read(&self) -> Result<Held> {
        let file = self.path.display();
        let text = fs::read_to_string(&self.path)
            .with_context(|| format!("cannot read the fleet's key from {file}: name its file with --authority"))?;
        let context = || format!("the fleet's key in {file}");
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let (fleet, key) = FleetKey::from_text(lines.next().unwrap_or_default()).with_context(context)?;
        let rotation = lines.next().map(Enrolment::from_text).transpose().with_context(context)?;
        let earlier = rotation.map(|rotation| rotation.statements).unwrap_or_default();
        Ok(Held { fleet, key, earlier })
    }

    /// Writes a new key to a new file.
    pub(super) fn create(&self, fleet: &Name, key: &FleetKey) -> Result<()> {
        write(&self.path, &key.to_text(fleet))
    }

    /// Takes back what was just written, because nobody took it.
    pub(super) fn discard(&self) -> Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }

    /// Puts a new key into the place of the old one once it counts, and tells where the old one is kept. Both are on
    /// the disk before anybody hears of the new one.
    pub(super) fn replace(
        &self,
        key: &FleetKey,
        rotation: &Enrolment,
        announce: impl FnOnce() -> Result<()>,
    ) -> Result<PathBuf> {
        let (next, old) = (self.beside("next"), self.beside("old"));
        ensure!(!old.exists(), "{} is there already, of an earlier rotation: put it away first", old.display());
        write(&next, &format!("{}\n{}", key.to_text(&rotation.fleet), rotation.to_text()))?;
        let unsure =
            || format!("`tillmesh fleet nodes` says whether the key changed; the new one is in {}", next.display());
        announce().with_context(unsure)?;
        fs::rename(&self.path, &old).with_context(|| format!("the new key counts, and is in {}", next.display()))?;
        fs::rename(&next, &self.path).with_context(|| format!("the new key counts, and is in {}", next.display()))?;
        Ok(old)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let context = || format!("cannot write the fleet's key to {}: a key is never overwritten", path.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(KEY_MODE).open(path).with_context(context)?;
    writeln!(file, "{text}").with_context(context)?;
    file.sync_all().with_context(context)
}
