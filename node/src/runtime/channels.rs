//! Channels: messages that come in are checked, translated by a plugin and recorded, once for each id that the channel
//! gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use tillmesh_core::channel::{ChannelFailure, ChannelMessage, Detail, OutboundMessage};
use tillmesh_core::command::{Command, Kept, Outcome, Request, digest_of};
use tillmesh_core::id::{EventId, Name};
use tillmesh_core::refusal::Refusal;
use tokio::sync::Semaphore;

use super::letters::{DeadLetter, DeadLetters, Stage};
use super::outbox::Outbox;
use super::plugins::Version;
use super::thread::Jobs;
use super::{SubmitError, count_command};
use crate::config::{ChannelSettings, OnFailure, Signature};
use crate::plugin::{CallError, CallFault, Export, Part};

pub use self::body::{Body, PIECE_BYTES, Spooled, WHOLE_BYTES};
pub use self::pieces::InPieces;

pub(super) use self::channel::Channel;
use self::channel::Hook;
pub(super) use self::memory::Memory;

mod answer;
mod body;
mod call;
mod channel;
mod memory;
mod pieces;
mod signature;

/// The channels of the settings.
pub struct Channels {
    channels: BTreeMap<Name, Arc<Channel>>,
    folder: PathBuf,
    /// Whose turn it is to have a body in a file.
    turns: Arc<Semaphore>,
    jobs: Jobs,
    letters: Arc<DeadLetters>,
    outbox: Arc<Outbox>,
}

/// What came in.
#[derive(Debug)]
pub struct Inbound {
    /// Header names, lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, as it was signed.
    pub body: Body,
}

/// What a message came to.
#[derive(Debug)]
pub enum Taken {
    /// One that a plugin took at once.
    Whole {
        /// What was recorded.
        outcome: Outcome,
        /// What the channel is answered.
        acknowledgement: Option<OutboundMessage>,
    },
    /// A larger one.
    InPieces(InPieces),
    /// One of which nothing was made, kept; its channel does not want to be told of failures.
    AsDeadLetter {
        /// The dead letter.
        id: EventId,
        /// Why.
        reason: String,
        /// What the channel is answered.
        acknowledgement: Option<OutboundMessage>,
    },
}

/// Where a node takes a channel's messages from by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// Its watched folder.
    Folder,
    /// Its topics.
    Topics,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// There is no such channel.
    #[error("there is no channel {0}")]
    Unknown(Name),
    /// The signature does not hold.
    #[error("the signature in {header} does not hold for this body")]
    Signature {
        /// The header that carries it.
        header: &'static str,
    },
    /// A header that is needed is missing or broken.
    #[error("the header {header} is {rule}")]
    Header {
        /// The header.
        header: &'static str,
        /// What it must be.
        rule: String,
    },
    /// What the body must say of itself is missing or broken.
    #[error("{field} of the body is {rule}")]
    Body {
        /// The field.
        field: &'static str,
        /// What it must be.
        rule: String,
    },
    /// The plugin asked for it again for too long.
    #[error("it was asked for again for too long: {error}")]
    GivenUp {
        /// What was said last.
        error: Box<ChannelError>,
    },
    /// The plugin makes nothing of it.
    #[error("the plugin {plugin} did not take the message: {failure}")]
    Failure {
        /// The plugin.
        plugin: Name,
        /// Why.
        failure: ChannelFailure,
    },
    /// The plugin could not be run.
    #[error("the plugin {plugin} failed: {error}")]
    Plugin {
        /// The plugin.
        plugin: Name,
        /// Why.
        error: CallError,
    },
    /// What the message means was not done.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// What a piece of a larger message means was not done, and what pieces before it mean was.
    #[error("{error}, in the piece at byte {offset}; pieces before it are recorded: send the whole message again")]
    Piece {
        /// Where the piece begins.
        offset: u64,
        /// Why.
        error: Box<ChannelError>,
    },
    /// Nothing was made of the message, which is kept.
    #[error("{error}; it is kept as dead letter {id}")]
    DeadLetter {
        /// The dead letter.
        id: EventId,
        /// Why.
        error: Box<ChannelError>,
        /// What the channel is answered.
        acknowledgement: Option<OutboundMessage>,
    },
    /// Of a larger message one piece is kept as a dead letter.
    #[error("only the piece is kept at which the plugin stopped: the channel must send the whole message again")]
    OnlyAPiece,
    /// A file of a watched folder has more bytes than its channel takes.
    #[error("the channel takes {limit} bytes at most (max_body_megabytes)")]
    FileTooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// A message over MQTT has more bytes than are taken of it.
    #[error("a message over MQTT has {limit} bytes at most: only that there was one is kept; send it over HTTP")]
    MessageTooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// What the channel is answered could not be put in line.
    #[error("{limit} messages for the channel wait already, and it would be told of this one: send it again later")]
    AnswersWait {
        /// The most messages that wait.
        limit: usize,
    },
    /// What cannot be told cannot be kept either.
    #[error("there is no room for another dead letter: replay or discard some")]
    LettersFull,
    /// Nobody is told anything of this channel.
    #[error("the settings do not say where to send what channel {0} is told")]
    NotTold(Name),
    /// The file of a body cannot be written or read.
    #[error("the body cannot be kept while it is read: {0}")]
    File(#[from] std::io::Error),
}

impl Channels {
    pub(super) fn new(
        channels: BTreeMap<Name, Arc<Channel>>,
        folder: PathBuf,
        jobs: Jobs,
        letters: Arc<DeadLetters>,
        outbox: Arc<Outbox>,
    ) -> Self {
        Self { channels, folder, turns: Arc::new(Semaphore::new(1)), jobs, letters, outbox }
    }

    /// The channels and their settings.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &ChannelSettings)> {
        self.channels.iter().map(|(name, channel)| (name, &channel.settings))
    }

    /// The longest body that a channel takes, in bytes.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn max_body(&self, name: &Name) -> Result<u64, ChannelError> {
        self.channel(name).map(|channel| channel.settings.max_body)
    }

    /// A file for a body that does not fit in memory, once it is this one's turn.
    ///
    /// # Errors
    /// When it cannot be made.
    pub async fn spool(&self) -> Result<Spooled, ChannelError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_| ChannelError::Submit(SubmitError::Stopping))?;
        Ok(Spooled::begin(&self.folder, turn)?)
    }

    /// Takes a message: returns once everything that it means is durable, or the message itself as a dead letter.
    ///
    /// # Errors
    /// When it is not taken. Nothing of it was recorded then, unless the error says otherwise.
    pub async fn receive(&self, name: &Name, inbound: Inbound) -> Result<Taken, ChannelError> {
        let channel = self.channel(name)?;
        let (message, body) = checked(name, &channel.settings.signature, inbound).await?;
        self.receive_checked(name, message, body).await
    }

    /// Takes a message that came by a way that needs no signature.
    pub(super) async fn receive_checked(
        &self,
        name: &Name,
        message: ChannelMessage,
        body: Body,
    ) -> Result<Taken, ChannelError> {
        let (channel, message) = (self.channel(name)?, Arc::new(message));
        let taken = match body {
            Body::Whole(_) => self.take(channel, &message).await,
            Body::Spooled(body) => return self.receive_pieces(channel, &message, body).await,
        };
        match taken {
            Ok(taken) => Ok(taken),
            Err(error) => self.bury(channel, message, None, error).await,
        }
    }

    /// Keeps a message of which nothing can be made, and that its plugin is not even given.
    pub(super) async fn refuse(
        &self,
        name: &Name,
        message: ChannelMessage,
        error: ChannelError,
    ) -> Result<Taken, ChannelError> {
        self.bury(self.channel(name)?, Arc::new(message), None, error).await
    }

    /// What went wrong last with taking a channel's messages from a folder or a broker; none: nothing.
    pub fn trouble(&self, name: &Name) -> Option<String> {
        let trouble = self.channels.get(name)?.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.values().next().cloned()
    }

    pub(super) fn note_trouble(&self, name: &Name, source: Source, trouble: Option<String>) {
        let Some(channel) = self.channels.get(name) else { return };
        let mut known = channel.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble {
            Some(trouble) => drop(known.insert(source, trouble)),
            None => drop(known.remove(&source)),
        }
    }

    /// Takes a dead letter's message again, with another body where it was mended.
    ///
    /// # Errors
    /// As for [`Channels::receive`]; of a piece of a larger message always.
    pub(super) async fn take_again(&self, letter: &DeadLetter, body: Vec<u8>) -> Result<Taken, ChannelError> {
        let channel = self.channel(&letter.channel)?;
        if letter.piece_offset.is_some() {
            return Err(ChannelError::OnlyAPiece);
        }
        let message = ChannelMessage {
            channel: letter.channel.clone(),
            id: letter.message.clone(),
            topic: letter.topic.clone(),
            content_type: letter.content_type.clone(),
            received_at: letter.first_at,
            body,
        };
        self.take(channel, &Arc::new(message)).await
    }

    pub(super) fn channel(&self, name: &Name) -> Result<&Arc<Channel>, ChannelError> {
        self.channels.get(name).ok_or_else(|| ChannelError::Unknown(name.clone()))
    }

    /// Translates a message that fits into one call, and records what it means.
    async fn take(&self, channel: &Channel, message: &Arc<ChannelMessage>) -> Result<Taken, ChannelError> {
        let version = channel.version(&message.id)?;
        let mut memory = channel.memory(&version).await?;
        let translation = channel.translate(Hook::Translate, &version, &memory, message, Part::whole()).await?;
        let (commands, kept) = (translation.commands, memory.take(translation.state));
        // Before anything is recorded: what the message means and what its channel is told of it share a commit.
        let (acknowledgement, told) = self.acknowledge(channel, &version, &mut memory, message, None).await?;
        let request = |answered| {
            let command = Command::Channel { message: message.id.to_string(), commands, kept, answered };
            recording(channel, digest_of(&message.body), command)
        };
        let recorded = self.outbox.tell(&channel.name, acknowledgement.clone(), told, request).await;
        count_command(&channel.metrics, "channel", &recorded);
        drop(memory);
        let outcome = recorded?;
        self.letters.settle(&channel.name, &message.id, &message.body).await?;
        Ok(Taken::Whole { outcome, acknowledgement })
    }

    /// Keeps a message of which nothing can be made, so that a person can; what may go well when the channel sends it
    /// again is not kept.
    async fn bury(
        &self,
        channel: &Channel,
        message: Arc<ChannelMessage>,
        piece_offset: Option<u64>,
        error: ChannelError,
    ) -> Result<Taken, ChannelError> {
        let Some(cause) = error.cause() else { return Err(error) };
        // What cannot be answered now is not kept each time that it comes.
        if piece_offset.is_none() && channel.version(&message.id)?.serves(Export::Acknowledgement) {
            self.outbox.check_room(&channel.name)?;
        }
        let letter = DeadLetter {
            topic: message.topic.clone(),
            content_type: message.content_type.clone(),
            piece_offset,
            ..DeadLetter::new(&message.channel, Stage::Inbound, &message.id, cause, error.to_string())
        };
        let Some(id) = self.letters.keep(letter, &message.body).await? else { return Err(error) };
        let acknowledgement = match piece_offset {
            None => self.tell_refused(channel, &message, error.as_failure()).await?,
            Some(_) => None,
        };
        match channel.settings.on_failure {
            // Of a larger message a piece alone is kept: its sender must not forget it.
            OnFailure::Open if piece_offset.is_none() => {
                Ok(Taken::AsDeadLetter { id, reason: error.to_string(), acknowledgement })
            }
            _ => Err(ChannelError::DeadLetter { id, error: Box::new(error), acknowledgement }),
        }
    }

    /// Tells the channel that a message is refused, where it is told anything. What cannot be put in line now is told
    /// when the channel sends the message again.
    async fn tell_refused(
        &self,
        channel: &Channel,
        message: &Arc<ChannelMessage>,
        failure: ChannelFailure,
    ) -> Result<Option<OutboundMessage>, ChannelError> {
        let version = channel.version(&message.id)?;
        let mut memory = channel.memory(&version).await?;
        let (answer, kept) = self.acknowledge(channel, &version, &mut memory, message, Some(failure)).await?;
        if answer.is_some() || !kept.is_empty() {
            let request = |kept| Request::now(Command::Keep(kept));
            self.outbox.tell(&channel.name, answer.clone(), kept, request).await.map(drop)?;
        }
        Ok(answer)
    }

    /// What the channel is answered, which it is also told where it is told what happens, and what is to be kept with
    /// it.
    async fn acknowledge(
        &self,
        channel: &Channel,
        version: &Version,
        memory: &mut Memory<'_>,
        message: &Arc<ChannelMessage>,
        refused: Option<ChannelFailure>,
    ) -> Result<(Option<OutboundMessage>, Vec<Kept>), ChannelError> {
        let acknowledged = match channel.acknowledge(version, memory, message, refused).await {
            Ok(acknowledged) => acknowledged,
            // A plugin that cannot answer costs no message.
            Err(error) => {
                tracing::warn!(channel = %channel.name, message = %message.id, %error, "no acknowledgement");
                None
            }
        };
        let Some(acknowledged) = acknowledged else { return Ok((None, Vec::new())) };
        if acknowledged.answer.is_some() {
            self.outbox.check_room(&channel.name)?;
        }
        Ok((acknowledged.answer, memory.take(acknowledged.state)))
    }
}

fn recording(channel: &Channel, digest: [u8; 8], command: Command) -> Request {
    Request { channel: Some(channel.name.clone()), digest, ..Request::now(command) }
}

impl ChannelError {
    /// The same in the words of the contract with plugins.
    fn as_failure(&self) -> ChannelFailure {
        match self {
            Self::Failure { failure, .. } => failure.clone(),
            Self::GivenUp { error } => error.as_failure(),
            other => {
                let (field, value) = (Box::from(""), Box::from(""));
                ChannelFailure::Rejected(Detail { field, value, rule: other.to_string().into() })
            }
        }
    }

    /// Whether the message will never go better by itself, although it may not be kept.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::FileTooLarge { .. }) || self.cause().is_some()
    }

    /// Why nothing will ever be made of the message, in a word; none where it may go well the next time.
    pub(super) fn cause(&self) -> Option<&'static str> {
        match self {
            Self::Failure { failure: ChannelFailure::Retry(_), .. } => None,
            Self::Failure { failure, .. } => Some(failure.cause()),
            Self::Plugin { error, .. } => (!matches!(error.fault, CallFault::Host { .. })).then(|| error.fault.label()),
            Self::Submit(SubmitError::Refused(Refusal::Storage(_) | Refusal::Document(_))) => None,
            Self::Submit(SubmitError::Refused(_)) => Some("refused"),
            Self::Piece { error, .. } => error.cause(),
            Self::MessageTooLarge { .. } => Some("too-large"),
            Self::GivenUp { .. } => Some("retry"),
            _ => None,
        }
    }
}

/// The message and its body, if its signature holds. A large body is read apart from what others wait for.
async fn checked(name: &Name, signature: &Signature, inbound: Inbound) -> Result<(ChannelMessage, Body), ChannelError> {
    let (name, signature) = (name.clone(), signature.clone());
    let is_whole = matches!(inbound.body, Body::Whole(_));
    let check = move || {
        signature::check(&signature, &inbound)?;
        let message = signature::message_of(&name, &signature, &inbound)?;
        Ok((message, inbound.body))
    };
    if is_whole {
        return check();
    }
    let checked = tokio::task::spawn_blocking(check).await;
    checked.map_err(|_| ChannelError::Submit(SubmitError::Stopping))?
}

impl Inbound {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
