//! A channel and its plugin: calls of it, from one snapshot of what it may ask, counted and logged.

use std::collections::BTreeMap;
use std::sync::Arc;

use tillmesh_core::channel::{ChannelEvent, ChannelFailure, ChannelMessage};
use tillmesh_core::engine::SharedView;
use tillmesh_core::id::Name;
use tokio::sync::Mutex;

use super::answer::Answer;
use super::call::Caller;
use super::memory::Memory;
use super::{ChannelError, Source};
use crate::config::{ChannelSettings, Settings};
use crate::metrics::Metrics;
use crate::plugin::{Acknowledged, CallContext, CallError, Export, Part, Plugin, Rendering, Translation};
use crate::runtime::PluginLog;
use crate::runtime::lookup::ViewLookup;
use crate::runtime::plugins::{Place, Plugins, Version};
use crate::store;

/// What a plugin is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// To see whether it takes a piece of a message, before any is recorded.
    Look,
    Translate,
    Render,
    Acknowledge,
}

/// A channel of the settings.
pub(in crate::runtime) struct Channel {
    pub name: Name,
    pub settings: ChannelSettings,
    /// Where its orders come from, and whose stock it is told.
    pub location: Name,
    pub plugin: Option<Arc<Place>>,
    pub view: SharedView,
    pub reader: store::Reader,
    pub metrics: Arc<Metrics>,
    pub log: Arc<PluginLog>,
    /// Whose turn it is to change what the plugin remembers.
    pub turn: Mutex<()>,
    /// What went wrong last with taking its messages from where it does not send them itself.
    pub trouble: std::sync::Mutex<BTreeMap<Source, String>>,
}

impl Channel {
    /// The channels of the settings, by name.
    pub(in crate::runtime) fn all(
        settings: &Settings,
        plugins: &Plugins,
        view: &SharedView,
        reader: &store::Reader,
        metrics: &Arc<Metrics>,
        log: &Arc<PluginLog>,
    ) -> BTreeMap<Name, Arc<Self>> {
        let channel = |(name, channel): (&Name, &ChannelSettings)| {
            let channel = Self {
                name: name.clone(),
                location: channel.location.clone().unwrap_or_else(|| settings.location.clone()),
                plugin: plugins.place(&channel.plugin).cloned(),
                settings: channel.clone(),
                view: Arc::clone(view),
                reader: reader.clone(),
                metrics: Arc::clone(metrics),
                log: Arc::clone(log),
                turn: Mutex::default(),
                trouble: std::sync::Mutex::default(),
            };
            (name.clone(), Arc::new(channel))
        };
        settings.channels.iter().map(channel).collect()
    }

    /// Who does what goes by a key, such as a message's id.
    pub(in crate::runtime) fn version(&self, key: &str) -> Result<Version, ChannelError> {
        Ok(self.place()?.version(key.as_bytes()))
    }

    /// The component at work, for what takes several calls that rest on one another.
    pub(super) fn current(&self) -> Result<Version, ChannelError> {
        Ok(Version::only(self.place()?.current()))
    }

    fn place(&self) -> Result<&Arc<Place>, ChannelError> {
        self.plugin.as_ref().ok_or_else(|| ChannelError::Unknown(self.settings.plugin.clone()))
    }

    /// What the plugin remembers, once nobody else is about to change it.
    pub(in crate::runtime) async fn memory(&self, version: &Version) -> Result<Memory<'_>, ChannelError> {
        let turn = if version.remembers() { Some(self.turn.lock().await) } else { None };
        let memory = Memory::read(&self.reader, &self.name, &self.settings.plugin, turn);
        memory.map_err(|error| ChannelError::Submit(error.into()))
    }

    /// Says what a message means.
    pub(super) async fn translate(
        &self,
        hook: Hook,
        version: &Version,
        memory: &Memory<'_>,
        message: &Arc<ChannelMessage>,
        part: Part,
    ) -> Result<Translation, ChannelError> {
        let message = Arc::clone(message);
        let call = move |plugin: &Plugin, context: &CallContext| plugin.translate_part(&message, &part, context);
        self.call(hook, version, memory, call).await
    }

    /// Puts events into the channel's format.
    pub(in crate::runtime) async fn render(
        &self,
        version: &Version,
        memory: &Memory<'_>,
        events: Vec<ChannelEvent>,
    ) -> Result<Rendering, ChannelError> {
        let call = move |plugin: &Plugin, context: &CallContext| plugin.render(&events, context);
        self.call(Hook::Render, version, memory, call).await
    }

    /// What a message is answered that was taken, or refused and why; nothing, by a plugin that acknowledges none.
    pub(super) async fn acknowledge(
        &self,
        version: &Version,
        memory: &Memory<'_>,
        message: &Arc<ChannelMessage>,
        refused: Option<ChannelFailure>,
    ) -> Result<Option<Acknowledged>, ChannelError> {
        if !version.serves(Export::Acknowledgement) {
            return Ok(None);
        }
        let message = Arc::clone(message);
        let call =
            move |plugin: &Plugin, context: &CallContext| plugin.acknowledge(&message, refused.as_ref(), context);
        self.call(Hook::Acknowledge, version, memory, call).await.map(Some)
    }

    async fn call<T: Answer>(
        &self,
        hook: Hook,
        version: &Version,
        memory: &Memory<'_>,
        call: impl Fn(&Plugin, &CallContext) -> Result<T, CallError> + Send + Sync + 'static,
    ) -> Result<T, ChannelError> {
        let context = CallContext {
            channel: self.name.clone(),
            location: self.location.clone(),
            config: self.settings.settings.clone(),
            lookup: Arc::new(ViewLookup { view: Arc::clone(&self.view), channel: self.name.clone() }),
            state: memory.reader(),
        };
        let caller = Caller {
            channel: self.name.clone(),
            place: Arc::clone(self.place()?),
            hook,
            context: Arc::new(context),
            metrics: Arc::clone(&self.metrics),
            log: Arc::clone(&self.log),
        };
        caller.call(version, call).await
    }
}

impl Hook {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Translate => "translate",
            Self::Render => "render",
            Self::Acknowledge => "acknowledge",
        }
    }
}
