//! What happens here, told to channels: put into their format by their plugins, kept, sent until they have it.
//!
//! ```text
//!  log ──► feed: what happened behind the cursor ──► plugin ──► messages + cursor, one commit
//!  messages, in order ──► deliver: address or folder ──► removed, or a dead letter
//! ```
//!
//! The log is the queue: while a channel cannot be reached its cursor stays where it is, and no more than
//! [`MAX_OF_LOG`] messages lie rendered, with answers [`MAX_WAITING`]. A message keeps its id and its body however
//! often it is sent, also after a crash. Messages of a channel are sent in the order in which they were made, which
//! holds for every ordering key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minicbor::{CborLen, Decode, Encode};
use tillmesh_core::channel::{ChannelEvent, OutboundMessage};
use tillmesh_core::codec;
use tillmesh_core::command::{Command, Kept, Outcome, Request};
use tillmesh_core::id::{EventId, Name};
use tillmesh_core::storage::{Pair, Read as _, StorageError, Table};
use tillmesh_core::time::Timestamp;
use tillmesh_core::view::Position;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::channel_link::{Brokers, ChannelLinkError};
use super::channels::{Channel, ChannelError};
use super::kept::{self, CURSOR, OUTGOING};
use super::letters::{DeadLetter, DeadLetters};
use super::plugins::Place;
use super::thread::Jobs;
use super::{SubmitError, now};
use crate::config::DeliverySettings;
use crate::metrics::KindLabel;
use crate::plugin::Export;
use crate::webhook::EndpointError;

mod deliver;
mod feed;
mod happened;

/// How many rendered messages of a channel wait: enough to keep sending, few on the disk.
const MAX_WAITING: usize = 1_000;
/// How many wait before nothing more is taken from the log: what is left is for answers, without which no message is
/// taken.
const MAX_OF_LOG: usize = MAX_WAITING / 2;
/// The version of the records of this module.
const VERSION: u8 = 1;

/// A message on its way to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, CborLen)]
struct Outgoing {
    /// Its id, the same each time it is sent.
    #[n(0)]
    id: EventId,
    #[n(1)]
    message: OutboundMessage,
    #[n(2)]
    made_at: Timestamp,
}

/// How far a channel was told, and how many messages were made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, CborLen)]
struct Cursor {
    #[n(0)]
    position: Position,
    #[n(1)]
    next: u64,
}

/// How deliveries to a channel go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryState {
    /// How many messages wait.
    pub waiting: usize,
    /// What went wrong with the last attempt; none: nothing.
    pub trouble: Option<String>,
}

/// The way to one channel.
struct Lane {
    channel: Arc<Channel>,
    settings: DeliverySettings,
    /// Who sends, so that no two nodes or stores give one id to two messages.
    sender: String,
    jobs: Jobs,
    letters: Arc<DeadLetters>,
    cursor: tokio::sync::Mutex<Cursor>,
    /// How many messages wait, to be followed.
    waiting: watch::Sender<usize>,
    trouble: Mutex<Option<String>>,
}

/// The ways to all channels that are told.
pub struct Outbox {
    lanes: BTreeMap<Name, Arc<Lane>>,
    jobs: Jobs,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What the ways are made of.
pub(super) struct Parts {
    pub sender: String,
    pub jobs: Jobs,
    pub letters: Arc<DeadLetters>,
    pub head: watch::Receiver<Position>,
    pub brokers: Brokers,
}

/// Why the outbox does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboxError {
    /// The store fails.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The plugin cannot do it.
    #[error("the plugin {plugin} of channel {channel} does not export outbound: it cannot tell it anything")]
    NotServed {
        /// The channel.
        channel: Name,
        /// Its plugin.
        plugin: Name,
    },
    /// A channel's broker cannot be used.
    #[error(transparent)]
    Link(#[from] ChannelLinkError),
    /// A channel's endpoint cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl Outbox {
    /// Begins to tell the channels whose settings say where to.
    pub(super) async fn start(channels: &BTreeMap<Name, Arc<Channel>>, parts: &Parts) -> Result<Self, OutboxError> {
        let (mut lanes, mut tasks) = (BTreeMap::new(), Vec::new());
        for channel in channels.values() {
            let Some(settings) = channel.settings.deliver.clone() else { continue };
            let serves = |place: &Arc<Place>| place.current().exports().contains(&Export::Outbound);
            if !channel.plugin.as_ref().is_some_and(serves) {
                let (channel, plugin) = (channel.name.clone(), channel.settings.plugin.clone());
                return Err(OutboxError::NotServed { channel, plugin });
            }
            let target = deliver::Target::new(&channel.name, &settings, &parts.brokers)?;
            let lane = Arc::new(Lane::open(Arc::clone(channel), settings, parts)?);
            // From here on nothing is missed, whatever happens before there is something to tell. A node whose disk
            // takes no writes starts all the same: it serves who reads.
            if lane.written()?.is_none()
                && let Err(error) = lane.append(None, Vec::new(), Vec::new()).await
            {
                tracing::warn!(channel = %channel.name, %error, "where it begins to be told is not durable yet");
            }
            tasks.push(tokio::spawn(feed::run(Arc::clone(&lane), parts.head.clone())));
            tasks.push(tokio::spawn(deliver::run(Arc::clone(&lane), Arc::new(target))));
            lanes.insert(channel.name.clone(), lane);
        }
        Ok(Self { lanes, jobs: parts.jobs.clone(), tasks: Mutex::new(tasks) })
    }

    /// How deliveries to a channel go; none: it is not told anything.
    pub fn state(&self, channel: &Name) -> Option<DeliveryState> {
        self.lanes.get(channel).map(|lane| lane.state())
    }

    /// Sends nothing more. What was being sent is sent again by the next start.
    pub(super) fn stop(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(JoinHandle::abort);
    }

    /// Puts a dead letter's message in line again, which it then is no more. As it was it keeps its id; with another
    /// body, where it was mended, it is another message. Gives its delivery's id.
    pub(super) async fn send_again(
        &self,
        letter: &DeadLetter,
        body: Vec<u8>,
        is_mended: bool,
        removal: Vec<Kept>,
    ) -> Result<EventId, ChannelError> {
        let message = OutboundMessage {
            topic: letter.topic.clone(),
            content_type: letter.content_type.clone(),
            ordering_key: letter.ordering_key.clone(),
            body,
        };
        let id = letter.message.parse().ok().filter(|_| !is_mended);
        let ids = self.lane(&letter.channel)?.append(None, vec![(id, message)], removal).await?;
        ids.into_iter().next().ok_or(ChannelError::Submit(SubmitError::Stopping))
    }

    /// Has something done together with telling a channel of it, where that is told anything: `request` is given what
    /// is to be kept with it, and what is answered is durable only where the message is in line.
    pub(super) async fn tell(
        &self,
        channel: &Name,
        message: Option<OutboundMessage>,
        kept: Vec<Kept>,
        request: impl FnOnce(Vec<Kept>) -> Request,
    ) -> Result<Outcome, SubmitError> {
        match (self.lanes.get(channel), message) {
            (Some(lane), Some(message)) => {
                let appended = lane.append_with(None, vec![(None, message)], kept, request).await;
                appended.map(|(_, outcome)| outcome)
            }
            _ => self.jobs.submit(request(kept)).await,
        }
    }

    /// Whether another answer may be put in line: whoever repeats a message while nothing can be sent does not fill the
    /// disk with answers.
    pub(super) fn check_room(&self, channel: &Name) -> Result<(), ChannelError> {
        match self.lanes.get(channel) {
            Some(lane) if *lane.waiting.borrow() >= MAX_WAITING => {
                Err(ChannelError::AnswersWait { limit: MAX_WAITING })
            }
            _ => Ok(()),
        }
    }

    /// Has events put into the channel's format again, as they stand now, which removes what `removal` says.
    pub(super) async fn render_again(
        &self,
        letter: &DeadLetter,
        events: Vec<ChannelEvent>,
        removal: Vec<Kept>,
    ) -> Result<usize, ChannelError> {
        let lane = self.lane(&letter.channel)?;
        let events = happened::as_of_now(&lane.channel, events, now());
        let version = lane.channel.version(&letter.message)?;
        let mut memory = lane.channel.memory(&version).await?;
        let rendering = lane.channel.render(&version, &memory, events).await?;
        let mut kept = memory.take(rendering.state);
        kept.extend(removal);
        let messages = rendering.messages.into_iter().map(|message| (None, message)).collect();
        Ok(lane.append(None, messages, kept).await?.len())
    }

    fn lane(&self, channel: &Name) -> Result<&Arc<Lane>, ChannelError> {
        self.lanes.get(channel).ok_or_else(|| ChannelError::NotTold(channel.clone()))
    }
}

impl Lane {
    fn open(channel: Arc<Channel>, settings: DeliverySettings, parts: &Parts) -> Result<Self, StorageError> {
        let name = channel.name.clone();
        // A channel that was never told anything is told what happens from now on.
        let begin = Cursor { position: *parts.head.borrow(), next: 0 };
        let cursor = written(&channel)?.unwrap_or(begin);
        let waiting = kept::under(&channel.reader, OUTGOING, &[name.as_str().as_bytes()], usize::MAX)?.len();
        let lane = Self {
            channel,
            settings,
            sender: parts.sender.clone(),
            jobs: parts.jobs.clone(),
            letters: Arc::clone(&parts.letters),
            cursor: tokio::sync::Mutex::new(cursor),
            waiting: watch::Sender::new(waiting),
            trouble: Mutex::default(),
        };
        lane.count(|_| {});
        Ok(lane)
    }

    /// The cursor as the store has it.
    fn written(&self) -> Result<Option<Cursor>, StorageError> {
        written(&self.channel)
    }

    /// Puts messages at the end of the line, new ones or those that have an id, and moves the cursor, in one commit.
    /// Gives the messages' ids.
    async fn append(
        &self,
        position: Option<Position>,
        messages: Vec<(Option<EventId>, OutboundMessage)>,
        kept: Vec<Kept>,
    ) -> Result<Vec<EventId>, SubmitError> {
        let request = |kept| Request::now(Command::Keep(kept));
        self.append_with(position, messages, kept, request).await.map(|(ids, _)| ids)
    }

    /// The same in one commit with what a request does; gives what came of that, too.
    async fn append_with(
        &self,
        position: Option<Position>,
        messages: Vec<(Option<EventId>, OutboundMessage)>,
        mut kept: Vec<Kept>,
        request: impl FnOnce(Vec<Kept>) -> Request,
    ) -> Result<(Vec<EventId>, Outcome), SubmitError> {
        let mut cursor = self.cursor.lock().await;
        let mut ahead = Cursor { position: position.unwrap_or(cursor.position), ..*cursor };
        let mut ids = Vec::with_capacity(messages.len());
        for (id, message) in messages {
            let id = id.unwrap_or_else(|| self.delivery_id(ahead.next, &message));
            let outgoing = Outgoing { id, message, made_at: now() };
            kept.push(kept::put(self.key(ahead.next), codec::encode_versioned(VERSION, &outgoing)));
            ids.push(id);
            ahead.next += 1;
        }
        let at = kept::key(CURSOR, &[self.channel.name.as_str().as_bytes()]);
        kept.push(kept::put(at, codec::encode_versioned(VERSION, &ahead)));
        let outcome = match self.jobs.submit(request(kept)).await {
            Ok(outcome) => outcome,
            Err(error) => {
                // Whether it was written is not known: what the store holds counts.
                if let SubmitError::Storage(_) = error {
                    let (known, waiting) = (self.written()?.unwrap_or(*cursor), self.first(usize::MAX)?.len());
                    *cursor = known;
                    self.count(|count| *count = waiting);
                }
                return Err(error);
            }
        };
        *cursor = ahead;
        self.count(|waiting| *waiting += ids.len());
        Ok((ids, outcome))
    }

    /// The first messages of the line.
    fn first(&self, limit: usize) -> Result<Vec<(u64, Outgoing)>, StorageError> {
        let parts = [self.channel.name.as_str().as_bytes()];
        let read = |(key, value): Pair| {
            let number = key.try_into().map(u64::from_be_bytes).map_err(|_| damaged("a number of another length"))?;
            Ok((number, codec::decode_versioned(VERSION, &value).map_err(damaged)?))
        };
        kept::under(&self.channel.reader, OUTGOING, &parts, limit)?.into_iter().map(read).collect()
    }

    /// Takes a message out of the line.
    async fn remove(&self, number: u64) -> Result<(), SubmitError> {
        kept::commit(&self.jobs, vec![kept::remove(self.key(number))]).await?;
        self.count(|waiting| *waiting = waiting.saturating_sub(1));
        Ok(())
    }

    fn key(&self, number: u64) -> Vec<u8> {
        kept::key(OUTGOING, &[self.channel.name.as_str().as_bytes(), &number.to_be_bytes()])
    }

    /// The body is part of it: a store that was set back and made another message under the same number gives that
    /// another id.
    fn delivery_id(&self, number: u64, message: &OutboundMessage) -> EventId {
        let channel = self.channel.name.as_str().as_bytes();
        let parts = [self.sender.as_bytes(), channel, &number.to_be_bytes(), message.topic.as_bytes(), &message.body];
        EventId::hash_of("tillmesh delivery", &parts)
    }

    fn count(&self, change: impl FnOnce(&mut usize)) {
        self.waiting.send_modify(change);
        let waiting = i64::try_from(*self.waiting.borrow()).unwrap_or(i64::MAX);
        self.channel.metrics.outbox.get_or_create(&KindLabel::new(self.channel.name.as_str())).set(waiting);
    }

    fn state(&self) -> DeliveryState {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        DeliveryState { waiting: *self.waiting.borrow(), trouble }
    }

    fn note_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// How far a channel was told, as the store has it.
fn written(channel: &Channel) -> Result<Option<Cursor>, StorageError> {
    let at = kept::key(CURSOR, &[channel.name.as_str().as_bytes()]);
    let bytes = channel.reader.get(Table::Kept, &at)?;
    bytes.map(|bytes| codec::decode_versioned(VERSION, &bytes).map_err(damaged)).transpose()
}

fn damaged(reason: impl std::fmt::Display) -> StorageError {
    StorageError { operation: "read a message for a channel".to_owned(), reason: reason.to_string() }
}
