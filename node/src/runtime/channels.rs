//! Channels: messages that come in are checked, translated by a plugin and recorded, once for each id that the channel
//! gives.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tillmesh_core::channel::{ChannelFailure, ChannelMessage};
use tillmesh_core::command::{Command, Outcome, Request, digest_of};
use tillmesh_core::engine::SharedView;
use tillmesh_core::id::{InvalidId, Name};

use super::lookup::ViewLookup;
use super::plugins::Plugins;
use super::thread::Jobs;
use super::{SubmitError, count_command, now};
use crate::config::{ChannelSettings, Settings, Signature};
use crate::metrics::{KindLabel, Labels, Metrics};
use crate::plugin::{CallContext, CallError, CallFault, NoState, Plugin, Translation};

/// The channels of the settings.
pub struct Channels {
    channels: BTreeMap<Name, Channel>,
    location: Name,
    view: SharedView,
    jobs: Jobs,
    metrics: Arc<Metrics>,
}

struct Channel {
    settings: ChannelSettings,
    plugin: Option<Arc<Plugin>>,
}

/// What came in.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Header names, lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body, as it was signed.
    pub body: Bytes,
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
            view: Arc::clone(view),
            jobs,
            metrics,
        }
    }

    /// The channels and their settings.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &ChannelSettings)> {
        self.channels.iter().map(|(name, channel)| (name, &channel.settings))
    }

    /// Takes a message: returns once everything that it means is durable.
    ///
    /// # Errors
    /// When it is not taken; nothing of it was recorded then.
    pub async fn receive(&self, name: &Name, inbound: Inbound) -> Result<Outcome, ChannelError> {
        let channel = self.channels.get(name).ok_or_else(|| ChannelError::Unknown(name.clone()))?;
        check_signature(&channel.settings.signature, &inbound)?;
        let message = message_of(name, &channel.settings.signature, &inbound)?;
        let translation = self.translate(name, channel, message.clone()).await?;
        let request = Request {
            channel: Some(name.clone()),
            digest: digest_of(&inbound.body),
            ..Request::now(Command::Channel { message: message.id.to_string(), commands: translation.commands })
        };
        let result = self.jobs.submit(request).await;
        count_command(&self.metrics, "channel", &result);
        Ok(result?)
    }

    async fn translate(
        &self,
        name: &Name,
        channel: &Channel,
        message: ChannelMessage,
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
        let called = tokio::task::spawn_blocking(move || plugin.translate(&message, &context)).await;
        let result = called.map_err(|_| ChannelError::Submit(SubmitError::Stopping))?;
        let outcome = result.as_ref().map_or_else(|error| error.fault.label(), |_| "done");
        self.metrics.plugin_calls.get_or_create(&Labels::new("translate", outcome)).inc();
        let report = match &result {
            Ok(translation) => &translation.report,
            Err(error) => &error.report,
        };
        self.metrics.plugin_fuel.get_or_create(&KindLabel::new("translate")).inc_by(report.fuel);
        for line in &report.log {
            let (level, said) = (line.level, &line.message);
            tracing::info!(plugin = %plugin_name, channel = %name, ?level, said, "plugin log");
        }
        result.map_err(|error| match error.fault {
            CallFault::Failure(failure) => ChannelError::Failure { plugin: plugin_name, failure },
            _ => ChannelError::Plugin { plugin: plugin_name, error },
        })
    }
}

const SHOPIFY_SIGNATURE: &str = "x-shopify-hmac-sha256";
const SHOPIFY_ID: &str = "x-shopify-webhook-id";
const SHOPIFY_TOPIC: &str = "x-shopify-topic";
const PLAIN_SIGNATURE: &str = "x-signature";
const PLAIN_ID: &str = "x-message-id";
const PLAIN_TOPIC: &str = "x-topic";

/// Reads the text of a signature.
type Decode = fn(&[u8]) -> Option<Vec<u8>>;

/// Checks in constant time, over the bytes as they came.
fn check_signature(signature: &Signature, inbound: &Inbound) -> Result<(), ChannelError> {
    let (header, secret, decode): (_, _, Decode) = match signature {
        Signature::None => return Ok(()),
        Signature::Shopify(secret) => (SHOPIFY_SIGNATURE, secret, |text| data_encoding::BASE64.decode(text).ok()),
        Signature::Hex(secret) => {
            (PLAIN_SIGNATURE, secret, |text| data_encoding::HEXLOWER_PERMISSIVE.decode(text).ok())
        }
    };
    let refused = || ChannelError::Signature { header };
    let stated = decode(inbound.header(header).ok_or_else(refused)?.as_bytes()).ok_or_else(refused)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).map_err(|_| refused())?;
    mac.update(&inbound.body);
    mac.verify_slice(&stated).map_err(|_| refused())
}

fn message_of(name: &Name, signature: &Signature, inbound: &Inbound) -> Result<ChannelMessage, ChannelError> {
    let (id, topic) = match signature {
        Signature::Shopify(_) => (SHOPIFY_ID, SHOPIFY_TOPIC),
        Signature::None | Signature::Hex(_) => (PLAIN_ID, PLAIN_TOPIC),
    };
    let needed = |header: &'static str| {
        inbound.header(header).ok_or_else(|| ChannelError::Header { header, rule: "missing".to_owned() })
    };
    let message = ChannelMessage {
        channel: name.clone(),
        id: needed(id)?.into(),
        topic: needed(topic)?.into(),
        content_type: inbound.header("content-type").unwrap_or("application/octet-stream").into(),
        received_at: now(),
        body: inbound.body.to_vec(),
    };
    let broken = |error: InvalidId| ChannelError::Header { header: id, rule: error.to_string() };
    message.check().map_err(broken)?;
    Ok(message)
}

impl Inbound {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests;
