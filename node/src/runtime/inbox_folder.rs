//! Watched folders: each file that appears is a message of a channel, taken once, then moved to `done` or `failed`
//! beside it.
//!
//! A file is taken when nobody has written to it for a while; whoever writes more slowly uses a name that begins with a
//! dot or ends with `.partial` or `.tmp`, and renames it. The same name with the same content is the same message, so a
//! file that was taken when the power went is taken again and counts once.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};
use tillmesh_core::channel::ChannelMessage;
use tillmesh_core::id::Name;

use super::channels::{Body, ChannelError, PIECE_BYTES, Source, Spooled, Taken, WHOLE_BYTES};
use super::{Inner, now};
use crate::config::WatchSettings;

/// How often a folder is looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long nobody must have written to a file.
const QUIET: Duration = Duration::from_secs(2);
/// How many files are taken at a time: their names are in memory.
const FILES: usize = 1_000;

/// What a file looks like: one that was written since looks otherwise.
type Looks = (u64, Option<SystemTime>);

/// The files that were dealt with and could not be moved, with where they belong: they must not be taken, and answered,
/// each time that the folder is looked at.
type Settled = BTreeMap<PathBuf, (Looks, &'static str)>;

/// Takes the files of a channel's folder until the task is aborted.
pub(super) async fn run(inner: Arc<Inner>, channel: Name, settings: WatchSettings) {
    let mut settled = Settled::new();
    loop {
        match take_all(&inner, &channel, &settings, &mut settled).await {
            Ok(()) => inner.channels.note_trouble(&channel, Source::Folder, None),
            Err(error) => {
                let folder = settings.folder.display();
                tracing::warn!(%channel, %folder, %error, "cannot take the files of a watched folder now");
                inner.channels.note_trouble(&channel, Source::Folder, Some(error.to_string()));
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn take_all(
    inner: &Inner,
    channel: &Name,
    settings: &WatchSettings,
    settled: &mut Settled,
) -> Result<(), ChannelError> {
    let folder = settings.folder.clone();
    let waiting = tokio::task::spawn_blocking(move || waiting(&folder)).await;
    let waiting = waiting.map_err(io::Error::other)??;
    settled.retain(|path, _| waiting.contains(path));
    for path in waiting {
        let looks = looks_of(&path)?;
        let known = settled.get(&path).filter(|(before, _)| *before == looks).map(|(_, to)| *to);
        let to = match known {
            Some(to) => to,
            None => settle(inner, channel, settings, &path).await?,
        };
        settled.insert(path.clone(), (looks, to));
        move_to(&path, to)?;
        settled.remove(&path);
    }
    Ok(())
}

/// Takes a file, and says where it belongs then.
async fn settle(
    inner: &Inner,
    channel: &Name,
    settings: &WatchSettings,
    path: &Path,
) -> Result<&'static str, ChannelError> {
    let reason = match take(inner, channel, settings, path).await {
        Ok(Taken::AsDeadLetter { reason, .. }) => reason,
        Ok(_) => return Ok("done"),
        // What is kept as a dead letter will not go better by itself.
        Err(error) if matches!(error, ChannelError::DeadLetter { .. }) || error.is_final() => error.to_string(),
        // What may go well later stays where it is, and what comes behind it waits.
        Err(error) => return Err(error),
    };
    tracing::warn!(%channel, file = %path.display(), %reason, "nothing is made of a file");
    Ok("failed")
}

fn looks_of(path: &Path) -> io::Result<Looks> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

async fn take(inner: &Inner, channel: &Name, settings: &WatchSettings, path: &Path) -> Result<Taken, ChannelError> {
    let limit = inner.channels.max_body(channel)?;
    let length = fs::metadata(path)?.len();
    if length > limit {
        return Err(ChannelError::FileTooLarge { limit });
    }
    let spooled = match length {
        length if length <= PIECE_BYTES as u64 || limit <= WHOLE_BYTES => None,
        _ => Some(inner.channels.spool().await?),
    };
    let from = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read(&from, spooled)).await;
    let (body, hash) = read.map_err(io::Error::other)??;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Long names are told apart by their content.
    let shown: String = name.chars().filter(|sign| !sign.is_control()).take(80).collect();
    let message = ChannelMessage {
        channel: channel.clone(),
        id: format!("{shown}-{}", data_encoding::HEXLOWER.encode(&hash[..16])).into(),
        topic: settings.topic.as_str().into(),
        content_type: content_type(path).into(),
        received_at: now(),
        body: match &body {
            Body::Whole(bytes) => bytes.to_vec(),
            Body::Spooled(_) => Vec::new(),
        },
    };
    inner.channels.receive_checked(channel, message, body).await
}

/// A file as a body, in memory or in the file for larger ones, and its hash.
fn read(path: &Path, spooled: Option<Spooled>) -> io::Result<(Body, sha2::digest::Output<Sha256>)> {
    let Some(mut spooled) = spooled else {
        let bytes = fs::read(path)?;
        let hash = Sha256::digest(&bytes);
        return Ok((Body::Whole(bytes.into()), hash));
    };
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; PIECE_BYTES]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((Body::Spooled(spooled), hash.finalize()));
        }
        hash.update(&buffer[..read]);
        spooled.write(&buffer[..read])?;
    }
}

/// The files that may be taken, by name.
fn waiting(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_partial = name.starts_with('.') || name.ends_with(".partial") || name.ends_with(".tmp");
        let age = metadata.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        // A time in the future is no reason to wait for it.
        if metadata.is_file() && !is_partial && age.is_none_or(|age| age >= QUIET) {
            found.push(entry.path());
        }
    }
    found.sort();
    found.truncate(FILES);
    Ok(found)
}

/// Moves a file into a folder beside it. Where one of the same name is there already, it gets a number: what a channel
/// made nothing of may lie nowhere else.
fn move_to(path: &Path, folder: &str) -> io::Result<()> {
    let Some(parent) = path.parent() else { return Ok(()) };
    let folder = parent.join(folder);
    fs::create_dir_all(&folder)?;
    fs::rename(path, free_name(path, &folder))
}

/// A path in a folder that no file has yet, such as `stock-2.csv` beside `stock.csv`.
fn free_name(path: &Path, folder: &Path) -> PathBuf {
    let part = |part: Option<&OsStr>| part.unwrap_or_default().to_owned();
    let (name, stem) = (part(path.file_name()), part(path.file_stem()));
    let numbered = |number: u64| {
        let mut name = stem.clone();
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        folder.join(name)
    };
    let is_taken = |path: &Path| path.symlink_metadata().is_ok();
    let first = folder.join(name);
    if is_taken(&first) { (2..).map(numbered).find(|path| !is_taken(path)).unwrap_or(first) } else { first }
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("csv") => "text/csv",
        Some("x12") => "application/EDI-X12",
        Some("edi" | "edifact") => "application/EDIFACT",
        _ => "application/octet-stream",
    }
}
