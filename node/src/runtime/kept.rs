//! Where things lie that this node keeps beside the ledgers (`Table::Kept`): a byte that says what it is, then its
//! parts, each but the last with a zero byte behind it, which no name holds.

use tillmesh_core::command::{Command, Kept, Request};
use tillmesh_core::storage::{Pair, Read, StorageError, Table};

use super::SubmitError;
use super::thread::Jobs;

/// Dead letters without their bodies.
pub(super) const LETTER: u8 = b'l';
/// The bodies of dead letters.
pub(super) const LETTER_BODY: u8 = b'b';
/// What a plugin remembers, by channel and plugin.
pub(super) const STATE: u8 = b's';
/// How far a channel was told what happened.
pub(super) const CURSOR: u8 = b'c';
/// Messages on their way to a channel.
pub(super) const OUTGOING: u8 = b'o';

/// A key.
pub(super) fn key(what: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![what];
    key.extend(parts.join(&0));
    key
}

/// Keeps something.
pub(super) const fn put(key: Vec<u8>, value: Vec<u8>) -> Kept {
    Kept { key, value: Some(value) }
}

/// Removes something.
pub(super) const fn remove(key: Vec<u8>) -> Kept {
    Kept { key, value: None }
}

/// Makes it durable, all or none.
///
/// # Errors
/// When the node is busy or stops, or the store fails.
pub(super) async fn commit(jobs: &Jobs, kept: Vec<Kept>) -> Result<(), SubmitError> {
    jobs.submit(Request::now(Command::Keep(kept))).await.map(drop)
}

/// At most `limit` of what lies under a key that is not the last part's, with what its keys end in.
///
/// # Errors
/// When the store fails.
pub(super) fn under(reader: &impl Read, what: u8, parts: &[&[u8]], limit: usize) -> Result<Vec<Pair>, StorageError> {
    let mut from = key(what, parts);
    if !parts.is_empty() {
        from.push(0);
    }
    let mut to = from.clone();
    // The last byte is a zero, or one of the bytes above: it can be followed by one that is larger.
    if let Some(last) = to.last_mut() {
        *last += 1;
    }
    let found = reader.scan(Table::Kept, &from, Some(&to), limit)?;
    Ok(found.into_iter().map(|(key, value)| (key[from.len()..].to_vec(), value)).collect())
}

#[cfg(test)]
mod tests;
