//! Dead letters: messages of which nothing was made, kept with the reason until somebody replays or discards them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minicbor::{CborLen, Decode, Encode};
use serde::Serialize;
use tillmesh_core::codec;
use tillmesh_core::command::Kept;
use tillmesh_core::id::{EventId, Name};
use tillmesh_core::storage::{Read as _, StorageError, Table};
use tillmesh_core::time::Timestamp;

use super::kept::{self, LETTER, LETTER_BODY};
use super::thread::Jobs;
use super::{SubmitError, now};
use crate::metrics::{Labels, Metrics};
use crate::store;

/// The most dead letters. A channel that sends only what nobody understands fills them in hours, and a person should
/// look by then; what comes after that is refused without being kept, and its sender has it still.
pub const MAX_LETTERS: usize = 1_000;
/// The most dead letters of one channel: what it sends must not keep those of others from being kept.
pub const MAX_OF_CHANNEL: usize = MAX_LETTERS / 2;
/// The most bytes of all their bodies: little of the smallest SD card, and quickly backed up.
pub const MAX_LETTER_BYTES: u64 = 32 << 20;

/// The version of a letter's record.
const LETTER_VERSION: u8 = 1;

/// What a dead letter was on its way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// A message of the channel, for its plugin.
    #[n(0)]
    Inbound,
    /// What happened, for the plugin to put into the channel's format: a JSON list of events.
    #[n(1)]
    Render,
    /// A message for the channel.
    #[n(2)]
    Delivery,
}

/// A dead letter without its body.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
pub struct DeadLetter {
    /// The channel.
    #[n(0)]
    pub channel: Name,
    /// What it was on its way to.
    #[n(1)]
    pub stage: Stage,
    /// The message's id: the channel's own, or that of a delivery.
    #[n(2)]
    pub message: Box<str>,
    /// What it is about, in the channel's words.
    #[n(3)]
    pub topic: Box<str>,
    /// The media type of the body.
    #[n(4)]
    pub content_type: Box<str>,
    /// When it was first tried.
    #[n(5)]
    pub first_at: Timestamp,
    /// When it was last tried.
    #[n(6)]
    pub last_at: Timestamp,
    /// How often it was tried.
    #[n(7)]
    pub attempts: u32,
    /// The reason as one word: `malformed`, `unsupported`, `unknown-sku`, `rejected`, `refused`, `trap`, ...
    #[n(8)]
    pub cause: Box<str>,
    /// The reason as a sentence.
    #[n(9)]
    pub reason: Box<str>,
    /// How many bytes the body has.
    #[n(10)]
    pub bytes: u64,
    /// Of a message that is too large for one call of a plugin: where the piece begins that is kept of it.
    #[n(11)]
    pub piece_offset: Option<u64>,
    /// The key by which the channel wants messages in order.
    #[n(12)]
    pub ordering_key: Option<Box<str>>,
}

/// The dead letters of a node.
pub struct DeadLetters {
    reader: store::Reader,
    jobs: Jobs,
    metrics: Arc<Metrics>,
    held: Mutex<BTreeMap<EventId, Held>>,
    /// Whose turn it is to keep or discard: what is held is what the store has.
    turn: tokio::sync::Mutex<()>,
    /// Whose turn it is to replay one.
    replays: tokio::sync::Mutex<()>,
}

/// What of a letter stays in memory.
struct Held {
    bytes: u64,
    channel: Name,
    is_piece: bool,
    message: Box<str>,
}

impl DeadLetter {
    /// A message that was tried once, now.
    pub(super) fn new(channel: &Name, stage: Stage, message: &str, cause: &str, reason: String) -> Self {
        let (at, empty) = (now(), || Box::from(""));
        Self {
            channel: channel.clone(),
            stage,
            message: message.into(),
            topic: empty(),
            content_type: empty(),
            first_at: at,
            last_at: at,
            attempts: 1,
            cause: cause.into(),
            reason: reason.into(),
            bytes: 0,
            piece_offset: None,
            ordering_key: None,
        }
    }

    /// Its id: the same message with the same body is the same letter. What is rendered again after a failure states
    /// levels anew, and is the same all the same.
    fn id(&self, body: &[u8]) -> EventId {
        id_of_letter(&self.channel, self.stage, &self.message, if self.stage == Stage::Render { &[] } else { body })
    }
}

impl DeadLetters {
    pub(super) fn open(reader: store::Reader, jobs: Jobs, metrics: Arc<Metrics>) -> Result<Self, StorageError> {
        let (held, turn, replays) = Default::default();
        let letters = Self { reader, jobs, metrics, held, turn, replays };
        let held = letters.list()?.into_iter().map(|(id, letter)| (id, Held::of(&letter))).collect();
        *letters.held() = held;
        letters.show();
        Ok(letters)
    }

    /// Keeps a message; one that is kept already is noted to have been tried again. None: there is no room.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub(super) async fn keep(&self, mut letter: DeadLetter, body: &[u8]) -> Result<Option<EventId>, SubmitError> {
        letter.bytes = body.len() as u64;
        let id = letter.id(body);
        let _turn = self.turn.lock().await;
        let earlier = self.get(id)?;
        if let Some((earlier, _)) = &earlier {
            letter.first_at = earlier.first_at;
            letter.attempts = earlier.attempts.saturating_add(letter.attempts);
        } else if !self.take_room(id, &letter) {
            tracing::warn!(channel = %letter.channel, reason = %letter.reason, "no room for another dead letter");
            return Ok(None);
        }
        let labels = Labels::new(letter.channel.as_str(), &letter.cause);
        let header = kept::put(key(LETTER, id), codec::encode_versioned(LETTER_VERSION, &letter));
        let kept = vec![header, kept::put(key(LETTER_BODY, id), body.to_vec())];
        if let Err(error) = kept::commit(&self.jobs, kept).await {
            if earlier.is_none() {
                self.give_room(id);
            }
            return Err(error);
        }
        self.metrics.dead_letters_kept.get_or_create(&labels).inc();
        self.show();
        Ok(Some(id))
    }

    /// All of them, by id, without their bodies.
    ///
    /// # Errors
    /// When the store fails.
    pub fn list(&self) -> Result<Vec<(EventId, DeadLetter)>, StorageError> {
        let found = kept::under(&self.reader, LETTER, &[], MAX_LETTERS)?;
        found.into_iter().map(|(id, letter)| Ok((id_of(&id)?, letter_of(&letter)?))).collect()
    }

    /// One with its body.
    ///
    /// # Errors
    /// When the store fails.
    pub fn get(&self, id: EventId) -> Result<Option<(DeadLetter, Vec<u8>)>, StorageError> {
        let Some(letter) = self.reader.get(Table::Kept, &key(LETTER, id))? else { return Ok(None) };
        // Between the two reads it may have been discarded.
        let Some(body) = self.reader.get(Table::Kept, &key(LETTER_BODY, id))? else { return Ok(None) };
        Ok(Some((letter_of(&letter)?, body)))
    }

    /// Removes one; false where there is none.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub async fn discard(&self, id: EventId) -> Result<bool, SubmitError> {
        // Most messages that are taken were never kept: they need no turn to know that.
        if !self.held().contains_key(&id) {
            return Ok(false);
        }
        let _turn = self.turn.lock().await;
        if !self.held().contains_key(&id) {
            return Ok(false);
        }
        kept::commit(&self.jobs, Self::removal(id)).await?;
        self.give_room(id);
        self.show();
        Ok(true)
    }

    /// Waits until nobody else replays one: of two that replay the same the second finds it gone.
    pub(super) async fn replay_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.replays.lock().await
    }

    /// What removes one, to be committed with what it has become.
    pub(super) fn removal(id: EventId) -> Vec<Kept> {
        [LETTER, LETTER_BODY].map(|what| kept::remove(key(what, id))).to_vec()
    }

    /// Counts one no more that was removed, unless it was kept anew since.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn forget(&self, id: EventId) -> Result<(), StorageError> {
        let _turn = self.turn.lock().await;
        if self.reader.get(Table::Kept, &key(LETTER, id))?.is_none() {
            self.give_room(id);
            self.show();
        }
        Ok(())
    }

    /// Removes what was kept of a message of a channel that was taken after all, with this body.
    ///
    /// # Errors
    /// As for [`DeadLetters::discard`].
    pub(super) async fn settle(&self, channel: &Name, message: &str, body: &[u8]) -> Result<(), SubmitError> {
        // Without letters there is nothing to hash a body for.
        if self.held().is_empty() {
            return Ok(());
        }
        self.discard(id_of_letter(channel, Stage::Inbound, message, body)).await.map(drop)
    }

    /// Removes the pieces that were kept of a larger message that was taken after all.
    ///
    /// # Errors
    /// As for [`DeadLetters::discard`].
    pub(super) async fn settle_pieces(&self, channel: &Name, message: &str) -> Result<(), SubmitError> {
        let is_it = |held: &Held| held.is_piece && held.channel == *channel && held.message.as_ref() == message;
        let settled: Vec<_> = self.held().iter().filter(|(_, held)| is_it(held)).map(|(id, _)| *id).collect();
        for id in settled {
            self.discard(id).await?;
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<EventId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_room(&self, id: EventId, letter: &DeadLetter) -> bool {
        let mut held = self.held();
        let bytes: u64 = held.values().map(|held| held.bytes).sum();
        let of_channel = held.values().filter(|held| held.channel == letter.channel).count();
        let has_room =
            held.len() < MAX_LETTERS && of_channel < MAX_OF_CHANNEL && bytes + letter.bytes <= MAX_LETTER_BYTES;
        if has_room {
            held.insert(id, Held::of(letter));
        }
        has_room
    }

    fn give_room(&self, id: EventId) {
        self.held().remove(&id);
    }

    fn show(&self) {
        let count = self.held().len();
        self.metrics.dead_letters.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

impl Held {
    fn of(letter: &DeadLetter) -> Self {
        let (channel, message) = (letter.channel.clone(), letter.message.clone());
        Self { bytes: letter.bytes, channel, is_piece: letter.piece_offset.is_some(), message }
    }
}

fn id_of_letter(channel: &Name, stage: Stage, message: &str, body: &[u8]) -> EventId {
    let parts = [channel.as_str().as_bytes(), &[stage as u8], message.as_bytes(), body];
    EventId::hash_of("tillmesh dead letter", &parts)
}

fn key(what: u8, id: EventId) -> Vec<u8> {
    kept::key(what, &[id.as_bytes().as_slice()])
}

fn id_of(bytes: &[u8]) -> Result<EventId, StorageError> {
    bytes.try_into().map(EventId::from_bytes).map_err(|_| damaged("an id of another length"))
}

fn letter_of(bytes: &[u8]) -> Result<DeadLetter, StorageError> {
    codec::decode_versioned(LETTER_VERSION, bytes).map_err(|error| damaged(error.to_string()))
}

fn damaged(reason: impl Into<String>) -> StorageError {
    StorageError { operation: "read a dead letter".to_owned(), reason: reason.into() }
}
