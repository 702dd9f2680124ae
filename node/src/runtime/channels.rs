//! Channels: messages that come in are checked, translated by a plugin and recorded, once for each id that the channel
//! gives.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tillmesh_core::channel::{ChannelFailure, ChannelMessage};
use tillmesh_core::command::{Command, Outcome, Request, digest_of};
use tillmesh_core::engine::SharedView;
use tillmesh_core::id::Name;
use tokio::sync::Semaphore;

use super::lookup::ViewLookup;
use super::plugins::Plugins;
use super::thread::Jobs;
use super::{SubmitError, count_command};
use crate::config::{ChannelSettings, Settings, Signature};
use crate::metrics::{Metrics, Used};
use crate::plugin::{CallContext, CallError, CallFault, NoState, Part, Plugin, Translation};

pub use self::body::{Body, PIECE_BYTES, Spooled};
pub use self::pieces::InPieces;

mod body;
mod pieces;
mod signature;

/// The channels of the settings.
pub struct Channels {
    channels: BTreeMap<Name, Channel>,
    location: Name,
    folder: PathBuf,
    /// Whose turn it is to have a body in a file.
    turns: Arc<Semaphore>,
    view: SharedView,
    jobs: Jobs,
    metrics: Arc<Metrics>,
}

struct Channel {
    settings: ChannelSettings,
    plugin: Option<Arc<Plugin>>,
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
    Whole(Outcome),
    /// A larger one.
    InPieces(InPieces),
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
    /// The file of a body cannot be written or read.
    #[error("the body cannot be kept while it is read: {0}")]
    File(#[from] std::io::Error),
}

impl Channels {
    pub(super) fn new(
        settings: &Settings,
        plugins: &Plugins,
        view: &SharedView,
        jobs: Jobs,
        metrics: Arc<Metrics>,
    ) -> Self {
        let channel = |(name, settings): (&Name, &ChannelSettings)| {
            let plugin = plugins.plugin(&settings.plugin);
            (name.clone(), Channel { settings: settings.clone(), plugin })
        };
        Self {
            channels: settings.channels.iter().map(channel).collect(),
            location: settings.location.clone(),
            folder: settings.data.clone(),
            turns: Arc::new(Semaphore::new(1)),
            view: Arc::clone(view),
            jobs,
            metrics,
        }
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

    /// Takes a message: returns once everything that it means is durable.
    ///
    /// # Errors
    /// When it is not taken. Nothing of it was recorded then, unless the error says otherwise.
    pub async fn receive(&self, name: &Name, inbound: Inbound) -> Result<Taken, ChannelError> {
        let channel = self.channel(name)?;
        let (message, body) = checked(name, &channel.settings.signature, inbound).await?;
        let body = match body {
            Body::Whole(body) => body,
            Body::Spooled(body) => {
                return self.receive_pieces(name, channel, &message, body).await.map(Taken::InPieces);
            }
        };
        let id = message.id.to_string();
        let translation = self.translate(name, channel, message, Part::whole(), true).await?;
        let request = Request {
            channel: Some(name.clone()),
            digest: digest_of(&body),
            ..Request::now(Command::Channel { message: id, commands: translation.commands })
        };
        let result = self.jobs.submit(request).await;
        count_command(&self.metrics, "channel", &result);
        Ok(Taken::Whole(result?))
    }

    fn channel(&self, name: &Name) -> Result<&Channel, ChannelError> {
        self.channels.get(name).ok_or_else(|| ChannelError::Unknown(name.clone()))
    }

    async fn translate(
        &self,
        name: &Name,
        channel: &Channel,
        message: ChannelMessage,
        part: Part,
        is_noted: bool,
    ) -> Result<Translation, ChannelError> {
        let plugin_name = channel.settings.plugin.clone();
        let plugin = channel.plugin.clone().ok_or_else(|| ChannelError::Unknown(plugin_name.clone()))?;
        let context = CallContext {
            channel: name.clone(),
            location: channel.settings.location.clone().unwrap_or_else(|| self.location.clone()),
            config: channel.settings.settings.clone(),
            lookup: Arc::new(ViewLookup(Arc::clone(&self.view))),
            state: Arc::new(NoState),
        };
        let began = Instant::now();
        let called = tokio::task::spawn_blocking(move || plugin.translate_part(&message, &part, &context)).await;
        let result = called.map_err(|_| ChannelError::Submit(SubmitError::Stopping))?;
        let outcome = result.as_ref().map_or_else(|error| error.fault.label(), |_| "done");
        let report = match &result {
            Ok(translation) => &translation.report,
            Err(error) => &error.report,
        };
        // What goes well is looked at twice where a message comes in pieces, and noted once.
        if is_noted || result.is_err() {
            let used = Used { took: began.elapsed(), fuel: report.fuel, counters: &report.counters };
            self.metrics.plugins.note(plugin_name.as_str(), "translate", outcome, &used);
            for line in &report.log {
                let (level, said) = (line.level, &line.message);
                tracing::info!(plugin = %plugin_name, channel = %name, ?level, said, "plugin log");
            }
        }
        result.map_err(|error| match error.fault {
            CallFault::Failure(failure) => ChannelError::Failure { plugin: plugin_name, failure },
            _ => ChannelError::Plugin { plugin: plugin_name, error },
        })
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
